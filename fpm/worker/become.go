// Counterpart: sapi/fpm/fpm/fpm_children.c (fpm_child_init), fpm_unix.c (fpm_unix_init_child), fpm_env.c
// (fpm_env_init_child), fpm_php.c (fpm_php_init_child)

package worker

import (
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/timezone"
)

// become makes the process what the Spec says, in php-fpm's order. What could not be done is logged in php-fpm's
// words; an error means that the worker must not begin.
func (k *worker) become(files []int) error {
	if err := k.takeFiles(files); err != nil {
		k.log.Log(zlog.Error, err.Error())
		return err
	}
	if k.spec.WorkerMode != nil && k.spec.WorkerMode.Snapshot { // the rest was done before the boot
		if err := k.catchQuit(); err != nil {
			return k.failed(err, "failed to init child signals: sigaction()")
		}
		k.startPHP()
		return nil
	}
	k.setLimits()
	for _, step := range []func() error{k.changeRoot, k.changeDir, k.setPriority, k.changeUser} {
		if err := step(); err != nil {
			return err
		}
	}
	if k.pool.ProcessDumpable {
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
			k.failed(err, "failed to prctl(PR_SET_DUMPABLE)")
		}
	}
	if err := k.confine(); err != nil {
		return err
	}
	if err := k.catchQuit(); err != nil {
		return k.failed(err, "failed to init child signals: sigaction()")
	}
	k.setEnvironment()
	k.startPHP()
	return k.restrict(files)
}

// restrict drops what the pool's workers have no need of, for good. It comes last: what was done before needs it.
func (k *worker) restrict(files []int) error {
	if k.spec.Restrictions == nil {
		return nil
	}
	if k.script != nil {
		if fd, err := openStatm(); err == nil { // a sandbox hides it
			k.statm = fd
		}
	}
	ruleset := -1 // Landlock's
	if i := k.spec.File(contract.Ruleset); i >= 0 {
		ruleset = files[i]
	}
	if err := lifecycle.Restrict(ruleset, k.spec.Restrictions.Filter); err != nil {
		k.log.Logf(zlog.Error, "[pool %s] the worker cannot be restricted (see sandbox and no_new_privs): %v", k.pool.Name, err)
		return err
	}
	if ruleset >= 0 {
		unix.Close(ruleset)
	}
	return nil
}

// failed logs a system call that failed, and gives the error back.
func (k *worker) failed(err error, format string, args ...any) error {
	k.log.LogErr(zlog.Error, "[pool "+k.pool.Name+"] "+fmt.Sprintf(format, args...), err)
	return err
}

// takeFiles takes the descriptors: the scoreboard's must be closed before anything untrusted runs.
func (k *worker) takeFiles(files []int) error {
	if len(files) != len(k.spec.Files) || len(files) < 3 {
		return fmt.Errorf("[pool %s] %d descriptors came, want %d", k.pool.Name, len(files), len(k.spec.Files))
	}
	k.kept, k.statm = -1, -1
	k.listen, k.control.fd = files[k.spec.File(contract.Listen)], files[k.spec.File(contract.Control)]
	board := files[k.spec.File(contract.Scoreboard)]
	reading := board
	if i := k.spec.File(contract.ForReading); i >= 0 {
		reading = files[i]
		defer unix.Close(reading)
	}
	k.slot = &k.room.slot
	if err := k.slot.OpenApart(board, reading, k.spec.Slots, k.spec.Slot); err != nil {
		return fmt.Errorf("[pool %s] %w", k.pool.Name, err)
	}
	unix.Close(board)
	shared := -1
	if i := k.spec.File(contract.SharedScoreboard); i >= 0 {
		shared = files[i]
		defer unix.Close(shared)
	}
	if err := k.openShown(shared); err != nil {
		return fmt.Errorf("[pool %s] %w", k.pool.Name, err)
	}
	k.traces = -1
	if i := k.spec.File(contract.TraceSocket); i >= 0 {
		k.traces = files[i]
	}
	if i := k.spec.File(contract.CrashOutput); i >= 0 {
		unix.SetNonblock(files[i], false) // another worker has it so, and package os would start Go's poller
		k.crash = os.NewFile(uintptr(files[i]), string(contract.CrashOutput))
		debug.SetCrashOutput(k.crash, debug.CrashOptions{}) // duplicates it
		unix.SetNonblock(files[i], true)                    // a panic must not wait for the master
	}
	log := -1
	if i := k.spec.File(contract.Access); i >= 0 {
		log = files[i]
	}
	k.openAccess(log)
	k.takeTraces(files)
	k.takeWorkerMode(files)
	if err := k.takeHTTP(files); err != nil {
		return fmt.Errorf("[pool %s] %w", k.pool.Name, err)
	}
	_, _ = time.Now().Zone() // reads the time zone, while there is a file of it
	if i := k.spec.File(contract.Stdout); i >= 0 {
		unix.Dup3(files[i], 1, 0)
		unix.Close(files[i])
	}
	if i := k.spec.File(contract.Stderr); i >= 0 {
		unix.Dup3(files[i], 2, 0)
		unix.Close(files[i])
		k.caught = true
	}
	return nil
}

