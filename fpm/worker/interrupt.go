package worker

import (
	"fmt"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle"
)

// watchRequests has the requests watched for their time and their clients, if that is wanted. If it cannot be, requests are answered all
// the same.
func (k *worker) watchRequests() {
	soft, client := k.spec.SoftTimeout, k.spec.ClientCheck
	if soft == 0 && client == 0 {
		return
	}
	if err := k.responder.PHP.Watch(soft, client, fmt.Sprintf("Maximum request time of %v exceeded", soft), k.interrupted); err != nil {
		k.report(zlog.Warning, "its requests are not watched: "+err.Error())
		return
	}
	k.watches = true
}

// executing notes that the script is about to run.
func (k *worker) executing() {
	k.slot.Executing()
	k.profile.Load().wake()
	if !k.watches {
		return
	}
	var client *int32
	var id uint16
	switch {
	case k.spec.ClientCheck == 0:
	case k.talk.http:
		client = k.web.InForks
	default:
		client, id = k.responder.Place(), k.responder.Request.ID
	}
	k.responder.PHP.WatchBegin(k.responder.ForPHP.Accepted, client, id)
}

// executed notes that it has ended.
func (k *worker) executed() {
	if k.watches {
		k.responder.PHP.WatchEnd()
	}
}

// interrupted tells the master that the present request is interrupted.
func (k *worker) interrupted(why lifecycle.Interrupt) {
	i := contract.Interruption{Why: contract.InterruptedForClient, After: k.slot.Elapsed(), Method: string(k.info.Method), URI: string(k.info.URI), Query: string(k.info.Query),
		Script: string(k.info.Script)}
	if why == lifecycle.TimedOut {
		i.Why = contract.InterruptedForTime
	}
	k.control.say(contract.Interrupted, i.Text())
}
