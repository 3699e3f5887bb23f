package fastcgi_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// refused runs php-cgi -b where that cannot work, and gives what it prints and how it ends.
func refused(t *testing.T, program, address string, env []string) (said string, status int) {
	t.Helper()
	c := command(program, env, "-b", address)
	var output bytes.Buffer
	c.Stdout, c.Stderr = &output, &output
	err := c.Run()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		t.Fatal(err)
	}
	return output.String(), c.ProcessState.ExitCode()
}

func TestBadAddressesAsStock(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for _, address := range []string{taken.Addr().String(), port, ":" + port, "*:" + port, "localhost:" + port, "192.0.2.1:9000",
		"no-such-host.invalid:9000", "/no/such/directory/socket", strings.Repeat("x", 200), "/dev/null/x"} {
		wantSaid, wantStatus := refused(t, stock, address, nil)
		said, status := refused(t, binary, address, nil)
		if said != wantSaid || status != wantStatus || status == 0 {
			t.Errorf("%s: status %d, %q; stock %d, %q", address, status, said, wantStatus, wantSaid)
		}
	}
}

func TestBadSettingsAreNamed(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(serve.Dir(t), "socket")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ address, env, want string }{
		{socket, "PHP_FCGI_CHILDREN=-1", `PHP_FCGI_CHILDREN is not valid: "-1" is not a number from 0 to 2147483647`},
		{socket, "PHP_FCGI_CHILDREN=999999999999", `PHP_FCGI_CHILDREN is not valid: "999999999999" is not a number`},
		{socket, "PHP_FCGI_CHILDREN=4194305", "PHP_FCGI_CHILDREN is not valid: 4194305 children are more than the limit of processes allows"},
		{socket, "PHP_FCGI_CHILDREN=four", `PHP_FCGI_CHILDREN is not valid: "four" is not a number from 0 to 2147483647`},
		{socket, "PHP_FCGI_MAX_REQUESTS=-1", "PHP_FCGI_MAX_REQUESTS is not valid"},
		{socket, "PHPSAPI_CGI_SOCKET_MODE=rw", `PHPSAPI_CGI_SOCKET_MODE is not valid: "rw" is not an octal mode such as 0660`},
		{socket, "PHPSAPI_CGI_STOP_TIMEOUT=soon", `PHPSAPI_CGI_STOP_TIMEOUT is not valid: "soon" is not a number of seconds from 0 up`},
		{socket, "PHP_FCGI_CHILDREN=2\x00PHPSAPI_ENGINE=/no/libphp.so", "/no/libphp.so"},
		{socket, "PHPSAPI_ENGINE=/no/libphp.so", "/no/libphp.so"},
		{"127.0.0.1:70000", "", "invalid port 70000: write one from 1 to 65535"},
		{"99999", "", "invalid port 99999: write one from 1 to 65535"},
		{"0", "", "invalid port 0: write one from 1 to 65535"},
		{"-1", "", "invalid port -1: write one from 1 to 65535"},
		{"127.0.0.1:0", "", "invalid port 0: write one from 1 to 65535"},
		{"127.0.0.1:", "", "There is no port in '127.0.0.1:'"},
		{"::1:9000", "", "There is no port in '::1:9000': write PORT, HOST:PORT or [IPv6]:PORT"},
		{"[::1]", "", "There is no port in '[::1]'"},
		{"localhost:http", "", "There is no port in 'localhost:http'"},
		{"", "", "There is no port in ''"},
		{"[::g]:9000", "", "'::g' is not an address of IPv6"},
		{file, "", file + " exists and is not a socket"},
	} {
		said, status := refused(t, binary, test.address, strings.Split(test.env, "\x00"))
		if status != 255 || !strings.Contains(said, test.want) {
			t.Errorf("%s %s: status %d, %q; want %q", test.env, test.address, status, said, test.want)
		}
		if _, err := os.Lstat(socket); err == nil {
			t.Errorf("%s %s: the socket was left behind", test.env, test.address)
		}
	}
	if text, _ := os.ReadFile(file); string(text) != "precious" {
		t.Error("the file in the way was touched")
	}
}

func TestSocketsMode(t *testing.T) {
	t.Parallel()
	for env, want := range map[string]os.FileMode{"NOTHING=": 0o660, "PHPSAPI_CGI_SOCKET_MODE=0600": 0o600, "PHPSAPI_CGI_SOCKET_MODE=777": 0o777} {
		s := start(t, binary, []string{env})
		info, err := os.Lstat(s.address)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", env, info.Mode(), err, want)
		}
	}
}

// A socket that nobody listens on any more is replaced, and at its end a server removes its own alone.
func TestSocketThatWasLeftIsReplaced(t *testing.T) {
	t.Parallel()
	dir := files.Make(t, map[string]string{"pid.php": `<?php echo getmypid();`})
	first := start(t, binary, nil)
	first.Signal(syscall.SIGKILL)
	first.End()
	next := func() *server {
		s := launch(t, binary, "unix", first.address, nil, "-b", first.address)
		wait.Until(t, "the new server's answer", func() bool {
			conn, err := net.Dial("unix", first.address)
			if err != nil {
				return false
			}
			defer conn.Close()
			return get(dir+"/pid.php").on(conn).Body() == strconv.Itoa(s.Pid())
		})
		return s
	}
	second := next()
	third := next()
	second.Signal(syscall.SIGTERM)
	second.End()
	if _, err := os.Lstat(third.address); err != nil {
		t.Error("a server removed another's socket:", err)
	}
	third.Signal(syscall.SIGTERM)
	third.End()
	if _, err := os.Lstat(third.address); err == nil {
		t.Error("the socket was left behind")
	}
}

func TestAddressesOfTCP(t *testing.T) {
	t.Parallel()
	dir := files.Make(t, map[string]string{"x.php": `<?php echo "hello";`})
	_, port, _ := net.SplitHostPort(serve.Address(t))
	for address, dialled := range map[string]string{port: "127.0.0.1:" + port, ":" + port: "127.0.0.1:" + port,
		"*:" + port: "127.0.0.1:" + port, "localhost:" + port: "127.0.0.1:" + port, "[::1]:" + port: "[::1]:" + port} {
		s := launch(t, binary, "tcp", dialled, nil, "-b", address)
		if got := s.ask(get(dir + "/x.php")).Body(); got != "hello" {
			t.Errorf("%s: %q", address, got)
		}
		s.Signal(syscall.SIGTERM)
		s.End()
	}
}

func TestOnlyAllowedAddressesConnect(t *testing.T) {
	t.Parallel()
	dir := files.Make(t, map[string]string{"x.php": `<?php echo "hello";`})
	for addrs, allowed := range map[string]bool{"127.0.0.1": true, "192.0.2.1,127.0.0.1": true, "192.0.2.1,::1": false, "nonsense": false} {
		for _, children := range []string{"0", "1"} {
			s := startTCP(t, binary, []string{"FCGI_WEB_SERVER_ADDRS=" + addrs, "PHP_FCGI_CHILDREN=" + children})
			got := s.ask(get(dir + "/x.php"))
			if (got.Body() == "hello") != allowed {
				t.Errorf("%s: %v", addrs, got)
			}
			if !allowed {
				s.Says("Connection disallowed: IP address '127.0.0.1' has been dropped.")
			}
			if addrs == "nonsense" {
				s.Says("Wrong IP address 'nonsense' in FCGI_WEB_SERVER_ADDRS")
			}
		}
	}
}
