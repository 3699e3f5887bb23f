/* Which PHP is meant, and its php.ini: that of the distribution, of the program or of a path. Go's model: sapi/engines, sapi/ini.go. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine_load.h"
#include "start.h"

#define DIGITS "0123456789"
#define MOST_LINKS 40 /* as many as Linux follows */
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" /* of a process without PATH, as lighttpd's are */
#define OWN_DIRECTORY "/etc/phpsapi/php" /* for machines that have no package of PHP */

/* ---- libphp ---- */

/* Reports whether text is MAJOR.MINOR, without needless zeros. */
static int is_version(const char *text)
{
	size_t major = strspn(text, DIGITS), minor = text[major] == '.' ? strspn(text + major + 1, DIGITS) : 0;
	const char *end = text + major + 1 + minor;

	return major > 0 && major <= 3 && minor > 0 && minor <= 3 && !*end && (major == 1 || text[0] != '0') &&
		(minor == 1 || text[major + 1] != '0');
}

/* The version that a program's name ends in; "" for none. */
static const char *named_version(const char *path)
{
	static const char *const programs[] = {"php", "php-cgi", "php-fpm", "phpsapi"};
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t i;

	for (i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		size_t len = strlen(programs[i]);
		if (strncmp(name, programs[i], len) == 0 && is_version(name + len)) {
			return name + len;
		}
	}
	return "";
}

static int is_file(const char *path)
{
	struct stat file;

	return stat(path, &file) == 0 && S_ISREG(file.st_mode);
}

/* The distribution's libphp of a version for which an engine is inside; NULL: it has none. */
static const char *of_version(int version)
{
	const struct engine *e;
	size_t i;

	for (i = 0; (e = engine_inside(i)); i++) {
		if (engine_number(e->php_version) == version && !e->slots) {
			return ENGINE_OF_PROGRAM;
		}
		if (engine_number(e->php_version) == version && !engine_of_program()) {
			const char *path = start_text("/usr/lib/libphp%d.%d.so", version / 1000, version % 1000);
			return is_file(path) ? path : NULL;
		}
	}
	return NULL;
}

const char *start_newest_engine(void)
{
	const struct engine *e;
	int newest = -1;
	size_t i;

	for (i = 0; (e = engine_inside(i)); i++) {
		int version = engine_number(e->php_version);
		newest = version > newest ? version : newest;
	}
	return newest < 0 ? NULL : of_version(newest);
}

/* Follows symbolic links until one is named by a version. 0: there is nothing; -1: a link is for Go to follow. */
static int follow(char path[PATH_MAX])
{
	char target[PATH_MAX], next[PATH_MAX];
	int i;

	for (i = 0; i < MOST_LINKS; i++) {
		ssize_t len = readlink(path, target, sizeof(target) - 1);
		int wrote;

		if (len < 0) {
			return errno == EINVAL; /* it is not a link */
		}
		target[len] = '\0';
		wrote = target[0] == '/' ? snprintf(next, sizeof(next), "%s", target)
			: snprintf(next, sizeof(next), "%.*s/%s", (int)(strrchr(path, '/') - path), path, target);
		if (wrote >= (int)sizeof(next) || !start_is_clean(next)) {
			return -1;
		}
		strcpy(path, next);
		if (named_version(path)[0]) {
			return 1;
		}
	}
	return -1;
}

/* Reports whether a php is phpsapi: this program or, by its name, another one. */
static int is_own(const char *path)
{
	struct stat file, own;

	return strncmp(strrchr(path, '/') + 1, "phpsapi", 7) == 0 ||
		(stat(path, &file) == 0 && stat("/proc/self/exe", &own) == 0 && file.st_dev == own.st_dev && file.st_ino == own.st_ino);
}

/* The libphp of the machine's php, which is the first in PATH that is not phpsapi: its name, or that of a link on the way to it,
 * tells the version. */
