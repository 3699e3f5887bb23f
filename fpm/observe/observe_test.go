package observe

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/incident"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/test/boards"
)

var update = flag.Bool("update", false, "write docs/METRICS.md")

func TestDocumentIsCurrent(t *testing.T) {
	const file = "../../docs/METRICS.md"
	var made bytes.Buffer
	Document(&made)
	if *update {
		if err := os.WriteFile(file, made.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if there, err := os.ReadFile(file); err != nil || !bytes.Equal(there, made.Bytes()) {
		t.Errorf("%s is not what the table says: go test ./fpm/observe -run Document -update", file)
	}
}

// pool is a pool with workers for a test.
type pool struct {
	board *scoreboard.Board
	slots []*scoreboard.Slot
	sites []string // of the front; nil: it has none of the pool's
	site  int      // that requests are for
}

func newPool(t testing.TB, name string, workers, slots int) *pool {
	t.Helper()
	board := boards.New(t, slots)
	p := &pool{board: board}
	board.Publish(scoreboard.Pool{Name: name, PM: "static", HTTP: true, Started: uint64(workers)})
	for i := range workers {
		board.Occupy(i)
		board.SetPid(i, 1000+i)
		s, err := scoreboard.OpenSlot(int(board.File().Fd()), slots, i)
		if err != nil {
			t.Fatal(err)
		}
		s.Accepting()
		p.slots = append(p.slots, s)
	}
	return p
}

func (p *pool) answer(worker int, method string, status int, took time.Duration) {
	s := p.slots[worker]
	s.ReadingHeaders()
	s.Info(&scoreboard.Request{Method: []byte(method), Site: p.site, Since: s.Accepted() - int64(2*time.Millisecond)})
	s.Executing()
	s.End(took, took/2, took/4, 3<<20)
	s.Count(status)
	s.Finished()
	s.Accepting()
}

// scribble fills the pages of all workers with anything, but for what says that they are the workers'.
func (p *pool) scribble(t *testing.T, random *rand.Rand) {
	t.Helper()
	size := func(slots int) int {
		info, err := boards.New(t, slots).File().Stat()
		if err != nil {
			t.Fatal(err)
		}
		return int(info.Size())
	}
	page := os.Getpagesize()
	stride, report := size(2)-size(1), 3*page
	info, err := p.board.File().Stat()
	if err != nil {
		t.Fatal(err)
	}
	mem, err := unix.Mmap(int(p.board.File().Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mem)
	for i := range p.slots {
		own := mem[len(mem)-(len(p.slots)-i)*stride:][:stride-report]
		for at := 8; at < len(own); at += 8 {
			word := random.Uint64() >> random.IntN(64)
			if random.IntN(8) == 0 {
				word = math.MaxUint64
			}
			binary.NativeEndian.PutUint64(own[at:], word)
		}
	}
}

// serverOf is a server that watches pools of generation 1.
func serverOf(t testing.TB, pools map[string]*pool) *server {
	t.Helper()
	var all []*watched
	g := contract.ServiceGeneration{Number: 1, State: control.Serving, Engines: []contract.ServiceEngine{{PHP: "8.2", Zygote: 7}}}
	for name, p := range pools {
		file, err := p.board.ForReading()
		if err != nil {
			t.Fatal(err)
		}
		w, err := watch(contract.ObservedPool{Generation: 1, Name: name, Slots: p.board.Slots(), Limit: p.board.Slots() - 1, Sites: p.sites}, int(file.Fd()))
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
		g.Engines[0].Pools = append(g.Engines[0].Pools, name)
	}
	s := newServer(all, func() {})
	s.heed(&contract.Service{Version: "1.0", State: "normal", Began: 1, Started: true, Generations: []contract.ServiceGeneration{g},
		Reloads: contract.Outcomes{Succeeded: 2, Failed: 1}, LastReload: 5, Incidents: map[string]uint64{"crash": 3}})
	return s
}

func (s *server) get(t testing.TB, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, r)
	return w.Result()
}

func body(t testing.TB, r *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const www = `{pool="www",generation="1"`

func TestMetricsTellWhatWasCounted(t *testing.T) {
	p := newPool(t, "www", 3, 5)
	p.sites, p.site = []string{"example.org", "example.org/blog"}, 2
	p.answer(0, "GET", 200, 3*time.Millisecond)
	p.answer(1, "GET", 404, 30*time.Millisecond)
	p.answer(1, "POST", 299, 3*time.Second)
	p.slots[2].ReadingHeaders()
	r := serverOf(t, map[string]*pool{"www": p}).get(t, "/metrics")
	page := body(t, r)
	if got := r.Header.Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("got type %q", got)
	}
	for _, line := range []string{
		`phpsapi_info{version="1.0"} 1`,
		`phpsapi_reloads_total{outcome="failed"} 1`,
		`phpsapi_last_reload_success 1`,
		`phpsapi_incidents_total{kind="crash"} 3`,
		`phpsapi_engine_info{generation="1",engine="1",php="8.2"} 1`,
		`phpsapi_pool_ready` + www + `} 1`,
		`phpsapi_pool_workers` + www + `,state="idle"} 2`,
		`phpsapi_pool_workers` + www + `,state="active"} 1`,
		`phpsapi_pool_workers_limit` + www + `} 4`,
		`phpsapi_pool_requests_total` + www + `,method="GET",status="2xx"} 1`,
		`phpsapi_pool_requests_total` + www + `,method="POST",status="2xx"} 1`,
		`phpsapi_pool_responses_total` + www + `,code="404"} 1`,
		`phpsapi_pool_responses_total` + www + `,code="other"} 1`,
		`# TYPE phpsapi_pool_request_duration_seconds histogram`,
		`phpsapi_pool_request_duration_seconds_bucket` + www + `,le="0.001"} 0`,
		`phpsapi_pool_request_duration_seconds_bucket` + www + `,le="0.005"} 1`,
		`phpsapi_pool_request_duration_seconds_bucket` + www + `,le="5"} 3`,
		`phpsapi_pool_request_duration_seconds_bucket` + www + `,le="+Inf"} 3`,
		`phpsapi_pool_request_duration_seconds_sum` + www + `} 3.033`,
		`phpsapi_pool_request_duration_seconds_count` + www + `} 3`,
		`phpsapi_pool_request_queue_seconds_sum` + www + `} 0.006`,
		`phpsapi_site_request_duration_seconds_bucket` + www + `,site="example.org/blog",le="0.005"} 1`,
		`phpsapi_site_request_duration_seconds_sum` + www + `,site="example.org/blog"} 3.033`,
		`phpsapi_site_request_queue_seconds_count` + www + `,site="example.org/blog"} 3`,
		`phpsapi_site_request_first_byte_seconds_count` + www + `,site="example.org/blog"} 3`,
		`phpsapi_site_request_cpu_seconds_count` + www + `,site="example.org/blog"} 3`,
		`phpsapi_site_request_memory_bytes_bucket` + www + `,site="example.org/blog",le="4194304"} 3`,
		`phpsapi_pool_request_memory_bytes_bucket` + www + `,le="4194304"} 3`,
		`phpsapi_pool_cpu_seconds_total` + www + `,mode="user"} 1.5165`,
		`phpsapi_scrapes_total 0`,
	} {
		if !strings.Contains(page, "\n"+line+"\n") && !strings.HasPrefix(page, line) {
			t.Errorf("no line %s", line)
		}
	}
	if strings.Contains(page, `site="example.org"`) {
		t.Error("a site without requests is there")
	}
	if t.Failed() {
		t.Log(page)
	}
	check(t, page)
}

// check fails if a page is not one of Prometheus's format: each family is told once, in one piece, and no sample twice.
func check(t testing.TB, page string) {
	t.Helper()
	sample := regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*\})? ([^ ]+)$`)
	families, seen := map[string]bool{}, map[string]bool{}
	name, kind := "", ""
	for line := range strings.SplitSeq(strings.TrimSuffix(page, "\n"), "\n") {
		if rest, is := strings.CutPrefix(line, "# TYPE "); is {
			name, kind, _ = strings.Cut(rest, " ")
			if families[name] {
				t.Errorf("%s is told twice", name)
			}
			families[name] = true
			continue
		}
		if strings.HasPrefix(line, "# ") {
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("no sample: %q", line)
			continue
		}
		if _, err := strconv.ParseFloat(m[3], 64); err != nil {
			t.Errorf("no number: %q", line)
		}
		if m[1] != name && !(kind == "histogram" && strings.HasPrefix(m[1], name+"_")) && m[1] != name+"_total" {
			t.Errorf("%q is of no family, the present one is %s", line, name)
		}
		if key := m[1] + m[2]; seen[key] {
			t.Errorf("%s is told twice", key)
		} else {
			seen[key] = true
		}
	}
}

func TestOpenMetricsForThoseWhoAskForIt(t *testing.T) {
	p := newPool(t, "www", 1, 1)
	p.answer(0, "GET", 200, time.Millisecond)
	s := serverOf(t, map[string]*pool{"www": p})
	for accept, want := range map[string]string{
		"": "text/plain", "*/*": "text/plain", "text/plain;version=0.0.4": "text/plain",
		"application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1":           "application/openmetrics-text",
		"application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4": "application/openmetrics-text",
		"application/openmetrics-text;version=2.0.0":                           "text/plain",
		"application/openmetrics-text;q=0":                                     "text/plain",
	} {
		r := s.get(t, "/metrics", "Accept", accept)
		page := body(t, r)
		if !strings.HasPrefix(r.Header.Get("Content-Type"), want+";") {
			t.Errorf("Accept %q: got %q", accept, r.Header.Get("Content-Type"))
		}
		is := want != "text/plain"
		if strings.HasSuffix(page, "\n# EOF\n") != is || strings.Contains(page, "# TYPE phpsapi_pool_requests counter\n") != is ||
			strings.Contains(page, `le="10.0"`) != is {
			t.Errorf("Accept %q: the page is of the other format:\n%.1000s", accept, page)
		}
	}
}

// A worker may write any bits into its page: the page of metrics is one all the same, and no other pool's figures change.
func TestHostileWorkerFalsifiesItsOwnPoolAlone(t *testing.T) {
	good, bad := newPool(t, "good", 1, 1), newPool(t, "bad", 2, 2)
	good.sites, good.site, bad.sites = []string{"good", "bad"}, 1, []string{"good", "bad"}
	good.answer(0, "GET", 200, time.Millisecond)
	s := serverOf(t, map[string]*pool{"good": good, "bad": bad})
	of := func(page string) (lines []string) {
		for line := range strings.SplitSeq(page, "\n") {
			if strings.Contains(line, `pool="good"`) {
				lines = append(lines, line)
			}
		}
		return lines
	}
	before := of(body(t, s.get(t, "/metrics")))
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		bad.scribble(t, random)
		page := body(t, s.get(t, "/metrics"))
		check(t, page)
		if after := of(page); strings.Join(after, "\n") != strings.Join(before, "\n") {
			t.Fatalf("the other pool: got\n%s\nbefore\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
		}
		if n := strings.Count(page, "\n"); n > 900 {
			t.Fatalf("two pools have %d lines", n)
		}
	}
}

func TestNamesAreEscaped(t *testing.T) {
	p := newPool(t, "www", 0, 1)
	page := body(t, serverOf(t, map[string]*pool{"a\"b\\c\nd\xffe": p}).get(t, "/metrics"))
	check(t, page)
	if want := `pool="a\"b\\c\nd` + "\ufffd" + `e"`; !strings.Contains(page, want) {
		t.Errorf("no %s in\n%s", want, page)
	}
}

func TestMetricsOfAGenerationThatIsGoneAreGone(t *testing.T) {
	s := serverOf(t, map[string]*pool{"www": newPool(t, "www", 1, 1)})
	s.heed(&contract.Service{State: "normal", Started: true, Generations: []contract.ServiceGeneration{{Number: 2, State: control.Serving}}})
	if page := body(t, s.get(t, "/metrics")); strings.Contains(page, "pool=") || !strings.Contains(page, `generation="2"`) {
		t.Errorf("got\n%s", page)
	}
	if len(s.pools) != 0 {
		t.Errorf("%d scoreboards are kept", len(s.pools))
	}
}

// A page of many pools takes some megabytes: those who ask one after the other have the same.
func TestPagesShareTheirMemory(t *testing.T) {
	s := serverOf(t, map[string]*pool{"www": newPool(t, "www", 1, 1)})
	for range 2 * mostPages {
		s.get(t, "/metrics")
	}
	if len(s.free) != 1 {
		t.Errorf("got %d pages, want 1", len(s.free))
	}
}

func TestHealth(t *testing.T) {
	p := map[string]*pool{"www": newPool(t, "www", 1, 1), "shop": newPool(t, "shop", 1, 1)}
	s := serverOf(t, p)
	expect := func(path string, status int, want ...string) {
		t.Helper()
		r := s.get(t, path)
		text := body(t, r)
		for _, w := range want {
			if r.StatusCode != status || !strings.Contains(text, w) {
				t.Errorf("%s: got %d %q, want %d and %q", path, r.StatusCode, text, status, w)
			}
		}
	}
	expect("/livez", 200, "ok\n")
	expect("/startupz", 200, "ok\n")
	expect("/readyz", 200, "ok\n", "pool www: ready\n", "pool shop: ready\n")
	expect("/readyz?pool=none", 503, "not ok\nthere is no pool none\n")
	now := *s.service
	g := now.Generations[0]
	g.Unready = []contract.UnreadyPool{{Pool: "shop", Reasons: []string{"it has no worker"}}}
	g.Front = &contract.ServiceFront{}
	now.Generations = []contract.ServiceGeneration{g}
	s.heed(&now)
	expect("/readyz", 503, "not ok\n", "the HTTP front is not ready\n", "pool shop: not ready: it has no worker\n", "pool www: ready\n")
	expect("/readyz?format=json&pool=shop", 503, `{"ok":false,"reasons":["the HTTP front is not ready"],"pools":[{"pool":"shop","ready":false,"reasons":["it has no worker"]}]}`)
	if page := body(t, s.get(t, "/metrics")); !strings.Contains(page, `phpsapi_pool_ready{pool="shop",generation="1"} 0`) {
		t.Error("the metrics say otherwise")
	}
	s.heed(&contract.Service{State: "finishing", Started: true})
	expect("/readyz", 503, "the service is finishing\n")
	s.heed(&contract.Service{State: "normal"})
	expect("/startupz", 503, "the service is starting\n")
	expect("/readyz", 503, "the service is starting\n")
	s.heard = time.Now().Add(-time.Minute)
	expect("/livez", 503, "the master has said nothing for 60 seconds\n")
	expect("/nothing", 404, "not found")
}

// A pool has room for more workers than it may have, for operators that scale it.
func TestLimitIsHowManyWorkersAPoolMayHave(t *testing.T) {
	s := serverOf(t, map[string]*pool{"www": newPool(t, "www", 3, 20)})
	now := *s.service
	for _, c := range []struct {
		state   string
		steered []contract.SteeredPool
		want    int
	}{
		{control.Serving, nil, 19},
		{control.Serving, []contract.SteeredPool{{Pool: "shop", Limit: 4}, {Pool: "www", Limit: 12}}, 12},
		{control.Retiring, nil, 3},
	} {
		g := now.Generations[0]
		g.State, g.Steered = c.state, c.steered
		now.Generations = []contract.ServiceGeneration{g}
		s.heed(&now)
		if want := fmt.Sprintf("phpsapi_pool_workers_limit%s} %d\n", www, c.want); !strings.Contains(body(t, s.get(t, "/metrics")), want) {
			t.Errorf("%s, %+v: there is no %q", c.state, c.steered, want)
		}
	}
}

func TestEveryKindOfIncidentIsACauseOfAWorkersEnd(t *testing.T) {
	for _, kind := range incident.Kinds() {
		if c := scoreboard.CauseOf(string(kind)); c < scoreboard.CauseCrash || c == scoreboard.CauseOther {
			t.Errorf("%s", kind)
		}
	}
}

// promtool is of Debian's package prometheus.
func TestPromtoolAgrees(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("no promtool: apt-get install prometheus")
	}
	p := newPool(t, "www", 2, 2)
	p.answer(0, "GET", 200, time.Millisecond)
	command := exec.Command(tool, "check", "metrics")
	command.Stdin = strings.NewReader(body(t, serverOf(t, map[string]*pool{"www": p}).get(t, "/metrics")))
	if out, err := command.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// BenchmarkMetricsOf500Pools is a page for 500 pools with two workers each, which have all answered, for a site each. The first sites are told each
// for itself.
func BenchmarkMetricsOf500Pools(b *testing.B) {
	pools := map[string]*pool{}
	for i := range 500 {
		name := fmt.Sprintf("customer%03d", i)
		p := newPool(b, name, 2, 2)
		if i < scoreboard.MostSites {
			p.sites, p.site = make([]string, scoreboard.MostSites), i+1
			p.sites[i] = name + ".example"
		}
		for status := range 8 {
			p.answer(status%2, "GET", 200+50*status, time.Duration(status)*time.Millisecond)
			p.answer(status%2, "POST", 200, time.Duration(status)*time.Millisecond)
		}
		pools[name] = p
	}
	s := serverOf(b, pools)
	size := 0
	for b.Loop() {
		w := &counter{header: http.Header{}}
		s.http.Handler.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		size = w.n
	}
	b.ReportMetric(float64(size), "bytes/page")
}

type counter struct {
	header http.Header
	n      int
}

func (c *counter) Header() http.Header { return c.header }
func (c *counter) WriteHeader(int)     {}
func (c *counter) Write(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}
