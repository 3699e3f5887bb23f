/*
 * The zygote: a process that starts PHP once, before any Go runtime, and forks a worker per command.
 *
 *   parent                              zygote
 *     executes itself with the control socket's
 *     number, and what the process is
 *     called, in PHPSAPI_ZYGOTE     ->    constructor, one thread, no Go
 *     START module                  ->    loads libphp, module startup
 *                                   <-    READY version          (or NOT LOADED ..., NOT STARTED ..., and it exits)
 *     TEMPLATE description          ->    boots an application (boot_template.c), whose workers it forks from then on
 *                                   <-    BOOTED              (or NOT BOOTED facts, REFUSED facts, and it exits)
 *     DETACH descriptor             ->    makes it stdin, stdout and stderr
 *     CONSTANTS descriptor          ->    writes PHP's constants to it (php_constants.c)
 *                                   <-    CHILD 0
 *     FORK title payload
 *       + descriptors               ->    fork; the child shows the title unless it is empty
 *                                   <-    CHILD pid              (or -errno; EAGAIN after some tries)
 *                                           in the child the constructor returns, Go boots, and main finds
 *                                           payload and descriptors (engine_worker_*)
 *     REQUEST payload + descriptors ->    the same, but the child answers one CGI request in C (handover_child.c)
 *                                   <-    EXIT pid wait-status   when a child ended
 *     closes the socket             ->    exits; its children are the parent's to end, by their own descriptors
 *
 * PHP may hang at any time, so the parent waits for no answer without a limit, and kills a zygote that does not give it
 * (package zygote). The zygote ends if its parent does, even while PHP starts.
 *
 * Each message is one packet of a SOCK_SEQPACKET pair: a letter, then what lifecycle/zygote/message.go says. The
 * zygote believes its parent: both are the same program of the same user.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine_load.h"
#include "handover.h"
#include "boot_bounds.h"
#include "boot_forks.h"
#include "boot_newthread.h"
#include "boot_process.h"
#include "boot_template.h"
#include "boot_title.h"
#include "boot_worker.h"
#include "boot_zygote.h"

#define FORK_TRIES 100    /* of one order, if there is no room; the parent may give the order again */
#define FORK_PAUSE 400000 /* ns from one try to the next */

static int control = -1;
static char packet[128 * 1024];

static void die(const char *what)
{
	fprintf(stderr, "phpsapi: zygote: %s\n", what);
	exit(EXIT_FAILURE);
}

static void die_errno(const char *what)
{
	fprintf(stderr, "phpsapi: zygote: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void send_parts(struct iovec *parts, size_t n)
{
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = n};

	if (sendmsg(control, &message, MSG_NOSIGNAL) < 0) {
		exit(EXIT_SUCCESS); /* the parent is gone */
	}
}

static void send_text(char letter, const char *text)
{
	struct iovec parts[] = {{&letter, 1}, {(char *)text, strlen(text)}};

	send_parts(parts, 2);
}

static void send_numbers(char letter, int32_t first, int32_t second)
{
	int32_t numbers[] = {first, second};
	struct iovec parts[] = {{&letter, 1}, {numbers, sizeof(numbers)}};

	send_parts(parts, 2);
}

/* Reads one packet, and the descriptors that came with it into worker.fds. Returns its length; 0: the parent is gone. */
static size_t receive(void)
{
	char space[CMSG_SPACE(sizeof(int) * WORKER_FDS)];
	struct iovec part = {packet, sizeof(packet) - 1};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)};
	struct cmsghdr *header;
	ssize_t len;

	do {
		len = recvmsg(control, &message, MSG_CMSG_CLOEXEC);
	} while (len < 0 && errno == EINTR);
	if (len <= 0) {
		return 0;
	}
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		die("a message is too large");
	}
	worker.fds_len = 0;
	for (header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
		if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
			worker.fds_len = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(worker.fds, CMSG_DATA(header), worker.fds_len * sizeof(int));
		}
	}
	packet[len] = '\0';
	return len;
}

/* Takes the next NUL-terminated string of a START packet. */
static const char *next_string(char **at, const char *end)
{
	char *text = *at;

	if (text >= end) {
		die("a START message is cut short");
	}
	*at += strlen(text) + 1;
	return text;
}

static int next_flag(char **at, const char *end)
{
	return next_string(at, end)[0] == '1';
}

/* Has the kernel kill this process group when the parent closes the control socket: while PHP starts nobody reads there,
 * and a child may be preloading. The parent says nothing meanwhile, which would count as well. */
static void end_with_parent(int on)
{
	int flags = fcntl(control, F_GETFL);

	if (flags < 0 || getpgrp() != getpid() || fcntl(control, F_SETOWN, -getpid()) != 0 ||
		fcntl(control, F_SETSIG, on ? SIGKILL : 0) != 0) {
		return;
	}
	fcntl(control, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC);
	if (on && recv(control, packet, 1, MSG_PEEK | MSG_DONTWAIT) == 0) { /* it was closed before */
		exit(EXIT_SUCCESS);
	}
}

