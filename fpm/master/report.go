package master

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/fpm/status"
	"github.com/phpsapi/phpsapi/sapi"
)

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
