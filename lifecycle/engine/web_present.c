/* The request that is answered, and what is said of it to the log. */
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

void web_forget_script(void)
{
	if (web_request && web_front_end != ENGINE_CLI_SERVER && SG(request_info).path_translated) {
		efree(SG(request_info).path_translated);
		SG(request_info).path_translated = NULL;
	}
}
