/* What a libphp that is loaded calls in the C library's place (replace.c). */
#ifndef PHPSAPI_APACHE_REPLACE_H
#define PHPSAPI_APACHE_REPLACE_H

#include <stddef.h>

/* A function of the C library's, by its name, and what is called in its place. */
struct replacement {
	const char *name;
	void (*function)(void);
};

/* Has the loaded PHP call other functions than the C library's, and returns 1. Extensions in files of their own are left as they are. It
 * returns 0 if PHP does not call one of them in a way that is known, and changes nothing then, or if a page cannot be written, where some may
 * be replaced: the others' callers must be able to do without. */
int apache_replace(const struct replacement *replacements, size_t len);

#endif
