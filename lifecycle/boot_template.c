/*
 * A zygote in which an application has been booted: it runs the worker script as a worker would, until that asks for its first
 * request. Then it answers some requests of its own, to warm up, and forks workers that go on from there: a worker's application
 * has been booted before the worker is there.
 *
 *   zygote_run, in the constructor           upper place of the stack (boot_stack.c)
 *     template_open                          becomes the pool's user ...
 *       the script, up to handle_request     lower place
 *         template_next_request
 *           the zygote                       forks
 *             in a worker: back to the upper place, the constructor returns, Go boots, and goes on below
 *
 * What a template must not have, because its workers would share it, is looked for before the first fork. If it is there the
 * process says so and ends, and its parent boots the application in each worker instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "boot.h"
#include "boot_process.h"
#include "boot_stack.h"
#include "boot_template.h"
#include "engine_load.h"

#define MOST_FDS 4096 /* descriptors that are looked at */

static struct {
	struct template_parent parent;
	pid_t pid;
	int open;
	int strict;
	const char *script;
	struct engine_request request;
	int warmups, warmed;
	char *at, *end; /* of the packet, where the requests to warm up with are */
	unsigned char was_open[MOST_FDS];
	signed char standard[MOST_FDS]; /* which of the standard descriptors the script's is a copy of; 0: of none */
} template;

/* ---- the packet: strings, each with its NUL ---- */

static char *next(void)
{
	char *text = template.at;

	if (text >= template.end) {
		template.parent.fail('U', "a template's description is cut short");
	}
	template.at += strlen(text) + 1;
	return text;
}

static long next_number(void)
{
	return atol(next());
}

/* ---- becoming the pool's ---- */

static void must(int result, const char *what)
{
	char text[256];

	if (result != 0) {
		snprintf(text, sizeof(text), "%s: %s", what, strerror(errno));
		template.parent.fail('U', text);
	}
}

static void limit(int resource, long value)
{
	struct rlimit both = {value, value};

	if (value < 0) {
		both.rlim_cur = both.rlim_max = RLIM_INFINITY;
	}
	if (value != 0) {
		must(setrlimit(resource, &both), "rlimit_files, rlimit_core");
	}
}

/* What package worker does in a worker, in the same order. */
static void become(void)
{
	static gid_t groups[1024];
	const char *directory;
	long uid, gid, n, i, priority;

	limit(RLIMIT_NOFILE, next_number());
	limit(RLIMIT_CORE, next_number());
	directory = next();
	if (directory[0]) {
		must(chdir(directory), directory);
	}
	priority = next_number();
	if (priority != 64) {
		must(setpriority(PRIO_PROCESS, 0, priority), "process.priority");
	}
	gid = next_number();
	uid = next_number();
	n = next_number();
	for (i = 0; i < n; i++) {
		gid_t group = next_number();
		if (i < (long)(sizeof(groups) / sizeof(*groups))) {
			groups[i] = group;
		}
	}
	if (gid != 0) {
		must(setgid(gid), "setgid");
	}
	if (uid != 0) {
		must(setgroups(n, groups), "setgroups");
		must(setuid(uid), "setuid");
	}
	if (next_number()) {
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	}
	if (next_number()) {
		clearenv();
	}
	for (n = next_number(); n > 0; n--) {
		const char *name = next();
		setenv(name, next(), 1);
	}
}

static void apply_values(void)
{
	int loaded = 0, any = 0;
	long n;

	for (n = next_number(); n > 0; n--) {
		int admin = next_number();
		const char *name = next(), *value = next();

		any |= admin;
		switch (engine_apply_value(name, value, admin, 0)) {
		case ENGINE_VALUE_EXTENSION_LOADED:
			loaded = 1;
			break;
		case ENGINE_VALUE_UNKNOWN:
		case ENGINE_VALUE_EXTENSION_FAILED:
			fprintf(stderr, "Unable to set %s '%s'\n", admin ? "php_admin_value" : "php_value", name);
			break;
		case ENGINE_VALUE_APPLIED:
			break;
		}
	}
	if (loaded || any) {
		engine_collect_extensions();
	}
}

