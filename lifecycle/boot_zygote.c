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
 *                                           in the child main finds payload and descriptors (boot_worker_*).
 *                                           At the first such order Go is started, once for all workers (boot_forkable.c);
 *                                           or it is in each of them, after a template and as the parent says
 *     REQUEST payload + descriptors ->    the same, but the child answers one CGI request in C (handover_child.c)
 *                                   <-    OWN why              if the zygote executes itself again: each worker will start Go
 *                                   <-    EXIT pid wait-status memory   when a child ended
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
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine_load.h"
#include "handover.h"
#include "boot_bounds.h"
#include "boot_control.h"
#include "boot_forkable.h"
#include "boot_forks.h"
#include "boot_newthread.h"
#include "boot_process.h"
#include "boot_template.h"
#include "boot_threads.h"
#include "boot_title.h"
#include "boot_worker.h"
#include "boot_zygote.h"

#define FORK_TRIES 100    /* of one order, if there is no room; the parent may give the order again */
#define FORK_PAUSE 400000 /* ns from one try to the next */

static int shares_go; /* its workers have its Go runtime */
static struct iovec order_to_start; /* a copy */

/* Takes the next NUL-terminated string of a START packet. */
static const char *next_string(char **at, const char *end)
{
	char *text = *at;

	if (text >= end) {
		control_die("a START message is cut short");
	}
	*at += strlen(text) + 1;
	return text;
}

static int next_flag(char **at, const char *end)
{
	return next_string(at, end)[0] == '1';
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

/* Starts PHP as the START packet says. The module's strings stay where they are: the packet is copied. */
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
		control_die_errno("malloc");
	}
	memcpy(memory, control_packet, len + 1);
	order_to_start = (struct iovec){memory, len};
	path = next_string(&at, end);
	module.front_end = atoi(next_string(&at, end));
	worker.module = module.name = next_string(&at, end);
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
	module.interrupts = next_flag(&at, end);
	worker.monitored = next_flag(&at, end);
	shares_go = next_flag(&at, end);
	for (; at < end && module.ini_defaults_len < len / 2; module.ini_defaults_len++) {
		defaults[module.ini_defaults_len].name = next_string(&at, end);
		defaults[module.ini_defaults_len].value = next_string(&at, end);
	}
	module.ini_defaults = defaults;
	if (!module.ini_path[0]) {
		module.ini_path = NULL;
	}
	control_ends_process(1);
	result = engine_load(path, RTLD_NOW, &refusal);
	if (result != ENGINE_LOADED) {
		char text[sizeof(refusal.detail) + 128];
		snprintf(text, sizeof(text), "%d %s %s %s", result, refusal.version, refusal.build_id, refusal.detail);
		control_send_text('L', text);
		exit(EXIT_FAILURE);
	}
	signal(SIGPIPE, SIG_IGN);
	if (start_module(&module) != 0) {
		const char *preload = engine_setting_text("opcache.preload");
		char text[4000];
		snprintf(text, sizeof(text), "%d %s", (int)ended, preload ? preload : "");
		control_send_text('P', text);
		exit(EXIT_FAILURE);
	}
	engine_children_follow();
	control_ends_process(0);
	if (control_is_again()) { /* the parent was told */
		shares_go = 0;
		return;
	}
	control_send_text('R', engine_version());
}

