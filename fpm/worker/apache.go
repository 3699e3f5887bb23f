package worker

import (
	"time"

	"github.com/phpsapi/phpsapi/lifecycle"
)

// A worker of httpd's module answers its requests, which are none of FastCGI's. Connections come, are kept and parked as those of
// FastCGI are.

// apacheFirst is how long a new connection may take to bring its first request, apacheNext how long a request may take to come in whole.
const (
	apacheFirst = 5 * time.Second
	apacheNext  = 60 * time.Second
)

// answerApache takes the next request of the present connection through PHP, and reports whether the connection may carry another.
func (k *worker) answerApache() (keep bool) {
	var r lifecycle.ApacheRequest
	patience := apacheNext
	if !k.talk.watched {
		patience = apacheFirst
	}
	k.Receiving(true)
	if !k.responder.PHP.NextApache(k.talk.fd, patience, &r) {
		k.Receiving(false)
		return false
	}
	k.Reading()
	k.noteApache(&r)
	k.executing()
	end := k.responder.PHP.AnswerApache()
	k.executed()
	k.tellSpan(&end.WebEnd, k.account(&end.WebEnd), func(name string) []byte { return k.responder.PHP.ApacheVariable(name + "\x00") })
	k.requests++
	if end.Last || k.pool.MaxRequests > 0 && k.requests >= k.pool.MaxRequests {
		k.leaving = true
	}
	keep = k.responder.PHP.EndApache(k.leaving || k.crowded())
	k.slot.Finished()
	if k.slot.MayLook() {
		k.slot.Look(lifecycle.LookAtCaches)
	}
	return keep
}

// noteApache tells the scoreboard of the request.
func (k *worker) noteApache(r *lifecycle.ApacheRequest) {
	k.info.Method, k.info.URI, k.info.Query, k.info.Script = r.Method, r.URI, r.Query, r.Script
	k.info.Host, k.info.Target, k.info.Client, k.info.User = r.Host, r.Target, r.Client, r.User
	k.info.ID = nil
	k.info.ContentLength = uint64(max(r.ContentLength, 0))
	if k.tracing.on {
		k.followApache()
	}
	k.info.Since, k.info.Site = 0, 0
	k.info.Long = k.php.AtLeast(8, 5)
	k.slot.Info(&k.info)
	k.responder.ForPHP.Accepted = k.slot.Accepted()
	lifecycle.Idled(k.slot.Idle())
}
