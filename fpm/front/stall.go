package front

import (
	"net/http"
	"sync"
	"time"
)

// stall bounds how long a write on HTTP/2 waits for the client's window: as long as the client likes, otherwise, and no
// deadline of the connection notices. A stream's own deadline would end it between two writes, too.
//
// Its timer may fire at any moment, also when the write has ended, and when the request has: net/http's writer must not
// be touched then. So the timer's function does nothing unless a write is overdue, and that is settled under the lock.
type stall struct {
	mu      sync.Mutex
	timer   *time.Timer
	w       writeDeadliner // nil: there is no write
	overdue time.Time      // when it has taken too long
}

type writeDeadliner interface{ SetWriteDeadline(time.Time) error }

// begin stands before a write.
func (s *stall) begin(w http.ResponseWriter, timeout time.Duration) {
	deadliner, ok := w.(writeDeadliner)
	if !ok || timeout <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w, s.overdue = deadliner, time.Now().Add(timeout)
	if s.timer == nil {
		s.timer = time.AfterFunc(timeout, s.fire)
	} else {
		s.timer.Reset(timeout)
	}
}

// end stands after a write.
func (s *stall) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w != nil {
		s.w = nil
		s.timer.Stop()
	}
}

// fire ends the write under way if it is overdue.
func (s *stall) fire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w != nil && !time.Now().Before(s.overdue) {
		s.w.SetWriteDeadline(time.Unix(1, 0))
	}
}
