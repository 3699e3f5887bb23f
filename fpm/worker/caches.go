package worker

import (
	"strconv"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/lifecycle"
)

// inspectCaches does what contract.Caches asks for: order is its text.
func (k *worker) inspectCaches(order string) {
	reset := false
	if number, err := strconv.ParseUint(order, 10, 64); err == nil && !k.slot.ResetIsDone(number) {
		reset = lifecycle.ResetOpcache()
	}
	k.slot.Look(lifecycle.LookAtCaches)
	answer := "0"
	if reset {
		answer = "1"
	}
	k.control.say(contract.Caches, answer)
}
