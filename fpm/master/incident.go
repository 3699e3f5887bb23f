package master

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/handoff"
	"github.com/phpsapi/phpsapi/fpm/incident"
	"github.com/phpsapi/phpsapi/fpm/machine"
	"github.com/phpsapi/phpsapi/fpm/postmortem"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/sidelog"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
	"github.com/phpsapi/phpsapi/sapi"
)

// incidents is what the master remembers of the abnormal ends of workers and requests.
type incidents struct {
	number  uint64
	ring    incident.Ring
	killers incident.Killers
	log     sidelog.Incidents
	kernel  machine.Kills
}

func (i *incidents) leave() *handoff.Incidents {
	return &handoff.Incidents{Number: i.number, Last: i.ring.Last(0, ""), Killers: i.killers.Leave()}
}

// adopt takes over what another program has left; nil: it has left nothing.
func (i *incidents) adopt(h *handoff.Incidents) {
	if h == nil {
		return
	}
	i.number = h.Number
	for _, last := range h.Last {
		if last != nil {
			i.ring.Add(last)
		}
	}
	i.killers.Adopt(h.Killers)
}

// broken is a worker's word on how its worker script ended: contract.Ended.
type broken struct {
	why    scoreboard.Reason
	within bool   // a request
	said   string // by PHP
}

// scriptEnded is a worker's word that its worker script has ended within a request, or by an error.
func (m *Master) scriptEnded(c *child, text string) reception {
	word, rest, _ := strings.Cut(text, " ")
	within, said, _ := strings.Cut(rest, " ")
	why, known := scoreboard.ReasonOf(word)
	if c.pool.worker == nil || c.broken != nil || !known || why != scoreboard.ByExit && why != scoreboard.ByFatal {
		return unexpected
	}
	c.broken = &broken{why, within == "request", incident.Clean(said)}
	return heeded
}

// examination is what is found out about a child that has ended, as long as its slot is its own.
type examination struct {
	*incident.Incident
	request *request // nil: it had none
	level   zlog.Level
	how     string // php-fpm's words
	report  incident.Report
	said    []string // by Go's runtime
	by      string   // an operator
}

// examine finds out whether a child's end is an incident; nil: it is none. wanted says that the process manager wanted it.
func (m *Master) examine(c *child, status syscall.WaitStatus, wanted bool) *examination {
	p := c.pool
	e := &examination{said: p.crashes.Lines(status)}
	e.how, e.level = postmortem.Ending(status)
	r := &request{}
	within := p.board.Snapshot(c.slot, &r.Proc) && r.Stage > scoreboard.ReadingHeaders && r.Stage < scoreboard.Finished
	kind := c.kindOf(ending{status, within, m.state == normal, m.killedByKernel}, len(e.said) > 0)
	if kind == "" || wanted && !within && kind != incident.Panic {
		return nil
	}
	if status.Exited() {
		e.level = zlog.Warning // C's exit, called by a script: a worker that leaves by itself has ended its request
	}
	e.Incident = m.incident(p, c.pid, kind, "exited "+e.how)
	e.orderedBy(c)
	e.Age = incident.Seconds(m.sys.now().Sub(c.started))
	if c.process != nil {
		e.Memory = c.process.Peak()
	}
	e.ended(status)
	if len(e.said) > 0 {
		e.Error = incident.Clean(e.said[0])
	}
	after := c.broken != nil && status.Exited()
	if after {
		e.Error = c.broken.said
	} else {
		e.addReport(incident.ParseReport(p.board.Report(c.slot)))
	}
	if p.worker != nil && !c.ready { // it was booting
		e.Script = incident.Clean(p.worker.Script)
	}
	if c.overdue {
		e.Error = sapi.BootTookTooLong(p.worker.BootTimeout)
	}
	if within || after && c.broken.within {
		r.duration = r.Duration
		if within {
			r.duration = time.Duration(max(m.clock.Now()-r.Accepted, 0))
		}
		e.request = r
		e.addRequest(r, m.got(c, after))
	}
	return e
}

// ending is how a worker has ended.
type ending struct {
	syscall.WaitStatus
	within bool        // it had a request
	serves bool        // the service is not about to end
	kernel func() bool // reports, and notes, whether the kernel may have killed it for lack of memory
}

// killedByKernel reports, and notes, whether the kernel may have killed a process that SIGKILL has just ended.
func (m *Master) killedByKernel() bool { return m.incidents.kernel.Claim(m.sys.now()) }

