/*
 * The limit of address space (RLIMIT_AS, ulimit -v).
 *
 * Go's runtime reserves address space before main, without using it: some 640 MB without which it aborts with a trace, and
 * then 512 MB without which it does. Under a limit between the two sums it gets both, and nothing is left for the heap
 * and for PHP. Below them a command has room: libphp, Debian's usual extensions and a small script take 180 MB. A service
 * does not always: opcache takes 128 MB more, and each thread an arena of malloc's. What is enough was measured with Go
 * 1.26 and PHP 8.2.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "addressspace.h"

#define MB (1024UL * 1024)
#define LEAST (870 * MB)       /* a command works from 820 MB on */
#define GAP_BEGINS (1140 * MB) /* from here on Go takes more than it leaves, */
#define GAP_ENDS (1350 * MB)   /* up to here */

void address_space_check(int server)
{
	const char *advice = server ? "1400 MB or more" : "1000 MB, or 1400 MB or more";
	char text[256];
	struct rlimit limit;
	int len;

	if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= GAP_ENDS ||
		(!server && limit.rlim_cur >= LEAST && limit.rlim_cur < GAP_BEGINS)) {
		return;
	}
	len = snprintf(text, sizeof(text),
		"phpsapi: the limit of address space (ulimit -v) is %lu MB, and what Go's runtime reserves leaves too little for PHP: "
		"take the limit away, or set %s\n", (unsigned long)limit.rlim_cur / MB, advice);
	if (write(STDERR_FILENO, text, len) < 0) {
		/* there is nobody to tell */
	}
	_exit(EXIT_FAILURE);
}
