/* Where php.ini is. Go's model: sapi/ini.go. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine_load.h"
#include "start.h"

#define OWN_DIRECTORY "/etc/phpsapi/php" /* for machines that have no package of PHP */

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
