package front

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// Exit statuses.
const (
	exitOK       = 0
	exitSoftware = 70 // EX_SOFTWARE, as php-fpm's processes have it
)

// gcPercent lets garbage grow to twice what is in use before it is collected, eight megabytes at least: a request leaves
// some kilobytes behind, and a collection costs the time of a few.
const gcPercent = 200

// Main is the life of a front process. It returns the process's exit status.
func Main() int {
	hide()
	debug.SetGCPercent(gcPercent)
	control, err := channel.Open(contract.FrontControl)
	if err != nil {
		fmt.Fprintln(os.Stderr, "phpsapi: front: the control socket:", err)
		return exitSoftware
	}
	p := &process{control: control, logger: logger{control: control, patience: logPatience}, ended: make(chan bool, 4),
		yields: make(chan *channel.Channel, 1)}
	f, err := p.start()
	if err != nil {
		p.log(zlog.Error, "the HTTP front cannot start: %v", err)
		return exitSoftware
	}
	p.watchSignals()
	f.serve(func(err error) {
		f.logf(zlog.Error, "the HTTP front has lost a listener: %v", err)
		p.ended <- true
	})
	f.tellCrowds(p.control)
	p.control.Send(contract.Ready, "", -1)
	go p.control.Read(channel.AnyDescriptor, func(m channel.Message) { p.hear(f, m) })
	p.end(f)
	return exitOK
}

// hide closes the process to others of its user, before it reads keys: their /proc/PID/mem, ptrace(2) and pidfd_getfd(2)
// do not reach it. An exec undoes that, and so nothing before this one could. The user of a front that root starts is
// nobody else's; this is for the others.
func hide() { unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }

// end waits until the process is to end, and ends the server. After the order for a graceful end one for an end at once
// may come.
func (p *process) end(f *Front) {
	var heir *channel.Channel
	graceful, yields := true, false
	select {
	case graceful = <-p.ended:
	case heir = <-p.yields:
		yields = true
	}
	if graceful {
		go func() {
			for graceful := range p.ended {
				if !graceful {
					f.server.Close()
				}
			}
		}()
		if yields {
			f.yield(heir)
			p.control.Send(contract.Yielded, "", -1)
		}
		f.drain()
	}
	f.stop()
}

// process is the front as a process: its descriptors and its master.
type process struct {
	control *channel.Channel
	logger
	ended  chan bool             // it is to end; true: gracefully
	yields chan *channel.Channel // it is to end gracefully, and to leave its connections to another front; nil: to none
}

// start reads the orders and makes the server.
func (p *process) start() (*Front, error) {
	spec := os.NewFile(contract.FrontSpec, "orders")
	orders, err := contract.DecodeFront(spec)
	spec.Close()
	if err != nil {
		return nil, err
	}
	given, err := p.open(orders)
	if err != nil {
		return nil, err
	}
	return newFront(orders, given)
}

// open makes something of the descriptors that the orders name.
func (p *process) open(orders *contract.Front) (resources, error) {
	given := resources{sockets: map[string]*os.File{}, log: p.log, lines: p.logLines}
	for i, what := range orders.Files {
		unix.CloseOnExec(contract.FrontFiles + i)
		if what == contract.FrontListen && workersAccept(orders, len(given.listeners)) {
			r := newReserve(contract.FrontFiles + i)
			given.listeners, given.reserves = append(given.listeners, r), append(given.reserves, r)
			continue
		}
		file := os.NewFile(uintptr(contract.FrontFiles+i), string(what))
		if err := p.take(&given, orders, what, file); err != nil {
			return given, fmt.Errorf("descriptor %d: %w", contract.FrontFiles+i, err)
		}
	}
	if len(given.listeners) != len(orders.Listeners) {
		return given, fmt.Errorf("%d descriptors for %d listeners", len(given.listeners), len(orders.Listeners))
	}
	return given, nil
}

// take puts a descriptor where it belongs.
func (p *process) take(given *resources, orders *contract.Front, what contract.File, file *os.File) error {
	switch what {
	case contract.FrontListen:
		l, err := net.FileListener(file)
		file.Close() // it was duplicated
		given.listeners = append(given.listeners, l)
		return err
	case contract.Scoreboard:
		slot, err := scoreboard.OpenSlot(int(file.Fd()), orders.Slots, orders.Slot)
		file.Close()
		given.slot = slot
		return err
	case contract.FrontAccess:
		given.access = file
		return nil
	case contract.FromWorkers:
		given.fromWorkers = file
		return nil
	case contract.ToWorkers:
		given.toWorkers = file
		return nil
	case contract.Untaken:
		given.untaken = file
		return nil
	case contract.CrashOutput:
		defer file.Close() // it is duplicated
		if err := debug.SetCrashOutput(file, debug.CrashOptions{}); err != nil {
			return err
		}
		return unix.SetNonblock(int(file.Fd()), true) // a panic must not wait for the master
	case contract.FrontPoolAt, contract.FrontPoolTo:
		for _, pool := range orders.Pools {
			if isFor(pool.Network, what) && given.sockets[pool.Name] == nil {
				given.sockets[pool.Name] = file
				return nil
			}
		}
		return errors.New("it is the socket of no pool")
	}
	return fmt.Errorf("a front has no use for %q", what)
}

// isFor reports whether a pool with that Network is reached by a descriptor of that kind.
func isFor(network string, what contract.File) bool {
	if what == contract.FrontPoolTo {
		return network == contract.Handed
	}
	return network == ""
}

// hear takes a message of the master's.
func (p *process) hear(f *Front, m channel.Message) {
	var file *os.File
	if m.FD >= 0 && m.Letter != contract.Yield && m.Letter != contract.Inherit && m.Letter != contract.Rescue {
		file = os.NewFile(uintptr(m.FD), "from the master")
	}
	switch m.Letter {
	case 0, contract.Quit:
		p.ended <- true
	case contract.Yield:
		var heir *channel.Channel
		if m.FD >= 0 {
			heir, _ = channel.Open(m.FD)
		}
		select {
		case p.yields <- heir:
		default:
		}
		return
	case contract.Inherit:
		if m.FD < 0 {
			break
		}
		if from, err := channel.Open(m.FD); err == nil {
			go f.inherit(from)
		}
		return
	case contract.Beat:
		f.heed(m.Text)
		f.tally.tellOpen(f.connections)
		p.control.SendWithin(contract.Beat, f.demand(), -1, beatPatience)
	case contract.NoMore:
		if f.handed != nil {
			f.handed.noMore()
		}
	case contract.Rescue:
		if m.FD >= 0 {
			go f.rescue(m.FD, m.Text)
		}
		return
	case contract.AccessLog:
		if file != nil && f.access != nil {
			f.access.reopen(file)
			return
		}
	case contract.Certificates:
		if file == nil {
			break
		}
		if err := f.certs.replace(file); err != nil {
			f.logf(zlog.Error, "%v; the certificates that there are continue", err)
		} else {
			f.logf(zlog.Notice, "certificates re-read")
		}
	}
	if file != nil {
		file.Close()
	}
}

// watchSignals ends the process by signals as a worker ends: QUIT gracefully, TERM and INT at once, but not without
// what belongs into the access log. The others are the master's to understand.
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
