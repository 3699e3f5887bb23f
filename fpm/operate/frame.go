package operate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// frame draws what `phpsapi fpm top` shows. It knows no terminal: a line is text, with attributes if it may have them.
type frame struct {
	width, height int // of the screen; 0: any
	attributes    bool
	colours       bool

	order    order
	pool     string // only its requests; empty: all
	selected int    // the pid of the worker whose request is selected; 0: none
	message  string // the last outcome, or a question
}

// order is what requests are sorted by.
type order int

const (
	byDuration order = iota
	byPool
	byURI
	orders
)

func (o order) String() string { return [...]string{"time", "pool", "url"}[o] }

// requests returns those that are shown, in their order.
func (f *frame) requests(s *sample) []control.RunningRequest {
	shown := slices.DeleteFunc(slices.Clone(s.Requests), func(r control.RunningRequest) bool { return f.pool != "" && r.Pool != f.pool })
	slices.SortStableFunc(shown, func(a, b control.RunningRequest) int {
		switch f.order {
		case byPool:
			return cmp.Or(cmp.Compare(a.Pool, b.Pool), cmp.Compare(b.Duration, a.Duration))
		case byURI:
			return cmp.Or(cmp.Compare(line(a), line(b)), cmp.Compare(b.Duration, a.Duration))
		}
		return cmp.Compare(b.Duration, a.Duration)
	})
	return shown
}

// The attributes of ECMA-48.
const (
	reset   = "\x1b[0m"
	bold    = "\x1b[1m"
	reverse = "\x1b[7m"
	red     = "\x1b[31m"
	yellow  = "\x1b[33m"
)

// cut returns text that fits the screen, and shows nothing that a terminal would obey, or that takes two columns.
func (f *frame) cut(text string) string {
	const wide = 0x1100 // the first characters of two columns
	text = strings.Map(func(r rune) rune {
		if r >= wide {
			return '?'
		}
		return r
	}, plain(text))
	if runes := []rune(text); f.width > 0 && len(runes) > f.width {
		return string(runes[:f.width])
	}
	return text
}

// dress adds attributes to a line.
func (f *frame) dress(attribute, text string) string {
	isColour := attribute == red || attribute == yellow
	if attribute == "" || !f.attributes || isColour && !f.colours {
		return text
	}
	return attribute + text + reset
}

// lines returns the screen, which has as many lines as are needed, or height.
func (f *frame) lines(s *sample) []string {
	out := f.head(s)
	pools := s.Pools
	if most := max((f.height-8)/2, 2); f.height > 0 && len(pools) > most {
		pools = pools[:most]
	}
	out = append(out, f.dress(reverse, f.pad(f.cut(fmt.Sprintf(poolFormat, "POOL", "WORKERS", "IDLE", "BUSY", "OTHER", "REQ/S", "QUEUE", "CPU%", "MEMORY", "")))))
	for i := range pools {
		p := &pools[i]
		out = append(out, f.dress(f.alarm(p.Paused || p.Queue > 0, yellow), f.cut(poolLine(p))))
	}
	if n := len(s.Pools) - len(pools); n > 0 {
		out = append(out, fmt.Sprintf("and %d more", n))
	}
	shown := f.requests(s)
	of := ""
	if f.pool != "" {
		of = " of pool " + f.pool
	}
	out = append(out, "", f.dress(reverse, f.pad(f.cut(f.requestLine("PID", "POOL", "TIME", "STAGE", "CLIENT", fmt.Sprintf("REQUEST (%d%s, by %s)", len(shown), of, f.order))))))
	room := len(shown)
	if f.height > 0 {
		room = max(f.height-len(out)-2, 0) // a message and the keys
	}
	for _, r := range f.window(shown, room) {
		attribute := f.alarm(r.Duration >= 10, red)
		if attribute == "" {
			attribute = f.alarm(r.Duration >= 1, yellow)
		}
		if r.Pid == f.selected {
			attribute = reverse
		}
		out = append(out, f.dress(attribute, f.cut(f.requestLine(fmt.Sprint(r.Pid), short(r.Pool, 12), fmt.Sprintf("%.1fs", r.Duration), stages[r.Stage], dash(r.Client), f.url(r)))))
	}
	if f.height == 0 {
		return out
	}
	for len(out) < f.height-2 {
		out = append(out, "")
	}
	return append(out[:f.height-2], f.dress(bold, f.cut(f.message)), f.dress(reverse, f.pad(f.cut(keys))))
}

