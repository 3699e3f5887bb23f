/*
 * Apache's front end: what PHP and httpd say to each other about a request. httpd has the response's headers from the moment on in which
 * the script sets them, and writes its head by rules of its own. Counterpart: sapi/apache2handler/sapi_apache2.c.
 */
#include <string.h>
#include <strings.h>

#include "php_module.h"
#include "php_script.h"
#include "web.h"

static char *content_type; /* that of the response, if the script has set one */

/* ---- the response ---- */

static size_t write_body(const char *text, size_t len)
{
	if (host->write(text, len) != 0) {
		php_handle_aborted_connection();
	}
	return len;
}

static int take_header(sapi_header_struct *header, sapi_header_op_enum op, sapi_headers_struct *headers)
{
	char *colon, *value;

	switch (op) {
	case SAPI_HEADER_DELETE:
		host->httpd->header(ENGINE_HTTPD_REMOVE, header->header, NULL);
		return 0;
	case SAPI_HEADER_DELETE_ALL:
		host->httpd->header(ENGINE_HTTPD_REMOVE_ALL, NULL, NULL);
		return 0;
	case SAPI_HEADER_ADD:
	case SAPI_HEADER_REPLACE:
		break;
	default:
		return 0;
	}
	colon = strchr(header->header, ':');
	if (!colon) {
		return 0;
	}
	for (value = colon + 1; *value == ' '; value++) {
	}
	*colon = '\0';
	if (strcasecmp(header->header, "content-type") == 0) {
		if (content_type) {
			efree(content_type);
		}
		content_type = estrdup(value);
	} else {
		host->httpd->header(op == SAPI_HEADER_ADD ? ENGINE_HTTPD_ADD : ENGINE_HTTPD_REPLACE, header->header, value);
	}
	*colon = ':';
	return SAPI_HEADER_ADD;
}

static int send_head(sapi_headers_struct *headers)
{
	if (!content_type) {
		content_type = sapi_get_default_content_type();
	}
	host->httpd->head(SG(sapi_headers).http_response_code, SG(sapi_headers).http_status_line, content_type);
	efree(content_type);
	content_type = NULL;
	return SAPI_HEADER_SENT_SUCCESSFULLY;
}

static void flush(void *context)
{
	if (!context) {
		return;
	}
	sapi_send_headers();
	host->httpd->status(SG(sapi_headers).http_response_code);
	SG(headers_sent) = 1;
	if (host->flush() != 0) {
		php_handle_aborted_connection();
	}
}

/* ---- the request ---- */

/* A body may have no length: its end is the chunk that is empty. */
static size_t read_body(char *buffer, size_t size)
{
	return host->read_body(buffer, size);
}

static char *variable(const char *name, size_t name_len)
{
	return web_request ? (char *)host->httpd->get(ENGINE_HTTPD_ENV, name, false) : NULL;
}

static void register_variable(const char *name, const char *value, bool is_number, void *array)
{
	char *text = (char *)value;
	size_t len;

	if (SAPI_MODULE(input_filter)(PARSE_SERVER, name, &text, strlen(text), &len)) {
		php_register_variable_safe(name, text, len, array);
	}
}

static void register_variables(zval *array)
{
	host->httpd->list(ENGINE_HTTPD_ENVIRONMENT, register_variable, array);
	register_variable("PHP_SELF", host->httpd->path(), false, array);
}

static void log_message(const char *message, int priority)
{
	if (!host->httpd->log(priority, message)) {
		web_log_message(message, priority);
	}
}

static zend_result request_time(double *time)
{
	if (!web_request) {
		return FAILURE;
	}
	*time = host->httpd->time();
	return SUCCESS;
}

void httpd_module_init(struct filled_module *module)
{
	module->ub_write = write_body;
	module->flush = flush;
	module->getenv = variable;
	module->sapi_error = zend_error;
	module->header_handler = take_header;
	module->send_headers = send_head;
	module->read_post = read_body;
	module->read_cookies = web_read_cookies;
	module->register_server_variables = register_variables;
	module->log_message = log_message;
	module->get_request_time = request_time;
	web_extension.name = "apache2handler";
	web_extension.functions = httpd_functions;
}

/* ---- the settings of a directory ---- */

static zend_string *name_of(const struct engine_httpd_value *value)
{
	return zend_string_init(value->name, value->name_len, 0);
}

