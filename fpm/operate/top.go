package operate

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// Top says how `phpsapi fpm top` shows a service.
type Top struct {
	Interval time.Duration
	Once     bool   // one plain print, after one interval
	Pool     string // only its requests; empty: all
	In, Out  *os.File
}

// Top shows the service on a terminal, and shows it again after each interval until the user ends it by a key. It returns the exit status.
func (o *Operator) Top(t Top) int { return o.end("top", o.top(t)) }

func (o *Operator) top(t Top) error {
	first, err := o.sample(nil)
	if err != nil {
		return err
	}
	v := &view{o: o, frame: frame{pool: t.Pool}, sample: first}
	if t.Pool != "" && first.pool(t.Pool) == nil {
		return failed(exitFailed, "there is no pool %s; the service has %s", t.Pool, strings.Join(v.pools(), ", "))
	}
	if !t.Once && !o.JSON {
		if term := openTerminal(t.In, t.Out); term != nil {
			return v.live(term, t.Interval)
		}
	}
	return v.print(t)
}

// view is a service on its way to the eye.
type view struct {
	o      *Operator
	frame  frame
	sample *sample

	asks    func(yes bool) // a question is open: what its answer does; nil: none is
	done    bool
	restore func()      // gives the terminal back
	results chan string // of orders
}

// print prints samples, for those who read them later.
func (v *view) print(t Top) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(stop)
	for n := 0; ; n++ {
		select {
		case <-stop:
			return nil
		case <-time.After(t.Interval):
		}
		next, err := v.o.sample(v.sample)
		if err != nil {
			return err
		}
		v.sample = next
		if err := v.printOne(t.Out, n > 0); err != nil || t.Once {
			return err
		}
	}
}

func (v *view) printOne(w io.Writer, another bool) error {
	if v.o.JSON {
		shown := *v.sample
		shown.Requests = v.frame.requests(v.sample)
		line, err := json.Marshal(&shown)
		if err != nil {
			return err
		}
		v.o.printed = true
		_, err = fmt.Fprintf(w, "%s\n", plainJSON(line))
		return err
	}
	text := strings.Join(v.frame.lines(v.sample), "\n") + "\n"
	if another {
		text = "\n" + text
	}
	_, err := io.WriteString(w, text)
	return err
}

// live shows samples on a terminal, and gives it back as it was, whatever happens.
func (v *view) live(t *terminal, interval time.Duration) error {
	defer t.restore()
	v.restore = t.restore
	v.frame.attributes = true
	v.frame.colours = os.Getenv("NO_COLOR") == ""
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGWINCH, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	pressed, samples, end := make(chan []byte), make(chan result), make(chan struct{})
	defer close(end)
	v.results = make(chan string, 8)
	go readKeys(t.in, pressed, end)
	go v.guarded(func() { v.o.samples(v.sample, interval, samples, end) })
	for !v.done {
		v.frame.width, v.frame.height = t.size()
		t.show(v.frame.lines(v.sample))
		select {
		case s := <-signals:
			v.done = s != syscall.SIGWINCH
		case sent, ok := <-pressed:
			for _, k := range keysOf(sent) {
				v.press(k)
			}
			v.done = v.done || !ok
		case r := <-samples:
			v.take(r)
		case text := <-v.results:
			v.frame.message = text
		}
	}
	return nil
}

// guarded runs what may panic beside the loop: the terminal is given back before the program ends by that.
func (v *view) guarded(run func()) {
	defer func() {
		if p := recover(); p != nil {
			v.restore()
			panic(p)
		}
	}()
	run()
}

// result is a sample, or why there is none.
type result struct {
	*sample
	err error
}

// samples takes a sample each interval until the end.
func (o *Operator) samples(last *sample, interval time.Duration, to chan<- result, end <-chan struct{}) {
	for {
		select {
		case <-end:
			return
		case <-time.After(interval):
		}
		s, err := o.sample(last)
		if err == nil {
			last = s
		}
		select {
		case <-end:
			return
		case to <- result{s, err}:
		}
	}
}

