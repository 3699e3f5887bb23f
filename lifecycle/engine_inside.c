/* The engines inside the program: each object that packaging/build-engine made has put a pointer to its struct engine into
 * the section phpsapi_engines. */
#include "engine_load.h"

extern const struct engine *const __start_phpsapi_engines[] __attribute__((weak, visibility("hidden")));
extern const struct engine *const __stop_phpsapi_engines[] __attribute__((weak, visibility("hidden")));

const struct engine *engine_inside(size_t i)
{
	return i < (size_t)(__stop_phpsapi_engines - __start_phpsapi_engines) ? __start_phpsapi_engines[i] : NULL;
}
