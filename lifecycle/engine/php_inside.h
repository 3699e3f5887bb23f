/* The extensions of an engine that is a part of the program. They are in its file, and are bound to the system's libraries only when
 * php.ini asks for them. packaging/engine makes the list. */
#ifndef PHPSAPI_INSIDE_H
#define PHPSAPI_INSIDE_H

#include <stdint.h>

/* A symbol of a library: its address goes to slot, through which the extension's code refers to it. */
struct inside_symbol {
	const char *name;
	void **slot;
};

/* A word of the extension's data that is the address of a symbol: the one at that place of symbols, and addend. */
struct inside_fixup {
	void **place;
	uint32_t symbol;
	int64_t addend;
};

struct inside_extension {
	const char *name; /* that of its file, without .so; NULL ends the list */
	/* By these PHP finds what a loaded extension is. NULL: it has none. */
	const void *get_module, *zend_extension_entry, *extension_version_info;
	const char *const *libraries; /* names that the loader looks for, up to NULL */
	const struct inside_symbol *symbols; /* up to one without a name */
	const struct inside_fixup *fixups;   /* up to one without a place */
};

extern const struct inside_extension inside_extensions[] __attribute__((visibility("hidden")));

/* Returns entries, settings as lines, with lines before them that load all extensions inside whose libraries the machine has. NULL: there
 * is no memory. */
const char *inside_with_extensions(const char *entries);

#endif
