// Counterpart: sapi/cgi/cgi_main.c and sapi/fpm/fpm/fpm_main.c (fastcgi_finish_request)

package responder

import (
	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
)

var _ lifecycle.FastCGIClient = (*Responder)(nil)

// A Carrier carries a request that has not come by FastCGI: its body to PHP, and PHP's output to the client. Its methods are
// those of lifecycle.FastCGIClient.
type Carrier interface {
	ReadBody(p []byte) int
	Room() ([]byte, error)
	Commit(n int)
	Write(p []byte) error
	Flush() error
	EndResponse() (closed bool)
}

// CarryBy has c carry the requests that follow, which the front end announces by Resolve and not by Read. With nil requests come by
// FastCGI again.
func (r *Responder) CarryBy(c Carrier) { r.carrier = c }

// AppendHead writes a head by the rules of CGI.
func (r *Responder) AppendHead(dst []byte, rules sapi.HeadRules, head *sapi.ResponseHead) []byte {
	return rules.AppendHead(dst, head)
}

// EndResponse ends the response while the script continues. A connection that is not kept is closed, as in php-fpm: the
// client must not wait for the script.
func (r *Responder) EndResponse() (closed bool) {
	if *r.Sent == SentNothing && r.Begins != nil {
		r.Begins()
	}
	r.finished, *r.Sent = true, SentAll
	if r.carrier != nil {
		return r.carrier.EndResponse()
	}
	r.conn.Response().End(0, fastcgi.RequestComplete)
	if r.Request.KeepConn {
		return false
	}
	r.drain()
	r.io.close(r.unread || r.conn.Buffered() > 0)
	return true
}

// TakesStderr reports whether the client can be told something on the stream STDERR: a request of FastCGI is being answered, and its
// response has not ended.
func (r *Responder) TakesStderr() bool { return r.inHand && !r.finished && r.carrier == nil }

// HasRequest reports whether PHP has a request: from Startup to Shutdown, its response ended or not.
func (r *Responder) HasRequest() bool { return r.inHand }

// Serving reports whether a request is being answered: it was read, and its response has not ended.
func (r *Responder) Serving() bool { return r.inHand && !r.finished }

// WriteStderr writes to the client's STDERR stream, after the output so far. Consecutive messages become one record, as
// in stock PHP: nginx can discard messages before the response's head only a record at a time.
func (r *Responder) WriteStderr(text []byte) error {
	r.PHP.CommitOutput()
	_, err := r.conn.Response().WriteStderr(text)
	return err
}

// Message, Log, Report and Status are the front end's.

func (r *Responder) Message(text string) { r.frontEnd.Message(text) }

func (r *Responder) Log(level int, text string) { r.frontEnd.Log(level, text) }

func (r *Responder) Report(level int, text string) { r.frontEnd.Report(level, text) }

func (r *Responder) Status(a lifecycle.Array) bool { return r.frontEnd.Status(a) }
