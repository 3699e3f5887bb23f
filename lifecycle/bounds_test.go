package lifecycle_test

import (
	"os/exec"
	"strings"
	"testing"
)

// boundsInC asks for the stack's bounds as the Go runtime does, and asks the C library: in the process that has found them, in one that
// it forked, and in a thread of that.
const boundsInC = `
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "boot_bounds.h"

typedef int getattr(pthread_t, pthread_attr_t *);

static int says(const char *who, getattr *ask)
{
	pthread_attr_t attr;
	void *low = NULL;
	size_t size = 0;

	pthread_attr_init(&attr);
	int result = ask(pthread_self(), &attr) | pthread_attr_getstack(&attr, &low, &size);
	printf("%s %d %p %zu\n", who, result, low, size);
	return pthread_attr_destroy(&attr);
}

static void *compare(void *libc)
{
	says("ours", pthread_getattr_np);
	says("libc", (getattr *)libc);
	fflush(stdout);
	return NULL;
}

int main(void)
{
	void *libc = dlsym(RTLD_NEXT, "pthread_getattr_np");
	pthread_t thread;
	int status;

	compare(libc);
	bounds_find();
	bounds_find();
	compare(libc);
	if (fork() == 0) {
		compare(libc);
		pthread_create(&thread, NULL, compare, libc);
		pthread_join(thread, NULL);
		_exit(0);
	}
	return wait(&status) < 0 || status != 0;
}
`

// What a worker has of its zygote is what the C library would find there.
func TestStackBoundsAreThoseOfTheCLibrary(t *testing.T) {
	program := compileC(t, boundsInC, "-pthread", "boot_bounds.c")
	for _, limit := range []string{"8192", "unlimited"} {
		out, err := exec.Command("sh", "-c", "ulimit -s "+limit+" && exec "+program).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if len(lines) != 8 {
			t.Fatalf("%d lines:\n%s", len(lines), out)
		}
		for i := 0; i < len(lines); i += 2 {
			ours, libc := strings.TrimPrefix(lines[i], "ours "), strings.TrimPrefix(lines[i+1], "libc ")
			if ours != libc || !strings.HasPrefix(ours, "0 0x") {
				t.Errorf("ulimit -s %s: %s, of the C library %s", limit, ours, libc)
			}
		}
	}
}
