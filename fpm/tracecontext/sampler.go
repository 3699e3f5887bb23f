package tracecontext

import "encoding/binary"

// All is the Bound of a Sampler that samples all traces.
const All = 1 << 63

// Sampler decides which spans are recorded.
type Sampler struct {
	// ByParent says that the client has decided; then Bound counts only for traces that begin here.
	ByParent bool
	// Bound is the share of the traces that are sampled, of All. By the same trace id all decide alike.
	Bound uint64
}

// Ratio returns the Bound for a share from 0 to 1, as OpenTelemetry's samplers by a trace's id have it.
func Ratio(share float64) uint64 {
	switch {
	case share >= 1:
		return All
	case share <= 0:
		return 0
	}
	return uint64(share * All)
}

// Decide sets or clears c's flag Sampled.
func (s *Sampler) Decide(c *Context) {
	if s.ByParent && c.Parent != (SpanID{}) {
		c.Flags &= Sampled
		return
	}
	c.Flags = 0
	if s.Bound > 0 && binary.BigEndian.Uint64(c.Trace[8:])>>1 < s.Bound {
		c.Flags = Sampled
	}
}
