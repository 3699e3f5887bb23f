package machine

import (
	"testing"
	"testing/fstest"
)

func TestLimits(t *testing.T) {
	const mb = 1 << 20
	for name, tt := range map[string]struct {
		files map[string]string
		want  Limits
	}{
		"no cgroups": {map[string]string{"proc/meminfo": "MemTotal:       2048 kB\nMemFree: 1 kB\n"}, Limits{4, 2 * mb}},
		"nothing":    {nil, Limits{CPUs: 4}},
		"version 2": {map[string]string{
			"proc/meminfo": "MemTotal: 8388608 kB\n", "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/cpu.max": "max 100000\n", "sys/fs/cgroup/a/b/memory.max": "max\n",
			"sys/fs/cgroup/a/cpu.max": "150000 100000\n", "sys/fs/cgroup/a/memory.max": "1073741824\n",
		}, Limits{1.5, 1024 * mb}},
		"version 2 in a container, with a soft limit": {map[string]string{
			"proc/meminfo": "MemTotal: 8388608 kB\n", "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/cpu.max": "50000 100000\n", "sys/fs/cgroup/memory.max": "536870912\n", "sys/fs/cgroup/memory.high": "268435456\n",
		}, Limits{0.5, 256 * mb}},
		"version 1": {map[string]string{
			"proc/meminfo": "MemTotal: 8388608 kB\n", "proc/self/cgroup": "5:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n1:name=systemd:/\n0::/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":     "268435456\n",
			"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us":     "200000\n",
			"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us":    "100000\n",
			"sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.nothing": "",
		}, Limits{2, 256 * mb}},
		"version 1 without limits": {map[string]string{
			"proc/meminfo": "MemTotal: 1024 kB\n", "proc/self/cgroup": "5:memory:/\n3:cpu:/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us":         "-1\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
		}, Limits{4, mb}},
		"more than there is": {map[string]string{
			"proc/meminfo": "MemTotal: 1024 kB\n", "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "107374182400\n", "sys/fs/cgroup/cpu.max": "6400000 100000\n",
		}, Limits{4, mb}},
	} {
		t.Run(name, func(t *testing.T) {
			root := fstest.MapFS{}
			for file, text := range tt.files {
				root[file] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := read(root, 4); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}
