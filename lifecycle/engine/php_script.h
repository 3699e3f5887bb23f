/* The primary script, for the other files of the engine (php_script.c). */
#ifndef PHPSAPI_SCRIPT_H
#define PHPSAPI_SCRIPT_H

#include "php.h"

/* Opens a file as it is named; -1 where it cannot be. */
int script_open_file(const char *path);

/* Executes the script. A bailout is the caller's to catch. */
void script_run(void);

const char *script_path(void); /* NULL: none is open */

#endif
