/* Whether the loader may be given a file (engine_file.c). */
#ifndef PHPSAPI_ENGINE_FILE_H
#define PHPSAPI_ENGINE_FILE_H

#include <stddef.h>

#include "engine_load.h"

/* Returns ENGINE_LOADED if the loader may try the file, ENGINE_NOT_A_FILE or ENGINE_CUT_OFF with its detail, or
 * ENGINE_LOST_END, if not. A name for the loader's search is not looked at. */
enum engine_load_result file_check(const char *path, char *detail, size_t size);

#endif
