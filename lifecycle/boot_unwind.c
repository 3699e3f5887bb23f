/*
 * The unwinder is the compiler's, which a C++ program has for its exceptions. It follows what the end of the process may have damaged,
 * and may fault, or wait for a lock of the loader's: a fault ends it, and so does a second. What it has found until then is in the
 * report. It is for a process that is about to end: a lock of the loader's may stay taken.
 */
#undef _FORTIFY_SOURCE /* its longjmp knows one stack */
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "boot_report.h"
#include "boot_unwind.h"

#define MOST_FRAMES 40
#define MOST_OWN 8    /* frames between the unwinder and what was interrupted */
#define MOST_SECONDS 1

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

/* What unwind.h of the compiler declares. */
struct _Unwind_Context;
typedef int (*visitor)(struct _Unwind_Context *context, void *argument);
static int (*backtrace_of)(visitor visit, void *argument);
static uintptr_t (*address_of)(struct _Unwind_Context *context, int *before);

static void *program; /* where this program's file begins; its name there is the process's title */

static sigjmp_buf back;
static volatile sig_atomic_t unwinding;
static pid_t thread;

void unwind_prepare(void)
{
	void *library = backtrace_of ? NULL : dlopen("libgcc_s.so.1", RTLD_NOW | RTLD_LOCAL);
	Dl_info info;

	if (dladdr((void *)unwind_prepare, &info)) {
		program = info.dli_fbase;
	}
	if (library) {
		*(void **)&address_of = dlsym(library, "_Unwind_GetIPInfo");
		*(void **)&backtrace_of = address_of ? dlsym(library, "_Unwind_Backtrace") : NULL;
	}
}

void unwind_faulted(void)
{
	if (unwinding && syscall(SYS_gettid) == thread) {
		unwinding = 0;
		siglongjmp(back, 1);
	}
}

static void on_time(int sig)
{
	(void)sig;
	unwind_faulted();
}

uintptr_t unwind_interrupted(void *context)
{
	ucontext_t *c = context;
#if defined(__x86_64__)
	return c->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return c->uc_mcontext.pc;
#else
	(void)c;
	return 0;
#endif
}

struct walk {
	uintptr_t from; /* 0: it was found, or there is none */
	int own, frames;
};

static void add_frame(uintptr_t at)
{
	Dl_info info;
	const char *name;

	report_text("C ");
	if (!dladdr((void *)at, &info) || !info.dli_fname) {
		report_hex(at);
		report_text("\n");
		return;
	}
	name = strrchr(info.dli_fname, '/');
	name = info.dli_fbase == program ? "phpsapi" : name ? name + 1 : info.dli_fname;
	report_memory((uintptr_t)name, strlen(name));
	report_text(" ");
	if (info.dli_sname) {
		report_memory((uintptr_t)info.dli_sname, strlen(info.dli_sname));
	}
	report_text("+");
	report_hex(at - (uintptr_t)(info.dli_sname ? info.dli_saddr : info.dli_fbase));
	report_text("\n");
}

static int visit(struct _Unwind_Context *context, void *argument)
{
	struct walk *w = argument;
	int before = 0;
	uintptr_t at = address_of(context, &before);

	if (w->from) {
		if (at != w->from && ++w->own < MOST_OWN) {
			return 0; /* continue */
		}
		w->from = 0;
	}
	add_frame(before ? at : at - 1); /* a return address may be another function's */
	report_publish();
	return ++w->frames < MOST_FRAMES ? 0 : 4; /* normal stop */
}

void unwind_report(uintptr_t from)
{
	struct sigaction action = {.sa_handler = on_time, .sa_flags = SA_ONSTACK | SA_NODEFER};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
	struct itimerspec limit = {.it_value = {.tv_sec = MOST_SECONDS}};
	struct walk w = {.from = from};
	sigset_t alarm_only;
	int timer; /* the kernel's: the C library's takes memory */

	if (!backtrace_of) {
		return;
	}
	thread = syscall(SYS_gettid);
	event.sigev_notify_thread_id = thread;
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	if (sigaction(SIGALRM, &action, NULL) != 0 || syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) != 0) {
		return;
	}
	if (sigsetjmp(back, 1) == 0) {
		unwinding = 1;
		pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
		syscall(SYS_timer_settime, timer, 0, &limit, NULL);
		backtrace_of(visit, &w);
	}
	unwinding = 0;
	syscall(SYS_timer_delete, timer);
}
