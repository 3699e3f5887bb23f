/* Loads libphp and fills the pointers behind PHP's names. */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "libphp.h"
#include "engine.h"

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

/* The structures whose layout the code compiled here shares with the engine: another PHP, or another build of it,
 * has them in other sizes, and shows it before anything of it was called. */
static const struct {
	const char *name;
	size_t size;
} layouts[] = {
	{"compiler_globals", sizeof(zend_compiler_globals)},
	{"core_globals", sizeof(php_core_globals)},
	{"executor_globals", sizeof(zend_executor_globals)},
	{"sapi_globals", sizeof(sapi_globals_struct)},
	{"sapi_module", sizeof(sapi_module_struct)},
};

const char *engine_header_version(void)
{
	return PHP_VERSION;
}

const char *engine_server_software(void)
{
	return ENGINE_SERVER_SOFTWARE;
}

const char *engine_header_build_id(void)
{
	return ZEND_MODULE_BUILD_ID;
}

/* Finds the build id (API20220829,NTS) among the constants of the object that holds address, for the message about a
 * foreign engine. */
static int find_build_id(struct dl_phdr_info *info, size_t size, void *data)
{
	void **found = data; /* [0] an address in the object, [1] the answer */
	int i;

	for (i = 0; i < info->dlpi_phnum; i++) {
		char *start = (char *)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
		if (info->dlpi_phdr[i].p_type == PT_LOAD && (char *)found[0] >= start &&
			(char *)found[0] < start + info->dlpi_phdr[i].p_memsz) {
			break;
		}
	}
	if (i == info->dlpi_phnum) {
		return 0;
	}
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		char *at = (char *)info->dlpi_addr + segment->p_vaddr, *end = at + segment->p_filesz;

		if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W)) {
			continue;
		}
		while ((at = memmem(at, end - at, "API20", 5)) != NULL && end - at > 16) {
			if (memchr(at, '\0', 32) && (strstr(at, ",NTS") || strstr(at, ",TS"))) {
				found[1] = at;
				return 1;
			}
			at++;
		}
	}
	return 1;
}

enum engine_load_result engine_load(const char *path, char *detail, size_t size)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
	size_t i;

	if (!handle) {
		snprintf(detail, size, "%s", dlerror());
		return ENGINE_NOT_OPENED;
	}
	for (i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		void *address = dlsym(handle, layouts[i].name);
		const ElfW(Sym) *symbol = NULL;
		Dl_info where;

		if (!address && !dlsym(handle, "php_module_startup")) {
			snprintf(detail, size, "%s", layouts[i].name);
			return ENGINE_NOT_PHP;
		}
		if (!address || !dladdr1(address, &where, (void **)&symbol, RTLD_DL_SYMENT) || !symbol ||
			symbol->st_size != layouts[i].size) {
			void *found[2] = {dlsym(handle, "php_module_startup"), NULL};
			dl_iterate_phdr(find_build_id, found);
			snprintf(detail, size, "%s", found[1] ? (char *)found[1] : "unknown build");
			return ENGINE_OTHER_BUILD;
		}
	}
	for (i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		*symbols[i].pointer = dlsym(handle, symbols[i].name);
		if (!*symbols[i].pointer) {
			snprintf(detail, size, "%s", symbols[i].name);
			return ENGINE_NOT_PHP;
		}
	}
	return ENGINE_LOADED;
}

const char *engine_path(void)
{
	Dl_info where;

	return dladdr((void *)p_php_module_startup, &where) ? where.dli_fname : "";
}
