package cli_test

import (
	"bytes"
	"context"
	"debug/elf"
	bits "encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// A libphp is Debian's, changed as an update might change it. Its methods change the copy in memory.
type libphp struct {
	t    *testing.T
	file []byte
}

// The API number of stock PHP, and the build id of its libphp.
var (
	apiNumber = serve.Stock().API()
	buildID   = fmt.Sprintf("API%d,NTS", apiNumber)
)

func newLibphp(t *testing.T) *libphp {
	t.Helper()
	path := os.Getenv("PHPSAPI_ENGINE")
	if path == "" {
		path = serve.Stock().Libphp
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &libphp{t, file}
}

// grow adds to the size of a structure, as its symbol tells it.
func (l *libphp) grow(structure string, bytesMore int) {
	l.t.Helper()
	object, err := elf.NewFile(bytes.NewReader(l.file))
	if err != nil {
		l.t.Fatal(err)
	}
	symbols, err := object.DynamicSymbols()
	if err != nil {
		l.t.Fatal(err)
	}
	for i, symbol := range symbols {
		if symbol.Name == structure {
			const size = 16 // where st_size is in Elf64_Sym
			entry := object.Section(".dynsym").Offset + uint64(i+1)*elf.Sym64Size
			bits.LittleEndian.PutUint64(l.file[entry+size:], symbol.Size+uint64(bytesMore))
			return
		}
	}
	l.t.Fatalf("libphp has no %s", structure)
}

// hide takes a function away, if there is one of that name.
func (l *libphp) hide(function string) {
	l.t.Helper()
	object, err := elf.NewFile(bytes.NewReader(l.file))
	if err != nil {
		l.t.Fatal(err)
	}
	symbols, err := object.DynamicSymbols()
	if err != nil {
		l.t.Fatal(err)
	}
	for i, symbol := range symbols {
		if symbol.Name == function {
			const other = 5 // where st_other is in Elf64_Sym
			l.file[object.Section(".dynsym").Offset+uint64(i+1)*elf.Sym64Size+other] = byte(elf.STV_HIDDEN)
		}
	}
}

// replace replaces bytes by as many others, wherever they are.
func (l *libphp) replace(old, new string) {
	l.t.Helper()
	if len(old) != len(new) || !bytes.Contains(l.file, []byte(old)) {
		l.t.Fatalf("libphp has no %q that %q could replace", old, new)
	}
	l.file = bytes.ReplaceAll(l.file, []byte(old), []byte(new))
}

// run runs one of phpsapi's programs on the changed libphp.
func (l *libphp) run(args ...string) (stdout, stderr string) {
	l.t.Helper()
	return runOn(l.write(), args...)
}

// write returns the path of a file with the changed libphp.
func (l *libphp) write() string {
	l.t.Helper()
	path := filepath.Join(l.t.TempDir(), "libphp.so")
	if err := os.WriteFile(path, l.file, 0o644); err != nil {
		l.t.Fatal(err)
	}
	return path
}

func runOn(engine string, args ...string) (stdout, stderr string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	var out, errors strings.Builder
	cmd.Env = append(os.Environ(), "PHPSAPI_ENGINE="+engine)
	cmd.Stdout, cmd.Stderr = &out, &errors
	cmd.Run() // how it ends shows in what it writes
	return out.String(), errors.String()
}

// A security update of PHP appends a field to a structure: 8.2.36 appended 24 bytes to executor_globals. Programs that were
// built before it start as before.
func TestStructuresThatAnUpdateMadeLonger(t *testing.T) {
	t.Parallel()
	for _, structure := range []string{"basic_globals", "compiler_globals", "core_globals", "executor_globals", "file_globals", "sapi_globals",
		"sapi_module", "zend_signal_globals"} {
		t.Run(structure, func(t *testing.T) {
			t.Parallel()
			l := newLibphp(t)
			l.grow(structure, 24)
			if out, errors := l.run("cli", "-n", "-r", "echo PHP_SAPI;"); out != "cli" || errors != "" {
				t.Errorf("php wrote %q and %q", out, errors)
			}
			if out, errors := l.run("cgi", "-n", "-q", "testdata/sapi.php"); out != "cgi-fcgi" || errors != "" {
				t.Errorf("php-cgi wrote %q and %q", out, errors)
			}
		})
	}
}

// And an older libphp has shorter ones. Only fields that phpsapi uses must be there.
func TestStructuresThatLackWhatIsNotUsed(t *testing.T) {
	t.Parallel()
	l := newLibphp(t)
	l.grow("executor_globals", -24)
	l.grow("core_globals", -8)
	l.grow("sapi_module", -8) // input_filter_init
	if out, errors := l.run("cli", "-n", "-r", "echo PHP_SAPI;"); out != "cli" || errors != "" {
		t.Errorf("php wrote %q and %q", out, errors)
	}
}

// 8.2.36 added two functions that its headers call: programs built with them did not run on 8.2.32.
func TestLibphpWithoutTheFunctionsThatAnUpdateAdded(t *testing.T) {
	t.Parallel()
	l := newLibphp(t)
	l.hide("smart_str_ferealloc")
	l.hide("smart_str_frealloc")
	if out, errors := l.run("cli", "-n", "-r", "echo PHP_SAPI;"); out != "cli" || errors != "" {
		t.Errorf("php wrote %q and %q", out, errors)
	}
}

// What phpsapi cannot run is refused in one sentence, which names what differs.
func TestLibphpThatDoesNotFit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*libphp)
		want   string
	}{
		"a structure that is too short": {
			func(l *libphp) { l.grow("executor_globals", -1400) },
			`is a PHP \d\.\d that phpsapi's engine, built with the headers of \d\.\d\.\d+, cannot use: its executor_globals has \d+ bytes and must have at least \d+ \(build phpsapi with the headers`,
		},
		"a module that the room for it is too small for": {
			func(l *libphp) { l.grow("sapi_module", 4096) },
			`its sapi_module has \d+ bytes and must have at most \d+ `,
		},
		"another build id": {
			func(l *libphp) { l.replace(buildID, fmt.Sprintf("API%d,NTS", apiNumber+1)) },
			fmt.Sprintf(`is a PHP \(API%d,NTS\) for which no engine is inside phpsapi: .*PHP %s\.\d+ \(API%d,NTS\).* is inside \(build phpsapi with that PHP's headers`,
				apiNumber+1, regexp.QuoteMeta(serve.Stock().Version), apiNumber),
		},
		"threads": {
			func(l *libphp) { l.replace(buildID+"\x00", fmt.Sprintf("API%d,TS\x00\x00", apiNumber)) },
			fmt.Sprintf(`is a thread-safe PHP \(API%d,TS\), and phpsapi runs only others \(NTS\) \(name a libphp in PHPSAPI_ENGINE that was built without`, apiNumber),
		},
		"a debug build": {
			func(l *libphp) { l.replace(buildID+"\x00", fmt.Sprintf("API%d,DBG\x00", apiNumber)) },
			fmt.Sprintf(`is a PHP \(API%d,DBG\) `, apiNumber),
		},
		"another API number": {
			func(l *libphp) {
				l.replace(string(bits.LittleEndian.AppendUint32(nil, apiNumber)), string(bits.LittleEndian.AppendUint32(nil, apiNumber+1)))
				l.replace(buildID, fmt.Sprintf("API%d,NTS", apiNumber+1))
			},
			fmt.Sprintf(`is a PHP \(API%d,NTS\) `, apiNumber+1),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLibphp(t)
			c.change(l)
			out, errors := l.run("cli", "-n", "-r", "echo 1;")
			if out != "" || !regexp.MustCompile(`^\S+/libphp\.so: .*`+c.want+`.*\n$`).MatchString(errors) {
				t.Errorf("php wrote %q and %q, want %s", out, errors, c.want)
			}
		})
	}
}