static void reap(void)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		if (WIFSTOPPED(status)) { /* it has made this process its tracer (PTRACE_TRACEME), and would stop at each signal */
			kill(pid, SIGKILL);
			continue;
		}
		control_send_exit(pid, status, usage.ru_maxrss);
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
	const char *payload = control_packet + 1;
	size_t i;

	if (pid == 0) {
		if (control_packet[0] == 'F') {
			if (payload[0]) {
				proctitle_set(payload, strlen(payload));
			}
			payload += strnlen(payload, len - 2) + 1;
		}
		worker.forked = 1;
		worker.payload_len = control_packet + len - payload;
		worker.payload = malloc(worker.payload_len + 1);
		if (worker.payload) {
			memcpy(worker.payload, payload, worker.payload_len + 1);
		}
		control_close();
		process_at_exec.pid = getpid();
		return 1;
	}
	control_send_numbers('C', pid < 0 ? -errno : pid, 0);
	explicit_bzero(control_packet, len); /* the next child may belong to somebody else */
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
	own[0] = on ? control_fd() : -1;
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
	control_send_parts(parts, n);
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
	if (control_packet[0] == 'Q') {
		handover_child(worker.payload, worker.payload_len, worker.fds, worker.fds_len);
	}
	renew_random();
	if (worker.forkable) {
		forkable_make_up(worker.monitored);
	} else if (!worker.monitored) {
		newthread_without_monitor();
	}
}

/* The length of an order to fork that waits for the Go runtime; 0: none does. */
static size_t held;

/* Leaves the first worker to the zygote's Go runtime, which is started for it. Returns 0 if workers have runtimes of their own. */
static int leave_to_go(size_t len)
{
	sigset_t closed;

	if (worker.forkable || !shares_go || !forkable_is_possible()) {
		return 0;
	}
	held = len;
	worker.forkable = 1;
	forkable_begin(boot_fork_without_go);
	/* Go's threads have the mask that its start finds, those that are made in workers, too. */
	sigfillset(&closed);
	sigdelset(&closed, THREAD_SIGNAL);
	sigprocmask(SIG_SETMASK, &closed, NULL);
	return 1;
}

static void serve(void)
{
	struct pollfd polled[] = {{.events = POLLIN}, {.fd = signals, .events = POLLIN}};

	sigprocmask(SIG_BLOCK, &child_signal, NULL);
	for (;;) {
		size_t len;

		polled[0].fd = control_orders();
		if (poll(polled, 2, -1) < 0 && errno != EINTR) {
			control_die_errno("poll");
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
		len = control_receive();
		if (len == 0) {
			exit(EXIT_SUCCESS);
		}
		switch (control_packet[0]) {
		case 'S':
			sigprocmask(SIG_SETMASK, &mask_before, NULL); /* processes that PHP starts inherit the mask */
			start(len);
			sigprocmask(SIG_BLOCK, &child_signal, NULL);
			break;
		case 'T':
			control_ends_process(1);
			sigprocmask(SIG_SETMASK, &mask_before, NULL);
			withhold(1);
			shares_go = 0;
			template_open(&(struct template_parent){serve_booted, fail}, control_packet + 1, len - 1);
			return;
		case 'D':
			detach();
			break;
		case 'K':
			if (worker.fds_len != 1 || engine_write_constants(worker.fds[0]) != 0) {
				control_die_errno("the constants");
			}
			control_send_numbers('C', 0, 0);
			break;
		case 'F':
			bounds_find(); /* once */
			/* fallthrough */
		case 'Q':
			if (control_packet[0] == 'F' && leave_to_go(len)) {
				return;
			}
			if (spawn(len)) {
				begin_worker();
				return;
			}
			break;
		default:
			control_die("an unknown message");
		}
	}
}

static void serve_booted(void)
{
	withhold(0);
	control_ends_process(0);
	control_send_text('B', "");
	serve();
}

void zygote_run(void)
{
	if (!control_open()) {
		return;
	}
	sigemptyset(&child_signal);
	sigaddset(&child_signal, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_signal, &mask_before);
	signals = signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0) {
		control_die_errno("signalfd");
	}
	serve();
}

void boot_fork_workers(void)
{
	size_t len = held;

	held = 0;
	sigprocmask(SIG_BLOCK, &child_signal, NULL);
	reap(); /* of children that ended meanwhile no signal is left */
	if (spawn(len)) {
		begin_worker();
		return;
	}
	serve();
}

void boot_fork_without_go(const char *why)
{
	control_send_text('O', why);
	control_execute_again(order_to_start.iov_base, order_to_start.iov_len, held);
}
