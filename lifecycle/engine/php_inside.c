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
#include <unistd.h>

#include "php_inside.h"
#include "php.h"

#ifdef ENGINE_INSIDE

void *__real_dlopen(const char *file, int mode);
void *__real_dlsym(void *handle, const char *name);
int __real_dlclose(void *handle);
char *__real_dlerror(void);
void *__wrap_dlopen(const char *file, int mode);
void *__wrap_dlsym(void *handle, const char *name);
int __wrap_dlclose(void *handle);
char *__wrap_dlerror(void);

static char refusal[512]; /* what dlerror says next; empty: what the loader says */

/* The name of a file in a directory; NULL: it is not in that one. */
static const char *name_in(const char *file, const char *directory)
{
	size_t len = strlen(directory);

	if (strncmp(file, directory, len) != 0 || file[len] != '/') {
		return NULL;
	}
	return file + len + strspn(file + len, "/");
}

/* The extension inside that is meant by a file; NULL: none. Those of PHP's own directory of extensions are. If extension_dir is another
 * directory, those that it does not have are. */
static const struct inside_extension *extension_of(const char *file)
{
	const char *name = file ? name_in(file, PHP_EXTENSION_DIR) : NULL, *directory = INI_STR("extension_dir");
	const struct inside_extension *extension;

	if (file && !name && directory && access(file, F_OK) != 0) {
		name = name_in(file, directory);
	}
	for (extension = inside_extensions; name && extension->name; extension++) {
		size_t len = strlen(extension->name);
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

/* Sees to it that the extension's libraries are there when its code calls them. NULL: they are; else why one is not. */
static const char *require_libraries(const struct inside_extension *extension)
{
	const char *wrong = NULL;
	size_t i;

	for (i = 0; extension->libraries[i] >= 0 && !wrong; i++) {
		wrong = extension->at_once ? late_open(extension->libraries[i]) : late_promise(extension->libraries[i]);
	}
	return wrong;
}

#define MOST_EXTENSIONS 64

static void (*info_functions[MOST_EXTENSIONS])(zend_module_entry *module); /* by the place in inside_extensions */

/* Prints an extension's part of phpinfo(), which asks its libraries for their versions; without them, why they cannot be had. */
static void print_info(zend_module_entry *module)
{
	const char *wrong = NULL;
	size_t place = 0, i;

	while (!info_functions[place] || strcasecmp(inside_extensions[place].name, module->name) != 0) {
		place++;
	}
	for (i = 0; inside_extensions[place].libraries[i] >= 0 && !wrong; i++) {
		wrong = late_open(inside_extensions[place].libraries[i]);
	}
	if (!wrong) {
		info_functions[place](module);
		return;
	}
	php_info_print_table_start();
	php_info_print_table_row(2, "Library", wrong);
	php_info_print_table_end();
}

/* Has print_info stand before what the extension prints in phpinfo(). */
static void look_before_info(const struct inside_extension *extension)
{
	zend_module_entry *(*get_module)(void) = (zend_module_entry * (*)(void)) extension->get_module;
	size_t place = extension - inside_extensions;

	if (get_module && extension->libraries[0] >= 0 && place < MOST_EXTENSIONS && !info_functions[place] && get_module()->info_func) {
		info_functions[place] = get_module()->info_func;
		get_module()->info_func = print_info;
	}
}

/* Has the extension refer to its libraries. 0, and refusal: one is not there. */
static int bind_to_libraries(const struct inside_extension *extension)
{
	const struct inside_fixup *fixup;
	const char *wrong = require_libraries(extension);

	if (wrong) {
		snprintf(refusal, sizeof(refusal), "%s", wrong);
		return 0;
	}
	for (fixup = extension->fixups; fixup->place; fixup++) {
		*fixup->place = (char *)*late_object_slots[fixup->object] + fixup->addend;
	}
	look_before_info(extension);
	return 1;
}

/* Reports whether an extension requires one of those that are left out, a list of their names each between two spaces. */
static int requires_one_of(const struct inside_extension *extension, const char *left_out)
{
	zend_module_entry *(*get_module)(void) = (zend_module_entry * (*)(void)) extension->get_module;
	const zend_module_dep *needed = get_module ? get_module()->deps : NULL;

	for (; needed && needed->name; needed++) {
		char name[64];

		snprintf(name, sizeof(name), " %s ", needed->name);
		if (needed->type == MODULE_DEP_REQUIRED && strstr(left_out, name)) {
			return 1;
		}
	}
	return 0;
}

/* Something is called of a library that cannot be had. In a request that is a fatal error of the script; else it returns, and the process
 * ends. */
static void fail_request(const char *reason)
{
	if (php_get_module_initialized() && EG(active) && EG(bailout)) {
		zend_error_noreturn(E_ERROR, "A library that is called here cannot be used: %s", reason);
	}
}

void inside_begin(void)
{
	late_when_missing(fail_request);
}

const char *inside_with_extensions(const char *entries)
{
	char left_out[1024] = " ";
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
		if (require_libraries(extension) || requires_one_of(extension, left_out)) {
			size_t used = strlen(left_out);

			snprintf(left_out + used, sizeof(left_out) - used, "%s ", extension->name);
		} else {
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
		void *opened = __real_dlopen(file, mode);

		if (opened) { /* else dlerror still has to tell why */
			late_look();
		}
		return opened;
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
