package master

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/test/wait"
)

const two = static + "[b]\nlisten = DIR/sockb\npm = dynamic\npm.max_children = 4\npm.start_servers = 1\npm.min_spare_servers = 1\npm.max_spare_servers = 2\n"

// steer sends an order about a pool that must succeed.
func (s *service) steer(command control.Command, pool string, n int) *control.Steered {
	s.t.Helper()
	a, err := s.outcome(control.Request{Command: command, Pool: pool, Count: n})
	if err != nil || a.Steered == nil || a.Steered.Pool != pool {
		s.t.Fatalf("%s: got %+v, %v", command, a, err)
	}
	return a.Steered
}

// A paused pool takes nothing, finishes what it has, and answers what has waited when it is resumed. Others serve meanwhile.
func TestOperatorPausesAPool(t *testing.T) {
	t.Parallel()
	for pool, socket := range map[string]string{"www": "sock", "b": "sockb"} {
		t.Run(pool, func(t *testing.T) {
			t.Parallel()
			s := start(t, two)
			s.expect("ready to handle")
			kept, busy := s.dial(socket), s.dial(socket)
			defer kept.Close()
			defer busy.Close()
			if answer := say(kept, "keep"); !strings.HasPrefix(answer, "pool "+pool) {
				t.Fatalf("got %q", answer)
			}
			release := hold(t, busy)
			if p := s.steer(control.Pause, pool, 0); !p.Paused || p.Requests != 1 {
				t.Errorf("paused: %+v", p)
			}
			waits := s.dial(socket)
			defer waits.Close()
			for i, conn := range []interface {
				Write([]byte) (int, error)
				SetReadDeadline(time.Time) error
				Read([]byte) (int, error)
			}{kept, waits} {
				fmt.Fprintln(conn, "sleep 0")
				conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
				if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
					t.Errorf("connection %d was answered by a paused pool", i)
				}
				conn.SetReadDeadline(time.Now().Add(patience))
			}
			if answer := release(); !strings.HasPrefix(answer, "pool "+pool) {
				t.Errorf("the request under way got %q", answer)
			}
			if p := s.steer(control.Drain, pool, 0); !p.Paused || p.Workers != 0 || p.Requests != 0 {
				t.Errorf("drained: %+v", p)
			}
			other := map[string]string{"www": "sockb", "b": "sock"}[pool]
			if answer := s.ask(other, "sleep 0"); !strings.HasPrefix(answer, "pool ") {
				t.Errorf("the other pool answered %q", answer)
			}
			if r := s.report(false); len(r.Generations[0].Steered) != 1 || !r.Generations[0].Steered[0].Paused {
				t.Errorf("the status: %+v", r.Generations[0].Steered)
			}
			if p := s.steer(control.Resume, pool, 0); p.Paused || p.Workers == 0 {
				t.Errorf("resumed: %+v", p)
			}
			for i, conn := range []interface{ Read([]byte) (int, error) }{kept, waits} {
				b := make([]byte, 100)
				if n, err := conn.Read(b); !strings.HasPrefix(string(b[:n]), "pool "+pool) {
					t.Errorf("connection %d got %q, %v", i, b[:n], err)
				}
			}
			if r := s.report(false); len(r.Generations[0].Steered) != 0 {
				t.Errorf("the status: %+v", r.Generations[0].Steered)
			}
			if all := s.incidents(0); all.Total != 0 {
				t.Errorf("got %+v", all.Incidents[0])
			}
			s.expect(fmt.Sprintf(`NOTICE: pause %s asked for by process .*: done: it has 1 request$`, pool))
			s.expect(fmt.Sprintf(`NOTICE: drain %s asked for by process .*: done: it has 0 requests$`, pool))
			s.expect(fmt.Sprintf(`NOTICE: resume %s asked for by process .*: done: it has \d workers?, \d at most$`, pool))
			s.never("WARNING|ERROR")
		})
	}
}

// A pool is resumed while its old workers finish long requests: new ones are there at once.
func TestResumeDoesNotWaitForRequests(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	first, second := s.dial("sock"), s.dial("sock")
	defer first.Close()
	defer second.Close()
	releases := []func() string{hold(t, first), hold(t, second)}
	if p := s.steer(control.Pause, "www", 0); p.Requests != 2 {
		t.Errorf("paused: %+v", p)
	}
	s.steer(control.Resume, "www", 0)
	if answer := s.ask("sock", "sleep 0"); !strings.HasPrefix(answer, "pool www") {
		t.Errorf("got %q", answer)
	}
	for _, release := range releases {
		if answer := release(); !strings.HasPrefix(answer, "pool www") {
			t.Errorf("an earlier request got %q", answer)
		}
	}
	wait.Until(t, "two workers", func() bool { return s.steer(control.Resume, "www", 0).Workers == 2 })
}

