/* The state that exec left to the process (boot_atexec.c), and the way back to it (boot_process.c). */
#ifndef PHPSAPI_PROCESS_H
#define PHPSAPI_PROCESS_H

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

struct process_at_exec {
	int argc;
	char **argv;
	pid_t pid;
	int go_ready;   /* the Go runtime is up: C may call Go */
	sigset_t mask;
	struct sigaction actions[NSIG];
	struct rlimit nofile;
	int closed[3]; /* whether a standard descriptor was closed */
	cpu_set_t cpus; /* the processors to give back; all there can be where nobody chose any */
	int narrowed;   /* cpus was narrowed to one and is to be restored */
	int slack;      /* the main thread's timer slack in ns, to be restored; 0 where it was left alone */
};

extern struct process_at_exec process_at_exec;

/* The timer slack, in ns, of a runtime that is kept small: the longest that its monitor means to sleep. */
#define RUNTIME_SLACK (10UL * 1000 * 1000)

/* Both are called before the Go runtime. argv is the kernel's own array. */
void record_call(int argc, char **argv);
/* The rest, which takes a system call for each signal: a process that starts without Go never needs it. */
void record_process(void);

/* Overwrites the arguments that the kernel shows. */
void hide_arguments(void);

/* Gives back what exec left, for the next exec. */
void restore_for_exec(void);

/* boot_take_process for one who never goes back to Go: Go's threads are ended, and the process has one thread as
 * php's own. */
void take_process_for_good(void);

#endif
