/*
 * Opens libraries when something of them is called (php_late.h). Only engines that are a part of the program have this. It is an object
 * of its own, in which dlopen is the loader's.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "php_late.h"

#ifdef ENGINE_INSIDE

#define MOST_LIBRARIES 64
#define STATUS_OF_THE_LOADER 127 /* of a program for which it does not find a function */

static struct {
	void *handle;
	int promised;
	int arrived;
	const char *wrong; /* why it is of no use although it is open; NULL: it is sound */
} states[MOST_LIBRARIES];

/* What a stub jumps to the first time: the number of its function is on the stack, above the address where the call returns to. All
 * registers that arguments may be in are kept. */
__asm__(
	".text\n"
	".p2align 4\n"
	".globl late_enter\n"
	".hidden late_enter\n"
	".type late_enter, @function\n"
	"late_enter:\n"
	"	push %rdi\n	push %rsi\n	push %rdx\n	push %rcx\n	push %r8\n	push %r9\n	push %rax\n	push %r10\n"
	"	sub $128, %rsp\n"
	"	movups %xmm0, (%rsp)\n	movups %xmm1, 16(%rsp)\n	movups %xmm2, 32(%rsp)\n	movups %xmm3, 48(%rsp)\n"
	"	movups %xmm4, 64(%rsp)\n	movups %xmm5, 80(%rsp)\n	movups %xmm6, 96(%rsp)\n	movups %xmm7, 112(%rsp)\n"
	"	mov 192(%rsp), %rdi\n"
	"	call late_bind\n"
	"	mov %rax, %r11\n"
	"	movups (%rsp), %xmm0\n	movups 16(%rsp), %xmm1\n	movups 32(%rsp), %xmm2\n	movups 48(%rsp), %xmm3\n"
	"	movups 64(%rsp), %xmm4\n	movups 80(%rsp), %xmm5\n	movups 96(%rsp), %xmm6\n	movups 112(%rsp), %xmm7\n"
	"	add $128, %rsp\n"
	"	pop %r10\n	pop %rax\n	pop %r9\n	pop %r8\n	pop %rcx\n	pop %rdx\n	pop %rsi\n	pop %rdi\n"
	"	add $8, %rsp\n"
	"	jmp *%r11\n"
	".size late_enter, . - late_enter\n");

__attribute__((visibility("hidden"))) void *late_bind(size_t function);

static void (*missing)(const char *reason);

void late_when_missing(void (*function)(const char *reason))
{
	missing = function;
}

static _Noreturn void refuse(const char *reason)
{
	if (missing) {
		missing(reason);
	}
	fprintf(stderr, "phpsapi: %s\n", reason);
	_exit(STATUS_OF_THE_LOADER);
}

static const char *not_the_one(const char *symbol, int library)
{
	static char reason[256];

	snprintf(reason, sizeof(reason), "undefined symbol: %s: the library %s is not the one that this program was built with", symbol,
		late_libraries[library].name);
	return reason;
}

/* Whether calls to a library are answered ahead. */
static int is_ahead(int library)
{
	return late_libraries[library].arrived && !states[library].arrived;
}

/* Binds the functions of a library, and makes the calls that were answered ahead. NULL: done; else why not, and the slots are as before. */
static const char *bind_functions(int library)
{
	size_t count = 0, i;
	const char *wrong = NULL;
	void **before;

	while (late_functions[count].name) {
		count++;
	}
	before = malloc(count * sizeof(*before));
	if (!before) {
		return "there is no memory";
	}
	memcpy(before, late_function_slots, count * sizeof(*before));
	for (i = 0; i < count && !wrong; i++) {
		if (late_functions[i].library == library && !(late_function_slots[i] = dlsym(states[library].handle, late_functions[i].name))) {
			wrong = not_the_one(late_functions[i].name, library);
		}
	}
	if (!wrong) {
		wrong = late_libraries[library].arrived();
	}
	for (i = 0; i < count && wrong; i++) {
		if (late_functions[i].library == library) {
			late_function_slots[i] = before[i];
		}
	}
	free(before);
	return wrong;
}

/* Binds the objects that code refers to, and the functions that were answered ahead; then these calls are made. */
static const char *bind_all(int library)
{
	size_t i;

	for (i = 0; late_objects[i].name; i++) {
		if (late_objects[i].library == library) {
			void *address = dlsym(states[library].handle, late_objects[i].name);

			if (!address) {
				return not_the_one(late_objects[i].name, library);
			}
			*late_object_slots[i] = address;
		}
	}
	return late_libraries[library].arrived ? bind_functions(library) : NULL;
}

/* A library is open: it is bound, once. If that fails the reason is kept, for all calls that follow. */
static const char *arrive(int library)
{
	const char *wrong;

	states[library].arrived = 1;
	wrong = bind_all(library);
	if (wrong) {
		states[library].wrong = strdup(wrong);
		return wrong;
	}
	return NULL;
}

void late_look(void)
{
	int i;

	for (i = 0; late_libraries[i].name; i++) {
		if (is_ahead(i) && (states[i].handle = dlopen(late_libraries[i].name, RTLD_LAZY | RTLD_NOLOAD))) {
			arrive(i); /* if it is of no use, the next call says so */
		}
	}
}

/* Why the loader could not open a library, and what to do. */
static const char *not_opened(int library)
{
	static char reason[512];
	const char *package = late_libraries[library].package;

	if (package) {
		snprintf(reason, sizeof(reason), "%s; install it: apt-get install %s (its name in %s)", dlerror(), package, late_system);
	} else {
		snprintf(reason, sizeof(reason), "%s; install the package that has %s", dlerror(), late_libraries[library].name);
	}
	return reason;
}

const char *late_open(int library)
{
	const char *wrong;

	if (states[library].handle) {
		return states[library].wrong;
	}
	if (!(states[library].handle = dlopen(late_libraries[library].name, RTLD_LAZY | RTLD_LOCAL))) {
		return not_opened(library);
	}
	wrong = states[library].arrived ? NULL : arrive(library);
	late_look(); /* it may have brought others */
	return wrong;
}

void late_require(int library)
{
	const char *wrong = late_open(library);

	if (wrong) {
		refuse(wrong);
	}
}

const char *late_promise(int library)
{
	if (!states[library].handle && access(late_libraries[library].file, R_OK) != 0) {
		return late_open(library);
	}
	states[library].promised = 1;
	return NULL;
}

void late_open_promised(void)
{
	void *address;
	size_t i;

	for (i = 0; late_functions[i].name; i++) {
		int library = late_functions[i].library;

		if (states[library].promised) {
			late_open(library);
		}
		if (states[library].handle && !states[library].wrong && (address = dlsym(states[library].handle, late_functions[i].name))) {
			late_function_slots[i] = address;
		}
	}
}

static int started;

void late_started(void)
{
	started = 1;
}

int late_is_started(void)
{
	return started;
}

void *late_bind(size_t function)
{
	const struct late_symbol *symbol = &late_functions[function];
	void *address;

	late_require(symbol->library);
	if (!(address = dlsym(states[symbol->library].handle, symbol->name))) {
		refuse(not_the_one(symbol->name, symbol->library));
	}
	return late_function_slots[function] = address;
}

#endif