func TestOperatorScalesAPool(t *testing.T) {
	t.Parallel()
	s := start(t, two)
	s.expect("ready to handle")
	if p := s.steer(control.Scale, "www", 5); p.Workers != 5 || p.Limit != 5 || p.Configured != 2 {
		t.Errorf("five: %+v", p)
	}
	s.settle(5) // five requests at once
	wait.Until(t, "no request", func() bool { return len(s.running("")) == 0 })
	conn := s.dial("sock")
	defer conn.Close()
	release := hold(t, conn)
	if p := s.steer(control.Scale, "www", 1); p.Limit != 1 || p.Requests != 1 {
		t.Errorf("one: %+v", p)
	}
	wait.Until(t, "one worker", func() bool { return s.steer(control.Scale, "www", 1).Workers == 1 })
	if answer := release(); !strings.HasPrefix(answer, "pool www") { // the idle ones have left, and not this one
		t.Errorf("got %q", answer)
	}
	if answer := s.ask("sock", "sleep 0"); !strings.HasPrefix(answer, "pool www") {
		t.Errorf("got %q", answer)
	}

	if p := s.steer(control.Scale, "b", 8); p.Limit != 8 || p.Configured != 4 {
		t.Errorf("b: %+v", p)
	}
	for range 6 {
		conn := s.dial("sockb")
		defer conn.Close()
		defer hold(t, conn)()
	}
	s.expect(`NOTICE: scale www 5 asked for by .*: done: it has 5 workers, 5 at most$`)

	for what, c := range map[string]struct {
		request control.Request
		why     string
	}{
		"none":    {control.Request{Command: control.Scale, Pool: "www"}, "a pool has at least one worker; phpsapi fpm pause www stops it from taking connections"},
		"many":    {control.Request{Command: control.Scale, Pool: "www", Count: 19}, "pool www can have 18 workers at most until the next reload: its shared memory was made for pm.max_children = 2; set pm.max_children in php-fpm.conf, and reload"},
		"unknown": {control.Request{Command: control.Scale, Pool: "c", Count: 3}, "there is no pool c; the service has b, www"},
		"no name": {control.Request{Command: control.Pause}, "no pool is named; the service has b, www"},
	} {
		if a, err := s.outcome(c.request); err != nil || a.Reason != control.Refused || a.Why != c.why {
			t.Errorf("%s: got %+v, %v", what, a, err)
		}
	}
}

// What an operator has changed ends with a reload, and outlives the replacement of a zygote that has died.
func TestSteeringHoldsUntilAReload(t *testing.T) {
	t.Parallel()
	s := start(t, two, "MASTER_TEST_DIES=DIR/die")
	s.expect("ready to handle")
	s.steer(control.Pause, "www", 0)
	s.steer(control.Scale, "b", 3)
	s.touch("die")
	s.expect("ready to handle")
	steered := fmt.Sprintf("%+v", s.report(false).Generations[0].Steered)
	if r := s.report(false); r.Generations[0].Generation != 2 || !regexp.MustCompile(`Pool:www Paused:true .*Pool:b Paused:false .*Limit:3`).MatchString(steered) {
		t.Errorf("after the end of the zygote: generation %d, %s", r.Generations[0].Generation, steered)
	}
	if a, err := s.outcome(control.Request{Command: control.Reload}); err != nil || a.Generation != 3 {
		t.Fatalf("got %+v, %v", a, err)
	}
	if r := s.report(false); len(r.Generations[0].Steered) != 0 {
		t.Errorf("after a reload: %+v", r.Generations[0].Steered)
	}
	if answer := s.ask("sock", "sleep 0"); !strings.HasPrefix(answer, "pool www generation 3") {
		t.Errorf("got %q", answer)
	}
}

// The name of a pool that an order has, and nobody else, once began a line of its own in the error log.
func TestOrdersForgeNoLines(t *testing.T) {
	t.Parallel()
	s := start(t, static)
	s.expect("ready to handle")
	s.outcome(control.Request{Command: control.Pause, Pool: "a\nALERT: \x1b[2J"})
	s.expect(`NOTICE: pause a\.ALERT: \.\[2J asked for by .*: refused: there is no pool a\.ALERT: `)
}

