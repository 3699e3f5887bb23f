package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

const reloadSignal = syscall.SIGUSR2

// fault is one thing that goes wrong.
type fault struct {
	name    string
	with    settings // of the service that it needs
	stock   bool     // php-fpm has the thing, too
	random  bool     // it may come at random, after others and among others
	long    bool     // it takes more than some seconds
	lasts   bool     // recovery begins when inject returns
	allowed allowed  // what the load may lose
	inject  func(r *run) error
	needs   func() error // what this machine must have for it; nil: nothing
}

// run is a fault that is being injected.
type run struct {
	*service
	load    *load
	lifted  time.Time // when the fault was over, if it was one that lasts
	answers map[string]string
	random  *rand.Rand
}

// lift notes that the fault is over: recovery begins.
func (r *run) lift() { r.lifted = time.Now() }

// faults are all of them.
func faults() (all []*fault) {
	all = slices.Concat(processFaults(), reloadFaults(), clientFaults(), resourceFaults())
	for _, a := range actions {
		all = append(all, a.fault())
	}
	return all
}

// workers are the workers of a pool.
func (s *service) workers(pool string) []int { return s.Titled("php-fpm: pool " + pool) }

func (s *service) front() []int   { return s.Titled("php-fpm: front process") }
func (s *service) zygotes() []int { return s.Titled("php-fpm: zygote process") }

// victim is a request that is under way, and its worker.
type victim struct {
	door   door
	worker int
	ended  chan result
}

var victims atomic.Int64

// victim begins a request that takes so long, and waits until a worker has it.
func (r *run) victim(d door, lasts time.Duration) (*victim, error) {
	place := filepath.Join(r.places(), strconv.FormatInt(victims.Add(1), 10))
	defer os.Remove(place)
	v := &victim{door: d, ended: make(chan result, 1)}
	go func() {
		asks := d.visitor(r.service, false)
		v.ended <- asks.ask(request{n: 7, us: int(lasts.Microseconds()), place: place})
	}()
	err := r.WaitFor(10*time.Second, func() bool {
		text, _ := os.ReadFile(place)
		v.worker, _ = strconv.Atoi(string(text))
		return v.worker != 0
	})
	if err != nil {
		return nil, fmt.Errorf("no worker has the request: %w", err)
	}
	return v, nil
}

// ends waits for the end of the request, which must be as told.
func (v *victim) ends(as ...end) error {
	select {
	case r := <-v.ended:
		if !slices.Contains(as, r.end) {
			return fmt.Errorf("the request of the worker, by %s: %v, want %v", v.door, r, as)
		}
		return nil
	case <-time.After(30 * time.Second):
		return fmt.Errorf("the request of the worker, by %s, does not end", v.door)
	}
}

// lost is how a request ends whose worker dies.
func lost(d door) end {
	if d == byHTTP {
		return unavailable
	}
	return closed
}

var errNoProcess = errors.New("there is no such process at the moment")

// anyOf chooses a process.
func (r *run) anyOf(pids []int) (int, error) {
	if len(pids) == 0 {
		return 0, errNoProcess
	}
	return pids[r.random.IntN(len(pids))], nil
}

// gone waits until a process has ended.
func (r *run) gone(pid int) error {
	if err := r.WaitFor(20*time.Second, func() bool { return !serve.Lives(pid) }); err != nil {
		return fmt.Errorf("%s has not ended: %w", strings.TrimSpace(serve.Title(pid)), err)
	}
	return nil
}
