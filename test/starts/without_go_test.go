package starts

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/phpsapi/phpsapi/test/serve"
)

// report is a script that shows what a start leaves to it, and reports on descriptor 9, if it is open, whether the Go runtime was
// in this process: the C library has caught signal 33 since the first thread was made, and that alone stays.
const report = `<?php
if ($way = @fopen('php://fd/9', 'w')) fwrite($way, preg_match('/SigCgt:\s+\w*[13579bdf]\w{8}$/m', file_get_contents('/proc/self/status')) ? 'go' : 'c');
var_dump($argv, $argc, PHP_BINARY, PHP_SAPI, __FILE__, $_SERVER['argv'], $_SERVER['PHP_SELF'], $_SERVER['SCRIPT_FILENAME'],
	$_SERVER['PATH_TRANSLATED'], php_ini_loaded_file(), php_ini_scanned_files(), get_cfg_var('cfg_file_path'), PHP_CONFIG_FILE_PATH,
	PHP_CONFIG_FILE_SCAN_DIR, getenv('PHP_INI_SCAN_DIR'), get_include_path(), getcwd(), get_included_files(), gc_enabled());
ini_set('memory_limit', '256M');
foreach (ini_get_all() as $name => $value) echo $name, ' ', json_encode($value), "\n";
foreach (preg_grep('/^(SigPnd|SigBlk|SigIgn|ShdPnd)/', file('/proc/self/status')) as $line) echo $line;
preg_match('/SigCgt:\s+\w*(\w{8})$/m', file_get_contents('/proc/self/status'), $caught); echo $caught[1], "\n";
echo implode(preg_grep('/^(Threads|Cpus_allowed):/', file('/proc/self/status'))), file_get_contents('/proc/self/limits');
echo file_get_contents('/proc/self/comm'), file_get_contents('/proc/self/cmdline'), file_get_contents('/proc/self/timerslack_ns');
foreach (scandir('/proc/self/fd') as $fd) if ($fd < 3) echo $fd, ' ', @readlink("/proc/self/fd/$fd"), "\n";
echo json_encode(getenv()), "\n";
fprintf(STDERR, "to standard error %d\n", defined('STDIN'));
if (($argv[1] ?? '') === 'exit') exit(7);
if (($argv[1] ?? '') === 'throw') throw new Exception('thrown');
`

// The ways are given apart from their options, so that each goes with each.
var (
	optionSets = []string{"", "-n", "-n -d x=y", "-d memory_limit=99M -d display_errors=0", "-dmemory_limit=1G", "-d=memory_limit=98M",
		"-nd precision=5", "-d error_reporting=E_ALL&~E_NOTICE", "-d html_errors", "-d include_path=/x:/y", "-d a=", "-d error_log=\"q\"", "-c .", "-c DIR/other.ini",
		"-cDIR", "-c /none", "-c x -c DIR", "-c DIR -n", "-e", "-q", "-C", "-neq", "-d -- -n", "-d auto_prepend_file=DIR/before.php"}
	works = []string{"report.php", "report.php a -n --", "-f report.php", "-freport.php a b", "-f report.php -- -x", "report.php exit", "report.php throw",
		"-r require'report.php';", "-rrequire'report.php'; a -r b", "-r require'report.php'; -- -a b", "-r exit(3);", "-r syntax(", "-r=echo\"x\";", "none.php", "DIR",
		"-l report.php", "-l broken.php", "-l", "-l none.php", "broken.php", "-- a b", "", "-f none.php"}
	environments = []string{"", "PHPRC=DIR/other.ini", "PHPRC=DIR", "PHPRC=/none", "PHPRC=", "PHP_INI_SCAN_DIR=", "PHP_INI_SCAN_DIR=DIR/scan", "PHP_INI_SCAN_DIR=:DIR/scan",
		"PHP_INI_SCAN_DIR=DIR/scan::", "PHPSAPI_ENGINE=VERSION", "PHPSAPI_ENGINE=LIBPHP", "PHPSAPI_ENGINE=/none.so", "PHPSAPI_ENGINE=7.4", "PHPSAPI_ENGINE=x y",
		"PATH=DIR", "PATH=:/usr/bin", "PATH=/usr/bin/:/bin", "PATH=", "GODEBUG=x=1", "LD_BIND_NOW=1"}
	// What is not ordinary, or wrong.
	others = []string{"-v", "-m", "-h", "--ini", "-nn", "-Q", "-n -Q", "-r", "-d", "-f", "-r 1; -r 2;", "-r 1; -f report.php", "-f report.php -r 1;", "-l -r 1;",
		"-r 1; -l", "-l report.php broken.php", "-B echo(1);", "-R echo(1);", "-w report.php", "-s report.php", "-z none", "-H report.php", "--rf strlen", "--run echo(1);",
		"--define a=b report.php", "-n: report.php", "-", "--", "-a", "--engine VERSION report.php", "--engine 7.4 report.php", "--engine=LIBPHP -n report.php", "--engine",
		"-t . report.php", "report.php --engine x"}
)

