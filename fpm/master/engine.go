package master

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/phpsapi/phpsapi/fpm/phpini"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/fpm/startup"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// engine is a PHP of a generation: a zygote, and the pools whose workers it forks. Pools that want the same PHP share one.
// The end of a zygote concerns its pools alone, until the generation that takes its place has begun.
type engine struct {
	gen    *generation
	key    string // tells it from the generation's others
	choice engines.Choice
	ini    phpini.Settings // its settings in php.ini when the generation was made
	php    string          // its MAJOR.MINOR
	launch zygote.Config   // what the zygote is started with
	pools  []*pool
	zygote forker           // nil before it has started and after it is gone
	said   startup.Messages // while PHP was started in the zygote
	forks  forks
	// silentAt is when to look whether the zygote has told the ends of the workers that are lost; zero: none is.
	silentAt time.Time

	starting    int                // the pid of a zygote in which PHP starts; 0: none, or not known yet
	cancelStart context.CancelFunc // nil: PHP does not start

	begun     time.Time // when its zygote had started
	restarts  pm.Backoff
	restartAt time.Time // when to start another zygote; zero: not
}

// assign gives each pool the engine that it wants.
func (g *generation) assign(want func(i int, p *pool) zygote.Config) {
	known := map[string]*engine{}
	for i, p := range g.pools {
		launch := want(i, p)
		key := fmt.Sprintf("%q %q %+v", launch.Engine, launch.Env, launch.Module)
		if w := g.plan.ProtectionOf(p.conf.Name); w != nil && w.OwnMemory {
			of := p.conf
			if of.Shared != nil {
				of = of.Shared
			}
			key += " of " + of.Name
		}
		if launch.Template != nil { // its application is this pool's alone
			key += " " + p.conf.Name
		}
		e := known[key]
		if e == nil {
			e = &engine{gen: g, key: key, launch: launch}
			known[key] = e
			g.engines = append(g.engines, e)
		}
		if p.conf.RequestSlowlogTimeout > 0 {
			e.launch.Monitor = true // its workers have a goroutine beside the main one
		}
		e.pools = append(e.pools, p)
		p.engine = e
	}
}

// notStarted words the error of a start of PHP, and names who wants that PHP.
func (e *engine) notStarted(err error) error {
	if boot := (*zygote.BootError)(nil); errors.As(err, &boot) {
		return e.pools[0].bootFailed(boot.Why)
	}
	return startup.NotStarted(e.choice.Refusal(err))
}

// like returns the generation's engine that is most like another generation's: the same, or one of the same libphp. It
// returns nil if there is none.
func (g *generation) like(other *engine) (same *engine) {
	for _, e := range g.engines {
		if e.key == other.key {
			return e
		}
		if e.launch.Engine == other.launch.Engine && same == nil {
			same = e
		}
	}
	return same
}

// lacksZygote reports whether an engine of the generation has no zygote: it starts, or is gone.
func (g *generation) lacksZygote() bool {
	for _, e := range g.engines {
		if e.zygote == nil {
			return true
		}
	}
	return false
}

// forking reports whether a zygote of the generation is being asked for a child.
func (g *generation) forking() bool {
	for _, e := range g.engines {
		if e.forks.asked != nil {
			return true
		}
	}
	return false
}

// cancelStarts ends the starts of PHP that are under way.
func (g *generation) cancelStarts() {
	for _, e := range g.engines {
		if e.cancelStart != nil {
			e.cancelStart()
		}
	}
}

// zygoteExecuted tells the pid of a zygote in which PHP starts.
type zygoteExecuted struct {
	engine *engine
	pid    int
}

// zygoteStarted is the outcome of a zygote's start.
type zygoteStarted struct {
	engine *engine
	z      forker
	said   startup.Messages
	err    error
}

// zygoteEnded is the end of a zygote.
type zygoteEnded struct {
	engine *engine
	z      forker
}

// zygoteClosed is a zygote that has been waited for.
type zygoteClosed struct{ pid int }

func (e zygoteClosed) happen(m *Master) {
	delete(m.zygotes, e.pid)
	m.reap()
}

// closeZygote ends an engine's zygote, if it has one.
func (m *Master) closeZygote(e *engine) {
	z := e.zygote
	if z == nil {
		return
	}
	e.zygote = nil
	m.tending.Go(func() {
		z.Close()
		m.box.post(zygoteClosed{z.Pid()})
	})
}

// watchZygote makes a zygote that has started an engine's, and posts its end.
func (m *Master) watchZygote(e *engine, z forker) {
	e.zygote, e.begun = z, m.sys.now()
	m.detach(z)
	m.zygotes[z.Pid()] = true
	go func() {
		<-z.Done()
		m.box.post(zygoteEnded{e, z})
	}()
}
