package master

import (
	"os"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/incident"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// replaced is how often processes of the master's own have ended and were replaced.
type replaced struct{ Front, Observer, Zygote uint64 }

// count counts how something has ended.
func count(o *contract.Outcomes, failed bool) {
	if failed {
		o.Failed++
	} else {
		o.Succeeded++
	}
}

// countReload counts the end of a reload.
func (m *Master) countReload(failed bool) {
	count(&m.tally.Reloads, failed)
	m.tally.LastReload, m.tally.LastFailed = m.sys.now().Unix(), failed
}

// countIncident counts an incident.
func (m *Master) countIncident(kind incident.Kind) {
	if m.tally.Incidents == nil {
		m.tally.Incidents = map[string]uint64{}
	}
	m.tally.Incidents[string(kind)]++
}

// service is what an observer is told.
func (m *Master) service() *contract.Service {
	s := &contract.Service{Version: m.opt.Version, Master: os.Getpid(), State: m.state.String(), Began: m.operators.since.Unix(),
		Started: m.started, Leaving: m.isLeaving(), Config: m.gen.config.Path, Former: m.former.running(), Reloads: m.tally.Reloads, Upgrades: m.tally.Upgrades,
		LastReload: m.tally.LastReload, LastFailed: m.tally.LastFailed, Incidents: map[string]uint64{}, Memory: m.weighing.own,
		Replaced: map[string]uint64{"front": m.replaced.Front, "observer": m.replaced.Observer, "zygote": m.replaced.Zygote}}
	for _, kind := range incident.Kinds() {
		s.Incidents[string(kind)] = m.tally.Incidents[string(kind)]
	}
	s.Slow = m.slow.total
	if last := m.operators.last; m.tally.LastFailed && last != nil {
		s.LastWhy = last.Why
	}
	now := m.sys.now()
	for _, g := range m.generations() {
		one := contract.ServiceGeneration{Number: g.number, State: g.state(m), Began: g.begun.Unix()}
		if g.http.runs() {
			one.Front = &contract.ServiceFront{Pid: g.http.front.Pid, Ready: g.http.front.Ready}
		} else if g.plan.HasFront() && g == m.gen {
			one.Front = &contract.ServiceFront{}
		}
		for _, e := range g.engines {
			r := e.report()
			one.Engines = append(one.Engines, contract.ServiceEngine{PHP: r.PHP, Zygote: r.Zygote, Pools: r.Pools})
		}
		for _, p := range g.pools {
			if p.steering != (steering{}) {
				one.Steered = append(one.Steered, contract.SteeredPool{Pool: p.conf.Name, Paused: p.isPaused(), Limit: p.limits.MaxChildren})
			}
		}
		if g == m.gen {
			for _, p := range g.pools {
				if why := m.unready(p, now); len(why) > 0 {
					one.Unready = append(one.Unready, contract.UnreadyPool{Pool: p.conf.Name, Reasons: why})
				}
			}
		}
		s.Generations = append(s.Generations, one)
	}
	return s
}

// state is what a generation does, in the words of package control.
func (g *generation) state(m *Master) string {
	switch {
	case g == m.next:
		return control.Starting
	case g.retiring:
		return control.Retiring
	}
	return control.Serving
}

// unready returns why a pool cannot answer requests; nil: it can. It can if one worker is there that has begun to accept, whether it has a
// request or not, or if workers come on demand and can be forked.
func (m *Master) unready(p *pool, now time.Time) (why []string) {
	if p.isPaused() {
		return []string{"it is paused, see phpsapi fpm resume"}
	}
	starting := 0
	for _, c := range p.children {
		if c.ready && !c.unbooted && !c.gone && !c.lost {
			return nil
		}
		starting++
	}
	if p.engine == nil || p.engine.zygote == nil {
		why = append(why, "the process that forks its workers is gone")
	}
	if !p.respawnAt.IsZero() {
		why = append(why, "its workers end before they accept; another is tried soon")
	}
	if p.gen.shortage.lasts(now) {
		why = append(why, "processes, threads, memory or descriptors are lacking for its workers")
	}
	switch {
	case len(why) > 0:
	case p.worker != nil && starting > 0:
		why = append(why, "the worker script has not booted yet")
	case starting > 0:
		why = append(why, "its first worker does not accept yet")
	case p.limits.PM != conf.Ondemand:
		why = append(why, "it has no worker")
	}
	return why
}

// countEnd counts the end of a pool's worker.
func (p *pool) countEnd(found *examination, wanted bool) {
	end := scoreboard.CauseDone
	switch {
	case found != nil:
		end = scoreboard.CauseOf(string(found.Kind))
	case wanted:
		end = scoreboard.CauseIdle
	}
	p.published.Ended[end]++
	p.board.Publish(p.published)
}
