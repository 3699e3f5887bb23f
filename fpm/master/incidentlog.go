package master

import (
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
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

// incidentLog is the file of the setting incident_log, with a line of JSON for each incident. It is written beside the loop: it may be a
// pipe, or on a file system that does not answer, or is full. Then lines are lost, and nothing else.
type incidentLog struct {
	path    string         // empty: there is none
	file    io.WriteCloser // nil: it is not open
	writing bool
	torn    bool // the file ends within a line
	waiting []byte
	lines   int // that wait
	lost    int // since it was last said
	saidAt  time.Time
}

// open opens the log, or opens it again. An empty path ends it. The error has been logged.
func (l *incidentLog) open(log lines, path string) error {
	if path == "" {
		l.close()
		l.path = ""
		return nil
	}
	file, err := logfile.Open(path)
	if err != nil {
		log.incidentLogNotOpened(path, err)
		return err
	}
	l.close()
	l.path, l.file, l.torn = path, file, false
	return nil
}

func (l *incidentLog) close() {
	if l.file != nil && !l.writing { // else incidentsWritten closes it
		l.file.Close()
	}
	l.file = nil
}

// add has a line written.
func (l *incidentLog) add(m *Master, line []byte) {
	if l.file == nil {
		return
	}
	if l.lines == maxWaitingIncidents || len(l.waiting)+len(line) > maxIncidentText {
		m.incidentLogFails(1, errIncidentsWait)
		return
	}
	l.waiting = append(l.waiting, line...)
	l.lines++
	l.write(m)
}

// write writes what waits, unless something is being written.
func (l *incidentLog) write(m *Master) {
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
		m.box.post(incidentsWritten{file, lines, n > 0 && text[n-1] != '\n', n == 0, err})
	}()
}

// incidentsWritten is the end of writing lines of the incident log.
type incidentsWritten struct {
	file    io.WriteCloser
	lines   int
	torn    bool // within a line
	nothing bool // was written
	err     error
}

func (e incidentsWritten) happen(m *Master) {
	l := &m.incidents.log
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
		m.incidentLogFails(e.lines, e.err)
	}
	l.write(m)
}

// incidentLogFails counts lines that may be lost, and says so now and then.
func (m *Master) incidentLogFails(lines int, why error) {
	l := &m.incidents.log
	l.lost += lines
	now := m.sys.now()
	if !l.saidAt.IsZero() && now.Sub(l.saidAt) < incidentComplaints {
		return
	}
	m.log.incidentsLost(l.path, l.lost, why)
	l.saidAt, l.lost = now, 0
}

// endIncidentLog waits until the log has its lines: another program is about to be executed. It waits no longer than for anything else.
func (m *Master) endIncidentLog() {
	l := &m.incidents.log
	patience := time.NewTimer(quiescePatience)
	defer patience.Stop()
	for l.writing || l.lines > 0 && l.file != nil {
		select {
		case <-m.box.wake:
			m.handle()
		case <-patience.C:
			return
		}
	}
}

// reopenIncidentLog opens the log again, after somebody has moved the file.
func (m *Master) reopenIncidentLog() {
	if l := &m.incidents.log; l.path != "" && l.open(m.log, l.path) == nil {
		m.log.incidentLogReopened()
	}
}

func (l lines) incidentLogReopened() { l.Log.Log(zlog.Notice, "incident log file re-opened") }

func (l lines) incidentLogNotOpened(path string, err error) {
	l.LogErr(zlog.Error, "failed to open incident log ("+path+")", err)
}

func (l lines) incidentsLost(path string, n int, why error) {
	l.Logf(zlog.Error, "the incident log %s has not taken %s: %v; `phpsapi fpm incidents` shows the last incidents all the same", path, control.Many(n, "line"), why)
}
