package upstream

import (
	"fmt"
	"io"
	"os"
	"sync"
)

// NamelessFile makes a temporary file without a name, in os.TempDir().
func NamelessFile() (*os.File, error) {
	file, err := os.CreateTemp("", "phpsapi-spool-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// spool is where a response waits for a slow client: a file between the goroutine that reads it from the worker, conn.fill,
// and the one that writes it to the client, answer.relay. When the writer has caught up it gets the worker's side back.
type spool struct {
	conn  *conn
	limit int64
	done  chan struct{} // closed when the worker's side has ended
	file  *os.File      // nil: not needed so far
	buf   []byte        // the writer's

	mu            sync.Mutex
	changed       sync.Cond
	read, written int64  // bytes of the file
	waiting       bool   // the writer has all there is
	piece         []byte // it gets the worker's side back, with this
	over          bool   // the reader has nothing more to do with the connection
	ended         error  // after what is in the file; nil: more may come
	left          bool   // the writer has gone
}

func newSpool(c *conn) *spool {
	s := &spool{conn: c, limit: c.pool.Limits.SpoolBytes, done: make(chan struct{})}
	s.changed.L = &s.mu
	return s
}

// fill reads the response in the writer's place, until its end or until the writer has caught up.
func (c *conn) fill(a *answer, s *spool) {
	c.current.Store(nil)
	if s.buf == nil {
		s.buf = make([]byte, readBuffer)
	}
	s.buf = c.r.Rebuffer(s.buf) // what is being written stays in the old one
	for {
		b, err := c.next(a)
		if err == nil {
			var back bool
			if back, err = s.put(c, a, b); back {
				return
			}
		}
		if err != nil {
			s.end(c, a, err)
			return
		}
	}
}

// put puts a piece into the file, or gives it to the writer, with the connection: when that has caught up. What the file
// cannot take waits for that.
func (s *spool) put(c *conn, a *answer, b []byte) (back bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.free() && !s.left && !a.held && s.written+int64(len(b)) <= s.limit {
		n, err := s.store(b)
		s.written += int64(n)
		if b = b[n:]; err == nil {
			s.changed.Broadcast()
			return false, nil
		}
		a.held = true
		c.pool.reportSpool(a.r.ID, err)
	}
	for !s.free() && !s.left {
		s.changed.Wait()
	}
	if s.left {
		return false, ErrClient
	}
	s.piece = b
	s.changed.Broadcast()
	return true, nil
}

// free says that the writer waits and has all.
func (s *spool) free() bool { return s.waiting && s.read == s.written }

// store writes behind what is in the file. The writer may read meanwhile.
func (s *spool) store(b []byte) (n int, err error) {
	at := s.written
	s.mu.Unlock()
	defer s.mu.Lock()
	if s.file == nil {
		if s.file, err = s.conn.pool.spool(); err != nil {
			return 0, err
		}
	}
	if err := s.conn.pool.Budget.Take(len(b)); err != nil {
		return 0, err
	}
	n, err = s.file.WriteAt(b, at)
	s.conn.pool.Budget.Give(int64(len(b) - n))
	return n, err
}

// end is the end of the worker's side. The worker is given back at once, while the client has a long way to go.
func (s *spool) end(c *conn, a *answer, err error) {
	s.mu.Lock()
	s.over = true
	if err == io.EOF {
		s.ended, err = err, nil
		s.changed.Broadcast()
	}
	s.mu.Unlock()
	if err = c.finish(a, err); err != nil {
		s.mu.Lock()
		s.ended = err
		s.changed.Broadcast()
		s.mu.Unlock()
	}
	close(s.done)
}

// next is conn.next for what is in the spool.
func (s *spool) next(a *answer) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.read < s.written:
			n := min(s.written-s.read, int64(len(s.buf)))
			s.mu.Unlock()
			_, err := s.file.ReadAt(s.buf[:n], s.read)
			s.mu.Lock()
			if err != nil {
				return nil, fmt.Errorf("the spooled response: %w", err)
			}
			s.read += n
			return s.buf[:n], nil
		case s.ended != nil:
			return nil, s.ended
		case s.piece != nil:
			return s.takeOver(a), nil
		case a.unsent:
			return nil, errQuiet
		}
		s.waiting = true
		s.changed.Broadcast()
		s.changed.Wait()
		s.waiting = false
	}
}

// takeOver has the writer continue at the worker's side, with the piece that the reader left.
func (s *spool) takeOver(a *answer) (piece []byte) {
	piece, s.piece = s.piece, nil
	if s.written > 0 {
		s.file.Truncate(0)
		s.conn.pool.Budget.Give(s.written)
		s.read, s.written = 0, 0
	}
	a.resume()
	return piece
}

// leave is the end of the writer's side. err: the response did not get to its end, and the worker is to be told.
func (s *spool) leave(err error) {
	s.mu.Lock()
	s.left = true
	s.changed.Broadcast()
	if err != nil && !s.over {
		s.conn.socket.Close()
	}
	s.mu.Unlock()
	<-s.done
	s.close()
}

// close gives the disk back. The spool may be nil.
func (s *spool) close() {
	if s != nil && s.file != nil {
		s.file.Close()
		s.conn.pool.Budget.Give(s.written)
	}
}
