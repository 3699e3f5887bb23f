package control

import (
	"fmt"
	"io"
)

// Health is whether a service, or some of its pools, can do its work.
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

// WriteText writes it for people: ok or not ok, and why.
func (h *Health) WriteText(w io.Writer) {
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
