package master

import (
	"bytes"
	"context"
	"crypto/sha256"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

const testToken = "0123456789abcdef"

func TestTokenIsReadIfNobodyElseCan(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, text string
		mode       os.FileMode
		want       string // of the error; empty: it is the token
	}{
		{"good", testToken + "\n", 0o600, ""},
		{"read-only", testToken, 0o400, ""},
		{"group", testToken, 0o640, "chmod 600"},
		{"world", testToken, 0o604, "chmod 600"},
		{"short", "0123456789abcde\n", 0o600, "has 15 characters"},
		{"empty", "", 0o600, "has 0 characters"},
		{"lines", testToken + "\n" + testToken, 0o600, "more than a line"},
		{"space", testToken + " x", 0o600, "more than a line"},
		{"umlaut", testToken + "ä", 0o600, "printable ASCII"},
		{"long", strings.Repeat("x", mostToken+1), 0o600, "longer than"},
	} {
		name := filepath.Join(dir, c.name)
		if err := os.WriteFile(name, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, c.mode); err != nil {
			t.Fatal(err)
		}
		token, err := readToken(name)
		switch {
		case c.want == "" && (err != nil || token != testToken):
			t.Errorf("%s: got %q, %v", c.name, token, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), testToken)):
			t.Errorf("%s: got %q, %v, want %q", c.name, token, err, c.want)
		}
	}
	if _, err := readToken(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readToken(pipe); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a pipe: %v", err)
	}
	if os.Geteuid() == 0 {
		others := filepath.Join(dir, "good")
		if err := os.Chown(others, 12345, -1); err != nil {
			t.Fatal(err)
		}
		if _, err := readToken(others); err == nil || !strings.Contains(err.Error(), "user 12345's") {
			t.Errorf("a stranger's: %v", err)
		}
	}
}

// A process of the dashboard that is somebody else's asks for what it likes.
func TestDashboardMayDoWhatItOffersAndNothingElse(t *testing.T) {
	locked := &door{locked: true, token: sha256.Sum256([]byte(testToken))}
	open := &door{}
	for _, command := range []control.Command{control.Reload, control.Upgrade, control.Stop, control.Status, control.LastIncidents, control.SlowRequests, control.Requests,
		control.Kill, control.AskHealth, control.Pause, control.Drain, control.Resume, control.Scale, control.ConfigDiff, control.LogLevel, control.OpcacheStatus,
		control.OpcacheReset, control.MakeProfile, "", "nothing"} {
		shows := command == control.LastIncidents || command == control.SlowRequests
		orders := command == control.Reload || command == control.Kill || command == control.Pause || command == control.Resume || command == control.Scale || command == control.MakeProfile
		for _, c := range []struct {
			name  string
			door  *door
			token string
			want  bool
		}{
			{"with the token", locked, testToken, shows || orders},
			{"without", locked, "", shows},
			{"with a wrong one", locked, testToken + "x", shows},
			{"with the beginning of it", locked, testToken[:15], shows},
			{"if there is none", open, "", shows},
			{"with one if there is none", open, testToken, shows},
		} {
			r := control.DashboardRequest{Token: c.token, Request: control.Request{Command: command, Now: true, Drained: true, Full: true, Pool: "www", Count: 3600, Rate: 1000, Pid: 2, Level: "debug", Accepted: 3}}
			got, reason, why := c.door.admit(&r)
			if (reason == "") != c.want || (why == "") != c.want {
				t.Errorf("%q %s: got %q %q", command, c.name, reason, why)
			}
			if got.Command == control.MakeProfile && (got.Count != control.LongestShownProfile || got.Rate != control.ShownRate || got.Pid != 0) {
				t.Errorf("a profile is made %+v", got)
			}
			if reason == "" && (got.Command != command || got.Drained || got.Full || got.Level != "" || got.Now && command != control.Kill) {
				t.Errorf("%q %s: it is made %+v", command, c.name, got)
			}
		}
	}
}

