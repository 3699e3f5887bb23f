/* The state that exec left to the process, recorded before the Go runtime changes it (boot_process.c goes back to it). */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

#include "boot.h"
#include "boot_process.h"

struct process_at_exec process_at_exec;

void record_call(int argc, char **argv)
{
	process_at_exec.argc = argc;
	process_at_exec.argv = argv;
	process_at_exec.pid = getpid();
}

void record_process(void)
{
	int sig, fd;

	for (sig = 1; sig < NSIG; sig++) {
		sigaction(sig, NULL, &process_at_exec.actions[sig]);
	}
	sigprocmask(SIG_BLOCK, NULL, &process_at_exec.mask);
	getrlimit(RLIMIT_NOFILE, &process_at_exec.nofile);
	for (fd = 0; fd < 3; fd++) {
		process_at_exec.closed[fd] = fcntl(fd, F_GETFD) < 0;
	}
}

char *boot_argv(int i)
{
	return i >= 0 && i < process_at_exec.argc ? process_at_exec.argv[i] : NULL;
}

const char *boot_executable(void)
{
	return (const char *)getauxval(AT_EXECFN);
}

void hide_arguments(void)
{
	char *argument;
	int i;

	for (i = 1; (argument = boot_argv(i)); i++) {
		memset(argument, 0, strlen(argument));
	}
}
