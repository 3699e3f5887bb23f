/*
 * What happens before the Go runtime: a constructor records what exec left, and looks whether a resident answers this
 * process's request, whether PHP can run without Go, whether this process is a zygote, and how large the runtime has to be.
 */
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "boot.h"
#include "boot_addressspace.h"
#include "handover.h"
#include "boot_newthread.h"
#include "boot_process.h"
#include "boot_relocations.h"
#include "boot_threads.h"
#include "boot_zygote.h"
#include "start.h"

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
 * processors, and each costs tens of microseconds at every start of php. The runtime sees one; boot_take_process
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
	if (!boot_is_zygote()) { /* its monitor is made later */
		prctl(PR_SET_TIMERSLACK, RUNTIME_SLACK);
	}
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

	record_call(argc, argv);
	name_process(argc, argv);
	handover_client(argc, argv, envp);
	start_without_go(argc, argv);

	relocate_go();
	record_process();
	newthread_init();
	if (sigismember(&process_at_exec.mask, THREAD_SIGNAL)) {
		open_thread_signal();
	}
	small = !is_server(argc, argv);
	address_space_check(!small);
	if (small) {
		mallopt(M_ARENA_MAX, 1); /* one arena serves PHP's one thread */
	}
	zygote_run();
	if (small) { /* in a zygote or its worker, when it has served its parent for a while */
		keep_runtime_small();
	}
}
