/*
 * What PHP was doing when its process crashed. The kernel ends such a process with a signal; before, the functions that PHP is in
 * are written to a descriptor. Nothing that the crash may have damaged is trusted: PHP's structures are read by the kernel
 * (process_vm_readv), to which a bad address is an error, and nothing is allocated.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "boot.h"
#include "engine_load.h"

#define MOST_FRAMES 50
#define MOST_NAME 200

static struct engine_stack_layout layout;
static int output = -1;
static char text[8192];
static size_t text_len;

static int read_memory(void *to, uintptr_t at, size_t size)
{
	struct iovec local = {to, size}, remote = {(void *)at, size};

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size;
}

static uintptr_t pointer_at(uintptr_t at)
{
	uintptr_t value = 0;

	return at && read_memory(&value, at, sizeof(value)) ? value : 0;
}

static uint32_t number_at(uintptr_t at)
{
	uint32_t value = 0;

	return at && read_memory(&value, at, sizeof(value)) ? value : 0;
}

static void add(const char *what, size_t len)
{
	size_t i;

	for (i = 0; i < len && text_len < sizeof(text); i++) {
		text[text_len++] = what[i];
	}
}

static void add_text(const char *what)
{
	add(what, strlen(what));
}

static void add_number(unsigned long n)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = '0' + n % 10;
		n /= 10;
	} while (n > 0);
	add(digits + at, sizeof(digits) - at);
}

/* Adds a zend_string, its line ends as dots. */
static void add_string(uintptr_t string)
{
	char name[MOST_NAME];
	size_t len = string ? pointer_at(string + layout.string_len) : 0, i;

	if (len > sizeof(name)) {
		len = sizeof(name);
	}
	if (len == 0 || !read_memory(name, string + layout.string_text, len)) {
		add_text("???");
		return;
	}
	for (i = 0; i < len; i++) {
		if ((unsigned char)name[i] < ' ') {
			name[i] = '.';
		}
	}
	add(name, len);
}

/* Adds the place where the newest frame of PHP code from here on is. */
static void add_place(uintptr_t frame)
{
	int i;

	for (i = 0; frame && i < MOST_FRAMES; i++, frame = pointer_at(frame + layout.frame_prev)) {
		uintptr_t function = pointer_at(frame + layout.frame_func);
		if (function && (number_at(function + layout.func_type) & 1) == 0) {
			add_text(" ");
			add_string(pointer_at(function + layout.func_file));
			add_text(":");
			add_number(number_at(pointer_at(frame + layout.frame_opline) + layout.opline_line));
			return;
		}
	}
}

static void add_frames(void)
{
	uintptr_t frame = pointer_at(layout.current);
	int i;

	for (i = 0; frame && i < MOST_FRAMES; i++) {
		uintptr_t function = pointer_at(frame + layout.frame_func), name = function ? pointer_at(function + layout.func_name) : 0;

		add_text("#");
		add_number(i);
		add_text(" ");
		if (name) {
			add_string(name);
			add_text("()");
		} else {
			add_text(function ? "{main}, or a file that is included" : "???");
		}
		add_place(pointer_at(frame + layout.frame_prev) && name ? pointer_at(frame + layout.frame_prev) : frame);
		add_text("\n");
		frame = pointer_at(frame + layout.frame_prev);
	}
}

static void on_crash(int sig, siginfo_t *info, void *context)
{
	(void)context;
	signal(sig, SIG_DFL); /* what has crashed does it once more, and ends */
	text_len = 0;
	add_text("it crashed while PHP was in\n");
	if (pointer_at(layout.current)) {
		add_frames();
		if (write(output, text, text_len) < 0) {
			/* nobody can be told */
		}
	}
	if (info->si_code <= 0 || sig == SIGABRT) { /* somebody has sent it */
		raise(sig);
	}
}

void boot_tell_crashes(int fd)
{
	static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
	struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER}, now;
	size_t i;

	engine_stack_layout(&layout);
	output = fd;
	for (i = 0; i < sizeof(deadly) / sizeof(*deadly); i++) {
		if (sigaction(deadly[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL) {
			sigaction(deadly[i], &action, NULL);
		}
	}
}
