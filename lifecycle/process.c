/*
 * What the process was given at exec, and the way back to it.
 *
 * The Go runtime starts before main: it installs a handler for every signal, raises the soft limit of open files and
 * starts threads that take signals. PHP's main finds none of this. A constructor runs before the runtime and records
 * the state that exec left; engine_take_process restores it, so that a script that installs a handler, is killed by
 * a signal, reads its limits or starts a child sees what it would see under php.
 */
#include <fcntl.h>
#include <elf.h>
#include <link.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "addressspace.h"
#include "engine.h"
#include "forks.h"
#include "handover.h"
#include "newthread.h"
#include "process.h"
#include "threads.h"
#include "zygote.h"

struct process_at_exec process_at_exec;

/* Whether the process will be php-fpm's master or front, or the resident of CGI's zygotes, which stay Go programs. A
 * zygote is called php-fpm too, but becomes workers. */
static int is_server(int argc, char **argv)
{
	const char *name = argc > 0 ? basename(argv[0]) : "";
	int i;

	if (getenv("PHPSAPI_ZYGOTE")) {
		return 0;
	}
	for (i = 1; i < argc && i < 3; i++) {
		if (strcmp(argv[i], "--zygote-listen") == 0) {
			return 1;
		}
	}
	return strncmp(name, "php-fpm", 7) == 0 || (argc > 1 && strcmp(argv[1], "fpm") == 0);
}

/* Notes the processors that the process may use, and whether these are all that its cpuset has: then it is given back
 * whatever the cpuset has by then, and else what somebody has chosen for it. 0: they are not known. */
static int record_processors(void)
{
	cpu_set_t all, got;

	if (sched_getaffinity(0, sizeof(process_at_exec.cpus), &process_at_exec.cpus) != 0) {
		return 0;
	}
	memset(&all, 0xff, sizeof(all));
	if (sched_setaffinity(0, sizeof(all), &all) != 0 || sched_getaffinity(0, sizeof(got), &got) != 0) {
		return 1;
	}
	if (CPU_EQUAL(&got, &process_at_exec.cpus)) {
		process_at_exec.cpus = all;
	}
	return 1;
}

/*
 * Keeps the Go runtime small where it only reads the arguments and then calls PHP: it makes as many threads as it sees
 * processors, and each costs tens of microseconds at every start of php. The runtime sees one; engine_take_process
 * gives the others back before PHP runs.
 *
 * The runtime's monitor thread wakes up every 20 microseconds while it sees work, and a call of PHP is work to it: some
 * thirty times in a start of php. Threads inherit the timer slack of the thread that starts them, and with a large one
 * the kernel lets the monitor sleep on. The price is that Go's timers may be late by as much in such a process.
 */
static void keep_runtime_small(void)
{
	cpu_set_t one;
	int cpu = sched_getcpu();

	process_at_exec.slack = prctl(PR_GET_TIMERSLACK);
	prctl(PR_SET_TIMERSLACK, 10UL * 1000 * 1000); /* ns: the longest that the monitor means to sleep */
	if (cpu < 0 || !record_processors()) {
		return;
	}
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	process_at_exec.narrowed = sched_setaffinity(0, sizeof(one), &one) == 0;
}

/* Go's threads inherit the main thread's mask, and are told to end by a signal. Apache's mod_cgi executes programs with
 * nearly every signal blocked. */
static void open_thread_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, THREAD_SIGNAL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
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
	if (sigismember(&process_at_exec.mask, THREAD_SIGNAL)) {
		open_thread_signal();
	}
	getrlimit(RLIMIT_NOFILE, &process_at_exec.nofile);
	for (fd = 0; fd < 3; fd++) {
		process_at_exec.closed[fd] = fcntl(fd, F_GETFD) < 0;
	}
}

/* Names the process, for ps -C, pidof and the kernel's log. A zygote and a front are named as the process that executed
 * them. Another one that was executed as /proc/self/exe is named exe, and is given the name of the program that argv[0]
 * begins with. */
static void name_process(int argc, char **argv)
{
	char name[16] = "";
	const char *program, *given = getenv("PHPSAPI_FPM_FRONT"), *zygote = getenv("PHPSAPI_ZYGOTE");

	if (zygote && strchr(zygote, ' ')) {
		given = strchr(zygote, ' ') + 1;
	}
	if (given && given[0]) {
		prctl(PR_SET_NAME, given);
		return;
	}
	if (argc < 1 || prctl(PR_GET_NAME, name) != 0 || strcmp(name, "exe") != 0) {
		return;
	}
	program = basename(argv[0]);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(program, ": "), program);
	prctl(PR_SET_NAME, name);
}

/* Runs before the Go runtime. argv is the kernel's own array. */
__attribute__((constructor)) static void before_go(int argc, char **argv, char **envp)
{
	int small;

	newthread_init();
	record_process(argc, argv);
	name_process(argc, argv);
	handover_client(argc, argv, envp);
	small = !is_server(argc, argv);
	address_space_check(!small);
	if (small) {
		mallopt(M_ARENA_MAX, 1); /* one arena serves PHP's one thread */
	}
	zygote_run();
	if (small) { /* in a zygote's worker: its zygote may live long, and has no Go runtime */
		keep_runtime_small();
	}
}

void engine_go_is_ready(void)
{
	process_at_exec.go_ready = 1;
	forks_watch();
}

char *engine_argv(int i)
{
	return i >= 0 && i < process_at_exec.argc ? process_at_exec.argv[i] : NULL;
}

const char *engine_executable(void)
{
	return (const char *)getauxval(AT_EXECFN);
}

static void restore_timer_slack(void)
{
	if (process_at_exec.slack > 0) {
		prctl(PR_SET_TIMERSLACK, (unsigned long)process_at_exec.slack);
	}
}

void engine_restore_scheduling(void)
{
	restore_timer_slack();
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

static void restore_process(void)
{
	int sig;

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

void engine_take_process(void)
{
	restore_timer_slack(); /* the main thread may have to sleep for the others */
	close_other_threads();
	restore_process();
}

/* Gives back the executable's own pages of code and constants: most of them were mapped for the Go runtime, and counted
 * as this process's memory they would add to PHP's peak. What is used again comes back from the page cache (but not a
 * debugger's breakpoints: set those again). */
static int unmap_executable(struct dl_phdr_info *program, size_t size, void *data)
{
	int i;

	for (i = 0; i < program->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &program->dlpi_phdr[i];
		uintptr_t begin = (program->dlpi_addr + segment->p_vaddr) & ~(uintptr_t)(getpagesize() - 1);

		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W)) {
			madvise((void *)begin, program->dlpi_addr + segment->p_vaddr + segment->p_memsz - begin, MADV_DONTNEED);
		}
	}
	return 1; /* the program is the first of the objects */
}

void take_process_for_good(void)
{
	restore_timer_slack();
	if (!end_other_threads()) {
		close_other_threads();
	}
	restore_process();
	dl_iterate_phdr(unmap_executable, NULL);
}
