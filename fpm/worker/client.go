// Counterpart: sapi/fpm/fpm/fpm_main.c (sapi_cgi_log_message)

package worker

import (
	"github.com/phpsapi/phpsapi/cgi/responder"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

var _ responder.FrontEnd = (*worker)(nil)

// Receiving notes that a request may be about to begin.
func (k *worker) Receiving(reads bool) {
	if reads {
		k.slot.Receiving()
	} else {
		k.slot.ReceivedNothing()
	}
}

// Reading notes that a request begins.
func (k *worker) Reading() { k.slot.ReadingHeaders() }

// Message is PHP's log_message.
func (k *worker) Message(text string) { k.log.Msg(zlog.Notice, "PHP message: ", text) }

// Log takes a message of the engine's.
func (k *worker) Log(level int, text string) { k.log.Log(zlog.Level(level), text) }

// Report takes a message of frankenphp_log().
func (k *worker) Report(level int, text string) {
	if level := zlog.Level(level); level >= k.level {
		k.control.say(contract.Say, string('0'+byte(level))+text)
	}
}

// ConnectionFailed reports to the error log why a connection is of no more use.
func (k *worker) ConnectionFailed(err error) {
	k.report(zlog.Warning, "connection closed: "+err.Error())
}
