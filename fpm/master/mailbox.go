package master

import "sync"

// event is something that another goroutine saw.
type event interface{ happen(m *Master) }

// mailbox takes events from any goroutine for the loop. It never makes the sender wait: a zygote that reports a
// hundred exits must not stop while the loop waits for its answer to a fork. A sender whose events others can cause
// without end waits by itself until the loop has taken one (Master.hear, poll.New).
type mailbox struct {
	mu    sync.Mutex
	queue []event
	wake  chan struct{} // readable while there are events
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

func (b *mailbox) post(e event) {
	b.mu.Lock()
	b.queue = append(b.queue, e)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *mailbox) take() []event {
	b.mu.Lock()
	defer b.mu.Unlock()
	events := b.queue
	b.queue = nil
	return events
}
