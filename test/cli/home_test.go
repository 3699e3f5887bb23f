package cli_test

import (
	"os/exec"
	"strings"
)

// libedit, which is readline here, keeps the interactive shell's history in the home that the system names, and does
// not look at HOME. A script that loads this library before all others (LD_PRELOAD=$own_home) has its $WORK for a home,
// so that nobody's own history is touched.
const ownHome = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pwd.h>
#include <stdlib.h>

static struct passwd *somebody(struct passwd *entry) {
	*entry = (struct passwd){.pw_name = "somebody", .pw_passwd = "", .pw_gecos = "", .pw_dir = getenv("WORK"), .pw_shell = "/bin/sh"};
	return entry;
}

int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **found) {
	*found = somebody(entry);
	return 0;
}

struct passwd *getpwuid(uid_t uid) {
	static struct passwd entry;
	return somebody(&entry);
}

/* PHP loads extensions with RTLD_DEEPBIND: they would find libc's functions first. */
void *dlopen(const char *file, int mode) {
	void *(*next)(const char *, int) = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");
	return next(file, mode & ~RTLD_DEEPBIND);
}
`

// buildOwnHome makes the library.
func buildOwnHome(file string) ([]byte, error) {
	cc := exec.Command("cc", "-shared", "-fPIC", "-o", file, "-x", "c", "-")
	cc.Stdin = strings.NewReader(ownHome)
	return cc.CombinedOutput()
}
