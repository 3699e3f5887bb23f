// Counterpart: openlog(3), syslog(3); sapi/fpm/fpm/zlog.c (syslog_priorities)

package errorlog

import (
	"fmt"
	"net"
	"os"
	"time"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// syslogWriter writes to the system's log, beside the loop if that does not answer.
type syslogWriter struct {
	ident    string
	facility int
	path     string
	packets  patient
	conn     net.Conn // of the goroutine that writes
}

func newSyslog(ident string, facility int) *syslogWriter {
	w := &syslogWriter{ident: ident, facility: facility, path: "/dev/log"}
	w.packets.write = w.send
	w.packets.lost = func(n int) string { return w.packet(zlog.Warning, "[WARNING] "+linesLost(n)) }
	return w
}

// severities are syslog's of zlog's levels: debug, notice, warning, err, alert.
var severities = [...]int{zlog.Debug: 7, zlog.Notice: 5, zlog.Warning: 4, zlog.Error: 3, zlog.Alert: 1}

func (w *syslogWriter) write(level zlog.Level, line string) { w.packets.put(w.packet(level, line)) }

func (w *syslogWriter) packet(level zlog.Level, line string) string {
	severity := 5
	if int(level) < len(severities) && level > 0 {
		severity = severities[level]
	}
	return fmt.Sprintf("<%d>%s %s[%d]: %s", w.facility|severity, time.Now().Format(time.Stamp), w.ident, os.Getpid(), line)
}

// send sends a packet. A log that cannot be reached loses it, as with syslog(3); the next packet tries again.
func (w *syslogWriter) send(packet string) {
	for range 2 {
		if w.conn == nil {
			conn, err := net.Dial("unixgram", w.path)
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
