/*
 * The way back to what exec gave the process (boot_atexec.c).
 *
 * The Go runtime starts before main: it installs a handler for every signal, raises the soft limit of open files and
 * starts threads that take signals. PHP's main finds none of this. What exec left was recorded before; boot_take_process
 * restores it, so that a script that installs a handler, is killed by a signal, reads its limits or starts a child sees
 * what it would see under php.
 */
#include <elf.h>
#include <link.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "boot.h"
#include "boot_forks.h"
#include "boot_process.h"
#include "boot_threads.h"

void boot_go_is_ready(void)
{
	process_at_exec.go_ready = 1;
	forks_watch();
}

static void restore_timer_slack(void)
{
	if (process_at_exec.slack > 0) {
		prctl(PR_SET_TIMERSLACK, (unsigned long)process_at_exec.slack);
	}
}

void boot_restore_scheduling(void)
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
		if (sig != SIGKILL && sig != SIGSTOP && !(sig == THREAD_SIGNAL && threads_are_late())) {
			sigaction(sig, &process_at_exec.actions[sig], NULL);
		}
	}
	signal(SIGPIPE, SIG_IGN); /* a peer that goes away is an error of write, as in every SAPI of PHP's */
	sigprocmask(SIG_SETMASK, &process_at_exec.mask, NULL);
	setrlimit(RLIMIT_NOFILE, &process_at_exec.nofile);
	close_placeholders();
	boot_restore_scheduling();
}

void boot_take_process(void)
{
	restore_timer_slack(); /* the main thread may have to sleep for the others */
	if (!boot_is_zygote()) { /* it has none of Go's any more, and an extension's are left alone */
		close_other_threads();
	}
	restore_process();
}

void restore_for_exec(void)
{
	restore_process();
	sigaction(SIGPIPE, &process_at_exec.actions[SIGPIPE], NULL);
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
