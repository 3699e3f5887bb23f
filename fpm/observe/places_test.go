package observe

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Clients that connect and say nothing, half of a head, or announce a body that never comes keep nobody from an answer. A request under way is not
// given up for others.
func TestSilentClientsKeepNobodyFromAnAnswer(t *testing.T) {
	const most = 4
	for name, said := range map[string]string{
		"nothing":     "",
		"half a head": "GET /livez HTTP/1.1\r\nHost: ",
		"no body":     "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
		"kept":        "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := serverOf(t, map[string]*pool{"www": newPool(t, "www", 1, 1)})
			entered, leave := make(chan struct{}), make(chan struct{})
			s.asked = func() { entered <- struct{}{}; <-leave }
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go s.serve(l, newPlaces(most))
			defer s.http.Close()
			say := func(text string) net.Conn {
				t.Helper()
				c, err := net.DialTimeout("tcp", l.Addr().String(), 3*time.Second)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { c.Close() })
				c.SetDeadline(time.Now().Add(3 * time.Second)) // less than headTimeout, after which silent clients go by themselves
				if _, err := io.WriteString(c, text); err != nil {
					t.Fatal(err)
				}
				return c
			}
			hear := func(c net.Conn) (int, string) {
				t.Helper()
				r, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer r.Body.Close()
				text, err := io.ReadAll(r.Body)
				if err != nil {
					t.Fatal(err)
				}
				return r.StatusCode, string(text)
			}
			busy := say("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			select {
			case <-entered:
			case <-time.After(3 * time.Second):
				t.Fatal("nobody asks for metrics")
			}
			for range 5 * most {
				say(said)
			}
			if status, text := hear(say("GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")); status != 200 || text != "ok\n" {
				t.Errorf("got %d %q", status, text)
			}
			close(leave)
			if status, text := hear(busy); status != 200 || !strings.Contains(text, "phpsapi_scrapes_total 0\n") {
				t.Errorf("the request before the others: got %d and %s", status, fmt.Sprintf("%.200q", text))
			}
		})
	}
}
