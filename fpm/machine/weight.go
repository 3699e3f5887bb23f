package machine

import (
	"bytes"
	"io/fs"
	"os"
	"strconv"
	"time"
)

// A round begins weighInterval after the last one began, and takes weighTime: the next round continues with the processes that it has not reached.
const (
	weighInterval = 10 * time.Second
	weighTime     = 50 * time.Millisecond
)

// Scales weigh processes. A process's weight is its own memory and its share of what it shares with others (PSS). Weighing is slow, and so it is
// done in rounds, beside the caller's own work: ten seconds apart, and each so short that it may not reach all processes. The next one continues
// there. The zero value has weighed nothing. All methods are for one goroutine.
type Scales struct {
	busy bool      // a round is under way
	at   time.Time // when the last round began
	next int       // where the next round begins, in the order of the processes
}

// Round is one round of weighing.
type Round struct {
	next int // where the next one begins
}

// Begin returns a round; ok is false if it is not time for one, or another is under way. The caller calls Weigh, and then Ended.
func (s *Scales) Begin(now time.Time) (r *Round, ok bool) {
	if s.busy || !s.at.IsZero() && now.Sub(s.at) < weighInterval {
		return nil, false
	}
	s.busy, s.at = true, now
	return &Round{s.next}, true
}

// Ended takes note that a round is over.
func (s *Scales) Ended(r *Round) { s.busy, s.next = false, r.next }

// Weigh returns the weights of processes, in bytes; 0: the round has not reached the process, or its weight cannot be told. Any goroutine may call it,
// once.
func (r *Round) Weigh(pids []int) []int64 {
	root := os.DirFS("/")
	return r.weigh(len(pids), time.Now, func(i int) int64 { return weight(root, pids[i]) })
}

func (r *Round) weigh(n int, now func() time.Time, weigh func(i int) int64) []int64 {
	all := make([]int64, n)
	for done, ends := 0, now().Add(weighTime); done < n && now().Before(ends); done++ {
		i := r.next % n
		all[i] = weigh(i)
		r.next++
	}
	return all
}

// weight returns how much memory a process has in proportion, in bytes; 0: it cannot be told.
func weight(root fs.FS, pid int) int64 {
	text, err := fs.ReadFile(root, "proc/"+strconv.Itoa(pid)+"/smaps_rollup")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(text, []byte("\nPss:"))
	number, _, _ := bytes.Cut(bytes.TrimLeft(rest, " \t"), []byte(" kB"))
	kib, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}
