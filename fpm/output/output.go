// Counterpart: sapi/fpm/fpm/fpm_stdio.c (fpm_stdio_prepare_pipes, fpm_stdio_child_said)

package output

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/channel"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// flushMark is what a worker writes to end a line without a line end: php-fpm's FPM_STDIO_CMD_FLUSH, its NUL included.
const flushMark = "\x00fscf\x00"

// Origin is the worker that writes.
type Origin struct {
	Pool     string
	Pid      int
	Decorate bool // its lines, see conf.Pool.DecorateWorkersOutput
}

// Output is what a worker of a pool with catch_workers_output writes, on its way to the error log. Both pipes share a
// line, as php-fpm's do: a change from one to the other ends it.
type Output struct {
	of     Origin
	pipes  [2]*os.File // stdout and stderr
	ended  [2]bool
	stream *zlog.Stream
	about  zlog.About
	last   int       // the pipe the stream's line comes from
	held   [2][]byte // the beginning of a flushMark at the end of a pipe's piece

	// A pipe is read to its end before the other is, as php-fpm does: a change of pipes cuts a line only where the
	// worker did.
	turn    sync.Mutex
	drained [2]drained
	grace   time.Duration // how long the other pipe waits for the end of a torn line

	leaving []int // copies of the pipes' ends for another program; see Duplicate

	// What the worker is told, so that it need not end what nobody has begun.
	mu     sync.Mutex
	board  *scoreboard.Board // nil: the worker is gone
	slot   int               // of it
	inHand [2]bool           // a pipe's piece is on its way to the log
	open   [2]bool           // the log's line comes from the pipe and has no end yet
}

// drained is what was read of a pipe since it was its turn.
type drained struct {
	reading bool        // it is its turn
	over    *time.Timer // its turn is until then, though the pipe is empty
	bytes   int         // in this turn
	line    int         // since the last line end
}

// torn reports whether the pipe ends with a line whose writer may be in the middle of it: more than is written at once,
// or the end of a full pipe.
func (d *drained) torn() bool {
	const atOnce, full = 4096, 8192
	return d.line >= atOnce || d.line > 0 && d.bytes >= full
}

// tornGrace is Output.grace: a worker that continues with a line does so by then.
const tornGrace = 50 * time.Millisecond

// Piece is a piece of output, or its end.
type Piece struct {
	o    *Output
	pipe int
	text []byte
	end  bool
	done chan struct{} // the reader waits for it before it reads on
}

// New makes the pipes of a worker that has a slot of a scoreboard, and returns their write ends.
func New(board *scoreboard.Board, slot int) (o *Output, stdout, stderr *os.File, err error) {
	o = &Output{board: board, slot: slot, grace: tornGrace}
	if o.pipes[0], stdout, err = os.Pipe(); err != nil {
		return nil, nil, nil, err
	}
	if o.pipes[1], stderr, err = os.Pipe(); err != nil {
		o.pipes[0].Close()
		stdout.Close()
		return nil, nil, nil, err
	}
	return o, stdout, stderr, nil
}

// Adopt returns the output of a worker of another program, by the descriptors that its Left has returned, which become the output's.
func Adopt(left []int) *Output {
	o := &Output{grace: tornGrace}
	for i, fd := range left {
		o.pipes[i] = os.NewFile(uintptr(fd), "output")
	}
	return o
}

// Discard closes the pipes of a worker that was not forked.
func (o *Output) Discard() {
	for _, pipe := range o.pipes {
		pipe.Close()
	}
}

// Pipes is how many pipes a worker has. Each has an end, for which Piece.Log returns true.
const Pipes = 2

// Read begins to read both pipes, when it is known who writes. Pieces are posted on other goroutines, each when that before it was logged.
func (o *Output) Read(of Origin, post func(*Piece)) {
	o.of = of
	for i := range o.pipes {
		go func() {
			done := make(chan struct{})
			buf := make([]byte, 1023)
			for {
				n, err := o.next(i, buf)
				post(&Piece{o: o, pipe: i, text: buf[:n], end: err != nil, done: done})
				<-done
				if err != nil {
					return
				}
			}
		}()
	}
}

// next waits for a piece, or for the end, and marks that the pipe is being read (inHand).
func (o *Output) next(pipe int, buf []byte) (n int, err error) {
	raw, closed := o.pipes[pipe].SyscallConn()
	if closed == nil {
		closed = raw.Read(func(fd uintptr) bool {
			o.takeTurn(pipe)
			// Told before the pipe is read: what a worker wrote is in the pipe or being read, whenever it looks.
			o.told(func() { o.inHand[pipe] = true })
			if n, err = readPipe(int(fd), buf); err == unix.EAGAIN {
				o.told(func() { o.inHand[pipe] = false })
				o.leaveTurn(pipe)
				return false
			}
			return true
		})
	}
	if closed != nil {
		o.told(func() { o.inHand[pipe] = true })
		n, err = 0, closed
	}
	o.drained[pipe].count(buf[:max(n, 0)])
	if err != nil {
		o.drained[pipe].line = 0
		o.leaveTurn(pipe)
	}
	return n, err
}

func (o *Output) takeTurn(pipe int) {
	d := &o.drained[pipe]
	if d.over != nil {
		d.reading = d.over.Stop() // if not, the turn is the other's
		d.over = nil
	}
	if !d.reading {
		o.turn.Lock()
		d.reading, d.bytes = true, 0
	}
}

