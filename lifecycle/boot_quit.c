/* The signals by which a worker is told to finish and exit. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "boot.h"
#include "boot_forks.h"

static int quit_fd = -1;
static sigset_t caught, before_fork;

static void on_signal(int sig)
{
	const uint64_t one = 1;
	int saved = errno;

	if (write(quit_fd, &one, sizeof(one)) < 0) {
		/* it is full: the word is said already */
	}
	errno = saved;
}

int boot_catch_signal(int sig, int eventfd)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK};

	if (quit_fd < 0) {
		sigemptyset(&caught);
	}
	quit_fd = eventfd;
	sigaddset(&caught, sig);
	return sigaction(sig, &action, NULL) == 0 ? 0 : errno;
}

/* Meanwhile a signal to the child would be taken for one to the parent. */
void quit_before_fork(void)
{
	if (quit_fd >= 0) {
		sigprocmask(SIG_BLOCK, &caught, &before_fork);
	}
}

void quit_after_fork(void)
{
	if (quit_fd >= 0) {
		sigprocmask(SIG_SETMASK, &before_fork, NULL);
	}
}

void quit_in_child(void)
{
	struct sigaction now;
	int sig;

	if (quit_fd < 0) {
		return;
	}
	for (sig = 1; sig < NSIG; sig++) {
		if (sigismember(&caught, sig) == 1 && sigaction(sig, NULL, &now) == 0 && now.sa_handler == on_signal) {
			signal(sig, SIG_DFL);
		}
	}
	quit_after_fork();
	quit_fd = -1;
}
