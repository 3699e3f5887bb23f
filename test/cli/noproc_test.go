package cli_test

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/test/exchange"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// inJail is a command in a mount namespace in which /proc is not mounted, or shows processes alone (systemd's
// ProcSubset=pid and ProtectProc=invisible).
func inJail(t *testing.T, proc string, env []string, program string, args ...string) *exec.Cmd {
	t.Helper()
	mount := "mount -t tmpfs none /proc"
	if proc == "hidden" {
		mount = "mount -t proc -o hidepid=2,subset=pid proc /proc"
	}
	jail := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command("/bin/sh", append([]string{"-c", mount + ` && exec "$0" "$@"`, name}, args...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
		return cmd
	}
	if said, err := jail("true").CombinedOutput(); err != nil {
		t.Skipf("no mount namespace to be had: %v %s", err, said)
	}
	return jail(program, args...)
}

// A chroot or a jail may have no /proc. Stock PHP does not need it.
func TestWithoutProc(t *testing.T) {
	t.Parallel()
	ours := t.TempDir()
	for _, name := range []string{"php", "php-cgi", "php-fpm"} {
		if err := os.Symlink(binary, filepath.Join(ours, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, proc := range []string{"none", "hidden"} {
		t.Run(proc, func(t *testing.T) {
			t.Parallel()
			root := serve.Dir(t)
			script := filepath.Join(root, "index.php")
			if err := os.WriteFile(script, []byte(`<?php echo "ok";`), 0o644); err != nil {
				t.Fatal(err)
			}
			// The kernel makes a namespace of users for a process of one thread only: Go's threads were found without /proc.
			alone := `echo pcntl_unshare(CLONE_NEWUSER) ? "alone" : pcntl_strerror(pcntl_get_last_error());`
			stockAlone, err := inJail(t, proc, nil, stock, "-n", "-r", alone).Output()
			if err != nil {
				t.Fatal(err)
			}
			cgi := []string{"REDIRECT_STATUS=1", "SCRIPT_FILENAME=" + script, "REQUEST_METHOD=GET", "GATEWAY_INTERFACE=CGI/1.1",
				"PHPSAPI_CGI_ZYGOTE=" + root + "/zygote.sock"}
			for name, test := range map[string]struct {
				env  []string
				args []string
				want string
			}{
				"php":          {nil, []string{"php", "-n", "-r", `echo "ok", shell_exec("echo sub");`}, "oksub\n"},
				"php, threads": {nil, []string{"php", "-n", "-r", alone}, string(stockAlone)},
				"php --repeat": {nil, []string{"php", "-n", "--repeat", "2", "-r", `echo "ok";`}, "ok"},
				"php-cgi":      {cgi, []string{"php-cgi", "-n", "-q"}, "ok"},
			} {
				cmd := inJail(t, proc, test.env, filepath.Join(ours, test.args[0]), test.args[1:]...)
				if out, err := cmd.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), test.want) {
					t.Errorf("%s: %v, %q", name, err, out)
				}
			}
			conf := filepath.Join(root, "php-fpm.conf")
			if err := os.WriteFile(conf, []byte(serve.FPMConf(root, "", "pm = static\npm.max_children = 1\n")), 0o644); err != nil {
				t.Fatal(err)
			}
			address, socket := serve.Address(t), filepath.Join(root, "cgi.sock")
			request := exchange.Request{Params: []string{"SCRIPT_FILENAME", script, "REQUEST_METHOD", "GET"}}
			fastCGI := func(conn net.Conn) { request.Send(conn) }
			for name, server := range map[string]struct {
				cmd              *exec.Cmd
				network, address string
				ask              func(net.Conn)
			}{
				"php -S": {inJail(t, proc, nil, filepath.Join(ours, "php"), "-n", "-S", address, "-t", root), "tcp", address,
					func(conn net.Conn) { io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n") }},
				"php-cgi -b": {inJail(t, proc, []string{"PHP_FCGI_CHILDREN=1"}, filepath.Join(ours, "php-cgi"), "-n", "-b", socket), "unix",
					socket, fastCGI},
				"php-fpm": {inJail(t, proc, nil, filepath.Join(ours, "php-fpm"), "-n", "-F", "-y", conf), "unix", serve.Socket(root), fastCGI},
			} {
				s := serve.Run(t, server.cmd)
				accepts := serve.Accepts(server.network, server.address)
				wait.Until(t, name, func() bool { return s.Ended() != "" || accepts() })
				if s.Ended() != "" {
					t.Errorf("%s: %s", name, s.Ended())
					continue
				}
				conn := serve.Dial(t, server.network, server.address)
				server.ask(conn)
				if answer, err := io.ReadAll(conn); err != nil || !strings.Contains(string(answer), "\r\n\r\nok") {
					t.Errorf("%s: %q, %v", name, answer, err)
				}
				s.Signal(syscall.SIGINT)
				if status := s.End(); status != 0 {
					t.Errorf("%s: ended by %v", name, status)
				}
			}
		})
	}
}

// What needs /proc says so.
func TestNeedsProc(t *testing.T) {
	t.Parallel()
	dir := serve.Dir(t)
	for _, args := range [][]string{
		{"cgi", "--zygote-listen", dir + "/zygote.sock"},
		{"fpm", "--http", serve.Address(t), "--root", dir},
	} {
		out, err := inJail(t, "none", nil, binary, args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "/proc, which is not mounted here") {
			t.Errorf("%q: %v, %s", args, err, out)
		}
	}
}
