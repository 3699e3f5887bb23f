package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// Exit statuses.
const (
	exitOK       = 0
	exitSoftware = 70 // EX_SOFTWARE, as php-fpm's processes have it
)

const (
	logPatience   = 2 * time.Second
	drainTimeout  = 5 * time.Second
	firstPatience = 5 * time.Second // for the master's first word; those who ask wait in the listeners meanwhile
	gcPercent     = 50              // it has next to nothing to do, and stays for months
	askedInterval = time.Second
)

// process is the observer as a process: its descriptors and its master.
type process struct {
	control *channel.Channel
	orders  *contract.Observer
	server  *server
	// exporter sends the spans that sources bring; nil: they are not exported.
	exporter *exporter
	sources  []*source
	asks     *gate
	past     *history       // nil: there is no dashboard
	board    *dashboard     // likewise
	boards   []net.Listener // for the dashboard

	listening []net.Listener
	serving   sync.WaitGroup // goroutines that accept

	ended  chan bool // it is to end; true: after what is under way
	failed chan error
}

// Main is the life of an observer. It returns the process's exit status.
func Main() int {
	runtime.GOMAXPROCS(1) // those who ask do not take more than a processor from the workers
	debug.SetGCPercent(gcPercent)
	control, err := channel.Open(contract.ObserverControl)
	if err != nil {
		fmt.Fprintln(os.Stderr, "phpsapi: observer: the control socket:", err)
		return exitSoftware
	}
	p := &process{control: control, ended: make(chan bool, 4), failed: make(chan error, 1)}
	listeners, err := p.start()
	if err != nil {
		p.log(zlog.Error, "the observer cannot start: %v", err)
		return exitSoftware
	}
	p.watchSignals()
	go p.control.Read(channel.AnyDescriptor, p.hear)
	p.server.awaitService(firstPatience)
	if p.exporter != nil {
		p.startExport(p.sources)
	}
	places := newPlaces(mostConnections)
	p.listening = append(listeners, p.boards...)
	for _, l := range listeners {
		p.serving.Go(func() {
			if err := p.server.serve(l, places); err != nil {
				select {
				case p.failed <- err:
				default:
				}
			}
		})
	}
	stop := p.showDashboard()
	p.control.Send(contract.Ready, "", -1)
	defer stop()
	return p.end()
}

// end waits until the process is to end, and ends the server.
func (p *process) end() int {
	graceful := false
	select {
	case graceful = <-p.ended:
	case err := <-p.failed:
		p.log(zlog.Error, "the observer has lost a listener: %v", err)
		return exitSoftware
	}
	if graceful {
		ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
		defer cancel()
		go func() {
			for graceful := range p.ended {
				if !graceful {
					cancel()
				}
			}
		}()
		exported := make(chan struct{})
		go func() {
			p.endExport()
			close(exported)
		}()
		for _, l := range p.listening {
			l.Close()
		}
		accepted := make(chan struct{})
		go func() {
			p.serving.Wait() // a connection that was just accepted is known to its server then, and is answered
			close(accepted)
		}()
		select {
		case <-accepted:
		case <-ctx.Done():
		}
		p.shutDashboard(ctx)
		p.server.http.Shutdown(ctx)
		<-exported
	} else {
		p.endExport()
	}
	return exitOK
}

// start reads the orders and opens what they name.
func (p *process) start() (listeners []net.Listener, err error) {
	spec := os.NewFile(contract.ObserverSpec, "orders")
	p.orders, err = contract.DecodeObserver(spec)
	spec.Close()
	if err != nil {
		return nil, err
	}
	var pools []*watched
	for i, what := range p.orders.Files {
		fd := contract.ObserverFiles + i
		unix.CloseOnExec(fd)
		file := os.NewFile(uintptr(fd), string(what))
		switch what {
		case contract.ObserverListen:
			var l net.Listener
			if l, err = net.FileListener(file); err == nil {
				listeners = append(listeners, l)
			}
		case contract.DashboardAt:
			var l net.Listener
			if l, err = net.FileListener(file); err == nil {
				p.boards = append(p.boards, l)
			}
		case contract.ObserverPast:
			p.past, err = openHistory(fd, os.Getpid())
		case contract.ObservedBoard:
			err = fmt.Errorf("there is no pool for it")
			if n := len(pools); n < len(p.orders.Pools) {
				var w *watched
				w, err = watch(p.orders.Pools[n], fd)
				pools = append(pools, w)
			}
		case contract.ObservedSpans:
			err = fmt.Errorf("there is no pool for it")
			if n := len(pools); n > 0 && pools[n-1].Traced && p.orders.Export != nil {
				var spans int
				if spans, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3); err == nil {
					p.sources = append(p.sources, &source{pools[n-1].ObservedPool, os.NewFile(uintptr(spans), string(what))})
				}
			}
		case contract.CrashOutput:
			if err = debug.SetCrashOutput(file, debug.CrashOptions{}); err == nil {
				err = unix.SetNonblock(fd, true) // a panic must not wait for the master
			}
		default:
			err = fmt.Errorf("an observer has no use for %q", what)
		}
		file.Close()
		if err != nil {
			return nil, fmt.Errorf("descriptor %d: %w", fd, err)
		}
	}
	p.server = newServer(pools, p.asker())
	if p.orders.Export != nil {
		p.exporter = newExporter(p.orders.Export, func(format string, args ...any) { p.log(zlog.Warning, format, args...) })
		p.server.exporter = p.exporter
	}
	p.asks = p.gate()
	return listeners, nil
}

// asker returns what tells the master that somebody asks for metrics, no more often than once in askedInterval.
func (p *process) asker() func() {
	last := make(chan time.Time, 1)
	last <- time.Time{}
	return func() {
		before, now := <-last, time.Now()
		if now.Sub(before) >= askedInterval {
			before = now
			p.control.Send(contract.Asked, "", -1)
		}
		last <- before
	}
}

// hear takes a message of the master's.
func (p *process) hear(m channel.Message) {
	switch m.Letter {
	case 0, contract.Quit:
		p.ended <- true
	case contract.Beat:
		p.server.hear()
	case contract.Gate:
		p.asks.take(m.Text, m.FD)
		return
	case contract.ServiceIs:
		if m.FD < 0 {
			return
		}
		file := os.NewFile(uintptr(m.FD), "service")
		defer file.Close()
		service := &contract.Service{}
		if err := json.NewDecoder(file).Decode(service); err != nil {
			p.log(zlog.Error, "the observer cannot read what the service is: %v", err)
			return
		}
		p.server.heed(service)
		return
	}
	if m.FD >= 0 {
		unix.Close(m.FD)
	}
}

// log sends a line to the master, for the error log.
func (p *process) log(level zlog.Level, format string, args ...any) {
	p.control.SendWithin(contract.Log, string('0'+rune(level))+fmt.Sprintf(format, args...), -1, logPatience)
}

// watchSignals ends the process by signals as a front ends.
func (p *process) watchSignals() {
	signal.Ignore(syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for s := range signals {
			p.ended <- s == syscall.SIGQUIT
		}
	}()
}
