package observe

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/incident"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/sapi"
)

// Bounds of a view.
const (
	mostShownRequests = 200 // the longest
	mostShownWorkers  = 256 // of a pool
)

// view is the service at a moment, as the dashboard's page is told of it. Times are in seconds, and memory in bytes.
type view struct {
	Time      float64           `json:"time"` // since 1970
	Silent    float64           `json:"silent"`
	Orders    bool              `json:"orders"` // they are taken, with the token
	Incidents uint64            `json:"incidents"`
	Slow      uint64            `json:"slow"`
	Profile   int               `json:"profile"` // the number of the last one; 0: there was none
	Service   *contract.Service `json:"service"`
	Pools     []poolView        `json:"pools"`
	Requests  []requestView     `json:"requests"` // the longest first
	More      int               `json:"more"`     // requests that are not among them
	Caches    []cachesView      `json:"caches"`
}

// poolView is a pool, of all generations together. What it has counted begins at 0 with each generation.
type poolView struct {
	Name        string   `json:"name"`
	PM          string   `json:"pm"`
	Kind        string   `json:"kind"`
	PHP         string   `json:"php"`
	Generations []int    `json:"generations"` // the one that serves, and those that have workers
	Serving     bool     `json:"serving"`     // the generation that serves has it
	Unready     []string `json:"unready"`     // why it cannot answer
	Paused      bool     `json:"paused"`
	Limit       int      `json:"limit"`      // how many workers it may have
	Configured  int      `json:"configured"` // by php-fpm.conf
	Most        int      `json:"most"`       // that an operator may make of it; 0: it cannot be steered

	Idle     int    `json:"idle"`
	Active   int    `json:"active"`
	Starting int    `json:"starting"`
	Requests uint64 `json:"requests"`
	Errors   uint64 `json:"errors"` // of 500 and more
	SlowOnes uint64 `json:"slow"`
	Reached  uint64 `json:"max_reached"` // how often the limit was reached
	CPU      uint64 `json:"cpu"`         // ns
	Queue    int    `json:"queue"`       // connections that wait at its socket
	QueueMax int    `json:"queue_limit"`
	Parked   int    `json:"parked"`

	Front      bool   `json:"front"` // the HTTP front hands requests to it
	FrontQueue int    `json:"front_queue"`
	FrontBusy  int    `json:"front_busy"`
	Refused    uint64 `json:"refused"`

	Memory  int64        `json:"memory"` // in proportion; 0: not known
	Workers []workerView `json:"workers"`
	Hidden  int          `json:"hidden"` // workers that are not among them
}

// workerView is a worker. Its state is a scoreboard.Stage.
type workerView struct {
	Pid        int     `json:"pid"`
	Generation int     `json:"generation"`
	Stage      int     `json:"stage"`
	Requests   uint64  `json:"requests"`
	Age        float64 `json:"age"`
	Last       float64 `json:"last"`   // the last request's duration
	Memory     uint64  `json:"memory"` // PHP's peak in it
}

// requestView is a request that a worker has. Accepted is a text here: JavaScript's numbers are too short for it.
type requestView struct {
	control.RunningRequest
	Accepted string `json:"accepted"`
}

// cachesView are opcache and APCu of an engine.
type cachesView struct {
	control.EngineCaches
}

