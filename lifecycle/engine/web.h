/*
 * A web server's request (web_*.c): of php-fpm, of php-cgi as a CGI program and as a FastCGI server, of php's development server, and
 * of Apache's module. What differs between them is decided by web_front_end and by what the request says.
 */
#ifndef PHPSAPI_WEB_H
#define PHPSAPI_WEB_H

#include "php.h"
#include "php_leftovers.h"

/* Whether a worker script has booted: what starts now is one of its requests (web_worker_mode.c). */
extern int web_has_booted;

/* Whether the last error that PHP knows is one after which a worker script continued. */
extern int web_outlived_error;

/* The request that is answered, which Go fills (web.go); NULL outside of one. */
extern struct engine_request *web_request;
extern enum engine_front_end web_front_end;

void web_log(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void web_log_message(const char *message, int priority); /* web_log.c: to the log, or standard error */

/* zlog's number */
enum { WEB_LOG_ERROR = 4 };

/* web_request.c */
void web_begin(struct engine_request *r);
void web_tell(void);
void web_add_error_header(void);
size_t web_ub_write(const char *text, size_t len);
void web_flush(void *context);
int web_send_headers(sapi_headers_struct *headers);
/* Sends the headers so far with a 1xx status, and continues. 0: they were not sent. */
int web_send_interim(int status);

/* web_directory.c: the process's directory. Once: it is the worker's; of each request, before its startup, after that, and when its
 * script begins and ends. */
void web_begin_at_home(void);
void web_begin_in_directory(const struct engine_request *r);
void web_open_in_directory(void);
void web_enter_directory_of_script(void);
void web_enter_directory_of(const char *script); /* of one that is not php_script.c's */
void web_leave_directory(void);

/* web_settings.c */
extern struct engine_web_settings web_settings;

/* web_input.c */
extern int web_takes_body; /* the streams that PHP opens are for the body */
size_t web_read_post(char *buffer, size_t size);
char *web_read_cookies(void);
void web_begin_body(void);
void web_end_body(void);
void web_free_bodies(void); /* frees the bodies that nothing reads any more */

/* web_variables.c */
const char *web_variable(const char *name); /* of the request: a FastCGI param, or a CGI program's environment */
char *web_getenv(const char *name, size_t name_len);
void web_register_variables(zval *variables);
/* Makes PHP ask us for the environment. */
void web_take_environment(void);
typedef void web_variable_use(const char *name, unsigned int name_len, char *value, unsigned int value_len, void *to);
void web_each_variable(web_variable_use *use, void *to);

/* web_values.c: php_value and its like */
void web_apply_request_values(void);
void web_restore_request_values(void);

/* web_present.c: frees the path of the request's script, of which the shutdown functions must not know. */
void web_forget_script(void);

/* web_functions.c: the functions that each front end adds to PHP's */
extern const zend_function_entry server_functions[];
extern const zend_function_entry cgi_functions[];
extern const zend_function_entry fpm_functions[];

/* php_stack.c: writes PHP's stack down, if another thread has asked for that. */
void web_write_stack_down(void);

/* web_interrupt.c */
void register_interrupts(void); /* their function, and the class of what they throw */
void web_keep_interrupt(void); /* after a startup: PHP has forgotten what came before */

/* web_log.c */
PHP_FUNCTION(frankenphp_log);
void register_log_levels(int module_number); /* its constants */

/* web_httpd.c and web_httpd_functions.c: Apache's front end */
void httpd_module_init(struct filled_module *module);
extern const zend_function_entry httpd_functions[];
int httpd_register_settings(int module_number);
void httpd_print_info(zend_module_entry *extension);

/* web_worker_mode.c: the function that worker scripts have besides those of php-fpm. */
extern const zend_function_entry worker_functions[];

#endif
