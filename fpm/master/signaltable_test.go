package master

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/test/files"
)

var update = flag.Bool("update", false, "write the table of docs/SIGNALS.md")

// A situation is what the master is about when something happens.
type situation int

const (
	serves situation = iota
	reloads
	waits
	finishes
	terminates
)

var situations = []string{serves: "normal", reloads: "while a reload is under way", waits: "while shutdown_delay runs", finishes: "finishing", terminates: "terminating"}

// An effect is what comes of an event: what the table says, and what is seen of it.
type effect struct {
	says     string
	state    state
	leaves   bool   // it waits for shutdown_delay
	worker   string // what the worker is sent; empty: nothing
	next     string // likewise, that of the generation that a reload makes
	reload   bool   // one is under way
	again    bool   // and one more follows
	reopened bool   // the error log
}

// A tableRow is a row of the table: what happens, and what comes of it in each situation.
type tableRow struct {
	name    string
	happens []func(m *Master, now *time.Time)
	effects [5]effect
}

func signalled(signals ...syscall.Signal) (all []func(*Master, *time.Time)) {
	for _, s := range signals {
		all = append(all, func(m *Master, _ *time.Time) { m.signal(s) })
	}
	return all
}

// stepIsDue lets the time pass until the next step of a stop.
func stepIsDue(m *Master, now *time.Time) {
	if m.escalation.Deadline.After(*now) {
		*now = m.escalation.Deadline
	}
	m.tick(*now)
}

func delayIsOver(m *Master, now *time.Time) {
	*now = now.Add(time.Hour)
	m.tick(*now)
}

// events are the rows. The worker of the generation that serves has a request, and is sent QUIT as a message on its control socket.
var events = []tableRow{
	{"`INT`, `TERM`", signalled(syscall.SIGINT, syscall.SIGTERM), [5]effect{
		serves:     {says: "`Terminating ...`: all workers get TERM", state: terminating, worker: "TERM"},
		reloads:    {says: "the same, the new generation's too", state: terminating, worker: "TERM", next: "TERM", reload: true},
		waits:      {says: "the same", state: terminating, worker: "TERM"},
		finishes:   {says: "the same", state: terminating, worker: "TERM"},
		terminates: {says: "nothing", state: terminating},
	}},
	{"`QUIT`", signalled(syscall.SIGQUIT), [5]effect{
		serves:     {says: "`Finishing ...`: all workers finish their request, after shutdown_delay if that is set", state: finishing, worker: "Quit"},
		reloads:    {says: "the same, the new generation's too", state: finishing, worker: "Quit", next: "Quit", reload: true},
		waits:      {says: "`Finishing ...` at once", state: finishing, worker: "Quit"},
		finishes:   {says: "nothing", state: finishing},
		terminates: {says: "nothing", state: terminating},
	}},
	{"`USR1`", signalled(syscall.SIGUSR1), [5]effect{
		serves:     {says: "reopens error_log and the access logs", reopened: true},
		reloads:    {says: "the same, of the generation that serves", reload: true, reopened: true},
		waits:      {says: "the same", leaves: true, reopened: true},
		finishes:   {says: "the same", state: finishing, reopened: true},
		terminates: {says: "the same", state: terminating, reopened: true},
	}},
	{"`USR2`, `HUP`", signalled(syscall.SIGUSR2, syscall.SIGHUP), [5]effect{
		serves:     {says: "`Reloading in progress ...`", reload: true},
		reloads:    {says: "one more reload when this one has ended", reload: true, again: true},
		waits:      {says: "nothing", leaves: true},
		finishes:   {says: "nothing", state: finishing},
		terminates: {says: "nothing", state: terminating},
	}},
	{"the time of shutdown_delay is over", []func(*Master, *time.Time){delayIsOver}, [5]effect{
		serves:     {says: "-"},
		reloads:    {says: "-"},
		waits:      {says: "`Finishing ...`", state: finishing, worker: "Quit"},
		finishes:   {says: "-"},
		terminates: {says: "-"},
	}},
	{"the time of a step is over", []func(*Master, *time.Time){stepIsDue}, [5]effect{
		serves:     {says: "nothing"},
		reloads:    {says: "nothing", reload: true},
		waits:      {says: "nothing", leaves: true},
		finishes:   {says: "all workers get TERM, and a second later KILL", state: finishing, worker: "TERM"},
		terminates: {says: "all workers get KILL", state: terminating, worker: "KILL"},
	}},
}

