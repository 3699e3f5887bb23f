/* Loads libphp and fills the pointers behind PHP's names. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "libphp.h"
#include "engine.h"
#include "fit.h"

#undef snprintf /* PHP has its own, which is not needed here */

#define X(symbol) __typeof__(symbol) *p_##symbol;
ENGINE_SYMBOLS(X)
#undef X

static const struct {
	const char *name;
	void **pointer;
} symbols[] = {
#define X(symbol) {#symbol, (void **)&p_##symbol},
	ENGINE_SYMBOLS(X)
#undef X
};

const char *engine_header_version(void)
{
	return PHP_VERSION;
}

const char *engine_header_build_id(void)
{
	return ZEND_MODULE_BUILD_ID;
}

static void *libphp;

enum engine_load_result engine_load(const char *path, char *detail, size_t size)
{
	enum engine_load_result result;
	size_t i;

	libphp = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
	if (!libphp) {
		snprintf(detail, size, "%s", dlerror());
		return ENGINE_NOT_OPENED;
	}
	p_php_module_startup = dlsym(libphp, "php_module_startup");
	if (!p_php_module_startup) {
		snprintf(detail, size, "php_module_startup");
		return ENGINE_NOT_PHP;
	}
	result = fit(libphp, detail, size);
	for (i = 0; result == ENGINE_LOADED && i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		*symbols[i].pointer = dlsym(libphp, symbols[i].name);
		if (!*symbols[i].pointer) {
			snprintf(detail, size, "%s", symbols[i].name);
			result = ENGINE_LACKS_SYMBOL;
		}
	}
	return result;
}

const char *engine_path(void)
{
	Dl_info where;

	return dladdr((void *)p_php_module_startup, &where) ? where.dli_fname : "";
}

const char *engine_loaded_version(void)
{
	const char *version = fit_version(libphp);

	return version ? version : "";
}
