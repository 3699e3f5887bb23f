package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/test/probe"
	"github.com/phpsapi/phpsapi/test/serve"
)

// An fpmPage is a script that pools of php-fpm and of phpsapi are asked for, as a web server asks for it.
type fpmPage struct {
	name, script string
	code, end    string // of the script, and how its answer ends
	body         []byte // of a POST; nil: it is a GET
	// kept and fresh are what phpsapi may take of php-fpm's CPU time, on kept connections and on new ones; 0: anything.
	kept, fresh float64
	steps       bool // its instructions are counted: of a page that takes long, or copies much, that takes minutes
}

var fpmPages = []fpmPage{
	{name: "hello world", script: "/hello.php", code: `<?php echo "Hello, world!\n";`, end: "Hello, world!\n", kept: 0.80, fresh: 0.75, steps: true},
	{name: "40 headers", script: "/headers.php", code: headersCode(), end: "headers\n", kept: 0.80, fresh: 0.80, steps: true},
	{name: "answer of 100 KB", script: "/long.php", code: `<?php
		$row = str_repeat('x', 1023) . "\n";
		for ($i = 0; $i < 100; $i++) echo $row;
		echo "long\n";`, end: "long\n", kept: 0.85, fresh: 0.85, steps: true},
	{name: "POST of 1 MB", script: "/body.php", code: `<?php echo strlen(file_get_contents('php://input')), "\n";`, end: "1048576\n",
		body: bytes.Repeat([]byte("0123456789abcdef"), 1<<16), kept: 0.85, fresh: 0.85},
	{name: "200 rows", script: "/rows.php", code: serve.Rows, end: serve.RowsEnd},
}

// headersCode is a script whose response has 40 headers, eight of them cookies.
func headersCode() string {
	var code strings.Builder
	code.WriteString("<?php\n")
	for i := range 32 {
		fmt.Fprintf(&code, "header('X-Header-%02d: the value of header number %02d');\n", i, i)
	}
	for i := range 8 {
		fmt.Fprintf(&code, "setcookie('cookie%d', 'value%d', ['path' => '/', 'httponly' => true, 'samesite' => 'Lax']);\n", i, i)
	}
	code.WriteString("echo \"headers\\n\";")
	return code.String()
}

// fpmWorkers are the workers of each pool, and the clients that keep all of them busy.
const fpmWorkers = 4

// fpmLoads are the ways in which a page is asked for.
var fpmLoads = []struct {
	name    string
	clients int
	kept    bool
}{
	{"kept, one client", 1, true},
	{"kept, four clients", fpmWorkers, true},
	{"new connections", fpmWorkers, false},
}

// fpmPages returns the pages whose names have o.Page in them.
func (o *Options) fpmPages() []fpmPage {
	return slices.DeleteFunc(slices.Clone(fpmPages), func(p fpmPage) bool { return !strings.Contains(p.name, o.Page) })
}

// limit is what phpsapi may take of php-fpm's CPU time for the page.
func (p *fpmPage) limit(kept bool) float64 {
	if kept {
		return p.kept
	}
	return p.fresh
}

// crowd returns visitors that ask a stack for the page.
func (p *fpmPage) crowd(s *Stack, root string, clients int, kept bool) *crowd {
	flags := fastcgi.Flags(0)
	if kept {
		flags = fastcgi.KeepConn
	}
	return asCrowd(p.end, clients, func() *visitor { return scriptVisitor(serve.Socket(s.dir), root, p.script, p.script, p.body, flags) })
}

// fpmSuite measures what a request by FastCGI costs beside php-fpm.
func fpmSuite(o Options) (string, error) {
	site, err := newSite(Application{name: "pages", write: writeFPMPages})
	if err != nil {
		return "", err
	}
	defer site.remove()
	before := loadAverage()
	rounds, lasting := o.rounds()
	lasting /= 2
	times, err := fpmTimes(ways{o, site, fpmWorkers}, rounds, func(c *crowd) (visits, error) { return c.saturate(lasting) })
	if err != nil {
		return "", err
	}
	paced, err := fpmPaced(ways{o, site, fpmWorkers}, rounds, lasting)
	if err != nil {
		return "", err
	}
	after := loadAverage()
	counts, err := fpmCounts(ways{o, site, 1})
	return fmt.Sprintf("FastCGI, static pools of %d workers; %d rounds of %v, php-fpm and phpsapi in turn; CPU time of all of a server's processes, "+
		"medians (least–most), ratios of the same rounds; load average before %s, after %s\n\n%s\n%s\n%s", fpmWorkers, rounds, lasting, before, after,
		times, paced, counts), err
}

