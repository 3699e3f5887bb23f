// Counterpart: sapi/fpm/fpm/fpm_process_ctl.c (fpm_pctl_perform_idle_server_maintenance), fpm_children.c
// (fpm_children_make)

package pm

import "github.com/phpsapi/phpsapi/fpm/conf"

// Limits are a pool's numbers of workers.
type Limits struct {
	PM                           conf.PM
	MaxChildren, Start           int
	MinSpare, MaxSpare, MaxSpawn int
	Shared                       bool // a pool for pm.status_listen does not complain of its size
}

// LimitsOf returns the limits of a pool of php-fpm.conf.
func LimitsOf(p *conf.Pool) Limits {
	return Limits{
		PM: p.PM, MaxChildren: p.MaxChildren, Start: p.StartServers,
		MinSpare: p.MinSpareServers, MaxSpare: p.MaxSpareServers, MaxSpawn: p.MaxSpawnRate, Shared: p.Shared != nil,
	}
}

// Initial returns how many children a pool starts with.
func (l Limits) Initial() int {
	switch l.PM {
	case conf.Dynamic:
		return l.Start
	case conf.Ondemand:
		return 0
	}
	return l.MaxChildren
}

// Target returns how many children a running pool may have after n are asked for. A static pool always fills up.
func (l Limits) Target(running, n int) int {
	if l.PM == conf.Static {
		return l.MaxChildren
	}
	return running + n
}

// A Spare is what the process manager remembers of a pool from one second to the next. It begins with the Rate 1.
type Spare struct {
	Rate      int // how many children the next shortage of idle ones starts; doubles while it lasts
	warnedMax bool
}

// A Decision is what is to be done.
type Decision struct {
	Kill       bool // the idle child that started first
	Fork       int  // so many children
	MaxReached bool // to be logged and counted
	Busy       int  // not 0: log that the pool seems busy, spawning that many
}

// Second decides for a dynamic pool, once a second, by the numbers of its idle and of all its children.
func (s *Spare) Second(l Limits, idle, running int) Decision {
	if idle > l.MaxSpare {
		s.Rate = 1
		return Decision{Kill: true}
	}
	if idle >= l.MinSpare {
		s.Rate = 1
		return Decision{}
	}
	if running >= l.MaxChildren {
		return s.full(l, Decision{})
	}
	v := Decision{}
	if s.Rate >= 8 {
		v.Busy = s.Rate
	}
	n := min(s.Rate, l.MinSpare-idle, l.MaxChildren-running)
	if n <= 0 {
		return s.full(l, v)
	}
	s.warnedMax = false
	v.Fork = n
	if s.Rate < l.MaxSpawn {
		s.Rate *= 2
	}
	return v
}

// full says, once, that a pool has all the children it may have.
func (s *Spare) full(l Limits, v Decision) Decision {
	v.MaxReached = !s.warnedMax && !l.Shared
	s.warnedMax = s.warnedMax || v.MaxReached
	s.Rate = 1
	return v
}

// Connection decides for an ondemand pool at which a connection waits.
func (s *Spare) Connection(l Limits, idle, running int) Decision {
	switch {
	case running >= l.MaxChildren:
		v := Decision{MaxReached: !s.warnedMax && !l.Shared}
		s.warnedMax = s.warnedMax || v.MaxReached
		return v
	case idle > 0:
		return Decision{}
	}
	s.warnedMax = false
	return Decision{Fork: 1}
}

// ScaledTo returns the limits of a pool that is to have n workers at most.
func (l Limits) ScaledTo(n int) Limits {
	l.MaxChildren = n
	l.Start, l.MinSpare, l.MaxSpare = min(l.Start, n), min(l.MinSpare, n), min(l.MaxSpare, n)
	return l
}
