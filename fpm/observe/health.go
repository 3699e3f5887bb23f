package observe

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// silence is how long the master may say nothing until it counts as stuck: it says something once a second.
const silence = 15 * time.Second

// Health is the answer to a question about health.
type Health struct {
	OK      bool         `json:"ok"`
	Reasons []string     `json:"reasons,omitempty"` // why it is not, of the service as a whole
	Pools   []PoolHealth `json:"pools,omitempty"`
}

// PoolHealth is that of a pool.
type PoolHealth struct {
	Pool    string   `json:"pool"`
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons,omitempty"`
}

// live tells whether the master works. heard is when it said something last.
func live(heard, now time.Time) Health {
	if silent := now.Sub(heard); silent > silence {
		return Health{Reasons: []string{fmt.Sprintf("the master has said nothing for %d seconds", int(silent.Seconds()))}}
	}
	return Health{OK: true}
}

// startup tells whether a generation serves, or has served.
func startup(s *contract.Service) Health {
	if s == nil || !s.Started {
		return Health{Reasons: []string{"the service is starting"}}
	}
	return Health{OK: true}
}

// ready tells whether the pools that serve can answer requests; if pool is not empty, that pool alone.
func ready(s *contract.Service, pool string) Health {
	h := startup(s)
	if !h.OK {
		return h
	}
	if s.State != "normal" {
		h = Health{Reasons: []string{"the service is " + s.State}}
	}
	for i := range s.Generations {
		g := &s.Generations[i]
		if g.State != serving {
			continue
		}
		if g.Front != nil && !g.Front.Ready {
			h.OK = false
			h.Reasons = append(h.Reasons, "the HTTP front is not ready")
		}
		h.addPools(g, pool)
	}
	if pool != "" && len(h.Pools) == 0 {
		h.OK = false
		h.Reasons = append(h.Reasons, "there is no pool "+pool)
	}
	return h
}

func (h *Health) addPools(g *contract.ServiceGeneration, pool string) {
	for _, n := range g.Engines {
		for _, name := range n.Pools {
			if pool != "" && name != pool {
				continue
			}
			one := PoolHealth{Pool: name, Ready: true}
			for _, u := range g.Unready {
				if u.Pool == name {
					one.Ready, one.Reasons, h.OK = false, u.Reasons, false
				}
			}
			h.Pools = append(h.Pools, one)
		}
	}
}

// writeText writes it for people: ok or not ok, and why.
func (h *Health) writeText(w io.Writer) {
	if h.OK {
		fmt.Fprintln(w, "ok")
	} else {
		fmt.Fprintln(w, "not ok")
	}
	for _, why := range h.Reasons {
		fmt.Fprintln(w, why)
	}
	for _, p := range h.Pools {
		if p.Ready {
			fmt.Fprintf(w, "pool %s: ready\n", p.Pool)
		}
		for _, why := range p.Reasons {
			fmt.Fprintf(w, "pool %s: not ready: %s\n", p.Pool, why)
		}
	}
}

func (h *Health) writeJSON(w io.Writer) {
	text, _ := json.Marshal(h)
	w.Write(append(text, '\n'))
}
