package master

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
	"unsafe"

	"github.com/phpsapi/phpsapi/fpm/announce"
)

// startFirst starts PHP for the first generation. php-fpm starts PHP before it knows any signal: one that ends a program
// ends this start too, and then the master by the same signal (deadly). So does the end of the process that waits for the daemon. In a takeover
// the signal waits for a service that can obey it, unless PHP does not start soon.
func (m *Master) startFirst(v *announce.Starter) error {
	stops, late := m.taken.stopsOfStart()
	defer signal.Stop(stops)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	v.Tell(announce.Starting)
	began := m.sys.now()
	engines := m.gen.engines
	started := make(chan zygoteStarted, len(engines))
	launch := func(e *engine) {
		config := m.heard(e)
		go func() {
			z, said, err := m.sys.launch(ctx, config)
			started <- zygoteStarted{e, z, said, err}
		}()
	}
	for _, e := range engines {
		launch(e)
	}
	var failed error
	gone := v.Gone()
	for waiting := len(engines); waiting > 0; {
		select {
		case s := <-started:
			waiting--
			s.engine.said, s.engine.zygote = s.said, s.z
			m.noteBoot(s.engine, s.err)
			if m.bootsEach(s.engine, s.err) {
				waiting++
				launch(s.engine)
				continue
			}
			if s.err != nil && failed == nil {
				failed = s.engine.notStarted(s.err)
				cancel() // the others' starts
			}
		case s := <-stops:
			if m.taken.takeOrder(s.(syscall.Signal)) {
				late = time.After(orderPatience)
				continue
			}
			m.deadly = s.(syscall.Signal)
			cancel()
		case <-late:
			m.deadly = m.taken.order
			cancel()
		case <-gone:
			gone = nil
			m.log.starterGone()
			cancel()
		}
	}
	for _, e := range engines {
		e.show(m)
	}
	if failed == nil && m.deadly != 0 { // too late to interrupt
		failed = context.Canceled
	}
	if failed != nil {
		for _, e := range engines {
			if e.zygote != nil {
				e.zygote.Close()
			}
		}
		return failed
	}
	m.phpTook = m.sys.now().Sub(began)
	catchAll(m.signals)
	signal.Stop(stops)
	for len(stops) > 0 {
		m.signals <- <-stops
	}
	v.Tell(announce.PHPStarted)
	for _, e := range engines {
		m.watchZygote(e, e.zygote)
	}
	return nil
}

// dieOf ends the process by a signal as if it had never been caught. Go's own way would make an exit of SIGQUIT. It
// returns in an init process, which no such signal ends.
func dieOf(s syscall.Signal) {
	signal.Reset(s)
	endByDefault(s)
	syscall.Kill(os.Getpid(), s)
	time.Sleep(time.Second) // another thread may take it
}

// A sigaction is the kernel's struct sigaction, with room for that of every architecture; all zeroes: SIG_DFL.
type sigaction [4]uint64

// endByDefault has the kernel itself end the process at signals that are not ignored, in place of Go's handler. That one runs in any thread, and an
// exec ends all but its own: a signal whose handler had just begun there was lost. It returns what undoes that.
func endByDefault(signals ...syscall.Signal) (undo func()) {
	const ignored = 1 // SIG_IGN
	act := func(s syscall.Signal, now, before *sigaction) {
		syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(now)), uintptr(unsafe.Pointer(before)), 8, 0, 0)
	}
	before := make([]sigaction, len(signals))
	for i, s := range signals {
		if act(s, nil, &before[i]); before[i][0] != ignored {
			act(s, &sigaction{}, nil)
		}
	}
	return func() {
		for i, s := range signals {
			act(s, &before[i], nil)
		}
	}
}

// catchStops takes the signals that end a program which starts.
func catchStops() chan os.Signal {
	stops := make(chan os.Signal, 4)
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT} {
		if !signal.Ignored(s) { // as nohup and shells leave it
			signal.Notify(stops, s)
		}
	}
	return stops
}
