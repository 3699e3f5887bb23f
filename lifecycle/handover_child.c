/*
 * A zygote's child that answers one CGI request in C (handover.h): it becomes what the client was, runs the request as
 * the resident has described it, and ends. A start of the Go runtime would cost it as much as the request.
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
#include "boot_forks.h"
#include "handover.h"
#include "boot_process.h"
#include "engine_host.h"
#include "engine_load.h"

extern char **environ;

static int channel = -1;

/* Says that nothing was done: the client is to go the ordinary way. */
static _Noreturn void decline(void)
{
	char letter = HANDOVER_NO;

	send(channel, &letter, 1, MSG_NOSIGNAL);
	_exit(EXIT_SUCCESS);
}

/* ---- the resident's description ---- */

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

/* An empty string stands for one that is absent. */
static const char *next_or_null(struct description *d)
{
	const char *text = next(d);

	return text[0] ? text : NULL;
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

/* ---- the response's head, which the resident writes by its rules ---- */

struct head {
	uint32_t len; /* of all that follows it */
	uint32_t status;
	uint32_t flags;
	uint32_t line_len;
};

static int send_all(const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t sent = send(channel, at, len, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR) {
			continue;
		}
		if (sent <= 0) {
			return 0;
		}
		at += sent;
		len -= sent;
	}
	return 1;
}

static int receive_all(void *data, size_t len)
{
	char *at = data;

	while (len > 0) {
		ssize_t got = recv(channel, at, len, 0);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got <= 0) {
			return 0;
		}
		at += got;
		len -= got;
	}
	return 1;
}

static int write_head(int status, const char *line, int flags, const char *lines, size_t lines_len)
{
	struct head head = {.status = status, .flags = flags, .line_len = line ? strlen(line) : 0};
	char letter = HANDOVER_HEAD, *text;
	uint32_t len;
	int wrote;

	head.len = sizeof(head) - sizeof(head.len) + head.line_len + lines_len;
	if (!send_all(&letter, 1) || !send_all(&head, sizeof(head)) || !send_all(line, head.line_len) ||
		!send_all(lines, lines_len) || !receive_all(&len, sizeof(len))) {
		return -1;
	}
	text = malloc(len + 1);
	wrote = text && receive_all(text, len) && engine_write_out(text, len);
	free(text);
	return wrote ? 0 : -1;
}

/* ---- the request ---- */

/* Gives the exit status. denied and missing are what is said where the script cannot be opened. */
static int answer(struct engine_request *request, const char *denied, const char *missing)
{
	int error;

	if (engine_web_startup(request) != 0) {
		return 255;
	}
	error = engine_script_open_primary();
	if (error == EACCES) {
		engine_web_answer(403, denied, strlen(denied));
	} else if (error) {
		engine_web_answer(404, missing, strlen(missing));
	} else {
		engine_web_execute();
	}
	engine_web_shutdown();
	return error ? 255 : engine_exit_status();
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
	static struct engine_request request = {.direct = 1};
	const struct handover *h = (const struct handover *)payload;
	struct description d = {payload + sizeof(*h), payload + len};
	const char *denied, *missing;

	if (fds_len < 2 || len < sizeof(*h)) {
		_exit(EXIT_FAILURE);
	}
	channel = fds[0];
	forks_watch();
	*boot_given_up_in_forks(1) = channel;
	host.head = write_head;
	denied = next(&d);
	missing = next(&d);
	request.method = next_or_null(&d);
	request.uri = next_or_null(&d);
	request.query_string = next_or_null(&d);
	request.script = next_or_null(&d);
	request.content_type = next(&d); /* php-cgi takes a missing one for an empty one */
	request.cookie = next_or_null(&d);
	request.authorization = next_or_null(&d);
	request.content_length = strtoll(next(&d), NULL, 10);
	request.protocol = atoi(next(&d));
	request.status = atoi(next(&d));
	request.uri_len = request.uri ? strlen(request.uri) : 0;
	request.script_len = request.script ? strlen(request.script) : 0;
	next_environment(&d);
	if (!become(h, fds + 1, fds_len - 1)) {
		decline();
	}
	end(answer(&request, denied, missing));
}
