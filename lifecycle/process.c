/*
 * What the process was given at exec, and the way back to it.
 *
 * The Go runtime starts before main: it installs a handler for every signal, raises the soft limit of open files and
 * starts threads that take signals. PHP's main finds none of this. A constructor runs before the runtime and records
 * the state that exec left; engine_take_process restores it, so that a script that installs a handler, is killed by
 * a signal, reads its limits or starts a child sees what it would see under php.
 */
#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "process.h"
#include "zygote.h"

struct process_at_exec process_at_exec;

/* Whether the process will be php-fpm's master or front, which are Go programs of many threads. A zygote is called
 * php-fpm too, but becomes workers. */
static int is_fpm(int argc, char **argv)
{
	const char *name = argc > 0 ? basename(argv[0]) : "";

	if (getenv("PHPSAPI_ZYGOTE")) {
		return 0;
	}
	return strncmp(name, "php-fpm", 7) == 0 || (argc > 1 && strcmp(argv[1], "fpm") == 0);
}

/*
 * Keeps the Go runtime small where it only reads the arguments and then calls PHP: it makes as many threads as it sees
 * processors, and each costs tens of microseconds at every start of php. The runtime sees one; engine_take_process
 * gives the others back before PHP runs. One malloc arena serves PHP's one thread.
 *
 * The runtime's monitor thread wakes up every 20 microseconds while it sees work, and a call of PHP is work to it: some
 * thirty times in a start of php. Threads inherit the timer slack of the thread that starts them, and with a large one
 * the kernel lets the monitor sleep on. The price is that Go's timers may be late by as much in such a process.
 */
static void keep_runtime_small(void)
{
	cpu_set_t one;
	int cpu = sched_getcpu();

	mallopt(M_ARENA_MAX, 1);
	process_at_exec.slack = prctl(PR_GET_TIMERSLACK);
	prctl(PR_SET_TIMERSLACK, 10UL * 1000 * 1000); /* ns: the longest that the monitor means to sleep */
	if (cpu < 0 || sched_getaffinity(0, sizeof(process_at_exec.cpus), &process_at_exec.cpus) != 0) {
		return;
	}
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	process_at_exec.narrowed = sched_setaffinity(0, sizeof(one), &one) == 0;
}

static void record_process(int argc, char **argv)
{
	int sig, fd;

	process_at_exec.argc = argc;
	process_at_exec.argv = argv;
	process_at_exec.pid = getpid();
	for (sig = 1; sig < NSIG; sig++) {
		sigaction(sig, NULL, &process_at_exec.actions[sig]);
	}
	sigprocmask(SIG_BLOCK, NULL, &process_at_exec.mask);
	getrlimit(RLIMIT_NOFILE, &process_at_exec.nofile);
	for (fd = 0; fd < 3; fd++) {
		process_at_exec.closed[fd] = fcntl(fd, F_GETFD) < 0;
	}
	if (!is_fpm(argc, argv)) {
		keep_runtime_small();
	}
}

/* Runs before the Go runtime. argv is the kernel's own array. */
__attribute__((constructor)) static void before_go(int argc, char **argv, char **envp)
{
	record_process(argc, argv);
	zygote_run();
}

void engine_go_is_ready(void)
{
	process_at_exec.go_ready = 1;
}

char *engine_argv(int i)
{
	return i >= 0 && i < process_at_exec.argc ? process_at_exec.argv[i] : NULL;
}

static atomic_int closed_threads;

/* Runs on a thread of the Go runtime: blocks every signal in the context that sigreturn restores. */
static void close_thread(int sig, siginfo_t *info, void *context)
{
	sigfillset(&((ucontext_t *)context)->uc_sigmask);
	atomic_fetch_add(&closed_threads, 1);
}

/* Sends sig to each other thread, and gives their number. Without opendir, whose buffer would leave a hole of 32 KB in
 * the heap that PHP is about to fill. */
static int signal_other_threads(int sig)
{
	char buffer[1024] __attribute__((aligned(8)));
	int tasks = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC), sent = 0;
	long len, at;

	while (tasks >= 0 && (len = syscall(SYS_getdents64, tasks, buffer, sizeof(buffer))) > 0) {
		for (at = 0; at < len; at += ((struct dirent64 *)(buffer + at))->d_reclen) {
			pid_t tid = atoi(((struct dirent64 *)(buffer + at))->d_name);
			if (tid > 0 && tid != process_at_exec.pid && syscall(SYS_tgkill, process_at_exec.pid, tid, sig) == 0) {
				sent++;
			}
		}
	}
	if (tasks >= 0) {
		close(tasks);
	}
	return sent;
}

/*
 * Closes every other thread to signals. A handler that PHP's pcntl installed must run on the main thread: on a Go
 * thread it would run on a goroutine's stack, and a SIGCHLD that the main thread blocks to wait for would be lost to
 * a thread that does not. The runtime offers no way to set another thread's mask, so each is sent a signal
 * whose handler changes the mask that its return restores. (Ending the threads instead would be cheaper, and was
 * tried: one of them may hold the runtime's only processor, and then Go waits for it for ever.)
 */
static void close_other_threads(void)
{
	const int sig = SIGRTMAX;
	struct sigaction action = {.sa_sigaction = close_thread, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
	const struct timespec pause = {.tv_nsec = 20 * 1000};
	int sent, tries;

	sigfillset(&action.sa_mask);
	if (sigaction(sig, &action, NULL) != 0) {
		return;
	}
	sent = signal_other_threads(sig);
	/* The threads have this processor only: they run when it is given up. One that is just being born takes the signal
	 * when it opens its mask: wait, but never for ever. */
	for (tries = 0; atomic_load(&closed_threads) < sent && tries < 2500; tries++) {
		if (tries < 100) {
			sched_yield();
		} else {
			nanosleep(&pause, NULL);
		}
	}
}

void engine_restore_scheduling(void)
{
	if (process_at_exec.slack > 0) {
		prctl(PR_SET_TIMERSLACK, (unsigned long)process_at_exec.slack);
	}
	if (process_at_exec.narrowed) {
		sched_setaffinity(0, sizeof(process_at_exec.cpus), &process_at_exec.cpus);
	}
}

/* Go opens /dev/null where it finds a standard descriptor closed; a script is to find it closed. */
static void close_placeholders(void)
{
	struct stat file;
	int fd;

	for (fd = 0; fd < 3; fd++) {
		if (process_at_exec.closed[fd] && fstat(fd, &file) == 0 && S_ISCHR(file.st_mode) &&
			file.st_rdev == makedev(1, 3)) {
			close(fd);
		}
	}
}

void engine_take_process(void)
{
	int sig;

	close_other_threads();
	for (sig = 1; sig < NSIG; sig++) {
		if (sig != SIGKILL && sig != SIGSTOP) {
			sigaction(sig, &process_at_exec.actions[sig], NULL);
		}
	}
	signal(SIGPIPE, SIG_IGN); /* a peer that goes away is an error of write, as in every SAPI of PHP's */
	sigprocmask(SIG_SETMASK, &process_at_exec.mask, NULL);
	setrlimit(RLIMIT_NOFILE, &process_at_exec.nofile);
	close_placeholders();
	engine_restore_scheduling();
}
