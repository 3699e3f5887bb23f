package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

const goodToken = "0123456789abcdef0123456789abcdef"

// boardOfTest is a dashboard with a token, before a master that answers by a function; nil: everything is done.
func boardOfTest(t testing.TB, s *server, master func(control.DashboardRequest) (control.Answer, error)) (*dashboard, *[]control.DashboardRequest) {
	t.Helper()
	var asked []control.DashboardRequest
	return newDashboard(s, &contract.Dashboard{Orders: true, Hosts: []string{"dash.example.org"}}, func(_ context.Context, r control.DashboardRequest, _ func(control.Answer)) (control.Answer, error) {
		asked = append(asked, r)
		if master != nil {
			return master(r)
		}
		return control.Answer{Done: true, Generation: 2}, nil
	}, newHistory(&pastMemory{}, 1)), &asked
}

// ask sends the dashboard a request; headers are names and values in turn.
func (d *dashboard) ask(method, path, body string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:9254"
	for i := 0; i+1 < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	w := httptest.NewRecorder()
	d.http.Handler.ServeHTTP(w, r)
	return w.Result()
}

func TestDashboardIsServedWithoutAnythingFromElsewhere(t *testing.T) {
	d, _ := boardOfTest(t, serverOf(t, map[string]*pool{"www": newPool(t, "www", 1, 1)}), nil)
	reference := regexp.MustCompile(`(?:src|href)="([^"#]+)"|from "\./([^"]+)"`)
	seen := map[string]bool{}
	var follow func(path string)
	follow = func(path string) {
		if seen[path] {
			return
		}
		seen[path] = true
		r := d.ask("GET", "/"+path, "")
		text := body(t, r)
		csp := r.Header.Get("Content-Security-Policy")
		if r.StatusCode != 200 || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("/%s: %d, policy %q", path, r.StatusCode, csp)
		}
		for _, wrong := range []string{"<style", "style=\"", " onclick", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "https://"} {
			if strings.Contains(text, wrong) {
				t.Errorf("/%s has %s", path, wrong)
			}
		}
		for _, m := range reference.FindAllStringSubmatch(text, -1) {
			follow(m[1] + m[2])
		}
	}
	follow("")
	for _, path := range []string{"main.js", "orders.js", "profile.js", "style.css", "icon.svg"} {
		if !seen[path] {
			t.Errorf("nothing refers to %s", path)
		}
	}
	etag := d.ask("GET", "/main.js", "").Header.Get("ETag")
	if r := d.ask("GET", "/main.js", "", "If-None-Match", etag); r.StatusCode != http.StatusNotModified {
		t.Errorf("a page that the browser has: got %d", r.StatusCode)
	}
	if r := d.ask("GET", "/nothing", ""); r.StatusCode != http.StatusNotFound {
		t.Errorf("got %d", r.StatusCode)
	}
}

