/* Memory for what a start without Go finds out (start.h). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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
