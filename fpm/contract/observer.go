package contract

import (
	"io"
	"reflect"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// An observer is this program, executed by the master with FrontEnvironment set and ObserverTitle as its name, without privileges. It answers
// those who ask for metrics and health, and shows the dashboard. Its descriptors are ObserverControl, ObserverSpec and from ObserverFiles on those that Observer.Files names. Standard
// input and output are /dev/null, standard error is as a front's.
//
//	master                                  observer
//	  Observer, on ObserverSpec        ->     becomes what the Observer says
//	                                   <-   Ready                  (or Log lines, and it exits)
//	  Service + fd                     ->     what there is to know of the service now, as JSON in a memfd: Service
//	  Beat                             ->     once a second: the master lives
//	                                   <-   Asked: somebody asks for metrics; with the text AskedMemory, only for memory
//	                                   <-   Gate: the dashboard has something to ask
//	  Gate + fd                        ->     a connection for one control.DashboardRequest; without fd: not now, as the text says
//	                                   <-   Log, Lines
//	  Quit                             ->     accepts no more, finishes what is under way, exits with status 0
//	  is gone: end of file             ->     the same
//
// The control socket is as a worker's. An observer lives from one reload to the next, as a front does; the listening sockets are the
// master's. It holds nothing that another would miss: what is counted is in the scoreboards and with the master.
const ObserverTitle = "php-fpm: observer process"

// The descriptors of an observer.
const (
	ObserverControl = 3
	ObserverSpec    = 4
	ObserverFiles   = 5
)

// Letters on the control socket of an observer.
const (
	ServiceIs = 'V' // brings a Service
	Asked     = 'A'
	Gate      = 'G'
)

// AskedMemory is the text of an Asked for which processes are to be weighed, and PHP's caches left alone.
const AskedMemory = "memory"

// Observer is everything that an observer needs to know at its start, besides its descriptors.
type Observer struct {
	MasterPid int
	Addresses []string // of the listeners, as configured, for messages
	Pools     []ObservedPool
	LogLevel  zlog.Level
	Dashboard *Dashboard // nil: there is none
	Export    *Export    // where spans go; nil: nowhere
	// Files tell what the descriptors from ObserverFiles on are, in their order.
	Files []File
}

// The descriptors that an observer is passed. They come in the order of Observer.Addresses and Observer.Pools.
const (
	ObserverListen File = "metrics listen"           // a listening socket
	DashboardAt    File = "dashboard listen"         // a listening socket for the dashboard
	ObserverPast   File = "history"                  // memory of HistorySize bytes that observers hand on: what has been lately
	ObservedBoard  File = "scoreboard to be watched" // a scoreboard that can only be read
)

// Dashboard is what an observer needs to know to serve the dashboard.
type Dashboard struct {
	Hosts  []string // names by which browsers may call it, besides addresses and localhost
	Orders bool     // there is a token, so that the master takes orders
}

// HistorySize is the size of ObserverPast. It is sealed, and the master reads nothing of it.
const HistorySize = 4 << 20

// Export says where spans go.
type Export struct {
	URL      string   // of OTLP by HTTP
	Headers  []string // of the requests, "Name: value"
	Resource []string // attributes of the resource: "service.name=shop"
	Version  string   // phpsapi's
}

// ObservedPool is a pool of a generation.
type ObservedPool struct {
	Generation int
	Name       string
	Slots      int
	Limit      int      // pm.max_children
	Most       int      // that an operator may make of it; 0: the pool cannot be steered
	Socket     uint64   // inode number of the listening socket, if that is a unix socket; 0: it is not
	Traced     bool     // its workers tell of spans
	Front      bool     // it is not a pool, but the scoreboard of the generation's fronts
	Sites      []string // what the sites are called that are counted each for itself, by their numbers; empty: the pool has none of them
}

// Service is what the master tells the observer of the service. Times are in seconds since 1970.
type Service struct {
	Version string // phpsapi's
	Master  int    // pid
	State   string // "normal" if it serves
	Began   int64  // when the service did
	Started bool   // a generation serves, or has served
	Leaving bool   // it serves, and will end after the setting shutdown_delay
	Config  string

	Generations []ServiceGeneration
	Former      int // processes of programs before that finish their requests

	Reloads    Outcomes
	Upgrades   Outcomes
	LastReload int64 // when the last one ended; 0: there was none
	LastFailed bool
	LastWhy    string // why it failed
	Slow       uint64 // slow requests that the master has remembered so far

	Incidents map[string]uint64 // by their kinds
	Memory    map[string]int64  // bytes of the master's own processes, in proportion, by their kind: "master", "front", "observer", "zygote"
	Replaced  map[string]uint64 // how often processes of the master's own have ended and were replaced: "front", "observer", "zygote"
}

// Outcomes counts how something has ended.
type Outcomes struct{ Succeeded, Failed uint64 }

// ServiceGeneration is a configuration at work.
type ServiceGeneration struct {
	Number  int
	State   string // control.Serving, control.Starting or control.Retiring
	Began   int64
	Front   *ServiceFront
	Engines []ServiceEngine
	Unready []UnreadyPool // pools that are not ready, and why; only of the generation that serves
	Steered []SteeredPool // pools that operators have changed
}

// SteeredPool is a pool that operators have paused or scaled.
type SteeredPool struct {
	Pool   string
	Paused bool
	Limit  int // how many workers it may have
}

// ServiceFront is a front.
type ServiceFront struct {
	Pid   int
	Ready bool
}

// ServiceEngine is a PHP, and the process that forks its workers.
type ServiceEngine struct {
	PHP    string
	Zygote int // pid; 0: there is none
	Pools  []string
}

// UnreadyPool is a pool that cannot answer, with the reasons.
type UnreadyPool struct {
	Pool    string
	Reasons []string
}

// Encode writes the orders for an observer.
func (o *Observer) Encode(w io.Writer) error {
	_, err := w.Write(appendValue(nil, reflect.ValueOf(o).Elem()))
	return err
}

// DecodeObserver reads what Encode wrote.
func DecodeObserver(r io.Reader) (*Observer, error) { return read[Observer](r, "an observer's") }
