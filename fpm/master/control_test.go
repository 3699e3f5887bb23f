package master

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/errorlog"
	"github.com/phpsapi/phpsapi/fpm/plan"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/test/boards"
	"github.com/phpsapi/phpsapi/test/wait"
)

// operator connects to the master's control socket.
func (s *service) operator() *control.Client {
	s.t.Helper()
	c, err := control.Dial(s.command.Process.Pid)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

func nobody(control.Answer) {}

// give sends a command and returns the master's answers, and how they ended.
func (s *service) give(r control.Request) (answers []control.Answer, err error) {
	s.t.Helper()
	return s.watch(r, nobody)
}

// outcome sends a command and returns the last answer. Others tell of progress, if it takes a while.
func (s *service) outcome(r control.Request) (control.Answer, error) {
	s.t.Helper()
	answers, err := s.give(r)
	return answers[len(answers)-1], err
}

// watch is give with a function that is called with each answer but the last.
func (s *service) watch(r control.Request, see func(control.Answer)) (answers []control.Answer, err error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	last, err := s.operator().Ask(ctx, r, func(a control.Answer) {
		answers = append(answers, a)
		see(a)
	})
	return append(answers, last), err
}

func (s *service) report(full bool) *control.Report {
	s.t.Helper()
	a, err := s.outcome(control.Request{Command: control.Status, Full: full})
	if err != nil || a.Status == nil {
		s.t.Fatalf("got %+v, %v", a, err)
	}
	return a.Status
}

func TestOperatorReloads(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	a, err := s.outcome(control.Request{Command: control.Reload})
	if err != nil || !a.Done || a.Generation != 2 || a.Reason != "" {
		t.Fatalf("got %+v, %v", a, err)
	}
	if n := s.generation("sock"); n != 2 {
		t.Errorf("generation %d answers when the reload is said to be done, want 2", n)
	}
	s.expect(fmt.Sprintf(`NOTICE: reload asked for by process %d of user %d \(\w+\)$`, os.Getpid(), os.Getuid()))
	s.expect(`NOTICE: Reloading in progress \.\.\.$`)
	if r := s.report(false); r.LastReload == nil || r.LastReload.Why != "" || r.LastReload.Generation != 2 {
		t.Errorf("last reload: %+v", r.LastReload)
	}
}

func TestOperatorHearsWhyAReloadFailed(t *testing.T) {
	t.Parallel()
	s := start(t, static, "MASTER_TEST_NO_WORKER=DIR/no-worker")
	s.expect("ready to handle")
	s.settle(2)
	for name, c := range map[string]struct {
		prepare func()
		reason  control.Reason
		why     string
		line    string
	}{
		"configuration": {func() { s.configure(static + "pm.nonsense = 1\n") }, control.BadConfig, "unknown entry 'pm.nonsense'", "ERROR: ["},
		"syntax":        {func() { s.configure(static + "x = \"unclosed\n") }, control.BadConfig, "syntax error", "PHP:  syntax error"},
		"socket": {func() { s.configure(static + "[b]\nlisten = DIR/not/there\npm = static\npm.max_children = 1\n") },
			control.BadConfig, "no such file or directory", "ERROR: unable to bind"}, // as a start
		"worker": {func() { s.configure(static); os.WriteFile(s.path("no-worker"), nil, 0o600) }, control.Failed, "exited with code 70", ""},
	} {
		os.Remove(s.path("no-worker"))
		c.prepare()
		a, err := s.outcome(control.Request{Command: control.Reload, Drained: true})
		if err != nil || !a.Done {
			t.Fatalf("%s: got %+v, %v", name, a, err)
		}
		if lines := strings.Join(a.Lines, "\n"); a.Reason != c.reason || !strings.Contains(a.Why, c.why) || !strings.Contains(lines, c.line) {
			t.Errorf("%s: got %+v", name, a)
		}
		if r := s.report(false); r.LastReload == nil || r.LastReload.Why != a.Why || r.Generations[0].Generation != 1 {
			t.Errorf("%s: status %+v", name, r)
		}
	}
	if n := s.generation("sock"); n != 1 {
		t.Errorf("generation %d answers, want 1", n)
	}
}

// While a reload is under way another is asked for: it may have read the configuration too early for that.
func TestOperatorsReloadsAreNotMixedUp(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	generations := make(chan int)
	for range 2 {
		c := s.operator()
		go func() {
			a, _ := c.Ask(context.Background(), control.Request{Command: control.Reload}, nobody)
			generations <- a.Generation
		}()
	}
	if sum := <-generations + <-generations; sum != 2+3 {
		t.Errorf("the sum of the generations is %d, want 2 and 3", sum)
	}
}

func TestOperatorWaitsForTheOldWorkers(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	conn := s.dial("sock")
	defer conn.Close()
	release, answer, loaded := hold(t, conn), "", false
	answers, err := s.watch(control.Request{Command: control.Reload, Drained: true}, func(a control.Answer) {
		if loaded && answer == "" {
			answer = release()
		}
		loaded = loaded || a.Generation != 0
	})
	for len(answers) > 0 && answers[0].Generation == 0 { // progress of the start
		answers = answers[1:]
	}
	if err != nil || len(answers) < 3 {
		t.Fatalf("got %+v, %v, want outcome, progress, end", answers, err)
	}
	if a := answers[0]; a.Generation != 2 || a.Done || a.Progress == nil || a.Progress.Requests < 1 {
		t.Errorf("outcome: %+v", a)
	}
	if p := answers[1].Progress; p == nil || p.Requests != 1 || p.Workers < 1 {
		t.Errorf("progress: %+v", p)
	}
	if r := s.report(false); len(r.Generations) != 1 {
		t.Errorf("after the end: %+v", r.Generations)
	}
	if !strings.HasPrefix(answer, "pool www generation 1") {
		t.Errorf("the request got %q", answer)
	}
}

func TestOperatorStops(t *testing.T) {
	t.Parallel()
	s := start(t, "process_control_timeout = 9\n"+static)
	s.expect("ready to handle")
	conn := s.dial("sock")
	defer conn.Close()
	release, answer := hold(t, conn), ""
	answers, err := s.watch(control.Request{Command: control.Stop}, func(a control.Answer) {
		if answer == "" && a.Progress != nil {
			answer = release()
		}
	})
	if !errors.Is(err, control.ErrEnded) || len(answers) < 2 || answers[0].Progress == nil || answers[0].Progress.Requests != 1 {
		t.Errorf("got %+v, %v, want progress and the end", answers, err)
	}
	if !strings.HasPrefix(answer, "pool www") {
		t.Errorf("the request got %q", answer)
	}
	if status := s.end(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	s.expect(`NOTICE: stop asked for by`)
	s.expect(`NOTICE: Finishing \.\.\.$`)
	s.never("WARNING|ERROR")
}

// phpsapi fpm stop promised to finish the requests, and cut each that took longer than a second.
func TestStopWithoutATimeoutWaitsForRequests(t *testing.T) {
	t.Parallel()
	s, release := busy(t, static)
	answer := make(chan string, 1)
	time.AfterFunc(2300*time.Millisecond, func() { answer <- release() })
	answers, err := s.give(control.Request{Command: control.Stop})
	if !errors.Is(err, control.ErrEnded) {
		t.Errorf("got %+v, %v, want the end", answers, err)
	}
	if got := <-answer; !strings.HasPrefix(got, "pool www") {
		t.Errorf("the request got %q", got)
	}
	s.end()
	s.never("WARNING|ERROR")
}

// QUIT has php-fpm's limit, even if it comes after an operator's stop, which tells what was lost.
func TestQuitEndsThePatienceOfAStop(t *testing.T) {
	t.Parallel()
	s, _ := busy(t, static)
	cut := make(chan int, 1)
	operator := s.operator()
	go func() {
		last := 0
		operator.Ask(context.Background(), control.Request{Command: control.Stop}, func(a control.Answer) {
			if a.Progress != nil {
				last = max(last, a.Progress.Cut)
			}
		})
		cut <- last
	}()
	s.expect("Finishing")
	s.signal(syscall.SIGQUIT)
	s.expect("bye-bye")
	s.end()
	if n := <-cut; n != 1 {
		t.Errorf("%d requests were said to be aborted, want 1", n)
	}
}

func TestOperatorStopsNow(t *testing.T) {
	s, _ := busy(t, "process_control_timeout = 9\n"+static)
	finishing := s.operator()
	go finishing.Ask(context.Background(), control.Request{Command: control.Stop}, nobody)
	s.expect(`Finishing`)
	if r := s.report(false); r.State != "finishing" {
		t.Errorf("state %q", r.State)
	}
	if a, err := s.outcome(control.Request{Command: control.Reload}); err != nil || a.Reason != control.Refused {
		t.Errorf("a reload while stopping: %+v, %v", a, err)
	}
	if answers, err := s.give(control.Request{Command: control.Stop, Now: true}); !errors.Is(err, control.ErrEnded) {
		t.Errorf("got %+v, %v", answers, err)
	}
	s.expect(`Terminating`)
	s.end()
}

func TestOperatorSeesStuckWorkers(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	for range 3 {
		conn := s.dial("sock")
		defer conn.Close()
		fmt.Fprintln(conn, "hold")
	}
	var r *control.Report
	page := ""
	wait.Until(t, "two workers with requests", func() bool {
		r = s.report(true)
		page = string(r.Generations[0].Pools[0])
		return strings.Count(page, `"state":"Running"`) == 2
	})
	if r.Pid != s.command.Process.Pid || r.State != "normal" || r.Config != s.path("conf") || r.Generations[0].State != control.Serving {
		t.Errorf("got %+v", r)
	}
	if !strings.Contains(page, `"pool":"www"`) || strings.Count(page, `"state":"Running"`) != 2 {
		t.Errorf("pool %s", page)
	}
}

func TestForeignUserIsRefused(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	s := start(t, static)
	s.expect("ready to handle")
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), roleVariable+"=operator", fmt.Sprintf("MASTER=%d", s.command.Process.Pid))
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	said, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(said), "denied: only root may\n") {
		t.Errorf("got %q, %v", said, err)
	}
	s.expect(`WARNING: process \d+ of user 65534 may not use the control socket$`)
	if n := s.generation("sock"); n != 1 {
		t.Errorf("generation %d answers", n)
	}
}

