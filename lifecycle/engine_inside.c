/* The engines inside the program: each object that packaging/build-engine made has put a pointer to its struct engine into
 * the section phpsapi_engines. */
#include "engine_load.h"

extern const struct engine *const __start_phpsapi_engines[] __attribute__((weak, visibility("hidden")));
extern const struct engine *const __stop_phpsapi_engines[] __attribute__((weak, visibility("hidden")));

extern const char inside_licenses[] __attribute__((weak)); /* packaging/engine makes it */

const char *engine_licenses(void)
{
	return &inside_licenses ? inside_licenses : "";
}

const struct engine *engine_of_program(void)
{
	const struct engine *e;
	size_t i;

	for (i = 0; (e = engine_inside(i)); i++) {
		if (e->contract == ENGINE_CONTRACT && !e->slots) {
			return e;
		}
	}
	return NULL;
}

const struct engine *engine_inside(size_t i)
{
	return i < (size_t)(__stop_phpsapi_engines - __start_phpsapi_engines) ? __start_phpsapi_engines[i] : NULL;
}
