/*
 * What PHP was doing when its process ended by a signal, or by C's exit. The kernel ends such a process; before, the functions that PHP
 * and C are in are written to memory that outlives the process (boot_report.c), a line for each. Nothing that the crash may have damaged is
 * trusted: PHP's structures are read by the kernel (process_vm_readv), to which a bad address is an error, and nothing is allocated.
 *
 *	S signal code address sender  a signal, its si_code, the address of a fault or 0, the process that sent it or 0
 *	E                             C's exit
 *	P name() file:line            a function of PHP, the newest first; a place that is not known is left out
 *	C file name+offset            a function of C, likewise; without a name the offset is in the file
 */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "boot.h"
#include "boot_forks.h"
#include "boot_overdue.h"
#include "boot_report.h"
#include "boot_unwind.h"
#include "engine_load.h"

#define MOST_FRAMES 50
#define ROOM_OF_C 4096

static struct engine_stack_layout layout;
static pid_t owner; /* the process that reports; 0: none does */
static volatile sig_atomic_t reported;

/* A request that takes too long is ended by SIGTERM. */
static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM};
#define DEADLY (sizeof(deadly) / sizeof(*deadly))

static uintptr_t pointer_at(uintptr_t at)
{
	uintptr_t value = 0;

	return at && report_read(&value, at, sizeof(value)) ? value : 0;
}

static uint32_t number_at(uintptr_t at)
{
	uint32_t value = 0;

	return at && report_read(&value, at, sizeof(value)) ? value : 0;
}

static void add_string(uintptr_t string)
{
	if (!string || !report_memory(string + layout.string_text, pointer_at(string + layout.string_len))) {
		report_text("???");
	}
}

/* Adds the place where the newest frame of PHP code from here on is. */
static void add_place(uintptr_t frame)
{
	int i;

	for (i = 0; frame && i < MOST_FRAMES; i++, frame = pointer_at(frame + layout.frame_prev)) {
		uintptr_t function = pointer_at(frame + layout.frame_func);
		if (function && (number_at(function + layout.func_type) & 1) == 0) {
			report_text(" ");
			add_string(pointer_at(function + layout.func_file));
			report_text(":");
			report_number(number_at(pointer_at(frame + layout.frame_opline) + layout.opline_line));
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

		report_text("P ");
		if (name) {
			add_string(name);
			report_text("()");
		} else {
			report_text(function ? "{main}, or a file that is included" : "???");
		}
		add_place(pointer_at(frame + layout.frame_prev) && name ? pointer_at(frame + layout.frame_prev) : frame);
		report_text("\n");
		frame = pointer_at(frame + layout.frame_prev);
	}
}

/* Reports once, if PHP runs. */
static int begins(void)
{
	if (reported || getpid() != owner) {
		return 0;
	}
	reported = 1;
	return pointer_at(layout.current) != 0;
}

static void add_stacks(uintptr_t from)
{
	report_reserve(ROOM_OF_C);
	add_frames();
	report_publish();
	report_all_room();
	unwind_report(from);
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	int sent = info->si_code <= 0 || sig == SIGABRT;

	if (sig == SIGTERM && getpid() == owner) {
		overdue_answer();
	}
	unwind_faulted();
	if (begins()) {
		report_text("S ");
		report_number(sig);
		report_text(info->si_code < 0 ? " -" : " ");
		report_number(info->si_code < 0 ? -(long)info->si_code : info->si_code);
		report_text(" ");
		report_hex(sent ? 0 : (uintptr_t)info->si_addr);
		report_text(" ");
		report_number(sent ? info->si_pid : 0);
		report_text("\n");
		add_stacks(unwind_interrupted(context));
	}
	signal(sig, SIG_DFL); /* what has crashed does it once more, and ends */
	if (sent) {
		raise(sig);
	}
}

static void on_exit_of_c(void)
{
	if (begins()) {
		report_text("E\n");
		add_stacks((uintptr_t)__builtin_return_address(0));
	}
}

void boot_prepare_crash_reports(void)
{
	unwind_prepare();
}

void boot_report_crashes(char *room, size_t size, uint64_t *length)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER}, now;
	size_t i;

	unwind_prepare();
	engine_stack_layout(&layout);
	report_to(room, size, length);
	owner = getpid();
	for (i = 0; i < DEADLY; i++) {
		if (sigaction(deadly[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL) {
			sigaction(deadly[i], &action, NULL);
		}
	}
	atexit(on_exit_of_c);
}

/* A process that a script has forked ends by itself. */
void crash_in_child(void)
{
	struct sigaction now;
	size_t i;

	owner = 0;
	for (i = 0; i < DEADLY; i++) {
		if (sigaction(deadly[i], NULL, &now) == 0 && now.sa_sigaction == on_signal) {
			signal(deadly[i], SIG_DFL);
		}
	}
}
