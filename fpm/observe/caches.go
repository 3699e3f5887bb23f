package observe

import (
	"strconv"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/sapi"
)

// cachesPicture is what opcache and APCu of an engine have told. All workers of the engine's zygote share them.
type cachesPicture struct {
	labels labels // of the generation and the engine
	at     time.Time
	sapi.Caches
}

// takeCaches takes what the pools of a generation know of the caches of its engines.
func (p *picture) takeCaches(g *contract.ServiceGeneration, pools []*watched, clock int64) {
	eachCaches(g, pools, clock, func(engine int, newest *sapi.Caches, at int64) {
		if at != 0 {
			p.caches = append(p.caches, cachesPicture{with(nil, "generation", strconv.Itoa(g.Number), "engine", strconv.Itoa(engine)),
				p.now.Add(time.Duration(at - clock)), *newest})
		}
	})
}

// eachCaches calls do for each engine of a generation, with what its pools know of its caches: the newest, and when that was read; 0: they know
// nothing.
func eachCaches(g *contract.ServiceGeneration, pools []*watched, clock int64, do func(engine int, newest *sapi.Caches, at int64)) {
	for i := range g.Engines {
		var newest, one sapi.Caches
		var at int64
		for _, w := range pools {
			if w.Generation != g.Number || w.Front || engineOf(g, w.Name) != i+1 {
				continue
			}
			if looked := w.board.CachesAt(clock, &one); looked > at {
				newest, at = one, looked
			}
		}
		do(i+1, &newest, at)
	}
}

// engineOf returns the number of a pool's engine, from 1; 0: it is not known.
func engineOf(g *contract.ServiceGeneration, pool string) int {
	for i := range g.Engines {
		for _, name := range g.Engines[i].Pools {
			if name == pool {
				return i + 1
			}
		}
	}
	return 0
}

// ofEngine are the labels of all that is told of the caches.
var ofEngine = []string{"generation", "engine"}

func cacheFamilies() []Family {
	state := append(ofEngine[:len(ofEngine):len(ofEngine)], "state")
	reason := append(ofEngine[:len(ofEngine):len(ofEngine)], "reason")
	return []Family{
		{"phpsapi_caches_read_timestamp_seconds", Gauge, ofEngine, "When the figures of opcache and APCu below were read, in seconds since 1970: by a worker, after a request.", writeCachesRead},
		{"phpsapi_opcache_memory_bytes", Gauge, state, "Opcache's memory by state: used, free, wasted (of scripts that have changed).", cached(opcache, writeOpcacheMemory)},
		{"phpsapi_opcache_full", Gauge, ofEngine, "1 if opcache takes no more scripts, because its memory is used up.", figure(opcache, func(c *sapi.OpcacheFigures) int64 { return c.Full })},
		{"phpsapi_opcache_restart_pending", Gauge, ofEngine, "1 if opcache is about to forget all scripts, and takes none until no request uses them any more.", figure(opcache, func(c *sapi.OpcacheFigures) int64 { return c.RestartPending })},
		{"phpsapi_opcache_interned_strings_bytes", Gauge, state, "Opcache's memory of interned strings by state: used, free. If none is free, workers have the rest each for itself.", cached(opcache, writeStringMemory)},
		{"phpsapi_opcache_interned_strings", Gauge, ofEngine, "Interned strings there.", figure(opcache, func(c *sapi.OpcacheFigures) int64 { return c.Strings })},
		{"phpsapi_opcache_scripts", Gauge, ofEngine, "Scripts that opcache has.", figure(opcache, func(c *sapi.OpcacheFigures) int64 { return c.Scripts })},
		{"phpsapi_opcache_keys", Gauge, ofEngine, "Paths by which it knows them.", figure(opcache, func(c *sapi.OpcacheFigures) int64 { return c.Keys })},
		{"phpsapi_opcache_keys_limit", Gauge, ofEngine, "How many paths it can know: opcache.max_accelerated_files, and more.", figure(opcache, func(c *sapi.OpcacheFigures) int64 { return c.KeysLimit })},
		{"phpsapi_opcache_hits_total", Counter, ofEngine, "Scripts that were asked of opcache, and that it had. It begins at 0 with each restart of opcache.", figure(opcache, func(c *sapi.OpcacheFigures) int64 { return c.Hits })},
		{"phpsapi_opcache_misses_total", Counter, ofEngine, "Scripts that it did not have. It begins at 0 likewise.", figure(opcache, func(c *sapi.OpcacheFigures) int64 { return c.Misses })},
		{"phpsapi_opcache_restarts_total", Counter, reason, "How often opcache has forgotten all scripts, by reason: memory or keys (used up), reset (opcache_reset() was called, or phpsapi fpm opcache reset).", cached(opcache, writeOpcacheRestarts)},
		{"phpsapi_opcache_jit_bytes", Gauge, state, "The JIT's memory by state: used, free. Absent if it has none.", cached(opcache, writeJIT)},
		{"phpsapi_apcu_memory_bytes", Gauge, state, "APCu's memory by state: used, free.", cached(apcu, writeAPCuMemory)},
		{"phpsapi_apcu_entries", Gauge, ofEngine, "Entries that APCu has.", figure(apcu, func(c *sapi.APCuFigures) int64 { return c.Entries })},
		{"phpsapi_apcu_hits_total", Counter, ofEngine, "Entries that were asked of APCu, and that it had.", figure(apcu, func(c *sapi.APCuFigures) int64 { return c.Hits })},
		{"phpsapi_apcu_misses_total", Counter, ofEngine, "Entries that it did not have.", figure(apcu, func(c *sapi.APCuFigures) int64 { return c.Misses })},
		{"phpsapi_apcu_inserts_total", Counter, ofEngine, "Entries that were added.", figure(apcu, func(c *sapi.APCuFigures) int64 { return c.Inserts })},
		{"phpsapi_apcu_expunges_total", Counter, ofEngine, "How often APCu was full and dropped entries.", figure(apcu, func(c *sapi.APCuFigures) int64 { return c.Expunges })},
	}
}

