package master

import (
	"slices"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// lastWordsTime is how long a master that ends waits until operators were written what it has told them.
const lastWordsTime = time.Second

// operator is an operator (package control), and what it waits for.
type operator struct {
	*control.Operator
	round int    // the reload whose end is waited for; 0: none
	drain int    // generations up to this one are waited for; 0: none
	kills *child // whose request it wants ended; nil: none
	task  *task  // what it waits for besides; nil: nothing
}

// progressInterval is how often an operator that waits hears what for.
const progressInterval = time.Second

// operators is what the loop knows of operators.
type operators struct {
	since      time.Time // when the service began
	waiting    []*operator
	progressAt time.Time       // zero: nobody waits
	lookAt     time.Time       // when to look at the tasks again; zero: there are none
	round      int             // reloads that began; each has an end
	last       *control.Ending // of the last reload that ended
	upgrade    bool            // the next reload is to execute the program that is installed
	// upgradedFrom is the version of the program before while it is told that this one has taken over.
	upgradedFrom string
}

// keep has an operator wait, and told of progress.
func (all *operators) keep(o *operator, now time.Time) {
	if len(all.waiting) == 0 {
		all.progressAt = now.Add(progressInterval)
	}
	all.waiting = append(all.waiting, o)
}

// drop forgets an operator that waits for nothing more.
func (all *operators) drop(o *operator) {
	all.waiting = slices.DeleteFunc(all.waiting, func(other *operator) bool { return other == o })
	if len(all.waiting) == 0 {
		all.progressAt = time.Time{}
	}
}

// tellReload tells those that wait for the reload which has ended, or for one before it. It returns those that wait for nothing more: after a
// failure all, otherwise those that do not wait for the old generations, which end with the number before the answer's.
func (all *operators) tellReload(a control.Answer) (done []*operator) {
	for _, o := range all.waiting {
		if o.round == 0 || o.round > all.round {
			continue
		}
		o.round = 0
		if a.Done = a.Reason != "" || !o.Request.Drained; a.Done {
			done = append(done, o)
		} else {
			o.drain = a.Generation - 1
		}
		o.Tell(a)
	}
	return done
}

// tellDrained tells those that wait for the end of generations which have ended, and returns them. ended reports whether all up to a number
// have.
func (all *operators) tellDrained(ended func(drain int) bool) (done []*operator) {
	for _, o := range all.waiting {
		if o.drain > 0 && ended(o.drain) {
			o.Tell(control.Answer{Done: true, Generation: o.drain + 1})
			done = append(done, o)
		}
	}
	return done
}

// tellStopped tells those that wait for anything but a stop that there will be none of it, and returns them.
func (all *operators) tellStopped() (done []*operator) {
	for _, o := range all.waiting {
		if o.Request.Command.Reloads() || o.task != nil {
			o.Tell(control.Answer{Done: true, Reason: control.Failed, Why: "the service was stopped meanwhile"})
			done = append(done, o)
		}
	}
	return done
}

// tellProgress says what each waits for: its task's progress, or that of a stop or of the end of old generations up to a number. An operator that
// has not read what it was told misses it.
func (all *operators) tellProgress(of func(drain int) *control.Progress) {
	for _, o := range all.waiting {
		switch {
		case !o.IsSaid():
		case o.task != nil:
			o.Tell(control.Answer{Progress: o.task.progress()})
		default:
			o.Tell(control.Answer{Progress: of(o.drain)})
		}
	}
}

// tellTasks tells those whose tasks have news, or are done, and returns the latter with their last answers, which they have not been told. It
// sets when to look again.
func (all *operators) tellTasks(now time.Time) (done []finished) {
	all.lookAt = time.Time{}
	for _, o := range slices.Clone(all.waiting) { // what a task does may end others' waiting
		if o.task == nil {
			continue
		}
		if o.task.news != nil && o.IsSaid() {
			if a, is := o.task.news(); is {
				o.Tell(a)
			}
		}
		if a, is := o.task.done(now); is {
			done = append(done, finished{o, a})
			continue
		}
		all.lookAt = now.Add(taskInterval)
	}
	return done
}

// finished is an operator whose task is done, and its last answer.
type finished struct {
	o *operator
	a control.Answer
}

// task is what an operator waits for. done returns the last answer, or false if it is not time for that.
type task struct {
	done     func(now time.Time) (control.Answer, bool)
	progress func() *control.Progress
	news     func() (control.Answer, bool) // what is to be told besides, when all that was told before is written; nil: nothing ever is
}

// taskInterval is how often tasks are looked at, if nothing happens.
const taskInterval = 20 * time.Millisecond

// lastWords waits until operators have been written what the loop told them: the master is about to end.
func (m *Master) lastWords() {
	unsaid := func(o *operator) bool { return !o.IsSaid() }
	for end := time.Now().Add(lastWordsTime); slices.ContainsFunc(m.operators.waiting, unsaid) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

// listenControl opens the control socket. Without one the service serves all the same.
func (m *Master) listenControl() {
	m.operators.since = m.sys.now()
	var err error
	if m.control, err = control.Listen(m.box); err != nil {
		m.log.controlNotOpened(err)
	}
}

// What operators' goroutines tell the loop.
type (
	operatorAsked  struct{ o *control.Operator }
	operatorGone   struct{ o *control.Operator }
	operatorDenied struct{ pid, uid, others int }
	wrongToken     struct {
		client string
		others int
	}
)

// A mailbox is a control.Inbox.

func (b *mailbox) Asked(o *control.Operator)            { b.post(operatorAsked{o}) }
func (b *mailbox) Gone(o *control.Operator)             { b.post(operatorGone{o}) }
func (b *mailbox) Denied(pid, uid, others int)          { b.post(operatorDenied{pid, uid, others}) }
func (b *mailbox) WrongToken(client string, others int) { b.post(wrongToken{client, others}) }

func (e operatorDenied) happen(m *Master) { m.log.operatorDenied(e.pid, e.uid, e.others) }
func (e wrongToken) happen(m *Master)     { m.log.wrongToken(e.client, e.others) }

func (e operatorAsked) happen(m *Master) { m.asked(&operator{Operator: e.o}) }

func (e operatorGone) happen(m *Master) {
	if i := slices.IndexFunc(m.operators.waiting, func(o *operator) bool { return o.Operator == e.o }); i >= 0 {
		m.dismiss(m.operators.waiting[i])
	}
}
