package machine

import (
	"testing"
	"time"
)

func TestKernelsKillsAreClaimedOnce(t *testing.T) {
	now, n, ok := time.Unix(1e9, 0), int64(7), true
	begun := func() *Kills {
		return &Kills{known: n, count: func() (int64, bool) { return n, ok }}
	}
	k := begun()
	if k.Claim(now) {
		t.Error("a kill before the count began is claimed")
	}
	n += 2
	for i, want := range []bool{true, true, false} {
		if got := k.Claim(now); got != want {
			t.Errorf("claim %d: %v", i, got)
		}
	}
	n += 3
	k.Look(now)
	k.Look(now.Add(time.Second)) // nothing new
	if k.left != 3 {
		t.Errorf("%d are left, want 3", k.left)
	}
	n++
	k.Look(now.Add(2 * time.Second))
	k.Look(now.Add(2*time.Second + claimable))
	if k.left != 4 {
		t.Errorf("%d are left as long as one may be claimed, want 4", k.left)
	}
	k.Look(now.Add(2*time.Second + claimable + 1))
	if k.left != 0 || k.Claim(now.Add(time.Hour)) {
		t.Errorf("%d are left long after", k.left)
	}

	now = now.Add(2 * time.Hour)
	n, ok = n+1, false
	if k.Claim(now) {
		t.Error("a kill is claimed that the kernel has not told")
	}
	ok = true
	n += 1 << 40
	if k.Look(now); k.left != mostUnclaimed {
		t.Errorf("%d are left, want no more than %d", k.left, mostUnclaimed)
	}
}

// The first look finds the group, and counts from there.
func TestKillsBeginWithWhatThereIs(t *testing.T) {
	var k Kills
	k.Look(time.Now())
	if k.count == nil || k.left != 0 {
		t.Fatalf("got %+v", k)
	}
	if group := OwnGroup(); group != nil {
		if n, ok := group.OutOfMemoryKills(); !ok || n < k.known {
			t.Errorf("the group has %d, %v, and %d were there", n, ok, k.known)
		}
	}
}
