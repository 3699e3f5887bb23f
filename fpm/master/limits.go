// Counterpart: sapi/fpm/fpm/fpm_unix.c (fpm_unix_init_main)

package master

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// limit applies rlimit_files, rlimit_core and process.priority of [global] to the master, and so to all it starts.
// The error has been logged.
func limit(g *conf.Global, log lines) error {
	for _, l := range []struct {
		directive, name string
		resource, value int
	}{
		{"rlimit_files", "RLIMIT_NOFILE", unix.RLIMIT_NOFILE, g.RlimitFiles},
		{"rlimit_core", "RLIMIT_CORE", unix.RLIMIT_CORE, g.RlimitCore},
	} {
		if l.value == 0 {
			continue
		}
		most := uint64(l.value)
		if l.value == conf.RlimitUnlimited {
			most = unix.RLIM_INFINITY
		}
		if err := unix.Setrlimit(l.resource, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			log.limitNotSet(l.directive, l.name, l.value, err)
			return err
		}
	}
	if g.ProcessPriority == conf.PriorityUnset || os.Geteuid() != 0 {
		return nil // conf.Identify has said that it is ignored
	}
	if err := setPriority(g.ProcessPriority); err != nil {
		log.priorityNotSet(err)
		return err
	}
	return nil
}

// setPriority sets the priority of all threads: Linux knows none of a process.
func setPriority(priority int) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return unix.Setpriority(unix.PRIO_PROCESS, 0, priority)
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, tid, priority); err != nil && err != unix.ESRCH {
			return err
		}
	}
	return nil
}
