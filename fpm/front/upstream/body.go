package upstream

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// maxFirst is how much of a body is read before a worker is taken: a slow sender of less holds none.
const maxFirst = 64 << 10

// maxLittle is how much of a body is read before it takes a buffer.
const maxLittle = 4 << 10

// maxShort is how long a body may be that is written before the answer is read: a socket's buffers take it, even if the
// worker does not.
const maxShort = 32 << 10

// maxCarried is how much body a connection may have carried to be kept. Of a longer one the worker may leave a part
// unread, and then it closes the connection after its response.
const maxCarried = 64 << 10

// briskStart is how long the first maxFirst bytes of a body may take, without the first few, for its rest to be streamed. A
// slower client, than about 1.3 MB/s, would hold the worker for long.
const briskStart = 50 * time.Millisecond

// lingerTime is how long a client may take to send the rest of a body that the script did not want, so that the response
// is not lost to it.
const lingerTime = 30 * time.Second

// drainTime is how long a worker may take, after its response, to read the rest of a body that is in memory.
const drainTime = time.Second

// body is a request's body. The zero value is none.
type body struct {
	length int64
	first  []byte     // in buffer, if there is one
	rest   io.Reader  // behind first; nil: nothing
	client bool       // rest comes from the client
	coming bool       // rest is counted as such in Pool.coming
	file   *spoolFile // where rest was spooled
	buffer *[maxFirst]byte
}

// buffers are for bodies. They are of a size, and few: a request with a body has one.
type buffers struct{ sync.Pool }

func (b *buffers) get() *[maxFirst]byte {
	if v, ok := b.Get().(*[maxFirst]byte); ok {
		return v
	}
	return new([maxFirst]byte)
}

// prepare reads the beginning of a body. It reads all of it if its length is not known, because PHP must be told, if it comes slowly, or if the pool
// has no worker to wait for the rest: what does not fit in memory goes to a temporary file.
func (b *body) prepare(h *http.Request, p *Pool) error {
	if h.ContentLength == 0 || h.Body == nil || h.Body == http.NoBody {
		return nil
	}
	want := int64(maxFirst)
	if h.ContentLength > 0 {
		want = min(want, h.ContentLength)
	}
	brisk, err := b.begin(h.Body, int(want), p)
	switch {
	case h.ContentLength > 0:
		if err != nil {
			return because(ErrClient, err)
		}
		b.length = h.ContentLength
		if b.length == want {
			return nil
		}
		if b.coming = p.beginStream(); b.coming && !brisk {
			if err = b.open(p); err == nil {
				b.came(p)
			}
		}
		if !b.coming {
			return b.spool(h.Body, p)
		}
		b.rest, b.client = h.Body, true
		return nil
	case err == io.EOF:
		b.length = int64(len(b.first))
		return nil
	case err != nil:
		return because(ErrClient, err)
	}
	return b.spool(h.Body, p)
}

// begin reads the first bytes, and reports whether they came briskly. Bodies of up to maxLittle bytes take no buffer, so
// that many slow senders stay cheap.
func (b *body) begin(from io.Reader, want int, p *Pool) (brisk bool, err error) {
	little := make([]byte, min(want, maxLittle))
	n, err := readFull(from, little)
	b.first = little[:n]
	if err != nil || n == want {
		return true, err
	}
	b.buffer = p.bodies.get()
	copy(b.buffer[:], little)
	begun := time.Now()
	more, err := readFull(from, b.buffer[n:want])
	b.first = b.buffer[:n+more]
	return time.Since(begun) < p.brisk, err
}

// readFull reads until p is full. The error is io.EOF if r ends before that, and r's own error otherwise. io.ReadFull
// returns io.ErrUnexpectedEOF for both: a body that is complete, and one in chunks that was cut short.
func readFull(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	if n == len(p) {
		err = nil
	}
	return n, err
}

// reading tells errors of reading from those of writing.
type reading struct {
	r   io.Reader
	err error
}

