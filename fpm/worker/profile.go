package worker

import (
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/lifecycle"
)

// profiler takes samples of PHP's stack, on a thread of its own, while a request runs, and tells them the master: contract.Samples. A sample whose stack is not known for
// certain, or whose request, is dropped and counted.
type profiler struct {
	until    atomic.Int64 // when to end, ns of CLOCK_MONOTONIC
	interval atomic.Int64 // between two samples, ns
	again    atomic.Bool  // there is another order: the operator who gave it knows nothing of what was told
	over     atomic.Bool  // it takes no more samples, and is about to end
	ended    chan struct{}

	control int // the control socket
	slot    int
	board   scoreboard.Reader
	clock   scoreboard.Clock
	sampler *lifecycle.Sampler
	asked   bool  // PHP is to write its stack down
	wanted  int64 // in this request
	pending int   // samples that it shall count for

	idle    atomic.Bool // it waits for a request
	unused  int         // ticks in a row without a request
	request requestInfo
	told    int64 // the request that was told last
	names   map[[6]uint64]int
	texts   map[string]int
	next    int // the number of the next function
	dropped int
	out     []byte // lines that are not sent yet
	scratch []byte
	proc    scoreboard.Proc
}

// requestInfo is what a request is, by the scoreboard.
type requestInfo struct {
	accepted          int64
	host, uri, script string
}

const (
	flushInterval = 250 * time.Millisecond
	idleAfter     = 200 * time.Millisecond
	longestSleep  = 20 * time.Millisecond // after which it is looked whether the profile has ended
	mostFunctions = 1 << 16
	endPatience   = 100 * time.Millisecond // for the last samples of a worker that ends
)

// beginProfile does what contract.Profile asks for. It is for the goroutine that reads the socket on which that came.
func (k *worker) beginProfile(order string) {
	rate, until, ok := contract.ParseProfile(order)
	if !ok {
		return
	}
	if p := k.profile.Load(); p != nil && p.over.Load() {
		select {
		case <-p.ended:
		case <-time.After(endPatience):
		}
	} else if p != nil {
		p.interval.Store(int64(time.Second) / int64(rate))
		p.until.Store(until)
		p.again.Store(true)
		p.wake()
		return
	}
	p := &profiler{ended: make(chan struct{}), control: k.control.fd, slot: k.spec.Slot, board: *k.slot.Reader, clock: scoreboard.NewClock(), next: 1}
	if p.clock.Now() >= until {
		return
	}
	p.interval.Store(int64(time.Second) / int64(rate))
	p.until.Store(until)
	k.profile.Store(p)
	go func() {
		p.run()
		k.profile.CompareAndSwap(p, nil)
	}()
}

// endProfile has the last samples sent, in a worker that ends.
func (k *worker) endProfile() {
	p := k.profile.Load()
	if p == nil {
		return
	}
	p.until.Store(0)
	p.wake()
	select {
	case <-p.ended:
	case <-time.After(endPatience):
	}
}

// run takes samples until the time is up.
func (p *profiler) run() {
	runtime.LockOSThread() // not given back: the thread ends with the goroutine
	blockSignals()
	defer close(p.ended)
	if p.sampler = lifecycle.TheSampler(); p.sampler == nil {
		return // another one is at it still
	}
	defer p.sampler.Release()
	p.begin()
	next := p.clock.Now() + rand.Int64N(p.interval.Load()) // workers do not look at the same time
	flushAt := p.clock.Now() + int64(flushInterval)
	for {
		now := p.clock.Now()
		if now >= p.until.Load() {
			break
		}
		if p.again.Swap(false) {
			p.flush()
			p.begin()
		}
		if now >= flushAt {
			p.flush()
			flushAt = now + int64(flushInterval)
		}
		if p.unused > 1+int(int64(idleAfter)/p.interval.Load()) {
			p.doze(min(flushAt, p.until.Load()))
			next, p.unused = p.clock.Now()+rand.Int64N(p.interval.Load()), 0
			continue
		}
		if now < next {
			p.sampler.Wait(min(next, now+int64(longestSleep)))
			continue
		}
		p.tick()
		if next += p.interval.Load(); next < now { // the processor was not to be had
			next = now + p.interval.Load()
		}
	}
	p.over.Store(true)
	p.collect(true)
	p.out = append(p.out, "e\n"...)
	p.flush()
}

// begin says that samples are taken from now on, and forgets what was told before.
func (p *profiler) begin() {
	p.names, p.texts, p.told = map[[6]uint64]int{}, map[string]int{}, 0
	p.out = append(p.out, "b\n"...)
	p.flush()
}

// doze waits for a request, but not longer than until that time. A worker that has nothing to do costs nothing.
func (p *profiler) doze(until int64) {
	p.idle.Store(true)
	p.sampler.Doze(until, func() bool {
		var a scoreboard.Activity
		return !p.board.Activity(p.slot, &a) || a.Stage == scoreboard.Executing || p.until.Load() == 0
	})
	p.idle.Store(false)
}

// wake ends doze, when a request runs.
func (p *profiler) wake() {
	if p != nil && p.idle.Load() {
		lifecycle.WakeSampler()
	}
}

