// Counterpart: sapi/fpm/fpm/zlog.c (zlog_stream)

package zlog

import "io"

// maxPrefix is how much of a stream's own prefix is used.
const maxPrefix = 510

// A Stream makes log lines of text that comes in pieces. A line ends with
// Finish; a longer one is wrapped or cut at log_limit. With log_buffering
// off each piece is written when it comes.
//
// A Stream belongs to one goroutine. It takes the Log's settings when made.
type Stream struct {
	log   *Log
	s     Settings
	level Level
	outs  []io.Writer

	buffered bool
	prefixed bool // lines begin with time and level
	wrap     bool
	decorate bool
	quote    bool

	function string
	line     int
	prefix   string // of the message, behind time and level
	about    About  // in JSON, in place of the prefix
	suffix   string // of each line, when wrapping
	final    string // of the last

	buf       []byte // buffered: the line so far
	prefixLen int
	len       int // of the line so far
	full      bool
	finished  bool
}

// Stream returns a Stream to the log that cuts lines at log_limit.
func (l *Log) Stream(level Level) *Stream {
	s := l.Settings()
	return newStream(l, s, level, s.File, s.Syslog != nil)
}

// StderrStream returns a Stream to the log's Stderr that wraps lines: where
// php-fpm puts its children's output.
func (l *Log) StderrStream(level Level) *Stream {
	s := l.Settings()
	t := newStream(l, s, level, s.Stderr, false)
	t.wrap = true
	return t
}

func newStream(l *Log, s Settings, level Level, out io.Writer, syslog bool) *Stream {
	t := &Stream{log: l, s: s, level: level}
	if s.Level == Debug {
		t.function, t.line = caller(3)
	}
	if !syslog {
		t.s.Syslog = nil
		if out != nil {
			t.outs = append(t.outs, out)
		}
	}
	if !syslog && out == nil || out != nil && out != s.Stderr && !s.Launched && level >= Notice || syslog {
		t.outs = append(t.outs, s.Stderr)
	}
	t.buffered = s.Buffering || s.External != nil || syslog || s.JSON
	t.prefixed = level >= s.Level && (len(t.outs) > 0 || syslog)
	return t
}

// Msg writes prefix and msg as one line, which is cut at log_limit. Unlike Log it writes a message below the Log's level, too, but then without time
// and level.
//
// In JSON the level is the message's own, as SeverityOf has it.
func (l *Log) Msg(level Level, prefix, msg string) {
	t := l.Stream(level)
	if t.s.JSON {
		l.msgJSON(prefix, msg)
		return
	}
	t.begin()
	t.Write(prefix)
	t.Write(msg)
	t.Finish()
}

// SetDecorating turns prefix, quotes, suffix, time and level on or off.
func (t *Stream) SetDecorating(on bool) {
	t.decorate = on
	if !on {
		t.quote = false
		t.prefixed = false
	}
}

// SetWrapping chooses between wrapping and cutting.
func (t *Stream) SetWrapping(on bool) { t.wrap = on }

// SetQuoting puts the message into double quotes, if decorating.
func (t *Stream) SetQuoting(on bool) { t.quote = on && t.decorate }

// SetPrefix sets what each line begins with, if decorating.
func (t *Stream) SetPrefix(prefix string) {
	if t.decorate {
		t.prefix = prefix[:min(len(prefix), maxPrefix)]
	}
}

// SetSuffix sets what each line of a wrapped message ends with, and what the
// message ends with, if decorating and wrapping. Empty leaves one as it is.
func (t *Stream) SetSuffix(suffix, final string) {
	if !t.wrap || !t.decorate {
		return
	}
	if suffix != "" {
		t.suffix = suffix
	}
	if final != "" {
		t.final = final
	}
}

// Write adds s to the line.
func (t *Stream) Write(s string) {
	if s == "" || t.full && !t.finished {
		return
	}
	if t.s.JSON {
		t.writeJSON(s)
		return
	}
	if t.finished {
		t.finished = false
		t.full = false
		t.len = 0
		t.buf = t.buf[:0]
	}
	if t.buffered {
		t.append(s)
	} else {
		t.direct(s)
	}
}

// Open reports whether there is a line that Finish would end.
func (t *Stream) Open() bool { return !t.finished && t.len > 0 }

// Finish ends the line, if there is one.
func (t *Stream) Finish() {
	if !t.Open() {
		return
	}
	switch {
	case t.s.JSON:
		t.finishJSON(false)
	case t.buffered:
		if t.decorate {
			t.finishBuffered()
		}
		t.flush()
	case t.decorate:
		t.finishDirect()
	default:
		t.emit("\n")
	}
	t.finished = true
}