// operatorRole is another user who asks for a stop.
func operatorRole() int {
	var pid int
	fmt.Sscan(os.Getenv("MASTER"), &pid)
	c, err := control.Dial(pid)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	a, err := c.Ask(context.Background(), control.Request{Command: control.Stop, Now: true}, nobody)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Printf("%s: %s\n", a.Reason, a.Why)
	return 0
}

// Operators who say nothing, or do not read, hold up nobody; there is an end to their number.
func TestSilentOperatorsHoldNobodyUp(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	for range control.MaxOperators - 1 {
		s.operator()
	}
	if r := s.report(true); r.State != "normal" {
		t.Errorf("state %q", r.State)
	}
	deadline := time.Now().Add(patience)
	for s.operator(); ; {
		answers, err := s.give(control.Request{Command: control.Status})
		if err == nil && answers[0].Reason == control.Refused {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("one more than %d is served: %+v, %v", control.MaxOperators, answers, err)
		}
	}
	s.signal(syscall.SIGUSR2)
	s.expect("ready to handle")
}

// A front may have more time than its workers: an old generation has ended when both are gone.
func TestOldGenerationHasItsFrontToTheEnd(t *testing.T) {
	m := idleMaster(t)
	c, theirs, err := channel.New()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	old := m.gen
	m.gen = &generation{number: 2, config: old.config, plan: &plan.Plan{}}
	old.plan = &plan.Plan{Own: &settings.Settings{}}
	old.http.front = &front{gen: old, Front: &companion.Front{Process: companion.Process{Pid: 7, Control: c}}}
	m.fronts = []*front{old.http.front}
	ourEnd, theirEnd := net.Pipe()
	defer ourEnd.Close()
	o := &operator{Operator: control.NewOperator(ourEnd, 1, 0, control.Request{Command: control.Status}), drain: 1}
	m.operators.keep(o, m.sys.now())
	m.retire(old)
	if len(m.old) != 1 || !o.IsSaid() {
		t.Fatalf("%d old generations, an answer is %v; want one that is waited for", len(m.old), !o.IsSaid())
	}
	if r := m.report(false); r.Generations[1].Front == nil || r.Generations[1].Front.State != control.Retiring {
		t.Errorf("got %+v", r.Generations)
	}
	m.buryFront(old.http.front, 0)
	if len(m.old) > 0 || o.IsSaid() {
		t.Fatalf("%d old generations, an answer is %v; want the answer that there is none", len(m.old), !o.IsSaid())
	}
	go o.Serve(m.box)
	var a control.Answer
	if err := json.NewDecoder(theirEnd).Decode(&a); err != nil || !a.Done {
		t.Errorf("the answer is %+v, %v", a, err)
	}
}

