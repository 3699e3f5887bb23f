package operate

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/test/files"
)

const strangerVariable = "OPERATE_TEST_STRANGER"

func TestMain(m *testing.M) {
	if os.Getenv(strangerVariable) != "" {
		os.Exit(stranger())
	}
	os.Exit(m.Run())
}

// stranger is a process that poses as a master and agrees to everything.
func stranger() int {
	name, err := control.OwnName()
	if err != nil {
		return 1
	}
	l, err := net.Listen("unix", name)
	if err != nil {
		return 1
	}
	fmt.Println("there")
	for {
		conn, err := l.Accept()
		if err != nil {
			return 1
		}
		control.ReadRequest(conn)
		control.Write(conn, control.Answer{Done: true, Generation: 7, Status: &control.Report{State: "normal", Config: "/some/fpm.conf"}})
		conn.Close()
	}
}

// startStranger runs a stranger as another user and returns its pid.
func startStranger(t *testing.T) int {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), strangerVariable+"=yes")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "there\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	return c.Process.Pid
}

// The service was down and there was no pid file. Root's reload took the word of any user's process that listened on
// a master's name.
func TestAnotherUsersProcessIsNotTakenForRootsService(t *testing.T) {
	pid := startStranger(t)
	stale := filepath.Join(t.TempDir(), "pid")
	files.Write(t, stale, fmt.Sprint(pid))
	for name, c := range map[string]struct {
		target Target
		want   string
	}{
		"by its name":   {Target{Named: true, Locate: func() (string, string) { return "/some/fpm.conf", "" }}, "no service with the configuration"},
		"by a pid file": {Target{PidFile: stale}, fmt.Sprintf("belongs to user 65534, and the file does not: the file is stale; if you trust that user, use --master %d\n", pid)},
	} {
		var out, err strings.Builder
		o := &Operator{Target: c.target, Out: &out, Err: &err, Timeout: 10 * time.Second}
		if status := o.Reload(false); status != exitUnavailable || !strings.Contains(err.String(), c.want) || out.Len() > 0 {
			t.Errorf("%s: status %d, %q, %q", name, status, out.String(), err.String())
		}
	}
	var out, err strings.Builder
	o := &Operator{Target: Target{Pid: pid}, Out: &out, Err: &err, Timeout: 10 * time.Second}
	if status := o.Reload(false); status != exitOK {
		t.Errorf("a master that root has named: status %d, %q", status, err.String())
	}
	if e := os.Chown(stale, 65534, 65534); e != nil {
		t.Fatal(e)
	}
	o.Target = Target{PidFile: stale}
	if status := o.Reload(false); status != exitOK {
		t.Errorf("a master whose user wrote the pid file: status %d, %q", status, err.String())
	}
}

// What a master says comes from requests, files and workers, too.
func TestNothingThatATerminalObeysIsPrinted(t *testing.T) {
	const evil = "\x1b]0;owned\x07\x1b[2J\u009bm\u202e"
	page, err := json.Marshal(map[string]any{"pool": "www" + evil})
	if err != nil {
		t.Fatal(err)
	}
	report := &control.Report{State: "normal", Config: evil, Version: evil, PHP: evil,
		LastReload:  &control.Ending{Why: evil, Lines: []string{evil}},
		Generations: []control.Generation{{State: evil, Front: &control.Front{State: evil, Addresses: evil}, Pools: []json.RawMessage{page}}}}
	for name, c := range map[string]struct {
		command func(*Operator) int
		answer  control.Answer
	}{
		"reloaded": {func(o *Operator) int { return o.Reload(false) }, control.Answer{Done: true, Lines: []string{evil}}},
		"failed":   {func(o *Operator) int { return o.Reload(false) }, control.Answer{Done: true, Reason: control.Failed, Why: evil, Lines: []string{evil}}},
		"refused":  {func(o *Operator) int { return o.Reload(false) }, control.Answer{Done: true, Reason: control.BadConfig, Why: evil}},
		"denied":   {func(o *Operator) int { return o.Stop(false) }, control.Answer{Done: true, Reason: control.Denied, Why: evil}},
		"status":   {func(o *Operator) int { return o.Status(true) }, control.Answer{Done: true, Status: report}},
		"JSON":     {func(o *Operator) int { o.JSON = true; return o.Status(true) }, control.Answer{Done: true, Status: report}},
	} {
		t.Run(name, func(t *testing.T) {
			serve(t, false, c.answer)
			var said strings.Builder
			o := &Operator{Target: Target{Pid: os.Getpid()}, Out: &said, Err: &said, Timeout: 10 * time.Second}
			c.command(o)
			if said.Len() == 0 || strings.ContainsAny(said.String(), evil[:1]+"\x07\u009b\u202e") {
				t.Errorf("got %q", said.String())
			}
			if name != "JSON" {
				return
			}
			var got control.Report
			if err := json.Unmarshal([]byte(said.String()), &got); err != nil || got.Config != evil {
				t.Errorf("got %q, %v", got.Config, err)
			}
		})
	}
}
