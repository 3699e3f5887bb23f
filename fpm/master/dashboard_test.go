package master

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

const testToken = "0123456789abcdef"

// gateOf has a door take a request, as the loop sees it: an order is answered by done.
func gateOf(t *testing.T, d *control.Door, r control.DashboardRequest) (control.Answer, []event) {
	t.Helper()
	box := newMailbox()
	theirs, err := d.Open(1, box)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	conn, err := net.FileConn(theirs)
	if err != nil {
		t.Fatal(err)
	}
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
					asked.o.Tell(control.Answer{Done: true})
				}
				all = append(all, e)
			}
		case a := <-answered:
			return a, append(all, box.take()...)
		}
	}
}

func TestOrdersOfTheDashboardAreWrittenDown(t *testing.T) {
	d := control.NewDoor(testToken, noToken)
	r := control.DashboardRequest{Token: testToken, Client: "192.0.2.7\x1b\n" + strings.Repeat("x", 100), Request: control.Request{Command: control.Pause, Pool: "www"}}
	a, events := gateOf(t, d, r)
	var text bytes.Buffer
	l := lines{zlog.New(&text)}
	for _, e := range events {
		if asked, is := e.(operatorAsked); is {
			if asked.o.Request != (control.Request{Command: control.Pause, Pool: "www"}) {
				t.Errorf("the loop gets %+v", asked.o.Request)
			}
			l.ordered(&operator{Operator: asked.o}, a)
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
				t.Errorf("token %q: the loop gets %+v", wrong, e.o.Request)
			case wrongToken:
				if i > 0 {
					t.Error("it is told each time")
				}
				l.wrongToken(e.client, e.others)
			}
		}
	}
	if got := text.String(); !strings.Contains(got, "the dashboard was sent a wrong token, by 192.0.2.8") || strings.Contains(got, testToken[1:]) {
		t.Errorf("the log has %q", got)
	}
}
