/*
 * The limit of address space (RLIMIT_AS, ulimit -v).
 *
 * Go's runtime reserves address space before main, without using it: some 640 MB without which it aborts with a trace, and
 * then 512 MB without which it does. Under a limit between the two sums it gets both, and nothing is left for the heap
 * and for PHP. libphp, Debian's usual extensions and a small script take 180 MB beside the first part, and a service's opcache
128 MB more. With less, extensions cannot be mapped, PHP crashes and workers die without a reason. What is enough was
measured with Go 1.26 and PHP 8.2.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "addressspace.h"

#define MB (1024UL * 1024)
#define LEAST (870 * MB)         /* a command works from 820 MB on, */
#define LEAST_SERVER (980 * MB)  /* a service from 976 MB on */
#define GAP_BEGINS (1140 * MB)   /* from here on Go takes more than it leaves, */
#define GAP_ENDS (1350 * MB)     /* up to here */

void address_space_check(int server)
{
	char text[256];
	struct rlimit limit;
	unsigned long least = server ? LEAST_SERVER : LEAST;
	int len;

	if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
		(limit.rlim_cur >= least && (limit.rlim_cur < GAP_BEGINS || limit.rlim_cur >= GAP_ENDS))) {
		return;
	}
	len = snprintf(text, sizeof(text),
		"phpsapi: the limit of address space (ulimit -v) is %lu MB, and what Go's runtime reserves leaves too little for PHP: "
		"take the limit away, or set 1000 MB, or 1400 MB and more\n", (unsigned long)limit.rlim_cur / MB);
	if (write(STDERR_FILENO, text, len) < 0) {
		/* there is nobody to tell */
	}
	_exit(EXIT_FAILURE);
}
