package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// crowd is who comes to a door at once, beside those who ask as usual.
type crowd struct {
	idle, slow int           // connections
	lasting    time.Duration // how long, once all are there
	head       time.Duration // how long a head may take; 0: as the door has it
}

// pace is how long a slow sender waits before its next byte.
const pace = 500 * time.Millisecond

// wanted is how soon a usual request is to be answered.
const wanted = 100 * time.Millisecond

// manners are the ways to send slowly: what comes at once, and what comes then byte by byte, again and again.
var manners = [...]struct{ name, first, then string }{
	{"heads", "GET /hello.php HTTP/1.1\r\nHost: localhost\r\n", "X-Slow: yes\r\n"},
	{"bodies", "POST /hello.php HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000\r\n\r\n", "x"},
	{"long bodies", "POST /hello.php HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 200_000), "x"},
}

// held is what became of a crowd, and of those who asked as usual.
type held struct {
	idle, idleServed int // connections at the end, and those of them that were asked one thing more and had it answered
	idleFailure      error
	slow             [len(manners)]struct{ opened, cut atomic.Int64 }
	alone, usual     usual
	before, during   [2]int // KiB: the processes that talk HTTP, and all
}

// usual is what became of those who asked as usual: before the crowd came, and then beside it.
type usual struct {
	tally
	took []time.Duration // sorted
}

// hold lets a crowd come, and asks as usual meanwhile.
func (e entrance) hold(c crowd) (h *held, err error) {
	if err := raise(uint64(c.idle + c.slow + 1000)); err != nil {
		return nil, err
	}
	d, err := e.open(c.head, "")
	if err != nil {
		return nil, err
	}
	defer d.stop()
	h = &held{}
	if t := (load{clients: workers, script: "hello.php", requests: 500}).run(d, nil); t.ok() != nil {
		return h, t.ok()
	}
	h.alone = usually(d, time.Now().Add(c.lasting/4))
	h.before[0], h.before[1] = d.memory()

	idlers := make([]*visitor, c.idle)
	defer func() { each(idlers, func(v *visitor) { v.close() }) }()
	for i := range idlers {
		idlers[i] = d.visitor("note.txt", true)
	}
	each(idlers, func(v *visitor) { v.do() })
	stop := make(chan struct{})
	var senders sync.WaitGroup
	for i := range c.slow {
		senders.Go(func() { h.sendSlowly(d, i%len(manners), stop) })
	}
	time.Sleep(2 * pace) // they are held by now
	h.usual = usually(d, time.Now().Add(c.lasting))
	h.during[0], h.during[1] = d.memory()
	close(stop)
	senders.Wait()
	h.count(idlers)
	if how := d.Ended(); how != "" {
		return h, fmt.Errorf("the master has ended by itself: %s\n%s", how, d.logged())
	}
	return h, nil
}

// each does something with all visitors, some of them at once.
func each(visitors []*visitor, do func(*visitor)) {
	var wg sync.WaitGroup
	next := make(chan *visitor)
	for range 32 {
		wg.Go(func() {
			for v := range next {
				do(v)
			}
		})
	}
	for _, v := range visitors {
		next <- v
	}
	close(next)
	wg.Wait()
}

// sendSlowly sends a request, and another one when it was cut off.
func (h *held) sendSlowly(d *door, manner int, stop <-chan struct{}) {
	m, counts := manners[manner], &h.slow[manner]
	for {
		conn, err := d.dial()
		if err != nil {
			return
		}
		counts.opened.Add(1)
		cut := make(chan struct{})
		go func() {
			var answer [1]byte
			conn.Read(answer[:])
			conn.Close()
			close(cut)
		}()
		io.WriteString(conn, m.first)
		for n := 0; conn != nil; n++ {
			select {
			case <-stop:
				conn.Close()
				<-cut
				return
			case <-cut:
				counts.cut.Add(1)
				conn = nil
			case <-time.After(pace):
				io.WriteString(conn, m.then[n%len(m.then):][:1])
			}
		}
	}
}

// usually asks as four visitors do who wait a little between two requests, half of them on kept connections.
func usually(d *door, end time.Time) (u usual) {
	var (
		mu sync.Mutex
		wg sync.WaitGroup
	)
	for i := range 4 {
		wg.Go(func() {
			v := d.visitor("hello.php", i%2 == 0)
			defer v.close()
			for time.Now().Before(end) {
				began := time.Now()
				err := v.do()
				took := time.Since(began)
				mu.Lock()
				u.add(took, err)
				u.took = append(u.took, took)
				mu.Unlock()
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	wg.Wait()
	slices.Sort(u.took)
	return u
}

func (u usual) String() string {
	at := func(part int) time.Duration { return u.took[(len(u.took)-1)*part/100].Round(10 * time.Microsecond) }
	inTime, _ := slices.BinarySearch(u.took, wanted)
	return fmt.Sprintf("%v; half within %v, 99 %% within %v, %d later than %v", u.tally, at(50), at(99), len(u.took)-inTime, wanted)
}

// count asks which of them are still there.
func (h *held) count(idlers []*visitor) {
	var mu sync.Mutex
	each(idlers, func(v *visitor) {
		mu.Lock()
		there := v.ask.Connected()
		if there {
			h.idle++
		}
		mu.Unlock()
		if !there {
			return
		}
		err := v.do()
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			h.idleServed++
		} else if h.idleFailure == nil {
			h.idleFailure = err
		}
	})
}

// ok is an error if somebody was not served who should have been, or served who should not have been.
func (h *held) ok(c crowd) error {
	if h.idle != c.idle || h.idleServed != c.idle {
		return fmt.Errorf("of %d idle connections %d were made, and %d answered in the end: %v", c.idle, h.idle, h.idleServed, h.idleFailure)
	}
	if c.head > 0 && h.slow[0].cut.Load() == 0 {
		return fmt.Errorf("no slow head was cut off in %v, where it may take %v", c.lasting, c.head)
	}
	return h.usual.ok()
}

func (h *held) lines() []string {
	lines := []string{"before: " + h.alone.String(), "beside: " + h.usual.String(),
		fmt.Sprintf("%d of %d idle connections answered in the end", h.idleServed, h.idle)}
	for i, m := range manners {
		lines = append(lines, fmt.Sprintf("slow %s: %d connections, %d of them cut off", m.name, h.slow[i].opened.Load(), h.slow[i].cut.Load()))
	}
	const mb = 1024.0
	return append(lines, fmt.Sprintf("private memory: %.1f MB in what talks HTTP, %.1f MB before; %.1f MB in all, %.1f MB before",
		float64(h.during[0])/mb, float64(h.before[0])/mb, float64(h.during[1])/mb, float64(h.before[1])/mb))
}

// raise sees that this process, and those it starts, may have so many descriptors.
func raise(n uint64) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = max(limit.Cur, n)
	limit.Max = max(limit.Max, n)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("%d descriptors are needed: %w (ulimit -n)", n, err)
	}
	return nil
}

func showHeld(programs [2]program, n sizes) (err error) {
	for i, e := range entrances(programs) {
		c := crowd{idle: n.idle, slow: n.idle / 10, lasting: 20 * time.Second}
		h, failure := e.hold(c)
		if failure == nil {
			failure = h.ok(c)
			for _, line := range h.lines() {
				fmt.Printf("- %s, %s\n", e.name, line)
			}
		}
		if failure != nil {
			fmt.Printf("- %s: **%v**\n", e.name, failure)
			if i == 0 {
				err = failure
			}
		}
	}
	return err
}
