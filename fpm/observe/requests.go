package observe

import (
	"strconv"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

func writeConnections(e *exposition, p *picture) {
	e.each(p, func(p *poolPicture) float64 { return float64(p.totals.Connections) })
}

func writeSlow(e *exposition, p *picture) {
	e.each(p, func(p *poolPicture) float64 { return float64(p.totals.Slow) })
}

func writeMemoryPeak(e *exposition, p *picture) {
	e.each(p, func(p *poolPicture) float64 { return float64(p.totals.MemoryPeak) })
}

func writeRequests(e *exposition, p *picture) {
	for i := range p.pools {
		one := &p.pools[i]
		for method := range one.counts.Requests {
			for class, n := range one.counts.Requests[method] {
				if n > 0 {
					l := e.plus(one, "method", scoreboard.MethodName(method))
					e.count(more(l, "status", scoreboard.ClassName(class)), n)
				}
			}
		}
	}
}

func writeCodes(e *exposition, p *picture) {
	for i := range p.pools {
		e.codes(p.pools[i].labels, &p.pools[i].counts)
	}
}

// codes writes how many responses had which status code.
func (e *exposition) codes(base labels, c *scoreboard.Counts) {
	for number, n := range c.Codes {
		if n == 0 {
			continue
		}
		code := "other"
		if known := scoreboard.Code(number); known != 0 {
			code = strconv.Itoa(known)
		}
		e.scratch = more(append(e.scratch[:0], base...), "code", code)
		e.count(e.scratch, n)
	}
}

func writeCPU(e *exposition, p *picture) {
	for i := range p.pools {
		one := &p.pools[i]
		e.sample(e.plus(one, "mode", "user"), float64(one.counts.CPUUser)/1e9)
		e.sample(e.plus(one, "mode", "system"), float64(one.counts.CPUSystem)/1e9)
	}
}

// measure is one of the histograms of a pool and of a site, with the bounds of its buckets and how much of the unit of its values is one of the metric's.
type measure struct {
	of     func(*scoreboard.Counts) *scoreboard.Histogram
	site   func(*scoreboard.Measures) *scoreboard.Histogram
	bounds []uint64
	unit   float64
}

func queueWait() measure {
	return inTime(func(c *scoreboard.Counts) *scoreboard.Histogram { return &c.QueueWait }, func(m *scoreboard.Measures) *scoreboard.Histogram { return &m.QueueWait })
}
func firstByte() measure {
	return inTime(func(c *scoreboard.Counts) *scoreboard.Histogram { return &c.FirstByte }, func(m *scoreboard.Measures) *scoreboard.Histogram { return &m.FirstByte })
}
func duration() measure {
	return inTime(func(c *scoreboard.Counts) *scoreboard.Histogram { return &c.Duration }, func(m *scoreboard.Measures) *scoreboard.Histogram { return &m.Duration })
}
func processor() measure {
	return inTime(func(c *scoreboard.Counts) *scoreboard.Histogram { return &c.CPU }, func(m *scoreboard.Measures) *scoreboard.Histogram { return &m.CPU })
}
func memory() measure {
	return measure{func(c *scoreboard.Counts) *scoreboard.Histogram { return &c.Memory },
		func(m *scoreboard.Measures) *scoreboard.Histogram { return &m.Memory }, scoreboard.MemoryBounds[:], 1}
}

func inTime(of func(*scoreboard.Counts) *scoreboard.Histogram, site func(*scoreboard.Measures) *scoreboard.Histogram) measure {
	return measure{of, site, scoreboard.TimeBounds[:], 1e9}
}

// texts are the bounds as labels have them.
func (m *measure) texts(f format) (all []string) {
	for _, b := range m.bounds {
		all = append(all, f.bound(float64(b)/m.unit))
	}
	return all
}

// histogramOf writes a histogram of each pool that has values of it.
func histogramOf(what func() measure) func(*exposition, *picture) {
	return func(e *exposition, p *picture) {
		m := what()
		bounds := m.texts(e.format)
		for i := range p.pools {
			if h := m.of(&p.pools[i].counts); h.Total() > 0 {
				e.histogram(p.pools[i].labels, h.Counts[:], bounds, float64(h.Sum)/m.unit)
			}
		}
	}
}

// siteHistogramOf writes a histogram of each site of a pool that has values of it.
func siteHistogramOf(what func() measure) func(*exposition, *picture) {
	return func(e *exposition, p *picture) {
		m := what()
		bounds := m.texts(e.format)
		for i := range p.sites {
			if h := m.site(&p.sites[i].measures); h.Total() > 0 {
				e.histogram(p.sites[i].labels, h.Counts[:], bounds, float64(h.Sum)/m.unit)
			}
		}
	}
}