func TestDashboardRefusesForeigners(t *testing.T) {
	d, asked := boardOfTest(t, serverOf(t, map[string]*pool{"www": newPool(t, "www", 1, 1)}), nil)
	const reload = `{"command":"reload"}`
	for _, c := range []struct {
		name    string
		want    int
		method  string
		path    string
		body    string
		headers []string
	}{
		{"own page", 200, "POST", "/api/order", reload, []string{"Origin", "http://127.0.0.1:9254", "Sec-Fetch-Site", "same-origin"}},
		{"program", 200, "POST", "/api/order", reload, nil},
		{"name that is allowed", 200, "GET", "/api/now", "", []string{"Host", "DASH.example.org"}},
		{"localhost", 200, "GET", "/api/now", "", []string{"Host", "localhost:9254"}},
		{"address of version 6", 200, "GET", "/api/now", "", []string{"Host", "[::1]:9254"}},
		{"rebound name reads", 403, "GET", "/api/now", "", []string{"Host", "evil.example"}},
		{"rebound name reads pages", 403, "GET", "/", "", []string{"Host", "evil.example:9254"}},
		{"name that begins like an address", 403, "GET", "/", "", []string{"Host", "127.0.0.1.evil.example"}},
		{"no name", 403, "GET", "/api/now", "", []string{"Host", ""}},
		{"rebound name orders", 403, "POST", "/api/order", reload, []string{"Host", "evil.example", "Origin", "http://evil.example"}},
		{"page of another site", 403, "POST", "/api/order", reload, []string{"Origin", "http://evil.example"}},
		{"page of another port", 403, "POST", "/api/order", reload, []string{"Origin", "http://127.0.0.1:80"}},
		{"page without an origin", 403, "POST", "/api/order", reload, []string{"Origin", "null"}},
		{"browser says cross-site", 403, "POST", "/api/order", reload, []string{"Sec-Fetch-Site", "cross-site"}},
		{"form", 415, "POST", "/api/order", reload, []string{"Content-Type", "text/plain"}},
		{"no token", 401, "POST", "/api/order", reload, []string{tokenHeader, ""}},
		{"other way", 404, "GET", "/api/order", "", nil},
		{"command that is none of its", 400, "POST", "/api/order", `{"command":"upgrade"}`, nil},
		{"stop", 400, "POST", "/api/order", `{"command":"stop"}`, nil},
		{"unknown name", 400, "POST", "/api/order", `{"command":"reload","drained":true}`, nil},
		{"two orders", 400, "POST", "/api/order", reload + ` {"command":"pause","pool":"www"}`, nil},
		{"order with a remainder", 400, "POST", "/api/order", reload + "]", nil},
		{"order with a line break", 200, "POST", "/api/order", reload + "\r\n", nil},
		{"long one", 400, "POST", "/api/order", `{"command":"` + strings.Repeat("x", 2*orderBytes) + `"}`, nil},
		{"preflight", 405, "OPTIONS", "/api/order", "", nil},
	} {
		*asked = nil
		headers := append([]string{"Content-Type", "application/json", tokenHeader, goodToken}, c.headers...)
		r := d.ask(c.method, c.path, c.body, headers...)
		if r.StatusCode != c.want {
			t.Errorf("%s: got %d %s, want %d", c.name, r.StatusCode, body(t, r), c.want)
		}
		if r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: others may read", c.name)
		}
		if c.want != 200 && len(*asked) != 0 {
			t.Errorf("%s: the master was asked %+v", c.name, *asked)
		}
	}
	d.orders.Orders = false
	*asked = nil
	r := d.ask("POST", "/api/order", reload, "Content-Type", "application/json", tokenHeader, goodToken)
	if r.StatusCode != 403 || len(*asked) != 0 {
		t.Errorf("without a token of its own: got %d, the master was asked %+v", r.StatusCode, *asked)
	}
}

