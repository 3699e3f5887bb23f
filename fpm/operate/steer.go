package operate

import (
	"fmt"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// Pause has a pool take no connections. It waits until that is so, and returns the exit status.
func (o *Operator) Pause(pool string) int {
	return o.steer(control.Request{Command: control.Pause, Pool: pool})
}

// Drain has a pool take no connections, and waits until its workers have finished their requests. It returns the exit status.
func (o *Operator) Drain(pool string) int {
	return o.steer(control.Request{Command: control.Drain, Pool: pool})
}

// Resume has a paused pool take connections again. It waits until there is a worker, and returns the exit status.
func (o *Operator) Resume(pool string) int {
	return o.steer(control.Request{Command: control.Resume, Pool: pool})
}

// Scale limits a pool to n workers. It waits until there are so many, or those that are too many take nothing any more, and
// returns the exit status.
func (o *Operator) Scale(pool string, n int) int {
	return o.steer(control.Request{Command: control.Scale, Pool: pool, Count: n})
}

func (o *Operator) steer(request control.Request) int {
	return o.end(string(request.Command), o.steering(request))
}

func (o *Operator) steering(request control.Request) error {
	waits := &progress{o: o, of: "pool " + plain(request.Pool)}
	hear := func(a control.Answer) {
		if request.Command == control.Drain {
			waits.show(a)
		}
	}
	m, a, err := o.askFor(request, hear)
	if err != nil {
		return err
	}
	return showPart(o, m, a.Steered, "an outcome", func(s *control.Steered) { fmt.Fprintln(o.Out, plain(steered(request.Command, s))) })
}

// steered says in words what has become of a pool.
func steered(command control.Command, s *control.Steered) string {
	until := fmt.Sprintf(", until phpsapi fpm resume %s or the next reload", s.Pool)
	switch command {
	case control.Drain:
		return fmt.Sprintf("pool %s is drained: it has no workers and takes no connections%s", s.Pool, until)
	case control.Pause:
		if s.Requests > 0 {
			return fmt.Sprintf("pool %s takes no connections%s; it finishes %s", s.Pool, until,
				requests(&control.Progress{Requests: s.Requests}))
		}
		return fmt.Sprintf("pool %s takes no connections%s", s.Pool, until)
	case control.Resume:
		return fmt.Sprintf("pool %s takes connections: it has workers: %s", s.Pool, workers(s))
	}
	now := "it has " + workers(s)
	if s.Paused {
		now += ", and is paused"
	}
	if s.Limit == s.Configured {
		return fmt.Sprintf("pool %s may have %s, as configured; %s", s.Pool, control.Many(s.Limit, "worker"), now)
	}
	return fmt.Sprintf("pool %s may have %s until the next reload, then %d again; %s", s.Pool, control.Many(s.Limit, "worker"), s.Configured, now)
}

// workers says how many workers a pool has, and how many of these are more than it may have.
func workers(s *control.Steered) string {
	if s.Workers > s.Limit {
		return fmt.Sprintf("%d, of which %d leave after their request", s.Workers, s.Workers-s.Limit)
	}
	return fmt.Sprint(s.Workers)
}

// showSteered says in a status what operators have changed.
func showSteered(s *control.Steered) string {
	what := ""
	if s.Paused {
		what = fmt.Sprintf(", paused until phpsapi fpm resume %s or the next reload", s.Pool)
	}
	if s.Limit != s.Configured {
		what += fmt.Sprintf(", %s at most until the next reload, then %d again", control.Many(s.Limit, "worker"), s.Configured)
	}
	return "pool " + s.Pool + what
}
