/*
 * A start without Go: an ordinary command line of php, and an ordinary request of php-cgi, run before the Go runtime, which takes as
 * long to start as many a script to run. What is ordinary is a small part of what Go knows, of which nothing is in doubt. Whatever is
 * not, or goes wrong before PHP is started, is Go's: the functions return, and nothing has happened. A command line that Go has read ends
 * here, too, if Go need not come back from it. The others (-i, -a, --ini, --repeat ...) are sequenced by Go, between the steps.
 *
 * Go's rules are the model: cmd/main.go, cli/options.go, cli/run.go, cgi/main.go, sapi/engines, sapi/ini.go. test/starts and
 * test/handover run both ways and compare them; PHPSAPI_START=go in the environment asks for Go's.
 */
#ifndef PHPSAPI_START_H
#define PHPSAPI_START_H

#include <stddef.h>

#include "engine.h"

/* ---- start.c ---- */

/* Called before the Go runtime. Does not return where PHP ran. */
void start_without_go(int argc, char **argv);

/* What a script that is not a file is called, and what is said where a request cannot be started. */
#define START_STANDARD_INPUT "Standard input code"
#define START_CANNOT_START "Could not startup.\n"

/* What php is asked for, as it numbers it for extensions (php_cli_mode of its sapi/cli/cli.h), where Go need not be asked. */
enum { START_CLI_SCRIPT = 1, START_CLI_LINT = 4, START_CLI_CODE = 6 };

/* The settings of the command line that php.ini cannot override, only -d, as lines of php.ini for PHP of that version. */
const char *start_cli_settings(const char *version);

/* Runs a script for a command line that Go has read, and ends the process. It takes the process: neither boot_take_process nor
 * engine_module_startup was called before. */
_Noreturn void start_after_go(const struct engine_module *module, const struct engine_cli_script *script);

/* ---- start_call.c: which program was called, and by which options ---- */

struct start_call {
	int argc;
	char **argv;
	int cgi;            /* it is php-cgi */
	int first;          /* the index of the program's first argument */
	const char *binary; /* PHP_BINARY */
};

/* Reports whether argv calls php's command line or php-cgi, and how. 0: that is for Go to say. */
int start_program(int argc, char **argv, struct start_call *call);

struct start_options {
	const char *ini_override; /* -c */
	int ignore_ini;           /* -n */
	int extended_info;        /* -e */
	int lint;                 /* -l */
	const char *file;         /* -f */
	const char *code;         /* -r */
	char *entries;            /* -d, as lines of php.ini; NULL for none */
	int rest;                 /* the index of the first argument that is not an option */
	int ended;                /* `--` ended the options */
};

/* Reads the options of a call. 0: some are for Go. */
int start_read_options(const struct start_call *call, struct start_options *options);

/* ---- start_php.c: which PHP is meant, and its php.ini ---- */

/* Finds the libphp that is meant. NULL: Go looks for it. */
const char *start_find_engine(const struct start_call *call);

/* The libphp of a name: a version, or an absolute path, which is returned as it is. NULL: it is neither, or there is none of that version. */
const char *start_named_engine(const char *name);

/* That of the newest version for which an engine is inside; NULL: it is not there. */
const char *start_newest_engine(void);

/* Says where php.ini is for the module's front end, which has a binary. */
void start_locate_ini(struct engine_module *module, const struct start_options *options);

/* ---- start_text.c ---- */

/* Both return memory that nobody frees, and end the process if there is none. */
char *start_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *start_memory(size_t size);

/* Reports whether a path is absolute, and already as short as Go's filepath.Clean makes it. "/" is not for us. */
int start_is_clean(const char *path);

#endif