// Any bytes on the control socket leave the master standing.
func FuzzOperator(f *testing.F) {
	for _, seed := range []string{`{"command":"reload","drained":true}` + "\n", `{"command":"stop"}` + "\n",
		`{"command":"status","full":true}` + "\nmore", "\x00", "GET / HTTP/1.1\r\n\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		m := idleMaster(t)
		defer m.gen.close()
		ours, theirs := net.Pipe()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			defer theirs.Close()
			if request, err := control.ReadRequest(theirs); err == nil {
				o := control.NewOperator(theirs, 1, 0, request)
				m.box.Asked(o)
				o.Serve(m.box)
			}
		}()
		go func() {
			io.Copy(io.Discard, ours)
		}()
		go func() {
			ours.Write(bytes)
			ours.Close()
		}()
		for {
			select {
			case <-m.box.wake:
				m.handle()
				continue
			case <-ended:
			}
			break
		}
		m.handle()
		if len(m.operators.waiting) > 0 {
			t.Errorf("somebody still waits: %+v", m.operators.waiting[0])
		}
	})
}

// idleMaster is a master without workers, whose configuration is gone.
func idleMaster(t *testing.T) *Master {
	errors := errorlog.New(false)
	errors.Messages.Configure(func(s *zlog.Settings) { s.Stderr = io.Discard })
	g := &generation{number: 1, config: &conf.Config{}, plan: &plan.Plan{}}
	g.pools = []*pool{{gen: g, conf: &conf.Pool{Name: "www"}, board: boards.One(t)}}
	g.assign(anyPHP)
	return &Master{sys: realSystem(), box: newMailbox(), log: lines{errors.Messages}, errorLog: errors, gen: g, park: &parking{},
		zygotes: map[int]bool{}, opt: Options{Argv: []string{"php-fpm"}, Conf: conf.Options{Path: "/nowhere", Stderr: io.Discard},
			Choose: testEngine, Module: testModule, Constants: testConstants}}
}