// A libphp that lacks something altogether, with the table of symbols in GNU's form or in the older one of other linkers.
func TestLibphpThatLacksSymbols(t *testing.T) {
	t.Parallel()
	const structures = "char basic_globals[4096], compiler_globals[4096], core_globals[4096], executor_globals[4096], file_globals[4096], " +
		"zend_signal_globals[4096], sapi_module[280]"
	for _, c := range []struct{ name, objects, want string }{
		{"a structure", structures, "it has no sapi_globals ("},
		{"a function", structures + ", sapi_globals[4096]", "it has no OnUpdateBool ("},
		{"half of a structure", structures + ", sapi_globals[40]", "its sapi_globals has 40 bytes and must have at least "},
	} {
		for _, style := range []string{"gnu", "sysv"} {
			t.Run(c.name+", "+style, func(t *testing.T) {
				t.Parallel()
				shim := filepath.Join(t.TempDir(), "libphp.so")
				cc := exec.Command("cc", "-shared", "-fPIC", "-Wl,--hash-style="+style, "-o", shim, "-x", "c", "-")
				cc.Stdin = strings.NewReader("const char build_id[] = \"" + buildID + "\";\nvoid php_module_startup(void) {}\n" + c.objects + ";\n")
				if said, err := cc.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, said)
				}
				if _, errors := runOn(shim, "cli", "-v"); !strings.Contains(errors, "is a PHP "+serve.Stock().Version+" that phpsapi's engine, ") || !strings.Contains(errors, c.want) {
					t.Errorf("php wrote %q, want %q", errors, c.want)
				}
			})
		}
	}
}

