/* The command line's request (cli_module.c, cli_request.c, cli_work.c). */
#ifndef PHPSAPI_CLI_H
#define PHPSAPI_CLI_H

#include <stddef.h>
#include <sys/types.h>

struct cli_request {
	const char *self;            /* PHP_SELF */
	const char *script_filename; /* SCRIPT_FILENAME as given; empty for standard input */
};

extern struct cli_request cli;

/* What ext/readline fills in for -a. The layout is php's cli_shell_callbacks_t (sapi/cli/cli.h). */
struct shell_callbacks {
	size_t (*write)(const char *text, size_t len);
	size_t (*ub_write)(const char *text, size_t len);
	int (*run)(void);
};

extern struct shell_callbacks shell;

/* What extensions find in SG(server_context). The layout is php's php_cli_server_context (sapi/cli/cli.h). */
struct cli_context {
	int mode;
};

/* Opens the script at once; -1: it cannot be. */
int cli_open_script(const char *path);
void cli_print_open_error(const char *path); /* says that it cannot be opened */

/* argv[0] is PHP_SELF; the array and its strings must live until the request's shutdown. */
int cli_request_startup(int argc, char **argv, const char *script_filename, int mode);

/* Each does the request's work and leaves its exit status in EG(exit_status). with_streams defines STDIN, STDOUT and
 * STDERR first. */
void cli_execute(int with_streams);
void cli_shell(int with_streams);
void cli_eval(const char *code, const char *name);
void cli_process_stdin(const char *begin, const char *run, const char *file, const char *end);

#endif
