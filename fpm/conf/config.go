// Counterpart: sapi/fpm/fpm/fpm_conf.h

package conf

import (
	"strconv"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// A Config is a php-fpm.conf that passed every check.
type Config struct {
	// Path is the file it came from, Files all files read, in order.
	Path  string
	Files []string

	Global Global
	// Pools are in the order of the file; pools for pm.status_listen follow.
	Pools []*Pool

	// Heartbeat is how often requests are looked at for their timeouts;
	// 0: never. php-fpm uses at least 130 ms.
	Heartbeat time.Duration
}

// Global is the [global] section.
type Global struct {
	Pid                       Text // absolute
	ErrorLog                  Text // absolute, or "syslog"
	SyslogIdent               Text
	SyslogFacility            int // as in syslog(3): LOG_DAEMON is 24
	LogBuffering              bool
	LogLevel                  zlog.Level // 0 if not set, which means Notice
	LogLimit                  int        // bytes
	EmergencyRestartInterval  time.Duration
	EmergencyRestartThreshold int
	ProcessControlTimeout     time.Duration
	ProcessMax                int // 0: no limit
	ProcessPriority           int // or PriorityUnset
	Daemonize                 bool
	RlimitFiles               int // 0: as it is
	RlimitCore                int // 0: as it is, RlimitUnlimited
	EventsMechanism           Text
	// SystemdInterval is how often systemd is told that we live: 0 never.
	SystemdInterval time.Duration
	// SystemdWatchdog says that systemd wants to hear it.
	SystemdWatchdog bool

	systemdSeconds int // as configured; -1 if not
	places         places
}

// A Pool is a pool's section.
type Pool struct {
	Name   string
	Prefix Text // absolute or relative to the global one
	User   Text
	Group  Text

	Listen               Text // an address, or an absolute path
	Domain               Domain
	ListenBacklog        int // -1: as much as the system gives
	ListenACLUsers       Text
	ListenACLGroups      Text
	ListenOwner          Text
	ListenGroup          Text
	ListenMode           Text
	ListenAllowedClients Text

	ProcessPriority int // or PriorityUnset
	ProcessDumpable bool

	PM                 PM
	MaxChildren        int
	StartServers       int
	MinSpareServers    int
	MaxSpareServers    int
	MaxSpawnRate       int
	ProcessIdleTimeout time.Duration
	MaxRequests        int // 0: no limit

	StatusPath   Text
	StatusListen Text
	PingPath     Text
	PingResponse Text // set if PingPath is

	AccessLog           Text // absolute
	AccessFormat        Text // set if AccessLog is
	AccessSuppressPaths []string

	Slowlog                              Text // absolute
	RequestSlowlogTimeout                time.Duration
	RequestSlowlogTraceDepth             int
	RequestTerminateTimeout              time.Duration
	RequestTerminateTimeoutTrackFinished bool

	RlimitFiles             int
	RlimitCore              int
	Chroot                  Text // absolute
	Chdir                   Text // absolute, inside Chroot
	CatchWorkersOutput      bool
	DecorateWorkersOutput   bool
	ClearEnv                bool
	SecurityLimitExtensions Text
	LimitExtensions         []string // of SecurityLimitExtensions; nil: any
	AppArmorHat             Text

	// The arrays have the last entry of the file first, as php-fpm keeps,
	// dumps and applies them: of two with one key, the first in the file
	// is applied last.
	Env            []KeyValue
	PHPValues      []KeyValue // php_value and php_flag
	PHPAdminValues []KeyValue // php_admin_value and php_admin_flag

	// Shared is set in a pool made for a pm.status_listen: the pool whose
	// status it shows.
	Shared *Pool
	// Handed is set in a pool made by Others.
	Handed bool
	// Successors is how many workers may be there beyond MaxChildren, because they are about to replace others.
	Successors int

	places places
}

// Values that mean something else than their number.
const (
	PriorityUnset   = 64
	RlimitUnlimited = -1
)

// Text is a directive's string, and whether anything set it: php-fpm often
// treats "not there" and "empty" differently.
type Text struct {
	Value string
	Set   bool
}

// setText returns a Text that is set.
func setText(s string) Text { return Text{Value: s, Set: true} }

// String returns the value, "" if not set.
func (t Text) String() string { return t.Value }

// Filled reports whether the text is set to something.
func (t Text) Filled() bool { return t.Set && t.Value != "" }

// show is how -tt prints it.
func (t Text) show() string {
	if !t.Set {
		return "undefined"
	}
	return t.Value
}

// KeyValue is an entry of an array directive.
type KeyValue struct{ Key, Value string }

// PM is a process manager.
type PM int

// The process managers, with php-fpm's numbers; 0 is none.
const (
	Static PM = 1 + iota
	Dynamic
	Ondemand
)

// String returns the process manager's name; php-fpm shows none as ondemand.
func (p PM) String() string {
	switch p {
	case Static:
		return "static"
	case Dynamic:
		return "dynamic"
	}
	return "ondemand"
}

// Domain is the kind of an address to listen on.
type Domain int

// The kinds of address.
const (
	Inet Domain = 1 + iota
	Unix
)

// DomainOf tells a TCP address or port from the path of a unix socket.
func DomainOf(address string) Domain {
	if strings.Contains(address, ":") || isID(address) {
		return Inet
	}
	return Unix
}

// isID reports whether a name consists of digits, or of nothing at all.
func isID(s string) bool { return strings.Trim(s, "0123456789") == "" }

// SocketMode returns listen.mode, 0660 if not set; like php-fpm it takes what
// strtoul finds.
func (p *Pool) SocketMode() uint32 {
	if !p.ListenMode.Filled() {
		return 0o660
	}
	s := strings.TrimLeft(p.ListenMode.Value, " \t\n\v\f\r")
	s = strings.TrimPrefix(s, "+")
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '7' {
		n++
	}
	mode, err := strconv.ParseUint(s[:n], 8, 32)
	if err != nil {
		return 0
	}
	return uint32(mode)
}

// A Place is where in the configuration something stands.
type Place struct {
	File string
	Line int // from 1; 0 if the place is a whole file or nowhere
}

// places remembers where directives were set, by their names in the tables.
type places map[string]Place

// SetFrom says that a directive of the pool has its value from elsewhere than a file of php-fpm's, for -tt.
func (p *Pool) SetFrom(directive, from string) { p.places.set(directive, Place{File: from}) }

func (p *places) set(name string, at Place) {
	if *p == nil {
		*p = places{}
	}
	(*p)[name] = at
}

// Place tells where a pool's directive was set last; "" is its section.
func (p *Pool) Place(directive string) (Place, bool) {
	at, ok := p.places[directive]
	return at, ok
}

// nearest is a directive's place, or its section's.
func (p *Pool) nearest(directive string) Place {
	if at, ok := p.places[directive]; ok {
		return at
	}
	return p.places[""]
}

// Place tells where a [global] directive was set last.
func (g *Global) Place(directive string) (Place, bool) {
	at, ok := g.places[directive]
	return at, ok
}