/* How the last child of PHP's start ended, as waitpid tells it; -1: none did. opcache waits for the one that preloads, and
 * does not tell. */
static volatile sig_atomic_t ended = -1;

static void note_end(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	ended = info->si_code == CLD_EXITED ? (info->si_status & 0xff) << 8
	                                    : info->si_status | (info->si_code == CLD_DUMPED ? 0x80 : 0);
}

/* module startup, with ended set. */
static int start_module(const struct engine_module *module)
{
	struct sigaction action = {.sa_sigaction = note_end, .sa_flags = SA_SIGINFO | SA_RESTART | SA_NOCLDSTOP}, before;
	int result;

	sigemptyset(&action.sa_mask);
	sigaction(SIGCHLD, &action, &before);
	result = engine_module_startup(module);
	sigaction(SIGCHLD, &before, NULL);
	return result;
}

/* Starts PHP as the START packet says. The module's strings stay where they are: packet is copied. */
static void start(size_t len)
{
	static struct engine_module module;
	char *memory = malloc(len + 1), *at = memory + 1;
	struct engine_refusal refusal;
	const char *end = memory + len, *path;
	/* No setting is shorter than its two NULs. */
	struct engine_pair *defaults = calloc(len / 2, sizeof(*defaults));
	enum engine_load_result result;

	if (!memory || !defaults) {
		die_errno("malloc");
	}
	memcpy(memory, packet, len + 1);
	path = next_string(&at, end);
	module.front_end = atoi(next_string(&at, end));
	module.name = next_string(&at, end);
	module.pretty_name = next_string(&at, end);
	module.binary = next_string(&at, end);
	module.ini_path = next_string(&at, end);
	module.ini_embed = next_string(&at, end);
	module.ini_dir = next_string(&at, end);
	module.ini_scan_default = next_string(&at, end);
	module.ini_scan_dir = next_string(&at, end);
	module.ini_entries = next_string(&at, end);
	module.ini_search = next_flag(&at, end);
	module.ini_ignore = next_flag(&at, end);
	module.phpinfo_as_text = next_flag(&at, end);
	module.extended_info = next_flag(&at, end);
	module.without_pcntl = next_flag(&at, end);
	module.worker_mode = next_flag(&at, end);
	worker.monitored = next_flag(&at, end);
	for (; at < end && module.ini_defaults_len < len / 2; module.ini_defaults_len++) {
		defaults[module.ini_defaults_len].name = next_string(&at, end);
		defaults[module.ini_defaults_len].value = next_string(&at, end);
	}
	module.ini_defaults = defaults;
	if (!module.ini_path[0]) {
		module.ini_path = NULL;
	}
	end_with_parent(1);
	result = engine_load(path, RTLD_NOW, &refusal);
	if (result != ENGINE_LOADED) {
		char text[sizeof(refusal.detail) + 128];
		snprintf(text, sizeof(text), "%d %s %s %s", result, refusal.version, refusal.build_id, refusal.detail);
		send_text('L', text);
		exit(EXIT_FAILURE);
	}
	signal(SIGPIPE, SIG_IGN);
	if (start_module(&module) != 0) {
		const char *preload = engine_setting_text("opcache.preload");
		char text[4000];
		snprintf(text, sizeof(text), "%d %s", (int)ended, preload ? preload : "");
		send_text('P', text);
		exit(EXIT_FAILURE);
	}
	engine_children_follow();
	end_with_parent(0);
	send_text('R', engine_version());
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		send_numbers('X', pid, status);
	}
}

/* Forks as fork does, but tries for a moment while there is no room: a script that starts processes as fast as it can
 * takes whatever becomes free at once. Ended children take room, too. */
static pid_t fork_soon(void)
{
	static const struct timespec pause = {.tv_nsec = FORK_PAUSE};
	int tries;
	pid_t pid;

	for (tries = 1; (pid = fork()) < 0 && errno == EAGAIN && tries < FORK_TRIES; tries++) {
		reap();
		nanosleep(&pause, NULL);
	}
	return pid;
}

/* Forks a worker, or a child for one request. Returns 1 in the worker, 0 in the zygote. */
static int spawn(size_t len)
{
	pid_t pid = fork_soon();
	const char *payload = packet + 1;
	size_t i;

	if (pid == 0) {
		if (packet[0] == 'F') {
			if (payload[0]) {
				proctitle_set(payload, strlen(payload));
			}
			payload += strnlen(payload, len - 2) + 1;
		}
		worker.forked = 1;
		worker.payload_len = packet + len - payload;
		worker.payload = malloc(worker.payload_len + 1);
		if (worker.payload) {
			memcpy(worker.payload, payload, worker.payload_len + 1);
		}
		close(control);
		process_at_exec.pid = getpid();
		return 1;
	}
	send_numbers('C', pid < 0 ? -errno : pid, 0);
	explicit_bzero(packet, len); /* the next child may belong to somebody else */
	for (i = 0; i < worker.fds_len; i++) {
		close(worker.fds[i]);
	}
	return 0;
}

