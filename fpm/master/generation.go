// Counterpart: sapi/fpm/fpm/fpm_worker_pool.c

package master

import (
	"os"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/listening"
	"github.com/phpsapi/phpsapi/fpm/plan"
	"github.com/phpsapi/phpsapi/fpm/pm"
	"github.com/phpsapi/phpsapi/fpm/postmortem"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/fpm/sidelog"
)

// generation is a configuration at work: pools, and the engines whose zygotes fork their workers.
type generation struct {
	number  int
	config  *conf.Config
	pools   []*pool
	ids     []conf.Identity // of the pools' users, in their order
	engines []*engine

	faults        *pm.Faults
	shortage      shortage  // of processes, threads, memory or descriptors
	starvingSince time.Time // when a pool without a worker was first seen to want one; zero: none does
	begun         time.Time

	plan    *plan.Plan        // what its front is to be, if there is to be one
	http    httpSide          // its front, where that listens, and its log
	metrics []metricsListener // where the observer listens
	door    *control.Door     // what the dashboard may ask for; nil: there is none

	renewAt    time.Time // when to replace it because a script has asked for that; zero: none has
	retiring   bool      // no worker of it is replaced
	escalation pm.Escalation
	warnedMax  bool // process.max
}

// pool is a worker pool: its configuration, its socket, its children.
type pool struct {
	gen      *generation
	engine   *engine // whose zygote forks its workers
	conf     *conf.Pool
	orders   *conf.Pool // as workers get it: environment variables filled in
	identity contract.Identity
	limits   pm.Limits
	socket   *listening.Socket
	board    *scoreboard.Board
	slots    []*child // which child has which slot of the scoreboard
	children []*child // the youngest first
	began    int      // how many have become ready so far
	access   *os.File // access.log; nil without
	crashes  *postmortem.Crashes
	spans    *spans   // nil: they are not exported
	ruleset  *os.File // of Landlock; nil: the pool has no sandbox
	shared   *pool    // whose status this one shows, if it is one for pm.status_listen or for another's other scripts

	worker *settings.Worker // worker mode; nil: an ordinary pool
	others *pool            // in worker mode: the pool that runs other scripts
	boots  boots
	habits habits

	spare     pm.Spare
	steering  steering
	demand    contract.PoolDemand // of the generation's front
	published scoreboard.Pool

	slowLog sidelog.Slow
	stages  settings.Stages

	idleKept int       // parked connections
	due      []*parked // those whose next request has come
	closer   closer    // of those that it had
	watched  int32     // what the watcher calls the socket of an ondemand pool

	recheckAt time.Time // when to look again at the socket of an ondemand pool; zero: not
	backoff   pm.Backoff
	respawnAt time.Time // when a worker that failed to begin is replaced; zero: none waits
}

// newGeneration prepares what needs no process: pools without sockets, their scoreboards and access logs.
func newGeneration(number int, cfg *conf.Config, ids []conf.Identity, now time.Time) (*generation, error) {
	g := &generation{number: number, config: cfg, ids: ids, begun: now,
		faults: pm.NewFaults(cfg.Global.EmergencyRestartThreshold, cfg.Global.EmergencyRestartInterval)}
	byConf := map[*conf.Pool]*pool{}
	for i, c := range cfg.Pools {
		board, err := scoreboard.Create(c.Slots())
		if err != nil {
			g.close()
			return nil, err
		}
		p := &pool{gen: g, conf: c, limits: pm.LimitsOf(c), board: board, slots: make([]*child, c.Slots()),
			spare: pm.Spare{Rate: 1}, shared: byConf[c.Shared]}
		if p.crashes, err = postmortem.NewCrashes(); err != nil {
			board.Close()
			g.close()
			return nil, err
		}
		p.orders, p.identity = orders(c, ids[i])
		if c.Handed {
			p.shared.others = p
		}
		p.published = scoreboard.Pool{Name: c.Name, PM: c.PM.String(), StartEpoch: now.Unix()}
		p.board.Publish(p.published)
		byConf[c] = p
		g.pools = append(g.pools, p)
	}
	return g, nil
}

// running is how many children a generation has.
func (g *generation) running() int {
	n := 0
	for _, p := range g.pools {
		n += len(p.children)
	}
	return n
}

// find returns the child with a pid.
func (g *generation) find(pid int) *child {
	for _, p := range g.pools {
		for _, c := range p.children {
			if c.pid == pid {
				return c
			}
		}
	}
	return nil
}

// close gives up what the generation holds, its sockets and its zygotes excepted.
func (g *generation) close() {
	for _, p := range g.pools {
		p.board.Close()
		p.crashes.Close()
		p.spans.close()
		if p.ruleset != nil {
			p.ruleset.Close()
		}
		if p.access != nil {
			p.access.Close()
		}
	}
	g.http.close()
}
