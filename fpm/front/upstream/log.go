package upstream

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// turnedAway counts the requests that nobody could answer, so that a crowd is not a crowd of messages.
type turnedAway struct {
	count int
	said  time.Time
}

// report logs why a request failed. That a client left is nothing to report.
func (p *Pool) report(r *Request, err error) {
	switch {
	case errors.Is(err, ErrClient):
	case errors.Is(err, ErrBusy):
		p.reportBusy(err)
	case errors.Is(err, ErrFull):
		p.now(&p.spoolSaid, func() { p.say(zlog.Warning, r.ID, err.Error()) })
	default:
		p.say(zlog.Warning, r.ID, fmt.Sprintf("%s %s: script %s: %v", zlog.Printable(r.HTTP.Method), zlog.Printable(requestURI(r.HTTP)), zlog.Printable(r.Script.Filename), err))
	}
}

// ReportLost logs that a request failed which a worker has answered by HTTP, without this package.
func (p *Pool) ReportLost(id, method, uri, script string, err error) {
	p.say(zlog.Warning, id, fmt.Sprintf("%s %s: script %s: %v", zlog.Printable(method), zlog.Printable(uri), zlog.Printable(script), err))
}

// reportBusy says once a second at most that the pool is too small.
func (p *Pool) reportBusy(err error) {
	p.mu.Lock()
	p.turned.count++
	count, now := p.turned.count, time.Now()
	quiet := now.Sub(p.turned.said) < time.Second
	if !quiet {
		p.turned = turnedAway{said: now}
	}
	p.mu.Unlock()
	if !quiet {
		p.Log(zlog.Warning, fmt.Sprintf("[pool %s] seems busy (you may need to increase pm.max_children), "+
			"%d requests turned away: %v", p.Pool.Name, count, err))
	}
}

// reportSpool says once a second at most that slow clients hold workers for lack of a file.
func (p *Pool) reportSpool(id string, err error) {
	p.now(&p.spoolSaid, func() {
		p.say(zlog.Warning, id, fmt.Sprintf("a slow client holds the worker, as the response cannot go to a temporary file "+
			"(see TMPDIR and http.limits.spool_size): %v", err))
	})
}

// now calls say unless it did so, by the time in said, within a second.
func (p *Pool) now(said *time.Time, say func()) {
	p.mu.Lock()
	now := time.Now()
	quiet := now.Sub(*said) < time.Second
	if !quiet {
		*said = now
	}
	p.mu.Unlock()
	if !quiet {
		say()
	}
}

// say logs a message that concerns one request.
func (p *Pool) say(level zlog.Level, id, text string) {
	p.Log(level, p.about(id)+text)
}

// about is how a message begins that concerns one request.
func (p *Pool) about(id string) string { return "[pool " + p.Pool.Name + "] request " + id + ": " }

// maxStderr is how much of what a request says on STDERR is kept while more of it comes.
const maxStderr = 4 << 10

// stderr collects what a worker says on STDERR.
type stderr struct {
	id    string // of the request
	about contract.Record
	text  []byte
	level zlog.Level // of the message that the last line belongs to; 0: none has begun
}

// begin forgets the request before.
func (s *stderr) begin(p *Pool, r *Request) {
	s.id, s.text, s.level = r.ID, s.text[:0], 0
	if p.Records {
		s.about = contract.Record{Pool: p.Pool.Name, RequestID: r.ID, Method: r.HTTP.Method, Host: r.HTTP.Host,
			URI: requestURI(r.HTTP), Script: r.Script.Filename}
		if t := r.Trace; t != nil {
			s.about.TraceID, s.about.SpanID = hex.EncodeToString(t.Trace[:]), hex.EncodeToString(t.Span[:])
		}
	}
}

// nextMessage stands where a worker puts one message after another.
const nextMessage = "; PHP message: "

// add takes a piece. If no more has come, or there is much, it logs what is complete: the last message may continue in the
// next record, and is kept until something follows it, or for a second.
func (s *stderr) add(p *Pool, piece []byte, all bool) {
	if p.Unlogged {
		return
	}
	s.text = append(s.text, piece...)
	if !all && len(s.text) < maxStderr {
		return
	}
	if p.Records {
		s.addRecords(p)
		return
	}
	end := bytes.LastIndexByte(s.text, '\n') + 1
	end = max(end, bytes.LastIndex(s.text, []byte(nextMessage)))
	if end <= 0 && len(s.text) >= maxStderr {
		end = len(s.text)
	}
	if end > 0 {
		s.log(p, string(s.text[:end]))
		s.text = append(s.text[:0], s.text[end:]...)
	}
}

// flush logs what there is.
func (s *stderr) flush(p *Pool) {
	if len(s.text) > 0 {
		text := string(s.text)
		s.text = s.text[:0]
		s.log(p, text)
	}
}

// addRecords is add for records: a message is one, with all its lines.
func (s *stderr) addRecords(p *Pool) {
	end := bytes.LastIndex(s.text, []byte(nextMessage))
	if end <= 0 && len(s.text) >= contract.MostRecord {
		end = len(s.text)
	}
	if end > 0 {
		s.log(p, string(s.text[:end]))
		s.text = append(s.text[:0], s.text[end:]...)
	}
}

// Line is a line for the log, or a record.
type Line struct {
	Level  zlog.Level
	Text   string
	Record *contract.Record // nil: there is a Text
}

// record makes a record of a message.
func (s *stderr) record(message string) Line {
	r := s.about
	r.Text = strings.TrimRight(strings.TrimPrefix(message, "PHP message: "), "\r\n")
	r.Level = zlog.SeverityOf(r.Text)
	return Line{Level: r.Level, Record: &r}
}

// log logs text line by line, each message on lines of its own.
func (s *stderr) log(p *Pool, text string) {
	var lines []Line
	if p.Records {
		for message := range strings.SplitSeq(text, nextMessage) {
			if message != "" {
				lines = append(lines, s.record(message))
			}
		}
		p.LogLines(lines)
		return
	}
	for line := range strings.Lines(strings.ReplaceAll(text, nextMessage, "\n"+nextMessage)) {
		if line = strings.TrimPrefix(strings.TrimRight(line, "\r\n"), "; "); line == "" {
			continue
		}
		if message, begins := strings.CutPrefix(line, "PHP message: "); begins || s.level == 0 {
			s.level = zlog.SeverityOf(message)
		}
		lines = append(lines, Line{Level: s.level, Text: p.about(s.id) + line})
	}
	p.LogLines(lines)
}
