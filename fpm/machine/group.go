package machine

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// Group is the control group of this process, as far as it tells of memory.
type Group struct{ file *os.File }

// OwnGroup returns this process's group, or the nearest above it that counts what the kernel kills; nil: there is none.
func OwnGroup() *Group {
	name := events(os.DirFS("/"))
	if name == "" {
		return nil
	}
	file, err := os.Open("/" + name)
	if err != nil {
		return nil
	}
	return &Group{file}
}

// events returns the file of the group that counts; empty: there is none. A container sees its own group as the root of the hierarchy,
// whatever the name.
func events(root fs.FS) string {
	text, _ := fs.ReadFile(root, "proc/self/cgroup")
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		mount, file := "", ""
		switch {
		case fields[1] == "":
			mount, file = "sys/fs/cgroup", "memory.events"
		case fields[1] == "memory":
			mount, file = "sys/fs/cgroup/memory", "memory.oom_control"
		default:
			continue
		}
		for dir := path.Join(mount, fields[2]); len(dir) >= len(mount); dir = path.Dir(dir) {
			name := path.Join(dir, file)
			if text, err := fs.ReadFile(root, name); err == nil {
				if _, counts := kills(string(text)); counts {
					return name
				}
			}
		}
	}
	return ""
}

// killsOf is what the line begins with that counts, in both versions of control groups.
const killsOf = "oom_kill "

// OutOfMemoryKills returns how many processes of the group the kernel has killed for lack of memory. ok is false if it cannot be told.
func (g *Group) OutOfMemoryKills() (n int64, ok bool) {
	var b [512]byte
	size, err := syscall.Pread(int(g.file.Fd()), b[:], 0)
	if err != nil {
		return 0, false
	}
	return kills(string(b[:size]))
}

func kills(text string) (n int64, ok bool) {
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(line, killsOf); found {
			return number(strings.TrimSpace(rest)), true
		}
	}
	return 0, false
}
