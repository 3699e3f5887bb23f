/* The engines inside the program (engine_inside.c), and the loaded one (engine_load.c). */
#ifndef PHPSAPI_ENGINE_LOAD_H
#define PHPSAPI_ENGINE_LOAD_H

#include "engine.h"

/* What engine_load says, and lifecycle/zygote passes on: the numbers are sapi.EngineFailure's. */
enum engine_load_result {
	ENGINE_LOADED = 0,
	ENGINE_NOT_OPENED,     /* dlopen failed; detail is dlerror's text */
	ENGINE_NOT_PHP,        /* neither a libphp nor an engine; detail is the missing symbol */
	ENGINE_OTHER_BUILD,    /* no engine inside is for it; detail is its build id and, after a space, what is inside */
	ENGINE_OTHER_LAYOUT,   /* a structure has another size; detail is its name, its size and the limit, by spaces */
	ENGINE_LACKS_SYMBOL,   /* it has the right build id; detail is the symbol that it lacks */
	ENGINE_OTHER_CONTRACT, /* detail is the engine's number, this program's, and "inside" or "own", by spaces */
	ENGINE_NOT_A_FILE,     /* it is not a regular file; detail is what it is, such as "a pipe" */
	ENGINE_CUT_OFF,        /* detail is the file's length and that by its headers, by a space */
	ENGINE_LOST_END,       /* the file ends in zeros */
	ENGINE_HAS_PHP,        /* the program has PHP inside, whose symbols a second PHP would take for its own */
};

struct engine_refusal {
	/* Of the engine that was tried. If none was, the build id is empty, and the version that of one inside, or empty. */
	const char *version, *build_id;
	char detail[1024];
};

/* Names the engine whose PHP is a part of the program. */
#define ENGINE_OF_PROGRAM "inside"

/* Loads what path names, a file or a name for the loader's search: a libphp, which the engine inside that fits it serves, or
 * an engine that needs none. binding is RTLD_NOW or, for a process that ends soon and does not fork, RTLD_LAZY: libraries that leave
 * it open look up a function when it is called first. */
enum engine_load_result engine_load(const char *path, int binding, struct engine_refusal *refusal);

/* Gives up what was loaded, after the module's shutdown, so that it may be loaded again. The loader keeps it if something holds it. */
void engine_unload(void);

/* The engine that was loaded; NULL before. */
extern const struct engine *engine;

const char *engine_path(void);           /* the file it came from; "" before */
const char *engine_loaded_version(void); /* PHP_VERSION of the loaded PHP, started or not; "" if it cannot be told */

/* MAJOR.MINOR of a version, such as 8.2.36, as a number that orders them: 8002. */
int engine_number(const char *version);

/* The object that has PHP: a libphp, or an engine that contains one or is linked to one. NULL: it does not show it. */
struct link_map;
const struct link_map *engine_object_of_php(void);

/* A symbol of the loaded PHP's; NULL if it has none of that name. */
void *engine_symbol(const char *name);

/* The engines that were linked into the program; NULL past the last. Of one with another contract no more may be read than
 * what all contracts begin with. */
const struct engine *engine_inside(size_t i);

/* The licences of the PHP that is a part of the program, as text; "" if it has none. */
const char *engine_licenses(void);

/* The one of them that has PHP in it, as make single has it; NULL: the program has no PHP. */
const struct engine *engine_of_program(void);

/* The functions of the loaded engine, under the names that they have in it. */
#define X(type, name, parameters, arguments) \
	static inline type engine_##name parameters \
	{ \
		return engine->name arguments; \
	}
ENGINE_FUNCTIONS(X)
#undef X

#endif
