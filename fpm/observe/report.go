package observe

import (
	"maps"
	"slices"
	"strconv"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// serving is the state of the generation that serves.
const serving = control.Serving

// yes is 1 or 0.
func yes(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func writeInfo(e *exposition, p *picture) { e.sample(with(nil, "version", p.service.Version), 1) }
func writeBegan(e *exposition, p *picture) {
	e.sample(nil, float64(p.service.Began))
}

func writeState(e *exposition, p *picture) {
	state := p.service.State
	if p.service.Leaving {
		state = "leaving"
	}
	e.sample(with(nil, "state", state), 1)
}

func writeGenerations(e *exposition, p *picture) {
	for _, g := range p.service.Generations {
		e.sample(with(nil, "generation", strconv.Itoa(g.Number), "state", g.State), 1)
	}
}

func writeGenerationBegan(e *exposition, p *picture) {
	for _, g := range p.service.Generations {
		e.sample(with(nil, "generation", strconv.Itoa(g.Number)), float64(g.Began))
	}
}

func writeEngines(e *exposition, p *picture) {
	p.engines(func(number, engine string, n *contract.ServiceEngine) {
		e.sample(with(nil, "generation", number, "engine", engine, "php", n.PHP), 1)
	})
}

func writeZygotes(e *exposition, p *picture) {
	p.engines(func(number, engine string, n *contract.ServiceEngine) {
		e.sample(with(nil, "generation", number, "engine", engine), yes(n.Zygote != 0))
	})
}

// engines calls do for each engine, with the numbers of its generation and of itself.
func (p *picture) engines(do func(generation, engine string, n *contract.ServiceEngine)) {
	for _, g := range p.service.Generations {
		for i := range g.Engines {
			do(strconv.Itoa(g.Number), strconv.Itoa(i+1), &g.Engines[i])
		}
	}
}

func writeFronts(e *exposition, p *picture) {
	for _, g := range p.service.Generations {
		if g.Front != nil {
			e.sample(with(nil, "generation", strconv.Itoa(g.Number)), yes(g.Front.Ready))
		}
	}
}

func (e *exposition) outcomes(o contract.Outcomes) {
	e.count(with(nil, "outcome", "succeeded"), o.Succeeded)
	e.count(with(nil, "outcome", "failed"), o.Failed)
}

func writeReloads(e *exposition, p *picture)  { e.outcomes(p.service.Reloads) }
func writeUpgrades(e *exposition, p *picture) { e.outcomes(p.service.Upgrades) }

func writeLastReload(e *exposition, p *picture) {
	if p.service.LastReload != 0 {
		e.sample(nil, yes(!p.service.LastFailed))
	}
}

func writeLastReloadTime(e *exposition, p *picture) {
	if p.service.LastReload != 0 {
		e.sample(nil, float64(p.service.LastReload))
	}
}

// byName writes counts by their names, sorted.
func (e *exposition) byName(label string, counts map[string]uint64) {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		e.count(with(nil, label, name), counts[name])
	}
}

func writeIncidents(e *exposition, p *picture) { e.byName("kind", p.service.Incidents) }
func writeReplaced(e *exposition, p *picture)  { e.byName("process", p.service.Replaced) }
func writeOwnMemory(e *exposition, p *picture) {
	for _, kind := range slices.Sorted(maps.Keys(p.service.Memory)) {
		e.sample(with(nil, "process", kind), float64(p.service.Memory[kind]))
	}
}

func writeWeight(e *exposition, p *picture) {
	for i := range p.pools {
		if one := &p.pools[i]; one.totals.Pool.Weight > 0 {
			e.sample(one.labels, float64(one.totals.Pool.Weight))
		}
	}
}

func writeFormer(e *exposition, p *picture)  { e.sample(nil, float64(p.service.Former)) }
func writeScrapes(e *exposition, p *picture) { e.count(nil, p.scrapes) }

// each writes a sample for each pool.
func (e *exposition) each(p *picture, value func(*poolPicture) float64) {
	for i := range p.pools {
		e.sample(p.pools[i].labels, value(&p.pools[i]))
	}
}

// plus returns the labels of a pool and another one, in memory that the next call uses again.
func (e *exposition) plus(p *poolPicture, name, value string) labels {
	e.scratch = more(append(e.scratch[:0], p.labels...), name, value)
	return e.scratch
}

func writePoolInfo(e *exposition, p *picture) {
	for i := range p.pools {
		one := &p.pools[i]
		l := more(e.plus(one, "pm", one.totals.Pool.PM), "kind", one.totals.Pool.WorkerMode.Kind.String())
		e.sample(more(more(l, "php", one.php), "engine", strconv.Itoa(one.engine)), 1)
	}
}

func writePoolReady(e *exposition, p *picture) {
	for i := range p.pools {
		if one := &p.pools[i]; one.serving {
			e.sample(one.labels, yes(len(one.unready) == 0))
		}
	}
}

func writeWorkers(e *exposition, p *picture) {
	for i := range p.pools {
		one := &p.pools[i]
		e.sample(e.plus(one, "state", "idle"), float64(one.totals.Idle))
		e.sample(e.plus(one, "state", "active"), float64(one.totals.Active))
		e.sample(e.plus(one, "state", "starting"), float64(one.starting))
	}
}

func writeWorkersLimit(e *exposition, p *picture) {
	e.each(p, func(p *poolPicture) float64 { return float64(p.limit) })
}
func writeWorkersMost(e *exposition, p *picture) {
	e.each(p, func(p *poolPicture) float64 { return float64(p.totals.MaxActive) })
}
func writeStarted(e *exposition, p *picture) {
	e.each(p, func(p *poolPicture) float64 { return float64(p.totals.Pool.Started) })
}

func writeEnded(e *exposition, p *picture) {
	for i := range p.pools {
		// A reason is there before its first worker: Prometheus reckons a rate from two figures.
		for end, n := range p.pools[i].totals.Pool.Ended {
			e.count(e.plus(&p.pools[i], "reason", scoreboard.Cause(end).String()), n)
		}
	}
}

func writeMaxChildren(e *exposition, p *picture) {
	e.each(p, func(p *poolPicture) float64 { return float64(p.totals.Pool.MaxChildrenReached) })
}

func writeQueue(e *exposition, p *picture) {
	for i := range p.pools {
		if one := &p.pools[i]; one.queued {
			e.sample(one.labels, float64(one.queue.waiting))
		}
	}
}

func writeQueueLimit(e *exposition, p *picture) {
	for i := range p.pools {
		if one := &p.pools[i]; one.queued {
			e.sample(one.labels, float64(one.queue.most))
		}
	}
}

func writeParked(e *exposition, p *picture) {
	e.each(p, func(p *poolPicture) float64 { return float64(p.totals.Pool.Parked) })
}

// fronted writes samples for the pools that the front has requests for.
func (e *exposition) fronted(p *picture, write func(*poolPicture, *scoreboard.Pool)) {
	for i := range p.pools {
		if t := &p.pools[i].totals.Pool; t.HTTP {
			write(&p.pools[i], t)
		}
	}
}

func writeFrontRequests(e *exposition, p *picture) {
	e.fronted(p, func(one *poolPicture, t *scoreboard.Pool) {
		e.sample(e.plus(one, "state", "queued"), float64(t.HTTPQueue))
		e.sample(e.plus(one, "state", "running"), float64(t.HTTPBusy))
	})
}

func writeFrontQueueMost(e *exposition, p *picture) {
	e.fronted(p, func(one *poolPicture, t *scoreboard.Pool) { e.sample(one.labels, float64(t.MaxHTTPQueue)) })
}

func writeFrontRefused(e *exposition, p *picture) {
	e.fronted(p, func(one *poolPicture, t *scoreboard.Pool) { e.count(one.labels, t.HTTPRefused) })
}

// worked writes samples for the pools in worker mode.
func (e *exposition) worked(p *picture, write func(*poolPicture, *scoreboard.WorkerMode)) {
	for i := range p.pools {
		if w := &p.pools[i].totals.Pool.WorkerMode; w.On() {
			write(&p.pools[i], w)
		}
	}
}

func writeBooting(e *exposition, p *picture) {
	e.worked(p, func(one *poolPicture, w *scoreboard.WorkerMode) { e.sample(one.labels, float64(w.Booting)) })
}

func writeBootTime(e *exposition, p *picture) {
	e.worked(p, func(one *poolPicture, w *scoreboard.WorkerMode) { e.sample(one.labels, w.BootTime.Seconds()) })
}

func writeBootFailures(e *exposition, p *picture) {
	e.worked(p, func(one *poolPicture, w *scoreboard.WorkerMode) { e.count(one.labels, w.Failures) })
}

func writeRestarts(e *exposition, p *picture) {
	e.worked(p, func(one *poolPicture, w *scoreboard.WorkerMode) {
		for i, n := range w.Restarts {
			e.count(e.plus(one, "reason", scoreboard.Reason(i).String()), n)
		}
	})
}

func writeSpans(e *exposition, p *picture) {
	if x := p.exporter; x != nil {
		e.count(with(nil, "outcome", "exported"), x.sent.Load())
		e.count(with(nil, "outcome", "rejected"), x.rejected.Load())
		e.count(with(nil, "outcome", "failed"), x.failed.Load())
	}
}

func writeSpansQueued(e *exposition, p *picture) {
	if p.exporter != nil {
		e.sample(nil, float64(p.exporter.length()))
	}
}

func writePoolSpans(e *exposition, p *picture) {
	for i := range p.pools {
		if one := &p.pools[i]; one.Traced {
			e.count(e.plus(one, "outcome", "told"), one.counts.Spans)
			e.count(e.plus(one, "outcome", "lost"), one.counts.SpansLost)
		}
	}
}