func readKeys(in *os.File, to chan<- []byte, end <-chan struct{}) {
	defer close(to)
	for {
		b := make([]byte, 64)
		n, err := in.Read(b)
		if err != nil || n == 0 {
			return
		}
		select {
		case <-end:
			return
		case to <- b[:n]:
		}
	}
}

// take shows a sample. A service that does not answer is shown as it was last.
func (v *view) take(r result) {
	switch {
	case r.err != nil:
		v.frame.message = r.err.Error()
	default:
		if v.sample.Master != r.Master {
			v.frame.message = ""
		}
		v.sample = r.sample
	}
}

func (v *view) pools() (names []string) {
	for _, p := range v.sample.Pools {
		names = append(names, p.Pool)
	}
	return names
}

// press does what a key means.
func (v *view) press(k key) {
	if v.asks != nil {
		answer := v.asks
		v.asks, v.frame.message = nil, ""
		answer(k == 'y' || k == 'Y')
		if k == keyInterrupt {
			v.done = true
		}
		return
	}
	switch k {
	case 'q', keyInterrupt:
		v.done = true
	case 's':
		v.frame.order = (v.frame.order + 1) % orders
	case 'p':
		v.nextPool()
	case keyUp, keyDown:
		v.move(k)
	case keyEscape:
		v.frame.selected, v.frame.message = 0, ""
	case 'k':
		v.askToKill()
	case 'r':
		v.ask("y/n: reload the configuration?", func() { v.order("reload", control.Request{Command: control.Reload}) })
	}
}

func (v *view) nextPool() {
	names := append([]string{""}, v.pools()...)
	for i, name := range names {
		if name == v.frame.pool {
			v.frame.pool = names[(i+1)%len(names)]
			return
		}
	}
	v.frame.pool = ""
}

// move selects the request above or below the one that is selected.
func (v *view) move(k key) {
	shown := v.frame.requests(v.sample)
	if len(shown) == 0 {
		v.frame.selected = 0
		return
	}
	at := -1
	for i, r := range shown {
		if r.Pid == v.frame.selected {
			at = i
		}
	}
	switch {
	case at < 0:
		at = 0
	case k == keyUp:
		at = max(at-1, 0)
	default:
		at = min(at+1, len(shown)-1)
	}
	v.frame.selected = shown[at].Pid
}

// askToKill asks whether to end the selected request. It ends that one only, whatever its worker does by then.
func (v *view) askToKill() {
	for _, r := range v.frame.requests(v.sample) {
		if r.Pid == v.frame.selected {
			v.ask(fmt.Sprintf("y/n: end worker %d, pool %s, after %.1fs: %s", r.Pid, r.Pool, r.Duration, line(r)), func() {
				v.order("kill", control.Request{Command: control.Kill, Pid: r.Pid, Accepted: r.Accepted})
			})
			return
		}
	}
	v.frame.message = "select a request with the arrow keys first"
}

func (v *view) ask(question string, then func()) {
	v.frame.message = question
	v.asks = func(yes bool) {
		if yes {
			then()
		} else {
			v.frame.message = "nothing was done"
		}
	}
}

// orderTimeout is how long the outcome of an order may take until it is no longer waited for.
const orderTimeout = 2 * time.Minute

// order gives an order beside the view, which shows how it ends.
func (v *view) order(what string, request control.Request) {
	v.frame.message = what + " ..."
	o := &Operator{Target: v.o.Target, Timeout: orderTimeout} // samples are taken meanwhile
	results := v.results
	go v.guarded(func() {
		_, a, err := o.ask(request)
		text := what + ": done"
		switch {
		case err != nil:
			text = what + ": " + err.Error()
		case a.Killed != nil:
			text = outcome(a.Killed)
		case a.Generation != 0:
			text = fmt.Sprintf("reloaded: generation %d serves", a.Generation)
		}
		results <- text
	})
}