// view returns the service as it is; nil: the master has not told of it yet.
func (s *server) view() *view {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.service == nil {
		return nil
	}
	now := time.Now()
	v := &view{Time: float64(now.UnixMilli()) / 1e3, Silent: max(now.Sub(s.heard).Seconds(), 0), Service: s.service, Pools: []poolView{}, Requests: []requestView{},
		Caches: []cachesView{}}
	v.Incidents, v.Slow = happened(s.service)
	if s.shown == nil {
		s.shown = &picture{}
	}
	p := s.shown
	p.take(s.service, s.pools)
	clock := scoreboard.NewClock().Now()
	for i := range p.pools {
		v.add(&p.pools[i], boardOf(s.pools, &p.pools[i]), now, clock)
	}
	for i := range v.Pools {
		slices.SortFunc(v.Pools[i].Workers, func(a, b workerView) int { return cmp.Compare(a.Pid, b.Pid) })
		if n := len(v.Pools[i].Workers) - mostShownWorkers; n > 0 {
			v.Pools[i].Workers, v.Pools[i].Hidden = v.Pools[i].Workers[:mostShownWorkers], n
		}
	}
	slices.SortFunc(v.Pools, func(a, b poolView) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortStableFunc(v.Requests, func(a, b requestView) int { return cmp.Compare(b.Duration, a.Duration) })
	if n := len(v.Requests) - mostShownRequests; n > 0 {
		v.Requests, v.More = v.Requests[:mostShownRequests], n
	}
	for i := range s.service.Generations {
		v.addCaches(&s.service.Generations[i], s.pools, clock)
	}
	return v
}

// boardOf returns the scoreboard of a pool in a picture.
func boardOf(pools []*watched, p *poolPicture) *scoreboard.Reader {
	for _, w := range pools {
		if &w.ObservedPool == p.ObservedPool {
			return w.board
		}
	}
	return nil
}

// add adds a pool of a generation.
func (v *view) add(p *poolPicture, board *scoreboard.Reader, now time.Time, clock int64) {
	at := slices.IndexFunc(v.Pools, func(q poolView) bool { return q.Name == p.Name })
	if at < 0 {
		at = len(v.Pools)
		v.Pools = append(v.Pools, poolView{Name: p.Name, Generations: []int{}, Workers: []workerView{}})
	}
	to, t := &v.Pools[at], &p.totals
	if p.serving || t.Idle+t.Active+p.starting > 0 {
		to.Generations = append(to.Generations, p.Generation)
	}
	if p.serving || to.PM == "" {
		to.PM, to.Kind, to.PHP = t.Pool.PM, t.Pool.WorkerMode.Kind.String(), p.php
		to.Serving, to.Unready = p.serving, p.unready
		to.Limit, to.Configured, to.Most = p.limit, p.ObservedPool.Limit, p.ObservedPool.Most
		to.Paused = p.paused
		to.Queue, to.QueueMax = 0, 0
		if p.queued { // the generations share the socket
			to.Queue, to.QueueMax = p.queue.waiting, p.queue.most
		}
	}
	to.Idle, to.Active, to.Starting = to.Idle+t.Idle, to.Active+t.Active, to.Starting+p.starting
	to.Requests += t.Requests
	to.Errors += serverErrors(&p.counts)
	to.SlowOnes += t.Slow
	to.Reached += t.Pool.MaxChildrenReached
	to.CPU += p.counts.CPUUser + p.counts.CPUSystem
	to.Parked += t.Pool.Parked
	to.Front = to.Front || t.Pool.HTTP
	to.FrontQueue, to.FrontBusy, to.Refused = to.FrontQueue+t.Pool.HTTPQueue, to.FrontBusy+t.Pool.HTTPBusy, to.Refused+t.Pool.HTTPRefused
	to.Memory += t.Pool.Weight
	if board != nil {
		v.addWorkers(to, p.Generation, board, now, clock)
	}
}

// serverErrors counts the responses of 500 and more.
func serverErrors(c *scoreboard.Counts) (n uint64) {
	for class := range scoreboard.Classes {
		if scoreboard.ClassName(class) == "5xx" {
			for method := range c.Requests {
				n += c.Requests[method][class]
			}
		}
	}
	return n
}

// addWorkers adds the workers of a pool and the requests that they have. All of it but the pid is a worker's own word.
func (v *view) addWorkers(to *poolView, generation int, board *scoreboard.Reader, now time.Time, clock int64) {
	var p scoreboard.Proc
	for i := range board.Slots() {
		if !board.Used(i) {
			continue
		}
		legible := board.Snapshot(i, &p)
		if p.Pid == 0 {
			continue
		}
		w := workerView{Pid: p.Pid, Generation: generation, Stage: int(p.Stage), Requests: min(p.Requests, 1<<52), Last: incident.Seconds(p.Duration), Memory: min(p.Memory, 1<<52)}
		if p.StartEpoch > 0 {
			w.Age = max(now.Sub(time.Unix(p.StartEpoch, 0)).Seconds(), 0)
		}
		to.Workers = append(to.Workers, w)
		if !legible || p.Stage <= scoreboard.Accepting {
			continue
		}
		target := p.Target
		if target == "" {
			if target = p.URI; p.Query != "" {
				target += "?" + p.Query
			}
		}
		r := control.RunningRequest{Pid: p.Pid, Pool: to.Name, Generation: generation, Stage: p.Stage.String(),
			Duration: incident.Seconds(time.Duration(clock - p.Accepted)), QueueWait: incident.Seconds(p.QueueWait),
			Method: incident.Clean(p.Method), Host: incident.Clean(p.Host), URI: incident.Clean(target), Script: incident.Clean(p.Script),
			User: incident.Clean(p.User), Client: incident.Clean(p.Client), RequestID: incident.Clean(p.ID)}
		v.Requests = append(v.Requests, requestView{r, strconv.FormatInt(p.Accepted, 10)})
	}
}

// addCaches adds the caches of a generation's engines.
func (v *view) addCaches(g *contract.ServiceGeneration, pools []*watched, clock int64) {
	eachCaches(g, pools, clock, func(engine int, newest *sapi.Caches, at int64) {
		e := &g.Engines[engine-1]
		c := cachesView{control.EngineCaches{Generation: g.Number, Engine: engine, PHP: e.PHP, Pools: e.Pools}}
		if at != 0 {
			age := incident.Seconds(time.Duration(clock - at))
			c.Age = &age
			c.Tell(newest)
		}
		v.Caches = append(v.Caches, c)
	})
}
