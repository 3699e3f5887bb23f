// Counterpart: the zlog calls of sapi/fpm/fpm/*.c

package master

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// lines are the master's messages: one method each, in php-fpm's words where it has them.
type lines struct{ *zlog.Log }

func (l lines) failed()                { l.Log.Log(zlog.Error, "FPM initialization failed") }
func (l lines) running(pid int)        { l.Logf(zlog.Notice, "fpm is running, pid %d", pid) }
func (l lines) ready()                 { l.Log.Log(zlog.Notice, "ready to handle connections") }
func (l lines) byeBye()                { l.Log.Log(zlog.Notice, "exiting, bye-bye!") }
func (l lines) received(signal string) { l.Logf(zlog.Debug, "received %s", signal) }
func (l lines) terminating()           { l.Log.Log(zlog.Notice, "Terminating ...") }
func (l lines) finishing()             { l.Log.Log(zlog.Notice, "Finishing ...") }
func (l lines) finishingIn(d time.Duration) {
	l.Logf(zlog.Notice, "not ready any more, finishing in %v (shutdown_delay)", d)
}
func (l lines) notReloading() { l.Log.Log(zlog.Warning, "not reloading: the service is about to end") }
func (l lines) reloading()    { l.Log.Log(zlog.Notice, "Reloading in progress ...") }

// reloadingBy is the line with which php-fpm executes itself again. Nothing is executed here, but it is the line that
// tools wait for.
func (l lines) reloadingBy(argv []string) {
	shown := argv[:min(len(argv), 11)]
	l.Logf(zlog.Notice, "reloading: execvp(\"%s\", {\"%s\"})", argv[0], strings.Join(shown, "\", \""))
}

func (l lines) reloadFailed(err error) {
	l.Logf(zlog.Error, "reload failed, the old configuration keeps serving: %v", err)
}

func (l lines) reloadTimedOut(d time.Duration) error {
	return fmt.Errorf("the new workers were not ready after %d seconds", int(d.Seconds()))
}

func (l lines) switching(state string) { l.Logf(zlog.Debug, "switching to '%s' state", state) }

func (l lines) notSwitching(to, from string) {
	l.Logf(zlog.Debug, "not switching to '%s' state, because already in '%s' state", to, from)
}

// ---- worker mode ----

func (l lines) notBooted(pool string, pid int, script, why string) {
	l.Logf(zlog.Error, "[pool %s] child %d: the worker script %s could not be booted: %s; requests for it get 503 until it can", pool, pid, script, why)
}

func (l lines) userIniIgnored(pool, file string) {
	l.Logf(zlog.Warning, "[pool %s] %s has no effect on the worker script: set what it says by php_value in the pool", pool, file)
}

func (l lines) bootTimedOut(pid int, why error) {
	l.Logf(zlog.Error, "child %d was killed: %v", pid, why)
}

func (l lines) retires(pool string, pid int, why scoreboard.Reason) {
	l.Logf(zlog.Debug, "[pool %s] child %d asks for a successor: %s", pool, pid, why)
}

func (l lines) grows(pool string, pid int, g scoreboard.Growth) {
	l.Logf(zlog.Warning, "[pool %s] child %d has grown by %d MB in %d requests: its application keeps something of each request; set max_requests or max_memory, and see docs/WORKER.md on how to find what", pool, pid, g.Bytes>>20, g.Requests)
}

func (l lines) opcacheReset(pool string, pid int) {
	l.Logf(zlog.Notice, "[pool %s] child %d called opcache_reset(): new workers, with an empty opcache, are about to replace all", pool, pid)
}

// ---- watch ----

func (l lines) watching(dirs []string) {
	l.Logf(zlog.Notice, "a change of a file in %s reloads the service", strings.Join(dirs, ", "))
}

func (l lines) notWatched(err error) {
	l.Logf(zlog.Error, "changes of files do not reload the service: %v", err)
}

func (l lines) notFollowed(link string, most int) {
	l.Logf(zlog.Warning, "changes of files in %s do not reload the service: it is a symbolic link, and links lead to more than %d directories; name what is to be watched by --watch=DIRECTORY", seen(link), most)
}

func (l lines) fileChanged(path string) {
	l.Logf(zlog.Notice, "%s has changed", seen(path))
}

// ---- operators ----

func (l lines) controlNotOpened(err error) {
	l.Logf(zlog.Warning, "no control socket: %v; `phpsapi fpm` reload, stop and status will not work, signals will", err)
}

