package front

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/wait"
)

// successors starts two fronts that have one address, with TLS or without, and sites of their own, and a channel between
// them. The first, at 127.0.0.1:0, answers "old", the other "new". serve answers for the scripts of both.
func successors(t *testing.T, secure bool, address string, after time.Duration, serve func(*worker) bool) (old, next *tested, heir *channel.Channel) {
	t.Helper()
	old, next, heir, from := generations(t, secure, address, after, serve)
	go next.inherit(from)
	return old, next, heir
}

// generations is successors without the second front reading the channel, whose other end is from.
func generations(t *testing.T, secure bool, address string, after time.Duration, serve func(*worker) bool) (old, next *tested, heir, from *channel.Channel) {
	t.Helper()
	var both []*tested
	for _, text := range []string{"old", "new"} {
		o := orders(t, map[string]string{"a.txt": text, "index.php": ""}, serve)
		o.Listeners[0].TLS = secure
		if text == "new" {
			o.Listeners[0].Address = address
		}
		if secure {
			o.Certificates = []contract.Certificate{certified(t, "a.example", 1)}
		}
		f := prepare(t, o)
		f.connections.lot.after = after
		f.run(t)
		both = append(both, f)
	}
	heir, theirs, err := channel.New()
	if err != nil {
		t.Fatal(err)
	}
	return both[0], both[1], heir, openChannel(t, theirs)
}

// More connections than the channel holds go to a front that reads none of them until the other has yielded.
func TestManyConnectionsChangeFrontsInTheirTime(t *testing.T) {
	t.Parallel()
	const many = 500
	old, next, heir, from := generations(t, false, "127.0.0.1:0", time.Millisecond, nil)
	var clients []*rawClient
	for range many {
		clients = append(clients, old.dial(t))
	}
	wait.Until(t, "all connections in the lot", func() bool {
		old.connections.lot.mu.Lock()
		defer old.connections.lot.mu.Unlock()
		return len(old.connections.lot.parked) == many
	})
	old.yield(heir)
	if n := len(old.connections.all()); n == 0 {
		t.Fatal("the channel holds all connections")
	}
	go next.inherit(from)
	old.drain()
	if n := len(old.connections.all()); n != 0 {
		t.Errorf("%d connections are left when the front ends", n)
	}
	for i, c := range clients {
		if got := c.ask(request); got.body != "new" || got.Close {
			t.Fatalf("client %d got %q, close %v", i, got.body, got.Close)
		}
	}
}

// A front that ends before it has taken all connections leaves the others to nobody: they are closed, and the one before it ends.
func TestConnectionsThatAFrontDoesNotLiveToTakeAreClosed(t *testing.T) {
	t.Parallel()
	old, _, heir, from := generations(t, false, "127.0.0.1:0", time.Millisecond, nil)
	kept := old.dial(t)
	kept.ask(request)
	from.Close()
	old.yield(heir)
	kept.ends()
	old.drain()
}

// A connection that waits for a request when its front is replaced is not lost, whether it has had one or none, and waits in
// net/http or in the lot; and what is asked on it then is answered by the front of now.
func TestConnectionsThatWaitChangeFronts(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"in net/http": time.Hour, "in the lot": time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			old, next, heir := successors(t, false, "127.0.0.1:0", after, nil)
			var clients []*rawClient
			for range 20 {
				fresh, kept := old.dial(t), old.dial(t)
				if got := kept.ask(request); got.body != "old" {
					t.Fatalf("got %q", got.body)
				}
				clients = append(clients, fresh, kept)
			}
			begun := old.dial(t)
			io.WriteString(begun, request[:10])
			wait.Until(t, "all connections and the beginning of a head", func() bool {
				n, reading := 0, 0
				for _, c := range old.connections.all() {
					n++
					if c.place.Load() == busy {
						reading++
					}
				}
				return n == 41 && reading == 1
			})
			old.yield(heir)
			for i, c := range clients {
				if got := c.ask(request); got.body != "new" || got.Close {
					t.Fatalf("client %d got %q, close %v", i, got.body, got.Close)
				}
			}
			if got := begun.ask(request[10:]); got.body != "old" || !got.Close {
				t.Errorf("a head that had begun got %q, close %v", got.body, got.Close)
			}
			if n := len(next.connections.all()); n != len(clients) {
				t.Errorf("the other front has %d connections", n)
			}
		})
	}
}

