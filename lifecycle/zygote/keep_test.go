package zygote

import (
	"syscall"
	"testing"
)

// over reports whether a child's Done is closed.
func over(c *Child) bool {
	select {
	case <-c.Done():
		return true
	default:
		return false
	}
}

func TestNewsIsOfOneChild(t *testing.T) {
	t.Parallel()
	var k keeper
	first, other := k.birth(nil, 7, 0), k.birth(nil, 8, 0)
	if _, known := first.Status(); known || over(first) {
		t.Error("it has ended before it was said")
	}
	if !k.end(7, 3<<8, 1<<20) || k.end(7, 0, 0) || k.end(9, 0, 0) {
		t.Error("an end is one child's, once")
	}
	if status, known := first.Status(); !known || status.ExitStatus() != 3 || !over(first) {
		t.Errorf("status %v, %v", status, known)
	}
	if _, known := other.Status(); known || over(other) {
		t.Error("another child's end was taken for its own")
	}

	// The pid is another child's now.
	second := k.birth(nil, 7, 0)
	k.end(7, syscall.WaitStatus(syscall.SIGKILL), 0)
	if status, _ := first.Status(); status.ExitStatus() != 3 {
		t.Errorf("the first one's status is %v now", status)
	}
	if status, _ := second.Status(); status.Signal() != syscall.SIGKILL {
		t.Errorf("the second one's is %v", status)
	}
}

// Two processes cannot have a pid: a zygote that says so is not in its right mind.
func TestTwoBirthsWithAPid(t *testing.T) {
	t.Parallel()
	var k keeper
	if k.birth(nil, 7, 0) == nil || k.birth(nil, 7, 0) != nil {
		t.Error("want the first one alone")
	}
}

// The children of a zygote that is gone live on, and nobody can tell their ends.
func TestChildrenOfAZygoteThatIsGone(t *testing.T) {
	t.Parallel()
	var k keeper
	ended, left := k.birth(nil, 7, 0), k.birth(nil, 8, 0)
	k.end(7, 0, 0)
	if all := k.children(); len(all) != 1 || all[0] != left {
		t.Errorf("%v live, want the second alone", all)
	}
	k.close()
	if _, known := ended.Status(); !known {
		t.Error("what was told is forgotten")
	}
	if _, known := left.Status(); known || !over(left) {
		t.Error("it must be over, and nobody knows how it ended")
	}
	if len(k.children()) != 0 || k.birth(nil, 9, 0) != nil {
		t.Error("it keeps children still")
	}
}
