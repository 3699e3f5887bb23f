package operate

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/incident"
)

// Incidents shows the last n abnormal ends of workers and requests, of a pool or, if its name is empty, of all, for people or as JSON.
// n is 0 for all that the master remembers. It returns the exit status.
func (o *Operator) Incidents(pool string, n int) int {
	return o.end("incidents", o.incidents(pool, n))
}

func (o *Operator) incidents(pool string, n int) error {
	m, a, err := o.ask(control.Request{Command: control.LastIncidents, Pool: pool, Count: n})
	if err != nil {
		return err
	}
	all := a.Incidents
	if all == nil {
		return notUnderstood(m, "incidents")
	}
	if pool != "" && len(all.Incidents) == 0 && !slices.Contains(all.Pools, pool) {
		return failed(exitFailed, "there is no pool %s; %s has %s", pool, m, plain(strings.Join(all.Pools, ", ")))
	}
	if o.JSON {
		return o.printJSON(all)
	}
	showIncidents(o.Out, m, all)
	return nil
}

// showIncidents writes incidents for people.
func showIncidents(w io.Writer, m *master, all *control.Incidents) {
	if len(all.Incidents) == 0 {
		fmt.Fprintf(w, "no incidents since %s was started\n", m)
	}
	for i, one := range all.Incidents {
		if i > 0 {
			fmt.Fprintln(w)
		}
		showIncident(w, one)
	}
	if len(all.Scripts) > 0 {
		fmt.Fprintf(w, "\nscripts that have ended workers again and again, in the last %d minutes:\n", int(incident.Window.Minutes()))
		for _, s := range all.Scripts {
			fmt.Fprintf(w, "  %d  pool %s, %s, last %s\n", s.Ended, plain(s.Pool), plain(s.Script), plain(s.Last))
		}
	}
	if shown := uint64(len(all.Incidents)); shown > 0 && all.Total > shown {
		more := "-n shows more of them, as far as the master remembers them"
		if all.Log != "" {
			more = plain(all.Log) + " has all of them"
		}
		fmt.Fprintf(w, "\n%d of %s; %s\n", shown, control.Many(all.Total, "incident"), more)
	}
}

func showIncident(w io.Writer, i *incident.Incident) {
	line := func(format string, args ...any) { fmt.Fprintf(w, "  "+format+"\n", args...) }
	fmt.Fprintf(w, "%d. %s, %s: pool %s, pid %d, generation %d, PHP %s\n", i.Number, plain(i.Time), plain(string(i.Kind)), plain(i.Pool), i.Pid,
		i.Generation, plain(i.Engine))
	what := i.What
	if i.Address != "" {
		what += ", at address " + i.Address
	}
	if i.Sender != 0 {
		what += fmt.Sprintf(", sent by process %d", i.Sender)
	}
	if i.Memory > 0 {
		what += fmt.Sprintf(", with %.1f MB of memory at most", float64(i.Memory)/1e6)
	}
	line("%s", plain(what))
	if i.Error != "" {
		line("%s", plain(i.Error))
	}
	if i.Method != "" {
		id := ""
		if i.RequestID != "" {
			id = " (" + i.RequestID + ")"
		}
		line("%s", plain(i.Method+" "+i.Host+i.URI+id))
	}
	if i.Script != "" {
		times := ""
		if i.ScriptEnded > 1 {
			times = fmt.Sprintf(", which has ended %d workers in %d minutes", i.ScriptEnded, int(incident.Window.Minutes()))
		}
		line("script %s%s", plain(i.Script), times)
	}
	if i.Duration != nil {
		waited := ""
		if i.QueueWait != nil {
			waited = fmt.Sprintf(", after %v in the queue", seconds(*i.QueueWait))
		}
		line("it took %v%s; the client got %s", seconds(*i.Duration), waited, incident.Got(i.Client))
	}
	for _, stack := range []struct {
		of     string
		frames []string
	}{{"PHP", i.PHPStack}, {"C", i.CStack}} {
		for n, frame := range stack.frames {
			line("%-3s #%d %s", stack.of, n, plain(frame))
		}
	}
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Microsecond)
}
