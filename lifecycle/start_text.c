/* What a start without Go makes its texts with (start.h). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "start.h"

void *start_memory(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory) {
		fputs("phpsapi: there is no memory left\n", stderr);
		exit(EXIT_FAILURE);
	}
	return memory;
}

char *start_text(const char *format, ...)
{
	va_list arguments;
	char *text;
	int len;

	va_start(arguments, format);
	len = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	text = start_memory(len + 1);
	va_start(arguments, format);
	vsnprintf(text, len + 1, format, arguments);
	va_end(arguments);
	return text;
}

int start_is_clean(const char *path)
{
	const char *at;

	if (path[0] != '/') {
		return 0;
	}
	for (at = path; *at; at += strcspn(at, "/")) {
		size_t len = strcspn(++at, "/");
		if (len == 0 || (len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.')) {
			return 0;
		}
	}
	return 1;
}
