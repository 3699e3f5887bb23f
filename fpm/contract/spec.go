package contract

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// prefix begins the payload that a Spec is: those of other kinds of workers begin otherwise.
const prefix = "fpm\x00"

// Spec is everything a worker needs to know, besides its descriptors.
type Spec struct {
	Generation int // counts from 1; a reload makes the next
	Slot       int // the worker's page of its pool's scoreboard, from 0
	Slots      int // how many the pool has
	MasterPid  int

	// Pool is the pool's configuration. Users and groups in it are for show: Identity is who to become. In Env, a
	// value's $NAME is already replaced.
	Pool     *conf.Pool
	Identity Identity
	Global   Global

	// Files tell what the worker's descriptors are, in their order. The first three are always Listen, Scoreboard
	// and Control.
	Files []File

	// WorkerMode is the worker script to run; nil: the worker runs the script of each request.
	WorkerMode *WorkerMode
	// Handed says that what Listen brings are connections handed on by workers in worker mode, or by the front: messages of a
	// descriptor and of what was read from it, or of NothingRead.
	Handed bool

	// HTTP is there if the worker answers HTTP itself, beside FastCGI.
	HTTP *HTTP

	// Restrictions are what the worker gives up before its first request; nil: nothing. A worker that was forked within a booted
	// application has done so before the boot.
	Restrictions *Restrictions

	// Admission is who may ask for what; nil: what php-fpm.conf has.
	Admission *Admission

	// SoftTimeout is when a request is interrupted, and ClientCheck how often it is looked whether its client is there; 0: never.
	SoftTimeout, ClientCheck time.Duration

	// Traces says what to do about traces; nil: nothing.
	Traces *Traces

	// ClientLogs says that the client writes what PHP has to say of its request to the master's log: no other line is
	// needed.
	ClientLogs bool

	// Apache says that what comes on connections are requests of httpd's module, and not of FastCGI.
	Apache bool

	// Root says that the master is root: only then Chroot and ProcessPriority of the pool count.
	Root bool
}

// Admission is which clients and scripts a pool refuses, beside what php-fpm.conf says.
type Admission struct {
	CheckPeers    bool // clients on the unix socket must be of Users or Groups
	Users, Groups []int
	IgnoreValues  bool  // PHP_VALUE and PHP_ADMIN_VALUE of requests
	CheckOwners   bool  // scripts must be of Owners
	Owners        []int // users
}

// Restrictions are no_new_privs, and with a sandbox the domain of the file Ruleset and a seccomp filter (package sandbox).
type Restrictions struct {
	Filter []byte // as the kernel has it; nil: none
}

// Identity is who a worker becomes. A zero UID or GID stays the master's.
type Identity struct {
	UID, GID int
	Groups   []int  // supplementary groups, with GID; to set where UID is not 0
	User     string // for USER in the environment, unless env[] has one; empty: unknown
	Home     string // for HOME
}

// Global is the part of the [global] section that matters to a worker.
type Global struct {
	ConfigPath string
	LogLevel   zlog.Level
	LogLimit   int
	// LogBuffering is log_buffering.
	LogBuffering bool
	// LogJSON says that the logs are in JSON: what there is to be logged comes as Records, and standard error is a pipe.
	LogJSON bool
	// Syslog says that error_log is syslog.
	Syslog bool
	// ProcessControlTimeout, in seconds, is how long a graceful end may take before the master loses patience.
	ProcessControlTimeout int
}

// File says what a descriptor is.
type File string

// The descriptors a worker may be passed.
const (
	Listen           File = "listen"                  // the pool's listening socket, not blocking
	Scoreboard       File = "scoreboard"              // the pool's memfd
	ForReading       File = "scoreboard, for reading" // that memfd, in a worker that has changed user before it got it
	Control          File = "control"                 // the control socket
	TraceSocket      File = "trace"                   // the trace socket, where the pool has a request_slowlog_timeout
	Access           File = "access log"              // where the pool has an access.log
	Stdout           File = "stdout"                  // the write ends of pipes to the master, with catch_workers_output
	Stderr           File = "stderr"                  //
	CrashOutput      File = "crash output"            // what Go's runtime prints in a panic, without catch_workers_output
	SharedScoreboard File = "shared scoreboard"       // in a pool made for another's status, or for its other scripts: of that pool
	Ruleset          File = "landlock ruleset"        // in a pool with a sandbox
	Others           File = "others"                  // in worker mode: where connections are handed on that ask for other scripts
)

// Encode returns the payload of the zygote's fork.
func (s *Spec) Encode() []byte { return appendValue([]byte(prefix), reflect.ValueOf(s).Elem()) }

// IsSpec reports whether a worker's payload is that of a Spec.
func IsSpec(payload []byte) bool { return bytes.HasPrefix(payload, []byte(prefix)) }

// Decode reads what Encode made. The payload must not change from then on: the Spec's strings are parts of it.
func Decode(payload []byte) (*Spec, error) { return (&Orders{}).Decode(payload) }

// Orders is memory for a Spec and for what it points to as a rule, in one piece.
type Orders struct {
	spec    Spec
	pool    conf.Pool
	texts   [24]string
	numbers [16]int
}

// Decode is the function Decode with the memory of o, which is zero.
func (o *Orders) Decode(payload []byte) (*Spec, error) {
	message, ok := bytes.CutPrefix(payload, []byte(prefix))
	if !ok {
		return nil, errors.New("a worker's orders: they are of another kind of worker")
	}
	o.spec.Pool = &o.pool
	d := decoder{rest: message, texts: o.texts[:], numbers: o.numbers[:]}
	if err := d.all(&o.spec); err != nil {
		return nil, fmt.Errorf("a worker's orders: %w", err)
	}
	return &o.spec, nil
}

// Rehearse decodes a made-up Spec. A zygote calls it before it forks workers, which decode real ones: they share the memory that this leaves.
func Rehearse() {
	s := &Spec{Pool: &conf.Pool{}, WorkerMode: &WorkerMode{}, Restrictions: &Restrictions{}, Admission: &Admission{}, HTTP: &HTTP{}, Traces: &Traces{}}
	if _, err := Decode(s.Encode()); err != nil {
		panic("BUG: a worker's orders: " + err.Error())
	}
}

// File returns the index of a descriptor in Files; -1 if the worker does not have it.
func (s *Spec) File(which File) int {
	for i, f := range s.Files {
		if f == which {
			return i
		}
	}
	return -1
}

// WorkerTitle returns what ps calls the workers of a pool.
func WorkerTitle(pool string) string { return "php-fpm: pool " + pool }
