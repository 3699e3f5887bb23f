/* Whether the process has changed its directory (engine_directory.c). */
#ifndef PHPSAPI_ENGINE_DIRECTORY_H
#define PHPSAPI_ENGINE_DIRECTORY_H

/* How often it has, by chdir(2) or fchdir(2). */
unsigned directory_changes(void);

#endif
