/* The signals by which a worker is told to finish and exit. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "engine.h"

static int quit_fd = -1;

static void on_signal(int sig)
{
	const uint64_t one = 1;
	int saved = errno;

	if (write(quit_fd, &one, sizeof(one)) < 0) {
		/* it is full: the word is said already */
	}
	errno = saved;
}

int engine_catch_signal(int sig, int eventfd)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK};

	quit_fd = eventfd;
	return sigaction(sig, &action, NULL) == 0 ? 0 : errno;
}