func (k *worker) setLimits() {
	if n := k.pool.RlimitFiles; n != 0 {
		if err := syscall.Setrlimit(unix.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(n), Max: uint64(n)}); err != nil {
			k.failed(err, "failed to set rlimit_files for this pool. Please check your system limits or decrease rlimit_files. setrlimit(RLIMIT_NOFILE, %d)", n)
		}
	}
	if n := k.pool.RlimitCore; n != 0 {
		limit := uint64(n)
		if n == conf.RlimitUnlimited {
			limit = unix.RLIM_INFINITY
		}
		if err := syscall.Setrlimit(unix.RLIMIT_CORE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			k.failed(err, "failed to set rlimit_core for this pool. Please check your system limits or decrease rlimit_core. setrlimit(RLIMIT_CORE, %d)", n)
		}
	}
}

func (k *worker) changeRoot() error {
	if !k.spec.Root || !k.pool.Chroot.Filled() {
		return nil
	}
	if err := unix.Chroot(k.pool.Chroot.Value); err != nil {
		return k.failed(err, "failed to chroot(%s)", k.pool.Chroot.Value)
	}
	return nil
}

func (k *worker) changeDir() error {
	if k.pool.Chdir.Filled() {
		if err := unix.Chdir(k.pool.Chdir.Value); err != nil {
			return k.failed(err, "failed to chdir(%s)", k.pool.Chdir.Value)
		}
	} else if k.spec.Root && k.pool.Chroot.Filled() {
		if err := unix.Chdir("/"); err != nil {
			k.log.Logf(zlog.Warning, "[pool %s] failed to chdir(/)", k.pool.Name)
		}
	}
	return nil
}

func (k *worker) setPriority() error {
	if !k.spec.Root || k.pool.ProcessPriority == conf.PriorityUnset {
		return nil
	}
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, k.pool.ProcessPriority); err != nil {
		return k.failed(err, "Unable to set priority for this new process")
	}
	return nil
}

// changeUser drops root's rights: the group, its supplements, then the user. Go has the C library do it, in all
// threads.
func (k *worker) changeUser() error {
	if !k.spec.Root {
		return nil
	}
	who := k.spec.Identity
	if who.GID != 0 {
		if err := syscall.Setgid(who.GID); err != nil {
			return k.failed(err, "failed to setgid(%d)", who.GID)
		}
	}
	if who.UID != 0 {
		if err := syscall.Setgroups(who.Groups); err != nil {
			return k.failed(err, "failed to initgroups(%s, %d)", k.pool.User.Value, who.GID)
		}
		if err := syscall.Setuid(who.UID); err != nil {
			return k.failed(err, "failed to setuid(%d)", who.UID)
		}
	}
	return nil
}

// catchQuit makes SIGQUIT a word to the loop. INT, TERM, USR1 and USR2 have their default: they end the process.
func (k *worker) catchQuit() (err error) {
	if k.quit, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return err
	}
	return lifecycle.CatchSignals(k.quit, syscall.SIGQUIT)
}

// setEnvironment makes the environment what the pool says. As in php-fpm, the times of the access log follow TZ there.
func (k *worker) setEnvironment() {
	before, wasSet := os.LookupEnv("TZ")
	defer func() {
		if tz, set := os.LookupEnv("TZ"); tz != before || set != wasSet {
			timezone.Change()
		}
	}()
	if k.pool.ClearEnv {
		os.Clearenv()
	}
	if k.script != nil {
		os.Setenv("FRANKENPHP_WORKER", "1") // by which applications know worker mode
	}
	for _, v := range k.pool.Env {
		os.Setenv(v.Key, v.Value)
	}
	if k.spec.Apache {
		return // scripts have httpd's own environment
	}
	if k.spec.Identity.User != "" {
		os.Setenv("USER", k.spec.Identity.User)
	}
	if k.spec.Identity.Home != "" {
		os.Setenv("HOME", k.spec.Identity.Home)
	}
}

// startPHP applies the pool's settings of php.ini and makes ready for requests.
func (k *worker) startPHP() {
	lifecycle.ReportCrashes(k.slot.ReportRoom())
	if k.spec.Apache {
		k.responder.StartForApache(k.engine)
	} else {
		k.responder.Start(k.engine)
	}
	k.started = true
	k.responder.Sent, k.responder.Begins = k.slot.Mark(), k.slot.FirstByte
	if k.pool.RequestTerminateTimeout > 0 {
		k.responder.AnswerOverdue(lifecycle.NewOverdue(k.slot.Mark(), uint64(scoreboard.SentOverdue)))
	}
	k.responder.WakeBy(k.control.fd)
	if k.script == nil || !k.script.Snapshot {
		loaded := k.applyValues(k.pool.PHPValues, false, "php_value")
		if k.applyValues(k.pool.PHPAdminValues, true, "php_admin_value") || loaded {
			k.responder.PHP.CollectExtensions()
		}
	}
	if k.pool.Domain == conf.Inet {
		k.allowed.Addrs, k.allowed.Limited = k.pool.AllowedClients(k.log)
		// Accepted sockets inherit it. Without it the end of a long response on a kept connection waits for the
		// acknowledgement of what went before.
		unix.SetsockoptInt(k.listen, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	k.responder.Configure(true, k.room.values)
}

func (k *worker) applyValues(values []conf.KeyValue, admin bool, directive string) (loaded bool) {
	settings := make([]sapi.Setting, len(values))
	for i, v := range values {
		settings[i] = sapi.Setting{Name: v.Key, Value: v.Value}
	}
	return k.responder.PHP.ApplyValues(settings, admin, func(name string) {
		k.log.Logf(zlog.Error, "Unable to set %s '%s'", directive, name)
	})
}
