package sidelog

import (
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/phpsapi/phpsapi/fpm/logfile"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// Bounds of the lines that wait for the incident log.
const (
	maxWaitingIncidents = 1 << 10
	maxIncidentText     = 4 << 20
)

var errIncidentsWait = errors.New("it has not taken the lines before")

// incidentComplaints is how often it is logged, at most, that the incident log takes no lines.
const incidentComplaints = time.Minute

// Incidents is the file of the setting incident_log, with a line of JSON for each incident. It is written beside the loop: it may be a
// pipe, or on a file system that does not answer, or is full. Then lines are lost, and nothing else.
type Incidents struct {
	Log  *zlog.Log // where it says that it takes no lines
	Now  func() time.Time
	Post func(Written) // called on another goroutine, with what is for Heed

	path    string         // empty: there is none
	file    io.WriteCloser // nil: it is not open
	writing bool
	torn    bool // the file ends within a line
	waiting []byte
	lines   int // that wait
	lost    int // since it was last said
	saidAt  time.Time
}

// Open opens the log, or opens it again. An empty path ends it. The error has been logged.
func (l *Incidents) Open(path string) error {
	if path == "" {
		l.close()
		l.path = ""
		return nil
	}
	file, err := logfile.Open(path)
	if err != nil {
		lines{l.Log}.incidentLogNotOpened(path, err)
		return err
	}
	l.close()
	l.path, l.file, l.torn = path, file, false
	return nil
}

func (l *Incidents) close() {
	if l.file != nil && !l.writing { // else Heed closes it
		l.file.Close()
	}
	l.file = nil
}

// Add has a line written.
func (l *Incidents) Add(line []byte) {
	if l.file == nil {
		return
	}
	if l.lines == maxWaitingIncidents || len(l.waiting)+len(line) > maxIncidentText {
		l.fails(1, errIncidentsWait)
		return
	}
	l.waiting = append(l.waiting, line...)
	l.lines++
	l.write()
}

// write writes what waits, unless something is being written.
func (l *Incidents) write() {
	if l.writing || l.lines == 0 || l.file == nil {
		return
	}
	file, text, lines := l.file, l.waiting, l.lines
	if l.torn {
		text = append([]byte{'\n'}, text...)
	}
	l.writing, l.waiting, l.lines = true, nil, 0
	go func() {
		n, err := file.Write(text)
		l.Post(Written{file, lines, n > 0 && text[n-1] != '\n', n == 0, err})
	}()
}

// Written is the end of writing lines of the incident log.
type Written struct {
	file    io.WriteCloser
	lines   int
	torn    bool // within a line
	nothing bool // was written
	err     error
}

// Heed takes note of what was written, and has what waits written.
func (l *Incidents) Heed(e Written) {
	l.writing = false
	if e.file != l.file { // it was opened again meanwhile
		e.file.Close()
	} else if !e.nothing {
		l.torn = e.torn
	}
	if e.err != nil {
		var failed *fs.PathError
		if errors.As(e.err, &failed) {
			e.err = failed.Err // the line names the file
		}
		l.fails(e.lines, e.err)
	}
	l.write()
}

// fails counts lines that may be lost, and says so now and then.
func (l *Incidents) fails(n int, why error) {
	l.lost += n
	now := l.Now()
	if !l.saidAt.IsZero() && now.Sub(l.saidAt) < incidentComplaints {
		return
	}
	lines{l.Log}.incidentsLost(l.path, l.lost, why)
	l.saidAt, l.lost = now, 0
}

// Path returns the log's path; empty: there is none.
func (l *Incidents) Path() string { return l.path }

// IsBusy reports whether lines were not written yet.
func (l *Incidents) IsBusy() bool { return l.writing || l.lines > 0 && l.file != nil }

// Reopen opens the log again, after somebody has moved the file.
func (l *Incidents) Reopen() {
	if l.path != "" && l.Open(l.path) == nil {
		lines{l.Log}.incidentLogReopened()
	}
}
