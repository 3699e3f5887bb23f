package master

import (
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/companion"
	"github.com/phpsapi/phpsapi/test/boards"
)

// An operator that waits for a reload is told when neither the old front nor an old worker takes a request any more, but never waits for ever.
func TestReloadIsAnnouncedWhenTheOldProcessesHaveYielded(t *testing.T) {
	board, slot := boards.Occupied(t)
	now := time.Unix(100, 0)
	for _, c := range []struct {
		name    string
		is      func(h *handover, c *child)
		pending bool
	}{
		{"idle", func(*handover, *child) { slot.Accepting() }, true},
		{"has accepted, and nothing came", func(*handover, *child) { slot.Accepting(); slot.Receiving() }, true},
		{"answers a request", func(*handover, *child) { slot.Accepting(); slot.Executing() }, false},
		{"has answered one", func(*handover, *child) { slot.Accepting(); slot.End(slot.Elapsed(), 0, 0, 0) }, false},
		{"idle, has yielded", func(_ *handover, c *child) { slot.Accepting(); c.yielded = true }, false},
		{"idle, is gone", func(_ *handover, c *child) { slot.Accepting(); c.lost = true }, false},
		{"its readiness has not been read", func(_ *handover, c *child) { slot.Accepting(); c.ready = false }, true},
		{"answers a request, and was asked whether it is idle", func(_ *handover, c *child) { slot.Accepting(); slot.Executing(); c.asked = true }, true},
		{"idle, is silent for too long", func(h *handover, _ *child) { slot.Accepting(); h.until = now }, false},
		{"the front has not yielded", func(h *handover, c *child) { c.yielded, h.old.http.front = true, &front{Front: &companion.Front{}} }, true},
		{"the front has yielded", func(h *handover, c *child) {
			c.yielded, h.old.http.front = true, &front{Front: &companion.Front{Yielded: true}}
		}, false},
		{"the front is silent for too long", func(h *handover, c *child) {
			c.yielded, h.old.http.front, h.until = true, &front{Front: &companion.Front{}}, now
		}, false},
		{"no socket has changed hands", func(h *handover, c *child) { slot.Accepting(); c.yielded, h.open = true, false }, true},
	} {
		p := &pool{board: board}
		worker := &child{pool: p, ready: true}
		p.children = []*child{worker}
		h := &handover{old: &generation{pools: []*pool{p}}, until: now.Add(handoverPatience), open: true}
		c.is(h, worker)
		if got := h.postpone(now, &former{}); got != c.pending {
			t.Errorf("%s: pending %v, want %v", c.name, got, c.pending)
		}
		if c.pending && !h.lookAt.After(now) {
			t.Errorf("%s: it is not looked at again", c.name)
		}
	}
	if (*handover)(nil).postpone(now, &former{}) {
		t.Error("without a reload something is pending")
	}
}
