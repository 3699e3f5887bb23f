package master

import (
	"slices"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/incident"
	"github.com/phpsapi/phpsapi/fpm/postmortem"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/settings"
)

// formerPatience is how long a worker whose control socket has ended waits for its zygote's word on how it has ended.
const formerPatience = 2 * time.Second

// formerKill is how long a former worker has after an operator's SIGTERM.
const formerKill = 2 * time.Second

// hungUp notes that a worker's control socket has ended. Its zygote tells how the worker has, sooner or later.
func (w *formerWorker) hungUp(m *Master) {
	w.yielded = true
	w.lost = m.sys.now()
	if w.exited || w.group.zygote == nil {
		w.group.bury(m, w)
	}
}

// formerExited takes the end of a worker. It returns false if the process is not a former one.
func (m *Master) formerExited(pid int, status syscall.WaitStatus) bool {
	for _, g := range m.former.groups {
		for _, w := range g.workers {
			if w.handed.Pid != pid || w.exited {
				continue
			}
			w.exited, w.yielded = true, true
			how, level := postmortem.Ending(status)
			m.log.formerExited(level, w.handed.Pool, pid, how)
			e := m.examineFormer(w, status)
			if e != nil {
				m.tellEnd(w.own, e)
			}
			m.killEnded(w.own, how, e)
			m.rescueFromFormer(w)
			if !w.lost.IsZero() {
				g.bury(m, w)
			}
			return true
		}
	}
	return false
}

// child is a worker as this program's own are, for what is only said of it and decided about its requests.
func (w *formerWorker) child() *child {
	return &child{pid: w.handed.Pid, slot: w.handed.Slot, pool: &pool{conf: &conf.Pool{Name: w.handed.Pool, DecorateWorkersOutput: w.handed.Decorate,
		RequestTerminateTimeout: time.Duration(w.handed.Terminate), RequestTerminateTimeoutTrackFinished: w.handed.Tracked},
		stages: settings.Stages{Kill: formerKill}, gen: &generation{number: w.group.handed.Generation}, engine: &engine{php: w.handed.Engine}}}
}

// examineFormer finds out whether a worker's end is an incident; nil: it is none, or the memory with the worker's word cannot be read.
func (m *Master) examineFormer(w *formerWorker, status syscall.WaitStatus) *examination {
	board, slot := w.board.reader, w.handed.Slot
	if board == nil {
		return nil
	}
	r := &request{}
	within := board.Snapshot(slot, &r.Proc) && r.Stage > scoreboard.ReadingHeaders && r.Stage < scoreboard.Finished
	kind := w.kindOf(ending{status, within, m.state == normal, m.killedByKernel})
	if kind == "" {
		return nil
	}
	e := &examination{}
	e.how, e.level = postmortem.Ending(status)
	e.Incident = m.incident(w.own.pool, w.handed.Pid, kind, "exited "+e.how)
	e.orderedBy(w.own)
	e.ended(status)
	e.addReport(incident.ParseReport(board.Report(slot)))
	if within {
		r.duration = time.Duration(max(m.clock.Now()-r.Accepted, 0))
		e.request = r
		e.addRequest(r, w.got())
	}
	return e
}

// kindOf returns what a former worker's end is; empty: no incident.
func (w *formerWorker) kindOf(status ending) incident.Kind {
	told := w.escalation.Sent == syscall.SIGTERM || w.escalation.Sent == syscall.SIGKILL
	switch {
	case status.Signaled() && w.own.ordered != nil:
		return incident.Operator
	case status.Signaled() && w.timedOut:
		return incident.Timeout
	case postmortem.IsCrash(status.WaitStatus):
		return incident.Crash
	case status.Signaled() && (told || status.Signal() == syscall.SIGQUIT || !status.serves):
		return ""
	case status.Signaled() && status.Signal() == syscall.SIGKILL && status.kernel():
		return incident.OutOfMemory
	case status.Signaled():
		return incident.Killed
	case status.within:
		return incident.Exit
	}
	return ""
}

// got returns what the client of a worker that has ended got.
func (w *formerWorker) got() string {
	h, sent := w.board.reader.HTTP(w.handed.Slot), w.board.reader.Sent(w.handed.Slot)
	_, some := w.listener(h)
	switch {
	case sent == scoreboard.SentAll:
		return incident.GotAll
	case sent == scoreboard.SentOverdue:
		return incident.Got504
	case some && h.State == scoreboard.HTTPUnsent:
		return incident.Got502
	case some && h.State == scoreboard.HTTPSent, sent == scoreboard.SentPart:
		return incident.GotPart
	}
	return incident.GotClosed
}

// listener returns the address to which what stands in a worker's rescue socket came. It returns false if nothing does.
func (w *formerWorker) listener(h scoreboard.HTTP) (address string, some bool) {
	at := w.handed.Addresses
	if w.handed.Rescue == 0 || !h.Rescuable() || h.Listener < 0 || h.Listener >= len(at) {
		return "", false
	}
	return at[h.Listener], true
}

// rescueFromFormer has the front answer for a worker that has died, as rescueFrom does.
func (m *Master) rescueFromFormer(w *formerWorker) {
	at := slices.Index(w.handed.Keep, w.handed.Rescue)
	if w.board.reader == nil || at < 0 {
		return
	}
	h := w.board.reader.HTTP(w.handed.Slot)
	address, some := w.listener(h)
	if !some {
		return
	}
	file := w.keep[at]
	w.keep = slices.Delete(w.keep, at, at+1)
	w.handed.Rescue = 0
	what := contract.Rescued{Sent: h.State == scoreboard.HTTPSent, Idle: h.State == scoreboard.HTTPWaits, Address: address, Pool: w.handed.Pool}
	var r scoreboard.Proc
	if !what.Idle && w.board.reader.Snapshot(w.handed.Slot, &r) {
		addRequest(&what, &r, m.clock.Now())
	}
	m.keepRescue(rescue{file, what})
}

// bury forgets a worker that is gone.
func (g *formerGroup) bury(m *Master, w *formerWorker) {
	m.rescueFromFormer(w)
	closeFiles(w.keep)
	g.workers = slices.DeleteFunc(g.workers, func(other *formerWorker) bool { return other == w })
	m.formerGone(g)
}

// isHere reports whether a worker may still run.
func (w *formerWorker) isHere() bool { return w.lost.IsZero() && !w.exited }

func (e formerFrontSaid) heed(m *Master) reception {
	switch s := e.message; s.Letter {
	case contract.Yielded:
		e.front.yielded = true
		m.begun()
	case contract.Log:
		m.say(s.Text)
	case contract.Lines:
		m.sayAll(s.Text)
	case contract.RecordIs, contract.RecordPart:
		return m.frontRecord(&e.front.records, s)
	case 0:
		e.g.front = nil
		m.formerGone(e.g)
	}
	return heeded
}
