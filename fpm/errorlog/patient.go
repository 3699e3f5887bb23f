package errorlog

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/jsonline"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// Bounds for a log that is not read.
const (
	logPatience = 100 * time.Millisecond // until the loop continues without a line being written
	maxUnread   = 256 << 10              // bytes of lines that wait
)

// patient writes lines where writing may wait: to a pipe that nobody reads, a stopped terminal, a syslog that does not
// answer. The first line that waits has the loop wait for a moment, as it would be written at once otherwise and stand
// before what others write. Those after it are queued; if they are too many, they are dropped and counted.
type patient struct {
	write func(line string) // may wait
	lost  func(n int) string

	mu      sync.Mutex
	queue   []string
	unread  int
	dropped int
	stuck   bool          // nobody waits for a line any more
	written chan struct{} // closed when the queue is empty; nil: it is
}

func (p *patient) put(line string) {
	p.mu.Lock()
	if p.unread > 0 && p.unread+len(line) > maxUnread { // a line alone may be longer
		p.dropped++
		p.mu.Unlock()
		return
	}
	p.queue = append(p.queue, line)
	p.unread += len(line)
	if p.written == nil {
		p.written = make(chan struct{})
		go p.run()
	}
	written, stuck := p.written, p.stuck
	p.mu.Unlock()
	if stuck {
		return
	}
	timeout := time.NewTimer(logPatience)
	defer timeout.Stop()
	select {
	case <-written:
	case <-timeout.C:
		p.mu.Lock()
		p.stuck = p.written == written
		p.mu.Unlock()
	}
}

// run writes the queue.
func (p *patient) run() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) > 0 {
		line := p.queue[0]
		p.queue = p.queue[1:]
		p.unread -= len(line)
		if len(p.queue) == 0 && p.dropped > 0 {
			p.queue = append(p.queue, p.lost(p.dropped))
			p.unread, p.dropped = len(p.queue[0]), 0
		}
		p.mu.Unlock()
		p.write(line)
		p.mu.Lock()
	}
	close(p.written)
	p.queue, p.written, p.stuck = nil, nil, false
}

// logWriter is a log's file, or standard error, which may be any.
type logWriter struct {
	file *os.File
	json atomic.Bool // of the lines that tell of lost ones
	p    patient
}

func newLogWriter(file *os.File) *logWriter {
	w := &logWriter{file: file}
	w.p.write = func(line string) {
		if len(line) > jsonline.Atomic {
			awaitRoom(file, len(line))
		}
		file.WriteString(line)
	}
	w.p.lost = func(n int) string {
		if w.json.Load() {
			b := jsonline.Text(jsonline.Begin(nil, time.Now()), "level", "warning")
			b = jsonline.Text(b, "message", linesLost(n))
			return string(jsonline.End(jsonline.Int(b, "pid", int64(os.Getpid()))))
		}
		return fmt.Sprintf("%sWARNING: %s\n", zlog.AppendTime(nil, time.Now(), false), linesLost(n))
	}
	return w
}

// roomPatience is how long a long line waits until it can be written to a pipe in one piece.
const roomPatience = time.Second

// awaitRoom waits until a pipe takes so many bytes without a wait, as a rule: what is written at once is one piece then, also if other processes write to
// the pipe. A pipe that is too small is made larger, if that is allowed. Of what is not a pipe it knows nothing.
func awaitRoom(file *os.File, size int) {
	const most = 1 << 20
	fd := channel.RawFD(file)
	room, err := unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0)
	if fd < 0 || err != nil {
		return
	}
	if room < 2*size && room < most {
		if larger, err := unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, min(2*size, most)); err == nil {
			room = larger
		}
	}
	for deadline := time.Now().Add(roomPatience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		unread, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
		if err != nil || unread == 0 || room-2*unread >= size+2*jsonline.Atomic { // a page that holds little counts as a whole one
			return
		}
	}
}

// linesLost is a line of the log in the place of those that it could not take.
func linesLost(n int) string {
	return fmt.Sprintf("[log] %d lines are lost: the log did not take them", n)
}

func (w *logWriter) Write(b []byte) (int, error) {
	var s unix.Stat_t
	if fd := channel.RawFD(w.file); fd >= 0 && unix.Fstat(fd, &s) == nil && s.Mode&unix.S_IFMT == unix.S_IFREG {
		return w.file.Write(b)
	}
	w.p.put(string(b))
	return len(b), nil
}
