package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"math"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/front/upstream"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// Front is the server. There is one in a process.
type Front struct {
	limits      contract.FrontLimits
	sites       *site.Sites
	pools       map[string]*pool
	proxies     site.Proxies
	pages       pages
	certs       certificates
	access      *accessLog // nil: none
	tally       tally
	connections *connections
	exchanges   sync.Pool
	compressors sync.Pool
	compressing atomic.Int64 // responses that are being compressed
	active      atomic.Int64 // requests under way
	server      *http.Server
	streams     *http.Server     // the part of it that speaks HTTP/2: see http2.go
	multiplexed *http.Server     // what HTTP/2 takes for the server: see http2.go
	handed      *handed          // nil: no workers hand over connections
	overflow    *overflow        // nil: no workers accept
	waker       *waker           // likewise
	budget      *upstream.Budget // of temporary files
	outputs     atomic.Int64     // responses that workers have begun
	spoolSaid   atomic.Int64     // see spoolFailed
	stopped     chan struct{}
	once        sync.Once // closes stopped
	draining    atomic.Bool
	tooLarge    atomic.Int64   // see sayTooLarge
	serving     sync.WaitGroup // the listeners
	parking     sync.WaitGroup // the lot
	handing     sync.WaitGroup // handed
	leaving     sync.WaitGroup // what goes to another front
	left        *estate        // which is that; nil: nothing does
	listeners   []net.Listener
	secured     []bool // of listeners: TLS
	name        []string
	retryAfter  string

	level  zlog.Level
	log    func(level zlog.Level, format string, args ...any)
	lines  func([]upstream.Line) // many at once; nil: log takes them
	traces bool                  // requests for scripts are in traces
}

// pool is a contract.FrontPool with its connections.
type pool struct {
	*upstream.Pool
	contract.FrontPool
	own    *site.WorkerScripts // the scripts whose requests its worker script answers
	others *pool               // the pool that runs all other scripts; nil: this one
}

// runs returns the pool that runs a script. It returns p if that is not certain: p's workers hand on requests that are not theirs.
func (p *pool) runs(script string) *pool {
	if p.others != nil && p.own.Excludes(script) {
		return p.others
	}
	return p
}

// resources are a front's descriptors, opened.
type resources struct {
	listeners []net.Listener
	access    *os.File            // nil: none
	slot      *scoreboard.Slot    // where requests are counted; nil: nowhere
	sockets   map[string]*os.File // FrontPoolAt and FrontPoolTo, by the pool's name
	// See handed.go, wake.go; nil: the front has none.
	fromWorkers, toWorkers, untaken *os.File
	reserves                        []*reserve // those of listeners from which workers accept
	log                             func(level zlog.Level, format string, args ...any)
	lines                           func([]upstream.Line) // nil: log takes them
}

// newFront makes the server that the orders ask for.
func newFront(orders *contract.Front, given resources) (*Front, error) {
	f := &Front{stopped: make(chan struct{}), limits: orders.Limits, pools: map[string]*pool{}, name: []string{"phpsapi"}, level: orders.LogLevel, log: given.log, lines: given.lines, traces: orders.Traces}
	f.tally.slot = given.slot
	if f.limits.SpoolTotal < 0 {
		f.limits.SpoolTotal = freeSpace(os.TempDir())
	}
	f.compressors.New = func() any { return newCompressor() }
	f.exchanges.New = func() any { return newExchange(f) }
	f.retryAfter = strconv.Itoa(int(math.Ceil(max(f.limits.QueueTimeout.Seconds(), 1))))
	var err error
	if f.proxies, err = site.NewProxies(orders.TrustedProxies); err != nil {
		return nil, err
	}
	if err := f.addPools(orders, given.sockets); err != nil {
		return nil, err
	}
	if f.pages.clients, err = site.NewProxies(orders.StatusClients); err != nil {
		return nil, err
	}
	for _, p := range orders.Pools {
		f.pages.pools = append(f.pages.pools, f.pools[p.Name])
	}
	if f.sites, err = site.NewSites(orders.Sites, orders.Pools, f.logf); err != nil {
		return nil, err
	}
	if given.access != nil {
		f.access = newAccessLog(given.access, orders.AccessLogFormat, func(err error) {
			f.logf(zlog.Error, "the HTTP access log cannot be written, lines are lost: %v", err)
		})
	}
	lot, err := newLot(parkAfter)
	if err != nil {
		return nil, err
	}
	f.connections = newConnections(f.boundConnections(orders), f.limits.BodyTimeout, lot)
	for i, l := range orders.Listeners {
		f.listeners = append(f.listeners, f.connections.listen(given.listeners[i], l))
		f.secured = append(f.secured, l.TLS)
	}
	if err := f.takeWorkers(orders, &given); err != nil {
		return nil, err
	}
	f.listeners, f.secured = append(f.listeners, lot), append(f.secured, false)
	if err := f.certs.set(orders.Certificates); err != nil && !(errors.Is(err, errNoCertificate) && !anyTLS(orders)) {
		return nil, err
	}
	f.server, f.multiplexed = f.newServer(headerSlack), f.newServer(0)
	f.streams = f.newStreams()
	return f, nil
}

