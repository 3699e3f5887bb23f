package control

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

const prefix = "@phpsapi-fpm-"

// Name returns the address of the control socket of a master: an abstract unix socket. pid is the master's in its own pid
// namespace, which namespace tells from others: containers may share a network namespace, where the names are.
func Name(namespace uint64, pid int) string {
	return prefix + strconv.FormatUint(namespace, 10) + "-" + strconv.Itoa(pid)
}

// OwnName returns the Name of this process's own control socket.
func OwnName() (string, error) {
	namespace, err := namespaceOf("self", "pid")
	return Name(namespace, os.Getpid()), err
}

// nameOf is the address that the process pid would have, were it a master.
func nameOf(pid int) (string, error) {
	inner, err := innerPid(pid)
	if err != nil {
		return "", err
	}
	namespace, err := namespaceOf(strconv.Itoa(pid), "pid")
	if os.IsPermission(err) { // another user's: most likely in our own, and the master itself says more
		namespace, err = namespaceOf("self", "pid")
	}
	return Name(namespace, inner), err
}

// namespaceOf is the number of a process's namespace, the inode of its file.
func namespaceOf(process, kind string) (uint64, error) {
	info, err := os.Stat("/proc/" + process + "/ns/" + kind)
	if err != nil {
		return 0, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		panic("BUG: a file of /proc without an inode")
	}
	return stat.Ino, nil
}

// innerPid is what a process is called in its own pid namespace. One that has ended, and that nobody has waited for
// yet, is none: the error is ErrNoProcess.
func innerPid(pid int) (int, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "State:\tZ") {
			return 0, ErrNoProcess
		}
		if pids, ok := strings.CutPrefix(line, "NSpid:"); ok {
			fields := strings.Fields(pids)
			if len(fields) == 0 {
				break
			}
			return strconv.Atoi(fields[len(fields)-1])
		}
	}
	return pid, nil // a kernel without namespaces
}

// lives reports whether a process has a thread. One that executes another program has ended its first thread for a moment, which
// looks as if the process had.
func lives(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	return err == nil && !(bytes.Contains(text, []byte("\nState:\tZ")) && bytes.Contains(text, []byte("\nThreads:\t1\n")))
}

// Masters returns the pids of the masters in this process's pid namespace and network namespace, of any user.
func Masters() ([]int, error) {
	own, err := namespaceOf("self", "pid")
	if err != nil {
		return nil, err
	}
	f, err := os.Open("/proc/net/unix")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var pids []int
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if pid, ok := listening(lines.Text(), own); ok {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// listening takes a line of /proc/net/unix apart: Num, RefCount, Protocol, Flags, Type, St, Inode, Path. Flags tell
// if the socket listens; a master's connections have its name too.
func listening(line string, namespace uint64) (pid int, ok bool) {
	const listens = "00010000" // __SO_ACCEPTCON
	fields := strings.Fields(line)
	if len(fields) != 8 || fields[3] != listens {
		return 0, false
	}
	rest, ok := strings.CutPrefix(fields[7], fmt.Sprint(prefix, namespace, "-"))
	if !ok {
		return 0, false
	}
	pid, err := strconv.Atoi(rest)
	return pid, err == nil && pid > 0
}

// SharesPids reports whether a process is in this process's pid namespace, so that the pids that it tells mean the same here.
func SharesPids(pid int) bool {
	theirs, err := namespaceOf(strconv.Itoa(pid), "pid")
	if err != nil {
		return false
	}
	ours, err := namespaceOf("self", "pid")
	return err == nil && ours == theirs
}
