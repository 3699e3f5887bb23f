/*
 * The engine that is loaded. One of those inside the program is joined with a libphp: the slots behind PHP's names are
 * filled with the addresses of its symbols. A file that has a struct engine of its own needs none: it contains PHP, or is
 * linked to it.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_file.h"
#include "engine_fit.h"
#include "engine_host.h"
#include "engine_load.h"

const struct engine *engine;

static void *object; /* the loaded one, as dlopen returned it */
static const char *path = "";
static const char *php_version = "";

/* Reports whether a file lies below a directory. */
static int is_below(const char *file, const char *directory)
{
	size_t len = strlen(directory);

	return strncmp(file, directory, len) == 0 && file[len] == '/';
}

/* Finds the engine inside that fits a libphp. Of several with its build id it is the one that was made for a PHP of the
 * same prefix, by the longest: /usr is above /usr/local, too. */
static const struct engine *engine_for(const struct link_map *libphp, const char *build)
{
	const struct engine *found = NULL, *e;
	size_t i, longest = 0;

	for (i = 0; (e = engine_inside(i)); i++) {
		size_t len = e->contract == ENGINE_CONTRACT && is_below(libphp->l_name, e->prefix) ? strlen(e->prefix) : 0;
		if (strcmp(e->build_id, build) == 0 && (!found || len > longest)) {
			found = e;
			longest = len;
		}
	}
	return found;
}

/* What is inside, for a message. */
static void list_inside(char *text, size_t size)
{
	const struct engine *e;
	size_t i, len = 0;

	text[0] = '\0';
	for (i = 0; (e = engine_inside(i)) && len < size; i++) {
		len += snprintf(text + len, size - len, "%sPHP %s (%s)", i ? ", " : "", e->php_version, e->build_id);
	}
}

/* Finds the engine for the object: its own, or one inside. */
static enum engine_load_result find_engine(const struct engine **found, char *detail, size_t size)
{
	char inside[512];
	const char *build;

	*found = dlsym(object, "phpsapi_engine");
	if (*found) {
		return ENGINE_LOADED;
	}
	if (!dlsym(object, "php_module_startup")) {
		snprintf(detail, size, "php_module_startup");
		return ENGINE_NOT_PHP;
	}
	build = fit_build_id(object);
	*found = engine_for(object, build);
	if (*found) {
		return ENGINE_LOADED;
	}
	list_inside(inside, sizeof(inside));
	snprintf(detail, size, "%s %s", build, inside);
	return ENGINE_OTHER_BUILD;
}

const struct link_map *engine_object_of_php(void)
{
	void *function = dlsym(object, "php_module_startup");
	struct link_map *map = NULL;
	Dl_info where;

	return function && dladdr1(function, &where, (void **)&map, RTLD_DL_LINKMAP) ? map : NULL;
}

/* Fills the slots behind PHP's names. Returns the name of a symbol that is not there; NULL: all are. */
static const char *fill_slots(const struct engine *e)
{
	const struct engine_slot *slot;

	for (slot = e->slots; slot && slot->name; slot++) {
		*slot->address = dlsym(object, slot->name);
		if (!*slot->address) {
			return slot->name;
		}
	}
	return NULL;
}

static int is_inside(const struct engine *e)
{
	const struct engine *other;
	size_t i;

	for (i = 0; (other = engine_inside(i)) && other != e; i++) {
	}
	return other != NULL;
}

/* Joins an engine with the PHP of the object. */
static enum engine_load_result join(const struct engine *e, char *detail, size_t size)
{
	const struct link_map *php;
	const char *missing;

	if (e->contract != ENGINE_CONTRACT) {
		snprintf(detail, size, "%u %u %s", (unsigned)e->contract, ENGINE_CONTRACT, is_inside(e) ? "inside" : "own");
		return ENGINE_OTHER_CONTRACT;
	}
	if (e == engine_of_program()) {
		php_version = e->php_version;
		return ENGINE_LOADED;
	}
	php = e->slots ? object : engine_object_of_php(); /* the latter reads all symbols: 20 microseconds */
	if (php && !fit_structures(e, php, detail, size)) {
		return ENGINE_OTHER_LAYOUT;
	}
	missing = fill_slots(e);
	if (missing) {
		snprintf(detail, size, "%s", missing);
		return ENGINE_LACKS_SYMBOL;
	}
	php_version = php ? fit_version(e, php) : e->php_version;
	return ENGINE_LOADED;
}

/* Opens what has PHP: the file of that name, or the program itself. */
static enum engine_load_result open_object(const char *name, int binding, char *detail, size_t size)
{
	enum engine_load_result result;
	int is_program = strcmp(name, ENGINE_OF_PROGRAM) == 0 && engine_of_program();

	if (engine_of_program() && !is_program) {
		snprintf(detail, size, "%s", engine_of_program()->php_version);
		return ENGINE_HAS_PHP;
	}
	result = is_program ? ENGINE_LOADED : file_check(name, detail, size);
	if (result != ENGINE_LOADED) {
		return result;
	}
	object = dlopen(is_program ? NULL : name, binding | RTLD_GLOBAL);
	if (!object) {
		snprintf(detail, size, "%s", dlerror());
		return ENGINE_NOT_OPENED;
	}
	return ENGINE_LOADED;
}

enum engine_load_result engine_load(const char *name, int binding, struct engine_refusal *refusal)
{
	const struct engine *found;
	enum engine_load_result result;

	refusal->version = engine_inside(0) ? engine_inside(0)->php_version : "";
	refusal->build_id = "";
	result = open_object(name, binding, refusal->detail, sizeof(refusal->detail));
	if (result != ENGINE_LOADED) {
		return result;
	}
	found = engine_of_program();
	if (!found) {
		result = find_engine(&found, refusal->detail, sizeof(refusal->detail));
	}
	if (result != ENGINE_LOADED) {
		return result;
	}
	refusal->version = found->php_version;
	refusal->build_id = found->build_id;
	result = join(found, refusal->detail, sizeof(refusal->detail));
	if (result == ENGINE_LOADED) {
		engine = found;
		path = found == engine_of_program() ? ENGINE_OF_PROGRAM : ((struct link_map *)object)->l_name;
		engine->attach(&host);
	}
	return result;
}

void engine_unload(void)
{
	if (object) {
		dlclose(object);
	}
	object = NULL;
	engine = NULL;
	path = php_version = "";
}

void *engine_symbol(const char *name)
{
	return dlsym(object, name);
}

int engine_number(const char *version)
{
	char *end;
	long major = strtol(version, &end, 10), minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;

	return major * 1000 + minor;
}

const char *engine_path(void)
{
	return path;
}

const char *engine_loaded_version(void)
{
	return php_version ? php_version : "";
}
