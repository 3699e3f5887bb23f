// Package machine measures what this process may use of the machine, and what processes use of it. The master asks, and the built-in
// configuration.
//
//	Limits    the processors and memory that control groups (versions 1 and 2) leave to this process: the built-in configuration sizes its pool by them
//	Kills     whether the kernel has killed a process for lack of memory: an incident tells by it why a worker has ended
//	Scales    how much memory processes have, their weight: for metrics
//	Children  how many processes a process has started: the master ends the worker with the most if another pool cannot get a worker
//
// It reads /proc and /sys when it is asked, starts nothing and decides nothing. It is pure Go.
package machine

import (
	"bufio"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
)

// Limits are what a process may use.
type Limits struct {
	CPUs   float64 // processors at once, by affinity and cgroups; more than 0
	Memory int64   // bytes, by the machine and cgroups; 0: unknown
}

// Read returns the limits of this process.
func Read() Limits { return read(os.DirFS("/"), runtime.NumCPU()) }

// read looks at a tree of files, in which / is the root.
func read(root fs.FS, affinity int) Limits {
	l := Limits{CPUs: float64(affinity), Memory: total(root)}
	for _, c := range cgroups(root) {
		// Every group above counts too. A container sees its own as the root of the hierarchy, whatever the name.
		for dir := path.Join(c.mount, c.path); ; dir = path.Dir(dir) {
			l.lower(c.limits(root, dir))
			if dir == c.mount || len(dir) < len(c.mount) {
				break
			}
		}
	}
	return l
}

// lower takes a group's limits into account.
func (l *Limits) lower(cpus float64, memory int64) {
	if cpus > 0 {
		l.CPUs = min(l.CPUs, cpus)
	}
	if memory > 0 && (l.Memory == 0 || memory < l.Memory) {
		l.Memory = memory
	}
}

// total is the machine's memory.
func total(root fs.FS) int64 {
	text, _ := fs.ReadFile(root, "proc/meminfo")
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10
		}
	}
	return 0
}

// cgroup is the group of this process in one hierarchy.
type cgroup struct {
	mount  string // without the slash at its beginning
	path   string
	limits func(root fs.FS, dir string) (cpus float64, memory int64)
}

// cgroups reads /proc/self/cgroup: "0::/a/b" is version 2, "4:memory:/a" and "3:cpu,cpuacct:/a" version 1.
func cgroups(root fs.FS) (all []cgroup) {
	text, _ := fs.ReadFile(root, "proc/self/cgroup")
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	for lines.Scan() {
		fields := strings.SplitN(lines.Text(), ":", 3)
		if len(fields) != 3 {
			continue
		}
		if fields[1] == "" {
			all = append(all, cgroup{"sys/fs/cgroup", fields[2], version2}, cgroup{"sys/fs/cgroup/unified", fields[2], version2})
			continue
		}
		for _, controller := range strings.Split(fields[1], ",") {
			switch controller {
			case "memory":
				all = append(all, cgroup{"sys/fs/cgroup/memory", fields[2], memory1})
			case "cpu":
				all = append(all, cgroup{"sys/fs/cgroup/cpu", fields[2], cpu1}, cgroup{"sys/fs/cgroup/cpu,cpuacct", fields[2], cpu1})
			}
		}
	}
	return all
}

func version2(root fs.FS, dir string) (cpus float64, memory int64) {
	quota, period, _ := strings.Cut(line(root, dir, "cpu.max"), " ")
	memory = least(number(line(root, dir, "memory.max")), number(line(root, dir, "memory.high")))
	return share(number(quota), number(period)), memory
}

func cpu1(root fs.FS, dir string) (cpus float64, memory int64) {
	return share(number(line(root, dir, "cpu.cfs_quota_us")), number(line(root, dir, "cpu.cfs_period_us"))), 0
}

// memory1: if there is no limit, a number near the largest stands there.
func memory1(root fs.FS, dir string) (cpus float64, memory int64) {
	if memory = number(line(root, dir, "memory.limit_in_bytes")); memory > math.MaxInt64>>2 {
		memory = 0
	}
	return 0, memory
}

func line(root fs.FS, dir, name string) string {
	text, _ := fs.ReadFile(root, path.Join(dir, name))
	return strings.TrimSpace(string(text))
}

// number is a positive number, else 0: "max" and -1 mean no limit.
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func share(quota, period int64) float64 {
	if quota <= 0 || period <= 0 {
		return 0
	}
	return float64(quota) / float64(period)
}

// least is the smaller of two limits, 0 being none.
func least(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
