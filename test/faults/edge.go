package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// edgeClients are how many clients ask while a service is reloaded again and again.
const edgeClients = 16

// edge is what became of the load during many reloads.
type edge struct {
	tally
	what    string
	reloads int
	slowest time.Duration // reload
	ended   bool          // the service
	err     error
}

// reloads reloads a service n times. When one has returned, or the log has said that the new generation serves, no request may be
// answered by an older one. With upgrade the program is replaced before each.
func (n *runner) reloads(times int, upgrade bool) (e edge) {
	e.what = "reloads"
	if upgrade {
		e.what = "upgrades"
	}
	s, err := n.serving(settings{copied: upgrade, alone: e.what})
	defer n.stop()
	if err != nil {
		e.err = err
		return e
	}
	before := s.quiet()
	l := s.begin(0, edgeClients)
	for i := 1; i <= times && e.err == nil; i++ {
		if upgrade {
			e.err = s.replaceProgram()
		}
		e.err = errors.Join(e.err, s.configure(i))
		began := time.Now()
		if i%2 == 0 || upgrade {
			e.err = errors.Join(e.err, s.reload())
			if upgrade {
				e.err = errors.Join(e.err, s.isUpgraded())
			}
		} else {
			e.err = errors.Join(e.err, s.reloadBySignal())
		}
		e.slowest = max(e.slowest, time.Since(began))
		e.reloads++
		l.current.Store(int64(i))
		for _, d := range s.doors() {
			r := d.visitor(s, false).ask(request{n: i})
			l.add(caller{door: d}, r, i)
		}
	}
	var left error
	e.tally, left = l.finish()
	// A browser expects a kept connection to be closed between two requests.
	for _, a := range e.again {
		if a.door != byHTTP {
			e.err = errors.Join(e.err, fmt.Errorf("a kept connection was closed before its answer: %v", a))
		}
	}
	e.err = errors.Join(e.err, e.tally.err(allowed{retried: true}), left, s.settle(before))
	return e
}

// broken has reloads fail, each in another way: the old generation must continue, and the next reload succeed.
func (n *runner) broken(b brokenReload) (e edge) {
	e.what = b.name
	s, err := n.serving(settings{alone: "broken"})
	if err != nil {
		e.err = err
		return e
	}
	l := s.begin(0, edgeClients)
	undo, err := b.spoil(s)
	if err != nil {
		e.err = err
	} else {
		began := time.Now()
		if s.stock {
			s.Signal(reloadSignal)
			time.Sleep(time.Second)
		} else if err := s.reload(); err == nil {
			e.err = errors.New("the reload has succeeded")
		} else if !strings.Contains(err.Error(), b.says) {
			e.err = fmt.Errorf("the reload does not say %q: %w", b.says, err)
		}
		e.slowest = time.Since(began)
		e.reloads++
	}
	if undo != nil {
		undo()
	}
	e.err = errors.Join(e.err, s.restore())
	if !s.stock {
		e.err = errors.Join(e.err, s.reload())
	}
	time.Sleep(100 * time.Millisecond)
	var left error
	e.tally, left = l.finish()
	e.err = errors.Join(e.err, e.tally.err(none), left)
	if how := s.Ended(); how != "" {
		e.ended = true
		e.err = errors.Join(e.err, fmt.Errorf("the service has ended: %s", how))
	} else if err := s.serves(); err != nil {
		e.err = errors.Join(e.err, fmt.Errorf("afterwards: %w", err))
	}
	if e.err != nil {
		n.stop()
	}
	return e
}

func (e edge) summary() string {
	text := fmt.Sprintf("%s: %d reloads, the slowest took %v; %d requests, %d failed, %d stale, %d asked again, the slowest took %v",
		e.what, e.reloads, e.slowest.Round(time.Millisecond), e.sent, len(e.failed), e.stale, e.retried, e.tally.slowest.Round(time.Millisecond))
	if e.err != nil {
		text += "\n    FAILED: " + strings.ReplaceAll(e.err.Error(), "\n", "\n    ")
	}
	return text
}

// edges reloads both programs, well and badly.
func (o options) edges(programs [2]program, bad *int) (many [2][]edge, broken [2][]edge) {
	for i, p := range programs {
		if p.stock && o.noStock {
			continue
		}
		n := &runner{program: p, random: o.source(), answers: map[string]string{}}
		show := func(to *[]edge, e edge) {
			fmt.Printf("%s, %s\n", p.name, e.summary())
			*to = append(*to, e)
			if e.err != nil && !p.stock {
				*bad++
			}
		}
		reloads, upgrades := o.reloads, o.upgrades
		if p.stock { // each may take its process_control_timeout of 20 s, as kept connections hold its workers
			reloads, upgrades = min(reloads, 3), min(upgrades, 3)
		}
		if o.reloads > 0 {
			show(&many[i], n.reloads(reloads, false))
			for _, b := range brokenReloads() {
				if !p.stock || b.stock {
					show(&broken[i], n.broken(b))
				}
			}
			n.stop()
		}
		if o.upgrades > 0 {
			show(&many[i], n.reloads(upgrades, true))
		}
	}
	return many, broken
}