func writeCachesRead(e *exposition, p *picture) {
	for i := range p.caches {
		e.sample(p.caches[i].labels, float64(p.caches[i].at.UnixMilli())/1e3)
	}
}

// opcache and apcu are the parts of an engine's caches, and whether it has them.
func opcache(c *sapi.Caches) (*sapi.OpcacheFigures, bool) { return &c.Opcache, c.Opcache.There != 0 }
func apcu(c *sapi.Caches) (*sapi.APCuFigures, bool)       { return &c.APCu, c.APCu.There != 0 }

// cached writes samples of a part for the engines that have it.
func cached[T any](part func(*sapi.Caches) (*T, bool), write func(*exposition, labels, *T)) func(*exposition, *picture) {
	return func(e *exposition, p *picture) {
		for i := range p.caches {
			if figures, has := part(&p.caches[i].Caches); has {
				write(e, p.caches[i].labels, figures)
			}
		}
	}
}

// figure writes one number of a part.
func figure[T any](part func(*sapi.Caches) (*T, bool), value func(*T) int64) func(*exposition, *picture) {
	return cached(part, func(e *exposition, l labels, figures *T) { e.sample(l, float64(value(figures))) })
}

// by writes a sample with another label.
func (e *exposition) by(l labels, name, value string, n int64) {
	e.scratch = more(append(e.scratch[:0], l...), name, value)
	e.sample(e.scratch, float64(n))
}

func writeOpcacheMemory(e *exposition, l labels, c *sapi.OpcacheFigures) {
	e.by(l, "state", "used", c.Used)
	e.by(l, "state", "free", c.Free)
	e.by(l, "state", "wasted", c.Wasted)
}

func writeStringMemory(e *exposition, l labels, c *sapi.OpcacheFigures) {
	e.by(l, "state", "used", c.StringsUsed)
	e.by(l, "state", "free", c.StringsFree)
}

func writeOpcacheRestarts(e *exposition, l labels, c *sapi.OpcacheFigures) {
	e.by(l, "reason", "memory", c.ByMemory)
	e.by(l, "reason", "keys", c.ByKeys)
	e.by(l, "reason", "reset", c.ByReset)
}

func writeJIT(e *exposition, l labels, c *sapi.OpcacheFigures) {
	if c.JITSize > 0 {
		e.by(l, "state", "used", max(c.JITSize-c.JITFree, 0))
		e.by(l, "state", "free", c.JITFree)
	}
}

func writeAPCuMemory(e *exposition, l labels, c *sapi.APCuFigures) {
	e.by(l, "state", "used", max(c.Size-c.Free, 0))
	e.by(l, "state", "free", c.Free)
}