func (l lines) askedFor(o *operator) {
	l.Logf(zlog.Notice, "%s asked for by %s", o.Request.Words(), o.String())
}

func (l lines) operatorDenied(pid, uid, others int) {
	also := ""
	if others > 0 {
		also = fmt.Sprintf("; since the last such line %d others", others)
	}
	l.Logf(zlog.Warning, "process %d of user %d may not use the control socket%s", pid, uid, also)
}

// ---- logs ----

func (l lines) errorLogReopened()    { l.Log.Log(zlog.Notice, "error log file re-opened") }
func (l lines) errorLogNotReopened() { l.Log.Log(zlog.Error, "unable to re-opened error log file") }

func (l lines) errorLogNotOpened(path string, err error) {
	l.LogErr(zlog.Error, "failed to open error_log ("+path+")", err)
}

func (l lines) accessLogReopened()    { l.Log.Log(zlog.Notice, "access log file re-opened") }
func (l lines) accessLogNotReopened() { l.Log.Log(zlog.Error, "unable to re-opened access log file") }

func (l lines) accessLogNotOpened(path string, err error) {
	l.LogErr(zlog.Error, "failed to open access log ("+path+")", err)
}

// ---- start ----

func (l lines) starterGone() {
	l.Log.Log(zlog.Error, "the program that started this daemon is gone before it learned of the outcome, ending")
}
func (l lines) engineFailed(err error) { l.Logf(zlog.Error, "%v", err) }
func (l lines) priorityNotSet(err error) {
	l.LogErr(zlog.Error, "Unable to set priority for the master process", err)
}

func (l lines) limitNotSet(directive, name string, value int, err error) {
	l.LogErr(zlog.Error, fmt.Sprintf("failed to set %s for this pool. Please check your system limits or decrease %s. setrlimit(%s, %d)",
		directive, directive, name, value), err)
}

// ---- children ----

// childStarted is a notice for a child that replaces another, and a debug line for those that belong to a start or
// to the process manager.
func (l lines) childStarted(pool string, pid int, debug bool) {
	level := zlog.Notice
	if debug {
		level = zlog.Debug
	}
	l.Logf(level, "[pool %s] child %d started", pool, pid)
}

func (l lines) childExited(level zlog.Level, pool string, pid int, how string, life time.Duration) {
	l.Logf(level, "[pool %s] child %d exited %s after %s seconds from start", pool, pid, how, zlog.Seconds(life))
}

func (l lines) childKilledByPM(pool string, pid int, life time.Duration) {
	l.Logf(zlog.Debug, "[pool %s] child %d has been killed by the process management after %s seconds from start", pool, pid, zlog.Seconds(life))
}

func (l lines) unknownChild(pid int, how string, init bool) {
	if init {
		l.Logf(zlog.Debug, "unknown child (%d) exited %s - most likely an orphan process (master process is the init process)", pid, how)
		return
	}
	l.Logf(zlog.Warning, "unknown child (%d) exited %s - potentially a bug or pre exec child (e.g. s6-notifyoncheck)", pid, how)
}

func (l lines) workerComplains(level zlog.Level, pool string, pid int, what string) {
	l.Logf(level, "[pool %s] child %d, %s", pool, pid, what)
}

func (l lines) fewDescriptors(err error) {
	var limit unix.Rlimit
	if errors.Is(err, unix.EMFILE) && unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		l.Logf(zlog.Error, "the master may have %d descriptors, too few for all workers; raise rlimit_files in [global], LimitNOFILE or ulimit -n", limit.Cur)
	}
}

func (l lines) notPrepared(err error) { l.Logf(zlog.Error, "the pools cannot be prepared: %v", err) }

func (l lines) noThreads(pool string) {
	l.Logf(zlog.Error, "[pool %s] a child could not begin, because no thread could be made; raise pids.max, TasksMax, LimitNPROC or ulimit -u", pool)
}

func (l lines) makingRoom(why error) {
	l.Logf(zlog.Notice, "no room for old and new children side by side, old ones end first: %v", why)
}

func (l lines) workersMissing(n int) {
	l.Logf(zlog.Warning, "%d more attempts to make a child have failed since this was logged", n)
}

func (l lines) workersAgain(n int) {
	l.Logf(zlog.Notice, "there is room for children again, after %d attempts", n)
}

