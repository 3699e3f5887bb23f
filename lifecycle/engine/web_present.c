/* The request that is answered, what is known of it and of its response, and what is said of it to the log. */
#include <stdarg.h>
#include <stdio.h>

#include "web.h"

struct engine_request *web_request;
enum engine_front_end web_front_end;
int web_has_booted;
int web_outlived_error;

void web_log(int level, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	host->log(level, text, strlen(text));
}

const char *engine_web_next_header(void)
{
	zend_llist_element *element = web_request ? web_request->header : NULL; /* none: the request could not begin */
	sapi_header_struct *header;

	if (!element) {
		return NULL;
	}
	web_request->header = element->next;
	header = (sapi_header_struct *)element->data;
	web_request->line_len = header->header_len;
	return header->header;
}

int engine_web_last_error(struct engine_error *error)
{
	if (!PG(last_error_message)) {
		return 0;
	}
	error->fatal = (PG(last_error_type) & E_FATAL_ERRORS) != 0 && !web_outlived_error;
	error->message = ZSTR_VAL(PG(last_error_message));
	error->file = PG(last_error_file) ? ZSTR_VAL(PG(last_error_file)) : "";
	error->line = PG(last_error_lineno);
	return 1;
}

void web_forget_script(void)
{
	if (web_request && web_front_end != ENGINE_CLI_SERVER && SG(request_info).path_translated) {
		efree(SG(request_info).path_translated);
		SG(request_info).path_translated = NULL;
	}
}
