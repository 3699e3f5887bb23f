package worker

import (
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/phpsapi/phpsapi/cgi/responder"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
)

// php-fpm's exit statuses.
const (
	exitOK       = 0
	exitSoftware = 70
)

// memoryLimit is when Go's collector, which is off otherwise, begins to work: of this, some 5 MiB are the runtime's own
// address space. With a script that logs a message per request, a lower one costs CPU time, and with a higher one the
// worker is larger.
const memoryLimit = 7 << 20

func limitMemory() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(memoryLimit)
}

// Prepare does what all workers have in common, in a zygote, before they are forked.
func Prepare() {
	limitMemory()
	contract.Rehearse()
	lifecycle.PrepareCrashReports()
	_, _ = time.Now().Zone() // reads the time zone
}

// Main is the life of the worker w, whose payload is a contract.Spec. It returns the process's exit status.
func Main(w *lifecycle.Worker) int {
	spec, err := contract.Decode(w.Payload)
	if err != nil {
		fmt.Fprintln(os.Stderr, "phpsapi:", err)
		return exitSoftware
	}
	if !w.Prepared {
		limitMemory()
	}
	k := &worker{spec: spec, pool: spec.Pool, engine: w.Engine, php: sapi.ParsePHPVersion(w.Engine.LoadedVersion()), pid: os.Getpid()}
	k.log = newLog(k)
	if err := k.become(w.Files); err != nil {
		k.log.Logf(zlog.Error, "[pool %s] child failed to initialize", k.pool.Name)
		return exitSoftware
	}
	status := k.work()
	w.Engine.ModuleShutdown()
	return status
}

// talk is the present connection.
type talk struct {
	goes    bool // there is one
	fd      int
	peer    responder.Peer
	watched bool // the epoll instance has it already
	brought bool // it was parked, and the master brought it
	http    bool // it is web's
}

// worker is the process. There is one.
type worker struct {
	spec   *contract.Spec
	pool   *conf.Pool
	engine *lifecycle.Engine
	php    sapi.PHPVersion // the engine's
	log    *zlog.Log
	level  zlog.Level // log's: it must not be asked while it writes

	listen  int // -1 when it accepts no more
	control endpoint
	traces  int // the trace socket; -1: none
	epoll   int
	statm   int      // /proc/self/statm, if the worker cannot open it later; -1: not open
	ruleset int      // of Landlock, until the worker is restricted by it; -1: none
	crash   *os.File // where Go's runtime tells of a panic; nil: standard error
	quit    int      // an eventfd that SIGQUIT's handler writes to
	inForks []int32  // all of these, as lifecycle.GivenUpInForks
	from    []int    // see sources
	allowed responder.Allowed
	slot    *scoreboard.Slot

	*responder.Responder
	talk     talk
	kept     int // the connection that is idle and kept; -1: none
	keptPeer responder.Peer
	keptHTTP bool // it is web's
	pressed  int  // new connections in a row that pushed out the kept one
	// heardLast says that the master had the last turn before a new connection: see next.
	heardLast bool
	remote    []byte // the address of the present connection's client; nil on a unix socket
	requests  int    // so far
	leaving   bool   // no more requests
	broken    bool   // PHP is of no more use
	ignored   bool   // a request's settings, and it has been said
	pid       int
	watches   bool // requests are watched while their scripts run

	access access
	script *workerScript      // nil: not in worker mode
	web    *web               // nil: the worker does not speak HTTP
	handed *handed            // nil: connections are accepted
	caught bool               // standard error is a pipe to the master
	shown  *scoreboard.Reader // the scoreboard of the status page

	// The request in hand.
	info scoreboard.Request
	said bool // a log message has gone to its client
	cpu  cpuTimes
}
