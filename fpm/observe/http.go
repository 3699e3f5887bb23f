package observe

import (
	"strconv"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// generation are the labels of a generation alone.
func generation(number int) labels { return with(nil, "generation", strconv.Itoa(number)) }

func writeSites(e *exposition, p *picture) {
	for i := range p.pools {
		e.sites(p.pools[i].Generation, "worker", p.pools[i].Sites, &p.pools[i].counts)
	}
	for i := range p.fronts {
		e.sites(p.fronts[i].Generation, "front", p.fronts[i].Sites, &p.fronts[i].counts)
	}
}

// sites writes the requests of sites with these names.
func (e *exposition) sites(number int, by string, names []string, c *scoreboard.Counts) {
	if len(names) == 0 {
		return
	}
	var others [scoreboard.Classes]uint64
	base := generation(number)
	one := func(name string, counts *[scoreboard.Classes]uint64) {
		for class, n := range counts {
			if n > 0 {
				l := more(append(e.scratch[:0], base...), "site", name)
				e.scratch = more(more(l, "by", by), "status", scoreboard.ClassName(class))
				e.count(e.scratch, n)
			}
		}
	}
	for i := range c.Sites {
		if i < len(names) && i < scoreboard.MostSites {
			one(names[i], &c.Sites[i])
			continue
		}
		for class, n := range c.Sites[i] {
			others[class] += n
		}
	}
	one("other", &others)
}

func writeFrontCodes(e *exposition, p *picture) {
	for i := range p.fronts {
		e.codes(generation(p.fronts[i].Generation), &p.fronts[i].counts)
	}
}

func writeFrontDuration(e *exposition, p *picture) {
	m := duration()
	for i := range p.fronts {
		if h := m.of(&p.fronts[i].counts); h.Total() > 0 {
			e.histogram(generation(p.fronts[i].Generation), h.Counts[:], m.texts(e.format), float64(h.Sum)/m.unit)
		}
	}
}

func writeFrontOpen(e *exposition, p *picture) {
	for i := range p.fronts {
		e.sample(generation(p.fronts[i].Generation), p.fronts[i].open)
	}
}
