// Counterpart: sapi/fpm/fpm/fpm_main.c (sapi_cgi_read_post, sapi_cgi_log_message, fastcgi_finish_request)

package worker

import (
	"errors"
	"io"
	"strconv"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle"
)

var _ lifecycle.FCGIClient = (*worker)(nil)

// ReadBody fills p with the request's body, as far as there is any.
func (k *worker) ReadBody(p []byte) int {
	done := 0
	for done < len(p) && k.io.fd >= 0 {
		n, err := k.conn.ReadBody(p[done:])
		done += n
		if err != nil {
			if err != io.EOF && !errors.Is(err, fastcgi.ErrAborted) {
				if !isGone(err) {
					k.complain(err)
				}
				k.conn.CloseAfter()
			}
			break
		}
	}
	return done
}

// Room, Commit, Write and Flush are PHP's output.

func (k *worker) Room() ([]byte, error) { return k.conn.Response().Room() }

func (k *worker) Commit(n int) { k.conn.Response().Commit(n) }

func (k *worker) Write(p []byte) error {
	_, err := k.conn.Response().Write(p)
	return err
}

func (k *worker) Flush() error { return k.conn.Response().Flush() }

// Finish ends the response while the script goes on. A connection that is not kept is closed, as in php-fpm: the
// client must not wait for the script.
func (k *worker) Finish() (closed bool) {
	k.finished = true
	k.conn.Response().End(0, fastcgi.RequestComplete)
	if k.request.KeepConn {
		return false
	}
	k.drain()
	k.io.close(k.unread || k.conn.Buffered() > 0)
	return true
}

// Message is PHP's log_message.
func (k *worker) Message(text string) { k.log.Msg(zlog.Notice, "PHP message: ", text) }

// Log takes a message of the engine's.
func (k *worker) Log(level int, text string) { k.log.Log(zlog.Level(level), text) }

// complain reports to the error log why a connection is of no more use.
func (k *worker) complain(err error) {
	reason := err.Error()
	if errors.Is(err, errSilent) {
		reason += ", while " + k.conn.Stage().String()
	}
	k.report(zlog.Warning, "[pool "+k.pool.Name+"] child "+strconv.Itoa(k.pid)+", connection closed: "+reason)
}
