// Package profile makes a profile of the samples that workers take of PHP's stack, and writes it in three formats: a flame graph (SVG), folded stacks, and
// pprof's. A sample is one look at the stack of a request: the functions that it was in, with file and line, and the request's host and path. Workers
// take the samples (package worker) and send them by the master; package operate and the dashboard make profiles of them. docs/PROFILER.md says how to
// read a profile. The package is pure Go and knows nothing of processes.
package profile

import (
	"net"
	"strconv"
	"strings"
	"time"
)

// Frame is a function that PHP was in.
type Frame struct {
	Function string // Class::name or name; empty: the code of a file
	File     string // where the function is; empty: it is a function of C's
	Line     int    // where it was executed; 0: not known
}

// Names of frames that do not stand for a function.
const (
	Further = "(further frames)"       // those that were called first, of a stack that is very deep
	Nowhere = "(no function of PHP's)" // PHP compiles the script, begins the request or ends it
)

// Name returns what a frame is called in a graph.
func (f *Frame) Name() string {
	if f.Function == "" {
		return f.File
	}
	return f.Function
}

// Request is what requests are told apart by.
type Request struct {
	Pool string
	Host string
	Path string // of the URI, without the query
}

// Sample is a stack that was seen, how often, and in which requests.
type Sample struct {
	Frames []Frame // the newest first
	Request
	Count int
}

// Filter says of which requests a profile is. Empty fields mean all.
type Filter struct {
	Site string // the host, with or without a port, in any case
	URL  string // how the URI begins
}

// admits reports whether requests with that host and URI are to be in the profile.
func (f *Filter) admits(host, uri string) bool {
	if f.Site != "" && !strings.EqualFold(host, f.Site) {
		if name, _, err := net.SplitHostPort(host); err != nil || !strings.EqualFold(name, f.Site) {
			return false
		}
	}
	return strings.HasPrefix(uri, f.URL)
}

// Profile is the samples of a time. Add adds to it.
type Profile struct {
	Filter
	Began   time.Time
	Length  time.Duration
	Rate    int // samples a second of each worker
	Title   string
	Samples []*Sample // in the order in which they were seen first
	Total   int       // the sum of their counts
	Dropped int       // samples that workers could not take for certain, or that were lost on the way, or that Most has no room for
	Most    int       // bytes of memory that it takes, about; 0: any

	known     map[string]*Sample
	workers   map[worker]*spoken
	functions []Frame // of all workers, without lines
	numbers   map[Frame]int
	size      int // bytes of memory that it has taken, about
}

// worker tells a worker from others.
type worker struct{ pid, generation int }

// spoken is what a worker has said so far.
type spoken struct {
	functions map[int]int // of Profile.functions, by the worker's own numbers
	request   Request
	wanted    bool // the filter admits the request
}

// maxFrames is how many frames a sample may have.
const maxFrames = 1 << 10

// Add adds what a worker has said: contract.Samples. What is none of such lines is skipped, and a stack with a function that was not told is dropped.
func (p *Profile) Add(pid, generation int, pool, lines string) {
	if p.known == nil {
		p.known, p.workers, p.numbers = map[string]*Sample{}, map[worker]*spoken{}, map[Frame]int{}
	}
	w := p.workers[worker{pid, generation}]
	if w == nil {
		w = &spoken{functions: map[int]int{}}
		p.workers[worker{pid, generation}] = w
	}
	for line := range strings.Lines(lines) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case fields[0] == "f" && len(fields) == 4:
			if n, err := strconv.Atoi(fields[1]); err == nil && n > 0 && p.take(0) {
				w.functions[n] = p.function(fields[2], fields[3])
			}
		case fields[0] == "r" && len(fields) == 4:
			path, _, _ := strings.Cut(fields[2], "?")
			w.request, w.wanted = Request{pool, strings.Clone(fields[1]), strings.Clone(path)}, p.admits(fields[1], fields[2])
		case fields[0] == "s" && len(fields) == 3 && w.wanted:
			if n, err := strconv.Atoi(fields[1]); err == nil && n > 0 && n <= maxCount {
				p.add(w, n, fields[2])
			}
		case fields[0] == "d" && len(fields) == 2:
			if n, err := strconv.Atoi(fields[1]); err == nil && n > 0 && n <= maxCount {
				p.Dropped += n
			}
		}
	}
}

// maxCount is how many samples a line may tell of.
const maxCount = 1 << 20

// What is reckoned for a function, for a frame, and for a stack besides.
const (
	functionSize = 200
	frameSize    = 56
	stackSize    = 300
)

// take takes room for so many bytes more. It reports whether there is as much.
func (p *Profile) take(bytes int) bool {
	if p.Most > 0 && p.size+bytes >= p.Most {
		return false
	}
	p.size += bytes
	return true
}

// function returns the number of a function. The caller has looked for room.
func (p *Profile) function(name, file string) int {
	f := Frame{Function: name, File: file}
	n, known := p.numbers[f]
	p.size += functionSize / 4 // in the map of the worker
	if !known {
		f = Frame{Function: strings.Clone(name), File: strings.Clone(file)} // what the worker has said beside it is not kept
		n = len(p.functions)
		p.functions = append(p.functions, f)
		p.numbers[f] = n
		p.size += functionSize + len(name) + len(file)
	}
	return n
}

// add adds a stack.
func (p *Profile) add(w *spoken, count int, stack string) {
	var frames []Frame
	var key strings.Builder
	for one := range strings.FieldsSeq(stack) {
		number, line, _ := strings.Cut(one, ":")
		n, err1 := strconv.Atoi(number)
		at, err2 := strconv.Atoi(line)
		own, known := w.functions[n]
		f := Frame{Function: Further}
		if n == 0 {
			own, known = -1, true
		} else if known {
			f = p.functions[own]
		}
		if err1 != nil || err2 != nil || !known || at < 0 || len(frames) == maxFrames {
			p.Dropped += count
			return
		}
		f.Line = at
		frames = append(frames, f)
		key.WriteString(strconv.Itoa(own) + ":" + strconv.Itoa(at) + " ")
	}
	if len(frames) == 0 {
		frames = []Frame{{Function: Nowhere}}
	}
	key.WriteString("\t" + w.request.Pool + "\t" + w.request.Host + "\t" + w.request.Path)
	s := p.known[key.String()]
	if s == nil {
		if !p.take(stackSize + key.Len() + frameSize*len(frames)) {
			p.Dropped += count
			return
		}
		s = &Sample{Frames: frames, Request: w.request}
		p.known[key.String()] = s
		p.Samples = append(p.Samples, s)
	}
	s.Count += count
	p.Total += count
}