// begin starts a line.
func (t *Stream) begin() {
	if !t.prefixed {
		return
	}
	head := t.s.prefix(nil, t.level, t.function, t.line, t.s.Syslog != nil)
	t.prefixLen = len(head)
	head = append(head, t.prefix...)
	if t.quote {
		head = append(head, '"')
	}
	if t.buffered {
		t.buf = append(t.buf[:0], head...)
	} else {
		t.emit(string(head))
	}
	t.len = len(head)
}

// room is how many bytes of n still fit into the line, and whether that is
// all of them. A new line always takes one, or nothing would ever get written.
func (t *Stream) room(n int, fresh bool) (fits int, all bool) {
	reserved := t.len + len(t.suffix)
	if t.quote {
		reserved++
	}
	if reserved+n < t.s.Limit {
		return n, true
	}
	fits = max(0, t.s.Limit-reserved-1)
	if fresh {
		fits = max(1, fits)
	}
	return min(n, fits), false
}

func (t *Stream) append(s string) {
	for {
		fresh := t.len == 0
		if fresh {
			t.begin()
		}
		fits, all := t.room(len(s), fresh)
		t.add(s[:fits])
		if all {
			return
		}
		if !t.wrap {
			t.buf = append(t.buf[:max(0, t.len-3)], "..."...)
			t.len = len(t.buf)
			t.full = true
			return
		}
		t.endWrapped()
		t.flush()
		if s = s[fits:]; s == "" {
			t.begin()
			return
		}
	}
}

func (t *Stream) add(s string) {
	t.buf = append(t.buf, s...)
	t.len += len(s)
}

func (t *Stream) endWrapped() {
	if t.quote {
		t.add(`"`)
	}
	t.add(t.suffix)
}

// flush writes the buffered line.
func (t *Stream) flush() {
	if t.s.Syslog != nil {
		t.s.Syslog(t.s.Level, string(t.buf))
	}
	enough := t.s.External != nil && t.s.External(t.level, string(t.buf[min(t.prefixLen, len(t.buf)):]))
	if !enough {
		t.emit(string(append(t.buf, '\n')))
	}
	t.buf = t.buf[:0]
	t.len = 0
}

func (t *Stream) finishBuffered() {
	t.endWrapped()
	if t.final == "" || t.len+len(t.final) < t.s.Limit {
		t.add(t.final)
		return
	}
	keep := t.finalRoom()
	t.add(t.final[:keep] + "\n")
	t.flush()
	t.beginUnquoted()
	t.add(t.final[keep:] + "\n")
}

// finalRoom is how much of the final suffix fits into the line.
func (t *Stream) finalRoom() int {
	over := t.len + len(t.final) + 1 - t.s.Limit
	return max(0, len(t.final)-over)
}

func (t *Stream) beginUnquoted() {
	quote := t.quote
	t.quote = false
	t.begin()
	t.quote = quote
}

// direct writes s at once.
func (t *Stream) direct(s string) {
	for {
		fresh := t.len == 0
		if fresh {
			t.begin()
		}
		fits, all := t.room(len(s), fresh)
		if all {
			t.emit(s)
			t.len += len(s)
			return
		}
		if !t.wrap {
			t.full = true
			if t.len+len(s) > t.s.Limit {
				s = s[:max(0, t.s.Limit-t.len-len("..."))] + "..."
			}
			t.emit(s)
			t.len += len(s)
			return
		}
		t.emit(s[:fits])
		if t.quote {
			t.emit(`"`)
		}
		t.emit(t.suffix + "\n")
		t.len = 0
		if s = s[fits:]; s == "" {
			return
		}
	}
}

func (t *Stream) finishDirect() {
	if t.quote {
		t.emit(`"`)
		t.len++
	}
	t.emit(t.suffix)
	t.len += len(t.suffix)
	if t.final == "" || t.len+len(t.final) < t.s.Limit {
		t.emit(t.final + "\n")
		return
	}
	keep := t.finalRoom()
	t.emit(t.final[:keep] + "\n")
	t.beginUnquoted()
	t.emit(t.final[keep:] + "\n")
}

// emit writes to all outputs.
func (t *Stream) emit(s string) {
	if s == "" {
		return
	}
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	for _, w := range t.outs {
		write(w, []byte(s))
	}
}
