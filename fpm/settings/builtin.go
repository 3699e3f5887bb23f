package settings

import (
	"fmt"
	"math"
	"strconv"

	"github.com/phpsapi/phpsapi/fpm/machine"
)

// What stands for a php-fpm.conf that is not there.
const (
	// BuiltInName is its name, in messages.
	BuiltInName = "built-in"
	// BuiltInPool is the name of its pool.
	BuiltInPool = "www"
	// Nameless is the listen of its pool: a unix socket that no file names.
	Nameless = "/(nameless)"
)

// What a pool is made for. WordPress 6.1 leaves a worker with 25 MB (PSS) after 200 pages, half of its administration;
// 13 of them are its own. A quarter of the memory is left to the file cache, opcache and others. Requests mostly wait,
// for a database or another server; more than childrenPerCPU at once only make each other slow.
const (
	memoryPerChild = 32 << 20
	childrenPerCPU = 16
	fewestChildren = 4
)

// children is how many workers a machine can feed.
func children(m machine.Limits) int {
	n := max(fewestChildren, int(math.Ceil(m.CPUs*childrenPerCPU)))
	if m.Memory > 0 {
		n = min(n, int(m.Memory/4*3/memoryPerChild))
	}
	return max(1, n)
}

// BuiltIn returns the text of a php-fpm.conf with one pool for the machine, run by root as user and group. What the overrides say of
// pm.max_children is minded in the numbers that must not be larger. A daemon has no stderr, and logs to syslog. Workers'
// output is decorated, as by default: a script could otherwise write a line that looks like the master's.
func (o Overrides) BuiltIn(m machine.Limits, user, group string, daemon bool) string {
	errorLog := "/dev/stderr"
	if daemon {
		errorLog = "syslog"
	}
	most := children(m)
	if settings, err := o.Resolve([]string{BuiltInPool}); err == nil {
		for _, s := range settings {
			if n, err := strconv.Atoi(s.Value); s.Name == "pm.max_children" && err == nil && n > 0 {
				most = n
			}
		}
	}
	least := min(most, max(1, int(math.Ceil(m.CPUs))))
	identity := ""
	if user != "" {
		identity = fmt.Sprintf("user = %s\ngroup = %s\n", user, group)
	}
	return fmt.Sprintf(builtIn, errorLog, BuiltInPool, identity, Nameless, most, least, least, min(most, 4*least))
}

const builtIn = `[global]
error_log = %s
daemonize = no
process_control_timeout = 10s
[%s]
%slisten = "%s"
pm = dynamic
pm.max_children = %d
pm.start_servers = %d
pm.min_spare_servers = %d
pm.max_spare_servers = %d
clear_env = no
catch_workers_output = yes
`
