package master

import (
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// Any local user can connect to the control socket, and each attempt made a line of the error log: gigabytes an hour.
func TestStrangersCannotFillTheErrorLog(t *testing.T) {
	box, now := newMailbox(), time.Unix(1e9, 0)
	var d denials
	for range 1000 {
		d.add(7, 65534, now, box)
		now = now.Add(denialInterval / 500)
	}
	events := box.take()
	if len(events) != 2 || events[0] != (operatorDenied{7, 65534, 0}) || events[1] != (operatorDenied{7, 65534, 499}) {
		t.Errorf("got %v, want a line for each %v, the second for 499 others, too", events, denialInterval)
	}
}

// The master panicked when a client's queue was full.
func TestOperatorWhoDoesNotReadCostsOnlyHisConnection(t *testing.T) {
	o := &operator{answers: make(chan control.Answer, 1)}
	o.tell(control.Answer{Generation: 2})
	o.tell(control.Answer{Progress: &control.Progress{Workers: 1}})
	if o.hungUp {
		t.Fatal("progress that is not read ends the connection")
	}
	o.tell(control.Answer{Done: true})
	o.tell(control.Answer{Done: true})
	<-o.answers
	if _, open := <-o.answers; open {
		t.Error("an outcome that is not read does not end the connection")
	}
}