// keys is the last line.
const keys = "q quit  arrows select  k kill  s sort  p pool  r reload"

const poolFormat = "%-14s %7s %5s %5s %5s %8s %6s %6s %9s %s"

// narrow is a screen that has no room for clients and hosts.
const narrow = 110

func (f *frame) isNarrow() bool { return f.width > 0 && f.width < narrow }

// requestLine is a line of the table of requests.
func (f *frame) requestLine(pid, pool, took, stage, client, request string) string {
	if f.isNarrow() {
		return fmt.Sprintf("%-8s %-12s %8s %-8s %s", pid, pool, took, stage, request)
	}
	return fmt.Sprintf("%-8s %-12s %8s %-8s %-15s %s", pid, pool, took, stage, client, request)
}

// url is what was asked for, with the host if there is room.
func (f *frame) url(r control.RunningRequest) string {
	if f.isNarrow() {
		return strings.TrimSpace(r.Method + " " + r.URI)
	}
	return line(r)
}

// stages are the stages of requests, in short.
var stages = map[string]string{"Reading headers": "reading", "Getting request information": "info", "Running": "running", "Ending": "ending",
	"Finishing": "finish"}

// window returns the requests that fit, the selected one among them.
func (f *frame) window(all []control.RunningRequest, room int) []control.RunningRequest {
	if len(all) <= room {
		return all
	}
	first := 0
	if at := slices.IndexFunc(all, func(r control.RunningRequest) bool { return r.Pid == f.selected }); at >= room {
		first = at - room + 1
	}
	return all[first : first+room]
}

func (f *frame) alarm(yes bool, attribute string) string {
	if yes {
		return attribute
	}
	return ""
}

// pad fills a line up.
func (f *frame) pad(text string) string {
	if n := f.width - len([]rune(text)); n > 0 {
		return text + strings.Repeat(" ", n)
	}
	return text
}

func (f *frame) head(s *sample) []string {
	state := s.State
	if s.Leaving > 0 {
		state += fmt.Sprintf(" and not ready, finishing in %.0fs", s.Leaving)
	}
	if s.Reloads {
		state += ", reloading"
	}
	var rate, processor float64
	var memory int64
	workers, queue := 0, 0
	for _, p := range s.Pools {
		rate += value(p.Rate)
		processor += value(p.Processor)
		memory += value(p.Memory)
		workers += p.Workers
		queue += p.Queue
	}
	return []string{
		f.dress(bold, f.cut(fmt.Sprintf("phpsapi %s, PHP %s, master %d, generation %d, %s, up %s", s.Version, s.PHP, s.Master, s.Serving, state, span(s.Uptime)))),
		f.cut(fmt.Sprintf("%s  %.1f requests/s, %d run, %d wait, %s, %.0f%% cpu, %.1f MB", clock(s.at), rate, len(s.Requests), queue, control.Many(workers, "worker"),
			processor, float64(memory)/1e6)),
		"",
	}
}

func clock(t time.Time) string { return t.Format("15:04:05") }

func value[T int64 | float64](p *T) T {
	if p == nil {
		return 0
	}
	return *p
}

// short cuts a text.
func short(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

func poolLine(p *samplePool) string {
	number := func(format string, known bool, v float64) string {
		if !known {
			return "-"
		}
		return fmt.Sprintf(format, v)
	}
	idle, creating := p.States["Idle"], p.States["Creating"]
	note := ""
	if p.Paused {
		note = "paused"
	}
	workers := fmt.Sprint(p.Workers)
	if p.Limit > 0 {
		workers += fmt.Sprintf("/%d", p.Limit)
	}
	return strings.TrimRight(fmt.Sprintf(poolFormat, short(p.Pool, 14), workers, fmt.Sprint(idle), fmt.Sprint(p.Workers-idle-creating), fmt.Sprint(creating),
		number("%.1f", p.Rate != nil, value(p.Rate)), fmt.Sprint(p.Queue), number("%.1f", p.Processor != nil, value(p.Processor)),
		number("%.1f MB", p.Memory != nil, float64(value(p.Memory))/1e6), note), " ")
}
