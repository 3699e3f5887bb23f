// Counterpart: openlog(3), syslog(3); sapi/fpm/fpm/zlog.c (syslog_priorities)

package master

import (
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// syslogWriter writes to the system's log.
type syslogWriter struct {
	ident    string
	facility int
	mu       sync.Mutex
	conn     net.Conn
}

func newSyslog(ident string, facility int) *syslogWriter {
	return &syslogWriter{ident: ident, facility: facility}
}

// severities are syslog's of zlog's levels: debug, notice, warning, err, alert.
var severities = [...]int{zlog.Debug: 7, zlog.Notice: 5, zlog.Warning: 4, zlog.Error: 3, zlog.Alert: 1}

// write sends a line. A log that cannot be reached loses it, as with syslog(3); the next line tries anew.
func (w *syslogWriter) write(level zlog.Level, line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	severity := 5
	if int(level) < len(severities) && level > 0 {
		severity = severities[level]
	}
	packet := fmt.Sprintf("<%d>%s %s[%d]: %s", w.facility|severity, time.Now().Format(time.Stamp), w.ident, os.Getpid(), line)
	for range 2 {
		if w.conn == nil {
			conn, err := net.Dial("unixgram", "/dev/log")
			if err != nil {
				return
			}
			w.conn = conn
		}
		if _, err := w.conn.Write([]byte(packet)); err == nil {
			return
		}
		w.conn.Close()
		w.conn = nil
	}
}
