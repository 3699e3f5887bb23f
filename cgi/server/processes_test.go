package server

import (
	"math"
	"slices"
	"testing"
)

// PHP_FCGI_CHILDREN=50000 was taken, and processes were forked until the machine had no more.
func TestMoreChildrenThanProcessesAreRefused(t *testing.T) {
	t.Parallel()
	if err := (Settings{Children: math.MaxInt32}).CheckChildren(); err == nil {
		t.Error("they were taken")
	}
	if err := (Settings{Children: 2}).CheckChildren(); err != nil {
		t.Error(err)
	}
}

func TestLimitsOfControlGroups(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"0::/a/b":          {"/sys/fs/cgroup/a/b/pids.max", "/sys/fs/cgroup/a/pids.max", "/sys/fs/cgroup/pids.max"},
		"8:pids:/a":        {"/sys/fs/cgroup/pids/a/pids.max", "/sys/fs/cgroup/pids/pids.max"},
		"4:memory:/a":      nil,
		"0::/":             {"/sys/fs/cgroup/pids.max"},
		"0::/../elsewhere": {"/sys/fs/cgroup/elsewhere/pids.max", "/sys/fs/cgroup/pids.max"},
		"damaged":          nil,
	} {
		if got := pidsFiles(line); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}
