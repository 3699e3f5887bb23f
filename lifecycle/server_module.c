/*
 * The sapi_module_struct of the front ends that answer a web server: output is gathered and passed to Go in large
 * pieces, the response's head once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "dl_function.h"
#include "forks.h"
#include "header_functions.h"
#include "module.h"
#include "process.h"
#include "proctitle.h"
#include "server.h"
#include "title_functions.h"
#include "_cgo_export.h"

static int write_head_in_go(int status, char *line, char *block, size_t len)
{
	return engineWriteHead(status, line, block, len);
}

const struct engine_request *server_request;
int server_discard_head;
int (*server_write_head)(int status, char *line, char *block, size_t len) = write_head_in_go;

static char output[32 * 1024];
static size_t output_len;
/* The front end is php's development server, which shows at once what a script prints: somebody watches. */
static int development_server;

void server_output_reset(void)
{
	output_len = 0;
}

int server_output_flush(void)
{
	size_t len = output_len;

	output_len = 0;
	return len == 0 || is_forked() || engineWrite(output, len) == 0;
}

size_t server_write_out(const char *text, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t wrote = write(STDOUT_FILENO, text + done, len - done);
		if (wrote < 0 && errno == EINTR) {
			continue;
		}
		if (wrote <= 0) {
			php_handle_aborted_connection();
			break;
		}
		done += wrote;
	}
	return done;
}

static size_t server_ub_write(const char *text, size_t len)
{
	if (!server_request) {
		return 0;
	}
	if (server_request->direct) {
		return server_write_out(text, len);
	}
	if (output_len + len > sizeof(output) && !server_output_flush()) {
		php_handle_aborted_connection();
		return 0;
	}
	if (development_server || len > sizeof(output)) {
		if (!is_forked() && engineWrite((char *)text, len) != 0) {
			php_handle_aborted_connection();
			return 0;
		}
		return len;
	}
	memcpy(output + output_len, text, len);
	output_len += len;
	return len;
}

static char *server_getenv(const char *name, size_t len)
{
	return getenv(name);
}

static int server_activate(void)
{
	return server_request ? user_settings_activate(server_request->server_name, server_request->document_root) : FAILURE;
}

/* PHP deactivates once in module startup, when there is no request. */
static int server_deactivate(void)
{
	if (SG(sapi_started) && server_request) {
		server_output_flush();
	}
	return SUCCESS;
}

static void server_flush(void *context)
{
	if (!server_request || server_request->direct) { /* there everything is written at once */
		return;
	}
	if (!SG(headers_sent)) {
		sapi_send_headers();
		SG(headers_sent) = 1;
	}
	if (!server_output_flush() || (!is_forked() && engineFlush() != 0)) {
		php_handle_aborted_connection();
	}
}

/* Passes the head as one block of lines that end in a newline: the llist's memory is PHP's. */
static int server_send_headers(sapi_headers_struct *headers)
{
	zend_llist_element *element;
	size_t size = 0, at = 0;
	char *block;
	int sent;

	if (!server_request || SG(request_info).no_headers || server_discard_head || is_forked()) {
		return SAPI_HEADER_SENT_SUCCESSFULLY;
	}
	for (element = headers->headers.head; element; element = element->next) {
		size += ((sapi_header_struct *)element->data)->header_len + 1;
	}
	block = malloc(size + 1);
	if (!block) {
		return SAPI_HEADER_SEND_FAILED;
	}
	for (element = headers->headers.head; element; element = element->next) {
		sapi_header_struct *header = (sapi_header_struct *)element->data;
		if (header->header_len > 0) {
			memcpy(block + at, header->header, header->header_len);
			at += header->header_len;
			block[at++] = '\n';
		}
	}
	sent = server_write_head(headers->http_response_code, headers->http_status_line, block, at) == 0;
	free(block);
	if (!sent && server_request->direct) {
		php_handle_aborted_connection(); /* as where a body cannot be written */
	}
	return sent ? SAPI_HEADER_SENT_SUCCESSFULLY : SAPI_HEADER_SEND_FAILED;
}

/* Reads from standard input: a CGI program's body. Behind its end there is nothing of the request, and standard input
 * may stay open. */
static size_t read_in(char *buffer, size_t size)
{
	int64_t rest = server_request->content_length - SG(read_post_bytes);
	size_t len = 0;

	if (rest < (int64_t)size) {
		size = rest > 0 ? rest : 0;
	}
	while (len < size) {
		ssize_t got = read(STDIN_FILENO, buffer + len, size - len);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got <= 0) {
			break;
		}
		len += got;
	}
	return len;
}

static size_t server_read_post(char *buffer, size_t size)
{
	size_t len = 0;

	if (server_request && server_request->direct) {
		return read_in(buffer, size);
	}
	while (server_request && server_request->has_body && len < size && !is_forked()) {
		size_t got = engineReadBody(buffer + len, size - len);
		if (got == 0) {
			break;
		}
		len += got;
	}
	return len;
}

static char *server_read_cookies(void)
{
	return server_request ? (char *)server_request->cookie : NULL;
}

static void server_register_variables(zval *variables)
{
	size_t i;

	if (server_request && server_request->environment) {
		php_import_environment_variables(variables);
	}
	for (i = 0; server_request && i < server_request->variables_len; i++) {
		const struct engine_variable *variable = &server_request->variables[i];
		char *value = (char *)variable->value;
		size_t len = variable->value_len;

		if (SAPI_MODULE(input_filter)(PARSE_SERVER, variable->name, &value, len, &len)) {
			php_register_variable_safe((char *)variable->name, value, len, variables);
		}
	}
}

/* How php's development server begins a line of its log. */
static const char *log_date(void)
{
	static char date[64];
	time_t now = time(NULL);
	struct tm local;

	localtime_r(&now, &local);
	return strftime(date, sizeof(date), "[%a %b %e %H:%M:%S %Y] ", &local) > 0 ? date : "";
}

/* Before the Go runtime is up, in module startup, a call of Go would wait for ever. */
static void server_log_message(const char *message, int syslog_type)
{
	if (process_at_exec.go_ready && !is_forked()) {
		engineLog((char *)message, strlen(message), syslog_type);
	} else {
		fprintf(stderr, "%s%s\n", development_server ? log_date() : "", message);
	}
}

static const zend_function_entry cli_server_functions[] = {
	CLI_TITLE_FUNCTIONS
	HEADER_FUNCTIONS
	PHP_FE_END
};

static const zend_function_entry shell_functions[] = {
	DL_FUNCTION
	PHP_FE_END
};

void server_module_init(struct filled_module *module, int with_dl)
{
	proctitle_init();
	development_server = strcmp(module->name, "cli-server") == 0;
	module->ub_write = server_ub_write;
	module->flush = server_flush;
	module->sapi_error = zend_error;
	module->send_headers = server_send_headers;
	module->read_post = server_read_post;
	module->read_cookies = server_read_cookies;
	module->register_server_variables = server_register_variables;
	module->log_message = server_log_message;
	if (strcmp(module->name, "cli-server") == 0) {
		module->additional_functions = cli_server_functions;
	} else {
		module->additional_functions = with_dl ? shell_functions : NULL;
		module->activate = server_activate;
		module->getenv = server_getenv;
		module->deactivate = server_deactivate;
	}
}
