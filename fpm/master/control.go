package master

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/fpm/status"
	"github.com/phpsapi/phpsapi/sapi"
)

// progressInterval is how often an operator that waits hears what for.
const progressInterval = time.Second

// operators is what the loop knows of operators.
type operators struct {
	since      time.Time // when the service began
	waiting    []*operator
	progressAt time.Time       // zero: nobody waits
	lookAt     time.Time       // when to look at the tasks again; zero: there are none
	round      int             // reloads that began; each has an end
	last       *control.Ending // of the last reload that ended
	upgrade    bool            // the next reload is to execute the program that is installed
	// upgradedFrom is the version of the program before while it is told that this one has taken over.
	upgradedFrom string
}

// dismiss stops telling an operator of progress.
func (m *Master) dismiss(o *operator) {
	m.endProfile(o)
	m.operators.waiting = slices.DeleteFunc(m.operators.waiting, func(other *operator) bool { return other == o })
	if len(m.operators.waiting) == 0 {
		m.operators.progressAt = time.Time{}
	}
}

func (m *Master) keepWaiting(o *operator) {
	if len(m.operators.waiting) == 0 {
		m.operators.progressAt = m.sys.now().Add(progressInterval)
	}
	m.operators.waiting = append(m.operators.waiting, o)
}

// asked does what an operator wants, or begins it. A master that rests leaves it to the next program.
func (m *Master) asked(o *operator) {
	if m.resting {
		m.keepWaiting(o)
		return
	}
	switch o.Request.Command {
	case control.Status:
		o.Tell(control.Answer{Done: true, Status: m.report(o.Request.Full)})
	case control.LastIncidents:
		o.Tell(control.Answer{Done: true, Incidents: m.lastIncidents(o.Request.Count, o.Request.Pool)})
	case control.SlowRequests:
		o.Tell(m.tellSlow(o.Request.Count, o.Request.Pool))
	case control.Requests:
		o.Tell(m.tellRequests(o.Request.Pool))
	case control.Kill:
		m.kill(o)
	case control.AskHealth:
		h := m.service().Ready(o.Request.Pool)
		o.Tell(control.Answer{Done: true, Health: &h})
	case control.ConfigDiff:
		m.configDiff(o)
	case control.LogLevel:
		m.logLevel(o)
	case control.OpcacheStatus, control.OpcacheReset:
		m.opcache(o)
	case control.MakeProfile:
		m.profile(o)
	case control.Pause, control.Drain, control.Resume, control.Scale:
		m.steer(o)
	default:
		m.reloadOrStop(o)
	}
}

// reloadOrStop begins what an operator waits for.
func (m *Master) reloadOrStop(o *operator) {
	m.log.askedFor(o)
	switch {
	case o.Request.Command.Reloads() && m.state != normal:
		o.Tell(control.Answer{Done: true, Reason: control.Refused, Why: "the service is " + m.state.String()})
	case o.Request.Command.Reloads() && m.isLeaving():
		o.Tell(control.Answer{Done: true, Reason: control.Refused, Why: "the service is about to end"})
	case o.Request.Command.Reloads():
		if o.Request.Command == control.Upgrade {
			m.operators.upgrade = true
		}
		// The next one to begin, at once or after the one under way, which may have read the configuration already.
		o.round = m.operators.round + 1
		m.keepWaiting(o)
		m.log.reloading()
		m.reload()
	case o.Request.Now:
		m.keepWaiting(o)
		m.log.terminating()
		m.stop(terminating)
	default:
		m.keepWaiting(o)
		if m.state == normal { // the limit of QUIT remains one
			m.patient = m.gen.config.Global.ProcessControlTimeout == 0
		}
		m.finish()
	}
}

// reloadEnded tells the operators who waited for a reload how it ended. why is nil if the new generation serves.
func (m *Master) reloadEnded(why error, lines []string) {
	m.countReload(why != nil)
	m.observers.News()
	m.operators.last = &control.Ending{Time: m.sys.now().Unix(), Generation: m.gen.number, Lines: lines}
	a := control.Answer{Generation: m.gen.number, Lines: lines, From: m.operators.upgradedFrom}
	if a.From != "" {
		a.Version = m.opt.Version
	}
	if why != nil {
		m.operators.last.Why = why.Error()
		a.Reason, a.Why = control.Failed, why.Error()
		var refused refusal
		if errors.As(why, &refused) {
			a.Reason = control.BadConfig
		}
	} else {
		a.Progress = m.progress(m.gen.number - 1)
	}
	for _, o := range slices.Clone(m.operators.waiting) {
		if o.round == 0 || o.round > m.operators.round {
			continue
		}
		o.round = 0
		a.Done = why != nil || !o.Request.Drained
		o.Tell(a)
		if a.Done {
			m.dismiss(o)
			continue
		}
		o.drain = m.gen.number - 1
	}
	m.tellDrained()
}

