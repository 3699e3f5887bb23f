// Counterpart: sapi/fpm/fpm/fpm_stdio.c (fpm_stdio_prepare_pipes, fpm_stdio_child_said)

package master

import (
	"bytes"
	"fmt"
	"os"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// flushMark is what a worker writes to end a line without a line end: php-fpm's FPM_STDIO_CMD_FLUSH, its NUL included.
const flushMark = "\x00fscf\x00"

// output is what a child of a pool with catch_workers_output writes, on its way to the error log. Both pipes share a
// line, as php-fpm's do: a change from one to the other ends it.
type output struct {
	child  *child
	pipes  [2]*os.File // stdout and stderr
	stream *zlog.Stream
	last   int    // the pipe the stream's line comes from
	held   []byte // the begin of a flushMark at the end of a piece
}

// said is a piece of output; err ends it. The reader waits for done before it reads on.
type said struct {
	o    *output
	pipe int
	text []byte
	end  bool
	done chan struct{}
}

// newOutput makes the pipes and gives their write ends.
func newOutput(c *child) (o *output, stdout, stderr *os.File, err error) {
	o = &output{child: c}
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

func (o *output) discard() { closeFiles(o.pipes[:]) }

// read begins to read both pipes.
func (o *output) read(box *mailbox) {
	for i, pipe := range o.pipes {
		go func() {
			done := make(chan struct{})
			buf := make([]byte, 1023)
			for {
				n, err := pipe.Read(buf)
				box.post(said{o: o, pipe: i, text: buf[:n], end: err != nil, done: done})
				<-done
				if err != nil {
					return
				}
			}
		}()
	}
}

func (s said) happen(m *Master) {
	s.o.take(m.log.Log, s.pipe, s.text)
	if s.end {
		s.o.pipes[s.pipe].Close()
		// The worker is gone without ending its line; php-fpm leaves such a line in its buffer.
		if s.o.stream != nil && s.o.last == s.pipe {
			s.o.stream.Finish()
		}
	}
	s.done <- struct{}{}
}

// take logs a piece.
func (o *output) take(log *zlog.Log, pipe int, text []byte) {
	if len(text) == 0 {
		return
	}
	o.begin(log, pipe)
	text = append(o.held, text...)
	o.held = nil
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
			o.held = bytes.Clone(text[i:])
			return
		default:
			o.stream.Write(string(text[:i+1]))
			text = text[i+1:]
		}
	}
}

// begin makes the stream one for the pipe.
func (o *output) begin(log *zlog.Log, pipe int) {
	prefix := fmt.Sprintf("[pool %s] child %d said into %s: ", o.child.pool.conf.Name, o.child.pid, []string{"stdout", "stderr"}[pipe])
	if o.stream == nil {
		o.stream = log.StderrStream(zlog.Warning)
		o.stream.SetDecorating(o.child.pool.conf.DecorateWorkersOutput)
		o.stream.SetWrapping(true)
		o.stream.SetPrefix(prefix)
		o.stream.SetQuoting(true)
	} else if pipe != o.last {
		o.stream.Finish()
		o.stream.SetPrefix(prefix)
	}
	o.last = pipe
}
