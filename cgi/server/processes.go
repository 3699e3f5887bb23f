package server

import (
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// CheckChildren returns an error if PHP_FCGI_CHILDREN is more than the processes that the system lets the server have.
func (s Settings) CheckChildren() error {
	for _, l := range processLimits() {
		if uint64(s.Children) >= l.most {
			return fmt.Errorf("PHP_FCGI_CHILDREN is not valid: %d children are more than the limit of processes allows, "+
				"which is %d (%s)", s.Children, l.most, l.name)
		}
	}
	return nil
}

// processLimit is a limit of processes, and where it is set.
type processLimit struct {
	name string
	most uint64
}

// processLimits returns the limits that are known and set.
func processLimits() (all []processLimit) {
	files := []string{"/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"}
	groups, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(groups)) {
		files = append(files, pidsFiles(strings.TrimSpace(line))...)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if most, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil { // it may be "max"
			all = append(all, processLimit{name, most})
		}
	}
	var limit unix.Rlimit
	if os.Geteuid() != 0 && unix.Getrlimit(unix.RLIMIT_NPROC, &limit) == nil { // root is not held to it
		all = append(all, processLimit{"RLIMIT_NPROC, ulimit -u", limit.Cur})
	}
	return all
}

// pidsFiles returns the files that hold the limits of a control group, from a line of /proc/self/cgroup: those of the
// group and of the groups that it lies in.
func pidsFiles(line string) (files []string) {
	parts := strings.SplitN(line, ":", 3)
	if len(parts) < 3 {
		return nil
	}
	var root string
	switch {
	case parts[0] == "0" && parts[1] == "":
		root = "/sys/fs/cgroup"
	case parts[1] == "pids":
		root = "/sys/fs/cgroup/pids"
	default:
		return nil
	}
	for group := path.Clean("/" + parts[2]); ; group = path.Dir(group) {
		files = append(files, path.Join(root, group, "pids.max"))
		if group == "/" {
			return files
		}
	}
}