func directory(t *testing.T) string {
	dir := t.TempDir()
	for name, text := range map[string]string{"report.php": report, "broken.php": "<?php syntax(", "before.php": "<?php echo 'before';",
		"other.ini": "precision=7\nmemory_limit=55M\n", "php.ini": "precision=8\n", "php-cli.ini": "precision=9\n", "scan/a.ini": "precision=10\n"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"php", "php" + serve.Stock().Version, "phpsapi"} {
		if err := os.Symlink(filepath.Join(programs, "phpsapi"), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A call is a command line, its words apart by spaces. before is what a shell does before it; if it is empty, no shell is started.
type call struct{ program, words, environment, before string }

func (c call) run(t *testing.T, dir string, environment ...string) (outcome, by string) {
	replace := strings.NewReplacer("DIR", dir, "VERSION", serve.Stock().Version, "LIBPHP", serve.Stock().Libphp).Replace
	read, write, err := os.Pipe()
	if err != nil {
		t.Error(err)
		return "", ""
	}
	program := replace(c.program)
	words := c.executed(replace)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Args[0] = program
	if c.before != "" {
		cmd = exec.Command("/bin/bash", append([]string{"-c", c.before + `; path=$1; shift; exec -a "$path" "$@"`, "bash", program}, words...)...)
	}
	cmd.Dir, cmd.ExtraFiles = dir, []*os.File{9 - 3: write}
	cmd.Env = append([]string{"PATH=" + dir + ":/usr/local/bin:/usr/bin:/bin", "HOME=/"}, environment...)
	if c.environment != "" {
		cmd.Env = append(cmd.Env, replace(c.environment))
	}
	cmd.Stdin = strings.NewReader("<?php var_dump($argv); echo 'from standard input';")
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	err = cmd.Run()
	write.Close()
	buffer := make([]byte, 8)
	n, _ := read.Read(buffer)
	read.Close()
	said := way.ReplaceAllString(out.String()+"\x00"+errors.String(), "$1")
	return fmt.Sprintf("%s\n%v", pipes.ReplaceAllString(said, "pipe"), err), string(buffer[:n])
}

func (c call) executed(replace func(string) string) []string {
	words := []string{filepath.Join(programs, "phpsapi")}
	for word := range strings.FieldsSeq(c.words) {
		words = append(words, replace(word))
	}
	return words
}

// Without Go a command line is what it is with Go.
func TestStartsWithoutGoAreTheSame(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	var calls []call
	for i, options := range optionSets {
		for j, work := range works {
			if (i+j)%5 == 0 || i == 0 || j == 0 {
				calls = append(calls, call{program: "DIR/php", words: options + " " + work})
			}
		}
	}
	for _, environment := range environments {
		for _, program := range []string{"DIR/php", "php", "phpsapi cli"} {
			calls = append(calls, call{program: program, words: "report.php", environment: environment})
		}
	}
	for _, words := range others {
		calls = append(calls, call{program: "DIR/php", words: words})
	}
	for _, program := range []string{"php", "./php", "DIR/../DIR/php", "DIR//php", "phpVERSION", "DIR/phpVERSION", "php7.4", "php8", "phpsapi", "DIR/phpsapi", "phpsapi8.2", "php/", ""} {
		for _, words := range []string{"report.php", "cli report.php", "-n -r 1;", "help", "-r require'./report.php';"} {
			calls = append(calls, call{program: program, words: words})
		}
	}
	for _, before := range []string{"trap '' PIPE", "trap '' INT TERM USR1", "ulimit -n 77", "ulimit -Sn 100", "exec 0<&-", "exec 2>&-", "taskset -p 1 $$ >/dev/null", "umask 077"} {
		calls = append(calls, call{program: "DIR/php", words: "report.php", before: before}, call{program: "DIR/php", words: "-n -r require'report.php';", before: before})
	}
	ways := map[string]int{}
	var mu sync.Mutex // of ways
	left := make(chan call)
	var runners sync.WaitGroup
	for range runtime.NumCPU() {
		runners.Go(func() {
			for c := range left {
				by := c.compare(t, dir)
				mu.Lock()
				ways[by]++
				mu.Unlock()
			}
		})
	}
	for _, c := range calls {
		if name, cli := strings.CutSuffix(c.program, " cli"); cli {
			c.program, c.words = name, "cli "+c.words
		}
		left <- c
	}
	close(left)
	runners.Wait()
	t.Logf("%d command lines; of those that said it %d ran without Go, %d with it", len(calls), ways["c"], ways["go"])
	if ways["c"] < 80 {
		t.Errorf("only %d of %d ran without Go", ways["c"], len(calls))
	}
}

// compare runs a command line with Go and without, and returns how it ran the second time.
func (c call) compare(t *testing.T, dir string) string {
	want, by := c.run(t, dir, "PHPSAPI_START=go")
	if by == "c" {
		t.Errorf("%+v: Go was asked for, and was not there", c)
	}
	got, by := c.run(t, dir, "PHPSAPI_START=no")
	if got != want {
		t.Errorf("%+v: got %s\nwith Go %s", c, difference(got, want), difference(want, got))
	}
	return by
}

// difference returns what of a text differs from another's, and what follows it.
func difference(text, other string) string {
	i := 0
	for i < min(len(text), len(other)) && text[i] == other[i] {
		i++
	}
	return fmt.Sprintf("%.300q", text[max(i-40, 0):])
}

// way is the variable that is not the same in both.
var way = regexp.MustCompile(`(PHPSAPI_START\W+)(go|no)`)

var pipes = regexp.MustCompile(`(pipe|socket):\[\d+\]`)

// What people write most must not start Go.
func TestOrdinaryCommandLinesStartNoGo(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	for _, c := range []call{{program: "php", words: "report.php a b"}, {program: "DIR/php", words: "-n -d a=b report.php"}, {program: "DIR/phpVERSION", words: "-f report.php"},
		{program: "phpsapi", words: "cli report.php"}, {program: "phpsapi", words: "report.php"}, {program: "php", words: "-r require'report.php';"}} {
		if said, by := c.run(t, dir); by != "c" {
			t.Errorf("%+v: ran by %q: %s", c, by, said)
		}
	}
}
