package operate

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// Status shows how the service is, with full each worker, for people or as JSON. It returns the exit status: 0 if the service
// serves.
func (o *Operator) Status(full bool) int { return o.end("status", o.status(full)) }

func (o *Operator) status(full bool) error {
	m, a, err := o.ask(control.Request{Command: control.Status, Full: full})
	if err != nil {
		return err
	}
	if a.Status == nil {
		return notUnderstood(m, "a status")
	}
	if o.JSON {
		if err := o.printJSON(a.Status); err != nil {
			return err
		}
	} else if err := show(o.Out, a.Status); err != nil {
		return err
	}
	if a.Status.State != "normal" {
		return failed(exitFailed, "%s is %s", m, a.Status.State)
	}
	return nil
}

// show writes a report for people.
func show(w io.Writer, r *control.Report) error {
	fmt.Fprintf(w, "master %d, phpsapi %s for PHP %s, %s\n", r.Pid, plain(r.Version), plain(r.PHP), plain(r.Config))
	state := plain(r.State)
	if r.FinishingIn > 0 {
		state += fmt.Sprintf(" and not ready, finishing in %.1fs (shutdown_delay)", r.FinishingIn)
	}
	fmt.Fprintf(w, "state %s, running since %s (%s)\n", state, date(r.StartTime), span(r.StartSince))
	if last := r.LastReload; last != nil && last.Why != "" {
		fmt.Fprintf(w, "last reload failed %s: %s\n", date(last.Time), plain(last.Why))
		for _, line := range last.Lines {
			fmt.Fprintf(w, "  %s\n", plain(line))
		}
	} else if last != nil {
		fmt.Fprintf(w, "last reload succeeded %s: generation %d\n", date(last.Time), last.Generation)
	}
	if r.Former > 0 {
		fmt.Fprintf(w, "processes of the previous program that finish their requests: %d\n", r.Former)
	}
	if r.Reloading {
		fmt.Fprintln(w, "a reload is under way")
	}
	for _, g := range r.Generations {
		if err := showGeneration(w, g); err != nil {
			return err
		}
	}
	return nil
}

func showGeneration(w io.Writer, g control.Generation) error {
	fmt.Fprintf(w, "\ngeneration %d, %s, since %s\n", g.Generation, plain(g.State), date(g.StartTime))
	if f := g.Front; f != nil {
		fmt.Fprintf(w, "front %d, %s, %s\n", f.Pid, plain(f.State), plain(f.Addresses))
		for _, p := range f.Pools {
			fmt.Fprintf(w, "  pool %s: requests in the pool %d, waiting in the front %d (oldest %v, most so far %d), refused %d\n",
				plain(p.Name), p.Busy, p.Queue, time.Duration(p.Longest)*time.Millisecond, p.MaxQueue, p.Refused)
		}
	}
	if len(g.Engines) > 1 {
		for _, e := range g.Engines {
			fmt.Fprintf(w, "PHP %s, %s: %s\n", plain(e.PHP), plain(e.Path), plain(strings.Join(e.Pools, ", ")))
		}
	}
	pools := make([]control.Pool, len(g.Pools))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "pool\tpm\tidle\tactive\ttotal\tmax active\tlisten queue\tmax queue\taccepted conn\tslow\tmax children reached")
	for i, page := range g.Pools {
		p := &pools[i]
		if err := json.Unmarshal(page, p); err != nil {
			return failed(exitSoftware, "cannot read the status of a pool: %v", err)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%d\t%d/%d\t%d\t%d\t%d\t%d\n", plain(p.Name), plain(p.PM), p.Idle, p.Active, p.Total,
			p.MaxActive, p.ListenQueue, p.ListenQueueLen, p.MaxListenQueue, p.Accepted, p.Slow, p.MaxChildrenReached)
	}
	table.Flush()
	for i := range g.Steered {
		fmt.Fprintln(w, plain(showSteered(&g.Steered[i])))
	}
	for i, p := range pools {
		if p.Booting != nil {
			showWorkerMode(w, p, g.Pools[i])
		}
	}
	for _, p := range pools {
		if len(p.Processes) > 0 {
			showProcesses(w, p)
		}
	}
	return nil
}

// showWorkerMode shows what a pool in worker mode has besides.
func showWorkerMode(w io.Writer, p control.Pool, page json.RawMessage) {
	var all map[string]any
	json.Unmarshal(page, &all)
	restarts := ""
	for i := range scoreboard.Reasons {
		name := scoreboard.Reason(i).String()
		if n, _ := all["restarts "+name].(float64); n > 0 {
			restarts += fmt.Sprintf(", %s %.0f", name, n)
		}
	}
	if restarts == "" {
		restarts = ", none"
	}
	fmt.Fprintf(w, "pool %s, %s: booting %d, last boot %v, failed boots %d, restarts: %s\n", plain(p.Name), plain(p.Kind), *p.Booting,
		(time.Duration(p.BootTime) * time.Microsecond).Round(time.Millisecond), p.BootFailures, restarts[2:])
}

func showProcesses(w io.Writer, p control.Pool) {
	fmt.Fprintf(w, "\npool %s\n", plain(p.Name))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "pid\tstate\tsince\trequests\tduration\tcpu\tmemory\tgrowth a request\trequest\tscript")
	for _, c := range p.Processes {
		growth := "-"
		if c.Growth != nil {
			growth = fmt.Sprintf("%d B", *c.Growth)
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%d\t%s\t%.1f%%\t%.1f MB\t%s\t%s\t%s\n", c.Pid, plain(c.State), span(c.Since), c.Requests,
			time.Duration(c.Duration)*time.Microsecond, c.CPU, float64(c.Memory)/1e6, growth,
			plain(strings.TrimSpace(c.Method+" "+c.URI)), plain(c.Script))
	}
	table.Flush()
}

func date(epoch int64) string { return time.Unix(epoch, 0).Format("2006-01-02 15:04:05") }

// span is a time in seconds, for people.
func span(seconds int64) string {
	d := time.Duration(seconds) * time.Second
	if d < 24*time.Hour {
		return d.String()
	}
	return fmt.Sprintf("%dd%s", d/(24*time.Hour), d%(24*time.Hour))
}
