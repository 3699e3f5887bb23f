// Counterpart: sapi/fpm/fpm/fpm_process_ctl.c (fpm_pctl_perform_idle_server_maintenance), fpm_children.c
// (fpm_children_make)

package master

import "github.com/phpsapi/phpsapi/fpm/conf"

// limits are a pool's numbers for the process manager.
type limits struct {
	pm                           conf.PM
	maxChildren, start           int
	minSpare, maxSpare, maxSpawn int
	shared                       bool // a pool for pm.status_listen does not complain of its size
}

func limitsOf(p *conf.Pool) limits {
	return limits{
		pm: p.PM, maxChildren: p.MaxChildren, start: p.StartServers,
		minSpare: p.MinSpareServers, maxSpare: p.MaxSpareServers, maxSpawn: p.MaxSpawnRate, shared: p.Shared != nil,
	}
}

// initial is how many children a pool starts with.
func (l limits) initial() int {
	switch l.pm {
	case conf.Dynamic:
		return l.start
	case conf.Ondemand:
		return 0
	}
	return l.maxChildren
}

// target is how many children a running pool may have after n are asked for. A static pool always fills up.
func (l limits) target(running, n int) int {
	if l.pm == conf.Static {
		return l.maxChildren
	}
	return running + n
}

// spare is what the process manager remembers of a pool from one second to the next.
type spare struct {
	rate      int // how many children the next shortage of idle ones starts; doubles while it lasts
	warnedMax bool
}

// verdict is what the process manager wants done.
type verdict struct {
	kill       bool // the idle child that started first
	fork       int
	maxReached bool // to be logged and counted
	busy       int  // not 0: log that the pool seems busy, spawning that many
}

// dynamic is one second of a dynamic pool.
func (s *spare) dynamic(l limits, idle, running int) verdict {
	if idle > l.maxSpare {
		s.rate = 1
		return verdict{kill: true}
	}
	if idle >= l.minSpare {
		s.rate = 1
		return verdict{}
	}
	if running >= l.maxChildren {
		return s.full(l, verdict{})
	}
	v := verdict{}
	if s.rate >= 8 {
		v.busy = s.rate
	}
	n := min(s.rate, l.minSpare-idle, l.maxChildren-running)
	if n <= 0 {
		return s.full(l, v)
	}
	s.warnedMax = false
	v.fork = n
	if s.rate < l.maxSpawn {
		s.rate *= 2
	}
	return v
}

// full says, once, that a pool has all the children it may have.
func (s *spare) full(l limits, v verdict) verdict {
	v.maxReached = !s.warnedMax && !l.shared
	s.warnedMax = s.warnedMax || v.maxReached
	s.rate = 1
	return v
}

// connection is a connection that waits at an ondemand pool.
func (s *spare) connection(l limits, idle, running int) verdict {
	switch {
	case running >= l.maxChildren:
		v := verdict{maxReached: !s.warnedMax && !l.shared}
		s.warnedMax = s.warnedMax || v.maxReached
		return v
	case idle > 0:
		return verdict{}
	}
	s.warnedMax = false
	return verdict{fork: 1}
}
