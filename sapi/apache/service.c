/*
 * The phpsapi fpm of PHPSAPIMode pool: httpd's parent writes its php-fpm.conf, starts it, reloads it if httpd is restarted, starts it again
 * if it ends, and stops it with itself. It has a pool for each user. Its directory is below httpd's DefaultRuntimeDir.
 *
 * The module is unloaded and loaded again by a restart; what is to outlive that is in httpd's own pool.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ap_mpm.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <http_core.h>
#include <http_main.h>
#include <unixd.h>

#include "apache.h"
#include "httpd_wire.h"

struct apache_service apache_service;

/* What outlives a restart. */
struct running_service {
	apr_proc_t process; /* pid 0: it does not run */
	apr_time_t started;
	const char *dir;
	pid_t parent;
	bool stopping;
};

static struct running_service *service;
static struct apache_pool *pools;

static void say(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(int level, const char *format, ...)
{
	char text[1024];
	va_list values;

	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	ap_log_error(APLOG_MARK, level | APLOG_STARTUP, 0, NULL, "mod_phpsapi: %s", text);
}

/* ---- its configuration ---- */

static struct apache_pool *pool_of(apr_pool_t *p, const char *user, const char *group)
{
	struct apache_pool *pool;

	for (pool = pools; pool; pool = pool->next) {
		if (strcmp(pool->user, user) == 0 && strcmp(pool->group, group) == 0) {
			return pool;
		}
	}
	pool = apr_pcalloc(p, sizeof(*pool));
	pool->user = user;
	pool->group = group;
	pool->name = *user ? apr_pstrcat(p, user, *group ? "." : "", group, NULL) : "httpd";
	pool->socket = apr_pstrcat(p, service->dir, "/", pool->name, ".sock", NULL);
	pool->next = pools;
	pools = pool;
	return pool;
}

static int find_pools(apr_pool_t *p, server_rec *s)
{
	pools = NULL;
	for (; s; s = s->next) {
		struct apache_server *server = ap_get_module_config(s->module_config, apache_module);

		if (server->user && geteuid() != 0) {
			say(APLOG_CRIT, "PHPSAPIUser %s: only root can have scripts run as another user, and httpd was not started by root", server->user);
			return -1;
		}
		server->pool = server->user ? pool_of(p, server->user, server->group ? server->group : "") : pool_of(p, "", "");
	}
	return 0;
}

/* A directive that PHPSAPIPool gives, or NULL. */
static const char *given(const char *directive)
{
	size_t len = strlen(directive);
	int i;

	for (i = apache_options.pool_settings ? apache_options.pool_settings->nelts - 1 : -1; i >= 0; i--) { /* the last one counts */
		const char *line = APR_ARRAY_IDX(apache_options.pool_settings, i, const char *);

		if (strncmp(line, directive, len) == 0 && strncmp(line + len, " = ", 3) == 0) {
			return line + len + 3;
		}
	}
	return NULL;
}

/* A number that PHPSAPIPool gives; else usual, or what of it lies between least and most. */
static int given_number(const char *directive, int usual, int least, int most)
{
	const char *value = given(directive);

	return value ? atoi(value) : usual > most ? most : usual < least ? least : usual;
}

/* What a pool has if PHPSAPIPool does not say it: the numbers of Debian's prefork, as far as those that it says allow them. */
static const char *pool_numbers(apr_pool_t *p, bool is_httpds)
{
	int children = given_number("pm.max_children", 150, 1, 150); /* MaxRequestWorkers */
	int least = given_number("pm.min_spare_servers", is_httpds ? 5 : 1, 1, children);
	int most = given_number("pm.max_spare_servers", 10, least, children);
	int start = given_number("pm.start_servers", is_httpds ? 10 : 2, least, most);

	return apr_psprintf(p, "pm = dynamic\npm.start_servers = %d\npm.min_spare_servers = %d\npm.max_spare_servers = %d\npm.max_children = %d\n",
		start, least, most, children);
}

static const char *pool_lines(apr_pool_t *p, const struct apache_pool *pool)
{
	const char *lines = apr_psprintf(p, "[%s]\nlisten = %s\nlisten.mode = 0600\nclear_env = no\nsecurity.limit_extensions =\n%s", pool->name, pool->socket,
		pool_numbers(p, !*pool->user));
	int i;

	for (i = 0; apache_options.pool_settings && i < apache_options.pool_settings->nelts; i++) {
		lines = apr_pstrcat(p, lines, APR_ARRAY_IDX(apache_options.pool_settings, i, const char *), "\n", NULL);
	}
	if (geteuid() == 0) {
		lines = apr_psprintf(p, "%slisten.owner = %d\nlisten.group = %d\n", lines, (int)ap_unixd_config.user_id, (int)ap_unixd_config.group_id);
		lines = *pool->user ? apr_pstrcat(p, lines, "user = ", pool->user, "\n", *pool->group ? apr_pstrcat(p, "group = ", pool->group, "\n", NULL) : "", NULL)
			: apr_psprintf(p, "%suser = %d\ngroup = %d\n", lines, (int)ap_unixd_config.user_id, (int)ap_unixd_config.group_id);
	}
	return lines;
}

static int write_conf(apr_pool_t *p, const char *path)
{
	const struct apache_pool *pool;
	const char *fresh = apr_pstrcat(p, path, ".new", NULL);
	FILE *file = fopen(fresh, "we");
	int failed;

	if (!file) {
		say(APLOG_CRIT, "%s: %s. It is below DefaultRuntimeDir", fresh, strerror(errno));
		return -1;
	}
	fprintf(file, "; Written by mod_phpsapi when httpd starts or is restarted.\n[global]\nerror_log = /proc/self/fd/2\nlog_level = warning\ndaemonize = no\n");
	for (pool = pools; pool; pool = pool->next) {
		fputs(pool_lines(p, pool), file);
	}
	failed = ferror(file);
	if (fclose(file) != 0 || failed || rename(fresh, path) != 0) {
		say(APLOG_CRIT, "%s: it cannot be written: %s", path, strerror(errno));
		return -1;
	}
	return 0;
}

static const char *program(void)
{
	static const char *const places[] = {"/usr/local/bin/phpsapi", "/usr/bin/phpsapi", "/usr/local/sbin/phpsapi", "/usr/sbin/phpsapi"};
	size_t i;

	if (apache_options.program) {
		return apache_options.program;
	}
	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (access(places[i], X_OK) == 0) {
			return places[i];
		}
	}
	return NULL;
}

