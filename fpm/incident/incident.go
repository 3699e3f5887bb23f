package incident

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Kind is what has happened.
type Kind string

// The kinds.
const (
	Crash       Kind = "crash"         // a signal of a fault: SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT
	Killed      Kind = "killed"        // another signal, that the master has not sent
	OutOfMemory Kind = "out of memory" // SIGKILL by the kernel
	Timeout     Kind = "timeout"       // request_terminate_timeout
	Operator    Kind = "operator"      // `phpsapi fpm kill`
	Exit        Kind = "exit"          // the process exited within a request, or by a code that is not 0
	Panic       Kind = "panic"         // phpsapi's own code has panicked
	Fatal       Kind = "fatal"         // in worker mode an error has ended the worker script
	ScriptExit  Kind = "script exit"   // in worker mode exit() has ended the worker script within a request
	Boot        Kind = "boot"          // a worker script could not be booted
)

// Slow is the kind of a request that took longer than request_slowlog_timeout. It is not an incident, and not among Kinds.
const Slow Kind = "slow"

// Kinds returns the kinds of incidents.
func Kinds() []Kind {
	return []Kind{Crash, Killed, OutOfMemory, Timeout, Operator, Exit, Panic, Fatal, ScriptExit, Boot}
}

// What a client got of a request.
const (
	Got502    = "502"    // the front's page
	Got504    = "504"    // the front's page, because the worker was silent for http.limits.request_timeout, or a worker's last answer by FastCGI
	GotPart   = "part"   // a part of the response, and then the end of the connection
	GotAll    = "all"    // the whole response
	GotClosed = "closed" // nothing but the end of the connection, for which a web server answers 502
)

// Got returns, as the words that follow "the client got", what a client got of a request: one of the constants Got502 and so on. It returns the empty
// string for any other text.
func Got(client string) string {
	switch client {
	case Got502, Got504:
		return client
	case GotPart:
		return "a part of the response"
	case GotAll:
		return "the whole response"
	case GotClosed:
		return "no response"
	}
	return ""
}

// Incident is the abnormal end of a worker or a request. It does not change once it is in a Ring. Its JSON is a line of the incident
// log: names may be added. Times are in seconds, and memory in bytes.
type Incident struct {
	Number     uint64  `json:"number"` // counts from 1 in the life of the master
	Time       string  `json:"time"`   // RFC 3339, with milliseconds
	Kind       Kind    `json:"kind"`
	What       string  `json:"what"` // in words, as in the error log
	Pool       string  `json:"pool"`
	Generation int     `json:"generation"`
	Engine     string  `json:"engine"` // the PHP
	Pid        int     `json:"pid"`
	Age        float64 `json:"age"` // of the worker

	// Of the request; left out if there was none.
	RequestID string   `json:"request_id,omitempty"`
	TraceID   string   `json:"trace_id,omitempty"`
	SpanID    string   `json:"span_id,omitempty"`
	Method    string   `json:"method,omitempty"`
	Host      string   `json:"host,omitempty"`
	URI       string   `json:"uri,omitempty"` // with the query
	Script    string   `json:"script,omitempty"`
	Duration  *float64 `json:"duration,omitempty"`
	QueueWait *float64 `json:"queue_wait,omitempty"` // left out if nobody knows
	Client    string   `json:"client,omitempty"`

	Signal   int      `json:"signal,omitempty"`
	Name     string   `json:"signal_name,omitempty"`
	Address  string   `json:"address,omitempty"` // that the fault was at
	Sender   int      `json:"sender,omitempty"`  // the pid of the process that sent the signal
	Core     bool     `json:"core_dumped,omitempty"`
	ExitCode *int     `json:"exit_code,omitempty"`
	Error    string   `json:"error,omitempty"`  // what PHP, or Go's runtime, said
	Memory   int64    `json:"memory,omitempty"` // the most that the process had resident
	PHPStack []string `json:"php_stack,omitempty"`
	CStack   []string `json:"c_stack,omitempty"`

	// ScriptEnded is how many workers the script has ended within Window, this one included.
	ScriptEnded int `json:"script_ended,omitempty"`
}

// Bounds of the texts, in bytes.
const (
	maxText  = 1 << 10
	maxFrame = 512
)

// Stamp returns a time as Incident.Time has it.
func Stamp(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z07:00") }

// Seconds returns a duration as an Incident has it, to the microsecond.
func Seconds(d time.Duration) float64 { return float64(max(d, 0).Microseconds()) / 1e6 }

// Line returns the incident as a line of the incident log.
func (i *Incident) Line() []byte {
	line, err := json.Marshal(i)
	if err != nil {
		panic("BUG: an incident: " + err.Error())
	}
	return append(line, '\n')
}

// size is about how much memory an incident takes.
func (i *Incident) size() int {
	const fields = 512
	n := fields + len(i.What) + len(i.URI) + len(i.Host) + len(i.Script) + len(i.Error)
	for _, stack := range [...][]string{i.PHPStack, i.CStack} {
		for _, frame := range stack {
			n += len(frame) + 16
		}
	}
	return n
}

// Clean returns a text of somebody else's in at most maxText bytes of characters that print.
func Clean(text string) string { return clean(text, maxText) }

func clean(text string, most int) string {
	var b strings.Builder
	for _, r := range text[:min(len(text), most)] {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			r = '.'
		}
		if b.Len()+utf8.RuneLen(r) > most {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
