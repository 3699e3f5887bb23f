package control

import (
	"encoding/json"

	"github.com/phpsapi/phpsapi/fpm/incident"
)

// Report is what Status tells of a service. Its JSON is what `phpsapi fpm status --json` prints: names may be added.
type Report struct {
	Pid     int    `json:"pid"`
	Version string `json:"version"` // of phpsapi
	PHP     string `json:"php"`     // MAJOR.MINOR of the engine
	Config  string `json:"configuration"`
	State   string `json:"state"` // "normal", "finishing" or "terminating"
	// FinishingIn is how many seconds of shutdown_delay are left, after which a service that is "normal" finishes; 0: nobody has asked for its end.
	FinishingIn float64 `json:"finishing in,omitempty"`
	StartTime   int64   `json:"start time"`  // of the master, in seconds since 1970
	StartSince  int64   `json:"start since"` // in seconds
	LastReload  *Ending `json:"last reload,omitempty"`
	// Former are workers and fronts of programs before, which finish their requests.
	Former int `json:"former processes,omitempty"`
	// Reloading says that a reload is under way.
	Reloading   bool         `json:"reloading"`
	Generations []Generation `json:"generations"` // the serving one first
}

// Ending is how a reload ended.
type Ending struct {
	Time       int64    `json:"time"` // in seconds since 1970
	Generation int      `json:"generation,omitempty"`
	Why        string   `json:"why,omitempty"` // it failed; empty: it did not
	Lines      []string `json:"lines,omitempty"`
}

// Incidents is what LastIncidents tells. Its JSON is what `phpsapi fpm incidents --json` prints: names may be added.
type Incidents struct {
	Total     uint64               `json:"total"` // since the master was started
	Log       string               `json:"log"`   // the incident log; empty: there is none
	Incidents []*incident.Incident `json:"incidents"`
	Scripts   []incident.Script    `json:"scripts"` // that have ended several workers recently
	Pools     []string             `json:"pools"`   // that serve
}

// Slow is what SlowRequests tells: as incidents of the kind "slow", though they have ended nothing. Their durations are as of when they were found slow.
type Slow struct {
	Total    uint64               `json:"total"` // since the master was started
	Requests []*incident.Incident `json:"requests"`
}

// The states of a Generation.
const (
	Serving  = "serving"
	Starting = "starting"
	Retiring = "retiring" // it finishes its requests
)

// Generation is a configuration at work.
type Generation struct {
	Generation int      `json:"generation"`
	State      string   `json:"state"`
	StartTime  int64    `json:"start time"`
	Engines    []Engine `json:"engines"`
	// Pools are the pools' status pages in JSON, php-fpm's names and values: Pool reads them.
	Pools []json.RawMessage `json:"pools"`
	Front *Front            `json:"front,omitempty"` // nil if it has none
	// Steered are the pools that operators have paused or scaled.
	Steered []Steered `json:"steered,omitempty"`
}

// Steered is what operators have changed of a pool, until the next reload.
type Steered struct {
	Pool       string `json:"pool"`
	Paused     bool   `json:"paused"`          // it takes no connections
	Workers    int    `json:"workers"`         // that it has, those of old generations among them
	Requests   int    `json:"requests"`        // that they have
	Limit      int    `json:"max_children"`    // how many workers it may have
	Configured int    `json:"pm.max_children"` // by php-fpm.conf
}

// Engine is a PHP that pools of a generation run on.
type Engine struct {
	PHP    string   `json:"php"`    // MAJOR.MINOR
	Path   string   `json:"path"`   // the libphp
	Zygote int      `json:"zygote"` // the pid of the process that forks the workers; 0 if it is gone
	Pools  []string `json:"pools"`
}

// Front is the process that serves HTTP for a generation.
type Front struct {
	Pid       int    `json:"pid"`
	State     string `json:"state"`     // Starting, Serving or Retiring
	Addresses string `json:"addresses"` // as clients name them, between commas
	StartTime int64  `json:"start time"`
	// Pools are those that it hands requests to.
	Pools []FrontPool `json:"pools"`
}

// FrontPool is what a front's requests want of a pool, as of a second ago at most.
type FrontPool struct {
	Name     string `json:"pool"`
	Busy     int    `json:"requests"`   // that the pool has
	Queue    int    `json:"http queue"` // that wait in the front
	MaxQueue int    `json:"max http queue"`
	Longest  int64  `json:"longest wait"` // of those, in milliseconds
	Refused  uint64 `json:"turned away"`
}

// Pool is a pool's status page.
type Pool struct {
	Name               string    `json:"pool"`
	PM                 string    `json:"process manager"`
	StartTime          int64     `json:"start time"`
	Accepted           uint64    `json:"accepted conn"`
	ListenQueue        int       `json:"listen queue"`
	MaxListenQueue     int       `json:"max listen queue"`
	ListenQueueLen     int       `json:"listen queue len"`
	Idle               int       `json:"idle processes"`
	Active             int       `json:"active processes"`
	Total              int       `json:"total processes"`
	MaxActive          int       `json:"max active processes"`
	MaxChildrenReached uint64    `json:"max children reached"`
	Slow               uint64    `json:"slow requests"`
	Processes          []Process `json:"processes"` // where Request.Full was set

	// In worker mode; else nil. There are "restarts REASON" besides, see scoreboard.Reason.
	Kind         string `json:"worker kind"`
	Booting      *int   `json:"booting processes"`
	BootTime     int64  `json:"boot time"` // microseconds
	BootFailures uint64 `json:"boot failures"`
}

// Process is a worker on its pool's status page.
type Process struct {
	Pid      int     `json:"pid"`
	State    string  `json:"state"`
	Since    int64   `json:"start since"` // seconds
	Requests uint64  `json:"requests"`
	Duration int64   `json:"request duration"` // microseconds
	Method   string  `json:"request method"`
	URI      string  `json:"request uri"`
	Script   string  `json:"script"`
	CPU      float64 `json:"last request cpu"`          // percent
	Memory   uint64  `json:"last request memory"`       // bytes
	Growth   *int64  `json:"memory growth per request"` // bytes; nil: not in worker mode
}
