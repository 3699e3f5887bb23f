package cmd

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/phpsapi/phpsapi/cgi"
	"github.com/phpsapi/phpsapi/cgi/handover"
	cgiserver "github.com/phpsapi/phpsapi/cgi/server"
	cgiworker "github.com/phpsapi/phpsapi/cgi/worker"
	"github.com/phpsapi/phpsapi/cli/server"
	cliserver "github.com/phpsapi/phpsapi/cli/server/worker"
	"github.com/phpsapi/phpsapi/fpm/contract"
	fpmworker "github.com/phpsapi/phpsapi/fpm/worker"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
)

// runWorker is what a zygote's worker does, by what its payload is, or the role that it names.
func runWorker() int {
	log := func(message string) { fmt.Fprintln(os.Stderr, message) }
	var room *fpmworker.Room
	w := lifecycle.BecomeWorker(func(message string) { log(message) }, func(module string) {
		if module == sapi.FPM || module == sapi.Apache {
			room = fpmworker.Prepare()
		}
	})
	if contract.IsSpec(w.Payload) {
		return fpmworker.Main(w, room)
	}
	w.MakeThreads()
	var payload struct{ Role string }
	if err := json.Unmarshal(w.Payload, &payload); err != nil {
		fmt.Fprintln(os.Stderr, "phpsapi: worker: damaged payload:", err)
		return 1
	}
	switch payload.Role {
	case server.Role:
		return cliserver.Run(w, func(f func(string)) { log = f })
	case cgiserver.Role:
		return cgiworker.Main(w)
	case handover.Role:
		return cgi.Report(w)
	}
	fmt.Fprintf(os.Stderr, "phpsapi: worker: unknown role %q\n", payload.Role)
	return 1
}
