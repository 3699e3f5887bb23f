package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/profile"
	"github.com/phpsapi/phpsapi/test/probe"
	"github.com/phpsapi/phpsapi/test/serve"
)

// What is measured here is what the operator's tools cost a request: metrics, traces, logs in JSON, and the profiler. A service has one worker, and one client
// that asks again at once, so that a request's cost is not that of waking somebody.

// objectsPage is a page that computes, with objects and calls, as an application does.
const objectsPage = `<?php
interface Rule { function apply(Item $item): float; }
final class Percent implements Rule { function __construct(private float $share) {} function apply(Item $item): float { return $item->price * (1 - $this->share); } }
final class Rounded implements Rule { function __construct(private Rule $inner) {} function apply(Item $item): float { return round($this->inner->apply($item), 2); } }
final class Item { function __construct(public readonly string $name, public readonly float $price, public readonly int $count) {} }
final class Cart {
	private array $items = [];
	function add(Item $item): static { $this->items[$item->name] = $item; return $this; }
	function total(Rule $rule): float { return array_sum(array_map(fn (Item $i) => $rule->apply($i) * $i->count, $this->items)); }
}
function cart(int $n): Cart { $cart = new Cart; for ($i = 0; $i < $n; $i++) $cart->add(new Item("item $i", $i * 1.17, $i % 5)); return $cart; }
$total = 0.0;
for ($n = 0; $n < 40; $n++) $total += cart(100)->total(new Rounded(new Percent($n / 100)));
printf("objects %d\n", $total > 0);`

// operateStack is a service with something switched on.
type operateStack struct {
	*Stack
	what   string
	limit  float64 // what a worker may take, as a ratio to that with nothing switched on; 0: anything
	all    float64 // the same of all processes
	scrape string  // the address of metrics, which is asked once in each round; empty: none
}

// operateSuite measures what the operator's tools cost.
func operateSuite(o Options) (string, error) {
	dir, err := os.MkdirTemp("", "phpsapi-bench-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	root := filepath.Join(dir, "www")
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(root, 0o755)); err != nil {
		return "", err
	}
	for name, code := range map[string]string{"hello.php": `<?php echo "Hello, world!\n";`, "objects.php": objectsPage} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(code), 0o644); err != nil {
			return "", err
		}
	}
	rounds, lasting := 12, time.Second
	if o.Quick {
		rounds, lasting = 4, time.Second/2
	}
	before := loadAverage()
	switched, err := measureSwitched(o, root, rounds, lasting)
	if err != nil {
		return "", err
	}
	profiled, err := measureProfiler(o, dir, root, rounds, lasting)
	return fmt.Sprintf("one worker, one client; %d rounds of %v, on and off in turn; medians (least–most) of the rounds' own differences and ratios; load average before %s, after %s\n\n%s\n%s",
		rounds, lasting, before, loadAverage(), switched, profiled), err
}

// collector is one of OpenTelemetry's that counts how often it is asked, and takes all.
func collector() (address string, asked *atomic.Int64, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, nil, err
	}
	asked = &atomic.Int64{}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		asked.Add(1)
		w.Header().Set("Content-Type", "application/x-protobuf")
	})}
	go s.Serve(l)
	return l.Addr().String(), asked, func() { s.Close() }, nil
}

// switchedStacks are the services whose requests are compared: all with the first.
func switchedStacks(o Options, collects string) ([]*operateStack, error) {
	metrics, err := serve.FreeAddress()
	if err != nil {
		return nil, err
	}
	unasked, err := serve.FreeAddress()
	if err != nil {
		return nil, err
	}
	stack := func(name string, settings ...string) *Stack {
		return &Stack{Name: name, fpm: []string{o.Binary, "fpm"}, front: true, workers: 1, settings: settings}
	}
	return []*operateStack{
		{Stack: stack("nothing switched on"), what: "nothing"},
		{Stack: stack("the same again"), what: "the same again"},
		{Stack: stack("metrics", "PHPSAPI_METRICS_LISTEN="+metrics), what: "metrics, asked once a round", limit: 1.01, all: 1.01, scrape: metrics},
		{Stack: stack("metrics unasked", "PHPSAPI_METRICS_LISTEN="+unasked), what: "metrics, never asked", limit: 1.01, all: 1.01},
		{Stack: stack("trace context", "PHPSAPI_TRACES_CONTEXT=on"), what: "traces.context: on"},
		{Stack: stack("traces", "PHPSAPI_TRACES_ENDPOINT=http://"+collects), what: "traces, every span exported"},
		{Stack: stack("JSON", "PHPSAPI_LOG_FORMAT=json"), what: "log.format: json, an access log in both"},
	}, nil
}

