/*
 * Loads extensions that are a part of the program (php_inside.h). PHP loads an extension by dlopen and asks by dlsym what it is. The linker
 * turns its calls to those here (--wrap), which answer for the extensions inside, and pass on everything else.
 *
 * Only engines that are a part of the program have this.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "php_inside.h"
#include "php.h"

#ifdef ENGINE_INSIDE

#define MOST_LIBRARIES 16

void *__real_dlopen(const char *file, int mode);
void *__real_dlsym(void *handle, const char *name);
int __real_dlclose(void *handle);
char *__real_dlerror(void);
void *__wrap_dlopen(const char *file, int mode);
void *__wrap_dlsym(void *handle, const char *name);
int __wrap_dlclose(void *handle);
char *__wrap_dlerror(void);

static char refusal[512]; /* what dlerror says next; empty: what the loader says */

/* The extension inside that is meant by a file in PHP's directory of extensions; NULL: none. */
static const struct inside_extension *extension_of(const char *file)
{
	size_t len = strlen(PHP_EXTENSION_DIR);
	const struct inside_extension *extension;
	const char *name;

	if (!file || strncmp(file, PHP_EXTENSION_DIR, len) != 0 || file[len] != '/') {
		return NULL;
	}
	name = file + len + strspn(file + len, "/");
	for (extension = inside_extensions; extension->name; extension++) {
		len = strlen(extension->name);
		if (strncmp(name, extension->name, len) == 0 && strcmp(name + len, ".so") == 0) {
			return extension;
		}
	}
	return NULL;
}

/* Reports whether a handle is one of those that __wrap_dlopen gives. */
static const struct inside_extension *extension_of_handle(const void *handle)
{
	const struct inside_extension *extension;

	for (extension = inside_extensions; extension->name; extension++) {
		if (extension == handle) {
			return extension;
		}
	}
	return NULL;
}

/* Gives the extension the addresses of what it refers to. 0, and refusal: a library or a symbol is missing. */
static int bind_to_libraries(const struct inside_extension *extension)
{
	void *libraries[MOST_LIBRARIES];
	const struct inside_symbol *symbol;
	const struct inside_fixup *fixup;
	size_t len = 0, i;

	for (; extension->libraries[len]; len++) {
		libraries[len] = len < MOST_LIBRARIES ? __real_dlopen(extension->libraries[len], RTLD_LAZY | RTLD_LOCAL) : NULL;
		if (!libraries[len]) {
			snprintf(refusal, sizeof(refusal), "%s: install the package that has this library", __real_dlerror());
			return 0;
		}
	}
	for (symbol = extension->symbols; symbol->name; symbol++) {
		for (i = 0; i < len && !*symbol->slot; i++) {
			*symbol->slot = __real_dlsym(libraries[i], symbol->name);
		}
		if (!*symbol->slot) {
			snprintf(refusal, sizeof(refusal), "undefined symbol: %s: the library %s is not the one that this program was built with",
				symbol->name, extension->libraries[0]);
			return 0;
		}
	}
	for (fixup = extension->fixups; fixup->place; fixup++) {
		*fixup->place = (char *)*extension->symbols[fixup->symbol].slot + fixup->addend;
	}
	return 1;
}

/* Reports whether the machine has the libraries of an extension. They stay open. */
static int has_libraries(const struct inside_extension *extension)
{
	size_t i;

	for (i = 0; extension->libraries[i]; i++) {
		if (!__real_dlopen(extension->libraries[i], RTLD_LAZY | RTLD_LOCAL)) {
			return 0;
		}
	}
	return 1;
}

const char *inside_with_extensions(const char *entries)
{
	const struct inside_extension *extension;
	size_t len = strlen(entries ? entries : "") + 1;
	char *text, *end;

	for (extension = inside_extensions; extension->name; extension++) {
		len += strlen("zend_extension=\n") + strlen(extension->name);
	}
	text = end = malloc(len);
	if (!text) {
		return NULL;
	}
	for (extension = inside_extensions; extension->name; extension++) {
		if (has_libraries(extension)) {
			end += sprintf(end, "%sextension=%s\n", extension->zend_extension_entry ? "zend_" : "", extension->name);
		}
	}
	strcpy(end, entries ? entries : "");
	return text;
}

void *__wrap_dlopen(const char *file, int mode)
{
	const struct inside_extension *extension = extension_of(file);

	refusal[0] = '\0';
	if (!extension) {
		return __real_dlopen(file, mode);
	}
	return bind_to_libraries(extension) ? (void *)extension : NULL;
}

void *__wrap_dlsym(void *handle, const char *name)
{
	const struct inside_extension *extension = extension_of_handle(handle);

	if (!extension) {
		return __real_dlsym(handle, name);
	}
	if (strcmp(name, "get_module") == 0) {
		return (void *)extension->get_module;
	}
	if (strcmp(name, "zend_extension_entry") == 0) {
		return (void *)extension->zend_extension_entry;
	}
	return strcmp(name, "extension_version_info") == 0 ? (void *)extension->extension_version_info : NULL;
}

int __wrap_dlclose(void *handle)
{
	return extension_of_handle(handle) ? 0 : __real_dlclose(handle);
}

char *__wrap_dlerror(void)
{
	static char said[sizeof(refusal)];

	if (!refusal[0]) {
		return __real_dlerror();
	}
	memcpy(said, refusal, sizeof(said));
	refusal[0] = '\0';
	return said;
}

#endif