// kindOf returns what a child's end is; empty: no incident. panicked says that Go's runtime has said why it ends.
func (c *child) kindOf(status ending, panicked bool) incident.Kind {
	switch {
	case c.overdue:
		return incident.Boot
	case status.Signaled() && c.ordered != nil:
		return incident.Operator
	case status.Signaled() && c.vigil.ended != 0:
		return incident.Timeout
	case postmortem.IsCrash(status.WaitStatus):
		return incident.Crash
	case status.Signaled() && (c.terminated || c.killed || status.Signal() == syscall.SIGQUIT):
		return ""
	case status.Signaled() && status.Signal() == syscall.SIGKILL && status.kernel():
		return incident.OutOfMemory
	case status.Signaled():
		return incident.Killed
	case !status.Exited():
		return ""
	case c.broken != nil && c.broken.why == scoreboard.ByFatal:
		return incident.Fatal
	case c.broken != nil && c.broken.within:
		return incident.ScriptExit
	case panicked:
		return incident.Panic
	case status.within, status.ExitStatus() != 0 && status.ExitStatus() != exitNoThreads:
		return incident.Exit
	case c.pool.worker != nil && !c.ready && !c.unbooted && status.serves && !c.pool.gen.retiring:
		return incident.Boot
	}
	return ""
}

// incident makes one of a pool's.
func (m *Master) incident(p *pool, pid int, kind incident.Kind, what string) *incident.Incident {
	i := &incident.Incident{Time: incident.Stamp(m.sys.now()), Kind: kind, What: incident.Clean(what), Pool: p.conf.Name,
		Generation: p.gen.number, Pid: pid}
	if p.engine != nil {
		i.Engine = p.engine.php
	}
	if kind == incident.OutOfMemory {
		i.What += ", sent by the kernel for lack of memory"
	}
	return i
}

// orderedBy adds who has wanted a child's request ended, if that is why it has ended.
func (e *examination) orderedBy(c *child) {
	if e.Kind == incident.Operator {
		e.by = c.ordered.by
		e.What += ", as " + incident.Clean(e.by) + " has asked for"
	}
}

// ended adds how a process ended.
func (e *examination) ended(status syscall.WaitStatus) {
	if status.Signaled() {
		e.Signal, e.Name, e.Core = int(status.Signal()), signalName(status.Signal()), status.CoreDump()
		return
	}
	code := status.ExitStatus()
	e.ExitCode = &code
}

// addReport adds what the process has left behind, as far as it can be of this end.
func (e *examination) addReport(r incident.Report) {
	if r.Signal != e.Signal || r.Exited != (e.ExitCode != nil) {
		return
	}
	e.report = r
	e.Address, e.Sender, e.PHPStack, e.CStack = r.Address, r.Sender, r.PHP, r.C
}

// addRequest adds the request, and what its client got.
func (e *examination) addRequest(r *request, got string) {
	e.RequestID, e.Method, e.Host, e.Script = incident.Clean(r.ID), incident.Clean(r.Method), incident.Clean(r.Host), incident.Clean(r.Script)
	e.URI = incident.Clean(r.target())
	e.TraceID, e.SpanID = r.ids()
	duration := incident.Seconds(r.duration)
	e.Duration, e.Client = &duration, got
	if r.QueueWait > 0 {
		waited := incident.Seconds(r.QueueWait)
		e.QueueWait = &waited
	}
}

// target returns what the client asked for.
func (r *request) target() string {
	switch {
	case r.Target != "":
		return r.Target
	case r.Query != "":
		return r.URI + "?" + r.Query
	}
	return r.URI
}

// got returns what the client of a child that has ended got. answered says that PHP has ended the response.
func (m *Master) got(c *child, answered bool) string {
	h, sent := c.pool.board.HTTP(c.slot), c.pool.board.Sent(c.slot)
	switch {
	case answered, sent == scoreboard.SentAll:
		return incident.GotAll
	case sent == scoreboard.SentOverdue && c.vigil.ended != 0:
		return incident.Got504
	case c.rescue != nil && c.silentSince != 0 && c.silentSince == h.Spoke && h.State == scoreboard.HTTPUnsent:
		return incident.Got504
	case c.rescue != nil && h.State == scoreboard.HTTPUnsent:
		return incident.Got502
	case c.rescue != nil && h.State == scoreboard.HTTPSent, sent == scoreboard.SentPart:
		return incident.GotPart
	}
	return incident.GotClosed
}

// tellEnd logs the incident of a child, behind php-fpm's line about its end.
func (m *Master) tellEnd(c *child, e *examination) {
	p := c.pool
	now := m.sys.now()
	m.incidents.assign(e.Incident)
	m.tellSpan(p, c.pid, e)
	news := false
	if e.Script != "" && e.Kind != incident.Operator {
		e.ScriptEnded, news = m.incidents.killers.Count(p.conf.Name, e.Script, now)
	}
	m.log.incident(e, p.conf.Name, c.pid)
	if m.log.Settings().JSON { // it is all in the line
		m.record(e.Incident)
		m.tellKiller(p, e, news)
		return
	}
	for _, line := range e.said {
		m.log.workerPanicked(p.conf.Name, c.pid, line)
	}
	for _, stack := range []struct {
		of     string
		frames []string
	}{{"PHP", e.PHPStack}, {"C", e.CStack}} {
		if stack.of == "C" && e.ScriptEnded > incident.Many { // the log has some already
			break
		}
		for i, frame := range stack.frames {
			if i == 0 {
				m.log.workerPanicked(p.conf.Name, c.pid, e.verb()+" while "+stack.of+" was in")
			}
			m.log.workerPanicked(p.conf.Name, c.pid, fmt.Sprintf("#%d %s", i, frame))
		}
	}
	m.record(e.Incident)
	m.tellKiller(p, e, news)
}

