package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	ask "github.com/phpsapi/phpsapi/test/client"
)

// client asks for one script, again and again. The request's bytes are made once: what is measured is the server.
type client struct {
	ask     ask.FastCGI
	request []byte
	want    []byte // how the answer ends
}

// patience is how long a client waits for an answer.
const patience = ask.Patience

func newClient(s *server, script string, kept bool) *client {
	name, query, _ := strings.Cut(script, "?")
	return &client{ask.FastCGI{Dial: s.dial, Kept: kept}, ask.Encode(s.dir, name, query, kept), []byte(scripts[name].answer)}
}

var errEmpty = errors.New("an empty answer")

// do makes one request. An error says that it failed, or that the answer was not the script's.
func (c *client) do() error {
	if err := c.ask.Ask(c.request); err != nil {
		return err
	}
	err := c.check()
	if err != nil {
		c.close()
	}
	return err
}

func (c *client) check() error {
	if len(c.ask.Answer) == 0 {
		return errEmpty
	}
	if !bytes.HasSuffix(c.ask.Answer, c.want) {
		return fmt.Errorf("answer %q, want %q at its end", c.ask.Answer, c.want)
	}
	return nil
}

func (c *client) close() { c.ask.Close() }

// tally is what became of some requests.
type tally struct {
	done, failed, empty int
	slowest             time.Duration
	first               error // the first failure
}

func (t *tally) add(took time.Duration, err error) {
	t.done++
	t.slowest = max(t.slowest, took)
	if err == nil {
		return
	}
	if t.first == nil {
		t.first = err
	}
	if err == errEmpty {
		t.empty++
	} else {
		t.failed++
	}
}

func (t *tally) sum(o tally) {
	t.done, t.failed, t.empty = t.done+o.done, t.failed+o.failed, t.empty+o.empty
	t.slowest = max(t.slowest, o.slowest)
	if t.first == nil {
		t.first = o.first
	}
}

// ok is an error if not every request was answered.
func (t tally) ok() error {
	if t.failed+t.empty > 0 {
		return fmt.Errorf("%v", t)
	}
	return nil
}

func (t tally) String() string {
	text := fmt.Sprintf("%d requests, %d failed, %d empty, slowest %v", t.done, t.failed, t.empty, t.slowest.Round(time.Millisecond))
	if t.first != nil {
		text += fmt.Sprintf(" (%v)", t.first)
	}
	return text
}

// asker asks for one thing, again and again.
type asker interface {
	do() error // An error says that a request failed, or that the answer was not what it should be.
	close()
}

// target is what a load is put on.
type target interface {
	asks(script string, kept bool) asker
}

func (s *server) asks(script string, kept bool) asker { return newClient(s, script, kept) }

// load is some clients that ask side by side.
type load struct {
	clients  int
	script   string
	kept     bool
	requests int // of each client; 0: until stop
}

// run does it, and returns the sum. stop may be nil.
func (l load) run(s target, stop <-chan struct{}) tally {
	var (
		all tally
		mu  sync.Mutex
		wg  sync.WaitGroup
	)
	for range l.clients {
		wg.Go(func() {
			var mine tally
			c := s.asks(l.script, l.kept)
			defer c.close()
		requests:
			for n := 0; l.requests == 0 || n < l.requests; n++ {
				select {
				case <-stop:
					break requests
				default:
				}
				began := time.Now()
				err := c.do()
				mine.add(time.Since(began), err)
			}
			mu.Lock()
			defer mu.Unlock()
			all.sum(mine)
		})
	}
	wg.Wait()
	return all
}

// begin runs a load in the background; end stops it and returns its tally.
func (l load) begin(s target) (end func() tally) {
	stop, result := make(chan struct{}), make(chan tally, 1)
	go func() { result <- l.run(s, stop) }()
	return func() tally {
		close(stop)
		return <-result
	}
}
