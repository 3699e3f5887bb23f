package front

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// shown returns the environment of the pool as php-fpm -tt shows it, and all that was said.
func shown(t *testing.T, cmd *exec.Cmd) (env map[string]string, said string) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	env = map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\S+ \S+ NOTICE: \tenv\[(\w+)\] = (.*)$`).FindAllStringSubmatch(string(out), -1) {
		env[m[1]] = m[2]
	}
	return env, string(out)
}

// php-fpm has started PHP when it reads php-fpm.conf, and so knows the constants of all that php.ini loads there.
func TestAllConstantsAreThoseOfPHPFPM(t *testing.T) {
	t.Parallel()
	names, err := exec.Command(serve.Stock().CLI, "-r", `foreach (array_keys(get_defined_constants()) as $n) if (preg_match('/^\w+$/', $n)) echo "$n\n";`).Output()
	if err != nil {
		t.Fatal(err)
	}
	conf := configured(t, "")
	text := files.Read(t, conf)
	lines := text + "env[V_WORD] = NO_SUCH_CONSTANT\nenv[V_SUM] = SO_TYPE | MSG_OOB | 32\n"
	for _, name := range strings.Fields(string(names)) {
		if !slices.Contains([]string{"PHP_BINARY", "PHP_EOL", "TRUE", "FALSE", "NULL"}, name) {
			lines += fmt.Sprintf("env[V_%s] = \"=\"%[1]s\n", name)
		}
	}
	files.Write(t, conf, lines)
	want, _ := shown(t, exec.Command(serve.Stock().FPM, "-tt", "-y", conf))
	got, _ := shown(t, command(nil, "-tt", "-y", conf))
	if len(want) < 1000 || want["V_SUM"] != "35" || want["V_SIGTERM"] != "=SIGTERM" {
		t.Fatalf("php-fpm shows %d constants, %q, %q", len(want), want["V_SUM"], want["V_SIGTERM"])
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s: got %q, want %q", name, got[name], value)
		}
	}
}

// A test of the configuration runs no script: a preload script may do what a service does when it starts.
func TestPHPThatIsAskedForConstantsPreloadsNothing(t *testing.T) {
	t.Parallel()
	conf := configured(t, "")
	dir := filepath.Dir(conf)
	text := files.Read(t, conf)
	files.Write(t, conf, text+"env[A] = SO_TYPE\n")
	files.Write(t, dir+"/preload.php", `<?php touch(__DIR__ . "/preloaded");`)
	env, said := shown(t, command(nil, "-tt", "-y", conf, "-n", "-d", "extension=sockets", "-d", "zend_extension=opcache",
		"-d", "opcache.enable=1", "-d", "opcache.preload="+dir+"/preload.php", "-d", "opcache.preload_user=root"))
	if env["A"] != "3" {
		t.Errorf("got %q\n%s", env["A"], said)
	}
	if _, err := os.Stat(dir + "/preloaded"); err == nil {
		t.Error("the script has run")
	}
}

// A configuration whose constants nobody knows is read all the same: its other faults are shown, too.
func TestConfigurationIsReadWherePHPCannotStart(t *testing.T) {
	t.Parallel()
	conf := configured(t, "")
	text := files.Read(t, conf)
	said := func(lines string) string {
		files.Write(t, conf, text+lines)
		out, err := command([]string{"PHPSAPI_ENGINE=/none.so"}, "-tt", "-y", conf).CombinedOutput()
		if failure := "ERROR: PHP could not be started: /none.so"; err == nil || strings.Count(string(out), failure) != 1 {
			t.Errorf("%v, and not once %q:\n%s", err, failure, out)
		}
		return string(out)
	}
	if out := said("env[HOSTNAME] = x\nenv[TZ] = UTC\n"); strings.Contains(out, "WARNING") {
		t.Errorf("PHP was asked for nothing:\n%s", out)
	}
	out := said("env[A] = SO_TYPE\nenv[B] = SO_DEBUG\n")
	want := "] SO_TYPE is taken as text, and so is every other word that may be a constant of an extension: PHP could not be started: /none.so"
	if strings.Count(out, "WARNING") != 1 || !strings.Contains(out, want) {
		t.Errorf("no line %q, or others:\n%s", want, out)
	}
}

// The PHP that a reload asks is not an orphan of the master's, and none stays.
func TestReloadKnowsConstantsOfExtensions(t *testing.T) {
	t.Parallel()
	address := serve.Address(t)
	conf := configured(t, "http: {listen: '"+address+"', root: .}\n")
	dir := filepath.Dir(conf)
	text := files.Read(t, conf)
	files.Write(t, dir+"/agent.php", "<?php echo ini_get('user_agent'), '.';")
	files.Write(t, conf, text+"php_value[user_agent] = SO_TYPE\n")
	s := start(t, address, nil, "-y", conf, "-F", "-O", "-n", "-d", "extension=sockets")
	s.want("/agent.php", 200, "3.")
	files.Write(t, conf, text+"php_value[user_agent] = SO_ERROR | 64\n")
	s.Signal(syscall.SIGUSR2)
	s.said("ready to handle connections", 2)
	s.want("/agent.php", 200, "68.")
	if log := s.Log(); strings.Contains(log, "WARNING") || strings.Contains(log, "unknown child") {
		t.Errorf("log:\n%s", log)
	}
}
