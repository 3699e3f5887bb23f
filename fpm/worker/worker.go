package worker

import (
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
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

// Room is the memory that a worker begins with, in one piece. A zygote has it before it forks: what a worker allocates takes a page or two
// of its own for each size, and as many of the runtime's.
type Room struct {
	worker    worker
	log       zlog.Log
	orders    contract.Orders
	values    map[string]string // see responder.Responder.Configure
	slot      scoreboard.Slot
	responder responder.Responder
}

func newRoom() *Room {
	r := &Room{values: map[string]string{fastcgi.MpxsConns: "0"}}
	k := &r.worker
	k.room, k.responder, k.log = r, &r.responder, &r.log
	k.log.Init(os.Stderr)
	k.log.Configure(func(s *zlog.Settings) { s.External = k.tellClient })
	k.responder.Prepare(k)
	k.access.entry.Param = k.responder.Request.Params.Get
	return r
}

// Prepare does what all workers have in common, in a zygote, before they are forked. It returns the memory for Main.
func Prepare() *Room {
	limitMemory()
	contract.Rehearse()
	lifecycle.PrepareCrashReports()
	_, _ = time.Now().Zone() // reads the time zone
	return newRoom()
}

// Main is the life of the worker w, whose payload is a contract.Spec. room is Prepare's; nil: no zygote has prepared anything. It returns
// the process's exit status.
func Main(w *lifecycle.Worker, room *Room) int {
	if room == nil {
		limitMemory()
		room = newRoom()
	}
	spec, err := room.orders.Decode(w.Payload)
	if err != nil {
		fmt.Fprintln(os.Stderr, "phpsapi:", err)
		return exitSoftware
	}
	k := &room.worker
	k.process, k.alone = w, true
	k.spec, k.pool, k.engine, k.php, k.pid = spec, spec.Pool, w.Engine, sapi.ParsePHPVersion(w.Engine.LoadedVersion()), os.Getpid()
	k.setLog()
	if err := k.become(w.Files); err != nil {
		k.log.Logf(zlog.Error, "[pool %s] child failed to initialize", k.pool.Name)
		return exitSoftware
	}
	status := k.work()
	w.Engine.ModuleShutdown()
	return status
}

// work does the worker's work until it is to go, and returns the process's exit status.
func (k *worker) work() int {
	if err := k.watch(); err != nil {
		k.failed(err, "epoll")
		return exitSoftware
	}
	k.withhold()
	if k.traces >= 0 {
		k.endSolitude()
		go k.serveTraces(k.traces)
	}
	k.watchRequests()
	if k.script != nil {
		k.endSolitude()
		k.runScript()
	} else {
		k.control.send(contract.Ready, -1)
		k.serve()
	}
	k.park()
	k.endProfile()
	if k.web != nil {
		k.web.WriteLines()
	}
	if k.broken {
		return exitSoftware
	}
	return exitOK
}

// endSolitude makes the threads that Go's runtime needs to collect garbage and to run other goroutines. A worker that has answered nothing
// needs none.
func (k *worker) endSolitude() {
	k.alone = false
	k.process.MakeThreads()
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
	room   *Room
	spec   *contract.Spec
	pool   *conf.Pool
	engine *lifecycle.Engine
	php    sapi.PHPVersion // the engine's
	log    *zlog.Log
	level  zlog.Level // log's: it must not be asked while it writes
	limit  int        // likewise

	listen  int // -1 when it accepts no more
	control endpoint
	traces  int // the trace socket; -1: none
	epoll   int
	statm   int      // /proc/self/statm, if the worker cannot open it later; -1: not open
	crash   *os.File // where Go's runtime tells of a panic; nil: standard error
	quit    int      // an eventfd that SIGQUIT's handler writes to
	inForks []int32  // all of these, as lifecycle.GivenUpInForks
	from    []int    // see sources
	allowed responder.Allowed
	slot    *scoreboard.Slot

	responder *responder.Responder
	started   bool // the Responder was
	process   *lifecycle.Worker
	alone     bool // process.MakeThreads was not called: see endSolitude
	talk      talk
	kept      int // the connection that is idle and kept; -1: none
	keptPeer  responder.Peer
	keptHTTP  bool // it is web's
	pressed   int  // new connections in a row that pushed out the kept one
	// heardLast says that the master had the last turn before a new connection: see next.
	heardLast bool
	remote    []byte // the address of the present connection's client; nil on a unix socket
	requests  int    // so far
	leaving   bool   // no more requests
	broken    bool   // PHP is of no more use
	ignored   bool   // a request's settings, and it has been said
	pid       int
	watches   bool // requests are watched while their scripts run

	access  access
	tracing tracing
	script  *workerScript            // nil: not in worker mode
	profile atomic.Pointer[profiler] // nil: no samples were taken yet
	web     *web                     // nil: the worker does not speak HTTP
	handed  *handed                  // nil: connections are accepted
	caught  bool                     // standard error is a pipe to the master
	shown   *scoreboard.Reader       // the scoreboard of the status page

	// The current request.
	info scoreboard.Request
	said bool   // a log message has gone to its client
	id   []byte // of a request that has none
	cpu  cpuTimes
}
