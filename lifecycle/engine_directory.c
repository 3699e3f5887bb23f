/*
 * The process's directory. libphp, its extensions and FFI call the C library by name, and find the executable's functions first:
 * these count the calls, so that the engine knows whether it is where it put the process (engine/web_directory.c).
 */
#include <sys/syscall.h>
#include <unistd.h>

#include "engine_directory.h"

#define EXPORTED __attribute__((visibility("default")))

static unsigned changes;

unsigned directory_changes(void)
{
	return changes;
}

EXPORTED int chdir(const char *path)
{
	changes++;
	return syscall(SYS_chdir, path);
}

EXPORTED int fchdir(int fd)
{
	changes++;
	return syscall(SYS_fchdir, fd);
}
