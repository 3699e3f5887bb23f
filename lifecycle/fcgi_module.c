/*
 * The sapi_module_struct of php-fpm, and of php-cgi as a FastCGI server. Counterpart: sapi/fpm/fpm/fpm_main.c,
 * sapi/cgi/cgi_main.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fcgi.h"
#include "module.h"
#include "process.h"
#include "proctitle.h"
#include "_cgo_export.h"

#undef vsnprintf /* PHP has its own, which is not needed here */

struct engine_fcgi_request *fcgi_request;
int fcgi_is_fpm;

/* Before the Go runtime is up, in module startup, a call of Go would wait for ever. */
static void fcgi_log_message(const char *message, int priority)
{
	if (process_at_exec.go_ready && !is_forked()) {
		engineFCGIMessage((char *)message, strlen(message));
	} else {
		fprintf(stderr, "%s\n", message);
	}
}

void fcgi_log(int level, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!is_forked()) {
		engineFCGILog(level, text, strlen(text));
	}
}

static int fcgi_activate(void)
{
	if (!fcgi_request) {
		return FAILURE;
	}
	return user_settings_activate(fcgi_param("SERVER_NAME", strlen("SERVER_NAME")),
		fcgi_param("DOCUMENT_ROOT", strlen("DOCUMENT_ROOT")));
}

void fcgi_module_init(struct filled_module *module)
{
	proctitle_init();
	fcgi_is_fpm = strcmp(module->name, "fpm-fcgi") == 0;
	module->activate = fcgi_activate;
	module->ub_write = fcgi_ub_write;
	module->flush = fcgi_flush;
	module->getenv = fcgi_getenv;
	module->sapi_error = zend_error;
	module->send_headers = fcgi_send_headers;
	module->read_post = fcgi_read_post;
	module->read_cookies = fcgi_read_cookies;
	module->register_server_variables = fcgi_register_variables;
	module->log_message = fcgi_log_message;
}

void engine_fcgi_worker(void)
{
	fcgi_take_environment();
	fcgi_remember_directory();
	/* Zend's deferring of signals is not needed: no handler of ours runs PHP. Without it each request saves seven
	 * system calls. */
	SIGG(reset) = 0;
}
