package operate

import (
	"fmt"
	"io"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// ConfigDiff shows what a reload would change, for people or as JSON. It returns the exit status, which does not tell if there is anything.
func (o *Operator) ConfigDiff() int { return o.end("config diff", o.configDiff()) }

func (o *Operator) configDiff() error {
	m, a, err := o.ask(control.Request{Command: control.ConfigDiff})
	if err != nil {
		o.showLines(a.Lines)
		return err
	}
	return showPart(o, m, a.Diff, "a comparison", func(d *control.Diff) { showDiff(o.Out, d) })
}

// showDiff writes a comparison for people, section by section.
func showDiff(w io.Writer, d *control.Diff) {
	if len(d.Changes)+len(d.Added)+len(d.Removed) == 0 {
		fmt.Fprintf(w, "a reload would change nothing: the service runs with what %s has\n", plain(d.Config))
	}
	section := ""
	for _, c := range d.Changes {
		if c.Section != section {
			section = c.Section
			fmt.Fprintf(w, "[%s]\n", plain(section))
		}
		at := ""
		if c.Place != "" {
			at = "  ; " + c.Place
		}
		fmt.Fprintln(w, plain(fmt.Sprintf("  %s = %s -> %s%s", c.Name, setting(c.Running), setting(c.Files), at)))
	}
	for _, pool := range d.Added {
		fmt.Fprintf(w, "[%s] is a new pool\n", plain(pool))
	}
	for _, pool := range d.Removed {
		fmt.Fprintf(w, "[%s] is there no more: a reload ends the pool\n", plain(pool))
	}
	for _, note := range d.Notes {
		fmt.Fprintln(w, plain(note))
	}
}

func setting(text *string) string {
	switch {
	case text == nil:
		return "(not set)"
	case *text == "":
		return `""`
	}
	return *text
}

// LogLevel shows from which level messages are logged, after it has set the level if one is given. It returns the exit status.
func (o *Operator) LogLevel(level string) int {
	return o.end("log-level", o.logLevel(level))
}

func (o *Operator) logLevel(level string) error {
	m, a, err := o.ask(control.Request{Command: control.LogLevel, Level: level})
	if err != nil {
		return err
	}
	return showPart(o, m, a.Logging, "a level", func(l *control.Logging) {
		if l.Level == l.Configured {
			fmt.Fprintf(o.Out, "messages are logged from the level %s on, as configured\n", plain(l.Level))
		} else {
			fmt.Fprintf(o.Out, "messages are logged from the level %s on until the next reload, then from %s on\n", plain(l.Level), plain(l.Configured))
		}
	})
}
