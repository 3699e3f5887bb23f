package server

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/lifecycle/zygote"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// Options are what a server is started with.
type Options struct {
	Settings
	Listen  *Socket
	Program string         // phpsapi itself
	Engine  engines.Choice // the PHP to load
	Module  sapi.Module    // what to start
	// RestoreThread gives the calling thread what exec left to the process: its processors, and timers in time.
	RestoreThread func()
}

// failure is php-cgi's exit status where it could not do its work.
const failure = 255

const (
	// soon is how short a life is that says more will be.
	soon = time.Second
	// The pause before a process that died soon is replaced: doubled each time.
	firstPause, longestPause = 100 * time.Millisecond, 10 * time.Second
	// endPatience is how long a zygote may take to answer when the server ends.
	endPatience = time.Second / 2
	// killPatience is how long the children may take to be gone after KILL.
	killPatience = time.Second
	// How often the server looks whether a child has ended of which the zygote does not tell, and while it ends.
	endCheck, lastEndCheck = time.Second, 50 * time.Millisecond
)

// Main is the parent of children that answer requests. It returns the exit status when it was told to end. A signal that
// comes before PHP has started for the first time ends the process, as it does php-cgi.
func Main(o Options) int {
	syscall.Setsid() // as php-cgi; it fails where the process leads a group, and that is as good
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR1)
	s := &server{Options: o, starts: make(chan start, 1), births: make(chan birth), ends: make(chan *zygote.Child),
		children: map[*zygote.Child]*life{}, check: time.Tick(endCheck)}
	defer s.Listen.Close()
	s.begin()
	select {
	case started := <-s.starts:
		if started.err != nil {
			Say("%v", started.err)
			return failure
		}
		s.started(started)
	case sig := <-signals:
		s.stopping = true
		s.cancel()
		s.end()
		s.Listen.Close()
		return endBy(sig.(syscall.Signal))
	}
	return s.run(signals)
}

// endBy ends the process as the signal does by default.
func endBy(sig syscall.Signal) int {
	signal.Reset(sig)
	syscall.Kill(os.Getpid(), sig)
	time.Sleep(time.Second) // it comes to any thread, in a moment
	return failure
}

// server is the parent. One goroutine, run's, has all of it; others wait for the zygote.
type server struct {
	Options
	starting bool       // the outcome of a crew's start is to come
	starts   chan start // that outcome
	cancel   func()     // gives up what the zygote has not done yet
	crew     *crew      // nil while another is to start
	births   chan birth // the outcomes of forks
	forking  int        // so many are to come
	children map[*zygote.Child]*life
	ends     chan *zygote.Child // those that have ended
	check    <-chan time.Time   // when to look for those that have, and the zygote has not told
	pause    time.Duration      // before the next replacement
	failed   time.Time          // when a process last died soon, or could not be started
	retry    <-chan time.Time
	told     complaint
	stopping bool
	timeout  <-chan time.Time // when the children are killed, and then when they are given up; nil: the server continues
	killed   bool             // they were sent KILL
	gaveUp   bool             // they are not waited for
}

// life is what the server knows of a child.
type life struct {
	since   time.Time
	unheard bool // it has ended, and the zygote has not told
}

// begin starts a crew. The outcome comes on starts.
func (s *server) begin() {
	ctx, cancel := context.WithCancel(context.Background())
	s.starting, s.cancel = true, cancel
	go func() {
		c, err := newCrew(ctx, &s.Options, s.births)
		s.starts <- start{c, err}
	}()
}

// started takes the outcome of a start.
func (s *server) started(outcome start) {
	s.starting, s.crew = false, outcome.crew
	if outcome.err != nil && !s.stopping {
		s.delay()
		s.told.say(outcome.err, s.pause)
	}
	s.fill()
}

// run keeps the children at their number until it is told to end.
func (s *server) run(signals <-chan os.Signal) int {
	s.fill()
	for {
		if s.gaveUp {
			s.end()
			return 0
		}
		if s.stopping && s.forking == 0 {
			s.Listen.File.Close() // the address is free for another server as soon as the children have closed it, too
			if len(s.children) == 0 {
				s.end()
				return 0
			}
		}
		var gone <-chan struct{}
		if s.crew != nil && !s.crew.gone {
			gone = s.crew.zygote.Done()
		}
		select {
		case <-signals:
			s.stop()
		case c := <-s.ends:
			s.bury(c)
		case <-gone:
			s.crew.gone = true
			s.replaceCrew()
		case outcome := <-s.starts:
			s.started(outcome)
		case b := <-s.births:
			s.welcome(b)
		case <-s.retry:
			s.retry = nil
			s.fill()
		case <-s.check:
			s.lookForEnds()
		case <-s.timeout:
			s.outOfTime()
		}
	}
}

