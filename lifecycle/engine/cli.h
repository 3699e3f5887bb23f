/* The command line's request (cli_module.c, cli_request.c). */
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

#endif
