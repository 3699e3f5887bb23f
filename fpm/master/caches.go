package master

import "time"

// cachesPatience is how long workers keep asking PHP's caches how they are after somebody wanted to know it: longer than those who read metrics
// wait from one reading to the next.
const cachesPatience = 5 * time.Minute

// watchCaches has workers ask the caches from now on: after a request, and about once a second in each pool.
func (m *Master) watchCaches() {
	m.cachesUntil = m.clock.Now() + int64(cachesPatience)
	for _, g := range m.generations() {
		g.watchCaches(m.cachesUntil)
	}
}

// watchCaches has the workers of a generation ask the caches until then.
func (g *generation) watchCaches(until int64) {
	for _, p := range g.pools {
		p.board.WatchCaches(until)
	}
}