// gateOf has a door take a request, as the loop sees it: an order is answered by done.
func gateOf(t *testing.T, d *door, r control.DashboardRequest) (control.Answer, []event) {
	t.Helper()
	ours, theirs, err := streamPair()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.FileConn(theirs)
	if err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	box := newMailbox()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.take(ours, 1, box)
	}()
	var all []event
	answered := make(chan control.Answer, 1)
	go func() {
		client := control.Over(conn.(*net.UnixConn))
		defer client.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		a, err := client.AskAsDashboard(ctx, r, func(control.Answer) {})
		if err != nil {
			t.Error(err)
		}
		answered <- a
	}()
	for {
		select {
		case <-box.wake:
			for _, e := range box.take() {
				if asked, is := e.(operatorAsked); is {
					asked.o.tell(control.Answer{Done: true})
				}
				all = append(all, e)
			}
		case <-ended:
			return <-answered, append(all, box.take()...)
		}
	}
}

func TestOrdersOfTheDashboardAreWrittenDown(t *testing.T) {
	d := &door{locked: true, token: sha256.Sum256([]byte(testToken))}
	r := control.DashboardRequest{Token: testToken, Client: "192.0.2.7\x1b\n" + strings.Repeat("x", 100), Request: control.Request{Command: control.Pause, Pool: "www"}}
	a, events := gateOf(t, d, r)
	var text bytes.Buffer
	l := lines{zlog.New(&text)}
	for _, e := range events {
		if asked, is := e.(operatorAsked); is {
			if asked.o.request != (control.Request{Command: control.Pause, Pool: "www"}) {
				t.Errorf("the loop gets %+v", asked.o.request)
			}
			l.ordered(asked.o, a)
		}
	}
	if got := text.String(); !strings.Contains(got, "pause www asked for by the dashboard for 192.0.2.7..xxx") || !strings.Contains(got, ": done") || strings.Count(got, "\n") != 1 || len(got) > 250 {
		t.Errorf("the log has %q", got)
	}
	text.Reset()
	for i, wrong := range []string{"wrong", testToken[1:]} {
		r.Token, r.Client = wrong, "192.0.2.8"
		a, events := gateOf(t, d, r)
		if a.Reason != control.Denied || a.Why != "the token is wrong" {
			t.Errorf("got %+v", a)
		}
		for _, e := range events {
			switch e := e.(type) {
			case operatorAsked:
				t.Errorf("token %q: the loop gets %+v", wrong, e.o.request)
			case dashboardDenied:
				if i > 0 {
					t.Error("it is told each time")
				}
				l.dashboardDenied(e.client, e.since)
			}
		}
	}
	if got := text.String(); !strings.Contains(got, "the dashboard was sent a wrong token, by 192.0.2.8") || strings.Contains(got, testToken[1:]) {
		t.Errorf("the log has %q", got)
	}
}

// A reload once changed the token, and the observer before it took orders with the old one until it had ended.
func TestATokenEndsWithItsGeneration(t *testing.T) {
	const newToken = "another-token-of-the-test"
	d := &door{locked: true, token: sha256.Sum256([]byte(testToken))}
	second := &door{locked: true, token: sha256.Sum256([]byte("a-token-in-between"))}
	third := &door{locked: true, token: sha256.Sum256([]byte(newToken))}
	asks := func(token string) control.Answer {
		a, _ := gateOf(t, d, control.DashboardRequest{Token: token, Request: control.Request{Command: control.Pause, Pool: "www"}})
		return a
	}
	d.followedBy(second)
	second.followedBy(third)
	if a := asks(testToken); a.Reason != control.Denied || a.Why != "the token is wrong" {
		t.Errorf("with the token before two reloads: got %+v", a)
	}
	if a := asks(newToken); a.Reason != "" || !a.Done {
		t.Errorf("with the token of now: got %+v", a)
	}
	third.followedBy(nil)
	if a := asks(newToken); a.Reason != control.Denied || a.Why != noTokenText {
		t.Errorf("after a reload without a dashboard: got %+v", a)
	}
	(*door)(nil).followedBy(third) // a generation without a dashboard
}
