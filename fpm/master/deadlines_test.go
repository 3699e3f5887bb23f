package master

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/listening"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/test/boards"
)

// The loop did not sleep until a service had ended whose retired generation still had a deadline, and for a pool of a retired one that was to be
// looked at again: it woke up for what it then did not do.
func TestNoDeadlineWakesTheLoopInVain(t *testing.T) {
	for s, name := range situations {
		t.Run(name, func(t *testing.T) {
			m := newMasterIn(t, situation(s))
			old := &generation{number: 7, config: m.gen.config, plan: m.gen.plan, retiring: true,
				escalation: pm.Escalation{Sent: syscall.SIGQUIT, Deadline: m.time.Add(time.Second)}}
			idle := &pool{gen: old, conf: &conf.Pool{Name: "old"}, board: boards.One(t), recheckAt: m.time.Add(time.Second)}
			old.pools = []*pool{idle}
			m.old = append(m.old, old)
			listen(t, idle, m.gen.pools[0])
			m.maintainAt = m.time.Add(time.Second)
			for range 300 {
				next := m.nextDeadline()
				if next.After(m.time) {
					m.time = next
				}
				m.tick(m.time)
				if m.done {
					return
				}
				if again := m.nextDeadline(); !again.After(m.time) {
					t.Fatalf("at %v it is woken up for %v again", m.time, again)
				}
			}
		})
	}
}

// What is due is done, once, and in the order of the list.
func TestWhatIsDueIsDone(t *testing.T) {
	m := newMasterIn(t, serves)
	listen(t, m.gen.pools[0])
	var done []string
	agendaOf := func(now time.Time) agenda {
		return agenda{
			at: func(at time.Time, do func(*Master, time.Time)) {
				if !at.IsZero() && !now.Before(at) {
					done = append(done, fmt.Sprint(at.Sub(m.time)))
				}
			},
			always: func(func(*Master, time.Time)) {},
		}
	}
	m.maintainAt, m.killAt, m.silentAt, m.leavingAt = m.time.Add(3), m.time.Add(1), m.time.Add(2), m.time.Add(9)
	m.deadlines(agendaOf(m.time.Add(3)))
	if want := []string{"3ns", "1ns", "2ns"}; !slices.Equal(done, want) {
		t.Errorf("due are %q, want %q", done, want)
	}
	if next := m.nextDeadline(); !next.Equal(m.time.Add(1)) {
		t.Errorf("the next is %v", next.Sub(m.time))
	}
	m.killAt, m.silentAt = time.Time{}, time.Time{}
	m.tick(m.time.Add(3))
	if m.maintainAt.Sub(m.time) != 3+maintenanceInterval || !m.leavingAt.Equal(m.time.Add(9)) {
		t.Errorf("after it maintenance is in %v, and the look at workers that leave in %v", m.maintainAt.Sub(m.time), m.leavingAt.Sub(m.time))
	}
}

// listen gives pools sockets at which nothing waits.
func listen(t *testing.T, pools ...*pool) {
	for _, p := range pools {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		p.socket = listening.NewSocket(pair[0], p.conf.Name, conf.Unix)
		t.Cleanup(func() {
			p.socket.File().Close()
			unix.Close(pair[1])
		})
	}
}
