/* The primary script, for the other files of the engine (php_script.c). */
#ifndef PHPSAPI_SCRIPT_H
#define PHPSAPI_SCRIPT_H

#include <stdio.h>

#include "php.h"

/* The file must be destroyed before php_request_shutdown: its strings live in the request's heap. */
extern struct primary_script {
	zend_file_handle file;
	int is_open;
} primary;

/* Makes a file the script, under the given name. */
void script_open(FILE *file, const char *name);

/* Has PHP skip the script's first line if that begins with #!, unless a setting forbids it. */
void script_skip_shebang(void);

#endif