// tick takes a sample, if a script runs.
func (p *profiler) tick() {
	var a, after scoreboard.Activity
	executing := p.board.Activity(p.slot, &a) && a.Stage == scoreboard.Executing
	p.collect(!executing || a.Accepted != p.wanted)
	if p.unused++; executing {
		p.unused = 0
	}
	if !executing || !p.know(a.Accepted) {
		return
	}
	if !p.asked {
		p.asked, p.wanted = true, a.Accepted
		p.sampler.Ask()
	}
	if s, ok := p.sampler.Read(); ok {
		if p.board.Activity(p.slot, &after) && after.Stage == scoreboard.Executing && after.Accepted == a.Accepted {
			p.collect(true)
			p.record(&s, 1)
		} else {
			p.dropped++
		}
		return
	}
	p.pending++
}

// collect takes what PHP has written down. If it has not yet, with giveUp it need not any more.
func (p *profiler) collect(giveUp bool) {
	if !p.asked || !giveUp && !p.sampler.Taken() {
		return
	}
	n := p.pending
	p.asked, p.pending = false, 0
	s, ok := p.sampler.Unask()
	if n == 0 {
		return
	}
	if !ok || s.Accepted != p.wanted || p.request.accepted != p.wanted {
		p.dropped += n
		return
	}
	p.record(&s, n)
}

// know finds out what the present request is. It returns false if it has ended meanwhile.
func (p *profiler) know(accepted int64) bool {
	if p.request.accepted == accepted {
		return true
	}
	if !p.board.Snapshot(p.slot, &p.proc) || p.proc.Accepted != accepted {
		p.dropped++
		return false
	}
	uri := p.proc.Target
	if uri == "" {
		uri = p.proc.URI
		if p.proc.Query != "" {
			uri += "?" + p.proc.Query
		}
	}
	p.request = requestInfo{accepted, p.proc.Host, uri, p.proc.Script}
	return true
}

// record notes a sample that counts for n.
func (p *profiler) record(s *lifecycle.Sample, n int) {
	line := append(strconv.AppendInt(append(p.scratch[:0], 's', '\t'), int64(n), 10), '\t')
	for i := range s.Frames {
		f := &s.Frames[i]
		id := p.function(s, f)
		if id == 0 {
			p.dropped += n
			p.scratch = line
			return
		}
		if i > 0 {
			line = append(line, ' ')
		}
		line = strconv.AppendUint(append(strconv.AppendInt(line, int64(id), 10), ':'), f.Line, 10)
	}
	if s.Cut {
		line = append(line, " 0:0"...)
	}
	p.scratch = append(line, '\n')
	if r := &p.request; p.told != r.accepted {
		p.told = r.accepted
		p.out = append(p.out, "r\t"+tidy(r.host)+"\t"+tidy(r.uri)+"\t"+tidy(r.script)+"\n"...)
	}
	p.out = append(p.out, p.scratch...)
	if len(p.out) >= contract.MaxMessage/2 {
		p.flush()
	}
}

// function returns the number of a frame's function, and tells the function if it is new; 0: it cannot be told which one it is.
func (p *profiler) function(s *lifecycle.Sample, f *lifecycle.SampledFrame) int {
	key := [...]uint64{f.Function.Hash, f.Function.Len, f.Class.Hash, f.Class.Len, f.File.Hash, f.File.Len}
	hashed := true
	for i := 0; i < len(key); i += 2 {
		hashed = hashed && (key[i] != 0 || key[i+1] == 0)
	}
	if id := p.names[key]; id != 0 && hashed {
		return id
	}
	function, ok1 := s.Text(f.Function)
	class, ok2 := s.Text(f.Class)
	file, ok3 := s.Text(f.File)
	if !ok1 || !ok2 || !ok3 || p.next >= mostFunctions {
		return 0
	}
	if class != "" {
		class, _, _ = strings.Cut(class, "\x00") // of an anonymous class there follows where it is
		function = class + "::" + function
	}
	text := "\t" + tidy(function) + "\t" + tidy(file) + "\n"
	id := p.texts[text]
	if id == 0 {
		id = p.next
		p.next++
		p.texts[text] = id
		p.out = append(strconv.AppendInt(append(p.out, "f\t"...), int64(id), 10), text...)
	}
	if hashed {
		p.names[key] = id
	}
	return id
}

// tidy is a text that is one of a line's.
func tidy(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '.'
		}
		return r
	}, text)
}

// flush sends the lines. If the master does not take them they are lost, and functions are told once more.
func (p *profiler) flush() {
	if p.dropped > 0 {
		p.out = append(strconv.AppendInt(append(p.out, "d\t"...), int64(p.dropped), 10), '\n')
		p.dropped = 0
	}
	message := make([]byte, 0, contract.MaxMessage)
	send := func() {
		if len(message) == 0 {
			return
		}
		if _, err := unix.SendmsgN(p.control, message, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT); err != nil {
			clear(p.names)
			clear(p.texts)
			p.told = 0
			p.dropped += strings.Count(string(message), "\ns\t")
		}
		message = message[:0]
	}
	for line := range strings.Lines(string(p.out)) {
		if len(message)+len(line) > contract.MaxMessage {
			send()
		}
		if len(message) == 0 {
			message = append(message, contract.Samples)
		}
		message = append(message, line...)
	}
	send()
	p.out = p.out[:0]
}