// measureSwitched measures hello world by HTTP, with something switched on and with nothing.
func measureSwitched(o Options, root string, rounds int, lasting time.Duration) (string, error) {
	collects, asked, stop, err := collector()
	if err != nil {
		return "", err
	}
	defer stop()
	all, err := switchedStacks(o, collects)
	if err != nil {
		return "", err
	}
	crowds := make([]*crowd, len(all))
	for i, s := range all {
		defer s.stop()
		if err := s.start(root); err != nil {
			return "", err
		}
		crowds[i] = asCrowd("Hello, world!\n", 1, func() *visitor { return httpVisitor(s.address, "/hello.php") })
		defer crowds[i].close()
		if _, err := crowds[i].ask(20); err != nil { // from now on the worker is there
			return "", err
		}
	}
	worker, whole := make([][]float64, len(all)), make([][]float64, len(all))
	for n := range rounds + 1 {
		order := make([]int, len(all))
		for i := range order {
			if order[i] = i; n%2 != 0 {
				order[i] = len(all) - 1 - i
			}
		}
		for _, i := range order {
			w, a, err := all[i].cost(crowds[i], lasting)
			if err != nil {
				return "", fmt.Errorf("%s: %w", all[i].Name, err)
			}
			if n > 0 { // the first round warms up
				worker[i], whole[i] = append(worker[i], w), append(whole[i], a)
			}
		}
	}
	if asked.Load() == 0 {
		return "", errors.New("no span was exported")
	}
	lines := [][]string{costHead("hello world by HTTP")}
	for i, s := range all[1:] {
		lines = append(lines, costLine(s.what, worker[0], worker[i+1], s.limit, whole[0], whole[i+1], s.all))
	}
	counted := 8
	if o.Quick {
		counted = 3
	}
	counts, err := countSwitched(all, crowds, counted)
	return markdown(lines) + "\n" + counts, err
}

// cost asks a service for so long, and returns what a request takes of its worker and of all its processes, in microseconds.
func (s *operateStack) cost(c *crowd, lasting time.Duration) (worker, all float64, err error) {
	pids := s.Stack.pids()
	if len(pids) != 1 {
		return 0, 0, fmt.Errorf("workers: %v", pids)
	}
	allBefore, _ := s.cpu()
	before := serve.OwnCPU(pids...)
	if s.scrape != "" {
		if err := scrape(s.scrape); err != nil {
			return 0, 0, err
		}
	}
	v, err := c.saturate(lasting)
	if err != nil {
		return 0, 0, err
	}
	after := serve.OwnCPU(pids...)
	allAfter, _ := s.cpu()
	return micro(after-before) / float64(v.requests), micro(allAfter-allBefore) / float64(v.requests), nil
}

// scrape asks for metrics, as Prometheus does.
func scrape(address string) error {
	client := http.Client{Timeout: 10 * time.Second}
	r, err := client.Get("http://" + address + "/metrics")
	if err != nil {
		return err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err == nil && !bytes.Contains(text, []byte("phpsapi_pool_workers")) {
		err = fmt.Errorf("the metrics are %.200q", text)
	}
	return err
}

func costHead(of string) []string {
	return []string{of, "worker: off, µs", "on, µs", "more, µs", "ratio", "at most", "", "all processes: off, µs", "on, µs", "ratio", "at most", ""}
}

// costLine compares what was taken in the same rounds.
func costLine(name string, off, on []float64, limit float64, allOff, allOn []float64, allLimit float64) []string {
	half := func(off, on []float64, limit float64, more bool) []string {
		var differences, ratios []float64
		for i := range off {
			differences, ratios = append(differences, on[i]-off[i]), append(ratios, on[i]/off[i])
		}
		line := []string{fmt.Sprintf("%.2f", rangeOf(off).median), fmt.Sprintf("%.2f", rangeOf(on).median)}
		if more {
			d := rangeOf(differences)
			line = append(line, fmt.Sprintf("%+.2f (%+.2f–%+.2f)", d.median, d.least, d.most))
		}
		r := rangeOf(ratios)
		line = append(line, fmt.Sprintf("%.4f (%.4f–%.4f)", r.median, r.least, r.most), "", "")
		if limit > 0 {
			if line[len(line)-2], line[len(line)-1] = fmt.Sprint(limit), "ok"; r.median > limit {
				line[len(line)-1] = "OVER"
			}
		}
		return line
	}
	return slices.Concat([]string{name}, half(off, on, limit, true), half(allOff, allOn, allLimit, false))
}

// extent is the middle, the least and the most of some values.
type extent struct{ median, least, most float64 }

// rangeOf returns the extent of values. There is one.
func rangeOf(values []float64) extent {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return extent{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]}
}

