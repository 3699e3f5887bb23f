package devserver_test

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
)

// What the server says and how it ends where it cannot begin.
func TestComplaintsAreStockPHPs(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	root := files.Make(t, map[string]string{"file": ""})
	for name, args := range map[string][]string{
		"port in use":          {"-n", "-S", taken.Addr().String()},
		"no port":              {"-n", "-S", "localhost"},
		"port too large":       {"-n", "-S", "127.0.0.1:65536"},
		"port no number":       {"-n", "-S", "127.0.0.1:x"},
		"negative port":        {"-n", "-S", "127.0.0.1:-1"},
		"bracket left open":    {"-n", "-S", "[::1:80"},
		"IPv6 without bracket": {"-n", "-S", "::1:0"},
		"foreign address":      {"-n", "-S", "192.0.2.1:8000"},
		"foreign IPv6 address": {"-n", "-S", "[2001:db8::1]:8000"},
		"no host":              {"-n", "-S", ":8000"},
		"no docroot":           {"-n", "-S", "127.0.0.1:0", "-t", "nowhere"},
		"docroot is a file":    {"-n", "-S", "127.0.0.1:0", "-t", "file"},
		"quiet":                {"-n", "-q", "-q", "-q", "-S", taken.Addr().String()},
		"unknown option":       {"--nothing", "-n", "-S", "127.0.0.1:0"},
	} {
		t.Run(name, func(t *testing.T) {
			said := map[string]string{}
			for _, program := range []string{stock, binary} {
				s := launch(t, program, root, nil, args...)
				status := s.End()
				text := logDate.ReplaceAllString(s.Output.String(), "[DATE]")
				text = regexp.MustCompile(`(?m)^(Usage:|  ) php\S* `).ReplaceAllString(text, "$1 php ")
				text = hostWarning.ReplaceAllString(text, "")
				said[program] = fmt.Sprintf("%s(status %d)", text, status.ExitStatus())
			}
			sameText(t, said[stock], said[binary])
		})
	}
}

// PHP's own warning comes as php.ini has warnings shown, which phpsapi has not read at that time.
var hostWarning = regexp.MustCompile(`<br />\n<b>Warning</b>:.*<br />\n`)

func TestAddressForms(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{"a.php": "<?php echo $_SERVER['SERVER_NAME'], ' ', $_SERVER['REMOTE_ADDR'];"})
	for _, address := range []string{"localhost:0", "0.0.0.0:0", "[::1]:0", "[::]:0", "127.0.0.1:"} {
		t.Run(address, func(t *testing.T) {
			said := map[string]string{}
			for _, program := range []string{stock, binary} {
				s := launch(t, program, root, nil, "-n", "-S", address)
				s.Says("started")
				s.address = startedLine.FindStringSubmatch(s.Output.String())[1]
				_, port, err := net.SplitHostPort(s.address)
				if err != nil {
					t.Fatal(err)
				}
				said[program] = strings.ReplaceAll(s.address, port, "PORT")
				if address == "[::]:0" {
					s.address = "127.0.0.1:" + port // a socket of both families
				}
				said[program] += body(s.get("/a.php"))
				s.Signal(syscall.SIGINT)
				s.End()
			}
			sameText(t, said[stock], said[binary])
		})
	}
}

func TestWorkersVariable(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{"a.php": "<?php error_log('from php');"})
	s := start(t, binary, root, []string{"PHP_CLI_SERVER_WORKERS=3"}, "-n")
	s.get("/a.php")
	s.Says("Closing")
	for line := range strings.Lines(s.Output.String()) {
		if !regexp.MustCompile(`^\[\d+\] \[\w{3} \w{3} `).MatchString(line) {
			t.Errorf("no process in %q", line)
		}
	}
	one := start(t, binary, root, []string{"PHP_CLI_SERVER_WORKERS=1"}, "-n")
	if !strings.Contains(one.Output.String(), "number of workers must be larger than 1\n[") {
		t.Errorf("got %q", &one.Output)
	}
}

func TestQuietHidesMessages(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{"a.php": "<?php error_log('from php');"})
	for _, program := range []string{stock, binary} {
		s := start(t, program, root, nil, "-n", "-q")
		s.get("/a.php")
		readAll(func() net.Conn { c := s.dial(); fmt.Fprint(c, "garbage"); return c }())
		s.Says("Malformed")
		if text := s.Output.String(); strings.Contains(text, "Accepted") || strings.Contains(text, "from php") {
			t.Errorf("%s: %q", program, text)
		}
	}
}

// The settings are those of php's development server, not of its command line.
func TestSettings(t *testing.T) {
	t.Parallel()
	root := files.Make(t, map[string]string{
		"a.php": `<?php foreach (["display_errors", "html_errors", "max_execution_time", "implicit_flush",
			"register_argc_argv", "memory_limit", "cli_server.color", "output_buffering"] as $name) {
			var_dump($name, ini_get($name)); } var_dump(PHP_SAPI, php_ini_loaded_file());
			foreach (ini_get_all(null, false) as $name => $value) { echo "$name=$value\n"; }`,
		"ini/php-cli-server.ini": "memory_limit=77M\n",
		"ini/php.ini":            "memory_limit=66M\n",
	})
	for _, args := range [][]string{
		{"-n"}, {"-c", "ini"}, {"-c", "ini", "-d", "memory_limit=55M", "-d", "display_errors=0"}, {},
	} {
		said := map[string]string{}
		for _, program := range []string{stock, binary} {
			s := start(t, program, root, nil, args...)
			said[program] = body(s.get("/a.php"))
		}
		sameText(t, said[stock], said[binary])
	}
}

func TestStartupWarningsAreLogged(t *testing.T) {
	t.Parallel()
	root := files.Make(t, nil)
	said := map[string]string{}
	for _, program := range []string{stock, binary} {
		s := start(t, program, root, nil, "-n", "-d", "extension=nowhere", "-d", "display_startup_errors=0", "-d", "log_errors=1")
		text := logDate.ReplaceAllString(s.Output.String(), "[DATE]")
		said[program] = startedLine.ReplaceAllString(text, "started")
	}
	sameText(t, said[stock], said[binary])
}
