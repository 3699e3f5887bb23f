package front

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/wait"
)

// A timer of a write may fire after the write, and after the request: it touches no writer then. net/http's has nothing
// left after its handler, and the process died of it.
func TestStallTimerLeavesEndedWritesAlone(t *testing.T) {
	t.Parallel()
	w, s := &deadlines{}, &stall{}
	s.begin(w, time.Hour)
	s.fire() // of the write before
	s.end()
	s.fire()
	if n := w.set.Load(); n != 0 {
		t.Errorf("%d deadlines were set without a write that is overdue", n)
	}
	s.begin(w, time.Nanosecond)
	wait.Until(t, "the end of a write that is overdue", func() bool { return w.set.Load() > 0 })
	s.end()
}

type deadlines struct {
	http.ResponseWriter
	set atomic.Int32
}

func (d *deadlines) SetWriteDeadline(time.Time) error {
	d.set.Add(1)
	return nil
}

// net/http's own writer of HTTP/2 panics when its deadline is set after the handler: the timer must not reach it then,
// whether it is late for a write or for the request.
func TestStallTimerAfterTheHandler(t *testing.T) {
	t.Parallel()
	s := &stall{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.begin(w, time.Hour)
		s.mu.Lock() // The write is overdue, and its timer comes late.
		s.overdue = time.Now()
		s.mu.Unlock()
		s.end()
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	response, err := server.Client().Get(server.URL)
	if err != nil || response.ProtoMajor != 2 {
		t.Fatal(response, err)
	}
	response.Body.Close()
	server.Close() // the handler has ended
	s.fire()
}
