package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/test/wait"
)

// profiler is a master that makes profiles: it tells samples as it is told to, until it is told the last answer.
type profiler struct {
	asked chan control.DashboardRequest
	told  chan control.Answer // one with Done or a Reason is the last
}

func (p *profiler) ask(ctx context.Context, r control.DashboardRequest, hear func(control.Answer)) (control.Answer, error) {
	p.asked <- r
	for {
		select {
		case <-ctx.Done():
			return control.Answer{}, ctx.Err()
		case a := <-p.told:
			if a.Done || a.Reason != "" {
				return a, nil
			}
			hear(a)
		}
	}
}

// profileOf returns the profile that the page is told of.
func profileOf(t *testing.T, d *dashboard) (v profileView) {
	t.Helper()
	r := d.ask("GET", "/api/profile", "")
	if err := json.Unmarshal([]byte(body(t, r)), &v); err != nil || r.StatusCode != 200 {
		t.Fatal(r.StatusCode, err)
	}
	return v
}

func TestProfileIsShownWhileItIsMade(t *testing.T) {
	p := &profiler{make(chan control.DashboardRequest, 1), make(chan control.Answer, 8)}
	s := serverOf(t, map[string]*pool{"www": newPool(t, "www", 1, 1)})
	d, _ := boardOfTest(t, s, nil)
	d.master = p.ask
	headers := []string{"Content-Type", "application/json", tokenHeader, goodToken}
	order := func(text string) (int, string) {
		r := d.ask("POST", "/api/profile", text, headers...)
		return r.StatusCode, body(t, r)
	}
	expect := func(body string, status int, want string) {
		t.Helper()
		if got, text := order(body); got != status || !strings.Contains(text, want) {
			t.Errorf("%s: got %d %s, want %d %s", body, got, text, status, want)
		}
	}
	if v := profileOf(t, d); v.Number != 0 {
		t.Errorf("before the first: %+v", v)
	}
	expect(`{"pool":"www","seconds":0}`, 400, "from 1 to 300 seconds")
	expect(`{"pool":"www","seconds":301}`, 400, "from 1 to 300 seconds")
	expect(`{"pool":"www","rate":9,"seconds":3}`, 400, "no order")
	if r := d.ask("POST", "/api/profile", `{"seconds":3}`, "Content-Type", "application/json"); r.StatusCode != 401 {
		t.Errorf("without a token: %d", r.StatusCode)
	}
	if r := d.ask("POST", "/api/order", `{"command":"profile","pool":"www","count":9}`, headers...); r.StatusCode != 400 {
		t.Errorf("as an order: %d", r.StatusCode)
	}

	// The master refuses it: there is none.
	p.told <- control.Answer{Reason: control.Denied, Why: "the token is wrong"}
	expect(`{"pool":"www","seconds":3}`, 403, "the token is wrong")
	<-p.asked
	if v := profileOf(t, d); v.Number != 0 {
		t.Errorf("one that was refused: %+v", v)
	}

	p.told <- control.Answer{Samples: []control.Samples{{Pid: 7, Pool: "www", Generation: 1,
		Lines: "b\nf\t1\t\t/<b>.php\nf\t2\tusleep\t\nr\tshop:80\t/cart?x\t/a.php\ns\t3\t2:0 1:9\nr\tother\t/cart\t/a.php\ns\t5\t1:9\n"}}}
	expect(`{"pool":"www","site":"shop","url":"/cart","seconds":3}`, 200, "")
	if r := <-p.asked; r.Command != control.MakeProfile || r.Pool != "www" || r.Count != 3 || r.Rate != control.ShownRate || r.Token != goodToken || r.Client != "192.0.2.1" {
		t.Errorf("the master was asked %+v", r)
	}
	v := profileOf(t, d)
	if v.Number != 1 || !v.Running || v.Total != 3 || v.Tree == nil || v.Tree.Calls[0].Name != "/<b>.php" || v.Tree.Calls[0].Calls[0].Own != 3 || v.Of.Site != "shop" {
		t.Errorf("while it is made: %+v", v)
	}
	var now view
	s.heard = time.Now()
	if err := json.Unmarshal([]byte(body(t, d.ask("GET", "/api/now", ""))), &now); err != nil || now.Profile != 1 {
		t.Errorf("the page is told of %d, %v", now.Profile, err)
	}
	expect(`{"seconds":3}`, 409, "already")
	p.told <- control.Answer{Samples: []control.Samples{{Pid: 7, Pool: "www", Generation: 1, Lines: "r\tSHOP\t/cart/2\t/a.php\ns\t4\t1:9\ne\n"}}}
	p.told <- control.Answer{Done: true, Profile: &control.Profile{Workers: 1, Dropped: 2}}
	wait.Until(t, "the end of the profile", func() bool { return !profileOf(t, d).Running })
	if v = profileOf(t, d); v.Total != 7 || v.Workers != 1 || v.Lost != 2 || v.Why != "" {
		t.Errorf("at its end: %+v", v)
	}
	for format, want := range map[string]string{"svg": "&lt;b&gt;.php", "folded": "/<b>.php;usleep 3\n", "pprof": "\x1f\x8b"} {
		r := d.ask("GET", "/api/profile/"+format+"?number=1", "")
		if text := body(t, r); r.StatusCode != 200 || !strings.Contains(text, want) || !strings.HasPrefix(r.Header.Get("Content-Disposition"), `attachment; filename="phpsapi-www-`) {
			t.Errorf("%s: %d %q %.60q", format, r.StatusCode, r.Header.Get("Content-Disposition"), text)
		}
	}
	for _, path := range []string{"svg?number=2", "svg", "png?number=1"} {
		if r := d.ask("GET", "/api/profile/"+path, ""); r.StatusCode != 404 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}

	// Those who have begun it end it.
	p.told <- control.Answer{Progress: &control.Progress{}}
	expect(`{"seconds":300}`, 200, "")
	<-p.asked
	if r := d.ask("POST", "/api/profile", `{"end":2}`, "Content-Type", "application/json", tokenHeader, goodToken+"x"); r.StatusCode != 403 {
		t.Errorf("another token ends it: %d", r.StatusCode)
	}
	expect(`{"end":1}`, 409, "has ended")
	expect(`{"end":2}`, 200, "has ended")
	wait.Until(t, "the end of the profile", func() bool { return !profileOf(t, d).Running })
	if v = profileOf(t, d); v.Number != 2 || v.Why != "" || v.Total != 0 {
		t.Errorf("after that: %+v", v)
	}
}

// A tree that a worker makes up is bounded.
func TestProfileOfManyFunctionsIsBounded(t *testing.T) {
	m := &made{number: 1, running: true}
	var lines strings.Builder
	lines.WriteString("r\tshop\t/\t/a.php\n")
	for i := range 40000 {
		fmt.Fprintf(&lines, "f\t%d\tf%d\t/a.php\ns\t1000\t%d:1\n", i+1, i, i+1)
	}
	m.profile.Most = profileMemory
	m.hear(control.Answer{Samples: []control.Samples{{Pid: 1, Pool: "www", Generation: 1, Lines: lines.String()}}})
	if text := m.show(); len(text) > 1<<20 {
		t.Errorf("%d bytes", len(text))
	}
}