/* ---- its process ---- */

static void execute(char *const *argv)
{
	sigset_t none;

	setpgid(0, 0); /* the MPM signals its own process group */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != service->parent) {
		_exit(1);
	}
	for (int signal_number = 1; signal_number < NSIG; signal_number++) {
		signal(signal_number, SIG_DFL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setenv("PHPSAPI_APACHE", "on", 1);
	setenv("PHPSAPI_METRICS_LISTEN", "off", 0);
	closefrom(3); /* httpd's listening sockets must not outlive it */
	execv(argv[0], argv);
	fprintf(stderr, "mod_phpsapi: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* Executes phpsapi; 0: it cannot be. */
static pid_t start_program(const char *const *arguments)
{
	const char *argv[16];
	int n = 0;
	pid_t pid;

	argv[n++] = program();
	while (*arguments && n < 15) {
		argv[n++] = *arguments++;
	}
	argv[n] = NULL;
	pid = fork();
	if (pid == 0) {
		execute((char *const *)argv);
	}
	return pid > 0 ? pid : 0;
}

static const char *conf_path(apr_pool_t *p)
{
	return apr_pstrcat(p, service->dir, "/php-fpm.conf", NULL);
}

static int start_service(apr_pool_t *p)
{
	const char *arguments[12];
	int n = 0;

	arguments[n++] = "fpm";
	arguments[n++] = "-F";
	arguments[n++] = "-y";
	arguments[n++] = conf_path(p);
	if (apache_options.ini_dir) {
		arguments[n++] = "-c";
		arguments[n++] = apache_options.ini_dir;
	}
	if (apache_options.engine) {
		arguments[n++] = "--engine";
		arguments[n++] = apache_options.engine;
	}
	arguments[n] = NULL;
	apache_service_begins();
	service->process.pid = start_program(arguments);
	service->started = apr_time_now();
	return service->process.pid != 0 ? 0 : -1;
}

/* Has a service that runs read its configuration, and waits for the outcome. */
static int reload_service(apr_pool_t *p)
{
	const char *const arguments[] = {"fpm", "reload", "--master", apr_itoa(p, service->process.pid), NULL};
	pid_t pid = start_program(arguments);
	int status = -1;

	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static bool is_running(void)
{
	return service->process.pid > 0 && kill(service->process.pid, 0) == 0;
}

/* ---- whether it answers ---- */

/* Asks a pool what PHP it has. 0, or -1: it does not answer. */
static int greet(const struct apache_pool *pool, apr_pool_t *p, const char **version, bool *exposes)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct wire wire = {.fd = -1};
	struct wire_message m;
	int result = -1, fd;

	if (strlen(pool->socket) >= sizeof(address.sun_path)) {
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, pool->socket);
	wire_open(&wire, fd);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
		wire_begin(&wire, WIRE_HELLO);
		wire_end(&wire);
		wire_send(&wire);
		if (wire_receive(&wire, &m, 30000) == 0 && m.kind == WIRE_ANSWER && wire_take_number(&m) == WIRE_VERSION) {
			*version = apr_pstrdup(p, wire_take_string(&m));
			apache_service.engine = wire_take_number(&m) != 0;
			apache_service.xbithack = wire_take_number(&m) != 0;
			*exposes = wire_take_number(&m) != 0;
			result = m.damaged || !*version ? -1 : 0;
		}
	}
	wire_free(&wire);
	return result;
}

/* Waits until it answers, or has ended. */
static int await_service(apr_pool_t *p)
{
	const char *version = NULL;
	bool exposes = false;
	int tries, status;

	for (tries = 0; tries < 1200; tries++) {
		if (greet(pools, p, &version, &exposes) == 0) {
			if (exposes) {
				ap_add_version_component(p, apr_pstrcat(p, "PHP/", version, NULL));
			}
			return 0;
		}
		if (waitpid(service->process.pid, &status, WNOHANG) == service->process.pid) {
			service->process.pid = 0;
			return -1;
		}
		apr_sleep(50000);
	}
	return -1;
}

/* ---- its life ---- */

static void stop_service(void)
{
	int tries;

	service->stopping = true;
	if (service->process.pid <= 0) {
		return;
	}
	kill(service->process.pid, SIGTERM);
	for (tries = 0; tries < 500; tries++) {
		if (waitpid(service->process.pid, NULL, WNOHANG) != 0) {
			service->process.pid = 0;
			return;
		}
		apr_sleep(10000);
	}
	kill(service->process.pid, SIGKILL);
	waitpid(service->process.pid, NULL, 0);
	service->process.pid = 0;
}

/* httpd's configuration goes: before a restart the service stays, and answers those requests that the old children still have. */
static apr_status_t forget_configuration(void *unused)
{
	char *path;

	if (getpid() != service->parent || ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_EXITING) {
		return APR_SUCCESS;
	}
	stop_service();
	path = malloc(strlen(service->dir) + 32);
	if (path) {
		sprintf(path, "%s/php-fpm.conf", service->dir);
		unlink(path);
		free(path);
	}
	for (; pools; pools = pools->next) {
		unlink(pools->socket);
	}
	rmdir(service->dir);
	return APR_SUCCESS;
}

static void watch(int reason, void *data, apr_wait_t status);

/* Starts the service again. If that fails, apache_watch_pool tries it later. Workers of a service that was killed may take a moment to end: the next
 * one would find them at its sockets, and not start. What has connected to them, and is not answered, connects again. */
static void restart_service(apr_pool_t *p)
{
	const struct apache_pool *pool;

	for (pool = pools; pool; pool = pool->next) {
		unlink(pool->socket);
	}
	if (start_service(p) == 0) {
		apr_proc_other_child_register(&service->process, watch, p, NULL, p);
	} else {
		apache_service_not_forked(errno);
		say(APLOG_CRIT, "the phpsapi fpm of httpd cannot be started: fork: %s. Requests for PHP are answered by 503; it is tried again every few seconds", strerror(errno));
	}
}

static bool is_for_parent(void)
{
	return service && !service->stopping && getpid() == service->parent;
}

static void watch(int reason, void *data, apr_wait_t status)
{
	if (reason != APR_OC_REASON_DEATH && reason != APR_OC_REASON_LOST) {
		return;
	}
	apr_proc_other_child_unregister(data);
	service->process.pid = 0;
	if (is_for_parent()) {
		apache_service_ended(status);
		say(APLOG_ERR, "the phpsapi fpm of httpd has ended (%s), and is started again", apache_how_it_ended(data, status));
		if (apr_time_now() - service->started < apr_time_from_sec(1)) {
			apr_sleep(apr_time_from_sec(1));
		}
		restart_service(data);
	}
}

void apache_watch_pool(apr_pool_t *p)
{
	if (is_for_parent() && service->process.pid == 0) {
		restart_service(p);
	}
}

/* Finds what outlives restarts, or makes it. */
static int find_service(apr_pool_t *p, server_rec *s)
{
	static const char key[] = "mod_phpsapi service";
	apr_pool_t *lasting = s->process->pool;
	void *found = NULL;

	apr_pool_userdata_get(&found, key, lasting);
	service = found;
	if (!service) {
		service = apr_pcalloc(lasting, sizeof(*service));
		service->parent = getpid();
		service->dir = ap_runtime_dir_relative(lasting, apr_psprintf(lasting, "phpsapi.%d", (int)getpid()));
		apr_pool_userdata_set(service, key, apr_pool_cleanup_null, lasting);
	}
	if (apache_open_health(lasting) != 0) {
		say(APLOG_CRIT, "mmap: %s", strerror(errno));
		return -1;
	}
	if (mkdir(service->dir, 0755) != 0 && errno != EEXIST) {
		say(APLOG_CRIT, "%s: %s. It is below DefaultRuntimeDir", service->dir, strerror(errno));
		return -1;
	}
	return 0;
}

int apache_start_pool(apr_pool_t *p, server_rec *s)
{
	int threads = 0;

	if (!program()) {
		say(APLOG_CRIT, "PHPSAPIMode pool needs the program phpsapi, which is neither in /usr/local/bin nor in /usr/bin. PHPSAPIProgram names its file");
		return HTTP_INTERNAL_SERVER_ERROR;
	}
	if (find_service(p, s) != 0 || find_pools(p, s) != 0 || write_conf(p, conf_path(p)) != 0) {
		return HTTP_INTERNAL_SERVER_ERROR;
	}
	apr_pool_cleanup_register(p, NULL, forget_configuration, apr_pool_cleanup_null);
	if (is_running()) {
		if (reload_service(p) != 0) {
			say(APLOG_ERR, "the phpsapi fpm of httpd could not be reloaded: it keeps its old configuration, and the lines before this one say why");
		}
	} else if (start_service(p) != 0) {
		say(APLOG_CRIT, "%s cannot be executed: %s", program(), strerror(errno));
		return HTTP_INTERNAL_SERVER_ERROR;
	}
	if (await_service(p) != 0) {
		say(APLOG_CRIT, "%s fpm -y %s does not answer, and the lines before this one say why", program(), conf_path(p));
		stop_service();
		return HTTP_INTERNAL_SERVER_ERROR;
	}
	apache_service_answers();
	apr_proc_other_child_register(&service->process, watch, p, NULL, p);
	if (ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads) != APR_SUCCESS || threads < 1) {
		threads = 1;
	}
	apache_service.most_idle = threads < 32 ? threads : 32;
	return OK;
}

void apache_child_of_pool(apr_pool_t *p, server_rec *s)
{
	struct apache_pool *pool;
	int threads = AP_MPMQ_NOT_SUPPORTED;
	cpu_set_t set;

	apache_service.processors = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	ap_mpm_query(AP_MPMQ_IS_THREADED, &threads);
	for (pool = pools; pool && threads != AP_MPMQ_NOT_SUPPORTED; pool = pool->next) {
		apr_thread_mutex_create(&pool->lock, APR_THREAD_MUTEX_DEFAULT, p);
		apr_thread_cond_create(&pool->freed, p);
	}
}