// countSwitched counts a worker's system calls and instructions by request: they do not depend on what else the machine does.
func countSwitched(all []*operateStack, crowds []*crowd, requests int) (string, error) {
	lines := [][]string{{"a worker, by request", "system calls", "instructions in user mode", "more", "", "the most in one request"}}
	var none work
	why := ""
	for i, s := range all {
		w, err := countWork(s.Stack, crowds[i], countedRequests, requests)
		if err != nil {
			return "", fmt.Errorf("%s: %w", s.Name, err)
		}
		if w.unknown != nil {
			why = "\nNot counted: " + w.unknown.Error() + "\n"
		}
		if i == 0 {
			none = w
		}
		line := []string{s.what, fmt.Sprintf("%.2f", w.calls), fmt.Sprintf("%.0f", w.instructions), "", "", fmt.Sprintf("%.0f", w.most)}
		if i > 0 && none.instructions > 0 {
			line[3], line[4] = fmt.Sprintf("%+.0f", w.instructions-none.instructions), fmt.Sprintf("%.4f", w.instructions/none.instructions)
		}
		lines = append(lines, line)
	}
	return markdown(lines) + why, nil
}

// profiledPage is a page that is profiled, by FastCGI on a kept connection.
type profiledPage struct {
	name, script, uri, end string
}

// measureProfiler measures pages while the profiler takes samples of the service's only worker, and while it does not: in turn, on the same service.
func measureProfiler(o Options, dir, root string, rounds int, lasting time.Duration) (string, error) {
	s := &operateStack{Stack: &Stack{Name: "phpsapi", fpm: []string{o.Binary, "fpm"}, front: true, workers: 1}}
	asked := []profiledPage{{"hello world", "/hello.php", "/hello.php", "Hello, world!\n"}, {"objects", "/objects.php", "/objects.php", "objects 1\n"}}
	note := ""
	if _, missing := os.Stat("/usr/share/wordpress/wp-settings.php"); o.Quick || missing != nil {
		note = "WordPress was not measured.\n"
	} else {
		asked = append(asked, profiledPage{"WordPress's front page", "/index.php", "/", "</html>\n"})
		database, err := mariadb(dir)
		if err != nil {
			return "", err
		}
		defer database.Stop()
		other := filepath.Join(dir, "wordpress")
		if err := wordpress(dir, other); err != nil {
			return "", err
		}
		for _, name := range []string{"hello.php", "objects.php"} {
			if err := os.Rename(filepath.Join(root, name), filepath.Join(other, name)); err != nil {
				return "", err
			}
		}
		root = other
	}
	defer s.stop()
	if err := s.start(root); err != nil {
		return "", err
	}
	if note == "" {
		if err := s.install(); err != nil {
			return "", err
		}
	}
	lines := [][]string{costHead("the profiler, 100 samples a second")}
	counts := [][]string{{"a worker, by request", "system calls: off", "on", "samples a second"}}
	for _, p := range asked {
		line, counted, err := s.measureProfiled(&p, root, rounds, lasting)
		if err != nil {
			return "", fmt.Errorf("%s: %w", p.name, err)
		}
		lines, counts = append(lines, line), append(counts, counted)
	}
	return markdown(lines) + "\n" + markdown(counts) + note, nil
}