func (l lines) hoarderEnded(pool string, pid, processes int, starving string) {
	l.Logf(zlog.Warning, "[pool %s] child %d is ended: its scripts hold %d processes, and pool %s can get no child; "+
		"raise the limit of tasks (TasksMax, pids.max, ulimit -u), or have the scripts start fewer", pool, pid, processes, starving)
}

func (l lines) forkFailed(err error) { l.LogErr(zlog.Error, "fork() failed", err) }

func (l lines) resourcesFailed(pool string, err error) {
	l.LogErr(zlog.Error, fmt.Sprintf("[pool %s] unable to prepare a new child", pool), err)
}

// engine names the engine, after a space, if the generation has several.
func (l lines) zygoteGone(generation int, engine string) {
	l.Logf(zlog.Warning, "the process that forks the workers of generation %d%s is gone, starting another", generation, engine)
}

func (l lines) ownRuntimes(generation int, engine, why string) {
	l.Logf(zlog.Warning, "each worker of generation %d%s starts a Go runtime of its own, and takes 0.6 MB more: %s", generation, engine, why)
}

func (l lines) zygoteSilent(generation int, engine string, err error) {
	l.Logf(zlog.Error, "the process that forks the workers of generation %d%s was ended: %v", generation, engine, err)
}

func (l lines) zygoteRestarted(generation int, engine string) {
	l.Logf(zlog.Notice, "another process forks the workers of generation %d%s", generation, engine)
}

func (l lines) restartFailed(engine string, err error, wait time.Duration) {
	l.Logf(zlog.Error, "no new process that forks workers%s could be started, trying again in %v: %v", engine, wait, err)
}

func (l lines) notKilled(n int) {
	l.Logf(zlog.Error, "%d child(ren) do not end, not even by SIGKILL, leaving them", n)
}

func (l lines) renewFailed(err error, wait time.Duration) {
	l.Logf(zlog.Error, "no new process that forks workers could be started, trying again in %v: %v", wait, err)
}

func (l lines) retiredTooMany(generation, workers, most int) {
	l.Logf(zlog.Warning, "generation %d still has %d child(ren) with requests after %d more reloads, ending them; process_control_timeout bounds that",
		generation, workers, most)
}

func (l lines) programGone(path string, err error) {
	l.Logf(zlog.Warning, "the program %s, which this service runs, is not there any more, and the reload continues with what runs: %v", path, err)
}

func (l lines) processMaxReached() {
	l.Log.Log(zlog.Warning, "The maximum number of processes has been reached. Please review your configuration and consider raising 'process.max'")
}

func (l lines) tooManyFaults(threshold int, interval time.Duration) {
	l.Logf(zlog.Warning, "failed processes threshold (%d in %d sec) is reached, initiating reload", threshold, int(interval.Seconds()))
}

func (l lines) sendingSignal(pool string, signal syscall.Signal, pid int) {
	l.Logf(zlog.Debug, "[pool %s] sending signal %d %s to child %d", pool, int(signal), signalName(signal), pid)
}

func (l lines) stillAlive(n int) { l.Logf(zlog.Debug, "%d child(ren) still alive", n) }

func (l lines) workerPanicked(pool string, pid int, line string) {
	l.Logf(zlog.Error, "[pool %s] child %d: %s", pool, pid, line)
}

// ---- process manager ----

func (l lines) spareChildren(pool string, active, idle, running, rate int) {
	l.Logf(zlog.Debug, "[pool %s] currently %d active children, %d spare children, %d running children. Spawning rate %d",
		pool, active, idle, running, rate)
}

func (l lines) ondemandChildren(pool string, active, idle int) {
	l.Logf(zlog.Debug, "[pool %s] currently %d active children, %d spare children", pool, active, idle)
}

func (l lines) maxChildrenReached(pool string, limit int) {
	l.Logf(zlog.Warning, "[pool %s] server reached pm.max_children setting (%d), consider raising it", pool, limit)
}

func (l lines) ondemandMaxChildrenReached(pool string, limit int) {
	l.Logf(zlog.Warning, "[pool %s] server reached max_children setting (%d), consider raising it", pool, limit)
}

func (l lines) seemsBusy(pool string, spawning, idle, total int) {
	l.Logf(zlog.Warning, "[pool %s] seems busy (you may need to increase pm.start_servers, or pm.min/max_spare_servers), spawning %d children, there are %d idle, and %d total children",
		pool, spawning, idle, total)
}

