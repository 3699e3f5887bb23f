/*
 * The limits of address space (RLIMIT_AS, ulimit -v) and of data (RLIMIT_DATA, ulimit -d).
 *
 * Go's runtime reserves address space before main, without using it: some 640 MB without which it aborts with a trace, and
 * then 512 MB without which it does. Under a limit between the two sums it gets both, and nothing is left for the heap
 * and for PHP. Below them a command has room: libphp, Debian's usual extensions and a small script take 180 MB. With opcache,
 * which php-cgi and all servers have as a rule, it is 128 MB more, and a worker has all of PHP before its Go begins.
 *
 * The limit of data counts what is private and writable: Go's heap and the stacks of threads, 8 MB each as a rule, whatever
 * of them is used. With less than enough Go aborts with a trace, or a thread cannot be made, or PHP crashes.
 * Below 36 MB the kernel ends the process in its execve by SIGSEGV, of which nothing here can tell.
 *
 * What is enough was measured with Go 1.26 and PHP 8.2.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "boot_addressspace.h"

#define MB (1024UL * 1024)
#define LEAST (870 * MB)       /* a command works from 820 MB on */
#define LEAST_DATA (160 * MB)  /* a command works from 113 MB on, a server from 144 MB on */
#define LEAST_WITHOUT_GO (120 * MB)     /* a command works from 112 MB on */
#define LEAST_DATA_WITHOUT_GO (42 * MB) /* a command works from 39 MB on */
#define GAP_BEGINS (1140 * MB) /* from here on Go takes more than it leaves, */
#define GAP_ENDS (1350 * MB)   /* up to here */
#define LEAST_SERVER (1800 * MB) /* some starts of php-fpm fail with 1600 MB: each of its threads has an arena of malloc, and their number differs */

static void refuse(const char *limit, rlim_t is, const char *advice)
{
	char text[256];
	int len = snprintf(text, sizeof(text),
		"phpsapi: the limit of %s is %lu MB, and what Go's runtime reserves leaves too little for PHP: take the limit away, or set %s\n",
		limit, (unsigned long)(is / MB), advice);

	if (write(STDERR_FILENO, text, len) < 0) {
		/* there is nobody to tell */
	}
	_exit(EXIT_FAILURE);
}

static int is_less(int resource, rlim_t least)
{
	struct rlimit limit;

	return getrlimit(resource, &limit) == 0 && limit.rlim_cur < least;
}

int address_space_is_little(void)
{
	return is_less(RLIMIT_AS, LEAST_WITHOUT_GO) || is_less(RLIMIT_DATA, LEAST_DATA_WITHOUT_GO);
}

void address_space_check(int server)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_AS, &limit) == 0) {
		if (server && limit.rlim_cur < LEAST_SERVER) {
			refuse("address space (ulimit -v)", limit.rlim_cur, "1800 MB or more");
		}
		if (limit.rlim_cur < LEAST || (limit.rlim_cur >= GAP_BEGINS && limit.rlim_cur < GAP_ENDS)) {
			refuse("address space (ulimit -v)", limit.rlim_cur, "1000 MB, or 1800 MB or more");
		}
	}
	if (getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur < LEAST_DATA) {
		refuse("data (ulimit -d)", limit.rlim_cur, "160 MB or more");
	}
}