func TestAnOrderIsCarriedOut(t *testing.T) {
	const undone, resumed, paused = "a reload has undone it meanwhile", "the pool was resumed meanwhile", "the pool was paused again meanwhile"
	for _, c := range []struct {
		name    string
		command control.Command
		is      steered
		why     string
		over    bool
	}{
		{"a pause, and a worker may still take a connection", control.Pause, steered{paused: true, workers: 2, taking: true}, "", false},
		{"a pause, and no worker may", control.Pause, steered{paused: true, workers: 2}, "", true},
		{"a pause that has waited for long enough", control.Pause, steered{paused: true, taking: true, late: true}, "", true},
		{"a pause of a static pool", control.Pause, steered{paused: true, manager: conf.Static, lacks: true}, "", true},
		{"a pause, resumed", control.Pause, steered{}, resumed, false},
		{"a drain, and there is a worker", control.Drain, steered{paused: true, workers: 1, late: true}, "", false},
		{"a drain, and there is none", control.Drain, steered{paused: true, taking: true}, "", true},
		{"a drain, resumed", control.Drain, steered{workers: 1}, resumed, false},
		{"a resume, and no worker is ready", control.Resume, steered{manager: conf.Dynamic, late: true}, "", false},
		{"a resume, and one is", control.Resume, steered{manager: conf.Dynamic, serves: true, taking: true}, "", true},
		{"a resume of a pool that has workers when it needs them", control.Resume, steered{manager: conf.Ondemand}, "", true},
		{"a resume, paused again", control.Resume, steered{paused: true, serves: true}, paused, false},
		{"another size, and workers are to come", control.Scale, steered{manager: conf.Static, lacks: true, late: true}, "", false},
		{"another size of a paused pool", control.Scale, steered{manager: conf.Static, lacks: true, paused: true}, "", true},
		{"another size, and workers that leave may take a connection", control.Scale, steered{manager: conf.Static, taking: true}, "", false},
		{"another size of a dynamic pool", control.Scale, steered{manager: conf.Dynamic, lacks: true}, "", true},
		{"any, after a reload", control.Scale, steered{replaced: true}, undone, false},
		{"a pause, after a reload", control.Pause, steered{replaced: true, paused: true}, undone, false},
	} {
		if why, over := c.is.outcome(c.command); why != c.why || over != c.over {
			t.Errorf("%s: got %q, %v, want %q, %v", c.name, why, over, c.why, c.over)
		}
	}
}

func TestIdleWorkersLeaveFirst(t *testing.T) {
	names := map[*child]string{}
	var all []*child
	for _, name := range []string{"busy 1", "idle 1", "leaving", "busy 2", "idle 2"} {
		c := &child{yields: name == "leaving"}
		names[c], all = name, append(all, c)
	}
	isIdle := func(c *child) bool { return strings.HasPrefix(names[c], "idle") }
	for n, want := range map[int]string{-1: "", 0: "", 1: "idle 1", 2: "idle 1, idle 2", 3: "idle 1, idle 2, busy 1", 4: "idle 1, idle 2, busy 1, busy 2",
		5: "idle 1, idle 2, busy 1, busy 2"} {
		var got []string
		for _, c := range leavers(all, n, isIdle) {
			got = append(got, names[c])
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func TestHowManyWorkersAPoolMayHave(t *testing.T) {
	p := &conf.Pool{Name: "www", MaxChildren: 4, Successors: 2}
	for _, c := range []struct {
		n, slots, total int
		want            string
	}{
		{1, 10, 0, ""},
		{8, 10, 0, ""},
		{8, 10, 8, ""},
		{0, 10, 0, "a pool has at least one worker; phpsapi fpm pause www stops it from taking connections"},
		{9, 10, 0, "pool www can have 8 workers at most until the next reload: its shared memory was made for pm.max_children = 4; set pm.max_children in php-fpm.conf, and reload"},
		{2, 3, 0, "pool www can have 1 worker at most until the next reload: its shared memory was made for pm.max_children = 4; set pm.max_children in php-fpm.conf, and reload"},
		{8, 10, 7, "process.max = 7 is the most that all pools together have"},
	} {
		if got := whyNotScaled(p, c.n, c.slots, c.total); got != c.want {
			t.Errorf("%d of %d slots, %d in all: got %q, want %q", c.n, c.slots, c.total, got, c.want)
		}
	}
}
