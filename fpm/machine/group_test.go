package machine

import (
	"testing"
	"testing/fstest"
)

func TestGroupThatCountsIsFound(t *testing.T) {
	const counts, none = "low 0\nhigh 3\nmax 9\noom 2\noom_kill 5\noom_group_kill 1\n", "low 0\n"
	for name, c := range map[string]struct {
		cgroup string
		files  map[string]string
		want   string
	}{
		"own":                {"0::/system.slice/fpm.service\n", map[string]string{"sys/fs/cgroup/system.slice/fpm.service/memory.events": counts}, "sys/fs/cgroup/system.slice/fpm.service/memory.events"},
		"a container's":      {"0::/docker/123\n", map[string]string{"sys/fs/cgroup/memory.events": counts}, "sys/fs/cgroup/memory.events"},
		"version 1":          {"4:memory:/a\n1:cpu:/b\n0::/\n", map[string]string{"sys/fs/cgroup/memory/a/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"}, "sys/fs/cgroup/memory/a/memory.oom_control"},
		"does not count":     {"0::/a\n", map[string]string{"sys/fs/cgroup/a/memory.events": none}, ""},
		"none":               {"", nil, ""},
		"what is not a list": {"0:\n::::\nmemory\n0::../../etc\n", nil, ""},
	} {
		root := fstest.MapFS{"proc/self/cgroup": {Data: []byte(c.cgroup)}}
		for name, text := range c.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := events(root); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	if n, ok := kills(counts); n != 5 || !ok {
		t.Errorf("got %d, %v", n, ok)
	}
	if n, ok := kills("oom_kill_disable 0\n"); ok {
		t.Errorf("got %d", n)
	}
}