func (r *reading) Read(p []byte) (n int, err error) {
	n, err = r.r.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// open opens the file.
func (b *body) open(p *Pool) error {
	file, err := p.spool()
	if err == nil {
		b.file = &spoolFile{File: file, budget: p.Budget}
	}
	return err
}

// onlyWriter hides the file's ReadFrom, which knows no budget.
type onlyWriter struct{ io.Writer }

func (b *body) spool(from io.Reader, p *Pool) error {
	if b.file == nil {
		if err := b.open(p); err != nil {
			return unless(ErrSpool, err)
		}
	}
	source := &reading{r: from}
	n, err := io.Copy(onlyWriter{b.file}, source)
	switch {
	case source.err != nil:
		return because(ErrClient, source.err)
	case errors.Is(err, errBudget):
		return because(ErrFull, err)
	case err != nil:
		return unless(ErrSpool, err)
	}
	if b.length = int64(len(b.first)) + n; n == 0 {
		return nil
	}
	if _, err := b.file.Seek(0, io.SeekStart); err != nil {
		return because(ErrSpool, err)
	}
	b.rest = b.file
	return nil
}

// short says that the body can be written before the answer is read.
func (b *body) short() bool { return b.rest == nil && len(b.first) <= maxShort }

// came notes that nothing comes from the client any more.
func (b *body) came(p *Pool) {
	if b.coming {
		b.coming = false
		p.endStream()
	}
}

// free gives back what the body took.
func (b *body) free(p *Pool) {
	b.came(p)
	if b.buffer != nil {
		p.bodies.Put(b.buffer)
	}
	if b.file != nil {
		b.file.free()
	}
	*b = body{}
}

// sender sends a long body while the answer is read.
type sender struct {
	c    *conn
	b    *body
	http *http.ResponseController
	done chan struct{}
	// err is why the body is not all sent: ErrClient if it could not be read. To be read when done is closed.
	err error
}

// send begins to send.
func (c *conn) send(b *body, w http.ResponseWriter) *sender {
	s := &sender{c: c, b: b, http: http.NewResponseController(w), done: make(chan struct{})}
	if b.client {
		s.http.EnableFullDuplex() // HTTP/2 is so anyway
	}
	go s.run()
	return s
}

func (s *sender) run() {
	defer close(s.done)
	defer s.b.came(s.c.pool)
	_, err := s.c.w.Write(s.b.first)
	if err == nil {
		err = s.copy()
	}
	if err == nil {
		err = s.c.w.EndStdin()
	}
	s.err = err
	switch {
	case err == nil || !s.b.client:
	case errors.Is(err, ErrClient):
		s.c.socket.Close() // the worker learns that no more comes, and the goroutine that waits for its answer wakes
	default:
		// The worker wants no more of it. Its response may be on its way: the client must be able to read it.
		io.CopyBuffer(discard{}, s.b.rest, s.b.buffer[:])
	}
}

// discard is io.Discard without its own buffers.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func (s *sender) copy() error {
	if s.b.rest == nil {
		return nil
	}
	left := s.b.length - int64(len(s.b.first))
	for left > 0 {
		n, err := s.b.rest.Read(s.b.buffer[:min(left, maxFirst)])
		if n > 0 {
			left -= int64(n)
			s.c.progress.Store(time.Now().UnixNano())
			if _, err := s.c.w.Write(s.b.buffer[:n]); err != nil {
				return err
			}
			s.c.progress.Store(time.Now().UnixNano())
		}
		if err != nil && left > 0 {
			return because(ErrClient, err)
		}
	}
	return nil
}

// stop ends the sending: the response is complete, or there will be none. It reports whether the worker has got all.
// linger says that the client gets time to send what nobody wants.
func (s *sender) stop(linger bool) (all bool) {
	select {
	case <-s.done:
		return s.err == nil
	default:
	}
	if s.b.rest == nil {
		// The worker reads that much away, even if the script did not want it.
		s.c.socket.SetWriteDeadline(time.Now().Add(drainTime))
		<-s.done
		s.c.socket.SetWriteDeadline(time.Time{})
		return s.err == nil
	}
	s.c.socket.SetWriteDeadline(time.Unix(1, 0)) // it reads no more
	if s.b.client && linger {
		timer := time.NewTimer(lingerTime)
		defer timer.Stop()
		select {
		case <-s.done:
			return false
		case <-timer.C:
		}
	}
	if s.b.client {
		s.http.SetReadDeadline(time.Unix(1, 0))
	}
	<-s.done
	return false
}

// reading says that the client's body may not be read to its end.
func (s *sender) reading() bool {
	if s == nil || !s.b.client {
		return false
	}
	select {
	case <-s.done:
		return s.err != nil
	default:
		return true
	}
}