func (o *Output) leaveTurn(pipe int) {
	d := &o.drained[pipe]
	switch {
	case !d.reading || d.over != nil:
	case d.torn():
		d.over = time.AfterFunc(o.grace, o.turn.Unlock)
	default:
		d.reading = false
		o.turn.Unlock()
	}
}

// count notes what was read.
func (d *drained) count(piece []byte) {
	d.bytes += len(piece)
	if end := bytes.LastIndexByte(piece, '\n'); end >= 0 {
		d.line = len(piece) - end - 1
	} else {
		d.line += len(piece)
	}
}

// readPipe reads a piece, or io.EOF; it does not wait.
func readPipe(fd int, buf []byte) (int, error) {
	for {
		n, err := unix.Read(fd, buf)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// told makes a change and tells the worker.
func (o *Output) told(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
	if o.board != nil {
		o.board.OutputOpen(o.slot, o.inHand[0] || o.open[0], o.inHand[1] || o.open[1])
	}
}

// Leave ends the telling: the worker is gone, and its slot may be another's soon.
func (o *Output) Leave() { o.told(func() { o.board = nil }) }

// Log logs a piece, and has the next one read. It reports whether the pipe has ended.
func (p *Piece) Log(log *zlog.Log) (ended bool) {
	p.o.take(log, p.pipe, p.text)
	if p.end {
		p.o.ended[p.pipe] = true
		p.o.pipes[p.pipe].Close()
		// The worker is gone without ending its line; php-fpm leaves such a line in its buffer.
		if p.o.stream != nil && p.o.last == p.pipe {
			p.o.stream.Finish()
		}
	}
	p.o.told(func() {
		p.o.inHand[p.pipe] = false
		for i := range p.o.open {
			p.o.open[i] = p.o.held[i] != nil || i == p.o.last && p.o.stream != nil && p.o.stream.Open()
		}
	})
	p.done <- struct{}{}
	return p.end
}

// Unread adds the pipes that have not ended to what is to be polled: what is there was not logged.
func (o *Output) Unread(fds []unix.PollFd) []unix.PollFd {
	for i, pipe := range o.pipes {
		if !o.ended[i] {
			fds = append(fds, unix.PollFd{Fd: int32(channel.RawFD(pipe)), Events: unix.POLLIN})
		}
	}
	return fds
}

// Duplicate takes copies of the pipes' ends, for the program that is executed.
func (o *Output) Duplicate() {
	for i, pipe := range o.pipes {
		if o.ended[i] {
			o.leaving = nil
			return
		}
		fd, err := unix.FcntlInt(uintptr(channel.RawFD(pipe)), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return
		}
		o.leaving = append(o.leaving, fd)
	}
}

// Left returns what Duplicate has taken: both pipes, or none.
func (o *Output) Left() []int { return o.leaving }

// Halt has nobody read the pipes any more. What was read is posted, and the ends after it.
func (o *Output) Halt() {
	for _, pipe := range o.pipes {
		pipe.SetReadDeadline(time.Unix(1, 0))
	}
}

// HasEnded reports whether both pipes have ended, or were halted.
func (o *Output) HasEnded() bool { return o.ended[0] && o.ended[1] }

// take logs a piece.
func (o *Output) take(log *zlog.Log, pipe int, text []byte) {
	if len(text) == 0 {
		return
	}
	o.begin(log, pipe)
	text = append(o.held[pipe], text...)
	o.held[pipe] = nil
	for len(text) > 0 {
		i := bytes.IndexAny(text, "\n\x00")
		switch {
		case i < 0:
			o.stream.Write(string(text))
			return
		case text[i] == '\n':
			o.stream.Write(string(text[:i]))
			o.stream.Finish()
			text = text[i+1:]
		case bytes.HasPrefix(text[i:], []byte(flushMark)):
			o.stream.Write(string(text[:i]))
			o.stream.Finish()
			text = text[i+len(flushMark):]
		case bytes.HasPrefix([]byte(flushMark), text[i:]):
			o.stream.Write(string(text[:i]))
			o.held[pipe] = bytes.Clone(text[i:])
			return
		default:
			o.stream.Write(string(text[:i+1]))
			text = text[i+1:]
		}
	}
}

// begin makes the stream one for the pipe.
func (o *Output) begin(log *zlog.Log, pipe int) {
	prefix := fmt.Sprintf("[pool %s] child %d said into %s: ", o.of.Pool, o.of.Pid, []string{"stdout", "stderr"}[pipe])
	if o.stream == nil {
		o.stream = log.StderrStream(zlog.Warning)
		o.stream.SetDecorating(o.of.Decorate)
		o.stream.SetWrapping(true)
		o.stream.SetPrefix(prefix)
		o.stream.SetQuoting(true)
	} else if pipe != o.last {
		o.stream.Finish()
		o.stream.SetPrefix(prefix)
	}
	if pipe != o.last || o.about.Pid == 0 {
		o.about = zlog.About{Pool: o.of.Pool, Pid: o.of.Pid, Whole: true, Stream: []string{"stdout", "stderr"}[pipe]}
		o.stream.SetAbout(o.about)
	}
	o.last = pipe
}