static const char *of_machine(void)
{
	const char *directory = getenv("PATH"), *end;
	char path[PATH_MAX];

	if (!directory || !*directory) {
		directory = DEFAULT_PATH;
	}
	for (; *directory; directory = *end ? end + 1 : end) {
		int there;

		end = strchrnul(directory, ':');
		if (*directory != '/') {
			continue;
		}
		if (snprintf(path, sizeof(path), "%.*s/php", (int)(end - directory), directory) >= (int)sizeof(path) || !start_is_clean(path)) {
			return NULL;
		}
		there = follow(path);
		if (there < 0) {
			return NULL;
		}
		if (!there) {
			continue;
		}
		if (named_version(path)[0]) {
			return of_version(engine_number(named_version(path)));
		}
		if (!is_own(path)) {
			return NULL;
		}
	}
	return start_newest_engine();
}

const char *start_named_engine(const char *name)
{
	if (*name == '/') {
		return name;
	}
	return is_version(name) ? of_version(engine_number(name)) : NULL;
}

const char *start_find_engine(const struct start_call *call)
{
	const char *asked = getenv("PHPSAPI_ENGINE");

	if (!asked || !*asked) {
		asked = named_version(call->argv[0]);
	}
	if (!*asked) {
		return engine_of_program() ? ENGINE_OF_PROGRAM : of_machine();
	}
	return start_named_engine(asked);
}

/* ---- php.ini ---- */

static int is_directory(const char *path)
{
	struct stat file;

	return stat(path, &file) == 0 && S_ISDIR(file.st_mode);
}

static int is_readable_file(const char *path)
{
	struct stat file;
	int fd;

	if (stat(path, &file) != 0 || S_ISDIR(file.st_mode)) {
		return 0;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return 0;
	}
	close(fd);
	return 1;
}

/* The places of php.ini; NULL: none. *search says that the directory is the last of them. */
static const char *places(const struct engine_module *m, const struct start_options *o, int *search)
{
	const char *rc = getenv("PHPRC"), *slash = strrchr(m->binary, '/');

	*search = 0;
	if (o->ini_override && *o->ini_override) {
		return o->ini_override;
	}
	if (o->ignore_ini) {
		return NULL;
	}
	if (rc && *rc && is_readable_file(rc)) {
		return rc;
	}
	*search = 1;
	return start_text("%s%s%s%.*s%s%s", rc ? rc : "", rc && *rc ? ":" : "", m->front_end == ENGINE_CGI || m->front_end == ENGINE_APACHE ? ".:" : "",
		slash ? (int)(slash - m->binary) : 0, m->binary, slash > m->binary ? ":" : "", m->ini_dir);
}

/* Expands PHP_INI_SCAN_DIR: an empty element stands for the default directory. */
static const char *scan_directories(const char *default_directory)
{
	const char *given = getenv("PHP_INI_SCAN_DIR"), *end;
	char *list = "";

	if (!given) {
		return default_directory;
	}
	if (!*given) {
		return "";
	}
	for (;; given = end + 1) {
		end = strchrnul(given, ':');
		list = end == given ? start_text("%s%s", list, default_directory) : start_text("%s%.*s", list, (int)(end - given), given);
		if (!*end) {
			return list;
		}
		list = start_text("%s:", list);
	}
}

void start_locate_ini(struct engine_module *m, const struct start_options *o)
{
	const char *version = engine->php_version, *patch = strrchr(version, '.');
	int len = patch ? patch - version : 0;

	m->ini_embed = start_text("/etc/php/%.*s/embed", len, version);
	m->ini_dir = start_text("/etc/php/%.*s/%s", len, version, m->front_end == ENGINE_CGI ? "cgi" : m->front_end == ENGINE_APACHE ? "apache2" : "cli");
	if (!is_directory(m->ini_dir)) {
		m->ini_dir = is_directory(m->ini_embed) ? m->ini_embed : OWN_DIRECTORY;
	}
	m->ini_scan_default = start_text("%s/conf.d", m->ini_dir);
	m->ini_scan_dir = scan_directories(m->ini_scan_default);
	m->ini_path = places(m, o, &m->ini_search);
	m->ini_ignore = o->ignore_ini;
}
