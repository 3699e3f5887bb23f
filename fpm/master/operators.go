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