/* Makes the descriptor that came standard input, output and error. */
static void detach(void)
{
	size_t i;

	fflush(NULL);
	for (i = 0; i < worker.fds_len; i++) {
		dup2(worker.fds[i], STDIN_FILENO);
		dup2(worker.fds[i], STDOUT_FILENO);
		dup2(worker.fds[i], STDERR_FILENO);
		close(worker.fds[i]);
	}
}

static void serve_booted(void);

static sigset_t child_signal, mask_before;
static int signals = -1; /* a signalfd */

/* Keeps the zygote's own descriptors from processes that an application forks at its boot, until workers are forked: theirs may
 * have the same numbers. */
static void withhold(int on)
{
	static int32_t *own;

	if (!own) {
		own = boot_given_up_in_forks(2);
		forks_watch();
	}
	own[0] = on ? control : -1;
	own[1] = on ? signals : -1;
}

/* Each of the facts has its NUL. */
static void fail(char letter, const char *const *facts)
{
	struct iovec parts[1 + TEMPLATE_FACTS] = {{&letter, 1}};
	size_t n = 1;

	for (; *facts && n <= TEMPLATE_FACTS; facts++, n++) {
		parts[n] = (struct iovec){(char *)*facts, strlen(*facts) + 1};
	}
	send_parts(parts, n);
	exit(EXIT_FAILURE);
}


#define RANDOM_BYTES 16 /* of AT_RANDOM (getauxval(3)) */

/* Go seeds its random numbers by those that the kernel gives a process at its exec: all workers had the same. */
static void renew_random(void)
{
	char *random = (char *)getauxval(AT_RANDOM);

	if (random) {
		getrandom(random, RANDOM_BYTES, GRND_NONBLOCK);
	}
}

/* Makes a process that was forked a worker, as far as C does that. */
static void begin_worker(void)
{
	close(signals);
	sigprocmask(SIG_SETMASK, &mask_before, NULL);
	if (packet[0] == 'Q') {
		handover_child(worker.payload, worker.payload_len, worker.fds, worker.fds_len);
	}
	renew_random();
	if (!worker.monitored) {
		newthread_without_monitor();
	}
}

static void serve(void)
{
	struct pollfd polled[] = {{.fd = control, .events = POLLIN}, {.fd = signals, .events = POLLIN}};

	sigprocmask(SIG_BLOCK, &child_signal, NULL);
	for (;;) {
		size_t len;

		if (poll(polled, 2, -1) < 0 && errno != EINTR) {
			die_errno("poll");
		}
		if (polled[1].revents) {
			struct signalfd_siginfo info;
			while (read(signals, &info, sizeof(info)) > 0) {
			}
			reap();
		}
		if (!polled[0].revents) {
			continue;
		}
		len = receive();
		if (len == 0) {
			exit(EXIT_SUCCESS);
		}
		switch (packet[0]) {
		case 'S':
			sigprocmask(SIG_SETMASK, &mask_before, NULL); /* processes that PHP starts inherit the mask */
			start(len);
			sigprocmask(SIG_BLOCK, &child_signal, NULL);
			break;
		case 'T':
			end_with_parent(1);
			sigprocmask(SIG_SETMASK, &mask_before, NULL);
			withhold(1);
			template_open(&(struct template_parent){serve_booted, fail}, packet + 1, len - 1);
			return;
		case 'D':
			detach();
			break;
		case 'K':
			if (worker.fds_len != 1 || engine_write_constants(worker.fds[0]) != 0) {
				die_errno("the constants");
			}
			send_numbers('C', 0, 0);
			break;
		case 'F':
			bounds_find(); /* once */
			/* fallthrough */
		case 'Q':
			if (spawn(len)) {
				begin_worker();
				return;
			}
			break;
		default:
			die("an unknown message");
		}
	}
}

static void serve_booted(void)
{
	withhold(0);
	end_with_parent(0);
	send_text('B', "");
	serve();
}

void zygote_run(void)
{
	const char *number = getenv("PHPSAPI_ZYGOTE");

	if (!number) {
		return;
	}
	control = atoi(number);
	unsetenv("PHPSAPI_ZYGOTE");
	/* Not for a process that PHP's start executes: it may be another user's. */
	if (fcntl(control, F_SETFD, FD_CLOEXEC) != 0) {
		die_errno("the control socket");
	}
	sigemptyset(&child_signal);
	sigaddset(&child_signal, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_signal, &mask_before);
	signals = signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0) {
		die_errno("signalfd");
	}
	serve();
}