// A copy that was interrupted ended php with SIGBUS, and a pipe was waited for.
func TestEngineThatTheLoaderMustNotHave(t *testing.T) {
	l, dir := newLibphp(t), t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{
		pipe:        "is a pipe, and an engine is a file (name a libphp in PHPSAPI_ENGINE)\n",
		dir:         "is a directory, and an engine is a file (name a libphp in PHPSAPI_ENGINE)\n",
		"/dev/zero": "is a device, and an engine is a file (name a libphp in PHPSAPI_ENGINE)\n",
	}
	for _, length := range []int{1 << 12, len(l.file) / 4, len(l.file) / 2, len(l.file) - 1} {
		file := filepath.Join(dir, strconv.Itoa(length)+".so")
		if err := os.WriteFile(file, l.file[:length], 0o644); err != nil {
			t.Fatal(err)
		}
		cases[file] = fmt.Sprintf("is cut off: it has %d bytes, and by its headers at least %d (copy or install it again, or name another libphp in PHPSAPI_ENGINE)\n",
			length, len(l.file))
	}
	// Of a copy that had its length from the beginning php wrote the stacks of all goroutines.
	for _, length := range []int{1 << 12, len(l.file) / 2, len(l.file) - 1<<10} {
		file := filepath.Join(dir, "zeros"+strconv.Itoa(length)+".so")
		if err := os.WriteFile(file, append(slices.Clone(l.file[:length]), make([]byte, len(l.file)-length)...), 0o644); err != nil {
			t.Fatal(err)
		}
		cases[file] = "ends in zeros, as a copy that was interrupted (copy or install it again, or name another libphp in PHPSAPI_ENGINE)\n"
	}
	// The servers gave PHPSAPI_ENGINE as the way out of --engine.
	t.Setenv("PHP_FCGI_CHILDREN", "1")
	for _, server := range [][]string{{"cli", "-S", serve.Address(t)}, {"cgi", "-b", serve.Address(t)}} {
		want := pipe + ": is a pipe, and an engine is a file (name a libphp with --engine)\n"
		if _, errors := runOn("", append([]string{"--engine", pipe}, server...)...); !strings.HasSuffix(errors, want) {
			t.Errorf("%s wrote %q, want %q", server, errors, want)
		}
	}
	for file, want := range cases {
		if out, errors := runOn(file, "cli", "-n", "-r", "echo 1;"); out != "" || errors != file+": "+want {
			t.Errorf("php wrote %q and %q, want %q", out, errors, want)
		}
		if out, _ := runOn(file, "engines"); !strings.Contains(out, "\n  cannot run  "+want) {
			t.Errorf("listed so:\n%s", out)
		}
	}
}