// tellKiller logs that an incident's script has ended too many workers, if that is news.
func (m *Master) tellKiller(p *pool, e *examination, news bool) {
	if news {
		m.log.killsAgain(p.conf.Name, e.Script, e.ScriptEnded)
	}
}

// verb is what has happened to the process.
func (e *examination) verb() string {
	switch {
	case e.Kind == incident.Crash:
		return "it crashed"
	case e.ExitCode != nil:
		return "it exited"
	}
	return "it was ended"
}

// assign gives an incident its number.
func (i *incidents) assign(one *incident.Incident) {
	i.number++
	one.Number = i.number
}

// record remembers an incident, which has its number, and has it written to the incident log.
func (m *Master) record(i *incident.Incident) {
	m.countIncident(i.Kind)
	m.incidents.ring.Add(i)
	m.incidents.log.Add(i.Line())
}

// bootIncident records that a pool's worker script could not be booted; the log says so already. pid is that of the process which tried.
func (m *Master) bootIncident(p *pool, pid int, why string) {
	i := m.incident(p, pid, incident.Boot, "the worker script could not be booted")
	i.Script, i.Error = incident.Clean(p.worker.Script), incident.Clean(why)
	m.incidents.assign(i)
	m.record(i)
}

// noteBoot records that the application of a snapshot could not be booted, if that is how the start of an engine's zygote has ended.
func (m *Master) noteBoot(e *engine, err error) {
	var failed *zygote.BootError
	if p := e.pools[0]; errors.As(err, &failed) && p.worker != nil {
		m.bootIncident(p, 0, err.Error())
	}
}

// lastIncidents is what `phpsapi fpm incidents` tells.
func (m *Master) lastIncidents(n int, pool string) *control.Incidents {
	all := &control.Incidents{Total: m.incidents.number, Log: m.incidents.log.Path(),
		Incidents: m.incidents.ring.Last(n, pool), Scripts: m.incidents.killers.Repeated(pool, m.sys.now())}
	all.Pools = slices.Sorted(m.poolNames())
	return all
}

// poolNames yields the names of the pools that serve.
func (m *Master) poolNames() func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, p := range m.gen.pools {
			if !yield(p.conf.Name) {
				return
			}
		}
	}
}

// incident says what is known of an abnormal end. It has no counterpart in php-fpm, whose line about the child names no request. The texts
// are the worker's own word.
func (l lines) incident(e *examination, pool string, pid int) {
	where, more := "", ""
	if r := e.request; r != nil {
		id := ""
		if r.ID != "" {
			id = " with id " + r.ID
		}
		where = fmt.Sprintf(" in request%s, %s", id, r)
		more = fmt.Sprintf(", after %.3f s, the client got %s", *e.Duration, incident.Got(e.Client))
		if e.QueueWait != nil {
			more += fmt.Sprintf(", it had waited for %.3f s", *e.QueueWait)
		}
	}
	if e.Kind == incident.OutOfMemory {
		more += "; the kernel has sent the signal for lack of memory"
	}
	if e.Kind == incident.Timeout {
		more += "; request_terminate_timeout"
	}
	if e.by != "" {
		more += "; " + e.by + " has asked for that"
	}
	if e.Error != "" && len(e.said) == 0 {
		more += "; PHP said: " + e.Error
	}
	about := &zlog.About{}
	if e.request != nil {
		r := *e.request
		about = r.about()
	}
	about.Incident = e.Line()
	about.Incident = about.Incident[:len(about.Incident)-1]
	l.LogAbout(e.level, about, purify(fmt.Sprintf("[pool %s] child %d exited %s%s; incident %d%s", pool, pid, e.how, where, e.Number, more)))
}

func (l lines) killsAgain(pool, script string, ended int) {
	l.Logf(zlog.Error, "[pool %s] the script '%s' has ended %d workers in the last %d minutes; see `phpsapi fpm incidents`", pool, purify(script),
		ended, int(incident.Window.Minutes()))
}

// incidentsWritten tells the loop that lines of the incident log were written.
type incidentsWritten struct{ sidelog.Written }

func (e incidentsWritten) happen(m *Master) { m.incidents.log.Heed(e.Written) }

// makeIncidentLog makes the incident log one that is written beside the loop.
func (m *Master) makeIncidentLog() {
	m.incidents.log = sidelog.Incidents{Log: m.log.Log, Now: m.sys.now, Post: func(w sidelog.Written) { m.box.post(incidentsWritten{w}) }}
}

// endIncidentLog waits until the log has its lines: another program is about to be executed. It waits no longer than for anything else.
func (m *Master) endIncidentLog() {
	patience := time.NewTimer(quiescePatience)
	defer patience.Stop()
	for m.incidents.log.IsBusy() {
		select {
		case <-m.box.wake:
			m.handle()
		case <-patience.C:
			return
		}
	}
}
