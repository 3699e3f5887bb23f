/* The command line's sapi_module_struct: output to file descriptor 1, no headers. Counterpart: sapi/cli/php_cli.c. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "php_dl_function.h"
#include "php_module.h"
#include "cli_title.h"

struct cli_request cli = {.self = "", .script_filename = ""};

struct shell_callbacks shell;

void *engine_cli_shell_callbacks(void)
{
	return &shell;
}

int engine_cli_has_shell(void)
{
	return shell.run != NULL;
}

/* Waits until standard output takes bytes again, default_socket_timeout at the most. */
static int wait_for_output(void)
{
	struct pollfd pollfd = {.fd = STDOUT_FILENO, .events = POLLOUT};
	int timeout = (int)FG(default_socket_timeout);

	return poll(&pollfd, 1, timeout < 0 ? -1 : timeout * 1000) != -1;
}

ssize_t engine_cli_single_write(const char *text, size_t len)
{
	ssize_t wrote;

	if (shell.write) {
		shell.write(text, len);
	}
	do {
		wrote = write(STDOUT_FILENO, text, len);
	} while (wrote <= 0 && (errno == EINTR || (errno == EAGAIN && wait_for_output())));
	return wrote;
}

static size_t cli_ub_write(const char *text, size_t len)
{
	size_t done = 0;

	if (len > 0 && shell.ub_write) {
		size_t wrote = shell.ub_write(text, len);
		if (wrote != (size_t)-1) {
			return wrote;
		}
	}
	while (done < len) {
		ssize_t wrote = engine_cli_single_write(text + done, len - done);
		if (wrote < 0) {
			EG(exit_status) = 255;
			php_handle_aborted_connection();
			break;
		}
		done += wrote;
	}
	return done;
}

static void cli_flush(void *context)
{
	/* EBADF: the script closed STDOUT. */
	if (fflush(stdout) == EOF && errno != EBADF) {
		php_handle_aborted_connection();
	}
}

static int cli_deactivate(void)
{
	fflush(stdout);
	return SUCCESS;
}

static void register_filtered(const char *name, const char *value, zval *variables)
{
	char *filtered = (char *)value;
	size_t len = strlen(value);

	if (SAPI_MODULE(input_filter)(PARSE_SERVER, name, &filtered, len, &len)) {
		php_register_variable(name, filtered, variables);
	}
}

static void cli_register_variables(zval *variables)
{
	php_import_environment_variables(variables);
	register_filtered("PHP_SELF", cli.self, variables);
	register_filtered("SCRIPT_NAME", cli.self, variables);
	register_filtered("SCRIPT_FILENAME", cli.script_filename, variables);
	register_filtered("PATH_TRANSLATED", cli.script_filename, variables);
	register_filtered("DOCUMENT_ROOT", "", variables);
}

static char *cli_read_cookies(void)
{
	return NULL;
}

static int cli_header_handler(sapi_header_struct *header, sapi_header_op_enum op, sapi_headers_struct *headers)
{
	return 0;
}

static int cli_send_headers(sapi_headers_struct *headers)
{
	return SAPI_HEADER_SENT_SUCCESSFULLY;
}

static void cli_send_header(sapi_header_struct *header, void *context)
{
}

static void cli_log_message(const char *message, int syslog_type)
{
	fprintf(stderr, "%s\n", message);
}

/* ---- the functions cli adds to PHP's ---- */

static const zend_function_entry cli_functions[] = {
	DL_FUNCTION
	CLI_TITLE_FUNCTIONS
	PHP_FE_END
};

void cli_module_init(struct filled_module *module)
{
	host->title_init();
	module->deactivate = cli_deactivate;
	module->ub_write = cli_ub_write;
	module->flush = cli_flush;
	module->sapi_error = zend_error;
	module->header_handler = cli_header_handler;
	module->send_headers = cli_send_headers;
	module->send_header = cli_send_header;
	module->read_cookies = cli_read_cookies;
	module->register_server_variables = cli_register_variables;
	module->log_message = cli_log_message;
	module->additional_functions = cli_functions;
}
