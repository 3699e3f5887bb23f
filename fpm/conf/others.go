package conf

// OthersName returns the name of the pool that Others makes for a pool of that name.
func OthersName(pool string) string { return pool + "_scripts" }

// Others returns the hidden pool that runs the scripts which the worker script of p does not answer. Its workers are forked on
// demand; they get their connections from those of p.
func Others(p *Pool) *Pool {
	o := *p
	o.Name = OthersName(p.Name)
	o.Listen = setText("the workers of " + p.Name)
	o.Domain = Unix
	o.PM = Ondemand
	o.Shared = p
	o.Handed = true
	return &o
}

// Slots returns for how many workers of a pool there is shared memory: those that it may have at once, successors of others
// among them, and a reserve, in case an operator wants more.
func (p *Pool) Slots() int { return p.MaxChildren + p.Successors + p.reserve() }

// The bounds of the reserve.
const (
	leastReserve = 16
	mostReserve  = 1024
)

// reserve is as many workers again as the pool may have, within bounds. Memory that no worker has used takes no room.
func (p *Pool) reserve() int { return min(max(p.MaxChildren, leastReserve), mostReserve) }
