package operate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// findTimeout is how long a master that is looked at may take to answer.
const findTimeout = 5 * time.Second

// Stop ends the service and waits until its master has ended: after its current requests, for which process_control_timeout
// is the limit if it is set, or with now at once, as SIGTERM does. It returns the exit status.
func (o *Operator) Stop(now bool) int { return o.end("stop", o.stop(now)) }

func (o *Operator) stop(now bool) error {
	m, err := o.find()
	if err != nil {
		return err
	}
	defer m.client.Close()
	// Whatever has the pid later, this is the process that answers now. Where the kernel cannot do that, the end of
	// the connection must do.
	process, err := unix.PidfdOpen(m.pid, 0)
	if err == nil {
		defer unix.Close(process)
	} else {
		process = -1
	}
	ctx, cancel := o.context()
	defer cancel()
	waits := &progress{o: o, of: m.String()}
	last, err := m.client.Ask(ctx, control.Request{Command: control.Stop, Now: now}, func(a control.Answer) { waits.show(a) })
	if errors.Is(err, control.ErrEnded) {
		err = awaitEnd(ctx, process)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return failed(exitFailed, "%s has not ended within %v and continues to stop; --now does not wait for requests", m, o.Timeout)
	case err != nil:
		return err
	}
	if err := refusal(m, last); err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "stopped: %s is gone%s\n", m, waits.aborted())
	return nil
}

// aborted returns how many requests were aborted, as the end of a sentence.
func (p *progress) aborted() string {
	switch p.last.Cut {
	case 0:
		return ""
	case 1:
		return ", 1 request was aborted"
	}
	return fmt.Sprintf(", %d requests were aborted", p.last.Cut)
}

// awaitEnd waits until a process is gone, by its descriptor; -1: it is known to be.
func awaitEnd(ctx context.Context, process int) error {
	for process >= 0 {
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(process), Events: unix.POLLIN}}, 50)
		if err != nil && err != unix.EINTR {
			return err
		}
		if ready > 0 {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}