func TestDashboardHandsOrdersOnAndTellsHowTheyEnd(t *testing.T) {
	answer, failure := control.Answer{}, error(nil)
	d, asked := boardOfTest(t, serverOf(t, map[string]*pool{"www": newPool(t, "www", 1, 1)}), func(control.DashboardRequest) (control.Answer, error) { return answer, failure })
	for _, c := range []struct {
		order  string
		answer control.Answer
		err    error
		status int
		want   string
	}{
		{`{"command":"kill","pid":7,"accepted":"9223372036854775807"}`, control.Answer{Killed: &control.Killed{How: "on signal 15 (SIGTERM)"}}, nil, 200, "worker 7 exited on signal 15 (SIGTERM)"},
		{`{"command":"kill","pid":7}`, control.Answer{Killed: &control.Killed{}}, nil, 200, "has ended by itself"},
		{`{"command":"reload"}`, control.Answer{Generation: 3}, nil, 200, "generation 3 serves"},
		{`{"command":"pause","pool":"www"}`, control.Answer{Steered: &control.Steered{Pool: "www", Paused: true, Requests: 2}}, nil, 200, "pool www is paused; requests under way: 2"},
		{`{"command":"scale","pool":"www","count":3}`, control.Answer{Steered: &control.Steered{Pool: "www", Workers: 2, Limit: 3}}, nil, 200, "pool www has 2 workers, 3 at most"},
		{`{"command":"scale","pool":"www","count":999}`, control.Answer{Reason: control.Refused, Why: "pool www can have 17 workers"}, nil, 409, "can have 17"},
		{`{"command":"reload"}`, control.Answer{Reason: control.BadConfig, Why: "no pool", Lines: []string{"ERROR: line 3"}}, nil, 422, "no pool\\nERROR: line 3"},
		{`{"command":"reload"}`, control.Answer{Reason: control.Denied, Why: "the token is wrong"}, nil, 403, "the token is wrong"},
		{`{"command":"reload"}`, control.Answer{}, errSilent, 502, "the master does not answer"},
	} {
		*asked = nil
		answer, failure = c.answer, c.err
		r := d.ask("POST", "/api/order", c.order, "Content-Type", "application/json", tokenHeader, goodToken)
		if text := body(t, r); r.StatusCode != c.status || !strings.Contains(text, c.want) {
			t.Errorf("%s: got %d %s, want %d %s", c.order, r.StatusCode, text, c.status, c.want)
		}
		if len(*asked) != 1 || (*asked)[0].Token != goodToken || (*asked)[0].Client != "192.0.2.1" {
			t.Errorf("%s: the master was asked %+v", c.order, *asked)
		}
	}
	*asked = nil
	long := strings.Repeat("<", control.MaxToken)
	for _, c := range []struct {
		token, order string
		status       int
		want         string
	}{
		{strings.Repeat("t", 5000), `{"command":"reload"}`, 431, "no token has more than 1024"},
		{long + "<", `{"command":"reload"}`, 431, "no token has more than 1024"},
		{goodToken, `{"command":"pause","pool":"` + long + `<"}`, 400, "no pool has so long a name"},
	} {
		r := d.ask("POST", "/api/order", c.order, "Content-Type", "application/json", tokenHeader, c.token)
		if text := body(t, r); r.StatusCode != c.status || !strings.Contains(text, c.want) || len(*asked) != 0 {
			t.Errorf("a token of %d bytes, %.40s: got %d %s, want %d %s", len(c.token), c.order, r.StatusCode, text, c.status, c.want)
		}
	}
	answer, failure = control.Answer{Generation: 2}, nil
	if r := d.ask("POST", "/api/order", `{"command":"pause","pool":"`+long+`"}`, "Content-Type", "application/json", tokenHeader, long); r.StatusCode != 200 || len(*asked) != 1 {
		t.Errorf("the longest token and pool: got %d", r.StatusCode)
	}
	d.ask("POST", "/api/order", `{"command":"kill","pid":7,"accepted":"9223372036854775807","now":true}`, "Content-Type", "application/json", tokenHeader, goodToken)
	if last := (*asked)[len(*asked)-1]; last.Pid != 7 || last.Accepted != 1<<63-1 || !last.Now {
		t.Errorf("the master was asked %+v", last)
	}
}

// What a client has put into a request is in the view as it is, as JSON without markup, and what a worker has put there has no control characters.
func TestViewTellsOfRequestsWithoutMarkup(t *testing.T) {
	p := newPool(t, "www", 2, 2)
	const evil = `/<script>alert("&")</script>` + "\x1b[2J\x00"
	p.slots[0].ReadingHeaders()
	p.slots[0].Info(&scoreboard.Request{Method: []byte("GET"), URI: []byte("/x.php"), Target: []byte(evil), Host: []byte("<b>"), Script: []byte("/x.php\n")})
	p.slots[0].Executing()
	d, _ := boardOfTest(t, serverOf(t, map[string]*pool{"www": p}), nil)
	r := d.ask("GET", "/api/now", "")
	text := body(t, r)
	if r.Header.Get("Content-Type") != "application/json" || strings.ContainsAny(text, "<>&\x1b") {
		t.Errorf("got %s\n%s", r.Header.Get("Content-Type"), text)
	}
	var v struct {
		Requests []struct{ URI, Host, Script, Stage, Accepted string }
		Pools    []struct{ Workers []struct{ Pid, Stage int } }
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Requests) != 1 || v.Requests[0].URI != `/<script>alert("&")</script>.[2J` || v.Requests[0].Host != "<b>" || v.Requests[0].Script != "/x.php." || v.Requests[0].Stage != "Running" ||
		v.Requests[0].Accepted == "" {
		t.Errorf("got %+v", v.Requests)
	}
	if w := v.Pools[0].Workers; len(w) != 2 || w[0].Stage != int(scoreboard.Executing) || w[1].Stage != int(scoreboard.Accepting) {
		t.Errorf("got workers %+v", w)
	}
}

