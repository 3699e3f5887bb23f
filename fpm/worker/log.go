// Counterpart: sapi/fpm/fpm/fpm_main.c (sapi_cgi_log_fastcgi, sapi_cgi_log_message)

package worker

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// setLog makes the worker's log what its orders say. Its lines go to standard error, where the master reads them if catch_workers_output says
// so, and during a request to the client's STDERR.
func (k *worker) setLog() {
	k.level = zlog.Notice
	if k.spec.Global.LogLevel != 0 {
		k.level = k.spec.Global.LogLevel
	}
	k.limit = zlog.DefaultLimit
	if k.spec.Global.LogLimit != 0 {
		k.limit = k.spec.Global.LogLimit
	}
	k.log.Configure(func(s *zlog.Settings) {
		s.Child = true
		s.Launched = true
		s.Level = k.level
		s.Limit = k.limit
		s.Buffering = k.spec.Global.LogBuffering
		s.JSON = k.spec.Global.LogJSON
	})
}

// setLogLevel sets the level from which messages are logged.
func (k *worker) setLogLevel(level zlog.Level) {
	if level < zlog.Debug || level > zlog.Alert {
		return
	}
	k.level = level
	k.log.Configure(func(s *zlog.Settings) { s.Level = level })
}

// tellClient puts a message on the STDERR stream of the present request. It returns true if no other place need have it. In JSON none need:
// the master has it as a record.
func (k *worker) tellClient(level zlog.Level, message string) bool {
	told := k.tellRequest(message)
	if !k.spec.Global.LogJSON || k.control.fd <= 0 {
		return told
	}
	if !told && message != "" && (level >= k.level || strings.HasPrefix(message, phpMessage)) {
		k.record(level, message)
	}
	return true
}

// tellRequest is tellClient but for JSON.
func (k *worker) tellRequest(message string) bool {
	if k.started && k.talk.http && k.responder.Serving() && message != "" && k.responder.PHP.Logging() {
		k.tellOfHTTP(message)
		return true
	}
	if !k.started || !k.responder.TakesStderr() || message == "" || !k.responder.PHP.Logging() {
		return false
	}
	if k.said {
		k.responder.WriteStderr([]byte("; "))
	}
	k.said = true
	if k.spec.Global.LogJSON && !k.spec.ClientLogs { // other clients get what they are used to
		message = message[:min(len(message), k.limit)]
	}
	k.responder.WriteStderr([]byte(message))
	return k.spec.ClientLogs
}

// phpMessage is what php-fpm puts before what PHP has to say.
const phpMessage = "PHP message: "

// record has the master log a message in JSON, with the request that it belongs to.
func (k *worker) record(level zlog.Level, message string) {
	r := contract.Record{Level: level, Text: strings.TrimPrefix(message, phpMessage)}
	if k.responder.HasRequest() {
		i := &k.info
		r.RequestID, r.Method, r.Host, r.URI, r.Script = string(i.ID), string(i.Method), string(i.Host), string(i.Target), string(i.Script)
		if k.tracing.on {
			r.TraceID, r.SpanID = string(k.tracing.trace[:]), string(k.tracing.span[:])
		}
		if r.URI == "" {
			r.URI = string(i.URI)
		}
	}
	r.Send(func(letter byte, text string) { k.control.say(letter, text) })
}

// tellOfHTTP logs what PHP has to say of a request of HTTP, as the front does with what it reads of STDERR.
func (k *worker) tellOfHTTP(message string) {
	level := zlog.SeverityOf(strings.TrimPrefix(message, phpMessage))
	if k.spec.Global.LogJSON {
		k.record(level, message)
		return
	}
	for line := range strings.Lines(message) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			k.web.Say(level, line)
		}
	}
}

// tellLines has the master log a message of the pool's.
func (k *worker) tellLines(level zlog.Level, text string) {
	if level >= k.level {
		k.control.say(contract.Lines, string('0'+byte(level))+text)
	}
}

// report sends a message to the master for the error log. The master adds which pool's and which child's it is.
func (k *worker) report(level zlog.Level, text string) {
	k.control.say(contract.Log, string('0'+byte(level))+text)
}

// flushMark is php-fpm's FPM_STDIO_CMD_FLUSH: what was written to a pipe ends here, even within a line.
var flushMark = []byte("\x00fscf\x00")

// endOutput ends what was written to standard output and error during the current request, by whomever. Most often it is
// nothing; then the master sleeps on: its waking takes longer than many a request. php-fpm ends every request on standard
// error, and so, where the pipes are read in another order than they were written to, not all of standard output.
func (k *worker) endOutput() {
	if !k.caught {
		return
	}
	// What is in the pipes comes first: the master says that it has something open before it reads.
	stdout, stderr := waiting(1), waiting(2)
	stdoutOpen, stderrOpen := k.slot.OutputOpen()
	if stdout || stdoutOpen {
		unix.Write(1, flushMark)
	}
	if stderr || stderrOpen {
		unix.Write(2, flushMark)
	}
}

// waiting reports whether a pipe has something that was not read yet, or may have.
func waiting(pipe int) bool {
	n, err := unix.IoctlGetInt(pipe, unix.TIOCINQ)
	return n != 0 || err != nil
}