// signalTable returns the table as docs/SIGNALS.md has it.
func signalTable() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| | %s |\n|---|%s\n", strings.Join(situations, " | "), strings.Repeat("---|", len(situations)))
	for _, e := range events {
		fmt.Fprintf(&b, "| %s |", e.name)
		for _, f := range e.effects {
			fmt.Fprintf(&b, " %s |", strings.Trim(f.says, "-"))
		}
		b.WriteString("\n")
	}
	return b.String()
}

const tableBegins, tableEnds = "<!-- The table is of fpm/master/signaltable_test.go: go test ./fpm/master -run SignalTable -update -->\n\n", "\n`HUP` is Debian's addition."

func TestSignalTableIsCurrent(t *testing.T) {
	const file = "../../docs/SIGNALS.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), tableBegins)
	there, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table", file)
	}
	if *update {
		files.Write(t, file, before+tableBegins+signalTable()+tableEnds+after)
	} else if there != signalTable() {
		t.Errorf("%s is not what the events say: go test ./fpm/master -run SignalTable -update", file)
	}
}

// Each event in each situation, by a clock and workers of the test's own.
func TestSignalTableIsTrue(t *testing.T) {
	for _, e := range events {
		for i, want := range e.effects {
			if want.says == "-" {
				continue
			}
			for n, happens := range e.happens {
				t.Run(fmt.Sprintf("%s %d %s", e.name, n, situations[i]), func(t *testing.T) {
					m := newMasterIn(t, situation(i))
					happens(m.Master, &m.time)
					want.says = ""
					if got := m.effect(); got != want {
						t.Errorf("got %+v\nwant %+v\nthe log:\n%s", got, want, m.said.String())
					}
				})
			}
		}
	}
}

// A tableMaster is a master whose clock, workers and log are the test's.
type tableMaster struct {
	*Master
	time   time.Time
	said   bytes.Buffer
	sent   recorder
	worker *child
	theirs *os.File // the worker's end of its control socket
	others []*os.File
}

func newMasterIn(t *testing.T, s situation) *tableMaster {
	m := &tableMaster{Master: idleMaster(t), time: time.Unix(1000, 0), sent: recorder{sent: map[int]syscall.Signal{}}}
	m.sys.now = func() time.Time { return m.time }
	m.sys.kill = func(pid int, _ syscall.Signal) error { return fmt.Errorf("%d is not a process of this test", pid) }
	m.errorLog.Messages.Configure(func(s *zlog.Settings) { s.Stderr, s.Level = &m.said, zlog.Debug })
	m.worker, m.theirs = recorded(t, m.Master, &m.sent, 1<<30+7, true)
	switch s {
	case reloads:
		_, _, m.others = nextOf(t, m.Master, &m.sent, 1)
		m.next.pools[0].slots[0].ready = true
		m.attempt.deadline = m.time.Add(24 * time.Hour)
	case waits:
		m.gen.plan.Own = &settings.Settings{ShutdownDelay: time.Minute}
		m.signal(syscall.SIGQUIT)
	case finishes:
		m.signal(syscall.SIGQUIT)
	case terminates:
		m.signal(syscall.SIGTERM)
	}
	m.forget()
	return m
}

// forget leaves out what came of the situation itself.
func (m *tableMaster) forget() {
	for _, end := range append(slices.Clone(m.others), m.theirs) {
		for letterFor(end) != 0 {
		}
	}
	clear(m.sent.sent)
	m.said.Reset()
}

func (m *tableMaster) effect() effect {
	e := effect{state: m.state, leaves: m.state == normal && m.isLeaving(), reload: m.attempt != nil, again: m.attempt != nil && m.attempt.again,
		reopened: strings.Contains(m.said.String(), "error log file re-opened"), worker: m.sentTo(m.worker.pid, m.theirs)}
	if len(m.others) > 0 {
		e.next = m.sentTo(1<<30, m.others[0])
	}
	return e
}

// sentTo returns what a worker was sent: the signal, or the name of the message.
func (m *tableMaster) sentTo(pid int, theirs *os.File) string {
	if s, ok := m.sent.sent[pid]; ok {
		return strings.TrimPrefix(signalName(s), "SIG")
	}
	switch letter := letterFor(theirs); letter {
	case 0:
		return ""
	case contract.Quit:
		return "Quit"
	case contract.Yield:
		return "Yield"
	default:
		return fmt.Sprintf("%q", letter)
	}
}