// A client that was told nothing of the front's end, as the head of its response was sent before, found its connection closed
// behind the response, and lost its next request. One whose head is sent later is told.
func TestConnectionsWithAResponseUnderWayChangeFronts(t *testing.T) {
	t.Parallel()
	goOn, arrived := map[string]chan bool{"/begun": make(chan bool), "/late": make(chan bool)}, make(chan bool)
	old, _, heir := successors(t, false, "127.0.0.1:0", parkAfter, func(w *worker) bool {
		wait := goOn[w.param("REQUEST_URI")]
		if w.param("REQUEST_URI") == "/begun" {
			io.WriteString(w.Response(), "Content-Type: text/plain\r\n\r\nfirst half, ")
			w.Response().Flush()
			<-wait
			return w.say("second half")
		}
		close(arrived)
		<-wait
		return w.say("Content-Type: text/plain\r\n\r\nlate")
	})
	begun, late := old.dial(t), old.dial(t)
	io.WriteString(late, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n")
	io.WriteString(begun, "GET /begun HTTP/1.1\r\nHost: x\r\n\r\n")
	response, err := http.ReadResponse(begun.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	<-arrived // or the other front would answer it
	yielded := make(chan bool)
	go func() { old.yield(heir); close(yielded) }()
	wait.Until(t, "the front yields", old.connections.yields.Load)
	goOn["/late"] <- true
	if got := late.read("GET"); got.body != "late" || !got.Close {
		t.Errorf("a late head: got %q, close %v", got.body, got.Close)
	}
	goOn["/begun"] <- true
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "first half, second half" || response.Close {
		t.Errorf("got %q, %v, close %v", body, err, response.Close)
	}
	// Either answers: net/http may have begun to read the request before it was done with the response.
	if got := begun.ask(request); got.body != "new" && got.body != "old" {
		t.Errorf("the next request got %q", got.body)
	}
	<-yielded
}

// Without another front at the address, connections that wait are closed: what is asked on them is not answered by the old one.
func TestConnectionsThatNoFrontTakesAreClosed(t *testing.T) {
	t.Parallel()
	old, _, heir := successors(t, false, "127.0.0.1:1", parkAfter, nil)
	kept := old.dial(t)
	kept.ask(request)
	old.yield(heir)
	kept.ends()
}

// HTTPS connections stay: one without a request under way is closed, and HTTP/2's client is told before it asks again.
func TestSecureConnectionsEndWhenTheFrontIsReplaced(t *testing.T) {
	t.Parallel()
	old, _, heir := successors(t, true, "127.0.0.1:0", parkAfter, nil)
	dial := func() *rawClient {
		c := old.dial(t)
		secure := tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true})
		if err := secure.Handshake(); err != nil {
			t.Fatal(err)
		}
		c.Conn = secure
		c.r.Reset(secure)
		return c
	}
	silent, kept := dial(), dial()
	if got := kept.ask(request); got.body != "old" {
		t.Fatalf("got %q", got.body)
	}
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	transport := &http.Transport{Protocols: &protocols, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	if got, err := transport.RoundTrip(newRequest(t, "https://"+old.addresses[0]+"/a.txt")); err != nil || got.ProtoMajor != 2 {
		t.Fatalf("got %v, %v", got, err)
	} else {
		got.Body.Close()
	}
	old.yield(heir)
	if got, err := transport.RoundTrip(newRequest(t, "https://"+old.addresses[0]+"/a.txt")); err == nil {
		t.Errorf("HTTP/2 got %v, not a refusal", got.Status)
	}
	kept.ends()
	silent.ends()
}

func newRequest(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A connection that is parked only after its front has yielded, as on a busy machine, is another front's still: it was closed, and a
// request that its client had sent was lost.
func TestConnectionThatIsParkedLateChangesFronts(t *testing.T) {
	t.Parallel()
	old, _, heir := successors(t, false, "127.0.0.1:0", time.Hour, nil)
	old.yield(heir)
	defer old.drain()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client := (&tested{addresses: []string{l.Addr().String()}}).dial(t)
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(client, request[:10])
	old.connections.enter(nil)
	old.rest(old.connections.register(accepted, "127.0.0.1:0"))
	if got := client.ask(request[10:]); got.body != "new" {
		t.Errorf("got %q", got.body)
	}
}
