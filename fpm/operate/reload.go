package operate

import (
	"context"
	"errors"
	"fmt"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// Reload reloads the service's configuration, as SIGUSR2 does, and waits until that serves or was refused. With drained it
// also waits until the workers of the old one have ended. It returns the exit status.
func (o *Operator) Reload(drained bool) int {
	return o.end("reload", o.reload(control.Reload, drained))
}

// Upgrade has the program that is installed by now take over the service, and waits as Reload does.
func (o *Operator) Upgrade(drained bool) int {
	return o.end("upgrade", o.reload(control.Upgrade, drained))
}

func (o *Operator) reload(command control.Command, drained bool) error {
	m, err := o.reach()
	if err != nil {
		return err
	}
	defer m.client.Close()
	ctx, cancel := o.context()
	defer cancel()
	waits := &progress{o: o, of: "the old configuration"}
	serves := false
	last, err := m.client.Ask(ctx, control.Request{Command: command, Drained: drained}, func(a control.Answer) {
		if a.Generation != 0 {
			serves = true
			o.reloaded(m, a)
		} else if serves {
			waits.show(a)
		}
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded) && serves:
		return failed(exitFailed, "the old workers have not finished within %v and continue; wait longer with --timeout", o.Timeout)
	case errors.Is(err, context.DeadlineExceeded):
		return failed(exitFailed, "no outcome within %v; the %s continues, and phpsapi fpm status shows how it ends", o.Timeout, command)
	case errors.Is(err, control.ErrEnded):
		return failed(exitFailed, "%s ended before it answered; see its error log", m)
	case err != nil:
		return err
	}
	if err := refusal(m, last); err != nil {
		o.showLines(last.Lines)
		if last.Reason == control.Failed || last.Reason == control.BadConfig {
			return fmt.Errorf("failed, %s keeps serving: %w", what(command), err)
		}
		return err
	}
	if !drained {
		o.reloaded(m, last)
		return nil
	}
	o.outcome.Finishing = 0
	o.say("the workers of the old configuration have ended\n")
	return nil
}

// what names what a command replaces.
func what(command control.Command) string {
	if command == control.Upgrade {
		return "the old program"
	}
	return "the old configuration"
}

// reloaded prints that a reload succeeded, and what is left of the old configuration.
func (o *Operator) reloaded(m *master, a control.Answer) {
	o.outcome.Generation, o.outcome.Version, o.outcome.From = a.Generation, a.Version, a.From
	if a.From != "" {
		o.say("upgraded from phpsapi %s to %s: generation %d serves (%s)\n", plain(a.From), plain(a.Version), a.Generation, m)
	} else {
		o.say("reloaded: generation %d serves (%s)\n", a.Generation, m)
	}
	o.showLines(a.Lines)
	if a.Progress != nil && a.Progress.Requests > 0 {
		o.outcome.Finishing = a.Progress.Requests
		o.say("the old configuration finishes %s\n", requests(a.Progress))
	}
}

// progress shows what is waited for, when it changes.
type progress struct {
	o    *Operator
	of   string
	last control.Progress
}

func (p *progress) show(a control.Answer) {
	if a.Progress == nil || *a.Progress == p.last {
		return
	}
	cut := p.last.Cut
	if p.last = *a.Progress; p.last.Cut > 0 {
		return // the outcome tells
	}
	p.last.Cut = cut
	fmt.Fprintf(p.o.Err, "waiting for %s: %s, workers: %d\n", p.of, requests(a.Progress), a.Progress.Workers)
}

func requests(p *control.Progress) string {
	return control.Many(p.Requests, "request") + " under way"
}
