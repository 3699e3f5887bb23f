package scoreboard

import "testing"

func TestHTTPTellsOfTheRescueSocket(t *testing.T) {
	b, slots := board(t, 2)
	if got := b.HTTP(1); got != (HTTP{}) {
		t.Errorf("a new worker says %+v", got)
	}
	before := b.now()
	slots[1].HTTP(HTTPUnsent, 3)
	got := b.HTTP(1)
	if got.State != HTTPUnsent || got.Listener != 3 || got.Spoke < before || got.Spoke > b.now() {
		t.Errorf("got %+v", got)
	}
	slots[1].HTTP(HTTPWaits, 3)
	if now := b.HTTP(1); now.State != HTTPWaits || now.Spoke != got.Spoke {
		t.Errorf("it waits: %+v after %+v", now, got)
	}
	if b.HTTP(0) != (HTTP{}) || b.HTTP(2) != (HTTP{}) {
		t.Error("others say something")
	}
	slots[1].HTTP(HTTPState(77), 0)
	if b.HTTP(1).State != NoHTTP {
		t.Error("a state that there is not is believed")
	}
	open(t, b, 1)
	if got := b.HTTP(1); got != (HTTP{}) {
		t.Errorf("the slot's next worker begins with %+v", got)
	}
}
