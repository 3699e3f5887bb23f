/* What a process gives up for good (boot_restrict.c). */
#ifndef PHPSAPI_RESTRICT_H
#define PHPSAPI_RESTRICT_H

#include <stddef.h>

/* Gives all threads of the process, and what they will ever start, no new privileges; the domain of a Landlock ruleset unless that
 * is -1; and a seccomp filter of so many bytes unless that is 0. Returns 0, or an errno and in *what the step that has failed: some
 * threads may be restricted then, and the process must end. */
int boot_restrict(int ruleset, const void *filter, size_t size, const char **what);

/* The same, with the filter as hexadecimal digits, whose memory it uses. It closes the ruleset. */
int boot_restrict_by_digits(int ruleset, char *filter, const char **what);

#endif
