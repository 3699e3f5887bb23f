/*
 * Where the extensions of an engine are that has PHP in it. They were built with it, and stand in the directory extensions beside
 * its file. Other engines have nothing of this. PHP looks for extensions in extension_dir, and loads them by dlopen: the linker turns its calls to this one
 * (--wrap=dlopen). An extension that was built with the engine is taken in place of one of the same name in the directory that PHP
 * was configured with. All others, and those of another directory, are taken as they are.
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "php.h"

#if defined(ENGINE_WITH_PHP) && !defined(ENGINE_INSIDE)

void *__real_dlopen(const char *file, int mode);
void *__wrap_dlopen(const char *file, int mode);

/* The directory of the extensions that were built with the engine; "" if it cannot be told. */
static const char *own_directory(void)
{
	static char directory[PATH_MAX];
	char file[PATH_MAX];
	Dl_info engine;
	char *slash;

	if (!directory[0] && dladdr((void *)own_directory, &engine) && realpath(engine.dli_fname, file) && (slash = strrchr(file, '/'))) {
		*slash = '\0';
		if (snprintf(directory, sizeof(directory), "%s/extensions", file) >= (int)sizeof(directory)) {
			directory[0] = '\0';
		}
	}
	return directory;
}

/* The file that is meant by one in PHP's directory of extensions: the engine's own, else the same. */
static const char *own_file(const char *file, char own[PATH_MAX])
{
	size_t len = strlen(PHP_EXTENSION_DIR);
	const char *name = file + len;

	if (strncmp(file, PHP_EXTENSION_DIR, len) != 0 || *name != '/') {
		return file;
	}
	name += strspn(name, "/");
	if (strchr(name, '/') || !own_directory()[0] ||
		snprintf(own, PATH_MAX, "%s/%s", own_directory(), name) >= PATH_MAX || access(own, R_OK) != 0) {
		return file;
	}
	return own;
}

void *__wrap_dlopen(const char *file, int mode)
{
	char own[PATH_MAX];

	return __real_dlopen(file ? own_file(file, own) : NULL, mode);
}

#endif