/* ---- what a template must not have ---- */

static _Noreturn void refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

static _Noreturn void refuse(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	template.parent.fail('V', text);
	abort(); /* it has ended the process */
}

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void note_descriptors(void)
{
	int fd;

	for (fd = 0; fd < MOST_FDS; fd++) {
		template.was_open[fd] = is_open(fd);
	}
}

/* Names a socket's peer, or itself. */
static void name_socket(int fd, char *to, size_t size)
{
	union {
		struct sockaddr any;
		struct sockaddr_un local;
		struct sockaddr_storage room;
	} peer;
	socklen_t len = sizeof(peer);
	char address[64], port[16];

	const char *where = "to";

	memset(&peer, 0, sizeof(peer));
	if (getpeername(fd, &peer.any, &len) != 0) {
		where = "at";
		len = sizeof(peer);
		if (getsockname(fd, &peer.any, &len) != 0) {
			snprintf(to, size, "a socket");
			return;
		}
	}
	if (peer.any.sa_family == AF_UNIX) {
		snprintf(to, size, "a socket %s %s", where, peer.local.sun_path[0] ? peer.local.sun_path : "an unnamed address");
	} else if (getnameinfo(&peer.any, len, address, sizeof(address), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
		snprintf(to, size, "a socket %s %s port %s", where, address, port);
	} else {
		snprintf(to, size, "a socket");
	}
}

/* Returns 1 or 2 if a descriptor is a copy of standard output or error, as those of php://stderr are; else 0. */
static int standard_of(const struct stat *file)
{
	struct stat standard;
	int fd;

	for (fd = 2; fd > 0; fd--) {
		if (fstat(fd, &standard) == 0 && standard.st_dev == file->st_dev && standard.st_ino == file->st_ino) {
			return fd;
		}
	}
	return 0;
}

/* A worker has standard descriptors of its own. */
static void renew_standard(void)
{
	int fd;

	for (fd = 3; fd < MOST_FDS; fd++) {
		if (template.standard[fd]) {
			dup3(template.standard[fd], fd, O_CLOEXEC);
		}
	}
}

static void check_descriptors(void)
{
	char link[64], path[512], what[600];
	struct stat file;
	int fd;

	for (fd = 0; fd < MOST_FDS; fd++) {
		int flags;
		ssize_t len;

		if (template.was_open[fd] || !is_open(fd) || fstat(fd, &file) != 0) {
			continue;
		}
		template.standard[fd] = standard_of(&file);
		if (template.standard[fd]) {
			continue;
		}
		flags = fcntl(fd, F_GETFL);
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		len = readlink(link, path, sizeof(path) - 1);
		snprintf(what, sizeof(what), "%.*s", len > 0 ? (int)len : 6, len > 0 ? path : "a file");
		if (S_ISSOCK(file.st_mode)) {
			name_socket(fd, what, sizeof(what));
		} else if (S_ISDIR(file.st_mode) || S_ISCHR(file.st_mode) || (S_ISREG(file.st_mode) && (flags & O_ACCMODE) == O_RDONLY)) {
			continue;
		}
		refuse("the application has opened %s (descriptor %d) before its first request; workers that are forked would share it: open it later, or close it in phpsapi_before_fork()", what, fd);
	}
}

static void check_threads(void)
{
	struct stat tasks;

	if (stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 3) {
		refuse("an extension has started %d threads, which workers that are forked would not have", (int)tasks.st_nlink - 3);
	}
}

/* ---- the boot, and requests to warm up with ---- */

/* Each is its URI, its number of variables, and their names and values. */
static struct engine_request *next_request(void)
{
	static struct engine_variable variables[64];
	struct engine_request *r = &template.request;
	char *text = template.at;
	long i, n;

	memset(r, 0, sizeof(*r));
	r->uri = next();
	r->uri_len = strlen(r->uri);
	n = next_number();
	for (i = 0; i < n && i < 64; i++) {
		char *name = next(), *value = next();
		variables[i] = (struct engine_variable){name - text, strlen(name), value - text, strlen(value)};
		if (strcmp(name, "QUERY_STRING") == 0) {
			r->query_string = value;
		}
	}
	r->method = "GET";
	r->content_type = "";
	r->script = template.script;
	r->script_len = strlen(template.script);
	r->protocol = 1001;
	r->status = 200;
	r->text = text;
	r->variables = variables;
	r->variables_len = i;
	return r;
}

static struct engine_request *next_warmup(void)
{
	static char room[64 * 1024];
	struct engine_request *r = next_request();

	r->room = room;
	r->room_size = sizeof(room);
	return r;
}

/* A process that the application has forked ends here: the channel, the requests and the workers are its parent's. */
static void end_fork(void)
{
	if (getpid() != template.pid) {
		_exit(engine_exit_status());
	}
}

void template_request_done(void)
{
	end_fork();
	if (template.request.status >= 500) {
		refuse("the warm-up request %s was answered with status %d", template.request.uri, template.request.status);
	}
}

/* ---- the script ---- */

void template_write(const char *text, size_t len)
{
	if (template.warmed == 0) { /* what is printed for a request is nobody's */
		fwrite(text, 1, len, stderr);
	}
}

int template_is_open(void)
{
	return template.open;
}

static void run_script(void)
{
	struct engine_request *r = next_request(); /* the boot: it has no client, and no head is wanted */
	struct engine_error error;
	char why[4096];

	r->no_headers = 1;
	engine_fastcgi_worker();
	if (engine_web_startup(r) != 0) {
		template.parent.fail('U', "PHP could not start a request");
	}
	engine_script_open_file(template.script);
	engine_web_run_worker_script(template.strict);
	if (!template.open) { /* in a worker */
		return;
	}
	end_fork();
	if (engine_web_last_error(&error) && error.fatal) {
		snprintf(why, sizeof(why), "%s in %s on line %d", error.message, error.file, error.line);
	} else if (engine_exit_status() != 0) {
		snprintf(why, sizeof(why), "it ended with status %d before it called frankenphp_handle_request()", engine_exit_status());
	} else {
		snprintf(why, sizeof(why), "it ended without a call of frankenphp_handle_request()");
	}
	fflush(NULL);
	template.parent.fail('U', why);
}

struct engine_request *template_next_request(void)
{
	char why[1024];

	end_fork();
	if (template.warmed < template.warmups) {
		template.warmed++;
		return next_warmup();
	}
	if (engine_snapshot_prepare(why, sizeof(why)) != 0) {
		refuse("%s", why);
	}
	check_descriptors();
	check_threads();
	fflush(NULL);
	template.parent.serve();
	/* In a worker. */
	template.open = 0;
	stack_leave();
	renew_standard();
	engine_snapshot_forked();
	return NULL;
}

void template_open(const struct template_parent *parent, const char *packet, size_t len)
{
	template.parent = *parent;
	template.at = malloc(len + 1);
	if (!template.at) {
		template.parent.fail('U', "malloc");
	}
	memcpy(template.at, packet, len);
	template.at[len] = '\0';
	template.end = template.at + len;
	if (!stack_is_large()) {
		refuse("the limit of the stack is too low for it: raise it to 4 MB or more (ulimit -s, systemd's LimitSTACK)");
	}
	become();
	apply_values();
	template.script = next();
	template.strict = next_number();
	template.warmups = next_number();
	note_descriptors();
	template.pid = getpid();
	template.open = 1;
	if (stack_run_below(run_script)) {
		exit(EXIT_FAILURE); /* the script has ended in a worker that nobody has asked to run it */
	}
}

void boot_resume_script(void)
{
	stack_resume();
}