/* Opcache would put the value of a setting that is ZEND_INI_SYSTEM and nothing else into the code that all virtual hosts share. */
static void mark_as_of_some(zend_string *name)
{
	zval *found = zend_hash_find(EG(ini_directives), name);
	zend_ini_entry *entry = found ? Z_PTR_P(found) : NULL;

	if (entry && entry->modifiable == ZEND_INI_SYSTEM) {
		entry->modifiable = INI_SYSTEM_OF_SOME;
	}
}

void engine_httpd_varies(const char *setting)
{
	zend_string *name = zend_string_init(setting, strlen(setting), 0);

	mark_as_of_some(name);
	zend_string_release(name);
}

void engine_httpd_apply(const struct engine_httpd_value *values, size_t len)
{
	size_t i;

	zend_try {
		for (i = 0; i < len; i++) {
			zend_string *name = name_of(&values[i]);

			if (zend_alter_ini_entry_chars(name, values[i].value, values[i].value_len, values[i].admin ? ZEND_INI_SYSTEM : ZEND_INI_PERDIR,
					values[i].htaccess ? ZEND_INI_STAGE_HTACCESS : ZEND_INI_STAGE_ACTIVATE) == SUCCESS && values[i].admin) {
				mark_as_of_some(name);
			}
			zend_string_release(name);
		}
	} zend_end_try();
}

void engine_httpd_take_back(void)
{
	zend_try {
		zend_ini_deactivate();
	} zend_end_try();
}

void engine_httpd_take_these_back(const struct engine_httpd_value *values, size_t len)
{
	size_t i;

	zend_try {
		for (i = 0; i < len; i++) {
			zend_string *name = name_of(&values[i]);

			zend_restore_ini_entry(name, ZEND_INI_STAGE_SHUTDOWN);
			zend_string_release(name);
		}
	} zend_end_try();
}

/* ---- a request, from its startup to its shutdown ---- */

int engine_httpd_startup(struct engine_request *r)
{
	volatile int result = FAILURE;

	content_type = NULL;
	zend_try {
		const char *user = host->httpd->user();

		web_begin(r);
		if (!SG(request_info).auth_user && user) {
			SG(request_info).auth_user = estrdup(user);
		}
		r->auth_user = SG(request_info).auth_user;
		result = php_request_startup();
	} zend_end_try();
	if (result != SUCCESS) {
		return -1;
	}
	host->timer_rests(0);
	return 0;
}

static void highlight(const char *path)
{
	zend_syntax_highlighter_ini colours;

	php_get_highlight_struct(&colours);
	highlight_file(path, &colours);
}

int engine_httpd_execute(const char *path, enum engine_httpd_script how)
{
	zend_execute_data *caller = EG(current_execute_data);
	volatile int ended = 0;
	zend_file_handle file;

	if (how == ENGINE_HTTPD_PRIMARY) {
		web_enter_directory_of(path);
	}
	zend_try {
		if (how == ENGINE_HTTPD_HIGHLIGHTED) {
			highlight(path);
		} else {
			zend_stream_init_filename(&file, path);
			file.primary_script = 1;
			if (how == ENGINE_HTTPD_PRIMARY) {
				php_execute_script(&file);
			} else {
				zend_execute_scripts(ZEND_INCLUDE, NULL, 1, &file);
			}
			zend_destroy_file_handle(&file);
		}
		ended = 1;
	} zend_end_try();
	if (how != ENGINE_HTTPD_PRIMARY) {
		EG(current_execute_data) = caller; /* an error that ended the inner script has forgotten the outer one */
	} else {
		web_leave_directory();
	}
	if (host->httpd->is_apart) {
		end_if_forked();
	}
	web_tell();
	return ended;
}

void engine_httpd_shutdown(void)
{
	host->timer_rests(1);
	zend_try {
		php_request_shutdown(NULL);
	} zend_end_try();
	if (host->httpd->is_apart) {
		end_if_forked_in_shutdown();
		web_request->stale = !leftovers_clear(host->has_forked());
	}
	SG(request_info).request_uri = NULL; /* its memory went with the request's */
	SG(request_info).path_translated = NULL;
	SG(server_context) = NULL;
	web_request = NULL;
	content_type = NULL;
}

/* Zend would put its own handlers before httpd's, which it knows as they were in the parent: the second request of a process would forget
 * what SIGUSR1 is to httpd, and a graceful restart end it in the middle. None of httpd's handlers runs PHP, so that they need no deferring. */
void engine_httpd_child(void)
{
	SIGG(reset) = 0;
	ENGINE_CHILD_INIT();
	if (host->httpd->is_apart) {
		web_begin_at_home();
	}
}
