package front

import (
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// A client that sends one request after the other is told to go elsewhere, not cut off.
func TestDrainTellsWhoIsBusy(t *testing.T) {
	t.Parallel()
	f := start(t, orders(t, map[string]string{"a.txt": "text"}, nil))
	kept := f.dial(t)
	const request = "GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n"
	if got := kept.ask(request); got.StatusCode != 200 || got.Close {
		t.Fatalf("got %d, close %v", got.StatusCode, got.Close)
	}
	go f.drain()
	wait.Until(t, "the drain", f.draining.Load)
	if got := kept.ask(request); got.StatusCode != 200 || !got.Close {
		t.Errorf("got %d, close %v", got.StatusCode, got.Close)
	}
}

// A client that was let in before the end is answered, though its request comes after the end began; a later client is refused.
func TestDrainAnswersWhoWasAccepted(t *testing.T) {
	t.Parallel()
	f := start(t, orders(t, map[string]string{"a.txt": "text"}, nil))
	kept, fresh := f.dial(t), f.dial(t)
	if got := kept.ask("GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n"); got.StatusCode != 200 {
		t.Fatalf("got %d", got.StatusCode)
	}
	wait.Until(t, "a connection without a request", func() bool { return f.connections.fresh() == 1 })
	drained := make(chan bool)
	go func() {
		f.drain()
		close(drained)
	}()
	wait.Until(t, "a listener that is gone", func() bool { return !serve.Accepts("tcp", f.addresses[0])() })
	time.Sleep(4 * stopInterval) // time enough for a server that would forget the other
	if _, err := kept.r.ReadByte(); err == nil {
		t.Error("a kept connection has something to read")
	}
	if got := fresh.ask("GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n"); got.StatusCode != 200 || got.body != "text" || !got.Close {
		t.Errorf("got %d %q, close %v", got.StatusCode, got.body, got.Close)
	}
	<-drained
}
