package upstream

import "time"

// window is how many connections a pool has workers for, as far as it can be told. A pool of pm.max_children may have
// fewer workers at a time; more connections than workers would push each other out of the workers' hands, which costs more
// than to wait here. A worker that sees it says how many there are (fastcgi.Closing); while requests wait, one more is
// tried now and then, for there may be new ones.
//
// It is guarded by the pool's lock.
type window struct {
	size, most int
	changed    time.Time
}

// growAfter is how long the window stays as it is before more is tried.
const growAfter = 25 * time.Millisecond

// shrink notes that there are only so many workers.
func (w *window) shrink(workers int, now time.Time) {
	w.size, w.changed = max(1, min(w.size, workers)), now
}

// limit notes how many workers there may be; 0: nobody has said so. If they have become more, all may be there by now.
func (w *window) limit(most int) {
	switch {
	case most <= 0 || most == w.most:
		return
	case most > w.most:
		w.size = most
	}
	w.most, w.size = most, min(w.size, most)
}

// grow notes that requests wait.
func (w *window) grow(now time.Time) {
	if w.size < w.most && now.Sub(w.changed) >= growAfter {
		w.size, w.changed = w.size+1, now
	}
}
