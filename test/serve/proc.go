package serve

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/test/wait"
)

// Tree returns the pids of the server's processes, its master first.
func (p *Process) Tree() []int { return Tree(p.Pid()) }

// Tree returns the pids of a process and of all below it.
func Tree(root int) []int {
	children := map[int][]int{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if f := statFields(pid); f != nil {
				parent, _ := strconv.Atoi(f[1])
				children[parent] = append(children[parent], pid)
			}
		}
	}
	all := []int{root}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// statFields are the fields of /proc/PID/stat from the state on; nil: there is no such process.
func statFields(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(f) < 15 || f[0] == "Z" {
		return nil
	}
	return f
}

// Parent returns the pid of a process's parent; 0: there is no such process.
func Parent(pid int) int {
	f := statFields(pid)
	if f == nil {
		return 0
	}
	parent, _ := strconv.Atoi(f[1])
	return parent
}

// Title returns the title of a process, which ps shows.
func Title(pid int) string {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
}

// Titled returns the pids of the processes below the master whose titles begin with prefix.
func (p *Process) Titled(prefix string) []int { return Titled(p.Pid(), prefix) }

// Titled returns the pids of the processes below a master whose titles begin with prefix.
func Titled(master int, prefix string) []int {
	return slices.DeleteFunc(Tree(master)[1:], func(pid int) bool { return !strings.HasPrefix(Title(pid), prefix) })
}

// CPU returns the CPU time, user and system, of a server's processes.
func (p *Process) CPU() time.Duration { return CPU(p.Tree()...) }

// CPU returns the CPU time, user and system, of processes and of the children they have waited for.
func CPU(pids ...int) time.Duration {
	const tick = 10 * time.Millisecond
	total := OwnCPU(pids...)
	for _, pid := range pids {
		if f := statFields(pid); f != nil {
			user, _ := strconv.Atoi(f[13])
			system, _ := strconv.Atoi(f[14])
			total += time.Duration(user+system) * tick
		}
	}
	return total
}

// OwnCPU returns the CPU time, user and system, of processes without that of their children.
func OwnCPU(pids ...int) (total time.Duration) {
	for _, pid := range pids {
		// clock_getcpuclockid(3): the whole process in nanoseconds, where /proc/PID/stat has hundredths.
		var t unix.Timespec
		if unix.ClockGettime(int32(^pid)<<3|2, &t) == nil {
			total += time.Duration(t.Nano())
		}
	}
	return total
}

// Lives reports whether a process has not ended.
func Lives(pid int) bool { return statFields(pid) != nil }

// AllEnd waits until all processes have ended. Those that do not are killed, and the test fails.
func AllEnd(t testing.TB, pids ...int) {
	t.Helper()
	for end := time.Now().Add(wait.Patience); slices.ContainsFunc(pids, Lives); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			for _, pid := range slices.DeleteFunc(slices.Clone(pids), func(pid int) bool { return !Lives(pid) }) {
				t.Errorf("process %d (%s) has not ended", pid, Title(pid))
				unix.Kill(pid, unix.SIGKILL)
			}
			t.FailNow()
		}
	}
}

// Faults returns the number of page faults of processes, and of the children they have waited for.
func Faults(pids ...int) (total int) {
	for _, pid := range pids {
		if f := statFields(pid); f != nil {
			for _, field := range f[7:11] {
				n, _ := strconv.Atoi(field)
				total += n
			}
		}
	}
	return total
}

// Peak returns the most memory that a process ever had resident, in KiB.
func Peak(pid int) (kib int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if _, after, found := bytes.Cut(text, []byte("VmHWM:")); found {
		kib, _ = strconv.Atoi(string(bytes.Fields(after)[0]))
	}
	return kib
}

// Private returns a process's private memory, in KiB.
func Private(pid int) (kib int) { return rollup(pid, "Private_Clean:", "Private_Dirty:") }

// Dirty returns how much of a process's private memory has been written to, in KiB.
func Dirty(pid int) (kib int) { return rollup(pid, "Private_Dirty:") }

// Descriptors returns how many descriptors a process has open.
func Descriptors(pid int) int {
	open, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(open)
}

// LimitDescriptors sets the limits of a process's descriptors, SOFT:HARD or one of them with its colon, as the process's user may: root needs
// CAP_SYS_RESOURCE for those of others.
func LimitDescriptors(pid int, limits string) error {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return err
	}
	id := func(name string) uint32 {
		_, after, _ := strings.Cut(string(status), "\n"+name+":")
		n, _ := strconv.Atoi(strings.Fields(after)[0])
		return uint32(n)
	}
	cmd := exec.Command("prlimit", "--pid", strconv.Itoa(pid), "--nofile="+limits)
	if uid := id("Uid"); uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: id("Gid"), NoSetGroups: true}}
	}
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("prlimit: %w: %s", err, said)
	}
	return nil
}

// Proportional returns a process's own memory and its share of what it shares with others (PSS), in KiB.
func Proportional(pid int) (kib int) { return rollup(pid, "Pss:") }

// rollup returns the sum of some fields of a process's memory, in KiB.
func rollup(pid int, fields ...string) (kib int) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		w := strings.Fields(lines.Text())
		if len(w) > 1 && slices.Contains(fields, w[0]) {
			n, _ := strconv.Atoi(w[1])
			kib += n
		}
	}
	return kib
}

// Scheduling is a script that prints what OwnScheduling returns, of its own process.
const Scheduling = `<?php preg_match('/Cpus_allowed:\s*(\S+)/', file_get_contents('/proc/self/status'), $found);
	echo $found[1], ' ', trim(file_get_contents('/proc/self/timerslack_ns'));`

// OwnScheduling returns the processors and the timer slack of this process's main thread, which a server is started with.
func OwnScheduling(t testing.TB) string {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	slack, err := os.ReadFile("/proc/self/timerslack_ns")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "Cpus_allowed:")
	return strings.Fields(rest)[0] + " " + strings.TrimSpace(string(slack))
}

// GroupID returns the id of a group. It skips the test if there is no such group.
func GroupID(t testing.TB, name string) int {
	t.Helper()
	g, err := user.LookupGroup(name)
	if err != nil {
		t.Skip(err)
	}
	id, _ := strconv.Atoi(g.Gid)
	return id
}
