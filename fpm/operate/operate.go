package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// The exit statuses, php-fpm's (fpm.h) and sysexits' where they have one: docs/SIGNALS.md has the table.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUnavailable = 69
	exitSoftware    = 70
	exitDenied      = 77
	exitConfig      = 78
)

// Operator runs the commands: it knows where to look for the service and where answers go.
type Operator struct {
	Target
	Out, Err io.Writer
	JSON     bool          // print JSON on Out
	Began    time.Time     // when the command began
	Timeout  time.Duration // how long to wait for the outcome; 0: as long as it takes

	outcome Outcome
	printed bool // something else than the outcome was printed as JSON
}

// reach finds the master that is meant, and connects to it.
func (o *Operator) reach() (*master, error) {
	m, err := o.find()
	if err == nil {
		o.outcome.Master = m.pid
	}
	return m, err
}

// failure is why a command failed, with its exit status.
type failure struct {
	status int
	why    string
	reason control.Reason // the master's; empty: it has given none
}

func (f *failure) Error() string { return f.why }

func failed(status int, format string, args ...any) *failure {
	return &failure{status: status, why: fmt.Sprintf(format, args...)}
}

func (o *Operator) context() (context.Context, context.CancelFunc) {
	if o.Timeout <= 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), o.Timeout)
}

// ask puts a question to the master that is meant, and returns its answer. A refusal is an error.
func (o *Operator) ask(question control.Request) (*master, control.Answer, error) {
	return o.askFor(question, func(control.Answer) {})
}

// askFor is ask for what may take a while. hear gets the answers before the last.
func (o *Operator) askFor(question control.Request, hear func(control.Answer)) (*master, control.Answer, error) {
	m, err := o.reach()
	if err != nil {
		return nil, control.Answer{}, err
	}
	defer m.client.Close()
	ctx, cancel := o.context()
	defer cancel()
	a, err := m.client.Ask(ctx, question, hear)
	switch {
	case errors.Is(err, context.DeadlineExceeded) && question.Changes():
		err = failed(exitFailed, "no outcome within %v; what was asked for continues, and the error log of %s tells how it ends; wait longer with --timeout", o.Timeout, m)
	case errors.Is(err, context.DeadlineExceeded):
		err = failed(exitFailed, "%s has not answered within %v; see its error log", m, o.Timeout)
	case errors.Is(err, control.ErrEnded):
		err = failed(exitUnavailable, "%s has just ended", m)
	case err == nil:
		err = refusal(m, a)
	}
	return m, a, err
}

// printJSON prints a value as JSON.
func (o *Operator) printJSON(value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	o.printed = true
	fmt.Fprintf(o.Out, "%s\n", plainJSON(text))
	return nil
}

// showPart shows a part of an answer, by show for people or as JSON. It returns an error if the master has answered without it; what is
// how that error calls it.
func showPart[T any](o *Operator, m *master, part *T, what string, show func(*T)) error {
	switch {
	case part == nil:
		return notUnderstood(m, what)
	case o.JSON:
		return o.printJSON(part)
	}
	show(part)
	return nil
}

// notUnderstood is the failure of a master that has answered something else.
func notUnderstood(m *master, without string) error {
	return failed(exitSoftware, "%s answered without %s; is it another version of phpsapi?", m, without)
}

// refusal is the failure that a master's last answer tells; nil if it tells none.
func refusal(m *master, a control.Answer) error {
	f := &failure{exitFailed, plain(a.Why), a.Reason}
	switch a.Reason {
	case "":
		return nil
	case control.Denied:
		f.status, f.why = exitDenied, fmt.Sprintf("%s refuses: %s", m, f.why)
	case control.BadConfig:
		f.status = exitConfig
	}
	return f
}
