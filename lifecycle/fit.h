/* Whether libphp fits the code compiled here (fit.c). */
#ifndef PHPSAPI_FIT_H
#define PHPSAPI_FIT_H

#include <stddef.h>

#include "engine.h"

/* Compares libphp, as dlopen returned it, with the headers. It calls nothing of it. detail is as engine_load's. */
enum engine_load_result fit(void *libphp, char *detail, size_t size);

/* The PHP_VERSION that libphp was compiled with, where it fits; NULL if it cannot be told. */
const char *fit_version(void *libphp);

#endif
