/* Whether libphp fits an engine (engine_fit.c). Nothing of libphp is called. */
#ifndef PHPSAPI_ENGINE_FIT_H
#define PHPSAPI_ENGINE_FIT_H

#include <link.h>
#include <stddef.h>

#include "engine.h"

/* The build id of a libphp, such as API20220829,NTS, or what looks like one; "unknown" if there is nothing like it. */
const char *fit_build_id(const struct link_map *libphp);

/* Compares libphp's structures with what the engine uses of them. Returns 1 if they fit; else detail says what does not:
 * a structure's name, its size and the limit, by spaces. */
int fit_structures(const struct engine *e, const struct link_map *libphp, char *detail, size_t size);

/* The PHP_VERSION that libphp was compiled with, which fits the engine; NULL if it cannot be told. */
const char *fit_version(const struct engine *e, const struct link_map *libphp);

#endif