// tellDrained tells the operators who waited for the end of old generations that they have ended.
func (m *Master) tellDrained() {
	for _, o := range slices.Clone(m.operators.waiting) {
		if o.drain > 0 && m.former.running() == 0 && !slices.ContainsFunc(m.old, func(g *generation) bool { return g.number <= o.drain }) {
			o.Tell(control.Answer{Done: true, Generation: o.drain + 1})
			m.dismiss(o)
		}
	}
}

// tellStopping tells those who wait for a reload that there will be none.
func (m *Master) tellStopping() {
	for _, o := range slices.Clone(m.operators.waiting) {
		if o.Request.Command.Reloads() || o.task != nil {
			o.Tell(control.Answer{Done: true, Reason: control.Failed, Why: "the service was stopped meanwhile"})
			m.dismiss(o)
		}
	}
}

// tellCut tells those who wait for a stop how many requests it aborts.
func (m *Master) tellCut(requests int) {
	if requests == 0 {
		return
	}
	for _, o := range m.operators.waiting {
		o.Tell(control.Answer{Progress: &control.Progress{Workers: m.running(), Requests: requests, Cut: requests}})
	}
}

// tellProgress says what a stop, or the end of old generations, waits for. A client that does not read it misses it.
func (m *Master) tellProgress() {
	for _, o := range m.operators.waiting {
		switch {
		case !o.IsSaid():
		case o.task != nil:
			o.Tell(control.Answer{Progress: o.task.progress()})
		default:
			o.Tell(control.Answer{Progress: m.progress(o.drain)})
		}
	}
}

// progress counts what is left of the generations up to that number, or of all while the service is being stopped.
func (m *Master) progress(drain int) *control.Progress {
	p := &control.Progress{}
	for _, g := range m.generations() {
		if m.state == normal && g.number > drain {
			continue
		}
		for _, pool := range g.pools {
			_, active, _, _ := pool.census()
			p.Workers += len(pool.children)
			p.Requests += active
		}
	}
	p.Requests += m.former.requests()
	for _, g := range m.former.groups {
		p.Workers += len(g.workers)
	}
	return p
}

// report is what `phpsapi fpm status` tells.
func (m *Master) report(full bool) *control.Report {
	now := m.sys.now()
	r := &control.Report{Pid: os.Getpid(), Version: m.opt.Version, PHP: m.gen.plan.PHP, Config: m.configPath(), State: m.state.String(),
		StartTime: m.operators.since.Unix(), StartSince: int64(now.Sub(m.operators.since).Seconds()),
		Former: m.former.running(), Reloading: m.attempt != nil || m.handover != nil, LastReload: m.operators.last}
	if m.isLeaving() {
		r.FinishingIn = max(m.finishAt.Sub(now), time.Millisecond).Seconds()
	}
	for _, g := range m.generations() {
		state := control.Serving
		switch {
		case g == m.next:
			state = control.Starting
		case g.retiring:
			state = control.Retiring
		}
		one := control.Generation{Generation: g.number, State: state, StartTime: g.begun.Unix()}
		if g.http.runs() {
			one.Front = g.http.front.report()
		}
		one.Steered = m.steeredPools(g)
		for _, e := range g.engines {
			one.Engines = append(one.Engines, e.report())
		}
		for _, p := range g.pools {
			if page, ok := p.page(p.engine.choice.PHP(), full); ok {
				one.Pools = append(one.Pools, page)
			}
		}
		r.Generations = append(r.Generations, one)
	}
	return r
}

// configPath is the configuration's path, or settings.BuiltInName.
func (m *Master) configPath() string {
	path := m.gen.config.Path
	if whole, err := filepath.Abs(path); err == nil && path != settings.BuiltInName {
		return whole
	}
	return path
}

func (e *engine) report() control.Engine {
	r := control.Engine{PHP: e.php, Path: e.choice.Library}
	if e.zygote != nil {
		r.Zygote = e.zygote.Pid()
	}
	for _, p := range e.pools {
		r.Pools = append(r.Pools, p.conf.Name)
	}
	return r
}

func (f *front) report() *control.Front {
	state := control.Starting
	switch {
	case f.Quits:
		state = control.Retiring
	case f.Ready:
		state = control.Serving
	}
	r := &control.Front{Pid: f.Pid, State: state, Addresses: f.gen.http.addresses(), StartTime: f.Started.Unix()}
	for _, p := range f.gen.frontPools() {
		d := p.demand
		r.Pools = append(r.Pools, control.FrontPool{Name: p.conf.Name, Busy: d.Busy, Queue: d.Waiting, MaxQueue: p.published.MaxHTTPQueue,
			Longest: d.Longest.Milliseconds(), Refused: d.Refused})
	}
	return r
}

// page is the pool's status page in JSON; false if there is none to be had.
func (p *pool) page(php sapi.PHPVersion, full bool) (json.RawMessage, bool) {
	snapshot, ok := status.Take(p.board.Reader, php)
	if !ok {
		return nil, false
	}
	body := status.NewPage(snapshot, status.Choice{Format: status.JSON, Full: full}, false).Body
	return body, json.Valid(body)
}
