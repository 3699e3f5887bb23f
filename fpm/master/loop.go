// Counterpart: sapi/fpm/fpm/fpm_events.c (fpm_event_loop)

package master

import (
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/announce"
	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/errorlog"
	"github.com/phpsapi/phpsapi/fpm/handoff"
	"github.com/phpsapi/phpsapi/fpm/listening"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/startup"
)

// Master is the state of the master process.
type Master struct {
	opt      Options
	sys      system
	log      lines
	errorLog *errorlog.Log
	clock    scoreboard.Clock
	systemd  announce.Systemd

	box               *mailbox
	signals, children chan os.Signal // SIGCHLD alone is in the second

	sockets    listening.Sockets
	park       *parking
	generation int           // the last one's number
	gen        *generation   // the one that serves
	next       *generation   // the one a reload makes
	old        []*generation // those that finish their requests
	attempt    *attempt      // the reload under way
	handover   *handover     // the reload that serves and was not announced yet
	operators  operators     // those on the control socket, and what they wait for
	incidents  incidents
	slow       slowOnes
	constants  *startup.Answer // what PHP has answered for the configuration that serves, when it was asked last; nil: it was not

	files filesWatch // with the setting watch

	hearing map[*channel.Channel]bool // those that somebody reads
	control *control.Server           // operators ask there; nil: there is none
	taken   *takeover                 // what an upgrade has left to this program; nil: nothing, or it is over
	former  former                    // processes of programs before
	invoked string                    // the file by whose name this program was executed; empty: not known
	resting bool                      // another program is executed next: what is ordered is left to it

	fronts    []*front // all that run, those that drain among them
	observers companion.Observers
	weighing  weighing
	tally     handoff.Tally
	replaced  replaced
	started   bool // a generation serves, or has served

	orphans map[int]syscall.WaitStatus // ends of processes that may be the workers whose birth is told next

	state      state
	finishAt   time.Time      // when the service finishes that says already that it is not ready; zero: nobody has asked for its end
	escalation pm.Escalation  // of a stop
	patient    bool           // a stop waits for requests without a limit: an operator's, without process_control_timeout
	rehearsals int            // of reloads, that have not ended
	zygotes    map[int]bool   // the pids of those that are not waited for yet
	executing  int            // zygotes whose pids are not known yet
	tending    sync.WaitGroup // goroutines that start a zygote or end one
	phpTook    time.Duration  // the longest of its starts so far
	renewal    pm.Backoff     // of the replacement of zygotes that die
	beginning  bool           // the first workers are being forked
	deadly     syscall.Signal // what has ended the start; 0: nothing
	unwanted   bool           // nobody waits for this daemon's start any more
	reading    int            // pipes of workers' output that have not ended
	done       bool
	status     int // the exit status of a service that has served

	cachesUntil int64  // see watchCaches; 0: nobody has asked
	resets      uint64 // orders to reset an opcache so far
	profiles    []*profile

	rescues []rescue // for a front that is not there yet
	left    int      // how often it was seen that no worker speaks HTTP, as the service ends

	maintainAt, heartbeatAt, systemdAt, renewAt, certificatesAt, silentAt, leavingAt, killAt time.Time
}

// generations are all that have workers.
func (m *Master) generations() []*generation {
	all := append([]*generation{m.gen}, m.old...)
	if m.next != nil {
		all = append(all, m.next)
	}
	return all
}

// running is how many workers there are.
func (m *Master) running() int {
	n := 0
	for _, g := range m.generations() {
		n += g.running()
	}
	return n + m.former.running()
}

// loop takes what comes until the service has ended.
func (m *Master) loop() {
	timer := time.NewTimer(0)
	for !m.done {
		timer.Reset(m.nextDeadline().Sub(m.sys.now()))
		select {
		case s := <-m.signals:
			m.settleOutput()
			m.signal(s)
		case s := <-m.children:
			m.settleOutput()
			m.signal(s)
		case <-m.box.wake:
			m.handle()
		case <-timer.C:
		}
		m.tick(m.sys.now())
	}
}

// handle takes the events that are there.
func (m *Master) handle() {
	for _, e := range m.box.take() {
		e.happen(m)
	}
}

// heartbeat is how often requests are looked at; 0: never.
func (m *Master) heartbeat() time.Duration {
	if m.gen.config.Heartbeat == 0 {
		return 0
	}
	return max(m.gen.config.Heartbeat, minHeartbeat)
}
