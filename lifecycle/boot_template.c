/*
 * A zygote in which an application has been booted: it runs the worker script as a worker would, until that asks for its first
 * request. Then it answers some requests of its own, to warm up, and forks workers that continue from there: a worker's application
 * has been booted before the worker is there.
 *
 *   zygote_run, in the constructor           upper place of the stack (boot_stack.c)
 *     template_open                          becomes the pool's user ...
 *       the script, up to handle_request     lower place
 *         template_next_request
 *           the zygote                       forks
 *             in a worker: back to the upper place, the constructor returns, Go boots, and continues below
 *
 * What a template must not have, because its workers would share it, is looked for before the first fork. If it is there the
 * process says so and ends, and its parent boots the application in each worker instead. What is said are facts, by
 * lifecycle/zygote/unbooted.go.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
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
#include "boot_reopen.h"
#include "boot_restrict.h"
#include "boot_stack.h"
#include "boot_template.h"
#include "boot_worker.h"
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
	unsigned char is_file[MOST_FDS]; /* the script reads a file or directory by it, which can be opened once more */
} template;

/* ---- why not ---- */

static _Noreturn void fail(char letter, const char *const *facts)
{
	template.parent.fail(letter, facts);
	abort(); /* it has ended the process */
}

/* The application has not been booted, or must not be forked. */
#define NOT_BOOTED(...) fail('U', (const char *const[]){__VA_ARGS__, NULL})
#define REFUSE(...) fail('V', (const char *const[]){__VA_ARGS__, NULL})

struct digits {
	char text[24];
};

static struct digits digits(long n)
{
	struct digits d;

	snprintf(d.text, sizeof(d.text), "%ld", n);
	return d;
}

/* ---- the packet: strings, each with its NUL ---- */

static char *next(void)
{
	char *text = template.at;

	if (text >= template.end) {
		NOT_BOOTED("cut");
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
	if (result != 0) {
		NOT_BOOTED("step", digits(errno).text, what);
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

/* Gives up what the pool's workers have no need of, before anything of the application runs. */
static void give_up(void)
{
	const char *what = "";
	int restricted = next_number(), error = 0;
	char *filter = next();

	if (restricted) {
		error = boot_restrict_by_digits(worker.fds_len > 0 ? worker.fds[0] : -1, filter, &what);
	}
	if (error) {
		NOT_BOOTED("step", digits(error).text, what);
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

/* Tells of a socket by its peer's address, or else its own. */
static _Noreturn void refuse_socket(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_un local;
		struct sockaddr_storage room;
	} name;
	socklen_t len = sizeof(name);
	char address[64], port[16];
	const char *side = "to";

	memset(&name, 0, sizeof(name));
	if (getpeername(fd, &name.any, &len) != 0) {
		side = "at";
		len = sizeof(name);
		if (getsockname(fd, &name.any, &len) != 0) {
			REFUSE("socket", digits(fd).text);
		}
	}
	if (name.any.sa_family == AF_UNIX) {
		REFUSE("socket", digits(fd).text, side, name.local.sun_path);
	}
	if (getnameinfo(&name.any, len, address, sizeof(address), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
		REFUSE("socket", digits(fd).text, side, address, port);
	}
	REFUSE("socket", digits(fd).text);
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

/* A worker reads files and directories from a place of its own. */
static void renew_files(void)
{
	int fd;

	for (fd = 3; fd < MOST_FDS; fd++) {
		if (template.is_file[fd]) {
			reopen(fd);
		}
	}
}

static void check_descriptors(void)
{
	char link[64], path[512];
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
		if (S_ISSOCK(file.st_mode)) {
			refuse_socket(fd);
		}
		flags = fcntl(fd, F_GETFL);
		if (S_ISCHR(file.st_mode)) {
			continue;
		}
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		len = readlink(link, path, sizeof(path) - 1);
		path[len > 0 ? len : 0] = '\0';
		if (is_locked(fd)) {
			REFUSE("lock", digits(fd).text, path);
		}
		template.is_file[fd] = (S_ISDIR(file.st_mode) || S_ISREG(file.st_mode)) && (flags & O_ACCMODE) == O_RDONLY && can_reopen(fd);
		if (!template.is_file[fd]) {
			REFUSE("file", digits(fd).text, path);
		}
	}
}

static void check_threads(void)
{
	struct stat tasks;

	if (stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 3) {
		REFUSE("threads", digits((long)tasks.st_nlink - 3).text);
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
		REFUSE("warmup", digits(template.request.status).text, template.request.uri);
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

	r->no_headers = 1;
	engine_fastcgi_worker();
	if (engine_web_startup(r) != 0) {
		NOT_BOOTED("request");
	}
	engine_script_open_file(template.script);
	engine_web_run_worker_script(template.strict);
	if (!template.open) { /* in a worker */
		return;
	}
	end_fork();
	fflush(NULL);
	if (engine_web_last_error(&error) && error.fatal) {
		NOT_BOOTED("error", digits(error.line).text, error.file, error.message);
	}
	NOT_BOOTED("end", digits(engine_exit_status()).text);
}

struct engine_request *template_next_request(void)
{
	char name[1024];

	end_fork();
	if (template.warmed < template.warmups) {
		template.warmed++;
		return next_warmup();
	}
	switch (engine_snapshot_prepare(name, sizeof(name))) {
	case ENGINE_SNAPSHOT_HOOK_FAILED:
		REFUSE("hook", name);
	case ENGINE_SNAPSHOT_CONNECTION:
		REFUSE("object", name);
	case ENGINE_SNAPSHOT_PREPARED:
		break;
	}
	check_descriptors();
	check_threads();
	fflush(NULL);
	template.parent.serve();
	/* In a worker. */
	template.open = 0;
	stack_leave();
	renew_standard();
	renew_files();
	engine_snapshot_forked();
	return NULL;
}

void template_open(const struct template_parent *parent, const char *packet, size_t len)
{
	template.parent = *parent;
	template.at = malloc(len + 1);
	if (!template.at) {
		must(-1, "malloc");
	}
	memcpy(template.at, packet, len);
	template.at[len] = '\0';
	template.end = template.at + len;
	if (!stack_is_large()) {
		REFUSE("stack");
	}
	become();
	apply_values();
	give_up();
	template.script = next();
	if (access(template.script, R_OK) != 0) { /* PHP would not say why */
		NOT_BOOTED("unreadable", digits(errno).text, template.script);
	}
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
