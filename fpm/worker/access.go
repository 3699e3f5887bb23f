// Counterpart: sapi/fpm/fpm/fpm_log.c (fpm_log_write)

package worker

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/accesslog"
	"github.com/phpsapi/phpsapi/fpm/logfile"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle"
)

// access is the pool's access.log.
type access struct {
	fd      int // -1: none
	log     *accesslog.Log
	entry   accesslog.Entry
	headers bool // the format shows a header of the response
	json    bool
	mayWait bool // it is not a file: writing may wait, and what other processes write may come between two writes
	pipe    logfile.Pipe
}

// openAccess prepares for the log that the master opened; -1: there is none.
func (k *worker) openAccess(fd int) {
	k.access.fd = -1
	if fd < 0 {
		return
	}
	format, err := accesslog.Parse(k.pool.AccessFormat.Value)
	if err != nil {
		k.log.Log(zlog.Error, err.Error())
		unix.Close(fd)
		return
	}
	k.access.fd = fd
	k.access.mayWait = !isFile(fd)
	k.access.headers = strings.Contains(k.pool.AccessFormat.Value, "}o")
	k.cpu.exact = strings.Contains(k.pool.AccessFormat.Value, "%C") || strings.Contains(k.pool.AccessFormat.Value, "}C")
	options := accesslog.Options{Pool: k.pool.Name, Pid: k.pid, MasterPid: k.spec.MasterPid, Suppress: k.pool.AccessSuppressPaths}
	if k.php.AtLeast(8, 5) {
		options.LogLimit = k.log.Settings().Limit
	}
	k.access.log = accesslog.New(format, options)
	k.access.json = k.spec.Global.LogJSON
}

// setAccessLog takes the access log, which was opened again.
func (k *worker) setAccessLog(fd int) {
	if fd < 0 {
		return
	}
	if k.access.fd < 0 { // the pool has none
		unix.Close(fd)
		return
	}
	unix.Close(k.access.fd)
	k.access.fd = fd
	k.access.mayWait = !isFile(fd)
	k.withhold()
}

// logAccess writes the request's line.
func (k *worker) logAccess(end *lifecycle.WebEnd, user, system time.Duration) {
	if k.access.fd < 0 {
		return
	}
	e := &k.access.entry
	e.Request = k.info
	e.Status = end.Status
	e.Accepted, e.Logged = k.slot.AcceptedEpoch(), time.Now().Unix()
	e.Duration, e.CPUUser, e.CPUSystem, e.Memory = k.slot.Duration(), user, system, end.Memory
	e.RemoteAddr = k.remote
	if k.access.headers {
		e.Headers = k.responder.PHP.ResponseHeaders(e.Headers[:0])
	}
	if k.access.json {
		e.QueueWait = k.slot.QueueWait()
		if k.tracing.on {
			e.TraceID, e.SpanID = k.tracing.trace[:], k.tracing.span[:]
		}
		if line := k.access.log.JSONLine(e, time.Now(), k.access.mayWait); line != nil {
			k.writeAccess(line)
		}
		return
	}
	line, truncated := k.access.log.Line(e)
	if truncated {
		k.log.Log(zlog.Notice, accesslog.TruncatedNotice)
	}
	if line != nil {
		k.writeAccess(line)
	}
}

// isFile reports whether a descriptor is of a file, where one write is one line in any case.
func isFile(fd int) bool {
	var s unix.Stat_t
	return unix.Fstat(fd, &s) == nil && s.Mode&unix.S_IFMT == unix.S_IFREG
}

// writeAccess writes a line of the access log. The first that is written after some were lost tells how many they were.
func (k *worker) writeAccess(line []byte) {
	a := &k.access
	if !a.mayWait {
		unix.Write(a.fd, line)
		return
	}
	if n, _ := a.pipe.Write(a.fd, line); n > 0 {
		k.log.Log(zlog.Warning, accessLinesLost(n))
	}
}

func accessLinesLost(n int) string {
	if n == 1 {
		return "1 line of the access log is lost: the log did not take it"
	}
	return fmt.Sprintf("%d lines of the access log are lost: the log did not take them", n)
}
