package operate

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// Requests shows the requests that the workers of a pool have or, if its name is empty, those of all pools, the longest first, for people or
// as JSON. It returns the exit status.
func (o *Operator) Requests(pool string) int {
	return o.end("requests", o.requests(pool))
}

func (o *Operator) requests(pool string) error {
	m, a, err := o.ask(control.Request{Command: control.Requests, Pool: pool})
	if err != nil {
		return err
	}
	return showPart(o, m, a.Requests, "requests", func(r *control.Running) { showRequests(o.Out, r) })
}

// showRequests writes requests for people.
func showRequests(w io.Writer, all *control.Running) {
	if len(all.Requests) == 0 {
		fmt.Fprintln(w, "no worker has a request")
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "pid\tpool\tgeneration\tstage\tduration\tclient\trequest\tscript\tid")
	for _, r := range all.Requests {
		fmt.Fprintf(table, "%d\t%s\t%d\t%s\t%.3fs\t%s\t%s\t%s\t%s\n", r.Pid, plain(r.Pool), r.Generation, plain(r.Stage), r.Duration,
			plain(dash(r.Client)), plain(dash(line(r))), plain(dash(r.Script)), plain(dash(r.RequestID)))
	}
	table.Flush()
}

// line is a request as the client asked for it, with its host.
func line(r control.RunningRequest) string {
	return strings.TrimSpace(r.Method + " " + r.Host + r.URI)
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// Kill ends the request of a worker, by SIGTERM and then SIGKILL, or with now by SIGKILL at once, and waits until the worker has ended. It
// returns the exit status.
func (o *Operator) Kill(pid int, now bool) int {
	return o.end("kill", o.kill(control.Request{Command: control.Kill, Pid: pid, Now: now}))
}

func (o *Operator) kill(request control.Request) error {
	m, a, err := o.ask(request)
	if err != nil {
		return err
	}
	return showPart(o, m, a.Killed, "an outcome", func(k *control.Killed) { fmt.Fprintln(o.Out, outcome(k)) })
}

// outcome tells in words how a request was ended.
func outcome(k *control.Killed) string {
	r := k.Request
	what := fmt.Sprintf("%s in pool %s, after %.3fs", line(r), r.Pool, r.Duration)
	switch {
	case k.How == "":
		return plain(fmt.Sprintf("the request ended by itself, and worker %d continues: %s", r.Pid, what))
	case k.Incident == 0:
		return plain(fmt.Sprintf("worker %d exited %s: %s", r.Pid, k.How, what))
	}
	return plain(fmt.Sprintf("worker %d exited %s, incident %d: %s", r.Pid, k.How, k.Incident, what))
}
