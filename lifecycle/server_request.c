/* One request of a web server, from its startup to its shutdown. */
#include <string.h>
#include <unistd.h>

#include "module.h"
#include "server.h"

int engine_server_request_startup(const struct engine_request *request)
{
	server_request = request;
	server_output_reset();
	SG(server_context) = (void *)request; /* PHP asks for nothing but that it is there */
	SG(request_info).request_method = request->method;
	SG(request_info).request_uri = (char *)request->uri;
	SG(request_info).query_string = (char *)request->query_string;
	SG(request_info).path_translated = (char *)request->path_translated;
	SG(request_info).content_type = request->content_type;
	SG(request_info).content_length = request->content_length;
	SG(request_info).proto_num = request->protocol;
	SG(request_info).auth_user = SG(request_info).auth_password = SG(request_info).auth_digest = NULL;
	if (request->authorization) {
		php_handle_auth_data(request->authorization);
	}
	SG(request_info).argc = request->argc;
	SG(request_info).argv = request->argv;
	SG(sapi_headers).http_response_code = request->status ? request->status : 200;
	if (php_request_startup() == FAILURE) {
		return -1;
	}
	if (request->no_headers) {
		SG(headers_sent) = 1;
		SG(request_info).no_headers = 1;
	}
	PG(during_request_startup) = request->direct; /* php-cgi's startup ends when the script is opened */
	return 0;
}

void engine_server_execute(const char *path)
{
	zend_file_handle script;

	zend_stream_init_filename(&script, path);
	script.primary_script = 1;
	zend_try {
		php_execute_script(&script);
	} zend_end_try();
	zend_destroy_file_handle(&script);
	end_if_forked();
}

int engine_server_execute_router(const char *path)
{
	zend_file_handle script;
	char directory[MAXPATHLEN];
	volatile int declined = 0;

	if (!getcwd(directory, sizeof(directory))) {
		directory[0] = '\0';
	}
	zend_stream_init_filename(&script, path);
	script.primary_script = 1;
	zend_try {
		zval result;

		/* php_execute_script would do this, but does not give the script's result. */
		if (PG(max_input_time) != -1) {
			zend_set_timeout(zend_ini_long("max_execution_time", strlen("max_execution_time"), 0), 0);
		}
		ZVAL_UNDEF(&result);
		CG(skip_shebang) = 1;
		if (zend_execute_scripts(ZEND_REQUIRE, &result, 1, &script) == SUCCESS && Z_TYPE(result) != IS_UNDEF) {
			declined = Z_TYPE(result) == IS_FALSE;
			zval_ptr_dtor(&result);
		}
	} zend_end_try();
	zend_destroy_file_handle(&script);
	end_if_forked();
	if (directory[0] && chdir(directory) != 0) {
		/* the directory is gone: the next script finds that out itself */
	}
	return declined;
}

void engine_server_no_default_content_type(void)
{
	SG(sapi_headers).send_default_content_type = 0;
}

void engine_server_request_shutdown(int discard_head)
{
	server_discard_head = discard_head;
	if (discard_head) {
		SG(sapi_headers).send_default_content_type = 0;
	}
	php_request_shutdown(NULL);
	server_output_flush();
	end_if_forked_in_shutdown();
	SG(sapi_headers).send_default_content_type = 1;
	SG(server_context) = NULL;
	SG(rfc1867_uploaded_files) = NULL;
	server_discard_head = 0;
	server_request = NULL;
}

int engine_server_response_status(void)
{
	return SG(sapi_headers).http_response_code;
}

void engine_server_set_status(int status)
{
	SG(sapi_headers).http_response_code = status;
}

int engine_last_error(struct engine_error *error)
{
	if (!PG(last_error_message)) {
		return 0;
	}
	error->fatal = (PG(last_error_type) & E_FATAL_ERRORS) != 0;
	error->message = ZSTR_VAL(PG(last_error_message));
	error->file = PG(last_error_file) ? ZSTR_VAL(PG(last_error_file)) : "";
	error->line = PG(last_error_lineno);
	return 1;
}