// fill orders the children that are missing, or the zygote.
func (s *server) fill() {
	if s.stopping || s.retry != nil || s.starting || s.forking > 0 {
		return
	}
	if s.crew == nil {
		s.begin()
		return
	}
	if missing := s.Children - len(s.children); missing > 0 && !s.crew.gone {
		s.forking = missing
		s.crew.orders <- missing
	}
}

// replaceCrew has another crew start in place of one whose zygote has died: its children go when they have finished.
func (s *server) replaceCrew() {
	if s.stopping || s.crew == nil || !s.crew.gone || s.forking > 0 {
		return
	}
	for c := range s.children {
		s.bury(c) // of which the zygote has told before it died
	}
	s.crew.leave()
	s.cancel()
	go s.crew.zygote.Close()
	if time.Since(s.crew.began) < soon {
		s.delay()
		Say("the zygote died at once; another takes its place in %v", s.pause)
	} else {
		Say("the zygote died; another takes its place")
	}
	s.crew = nil
	clear(s.children)
	s.fill()
}

// welcome takes a child that was forked, or the news that it could not be.
func (s *server) welcome(b birth) {
	switch {
	case b.err == nil:
		s.forking--
		s.children[b.child] = &life{since: time.Now()}
		go func() {
			<-b.child.Done()
			s.ends <- b.child
		}()
	case errors.Is(b.err, zygote.ErrGone): // another takes its place
		s.forking = 0
		Say("%v", b.err)
	default:
		s.forking = 0
		s.delay()
		s.told.say(b.err, s.pause)
	}
	s.replaceCrew()
	s.fill()
}

// bury takes a child's end, and has it replaced. A child whose zygote is gone is replaced with its crew.
func (s *server) bury(c *zygote.Child) {
	life := s.children[c]
	status, known := c.Status()
	if life == nil || !known {
		return
	}
	delete(s.children, c)
	if s.stopping {
		return
	}
	short := time.Since(life.since) < soon
	switch {
	case status == 0 || status.Exited() && !short:
		s.pause = 0
	case short:
		s.delay()
		sayDeath(c.Pid(), status, s.pause)
	default:
		s.pause = 0
		sayDeath(c.Pid(), status, 0)
	}
	s.fill()
}

// delay makes the next replacement wait. What happens while it waits does not make it wait longer: that children die
// together is one trouble.
func (s *server) delay() {
	if s.retry != nil {
		return
	}
	if time.Since(s.failed) > 2*longestPause { // that was another trouble
		s.pause = 0
	}
	s.failed = time.Now()
	s.pause = min(max(2*s.pause, firstPause), longestPause)
	s.retry = time.After(s.pause)
}

// stop lets the children finish their requests and end, in the time of StopTimeout; the second time it ends them.
func (s *server) stop() {
	if s.stopping {
		s.kill()
		return
	}
	s.stopping = true
	s.timeout = time.After(s.StopTimeout)
	s.retry = nil
	s.check = time.Tick(lastEndCheck)
	if s.crew != nil {
		s.crew.leave()
		time.AfterFunc(endPatience, s.cancel)
	} else if s.starting {
		s.cancel()
	}
}

// kill ends the children, which are given up if that does not make them go.
func (s *server) kill() {
	for c := range s.children {
		c.Signal(syscall.SIGKILL)
	}
	if !s.killed {
		s.killed = true
		s.timeout = time.After(killPatience)
	}
}

// outOfTime ends the children that have not finished in the time they had. The second time it gives them up.
func (s *server) outOfTime() {
	if s.killed {
		s.gaveUp = true
		return
	}
	if len(s.children) > 0 {
		Say("%d children have not finished within %v (PHPSAPI_CGI_STOP_TIMEOUT) and are killed", len(s.children), s.StopTimeout)
	}
	s.kill()
}

// lookForEnds finds the children that have ended, of which a zygote that hangs, or has died, does not tell. One that has
// not told until the next time is given up.
func (s *server) lookForEnds() {
	for c, life := range s.children {
		switch {
		case !c.Ended():
		case s.stopping:
			delete(s.children, c)
		case !life.unheard:
			life.unheard = true
		case !s.crew.gone:
			Say("the zygote does not tell that child %d has ended, and is ended itself", c.Pid())
			s.crew.zygote.Kill()
			return
		}
	}
}

// end ends the zygote, whose children have ended, or its start.
func (s *server) end() {
	if s.starting {
		s.started(<-s.starts)
	}
	if s.crew != nil {
		s.crew.leave()
		s.crew.zygote.End(endPatience)
	}
}
