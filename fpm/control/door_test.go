package control

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/test/wait"
)

const testToken = "0123456789abcdef"

// noToken is what an order is answered if there is no token.
const noToken = "the dashboard takes no orders"

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
		{"long", strings.Repeat("x", MaxToken+1), 0o600, "longer than"},
	} {
		name := filepath.Join(dir, c.name)
		if err := os.WriteFile(name, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, c.mode); err != nil {
			t.Fatal(err)
		}
		token, err := ReadToken(name)
		switch {
		case c.want == "" && (err != nil || token != testToken):
			t.Errorf("%s: got %q, %v", c.name, token, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), testToken)):
			t.Errorf("%s: got %q, %v, want %q", c.name, token, err, c.want)
		}
	}
	if _, err := ReadToken(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadToken(pipe); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a pipe: %v", err)
	}
	if os.Geteuid() == 0 {
		others := filepath.Join(dir, "good")
		if err := os.Chown(others, 12345, -1); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadToken(others); err == nil || !strings.Contains(err.Error(), "user 12345's") {
			t.Errorf("a stranger's: %v", err)
		}
	}
}

// A process of the dashboard that is somebody else's asks for what it likes.
func TestDashboardMayDoWhatItOffersAndNothingElse(t *testing.T) {
	locked := NewDoor(testToken, noToken)
	open := NewDoor("", noToken)
	for _, command := range []Command{Reload, Upgrade, Stop, Status, LastIncidents, SlowRequests, Requests,
		Kill, AskHealth, Pause, Drain, Resume, Scale, ConfigDiff, LogLevel, OpcacheStatus,
		OpcacheReset, MakeProfile, "", "nothing"} {
		shows := command == LastIncidents || command == SlowRequests
		orders := command == Reload || command == Kill || command == Pause || command == Resume || command == Scale || command == MakeProfile
		for _, c := range []struct {
			name  string
			door  *Door
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
			r := DashboardRequest{Token: c.token, Request: Request{Command: command, Now: true, Drained: true, Full: true, Pool: "www", Count: 3600, Rate: 1000, Pid: 2, Level: "debug", Accepted: 3}}
			got, reason, why := c.door.admit(&r)
			if (reason == "") != c.want || (why == "") != c.want {
				t.Errorf("%q %s: got %q %q", command, c.name, reason, why)
			}
			if got.Command == MakeProfile && (got.Count != LongestShownProfile || got.Rate != ShownRate || got.Pid != 0) {
				t.Errorf("a profile is made %+v", got)
			}
			if reason == "" && (got.Command != command || got.Drained || got.Full || got.Level != "" || got.Now && command != Kill) {
				t.Errorf("%q %s: it is made %+v", command, c.name, got)
			}
		}
	}
}

// gateOf has a door take a request. What the door hands on is answered by done.
func gateOf(t *testing.T, d *Door, r DashboardRequest) (Answer, *memo) {
	t.Helper()
	inbox := newMemo()
	inbox.answer = func(o *Operator) { o.Tell(Answer{Done: true}) }
	theirs, err := d.Open(1, inbox)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	conn, err := net.FileConn(theirs)
	if err != nil {
		t.Fatal(err)
	}
	client := Over(conn.(*net.UnixConn))
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	a, err := client.AskAsDashboard(ctx, r, func(Answer) {})
	if err != nil {
		t.Error(err)
	}
	return a, inbox
}

func TestAnOrderOfTheDashboardNamesItsClient(t *testing.T) {
	d := NewDoor(testToken, noToken)
	r := DashboardRequest{Token: testToken, Client: "192.0.2.7\x1b\n" + strings.Repeat("x", 100), Request: Request{Command: Pause, Pool: "www", Full: true}}
	_, inbox := gateOf(t, d, r)
	asked := inbox.take()
	if len(asked) != 1 || asked[0].Request != (Request{Command: Pause, Pool: "www"}) || asked[0].Pid != 1 || asked[0].UID != -1 {
		t.Fatalf("the master is asked by %+v", asked)
	}
	if got := asked[0].String(); !strings.HasPrefix(got, "the dashboard for 192.0.2.7..xxx") || len(got) > len("the dashboard for ")+mostClient {
		t.Errorf("the client is %q", got)
	}
}

// Each wrong token made a line of the error log.
func TestAWrongTokenIsToldNowAndThen(t *testing.T) {
	d := NewDoor(testToken, noToken)
	for i, wrong := range []string{"wrong", testToken[1:]} {
		begun := time.Now()
		a, inbox := gateOf(t, d, DashboardRequest{Token: wrong, Client: "192.0.2.8", Request: Request{Command: Pause, Pool: "www"}})
		if a.Reason != Denied || a.Why != "the token is wrong" {
			t.Errorf("got %+v", a)
		}
		if took := time.Since(begun); took < wrongPause {
			t.Errorf("a wrong token is answered after %v", took)
		}
		if asked := inbox.take(); len(asked) > 0 {
			t.Errorf("token %q: the master is asked by %+v", wrong, asked[0])
		}
		if told := inbox.wrong; len(told) != 1-i || i == 0 && told[0] != "192.0.2.8" {
			t.Errorf("wrong token %d: the master is told %q", i+1, told)
		}
	}
}

// A dashboard that opens gates and says nothing takes no more than its share of the master.
func TestGatesHaveAnEnd(t *testing.T) {
	d := NewDoor(testToken, noToken)
	inbox := newMemo()
	var open []*os.File
	for range maxGates {
		theirs, err := d.Open(1, inbox)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, theirs)
	}
	if _, err := d.Open(1, inbox); err == nil || !strings.Contains(err.Error(), "12 requests of the dashboard wait") {
		t.Errorf("one more: %v", err)
	}
	for _, theirs := range open {
		theirs.Close()
	}
	wait.Until(t, "a gate, after all have closed", func() bool {
		theirs, err := d.Open(1, inbox)
		if err == nil {
			theirs.Close()
		}
		return err == nil
	})
}

// A reload once changed the token, and the observer before it took orders with the old one until it had ended.
func TestATokenEndsWithItsGeneration(t *testing.T) {
	const newToken = "another-token-of-the-test"
	d := NewDoor(testToken, noToken)
	second := NewDoor("a-token-in-between", noToken)
	third := NewDoor(newToken, noToken)
	asks := func(token string) Answer {
		a, _ := gateOf(t, d, DashboardRequest{Token: token, Request: Request{Command: Pause, Pool: "www"}})
		return a
	}
	d.FollowedBy(second)
	second.FollowedBy(third)
	if a := asks(testToken); a.Reason != Denied || a.Why != "the token is wrong" {
		t.Errorf("with the token before two reloads: got %+v", a)
	}
	if a := asks(newToken); a.Reason != "" || !a.Done {
		t.Errorf("with the token of now: got %+v", a)
	}
	third.FollowedBy(nil)
	if a := asks(newToken); a.Reason != Denied || a.Why != noToken {
		t.Errorf("after a reload without a dashboard: got %+v", a)
	}
	(*Door)(nil).FollowedBy(third) // a generation without a dashboard
}
