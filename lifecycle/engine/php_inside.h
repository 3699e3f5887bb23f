/* The extensions of an engine that is a part of the program. They are in its file. packaging/engine makes the list. */
#ifndef PHPSAPI_INSIDE_H
#define PHPSAPI_INSIDE_H

#include <stdint.h>

#include "php_late.h"

/* A word of the extension's data that is the address of a library's object, and addend. */
struct inside_fixup {
	void **place;
	uint32_t object; /* its place in late_objects */
	int64_t addend;
};

struct inside_extension {
	const char *name; /* that of its file, without .so; NULL ends the list */
	/* By these PHP finds what a loaded extension is. NULL: it has none. */
	const void *get_module, *zend_extension_entry, *extension_version_info;
	const int *libraries; /* places in late_libraries, up to -1 */
	int at_once; /* its libraries have to be opened before any of its code runs: it refers to objects of them, or its startup calls them */
	const struct inside_fixup *fixups; /* up to one without a place */
};

extern const struct inside_extension inside_extensions[] __attribute__((visibility("hidden")));

/* Is to be called before PHP starts: what of a library cannot be had is a fatal error of the request that needs it. */
void inside_begin(void);

/* Returns entries, settings as lines, with lines before them that load all extensions inside whose libraries the machine has. NULL: there
 * is no memory. */
const char *inside_with_extensions(const char *entries);

#endif
