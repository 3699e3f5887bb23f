package master

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/plan"
	"github.com/phpsapi/phpsapi/fpm/startup"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// Only PHP knows the constants of extensions, and the master never has PHP in it. If php-fpm.conf has a word that may be one,
// PHP is started for the question and ended again. php-fpm has started PHP before it reads php-fpm.conf.

// withoutScripts are the settings of a PHP that is only to be asked: it preloads nothing.
const withoutScripts = "\nopcache.enable=0\nopcache.preload=\nffi.preload=\n"

var errChanged = errors.New("php-fpm.conf has changed while it was read; reload again")

// constants are what PHP has answered.
type constants struct {
	known map[string]string
	err   error // why it has not
}

// question is what is asked of a PHP.
type question struct {
	engine engines.Choice
	launch zygote.Config
	places bool // only where php.ini is
}

// question is what starts a PHP that tells its constants: one that workers will have.
func (o *Options) question(plan *plan.Plan, engine engines.Choice) question {
	q := question{engine: engine, launch: o.launch(plan, engine)}
	q.launch.Module.INI.Entries += withoutScripts
	return q
}

// ask waits for PHP's answer, but not for long.
func (s system) ask(q question) constants {
	ctx, cancel := context.WithTimeout(context.Background(), s.askPatience)
	defer cancel()
	said := startup.Hear(&q.launch)
	known, err := s.constants(ctx, q.launch)
	if messages := said(); err != nil {
		err = startup.NotStarted(q.engine.Refusal(err))
		if len(messages) > 0 { // nobody else shows them
			first, _, _ := strings.Cut(messages[len(messages)-1], "\n")
			err = fmt.Errorf("%w: %s", err, first)
		}
	}
	return constants{known, err}
}

// asking is conf.Options.Loaded where the master may wait.
func (o *Options) asking(s system, plan *plan.Plan) func() (map[string]string, error) {
	return func() (map[string]string, error) {
		answer := s.ask(o.question(plan, plan.Engine))
		return answer.known, answer.err
	}
}

// try starts each PHP that the pools want, and ends it again. The error is the first one's that does not start.
func (o *Options) try(f *plan.Plan, s system, pools []*conf.Pool) error {
	var tried []string
	for _, p := range pools {
		engine := f.EngineOf(p.Name)
		if slices.Contains(tried, engine.Library) {
			continue
		}
		tried = append(tried, engine.Library)
		if err := s.ask(o.question(f, engine)).err; err != nil {
			return err
		}
	}
	return nil
}

// lookUp is conf.Options.Loaded where it may not: it tells what PHP has answered, and sets unknown if that is nil.
func (c *constants) lookUp(unknown *bool) func() (map[string]string, error) {
	return func() (map[string]string, error) {
		if c == nil {
			*unknown = true
			return nil, nil
		}
		return c.known, c.err
	}
}

// inquiry is a PHP that is asked beside the loop, for a reload.
type inquiry struct {
	attempt *attempt
	what    question
	pid     int // 0: not known yet
}

type (
	inquiryExecuted struct {
		inquiry *inquiry
		pid     int
	}
	inquiryAnswered struct {
		inquiry *inquiry
		answer  constants
	}
)

// inquire asks PHP beside the loop. The reload is rehearsed again when it has answered.
func (m *Master) inquire(a *attempt, what question) {
	q := &inquiry{attempt: a, what: what}
	what.launch.Executed = func(pid int) { m.box.post(inquiryExecuted{q, pid}) }
	m.executing++
	go func() { m.box.post(inquiryAnswered{q, m.sys.ask(what)}) }()
}

func (e inquiryExecuted) happen(m *Master) {
	m.executing--
	e.inquiry.pid = e.pid
	m.zygotes[e.pid] = true
	m.reap()
}

func (e inquiryAnswered) happen(m *Master) {
	q := e.inquiry
	if q.pid == 0 { // there was no process
		m.executing--
	}
	delete(m.zygotes, q.pid)
	if m.attempt == q.attempt {
		if q.what.places {
			m.attempt.places.learn(q.what.engine, e.answer)
		} else {
			m.attempt.constants = &e.answer
		}
		m.rehearse(m.attempt)
	}
	m.reap()
}
