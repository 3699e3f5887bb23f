package incident

import "slices"

// Bounds of a Ring.
const (
	MaxKept  = 256
	maxBytes = 1 << 20
)

// Ring is the last incidents.
type Ring struct {
	all   []*Incident
	bytes int
}

// Add adds an incident. The oldest ones make room.
func (r *Ring) Add(i *Incident) {
	r.all = append(r.all, i)
	r.bytes += i.size()
	for len(r.all) > MaxKept || r.bytes > maxBytes && len(r.all) > 1 {
		r.bytes -= r.all[0].size()
		r.all[0] = nil
		r.all = r.all[1:]
	}
}

// Last returns the last n incidents of a pool, the oldest first. An empty name stands for all pools, and 0 for all incidents.
func (r *Ring) Last(n int, pool string) []*Incident {
	last := []*Incident{}
	for _, i := range slices.Backward(r.all) {
		if pool != "" && i.Pool != pool {
			continue
		}
		if last = append(last, i); n > 0 && len(last) == n {
			break
		}
	}
	slices.Reverse(last)
	return last
}
