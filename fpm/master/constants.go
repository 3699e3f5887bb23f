package master

import (
	"errors"
	"slices"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/plan"
	"github.com/phpsapi/phpsapi/fpm/startup"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// Only PHP knows the constants of extensions, and the master never has PHP in it. If php-fpm.conf has a word that may be one,
// PHP is started for the question and ended again. php-fpm has started PHP before it reads php-fpm.conf.

var errChanged = errors.New("php-fpm.conf has changed while it was read; reload again")

// question is what is asked of a PHP for its constants: one that workers will have.
func (o *Options) question(plan *plan.Plan, engine engines.Choice) startup.Question {
	return startup.AskConstants(engine, o.launch(plan, engine))
}

// placesQuestion is what is asked of a PHP for its places.
func (o *Options) placesQuestion(engine engines.Choice) startup.Question {
	return startup.AskPlaces(engine, o.launch(nil, engine))
}

// ask waits for PHP's answer, but not for long.
func (s system) ask(q startup.Question) startup.Answer { return q.Ask(s.askPatience, s.constants) }

// askedPlaces returns places for a process that may wait.
func (o *Options) askedPlaces(s system) *startup.Places {
	return startup.NewPlaces(func(engine engines.Choice) startup.Answer { return s.ask(o.placesQuestion(engine)) })
}

// asking is conf.Options.Loaded where the master may wait.
func (o *Options) asking(s system, plan *plan.Plan) func() (map[string]string, error) {
	return func() (map[string]string, error) {
		answer := s.ask(o.question(plan, plan.Engine))
		return answer.Known, answer.Err
	}
}

// try starts each PHP that the pools want, and ends it again. The error is the first one's that does not start.
func (o *Options) try(plan *plan.Plan, s system, pools []*conf.Pool) error {
	var tried []string
	for _, p := range pools {
		engine := plan.EngineOf(p.Name)
		if slices.Contains(tried, engine.Library) {
			continue
		}
		tried = append(tried, engine.Library)
		if err := s.ask(o.question(plan, engine)).Err; err != nil {
			return err
		}
	}
	return nil
}

// inquiry is a PHP that is asked beside the loop, for a reload.
type inquiry struct {
	attempt *attempt
	what    startup.Question
	pid     int // 0: not known yet
}

type (
	inquiryExecuted struct {
		inquiry *inquiry
		pid     int
	}
	inquiryAnswered struct {
		inquiry *inquiry
		answer  startup.Answer
	}
)

// inquire asks PHP beside the loop. The reload is rehearsed again when it has answered.
func (m *Master) inquire(a *attempt, what startup.Question) {
	q := &inquiry{attempt: a, what: what}
	what.Launch.Executed = func(pid int) { m.box.post(inquiryExecuted{q, pid}) }
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
		if q.what.ForPlaces {
			m.attempt.places.Learn(q.what.Engine, e.answer)
		} else {
			m.attempt.constants = &e.answer
		}
		m.rehearse(m.attempt)
	}
	m.reap()
}