// A generation that has no worker of a pool any more is not at work there.
func TestViewNamesTheGenerationsThatHaveWorkers(t *testing.T) {
	s := serverOf(t, map[string]*pool{"www": newPool(t, "www", 1, 2), "api": newPool(t, "api", 1, 2)})
	for name, workers := range map[string]int{"www": 1, "api": 0} {
		file, err := newPool(t, name, workers, 2).board.ForReading()
		if err != nil {
			t.Fatal(err)
		}
		w, err := watch(contract.ObservedPool{Generation: 2, Name: name, Slots: 2}, int(file.Fd()))
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		s.pools = append(s.pools, w)
	}
	now := *s.service
	retiring := now.Generations[0]
	retiring.Number, retiring.State = 2, "retiring"
	now.Generations = append(now.Generations, retiring)
	s.heed(&now)
	got := map[string][]int{}
	for _, p := range s.view().Pools {
		got[p.Name] = p.Generations
	}
	if want := map[string][]int{"www": {1, 2}, "api": {1}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestViewIsBounded(t *testing.T) {
	const workers = mostShownWorkers + 10
	p := newPool(t, "www", workers, workers)
	for _, s := range p.slots {
		s.ReadingHeaders()
		s.Info(&scoreboard.Request{Method: []byte("GET")})
		s.Executing()
	}
	v := serverOf(t, map[string]*pool{"www": p}).view()
	if len(v.Requests) != mostShownRequests || v.More != workers-mostShownRequests || len(v.Pools[0].Workers) != mostShownWorkers || v.Pools[0].Hidden != 10 {
		t.Errorf("got %d requests and %d more, %d workers and %d more", len(v.Requests), v.More, len(v.Pools[0].Workers), v.Pools[0].Hidden)
	}
}

// The master is asked for what it remembers only if there is more than the last time.
func TestEventsAreAskedForOnce(t *testing.T) {
	s := serverOf(t, map[string]*pool{"www": newPool(t, "www", 1, 1)})
	broken := error(nil)
	d, asked := boardOfTest(t, s, func(r control.DashboardRequest) (control.Answer, error) {
		if r.Command == control.SlowRequests {
			return control.Answer{Done: true, Slow: &control.Slow{Total: 1}}, broken
		}
		return control.Answer{Done: true, Incidents: &control.Incidents{Total: 3}}, broken
	})
	for range 3 {
		if r := d.ask("GET", "/api/events", ""); r.StatusCode != 200 || !strings.Contains(body(t, r), `"total":3`) {
			t.Fatalf("got %d", r.StatusCode)
		}
	}
	if len(*asked) != 2 {
		t.Errorf("the master was asked %d times", len(*asked))
	}
	now := *s.service
	now.Slow++
	s.heed(&now)
	broken = errors.New("the master does not answer")
	if r := d.ask("GET", "/api/events", ""); r.StatusCode != 502 || !strings.Contains(body(t, r), "does not answer") {
		t.Errorf("got %d", r.StatusCode)
	}
	broken = nil
	d.ask("GET", "/api/events", "")
	if len(*asked) != 5 {
		t.Errorf("the master was asked %d times", len(*asked))
	}
}

func TestHistoryIsBoundedAndGoesOn(t *testing.T) {
	p := newPool(t, "www", 1, 1)
	s := serverOf(t, map[string]*pool{"www": p})
	memory := &pastMemory{}
	h := newHistory(memory, 1)
	h.begin()
	now := time.Unix(1800000000, 0)
	h.sample(s, now)
	for range historyKept + 60 {
		now = now.Add(historyStep)
		for range 10 {
			p.answer(0, "GET", 500, 30*time.Millisecond)
		}
		h.sample(s, now)
	}
	check := func(h *history, pool string) *told {
		t.Helper()
		got := h.tell(pool, 0, now)
		if len(got.Stamps) != historyKept || got.Stamps[historyKept-1] != got.Now || got.Stamps[0] != got.Now-int64(historyKept)+1 {
			t.Fatalf("%d samples", len(got.Stamps))
		}
		last := historyKept - 1
		for name, want := range map[string]uint64{"requests": 2000, "errors": 2000, "workers": 1, "busy": 0, "cpu": 10 * 22500 / 5000} {
			if got.Values[name][last] != want {
				t.Errorf("pool %q: %s: got %d, want %d", pool, name, got.Values[name][last], want)
			}
		}
		if ms := got.Values["p95"][last] / 1000; ms < 25 || ms > 50 {
			t.Errorf("pool %q: 95 of 100 take less than %d ms, want 25 to 50", pool, ms)
		}
		return got
	}
	check(h, "www")
	check(h, "")
	if got := h.tell("none", 0, now); got.Known || len(got.Stamps) != 0 {
		t.Errorf("got %+v", got)
	}
	if got := h.tell("", int64(stampOf(now))-3, now); len(got.Stamps) != 3 {
		t.Errorf("since three steps: got %d", len(got.Stamps))
	}
	next := newHistory(memory, 2) // the observer after a reload
	next.begin()
	if check(next, "www"); h.writes() || !next.writes() {
		t.Error("the one before still writes")
	}
	memory.layout++
	if got := newHistory(memory, 3).tell("www", 0, now); got.Known {
		t.Errorf("what another program remembered is told: %d samples", len(got.Stamps))
	}
	if got := h.tell("", 0, now); len(got.Stamps) != 0 {
		t.Errorf("it is there: %d samples", len(got.Stamps))
	}
}

func TestHistoryEndsAfterAnHour(t *testing.T) {
	p := newPool(t, "www", 1, 1)
	s := serverOf(t, map[string]*pool{"www": p})
	next := newHistory(&pastMemory{}, 1)
	now := time.Unix(1800000000, 0)
	for range historyKept + 1 {
		next.sample(s, now)
		now = now.Add(historyStep)
	}
	now = now.Add(-historyStep)
	if got := next.tell("www", 0, now.Add(time.Hour/2)); len(got.Stamps) != historyKept/2 {
		t.Errorf("half an hour later: got %d samples", len(got.Stamps))
	}
}

// There is room for 63 pools. One that was not there for an hour gives its place to another.
func TestHistoryHasRoomForSoManyPools(t *testing.T) {
	h := newHistory(&pastMemory{}, 1)
	now := stampOf(time.Unix(1800000000, 0))
	for i := range mostSeries - 1 {
		s := h.place(fmt.Sprintf("pool%d", i), now)
		if s == nil || h.place(fmt.Sprintf("pool%d", i), now) != s {
			t.Fatalf("no place for pool %d", i)
		}
		s.samples[now%uint64(historyKept)].stamp = now
	}
	if h.place("another", now) != nil || h.place(strings.Repeat("x", seriesName+1), now) != nil {
		t.Error("there is room for ever more")
	}
	if s := h.place("another", now+uint64(historyKept)); s == nil || s.nameOf() != "another" || s.newest(now) != 0 {
		t.Errorf("got %v", s)
	}
}

// An observer that was somebody else's may have left anything in the memory.
func TestHistoryOfAnythingIsTold(t *testing.T) {
	memory := &pastMemory{layout: pastLayout}
	now := time.Unix(1800000000, 0)
	for i := range memory.all {
		s := &memory.all[i]
		s.length = 1<<64 - 1
		for j := range s.samples {
			s.samples[j].stamp = stampOf(now) - uint64(j*j)
			for q := range s.samples[j].values {
				s.samples[j].values[q] = 1<<64 - 1 - uint64(j)
			}
		}
	}
	h := newHistory(memory, 1)
	for _, pool := range []string{"", "www", strings.Repeat("\x00", seriesName)} {
		got := h.tell(pool, -1<<63, now)
		if _, err := json.Marshal(got); err != nil || len(got.Stamps) > historyKept {
			t.Errorf("%v, %d samples", err, len(got.Stamps))
		}
		for _, v := range got.Values["memory"] {
			if v > 1<<52 {
				t.Errorf("got %d", v)
			}
		}
	}
}

// BenchmarkViewOf500Pools is what a look costs at 500 pools with two workers each.
func BenchmarkViewOf500Pools(b *testing.B) {
	pools := map[string]*pool{}
	for i := range 500 {
		name := fmt.Sprintf("customer%03d", i)
		pools[name] = newPool(b, name, 2, 2)
		pools[name].answer(0, "GET", 200, time.Millisecond)
	}
	s := serverOf(b, pools)
	size := 0
	for b.Loop() {
		text, err := json.Marshal(s.view())
		if err != nil {
			b.Fatal(err)
		}
		size = len(text)
	}
	b.ReportMetric(float64(size), "bytes/view")
}
