/* A FastCGI request (fcgi_*.c), and what the front ends php-fpm and php-cgi add to PHP for it. */
#ifndef PHPSAPI_FCGI_H
#define PHPSAPI_FCGI_H

#include "engine.h"
#include "forks.h"
#include "libphp.h"

/* The request in hand, which Go fills (lifecycle/fcgi.go); NULL outside of one. */
extern struct engine_fcgi_request *fcgi_request;

/* Whether the front end is php-fpm, and not php-cgi. */
extern int fcgi_is_fpm;

/* fcgi_output.c */
size_t fcgi_ub_write(const char *text, size_t len);
void fcgi_flush(void *context);
int fcgi_send_headers(sapi_headers_struct *headers);
/* Sends the headers so far with a 1xx status, and goes on. 0: they were not sent. */
int fcgi_send_interim(int status);

/* fcgi_input.c */
size_t fcgi_read_post(char *buffer, size_t size);
char *fcgi_read_cookies(void);
void fcgi_begin_body(void);
void fcgi_close_body_file(void);

/* fcgi_variables.c */
const char *fcgi_param(const char *name, size_t name_len);
char *fcgi_getenv(const char *name, size_t name_len);
void fcgi_register_variables(zval *variables);
/* Makes PHP ask us for the environment. */
void fcgi_take_environment(void);
void fcgi_each_param(void (*use)(const char *name, unsigned int name_len, char *value, unsigned int value_len, void *to),
	void *to);

/* web_settings.c: the settings cgi.*, fastcgi.* and fpm.*; those that the front end has not are 0 */
struct web_settings {
	bool rfc2616_headers;
	bool nph;
	bool force_redirect;
	bool fix_pathinfo;
	bool discard_path;
	bool logging;
	bool check_shebang_line;
	char *redirect_status_env;
	char *error_header;
	char *fpm_config;
};
extern struct web_settings web_settings;

/* fcgi_values.c: php_value and its like */
void fcgi_apply_request_values(void);
void fcgi_restore_request_values(void);

/* fcgi_request.c: once, where the worker's directory is the one to stay in */
void fcgi_remember_directory(void);

/* fcgi_functions.c */
extern const zend_function_entry fpm_functions[];

void fcgi_log(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* zlog's numbers */
enum { FCGI_LOG_DEBUG = 1, FCGI_LOG_NOTICE, FCGI_LOG_WARNING, FCGI_LOG_ERROR };

#endif
