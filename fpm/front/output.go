package front

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/front/upstream"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// finishOutput sends the rest of a response that a worker has begun, and has the connection carry on then. more brings what follows
// text, where next says so; nil: nothing does.
func (f *Front) finishOutput(c *conn, next byte, text []byte, more *os.File) {
	f.outputs.Add(1)
	defer f.outputs.Add(-1)
	var behind []byte
	var err error
	switch {
	case next == contract.OutputMore && more != nil:
		o := &output{file: more, silence: f.limits.RequestTimeout, limit: f.limits.SpoolBytes, budget: f.budget,
			spool: upstream.NamelessFile, failed: f.spoolFailed}
		next, behind, err = o.relay(c, text)
	case next == contract.OutputFile && more != nil:
		next, behind, err = sendPart(c, more, text)
	default:
		if more != nil {
			more.Close()
		}
		if next != contract.OutputEnd {
			_, err = c.Write(text)
		} else {
			behind = text
		}
	}
	switch {
	case err != nil || next != contract.OutputEnd:
		c.Close()
	case len(behind) > 0 && f.handed != nil:
		f.handed.serve(c.goOn(behind))
	default:
		f.rest(c)
	}
}

// sendPart sends the part of a file that a worker has not sent. text is a contract.FilePart. It returns how the response has ended, and
// what was read of the next request.
func sendPart(c *conn, file *os.File, text []byte) (next byte, behind []byte, err error) {
	defer file.Close()
	part, ok := contract.ParseFilePart(text)
	info, err := file.Stat()
	if err == nil && (!ok || !info.Mode().IsRegular() || info.Size()-part.Offset < part.Length) { // files of /proc have no size
		err = errCutOff
	}
	if err == nil {
		_, err = file.Seek(part.Offset, io.SeekStart)
	}
	if err != nil {
		return 0, nil, err
	}
	n, err := c.ReadFrom(&io.LimitedReader{R: file, N: part.Length})
	if err == nil && n < part.Length {
		err = errCutOff
	}
	return part.Next, part.Behind, err
}

// spoolFailed logs once a second at most that slow clients hold workers for lack of a file.
func (f *Front) spoolFailed(err error) {
	now, last := time.Now().UnixNano(), f.spoolSaid.Load()
	if last != 0 && now-last < int64(time.Second) || !f.spoolSaid.CompareAndSwap(last, now) {
		return
	}
	f.logf(zlog.Warning, "a slow client holds a worker, as the response cannot go to a temporary file (see TMPDIR and http.limits.spool_size): %v", err)
}

// output is the rest of a response on its way from a worker to a slow client. What the client does not take goes to a temporary file,
// so that the worker is held only if there is no room.
type output struct {
	file    *os.File // from the worker
	silence time.Duration
	limit   int64
	budget  *upstream.Budget
	spool   func() (*os.File, error)
	failed  func(error)

	mu            sync.Mutex
	changed       sync.Cond
	piece         []byte // what is next for the client, if nothing is in the temporary file
	temporary     *os.File
	held          bool // there can be no temporary file
	read, written int64
	next          byte   // how it has ended; 0: it has not
	behind        []byte // what was read of the next request
	left          bool   // the client takes no more
}

// errCutOff is a response that ends too early.
var errCutOff = errors.New("the response was cut off")

// relay writes text, and then what comes. It returns how the response has ended, and what was read of the next request.
func (o *output) relay(c io.Writer, text []byte) (next byte, behind []byte, err error) {
	o.changed.L = &o.mu
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.fill()
	}()
	_, err = c.Write(text)
	buf := make([]byte, 64<<10)
	for err == nil {
		var b []byte
		if b, err = o.take(buf); len(b) == 0 {
			break
		}
		_, err = c.Write(b)
	}
	o.mu.Lock()
	o.left = true
	o.changed.Broadcast()
	o.mu.Unlock()
	o.file.Close() // a worker that continues is told by that
	<-done
	if o.temporary != nil {
		o.temporary.Close()
		o.budget.Give(o.written)
	}
	return o.next, o.behind, err
}

// take returns what is next for the client; nothing: that was all.
func (o *output) take(buf []byte) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		switch {
		case o.piece != nil:
			b := o.piece
			o.piece = nil
			o.changed.Broadcast()
			return b, nil
		case o.read < o.written:
			n := min(o.written-o.read, int64(len(buf)))
			o.mu.Unlock()
			_, err := o.temporary.ReadAt(buf[:n], o.read)
			o.mu.Lock()
			if err != nil {
				return nil, fmt.Errorf("the spooled response: %w", err)
			}
			if o.read += n; o.read == o.written {
				o.temporary.Truncate(0)
				o.budget.Give(o.written)
				o.read, o.written = 0, 0
				o.changed.Broadcast()
			}
			return buf[:n], nil
		case o.next == contract.OutputEnd, o.next == contract.OutputClose:
			return nil, nil
		case o.next != 0:
			return nil, errCutOff
		}
		o.changed.Wait()
	}
}

// fill reads what comes from the worker, to the end.
func (o *output) fill() {
	next, behind := o.receive()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.next, o.behind = next, behind
	o.changed.Broadcast()
}

// cutOff is how a response has ended that did not come to its end.
const cutOff = 'X'

func (o *output) receive() (next byte, behind []byte) {
	raw, err := o.file.SyscallConn()
	if err != nil {
		return cutOff, nil
	}
	packet := make([]byte, contract.MaxHanded)
	for {
		if o.silence > 0 {
			o.file.SetReadDeadline(time.Now().Add(o.silence))
		}
		n, err := receivePacket(raw, packet)
		switch {
		case err != nil || n == 0:
			return cutOff, nil
		case packet[0] == contract.OutputEnd, packet[0] == contract.OutputClose:
			return packet[0], append([]byte(nil), packet[1:n]...)
		case packet[0] != contract.OutputMore:
			return cutOff, nil
		case n > 1 && !o.put(packet[1:n]):
			return cutOff, nil
		}
	}
}

// receivePacket reads a packet. It returns 0 at the end.
func receivePacket(raw syscall.RawConn, packet []byte) (n int, err error) {
	var got error
	if err := raw.Read(func(fd uintptr) bool {
		n, _, got = unix.Recvfrom(int(fd), packet, unix.MSG_DONTWAIT)
		return got != unix.EAGAIN && got != unix.EINTR
	}); err != nil {
		return 0, err
	}
	return n, got
}

// put takes a piece. It returns false if the client takes no more.
func (o *output) put(b []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.left {
		if o.piece == nil && o.read == o.written {
			o.piece = append([]byte(nil), b...)
			o.changed.Broadcast()
			return true
		}
		if !o.held && o.written+int64(len(b)) <= o.limit {
			n, err := o.store(b)
			if b = b[n:]; len(b) == 0 {
				o.changed.Broadcast()
				return true
			}
			if err != nil {
				o.held = true
				o.failed(err)
			}
			continue
		}
		o.changed.Wait()
	}
	return false
}

// store writes behind what is in the temporary file.
func (o *output) store(b []byte) (n int, err error) {
	if o.temporary == nil {
		if o.temporary, err = o.spool(); err != nil {
			o.temporary = nil
			return 0, err
		}
	}
	if err := o.budget.Take(len(b)); err != nil {
		return 0, err
	}
	n, err = o.temporary.WriteAt(b, o.written)
	o.budget.Give(int64(len(b) - n))
	o.written += int64(n)
	return n, err
}
