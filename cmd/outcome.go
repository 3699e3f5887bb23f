package cmd

import (
	"os"
	"slices"
	"time"

	"github.com/phpsapi/phpsapi/fpm/cmdline"
	"github.com/phpsapi/phpsapi/fpm/operate"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// withOutcome runs start or test, whose options are php-fpm's, and prints the outcome as JSON. A service that is started runs in the background.
func withOutcome(command string, args []string, asked engines.Asked) int {
	o := operate.Operator{Out: os.Stdout, Err: os.Stderr, JSON: true, Began: time.Now()}
	call := fpmInvocation(slices.DeleteFunc(slices.Clone(args), isJSON), "phpsapi fpm "+command, lifecycle.Self(), asked)
	call.Argv = slices.Clone(call.Argv) // the service's, which prints no outcome, and does not come to the foreground by an upgrade
	for i, arg := range call.Argv {
		if isJSON(arg) {
			call.Argv[i] = "-D"
		}
	}
	master := 0
	call.Started = func(pid int) { master = pid }
	return o.Watched(command, func() int { return cmdline.Main(call) }, func() int { return master })
}

func isJSON(arg string) bool { return arg == "--"+jsonFlag }
