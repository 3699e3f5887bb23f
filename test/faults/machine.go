package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// smallSize is the room for logs, uploads and spool where there is little.
const smallSize = 4 << 20

// canMount returns why file systems cannot be mounted here.
func canMount() error {
	dir, err := os.MkdirTemp("", "phpsapi-faults-")
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	undo, err := mountSmall(dir)
	if err == nil {
		undo()
	}
	return err
}

// mountSmall mounts a file system with little room, for everybody.
func mountSmall(dir string) (undo func(), err error) {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=1777", smallSize)); err != nil {
		return nil, fmt.Errorf("mount(2) of a tmpfs: %w", err)
	}
	return func() { unix.Unmount(dir, unix.MNT_DETACH) }, nil
}

// group is a cgroup with a limit of memory.
type group struct{ dir string }

var groups atomic.Int64

// memoryRoot is the directory in which cgroups that limit memory are made, and the name of the limit's file.
func memoryRoot() (dir, limit string, err error) {
	if _, err := os.Stat("/sys/fs/cgroup/memory/memory.limit_in_bytes"); err == nil {
		return "/sys/fs/cgroup/memory", "memory.limit_in_bytes", nil
	}
	controllers, err := os.ReadFile("/sys/fs/cgroup/cgroup.subtree_control")
	if err != nil || !strings.Contains(string(controllers), "memory") {
		return "", "", errors.New("no cgroups that limit memory in /sys/fs/cgroup")
	}
	return "/sys/fs/cgroup", "memory.max", nil
}

// canGroup returns why cgroups cannot be made here.
func canGroup() error {
	g, err := newGroup(1 << 30)
	if err == nil {
		g.remove()
	}
	return err
}

func newGroup(bytes uint64) (*group, error) {
	root, limit, err := memoryRoot()
	if err != nil {
		return nil, err
	}
	g := &group{filepath.Join(root, fmt.Sprintf("phpsapi-faults-%d-%d", os.Getpid(), groups.Add(1)))}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(g.dir, limit), []byte(strconv.FormatUint(bytes, 10)), 0o644); err != nil {
		g.remove()
		return nil, err
	}
	os.WriteFile(filepath.Join(g.dir, "memory.swap.max"), []byte("0"), 0o644)
	return g, nil
}

// within has a command run in the group.
func (g *group) within(cmd *exec.Cmd) *exec.Cmd {
	inside := exec.Command("sh", append([]string{"-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, g.dir}, append([]string{cmd.Path}, cmd.Args[1:]...)...)...)
	inside.Env, inside.Stdout, inside.Stderr = cmd.Env, cmd.Stdout, cmd.Stderr
	return inside
}

// remove removes the group, whose processes have ended or are about to.
func (g *group) remove() {
	for range 100 {
		if os.Remove(g.dir) == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// exhaust has scripts take all memory that the service may have, one by each door: the kernel kills their workers, and the log says so.
func exhaust(r *run) error {
	for n, d := range r.doors() {
		v := d.visitor(r.service, false)
		got := v.ask(request{n: 1, do: "memory-without-end"})
		if got.end != lost(d) {
			return fmt.Errorf("a request that takes all memory, by %s: %v, want %s", d, got, lost(d))
		}
		said := func() bool {
			return strings.Count(r.logged(), "; the kernel has sent the signal for lack of memory") == n+1
		}
		if r.stock {
			continue
		}
		if err := r.WaitFor(10*time.Second, said); err != nil {
			return fmt.Errorf("that the kernel has killed a worker, by %s, is not in the log: %w", d, err)
		}
	}
	return nil
}
