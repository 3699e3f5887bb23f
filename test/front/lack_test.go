package front

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/test/serve"
)

// A front that can open nothing is short of something for a while: its answers say so, and do not blame the worker.
func TestFrontWithoutDescriptors(t *testing.T) {
	address := serve.Address(t)
	s := start(t, address, []string{"PHPSAPI_HTTP_DIRECT=off"}, "--http", address, "--root", site(t))
	s.want("/page.txt", 200, "text")
	front := s.Titled("php-fpm: front process")
	if len(front) != 1 {
		t.Fatalf("the fronts are %v", front)
	}
	limit(t, front[0], "3:")
	for _, path := range []string{"/", "/page.txt"} {
		r, err := s.http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "try again") {
			t.Errorf("%s: got %v %q", path, r, body)
		}
	}
	limit(t, front[0], "1024:")
	s.want("/", 200, "index")
	s.want("/page.txt", 200, "text")
}

// limit sets the limits of a process's descriptors, SOFT:HARD. Only the process's user may.
func limit(t *testing.T, pid int, limits string) {
	t.Helper()
	cmd := exec.Command("prlimit", "--pid", strconv.Itoa(pid), "--nofile="+limits)
	var st unix.Stat_t
	if err := unix.Stat(fmt.Sprintf("/proc/%d/task", pid), &st); err != nil {
		t.Fatal(err)
	}
	if st.Uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: st.Uid, Gid: st.Gid, NoSetGroups: true}}
	}
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("prlimit: %v: %s", err, said)
	}
}
