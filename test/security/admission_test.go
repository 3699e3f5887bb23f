package security

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/exchange"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// asker is what the test's own program is executed for, as another user: to ask for a script by FastCGI, of the socket and the script
// that it names. It prints the response, or "dropped".
const asker = "SECURITY_TEST_ASK"

func ask() {
	socket, script, _ := strings.Cut(os.Getenv(asker), " ")
	body, err := request(socket, script)
	if err != nil || body == "" {
		body = "dropped"
	}
	fmt.Print(body)
}

// request asks for a script by FastCGI, with more params. It returns what the response has besides its head.
func request(socket, script string, params ...string) (body string, err error) {
	pairs := append([]string{"SCRIPT_FILENAME", script, "REQUEST_METHOD", "GET", "SCRIPT_NAME", "/" + filepath.Base(script)}, params...)
	got := exchange.Ask(socket, &exchange.Request{Params: pairs})
	return got.Body(), got.Err
}

// askAs asks for the script a.php as another user.
func (s *service) askAs(uid, gid uint32, groups ...uint32) string {
	s.T.Helper()
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), asker+"="+s.Dir+"/sock "+s.Dir+"/site/a.php")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid, Groups: groups}}
	out, err := c.CombinedOutput()
	if err != nil {
		s.T.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, which can be other users")
	}
}

// The socket lets everybody connect; the kernel says who they are.
func TestClientsByTheirUsers(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	s := prepare(t, "catch_workers_output = yes", "listen: {allowed_users: [4001], allowed_groups: [4002, www-data]}", map[string]string{"a.php": "<?php echo 'ran';"}).start()
	www := uint32(serve.GroupID(t, "www-data"))
	for _, test := range []struct {
		uid, gid uint32
		groups   []uint32
		want     string
	}{
		{4001, 5000, nil, "ran"},
		{4003, 4002, nil, "ran"},
		{4003, 5000, []uint32{5001, 4002}, "ran"},
		{4003, www, nil, "ran"},
		{4003, 5000, []uint32{5001}, "dropped"},
		{0, 0, nil, "dropped"},
	} {
		if got := s.askAs(test.uid, test.gid, test.groups...); got != test.want {
			t.Errorf("user %d, group %d, groups %d: %q, want %q", test.uid, test.gid, test.groups, got, test.want)
		}
	}
	s.Logged(`Connection disallowed: process \d+ of user 4003, group 5000 has been dropped \(see listen.allowed_users\)`, 1)
	if status, body := s.Get("/a.php"); status != 200 || body != "ran" { // by the front, if the worker does not speak HTTP itself
		t.Errorf("%d %q", status, body)
	}
}

// The front is not a user that anybody would list.
func TestFrontMayConnect(t *testing.T) {
	t.Parallel()
	p := prepare(t, "", "listen: {allowed_users: [4001]}", map[string]string{"a.php": "<?php echo 'ran';"})
	p.Write("phpsapi.yaml", strings.Replace(p.Read("phpsapi.yaml"), "http: {", "http: {direct: off, ", 1))
	s := p.start()
	if status, body := s.Get("/a.php"); status != 200 || body != "ran" {
		t.Errorf("%d %q", status, body)
	}
}

func TestClientsCannotSetPHP(t *testing.T) {
	t.Parallel()
	script := map[string]string{"a.php": "<?php echo ini_get('memory_limit'), ini_get('auto_append_file');"}
	values := []string{"PHP_VALUE", "memory_limit=77M", "PHP_ADMIN_VALUE", "auto_append_file=none.php"}
	for yaml, want := range map[string]string{"client_values: off": "66M", "client_values: on": "77Mnone.php"} {
		s := prepare(t, "php_value[memory_limit] = 66M", yaml, script).start()
		for range 2 {
			if got, err := request(s.Dir+"/sock", s.Dir+"/site/a.php", values...); err != nil || !strings.HasPrefix(got, want) {
				t.Errorf("%s: %q, %v", yaml, got, err)
			}
		}
		if want == "66M" {
			s.Logged(`WARNING: \[pool www\] child \d+, PHP_VALUE and PHP_ADMIN_VALUE of a request are ignored, as client_values is off`, 1)
			if n := strings.Count(s.Log(), "are ignored"); n != 1 {
				t.Errorf("it is said %d times", n)
			}
		}
	}
}