func (s *operateStack) measureProfiled(p *profiledPage, root string, rounds int, lasting time.Duration) (line, counted []string, err error) {
	c := asCrowd(p.end, 1, func() *visitor {
		return scriptVisitor(serve.Socket(s.dir), root, p.script, p.uri, nil, fastcgi.KeepConn)
	})
	defer c.close()
	if _, err := c.ask(20); err != nil {
		return nil, nil, err
	}
	var worker, whole [2][]float64
	calls := [2]string{"", ""}
	samples, busy := 0, time.Duration(0)
	for n := range rounds {
		sides := []int{0, 1}
		if n%2 != 0 {
			slices.Reverse(sides)
		}
		for _, on := range sides {
			stop := func() (int, error) { return 0, nil }
			if on == 1 {
				if stop, err = s.nextProfile(c); err != nil {
					return nil, nil, err
				}
			}
			if _, err = c.ask(5); err == nil { // a worker that was to end ends between two of them
				began := time.Now()
				var w, a float64
				if w, a, err = s.cost(c, lasting); err == nil {
					worker[on], whole[on] = append(worker[on], w), append(whole[on], a)
					busy += time.Duration(on) * time.Since(began)
				}
			}
			if err == nil && n == 0 {
				calls[on] = countedCalls(s.Stack.pids(), c)
			}
			taken, failed := stop()
			if n > 0 {
				samples += taken
			} else {
				busy = 0
			}
			if err = errors.Join(err, failed); err != nil {
				return nil, nil, err
			}
		}
	}
	line = costLine(p.name, worker[0], worker[1], 1.02, whole[0], whole[1], 0)
	return line, []string{p.name, calls[0], calls[1], fmt.Sprintf("%.0f", float64(samples)/busy.Seconds())}, nil
}

// countedCalls counts a worker's system calls by request; "not counted" if the kernel does not say.
func countedCalls(pids []int, c *crowd) string {
	const requests = 50
	if len(pids) != 1 {
		return "not counted"
	}
	calls, err := probe.SystemCalls(pids[0])
	if err != nil {
		return "not counted"
	}
	defer calls.Close()
	counts, err := calls.Count(func() error { _, err := c.ask(requests); return err })
	if err != nil {
		return "not counted"
	}
	all := 0
	for _, n := range counts {
		all += n
	}
	return fmt.Sprintf("%.2f", float64(all)/requests)
}

// nextProfile is profile, after the end of the one before: the master learns of that a moment after it was asked for.
func (s *operateStack) nextProfile(c *crowd) (stop func() (samples int, err error), err error) {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if stop, err = s.profile(c); !errors.Is(err, errRefused) || time.Now().After(deadline) {
			return stop, err
		}
	}
}

// errRefused says that the master makes no profile now.
var errRefused = errors.New("refused")

// profile has the service's worker take samples, and returns when it has begun. stop ends that, and returns how many samples there were.
func (s *operateStack) profile(c *crowd) (stop func() (samples int, err error), err error) {
	client, err := control.Dial(s.running[0].Pid())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	var made profile.Profile
	begun, ended := make(chan struct{}), make(chan error, 1)
	begins := sync.OnceFunc(func() { close(begun) })
	go func() {
		defer client.Close()
		a, err := client.Ask(ctx, control.Request{Command: control.MakeProfile, Pool: "www", Count: 600, Rate: 100}, func(a control.Answer) {
			for _, one := range a.Samples {
				made.Add(one.Pid, one.Generation, one.Pool, one.Lines)
				begins()
			}
		})
		if err == nil && a.Reason != "" {
			err = errors.New(a.Why)
			if a.Reason == control.Refused {
				err = errors.Join(errRefused, err)
			}
		}
		ended <- err
	}()
	stop = func() (int, error) {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			return 0, err
		}
		return made.Total, nil
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		select {
		case <-begun:
			return stop, nil
		case err := <-ended:
			cancel()
			return nil, fmt.Errorf("the profiler has ended: %w", err)
		default:
		}
		if _, err := c.ask(5); err != nil || time.Now().After(deadline) { // a worker begins with its next request
			stop()
			return nil, errors.Join(err, errors.New("the profiler has not begun"))
		}
	}
}
