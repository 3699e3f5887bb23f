package operate

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// OpcacheStatus shows what opcache and APCu have, that of the PHP that a pool runs on or, if its name is empty, of all, for people or as JSON. It
// returns the exit status.
func (o *Operator) OpcacheStatus(pool string) int {
	return o.end("opcache status", o.opcacheStatus(pool))
}

func (o *Operator) opcacheStatus(pool string) error {
	m, a, err := o.ask(control.Request{Command: control.OpcacheStatus, Pool: pool})
	if err != nil {
		return err
	}
	return showPart(o, m, a.Caches, "caches", func(c *control.Caches) {
		for i := range c.Engines {
			showCaches(o.Out, &c.Engines[i])
		}
	})
}

// OpcacheReset has opcache forget all scripts, and waits until that is so. It returns the exit status.
func (o *Operator) OpcacheReset(pool string) int {
	return o.end("opcache reset", o.opcacheReset(pool))
}

func (o *Operator) opcacheReset(pool string) error {
	m, a, err := o.askFor(control.Request{Command: control.OpcacheReset, Pool: pool}, func(control.Answer) {})
	if err != nil {
		return err
	}
	if err := showPart(o, m, a.Caches, "caches", func(c *control.Caches) {
		for i := range c.Engines {
			showReset(o.Out, &c.Engines[i])
		}
	}); err != nil {
		return err
	}
	for _, e := range a.Caches.Engines {
		if !e.Reset && !e.WorkerMode {
			return failed(exitFailed, "the opcache of %s was not reset: %s", of(&e), plain(e.Why))
		}
	}
	return nil
}

// of names an engine by its pools.
func of(e *control.EngineCaches) string {
	var names []string
	for _, name := range e.Pools {
		names = append(names, plain(name))
	}
	if len(names) == 1 {
		return "pool " + names[0]
	}
	return "pools " + strings.Join(names, ", ")
}

func showReset(w io.Writer, e *control.EngineCaches) {
	switch {
	case e.Reset && e.Opcache != nil && e.Opcache.RestartPending:
		fmt.Fprintf(w, "the opcache of %s is reset: files are compiled again, and its memory is free when requests that use it have ended\n", of(e))
	case e.Reset:
		fmt.Fprintf(w, "the opcache of %s is reset\n", of(e))
	case e.WorkerMode:
		fmt.Fprintf(w, "the opcache of %s is not reset: %s\n", of(e), plain(e.Why))
	}
}

func showCaches(w io.Writer, e *control.EngineCaches) {
	age := ""
	if e.Age != nil && *e.Age >= 2 {
		age = fmt.Sprintf(", as of %v ago", time.Duration(*e.Age*float64(time.Second)).Round(time.Second))
	}
	fmt.Fprintf(w, "PHP %s, generation %d, %s%s\n", plain(e.PHP), e.Generation, of(e), age)
	if e.Age == nil {
		fmt.Fprintln(w, "  not known: no worker has come to tell it between two requests yet")
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if c := e.Opcache; c != nil {
		fmt.Fprintf(table, "  opcache\t%s; wasted %s%s\n", memory(&c.Memory), size(c.Memory.Wasted), opcacheState(c))
		fmt.Fprintf(table, "  scripts\t%d by %d paths of %d\n", c.Scripts, c.Keys, c.KeysLimit)
		fmt.Fprintf(table, "  hits\t%s\n", hits(c.Hits, c.Misses))
		fmt.Fprintf(table, "  interned strings\t%d, %s\n", c.StringsNumber, memory(&c.Strings))
		last := ""
		if c.Restarted > 0 {
			last = ", the last one " + date(c.Restarted)
		}
		fmt.Fprintf(table, "  restarts\tmemory used up %d, keys used up %d, reset %d%s\n", c.Restarts.Memory, c.Restarts.Keys, c.Restarts.Reset, last)
		if c.JIT != nil {
			fmt.Fprintf(table, "  JIT\t%s\n", memory(c.JIT))
		}
	} else {
		fmt.Fprintf(table, "  opcache\tnone, or without memory\n")
	}
	if c := e.APCu; c != nil {
		fmt.Fprintf(table, "  APCu\t%s; entries %d, thrown away %d times\n", memory(&c.Memory), c.Entries, c.Expunges)
		fmt.Fprintf(table, "  APCu hits\t%s; inserts %d\n", hits(c.Hits, c.Misses), c.Inserts)
	}
	table.Flush()
}

func opcacheState(c *control.Opcache) string {
	switch {
	case c.RestartPending:
		return "; reset, as soon as no request uses it"
	case c.Full:
		return "; FULL: it takes no more scripts"
	}
	return ""
}

// memory words how much of a cache's memory is used.
func memory(m *control.Memory) string {
	return fmt.Sprintf("%s of %s used", size(m.Used), size(m.Used+m.Free+m.Wasted))
}

// size words a number of bytes.
func size(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

// hits words how often a cache had what was asked for.
func hits(had, lacked int64) string {
	if had+lacked == 0 {
		return "0 of 0"
	}
	return fmt.Sprintf("%d of %d (%.1f %%)", had, had+lacked, 100*float64(had)/float64(had+lacked))
}