// phpsapi fpm has a zygote load libphp.
func TestServiceOnALibphpThatDoesNotFit(t *testing.T) {
	t.Parallel()
	l := newLibphp(t)
	l.grow("executor_globals", -1400)
	conf := filepath.Join(t.TempDir(), "php-fpm.conf")
	if err := os.WriteFile(conf, []byte(serve.FPMConf(t.TempDir(), "error_log = /proc/self/fd/2", "pm = static\npm.max_children = 1\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	_, errors := l.run("fpm", "-F", "-n", "-y", conf)
	if !strings.Contains(errors, "its executor_globals has ") {
		t.Errorf("phpsapi fpm wrote %q", errors)
	}
}

// A libphp that is not Debian's looks for php.ini and for further files where it was configured to; Debian's where the packages
// of the front ends have them, wherever its file is.
func TestLibphpLooksForSettingsWhereItWasConfiguredTo(t *testing.T) {
	t.Parallel()
	l := newLibphp(t)
	debian := "/etc/php/" + serve.Stock().Version
	if out, errors := l.run("cli", "--ini"); !strings.HasPrefix(out, "Configuration File (php.ini) Path: "+debian+"/cli\n") || errors != "" {
		t.Errorf("Debian's, elsewhere: %q and %q", out, errors)
	}
	own := fmt.Sprintf("/tmp/php%0*d", len(debian+"/embed")-len("/tmp/php"), os.Getpid())
	t.Cleanup(func() { os.RemoveAll(own) })
	if err := os.MkdirAll(own+"/conf.d", 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"/php.ini": "user_agent=own\n", "/conf.d/a.ini": "memory_limit=77M\n"} {
		if err := os.WriteFile(own+file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l.replace(debian+"/embed", own)
	want := "Configuration File (php.ini) Path: " + own + "\nLoaded Configuration File:         " + own + "/php.ini\n" +
		"Scan for additional .ini files in: " + own + "/conf.d\nAdditional .ini files parsed:      " + own + "/conf.d/a.ini\n\n"
	if out, errors := l.run("cli", "--ini"); out != want || errors != "" {
		t.Errorf("got %q and %q, want %q", out, errors, want)
	}
	const code = "echo PHP_CONFIG_FILE_PATH, ' ', ini_get('user_agent'), ' ', ini_get('memory_limit'), ' ', getenv('PHP_INI_SCAN_DIR');"
	if out, _ := l.run("cli", "-r", code); out != own+" own 77M " {
		t.Errorf("php has %q", out)
	}
	// php-fpm.conf, which the master reads, got the values of Debian's.
	conf := filepath.Join(t.TempDir(), "php-fpm.conf")
	if err := os.WriteFile(conf, []byte(serve.FPMConf(t.TempDir(), "error_log = /proc/self/fd/2",
		"pm = static\npm.max_children = 1\nenv[A] = ${user_agent}\nenv[B] = ${memory_limit}\nenv[C] = PHP_CONFIG_FILE_PATH\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"fpm", "-R", "-tt", "-y", conf}, {"--engine", l.write(), "fpm", "-R", "-tt", "-y", conf}} {
		_, said := l.run(args...)
		for _, want := range []string{"env[A] = own", "env[B] = 77M", "env[C] = " + own} {
			if !strings.Contains(said, "NOTICE: \t"+want) {
				t.Errorf("%q: no %s in\n%s", args, want, said)
			}
		}
	}
	if out, _ := l.run("cli", "-n", "-r", "var_dump(php_ini_loaded_file(), php_ini_scanned_files());"); out != "bool(false)\nbool(false)\n" {
		t.Errorf("-n has %q", out)
	}
	if out, _ := l.run("cli", "-c", debian+"/cli", "-r", "echo php_ini_loaded_file();"); out != debian+"/cli/php.ini" {
		t.Errorf("-c has %q", out)
	}
}

// What was found, and what was not, each tried in a process of its own.
func TestEnginesAreListed(t *testing.T) {
	t.Parallel()
	out, errors := runOn(serve.Stock().Libphp, "engines")
	for _, want := range []string{
		`(?m)^PHP ` + regexp.QuoteMeta(serve.Stock().Version) + `\.\d+, .*/libphp.*\.so$`, `(?m)^  build       ` + buildID + `$`,
		`(?m)^  kind        libphp of the distribution$`, `(?m)^  php\.ini     .*/cli`, `(?m)^  extensions  /`, `(?m)^  runs        PHPSAPI_ENGINE$`,
	} {
		if !regexp.MustCompile(want).MatchString(out) || errors != "" {
			t.Errorf("no line %s in\n%s\nand %q", want, out, errors)
		}
	}
	l := newLibphp(t)
	l.replace(buildID+"\x00", strings.Replace(buildID, "NTS", "TS\x00", 1)+"\x00")
	if out, _ := l.run("engines"); !strings.Contains(out, "/libphp.so\n  kind        libphp\n  runs        PHPSAPI_ENGINE\n  cannot run  ") {
		t.Errorf("a PHP with threads is listed so:\n%s", out)
	}
	out, _ = runOn("9.9", "engines")
	if !strings.HasPrefix(out, "none runs: PHPSAPI_ENGINE: there is no engine for PHP 9.9 inside") {
		t.Errorf("got %s", out)
	}
}

// On a full disk the advice was to read the help.
func TestEnginesOnAFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	var errors strings.Builder
	cmd := exec.Command(binary, "engines")
	cmd.Stdout, cmd.Stderr = full, &errors
	if err := cmd.Run(); err == nil || errors.String() != "phpsapi engines: write /dev/stdout: no space left on device\n" {
		t.Errorf("%v, and it wrote %q", err, errors.String())
	}
}

func TestVersionNamesThePHPsThatItWasBuiltWithAndRuns(t *testing.T) {
	t.Parallel()
	l := newLibphp(t)
	version := serve.Stock().Version
	l.file = regexp.MustCompile(regexp.QuoteMeta(version)+`\.\d\d\x00`).ReplaceAll(l.file, []byte(version+".99\x00"))
	out, errors := l.run("version")
	want := fmt.Sprintf(`^phpsapi .*\n(?:built with PHP %[1]s\.\d+ \(%[2]s\)\n)+runs PHP %[1]s\.99 \(%[2]s\), /.*/libphp\.so\nchosen: PHPSAPI_ENGINE\n$`, regexp.QuoteMeta(version), buildID)
	if !regexp.MustCompile(want).MatchString(out) || errors != "" {
		t.Errorf("phpsapi version wrote %q and %q", out, errors)
	}
}

// A copy of libphp was built when it was copied.
func TestVersionTellsWhenPHPWasCompiled(t *testing.T) {
	t.Parallel()
	l := newLibphp(t)
	info, _ := l.run("cli", "-i")
	date := regexp.MustCompile(`(?m)^Build Date => (.*)$`).FindStringSubmatch(info)
	if date == nil {
		t.Fatalf("no build date in\n%s", info)
	}
	for _, frontEnd := range []string{"cli", "cgi", "fpm"} {
		if out, errors := l.run(frontEnd, "-v"); !strings.Contains(out, " (built: "+date[1]+")") || strings.Contains(out, "Build Date") || errors != "" {
			t.Errorf("%s -v wrote %q and %q, want %s", frontEnd, out, errors, date[1])
		}
	}
}

// compiled are the objects of the engine's sources: with them, the engines of the tests are compiled once.
var compiled = sync.OnceValues(func() (map[string]string, error) {
	sources, err := filepath.Glob("../../lifecycle/engine/*.c")
	if err != nil || len(sources) == 0 {
		return nil, fmt.Errorf("no sources of the engine: %v", err)
	}
	objects := map[string]string{}
	for i, source := range sources {
		if sources[i], err = filepath.Abs(source); err != nil {
			return nil, err
		}
		objects[sources[i]] = filepath.Join(filepath.Dir(binary), strings.TrimSuffix(filepath.Base(source), ".c")+".o")
	}
	return objects, compile(filepath.Dir(binary), sources)
})

// compile compiles sources of the engine to objects in a directory.
func compile(dir string, sources []string, flags ...string) error {
	includes, err := exec.Command("php-config"+serve.Stock().Version, "--includes").Output()
	if err != nil {
		return err
	}
	headers, err := filepath.Abs("../../lifecycle")
	if err != nil {
		return err
	}
	args := append([]string{"-c", "-fPIC", "-fvisibility=hidden", "-D_GNU_SOURCE", "-I" + headers}, flags...)
	cc := exec.Command("cc", append(append(args, strings.Fields(string(includes))...), sources...)...)
	cc.Dir = dir
	if said, err := cc.CombinedOutput(); err != nil {
		return fmt.Errorf("cc: %w\n%s", err, said)
	}
	return nil
}

// anEngine builds an engine that is a file of its own: linked to stock libphp. If macro is not empty, it has another value
// where the sources name it.
func anEngine(t *testing.T, macro, value string) string {
	t.Helper()
	objects, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var all, changed []string
	for source, object := range objects {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if macro != "" && bytes.Contains(text, []byte(macro)) {
			changed = append(changed, source)
			object = filepath.Join(dir, filepath.Base(object))
		}
		all = append(all, object)
	}
	if macro != "" {
		if len(changed) == 0 {
			t.Fatalf("no source of the engine names %s", macro)
		}
		if err := compile(dir, changed, "-D"+macro+"="+value); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "engine.so")
	if said, err := exec.Command("cc", append(append([]string{"-shared", "-o", file}, all...), serve.Stock().Libphp)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return file
}

// A path may name an engine that needs none of those inside: it is linked to its PHP, or contains it.
func TestEngineThatIsAFileOfItsOwn(t *testing.T) {
	t.Parallel()
	file := anEngine(t, "", "")
	if out, errors := runOn(file, "cli", "-n", "-r", "echo PHP_SAPI, ini_get('memory_limit');"); out != "cli128M" || errors != "" {
		t.Errorf("php wrote %q and %q", out, errors)
	}
	if out, errors := runOn(file, "cgi", "-n", "-q", "testdata/sapi.php"); out != "cgi-fcgi" || errors != "" {
		t.Errorf("php-cgi wrote %q and %q", out, errors)
	}
	if out, errors := runOn(file, "cli", "-i"); !strings.Contains(out, "\nConfiguration File (php.ini) Path => /etc/php/"+serve.Stock().Version+"/cli\n") || errors != "" {
		t.Errorf("php -i wrote %q and %q", out, errors)
	}
	if out, _ := runOn(file, "version"); !strings.Contains(out, ", "+file+"\n") {
		t.Errorf("phpsapi version wrote %q", out)
	}
}

func TestEngineOfAnotherContract(t *testing.T) {
	t.Parallel()
	file := anEngine(t, "ENGINE_CONTRACT", "99")
	want := file + ": its engine for PHP " + serve.Stock().Version + " has version 99 of the contract between engine and program,"
	const wayOut = " (compile it again from the sources of this phpsapi, as docs/ENGINES.md says, or name a libphp in PHPSAPI_ENGINE)\n"
	if out, errors := runOn(file, "cli", "-n", "-r", "echo 1;"); out != "" || !strings.HasPrefix(errors, want) || !strings.HasSuffix(errors, wayOut) {
		t.Errorf("php wrote %q and %q, want %q", out, errors, want)
	}
}
