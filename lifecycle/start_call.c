/* What a call asks for: which program, and by which options. Go's model: cmd/main.go, sapi/binary.go; sapi/getopt, cli/options.go,
 * cgi/options.go, Define in sapi/ini.go. */
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "start.h"

/* The options without an argument, and those with one, of php and of php-cgi. They are Go's, too: tests of cli and cgi look. */
#define CLI_FLAGS "Cenlq"
#define CLI_PARAMETERS "cdfr"
#define CGI_FLAGS "n"
#define CGI_PARAMETERS "cd"

/* ---- the program ---- */

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Reports whether a name is that of a program, with or without a version after it. */
static int is_called(const char *name, const char *program)
{
	size_t len = strlen(program);

	return strncmp(name, program, len) == 0 && name[len + strspn(name + len, "0123456789.")] == '\0';
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

/* ---- the options ---- */

/* -d: the argument becomes a line of php.ini. */
static void define(struct start_options *o, const char *argument)
{
	const char *value = strchr(argument, '=');
	char *before = o->entries, *entries = before ? before : "";

	if (!value) {
		o->entries = start_text("%s%s=1\n", entries, argument);
	} else if (!value[1] || isalnum((unsigned char)value[1]) || value[1] == '"' || value[1] == '\'') {
		o->entries = start_text("%s%s\n", entries, argument);
	} else {
		o->entries = start_text("%s%.*s=\"%s\"\n", entries, (int)(value - argument), argument, value + 1);
	}
	free(before); /* there may be thousands */
}

/* Takes an option. 0: with an earlier one it means something else. */
static int take(struct start_options *o, char letter, const char *argument)
{
	switch (letter) {
	case 'c':
		o->ini_override = argument;
		break;
	case 'd':
		define(o, argument);
		break;
	case 'e':
		o->extended_info = 1;
		break;
	case 'f':
		if (o->file || o->code) {
			return 0;
		}
		o->file = argument;
		break;
	case 'l':
		o->lint = 1;
		break;
	case 'n':
		o->ignore_ini = 1;
		break;
	case 'r':
		if (o->file || o->code) {
			return 0;
		}
		o->code = argument;
		break;
	}
	return !(o->lint && o->code);
}

/* Reads the letters of a word; argv[*i] is the word, or becomes the argument of its last letter. */
static int read_word(const struct start_call *call, int *i, struct start_options *o)
{
	const char *flags = call->cgi ? CGI_FLAGS : CLI_FLAGS, *parameters = call->cgi ? CGI_PARAMETERS : CLI_PARAMETERS, *at;

	for (at = call->argv[*i] + 1; *at; at++) {
		if (strchr(flags, *at)) {
			if (!take(o, *at, NULL)) {
				return 0;
			}
		} else if (!strchr(parameters, *at)) {
			return 0;
		} else if (at[1]) {
			return take(o, *at, at + (at[1] == '=' ? 2 : 1));
		} else {
			return ++*i < call->argc && take(o, *at, call->argv[*i]);
		}
	}
	return 1;
}

int start_read_options(const struct start_call *call, struct start_options *o)
{
	int i;

	*o = (struct start_options){0};
	for (i = call->first; i < call->argc; i++) {
		const char *word = call->argv[i];
		if (word[0] != '-' || !word[1]) {
			break;
		}
		if (strcmp(word, "--") == 0) {
			i++;
			break;
		}
		if (!read_word(call, &i, o)) {
			return 0;
		}
	}
	o->rest = i;
	o->ended = i > call->first && strcmp(call->argv[i - 1], "--") == 0;
	return 1;
}
