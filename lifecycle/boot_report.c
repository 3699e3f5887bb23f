/*
 * The memory is shared with the process that reads the report, which finds there what was published when this one died. Nothing is
 * allocated, no lock is taken, and no call of the C library is made that a signal handler must not make.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "boot_report.h"

#define MOST_TEXT 200 /* of report_memory */

static char *room;
static size_t room_size, limit, used;
static uint64_t *told;

void report_to(char *to, size_t size, uint64_t *length)
{
	room = to;
	room_size = limit = size;
	used = 0;
	told = length;
}

void report_reserve(size_t size)
{
	limit = size < room_size ? room_size - size : 0;
}

void report_all_room(void)
{
	limit = room_size;
}

static void add(const char *what, size_t len)
{
	size_t i;

	for (i = 0; i < len && used < limit; i++) {
		room[used++] = what[i];
	}
}

void report_text(const char *text)
{
	add(text, strlen(text));
}

static void add_number(unsigned long n, unsigned base)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n > 0);
	add(digits + at, sizeof(digits) - at);
}

void report_number(unsigned long n)
{
	add_number(n, 10);
}

void report_hex(uintptr_t n)
{
	add("0x", 2);
	add_number(n, 16);
}

int report_memory(uintptr_t at, size_t len)
{
	char text[MOST_TEXT];
	size_t i;

	if (len > sizeof(text)) {
		len = sizeof(text);
	}
	if (len == 0 || !report_read(text, at, len)) {
		return 0;
	}
	for (i = 0; i < len; i++) {
		if ((unsigned char)text[i] < ' ') {
			text[i] = '.';
		}
	}
	add(text, len);
	return 1;
}

void report_publish(void)
{
	__atomic_store_n(told, used, __ATOMIC_RELEASE);
}

/* Whether memory may be read, by the kernel: a call that reads eight bytes and then refuses what it is to do with them. */
static int is_readable(uintptr_t at, size_t size)
{
	const uintptr_t page = 4096; /* the least that there is */
	const int no_action = -1;
	uintptr_t last = at + size - 1, next;

	if (last < at) {
		return 0;
	}
	for (next = at;; next = (next / page + 1) * page) {
		if (syscall(SYS_rt_sigprocmask, no_action, next & ~(uintptr_t)7, NULL, 8) == -1 && errno == EFAULT) {
			return 0;
		}
		if (next / page == last / page) {
			return 1;
		}
	}
}

int report_read(void *to, uintptr_t at, size_t size)
{
	struct iovec local = {to, size}, remote = {(void *)at, size};
	int before = errno, read = process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size;

	/* A sandbox refuses the call, and so do some containers. */
	if (!read && size && (errno == EPERM || errno == ENOSYS) && is_readable(at, size)) {
		memcpy(to, (const void *)at, size);
		read = 1;
	}
	errno = before;
	return read;
}