func (l lines) createdDynamically(pool string, n int) {
	l.Logf(zlog.Debug, "[pool %s] %d child(ren) have been created dynamically", pool, n)
}

func (l lines) forkedOnDemand(pool string) {
	l.Logf(zlog.Debug, "[pool %s] got accept without idle child available .... I forked", pool)
}

func (l lines) heartbeat(d time.Duration) {
	l.Logf(zlog.Debug, "heartbeat have been set up with a timeout of %dms", d.Milliseconds())
}

// ---- front ----

func (l lines) createdForHTTP(pool string, n, requests int) {
	l.Logf(zlog.Debug, "[pool %s] %d child(ren) have been created for %d HTTP requests", pool, n, requests)
}

func (l lines) frontNotStarted(err error) {
	l.Logf(zlog.Error, "[front] the process could not be started: %v", err)
}

func (l lines) frontWithoutFiles(err error) {
	l.Logf(zlog.Warning, "[front] large bodies will be refused, and slow clients will hold workers: TMPDIR: %v", err)
}

func (l lines) frontMisses(what string) { l.Logf(zlog.Warning, "[front] %s", what) }

func (l lines) frontNotAlone(name string) {
	l.Logf(zlog.Warning, "[front] this user namespace has no user of the front's own, so it runs as %s, whom scripts may be, too; "+
		"make a user phpsapi, or set http.user", name)
}

func (l lines) frontImpossible(err error) { l.Logf(zlog.Error, "[front] %v", err) }

func (l lines) httpAddressTaken(address string, err error) {
	l.Logf(zlog.Error, "[front] cannot listen for HTTP on %s: %v", address, err)
}

func (l lines) certificatesNotRead(err error) {
	l.Logf(zlog.Error, "[front] certificates have changed and cannot be used, the old ones stay: %v", err)
}

func (l lines) certificatesNotSent(err error) {
	l.Logf(zlog.Error, "[front] certificates have changed and could not be passed on: %v", err)
}

// ---- requests ----

func (l lines) tooSlow(pool string, pid int, r request) {
	l.LogAbout(zlog.Warning, r.about(), fmt.Sprintf("[pool %s] child %d, %s executing too slow (%s sec), logging", pool, pid, r, zlog.Seconds(r.duration)))
}

func (l lines) timedOut(pool string, pid int, r request) {
	l.LogAbout(zlog.Warning, r.about(), fmt.Sprintf("[pool %s] child %d, %s execution timed out (%s sec), terminating", pool, pid, r, zlog.Seconds(r.duration)))
}

// These three have no counterpart in php-fpm.

func (l lines) killed(pool string, pid int, r request) {
	l.LogAbout(zlog.Warning, r.about(), fmt.Sprintf("[pool %s] child %d, %s execution timed out (%s sec), killing", pool, pid, r, zlog.Seconds(r.duration)))
}

func (l lines) interruptedForTime(pool string, pid int, r request) {
	l.LogAbout(zlog.Warning, r.about(), fmt.Sprintf("[pool %s] child %d, %s execution timed out (%s sec), throwing Phpsapi\\RequestTimeout", pool, pid, r, zlog.Seconds(r.duration)))
}

func (l lines) interruptedForClient(pool string, pid int, r request) {
	l.LogAbout(zlog.Debug, r.about(), fmt.Sprintf("[pool %s] child %d, %s has lost its client (%s sec)", pool, pid, r, zlog.Seconds(r.duration)))
}

func (l lines) stoppedForTracing(pid int) { l.Logf(zlog.Notice, "child %d stopped for tracing", pid) }
func (l lines) aboutToTrace(pid int)      { l.Logf(zlog.Notice, "about to trace %d", pid) }
func (l lines) finishedTrace(pid int)     { l.Logf(zlog.Notice, "finished trace of %d", pid) }

func (l lines) traceFailed(pid int, why string) {
	l.Logf(zlog.Error, "failed to trace child %d: %s", pid, why)
}

func (l lines) slowlogNotOpened(path string, err error) {
	l.LogErr(zlog.Error, "unable to open slowlog ("+path+")", err)
}

// ---- systemd ----

func (l lines) systemdInterval(d time.Duration) {
	if d <= 0 {
		l.Log.Log(zlog.Notice, "systemd monitor disabled")
		return
	}
	l.Logf(zlog.Notice, "systemd monitor interval set to %dms", d.Milliseconds())
}

func (l lines) systemdNotNotified() { l.Log.Log(zlog.Warning, "failed to notify start to systemd") }