func TestScriptsOfOtherOwnersAreNotRun(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	scripts := map[string]string{}
	for _, name := range []string{"root", "own", "listed", "other"} {
		scripts[name+".php"] = "<?php echo 'ran';"
	}
	p := prepare(t, "catch_workers_output = yes", "script_owners: [4001]", scripts)
	for name, uid := range map[string]int{"own": serve.GroupID(t, "www-data"), "listed": 4001, "other": 4002} {
		if err := os.Chown(filepath.Join(p.Dir, "site", name+".php"), uid, uid); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("other.php", filepath.Join(p.Dir, "site", "link.php")); err != nil {
		t.Fatal(err)
	}
	s := p.start()
	for name, want := range map[string]string{"root": "ran", "own": "ran", "listed": "ran", "other": "Access denied.\n", "link": "Access denied.\n"} {
		status, body := s.Get("/" + name + ".php")
		if body != want || (status == 403) != (want != "ran") {
			t.Errorf("%s: %d %q, want %q", name, status, body, want)
		}
	}
	s.Logged(`NOTICE: .*Access to the script '.*/other.php' has been denied \(see script_owners\)`, 1)
}

// doc_root has PHP open another file than the one that the request names, and a rename may: it is the owner of what PHP has opened that counts,
// when opcache has its code, too.
func TestScriptsThatPHPFindsElsewhereHaveOwners(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	p := prepare(t, "catch_workers_output = yes", "script_owners: self",
		map[string]string{"a.php": "<?php echo 'site';", "b.php": "<?php echo 'site';"})
	elsewhere := p.Path("elsewhere")
	for name, uid := range map[string]int{"a.php": 4002, "b.php": 0} {
		path := files.Write(t, filepath.Join(elsewhere, name), "<?php echo 'elsewhere';")
		if err := os.Chown(path, uid, uid); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour) // opcache takes no file that was just changed
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	s := p.start()
	for range 3 {
		for name, want := range map[string]string{"a.php": "Access denied.\n", "b.php": "elsewhere"} {
			if got, err := request(s.Dir+"/sock", s.Dir+"/site/"+name, "SCRIPT_NAME", "/"+name, "PHP_ADMIN_VALUE", "doc_root="+elsewhere); err != nil || got != want {
				t.Errorf("%s: %q, %v, want %q", name, got, err, want)
			}
		}
	}
	s.Logged(`NOTICE: .*Access to the script '.*/site/a.php' has been denied \(see script_owners\)`, 1)
	if err := os.Chown(filepath.Join(elsewhere, "b.php"), 4002, 4002); err != nil {
		t.Fatal(err)
	}
	if got, err := request(s.Dir+"/sock", s.Dir+"/site/b.php", "SCRIPT_NAME", "/b.php", "PHP_ADMIN_VALUE", "doc_root="+elsewhere); err != nil || got != "Access denied.\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// No request is answered by a process that has answered another, whatever the load and the way it comes by.
func TestProcessPerRequest(t *testing.T) {
	t.Parallel()
	s := prepare(t, "pm.max_children = 3", "process_per_request: on", map[string]string{"a.php": "<?php putenv('LEFT=' . getenv('LEFT') . 'x'); echo getmypid(), ' ', getenv('LEFT');"}).start()
	const clients, each = 4, 15
	answers := make(chan string, clients*each)
	for i := range clients {
		go func() {
			for range each {
				if i == 0 {
					body, err := request(s.Dir+"/sock", s.Dir+"/site/a.php")
					if err != nil {
						body = err.Error()
					}
					answers <- body
					continue
				}
				_, body := serve.Ask(s.HTTP, s.URL("/a.php"))
				answers <- body
			}
		}()
	}
	pids := map[string]bool{}
	for range clients * each {
		got := <-answers
		pid, left, _ := strings.Cut(got, " ")
		if left != "x" || pids[pid] {
			t.Errorf("got %q, process known: %v", got, pids[pid])
		}
		pids[pid] = true
	}
	if n := strings.Count(s.Log(), "\n"); n > 20 {
		t.Errorf("the log has %d lines", n)
	}
}

func TestAdmissionsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ pool, yaml, want string }{
		{"", "listen: {allowed_users: [nobody-at-all]}", "there is no user nobody-at-all"},
		{"", "listen: {allowed_groups: [nobody-at-all]}", "there is no group nobody-at-all"},
		{"", "script_owners: nobody-at-all", "there is no user nobody-at-all"},
		{"listen = 127.0.0.1:1", "listen: {allowed_users: [root]}", "pool www listens on an address, whose clients have no user: use listen.allowed_clients"},
		{"", "process_per_request: on\nworker: {script: site/w.php}", "pool www is in worker mode: set snapshot: 1 of its worker instead"},
	} {
		said, status := prepare(t, test.pool, test.yaml, map[string]string{"w.php": "<?php"}).refused("-t")
		if status != 78 || !strings.Contains(said, test.want) {
			t.Errorf("%s: status %d, want 78\n%s\nwant %s", test.yaml, status, said, test.want)
		}
	}
}

// A worker that speaks HTTP waited for itself for ever when it had to say that it could not open a script.
func TestScriptThatCannotBeReadIs403(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	p := prepare(t, "", "sandbox: off", map[string]string{"a.php": "<?php echo 'ran';", "closed.php": "<?php"})
	if err := os.Chmod(filepath.Join(p.Dir, "site/closed.php"), 0); err != nil {
		t.Fatal(err)
	}
	s := p.start()
	for range 2 {
		if status, body := s.Get("/closed.php"); status != 403 || body != "Access denied.\n" {
			t.Errorf("%d %q", status, body)
		}
	}
	s.Logged(`Unable to open primary script: .*/closed.php \(Permission denied\)`, 1)
}
