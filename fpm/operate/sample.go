package operate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// sample is a service at a moment, with what it has done since the sample before. Its JSON is a line of `phpsapi fpm top --json`: names
// may be added.
type sample struct {
	Time     string                   `json:"time"` // RFC 3339
	Master   int                      `json:"master"`
	Version  string                   `json:"version"`
	PHP      string                   `json:"php"`
	State    string                   `json:"state"`
	Leaving  float64                  `json:"finishing_in,omitempty"` // seconds of shutdown_delay that are left; absent: nobody has asked for the end
	Uptime   int64                    `json:"uptime"`                 // seconds
	Serving  int                      `json:"generation"`
	Reloads  bool                     `json:"reloading"`
	Pools    []samplePool             `json:"pools"`
	Requests []control.RunningRequest `json:"requests"` // the longest first

	at    time.Time
	spent map[int]uint64    // the processor time of workers, in ticks
	asked map[string]uint64 // the requests of pools so far, by generation and name
}

// samplePool is a pool, its old generations included.
type samplePool struct {
	Pool      string         `json:"pool"`
	Workers   int            `json:"workers"`
	States    map[string]int `json:"states"`                 // how many workers are in which
	Rate      *float64       `json:"requests_second"`        // null in the first sample
	Queue     int            `json:"queue"`                  // connections and requests that wait
	Processor *float64       `json:"cpu_percent"`            // of one processor; null: not known
	Memory    *int64         `json:"memory"`                 // bytes that the workers share with nobody; null: not known
	Limit     int            `json:"max_children,omitempty"` // if an operator has changed it
	Paused    bool           `json:"paused"`
}

// ticksSecond is USER_HZ, in which Linux tells processor time.
const ticksSecond = 100

// sample asks the master for everything. before is the sample before; nil: there is none.
func (o *Operator) sample(before *sample) (*sample, error) {
	m, a, err := o.ask(control.Request{Command: control.Status, Full: true})
	if err != nil {
		return nil, err
	}
	if a.Status == nil {
		return nil, notUnderstood(m, "a status")
	}
	_, b, err := o.ask(control.Request{Command: control.Requests})
	if err != nil {
		return nil, err
	}
	if b.Requests == nil {
		return nil, notUnderstood(m, "requests")
	}
	return newSample(a.Status, b.Requests, before, time.Now(), processesOf(m.pid))
}

// processes tells of a worker's processor time in ticks, and of its own memory in bytes; nil: the workers' pids are of another pid
// namespace.
type processes func(pid int) (ticks uint64, memory int64, ok bool)

func processesOf(master int) processes {
	if !control.SharesPids(master) {
		return nil
	}
	return func(pid int) (uint64, int64, bool) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, 0, false
		}
		statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
		if err != nil {
			return 0, 0, false
		}
		return usage(string(stat), string(statm))
	}
}

// usage reads the files stat and statm of a process.
func usage(stat, statm string) (ticks uint64, memory int64, ok bool) {
	_, rest, ok := strings.Cut(stat[max(strings.LastIndexByte(stat, ')'), 0):], ") ")
	fields, pages := strings.Fields(rest), strings.Fields(statm)
	if !ok || len(fields) < 13 || len(pages) < 3 {
		return 0, 0, false
	}
	user, err := strconv.ParseUint(fields[11], 10, 64)
	system, err2 := strconv.ParseUint(fields[12], 10, 64)
	resident, err3 := strconv.ParseInt(pages[1], 10, 64)
	shared, err4 := strconv.ParseInt(pages[2], 10, 64)
	return user + system, (resident - shared) * int64(os.Getpagesize()), err == nil && err2 == nil && err3 == nil && err4 == nil
}

func newSample(r *control.Report, running *control.Running, before *sample, now time.Time, look processes) (*sample, error) {
	s := &sample{Time: now.Format(time.RFC3339), Master: r.Pid, Version: r.Version, PHP: r.PHP, State: r.State, Leaving: r.FinishingIn, Uptime: r.StartSince, Reloads: r.Reloading,
		Pools: []samplePool{}, Requests: running.Requests, at: now, spent: map[int]uint64{}, asked: map[string]uint64{}}
	if s.Requests == nil {
		s.Requests = []control.RunningRequest{}
	}
	for i, g := range r.Generations {
		if i == 0 {
			s.Serving = g.Generation
		}
		for _, page := range g.Pools {
			var p control.Pool
			if err := json.Unmarshal(page, &p); err != nil {
				return nil, failed(exitSoftware, "cannot read the status of a pool: %v", err)
			}
			s.add(g.Generation, &p, before, look)
		}
		for _, f := range frontPools(g.Front) {
			if to := s.pool(f.Name); to != nil {
				to.Queue += f.Queue
			}
		}
		for _, st := range g.Steered {
			if to := s.pool(st.Pool); to != nil {
				to.Paused = st.Paused
				if st.Limit != st.Configured {
					to.Limit = st.Limit
				}
			}
		}
	}
	slices.SortFunc(s.Pools, func(a, b samplePool) int { return cmp.Compare(a.Pool, b.Pool) })
	return s, nil
}

func frontPools(f *control.Front) []control.FrontPool {
	if f == nil {
		return nil
	}
	return f.Pools
}

func (s *sample) pool(name string) *samplePool {
	for i := range s.Pools {
		if s.Pools[i].Pool == name {
			return &s.Pools[i]
		}
	}
	return nil
}

// add adds a pool of a generation.
func (s *sample) add(generation int, p *control.Pool, before *sample, look processes) {
	to := s.pool(p.Name)
	if to == nil {
		s.Pools = append(s.Pools, samplePool{Pool: p.Name, States: map[string]int{}})
		to = &s.Pools[len(s.Pools)-1]
	}
	to.Workers += len(p.Processes)
	to.Queue += p.ListenQueue
	key := fmt.Sprint(generation, " ", p.Name)
	s.asked[key] = p.Accepted
	seconds := 0.0
	if before != nil {
		seconds = s.at.Sub(before.at).Seconds()
	}
	if seconds > 0 {
		last, known := before.asked[key]
		if !known || p.Accepted < last {
			last = p.Accepted
		}
		plus(&to.Rate, float64(p.Accepted-last)/seconds)
	}
	for _, c := range p.Processes {
		to.States[c.State]++
		if look == nil {
			continue
		}
		ticks, memory, ok := look(c.Pid)
		if !ok {
			continue
		}
		s.spent[c.Pid] = ticks
		plus(&to.Memory, memory)
		if seconds > 0 {
			last, known := before.spent[c.Pid]
			if !known || ticks < last {
				last = ticks
			}
			plus(&to.Processor, float64(ticks-last)/ticksSecond/seconds*100)
		}
	}
}

func plus[T int64 | float64](sum **T, n T) {
	if *sum == nil {
		*sum = new(T)
	}
	**sum += n
}