func anyTLS(orders *contract.Front) bool {
	for _, l := range orders.Listeners {
		if l.TLS {
			return true
		}
	}
	return false
}

func (f *Front) addPools(orders *contract.Front, sockets map[string]*os.File) error {
	f.budget = upstream.NewBudget(f.limits.SpoolTotal)
	for _, p := range orders.Pools {
		options := upstream.Options{Pool: p, Limits: f.limits, Budget: f.budget, Log: func(level zlog.Level, text string) { f.logf(level, "%s", text) }}
		if f.lines != nil {
			options.LogLines, options.Records = f.logLines, orders.LogJSON
			options.Unlogged = orders.LogJSON && p.Network != contract.Handed // see contract.Spec.ClientLogs
		}
		switch socket := sockets[p.Name]; {
		case p.Network == contract.Handed && socket == nil:
			return fmt.Errorf("pool %s: there is no way to it", p.Name)
		case p.Network == contract.Handed:
			options.Dial, options.Once = handTo(socket), true
		case socket != nil:
			address := fmt.Sprintf("/proc/self/fd/%d", socket.Fd())
			options.Dial = func(ctx context.Context) (net.Conn, error) {
				defer runtime.KeepAlive(socket) // or the collector closes what address names
				var d net.Dialer
				return d.DialContext(ctx, "unix", address)
			}
		}
		f.pools[p.Name] = &pool{Pool: upstream.New(options), FrontPool: p, own: site.NewWorkerScripts(p.For)}
	}
	for _, p := range f.pools {
		if p.Others == "" {
			continue
		}
		if p.others = f.pools[p.Others]; p.others == nil {
			return fmt.Errorf("pool %s: the pool %q for its other scripts is not known to the front", p.Name, p.Others)
		}
	}
	return nil
}

// Temporary files take no more than half of what is free, and mostSpooled, unless the settings say otherwise.
const mostSpooled = 4 << 30

// freeSpace is how much of a directory's file system temporary files may take.
func freeSpace(dir string) int64 {
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil || fs.Bsize <= 0 {
		return mostSpooled
	}
	return max(1, min(mostSpooled, int64(min(fs.Bavail, math.MaxInt64/2/uint64(fs.Bsize)))*fs.Bsize/2))
}

// spareFiles are the descriptors besides clients' and pools' connections: those the process began with, and files that
// are being sent.
const spareFiles = 256

// boundConnections is how many connections may be open, the limit on open files counted; 0: any number.
func (f *Front) boundConnections(orders *contract.Front) int {
	limit := f.limits.Connections
	var files unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &files) != nil || files.Cur > math.MaxInt32 {
		return limit
	}
	room := int(files.Cur) - spareFiles
	for _, p := range orders.Pools {
		room -= p.Connections
	}
	room = max(room, int(files.Cur)/4, 1)
	if limit > 0 && limit <= room {
		return limit
	}
	if limit > room {
		f.logf(zlog.Notice, "%d HTTP connections at most instead of %d, as the process may open only %d files (see ulimit -n, "+
			"or LimitNOFILE= in systemd's unit)", room, limit, files.Cur)
	}
	return room
}

// headerSlack is what net/http reads of a head beyond MaxHeaderBytes in HTTP/1. In HTTP/2 it adds no more than it
// reckons each header to cost beyond its bytes.
const headerSlack = 4096