func writeFPMPages(dir string) error {
	root := filepath.Join(dir, "public")
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	for _, p := range fpmPages {
		if err := os.WriteFile(filepath.Join(root, p.script), []byte(p.code), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// fpmTimes measures the CPU time of requests.
func fpmTimes(w ways, rounds int, visit func(*crowd) (visits, error)) (string, error) {
	all := []*Stack{w.stock("php-fpm"), w.ours("phpsapi")}
	stop, err := startAll(all, w.site.root)
	defer stop()
	if err != nil {
		return "", err
	}
	lines := [][]string{{"", "", "php-fpm, µs", "phpsapi, µs", "ratio", "at most", "", "php-fpm, requests/s", "phpsapi, requests/s"}}
	for _, p := range w.options.fpmPages() {
		for _, load := range fpmLoads {
			samples, err := inTurn(all, rounds, func(s *Stack) (Sample, error) {
				c := p.crowd(s, w.site.root, load.clients, load.kept)
				defer c.close()
				return s.measureVisits(func() (visits, error) { return visit(c) })
			})
			if err != nil {
				return "", fmt.Errorf("%s, %s: %w", p.name, load.name, err)
			}
			line := ratioLine(p.name, load.name, "", pairs(samples[1], samples[0], RequestCPU), p.limit(load.kept))
			lines = append(lines, []string{p.name, load.name, spread(samples[0], RequestCPU), spread(samples[1], RequestCPU), line[3], line[4], line[5],
				fmt.Sprintf("%.0f", median(samples[0], Rate)), fmt.Sprintf("%.0f", median(samples[1], Rate))})
		}
	}
	return markdown(lines), nil
}

// countedRequests are the requests whose system calls are counted. With a long body they are fewer, as it comes in many pieces.
const (
	countedRequests     = 200
	countedLongRequests = 20
)

// fpmCounts counts what a worker does for a request: that does not depend on the machine's load.
func fpmCounts(w ways) (string, error) {
	all := []*Stack{w.stock("php-fpm"), w.ours("phpsapi")}
	stop, err := startAll(all, w.site.root)
	defer stop()
	if err != nil {
		return "", err
	}
	lines := [][]string{{"", "", "php-fpm, system calls", "phpsapi", "ratio", "php-fpm, instructions", "phpsapi", "ratio"}}
	why := ""
	for _, p := range w.options.fpmPages() {
		for _, load := range fpmLoads {
			if load.clients > 1 && load.kept {
				continue
			}
			line := []string{p.name, load.name}
			var found [2]work
			for i, s := range all {
				if found[i], err = p.count(s, w.site.root, load.kept); err != nil {
					return "", fmt.Errorf("%s, %s, %s: %w", s.Name, p.name, load.name, err)
				}
				if found[i].unknown != nil {
					why = "\nNot counted: " + found[i].unknown.Error() + "\n"
				}
			}
			line = append(line, compared("%.1f", found[0].calls, found[1].calls)...)
			line = append(line, compared("%.0f", found[0].instructions, found[1].instructions)...)
			lines = append(lines, line)
		}
	}
	return fmt.Sprintf("A worker's system calls by request, of %d requests of one client (%d with a long body), and its instructions in user mode, of one\n\n%s%s",
		countedRequests, countedLongRequests, markdown(lines), why), nil
}

// compared shows two figures and their ratio. A figure that is 0 is not known.
func compared(format string, theirs, ours float64) []string {
	if theirs == 0 || ours == 0 {
		return []string{"", "", ""}
	}
	return []string{fmt.Sprintf(format, theirs), fmt.Sprintf(format, ours), fmt.Sprintf("%.2f", ours/theirs)}
}

// work is what a worker does for a request.
type work struct {
	calls, instructions float64 // 0: not known
	most                float64 // instructions of the request that had the most
	unknown             error   // why
}

// count counts what a stack's only worker does for requests of one client.
func (p *fpmPage) count(s *Stack, root string, kept bool) (work, error) {
	c := p.crowd(s, root, 1, kept)
	defer c.close()
	counted, stepped := countedRequests, 0
	if p.body != nil {
		counted = countedLongRequests
	}
	if p.steps && kept {
		stepped = 1
	}
	return countWork(s, c, counted, stepped)
}

// countWork counts what a stack's only worker does for requests of one client: the system calls by request of so many requests, and the instructions
// of the least and the most of so many others. Such a one takes seconds: what a worker does after a request once a second is in each.
func countWork(s *Stack, c *crowd, counted, stepped int) (w work, err error) {
	ask := func(n int) func() error {
		return func() error {
			_, err := c.ask(n)
			return err
		}
	}
	if err := ask(20)(); err != nil { // the worker has its title then
		return w, err
	}
	pids := s.pids()
	if len(pids) != 1 {
		return w, fmt.Errorf("workers: %v", pids)
	}
	if calls, err := probe.SystemCalls(pids[0]); err != nil {
		w.unknown = err
	} else {
		counts, err := calls.Count(ask(counted))
		calls.Close()
		if err != nil {
			return w, err
		}
		for _, n := range counts {
			w.calls += float64(n) / float64(counted)
		}
	}
	for range stepped {
		n, err := probe.Instructions(pids[0], ask(1))
		switch {
		case errors.Is(err, os.ErrPermission):
			w.unknown = err
			return w, nil
		case err != nil:
			return w, err
		}
		if w.instructions == 0 || float64(n) < w.instructions {
			w.instructions = float64(n)
		}
		w.most = max(w.most, float64(n))
	}
	return w, nil
}
