/* Which program was called. Go's model: cmd/main.go, sapi/binary.go. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "start.h"

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Reports whether a name is that of a program, with or without a version behind it. */
static int is_called(const char *name, const char *program)
{
	size_t len = strlen(program);

	return strncmp(name, program, len) == 0 && name[len + strspn(name + len, "0123456789.")] == '\0';
}

int start_is_clean(const char *path)
{
	const char *at;

	if (path[0] != '/') {
		return 0;
	}
	for (at = path; *at; at += strcspn(at, "/")) {
		size_t len = strcspn(++at, "/");
		if (len == 0 || (len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.')) {
			return 0;
		}
	}
	return 1;
}

static int is_program(const char *path)
{
	struct stat file;

	return stat(path, &file) == 0 && !S_ISDIR(file.st_mode) && faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

/* PHP_BINARY of a program that was called by its own name. NULL: Go finds it. */
static const char *named_binary(const char *name)
{
	const char *directory = getenv("PATH"), *end;

	if (strchr(name, '/')) {
		return start_is_clean(name) && is_program(name) ? start_text("%s", name) : NULL;
	}
	for (; directory && *directory; directory = *end ? end + 1 : end) {
		char *path;

		end = strchrnul(directory, ':');
		if (*directory != '/') {
			return NULL;
		}
		path = start_text("%.*s/%s", (int)(end - directory), directory, name);
		if (!start_is_clean(path)) {
			return NULL;
		}
		if (is_program(path)) {
			return path;
		}
		free(path);
	}
	return NULL;
}

/* PHP_BINARY of phpsapi itself. NULL: Go finds it. */
static const char *own_binary(void)
{
	struct stat file;
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path));

	if (len <= 0 || (size_t)len == sizeof(path) || path[0] != '/' || stat("/proc/self/exe", &file) != 0 || file.st_nlink == 0) {
		return NULL;
	}
	return start_text("%.*s", (int)len, path);
}

/* Reports whether phpsapi's own first argument says that this is php's command line, or php-cgi. */
static int is_own_program(struct start_call *call)
{
	const char *word = call->argc > 1 ? call->argv[1] : "";

	call->cgi = strcmp(word, "cgi") == 0;
	if (call->cgi || strcmp(word, "cli") == 0) {
		call->first = 2;
		return 1;
	}
	return (word[0] == '-' && word[1]) || strpbrk(word, "./");
}

int start_program(int argc, char **argv, struct start_call *call)
{
	const char *name = argc > 0 ? last_name(argv[0]) : "";

	*call = (struct start_call){.argc = argc, .argv = argv, .first = 1};
	if (!*name || is_called(name, "php-fpm")) {
		return 0;
	}
	if (is_called(name, "php") || is_called(name, "php-cgi")) {
		call->cgi = is_called(name, "php-cgi");
		call->binary = named_binary(argv[0]);
	} else if (is_own_program(call)) {
		call->binary = own_binary();
	}
	return call->binary != NULL;
}