// newServer makes a server that takes HeaderBytes if net/http adds slack to them. It takes slack+1 at least, as
// MaxHeaderBytes 0 is net/http's default.
func (f *Front) newServer(slack int) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	headerBytes := f.limits.HeaderBytes
	if headerBytes <= 0 {
		headerBytes = math.MaxInt32
	}
	headerBytes = max(headerBytes-slack, 1)
	return &http.Server{
		Handler:           f,
		Protocols:         &protocols,
		ReadHeaderTimeout: f.limits.HeaderTimeout,
		IdleTimeout:       f.limits.IdleTimeout,
		MaxHeaderBytes:    headerBytes,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 128, SendPingTimeout: f.limits.IdleTimeout},
		TLSConfig:         &tls.Config{GetCertificate: f.certs.choose, MinVersion: tls.VersionTLS12},
		ConnState:         noteState,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, clientKey{}, f.clientOf(c))
		},
		ErrorLog: log.New(serverLog{f}, "", 0),
		// or net/http answers OPTIONS * itself, without id and line in the log
		DisableGeneralOptionsHandler: true,
	}
}

// serverLog takes net/http's own messages. What clients do wrong is nothing an operator could mend.
type serverLog struct{ f *Front }

func (l serverLog) Write(p []byte) (int, error) {
	text := strings.TrimRight(string(p), "\n")
	level := zlog.Debug
	switch {
	case strings.HasPrefix(text, "http: panic"):
		level = zlog.Error
	case strings.HasPrefix(text, "http: Accept error"):
		level = zlog.Warning
	}
	l.f.logf(level, "%s", text)
	return len(p), nil
}

// serve accepts on all listeners, until drain or stop. failed takes the error of a listener that ended by itself.
func (f *Front) serve(failed func(error)) {
	f.serveWorkers()
	for i, l := range f.listeners {
		group := &f.serving
		if l == net.Listener(f.connections.lot) {
			group = &f.parking
		}
		group.Go(func() {
			err := error(nil)
			if f.secured[i] {
				err = f.server.ServeTLS(l, "", "")
			} else {
				err = f.server.Serve(l)
			}
			if !f.draining.Load() && !errors.Is(err, http.ErrServerClosed) {
				failed(err)
			}
		})
	}
}

// drain accepts no more and lets the requests under way end, for as long as DrainTimeout allows.
func (f *Front) drain() {
	ctx := context.Background()
	if f.limits.DrainTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.limits.DrainTimeout)
		defer cancel()
	}
	f.finishBegun(ctx)
	f.finishHanded(ctx)
	f.finishLeaving(ctx)
	f.streams.Shutdown(ctx)
	if err := f.server.Shutdown(ctx); err != nil {
		f.logf(zlog.Notice, "HTTP requests were still under way after %v and are cut off", f.limits.DrainTimeout)
	}
}

// finishBegun closes the listeners and waits for the first requests of the connections that came from them: a
// net/http.Server that shuts down answers none that comes then, and its client, who was not refused, has no reason to try
// again. Connections that are kept end with their next response; those that have none at once, but for a moment in which
// a request may be on its way.
func (f *Front) finishBegun(ctx context.Context) {
	f.draining.Store(true)
	f.leaveWorkers(f.hurry)
	for _, l := range f.listeners {
		l.Close()
	}
	f.serving.Wait() // for what they have accepted
	f.parking.Wait()
	waitWhile(ctx, keptGrace, func() bool { return f.connections.lively(livelyPause) })
	f.server.SetKeepAlivesEnabled(false)
	f.multiplexed.SetKeepAlivesEnabled(false)
	waitWhile(ctx, freshGrace, func() bool { return f.connections.fresh() > 0 })
}

// waitWhile waits until something is no longer so, or the time is over.
func waitWhile(ctx context.Context, most time.Duration, so func() bool) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for so() && ctx.Err() == nil {
		time.Sleep(stopInterval)
	}
}

// A client that sends its requests one after the other pauses for less than livelyPause between them; keptGrace is how
// long there may be such clients.
const (
	livelyPause = 100 * time.Millisecond
	keptGrace   = 500 * time.Millisecond
)

// freshGrace is how long a new connection may take to bring its first request when the front is to go. net/http takes
// one that is older for idle, too.
const freshGrace = 5 * time.Second

// Requests that were cut off may take this long to get into the access log, and are looked at this often.
const (
	stopGrace    = 3 * time.Second
	stopInterval = 5 * time.Millisecond
)

// stop closes everything that is still open.
func (f *Front) stop() {
	f.once.Do(func() { close(f.stopped) })
	f.server.Close()
	for waited := time.Duration(0); f.active.Load() > 0 && waited < stopGrace; waited += stopInterval {
		time.Sleep(stopInterval)
	}
	for _, p := range f.pools {
		p.Close()
	}
	if f.access != nil {
		f.access.close()
	}
}
