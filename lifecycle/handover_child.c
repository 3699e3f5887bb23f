/*
 * A zygote's child that answers one CGI request in C (handover.h): it becomes what the client was, answers, and ends. A start of the
 * Go runtime would cost it as much as the request.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot.h"
#include "boot_process.h"
#include "cgi.h"
#include "engine_load.h"
#include "handover.h"

extern char **environ;

static int channel = -1;

/* Says that nothing was done: the client is to go the ordinary way. */
static _Noreturn void decline(void)
{
	char letter = HANDOVER_NO;

	send(channel, &letter, 1, MSG_NOSIGNAL);
	_exit(EXIT_SUCCESS);
}

/* ---- the client's environment ---- */

struct description {
	char *at, *end;
};

static const char *next(struct description *d)
{
	char *text = d->at;

	if (text >= d->end) {
		decline();
	}
	d->at += strlen(text) + 1;
	return text;
}

static void next_environment(struct description *d)
{
	size_t count = strtoul(next(d), NULL, 10), i;
	char **list = calloc(count + 1, sizeof(*list));

	if (!list) {
		decline();
	}
	for (i = 0; i < count; i++) {
		list[i] = (char *)next(d);
	}
	environ = list;
}

/* ---- what the client was ---- */

static int is_same_place(const struct handover_place *theirs)
{
	struct handover_place ours;

	return handover_place(&ours) && memcmp(&ours, theirs, sizeof(ours)) == 0;
}

static int take_scheduling(const struct handover *h)
{
	static const struct sched_param none = {0};
	cpu_set_t now = {{0}};

	boot_restore_scheduling(); /* the zygote keeps to one processor */
	if (getpriority(PRIO_PROCESS, 0) != h->nice && setpriority(PRIO_PROCESS, 0, h->nice) != 0) {
		return 0;
	}
	if (sched_getscheduler(0) != h->policy && sched_setscheduler(0, h->policy, &none) != 0) {
		return 0; /* a policy of real time has a priority: such a client answers itself */
	}
	sched_getaffinity(0, sizeof(now), &now);
	return CPU_EQUAL(&now, &h->cpus) || sched_setaffinity(0, sizeof(h->cpus), &h->cpus) == 0;
}

static int take_limits(const struct rlimit *limits)
{
	struct rlimit now;
	int i;

	for (i = 0; i < RLIM_NLIMITS; i++) {
		if (getrlimit(i, &now) != 0 || memcmp(&now, &limits[i], sizeof(now)) != 0) {
			if (setrlimit(i, &limits[i]) != 0) {
				return 0;
			}
		}
	}
	return 1;
}

/* Handlers that PHP's startup installed stay: they would be there under php-cgi too. */
static void take_signals(const struct handover *h)
{
	int sig;

	for (sig = 1; sig < NSIG && sig <= 64; sig++) {
		int ignored = h->ignored >> (sig - 1) & 1;
		if (ignored != (process_at_exec.actions[sig].sa_handler == SIG_IGN)) {
			signal(sig, ignored ? SIG_IGN : SIG_DFL);
		}
	}
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_SETMASK, &h->blocked, NULL);
}

static int take_descriptors(uint32_t open, const int *fds, size_t len)
{
	size_t next = 0;
	int fd;

	for (fd = 0; fd < 3; fd++) {
		if (!(open >> fd & 1)) {
			close(fd);
		} else if (next == len || dup2(fds[next++], fd) < 0) {
			return 0;
		}
	}
	while (next > 0) {
		close(fds[--next]);
	}
	return 1;
}

static int become(const struct handover *h, const int *fds, size_t fds_len)
{
	if (!is_same_place(&h->place) || fchdir(fds[0]) != 0) {
		return 0;
	}
	close(fds[0]);
	umask(h->umask);
	/* The script's signals to its process group are not for the zygote. */
	setpgid(0, 0);
	if (!take_scheduling(h)) {
		return 0;
	}
	take_signals(h);
	return take_descriptors(h->open, fds + 1, fds_len - 1) && take_limits(h->limits);
}

/* Ends the process without PHP's module shutdown, which gives back piece by piece what the kernel takes back at once,
 * and costs more than the request. What else it does is done here: persistent connections and databases are closed. */
static _Noreturn void end(int status)
{
	engine_close_persistent();
	fflush(NULL);
	_exit(status);
}

_Noreturn void handover_child(char *payload, size_t len, const int *fds, size_t fds_len)
{
	const struct handover *h = (const struct handover *)payload;
	struct description d = {payload + sizeof(*h), payload + len};

	if (fds_len < 2 || len < sizeof(*h)) {
		_exit(EXIT_FAILURE);
	}
	channel = fds[0];
	cgi_begin();
	*boot_given_up_in_forks(1) = channel;
	next_environment(&d);
	if (!become(h, fds + 1, fds_len - 1)) {
		decline();
	}
	end(cgi_answer());
}
