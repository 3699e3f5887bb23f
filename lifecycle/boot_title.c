/*
 * The process title: the memory of argv and of the environment behind it, which the kernel shows in
 * /proc/PID/cmdline, is overwritten with the title. Counterpart: sapi/cli/ps_title.c.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"
#include "boot_process.h"
#include "boot_title.h"

extern char **environ;

static char *area;          /* argv[0], the beginning of the memory the kernel shows */
static size_t area_size;    /* bytes, the NUL of the last string left out */
static size_t title_len;

/* Moves the environment's strings out of the memory of the title. The vector that the kernel made points to the copies,
 * too: a worker gets its title before its Go runtime starts, and Go reads the environment there. That vector keeps its
 * length, since the auxiliary vector is looked for after it. */
static int move_environment(void)
{
	char **executed = process_at_exec.argv + process_at_exec.argc + 1;
	static char none[] = "";
	size_t count = 0, i;
	char **copy;

	while (environ[count]) {
		count++;
	}
	copy = malloc((count + 1) * sizeof(*copy));
	if (!copy) {
		return 0;
	}
	for (i = 0; i < count; i++) {
		copy[i] = strdup(environ[i]);
		if (!copy[i]) {
			return 0;
		}
	}
	copy[count] = NULL;
	environ = copy;
	for (i = 0; executed[i]; i++) {
		executed[i] = i < count ? copy[i] : none;
	}
	return 1;
}

int proctitle_init(void)
{
	char *end = NULL;
	int i;

	if (area) {
		return 1;
	}
	for (i = 0; i < process_at_exec.argc; i++) {
		char *arg = process_at_exec.argv[i];
		if (end && arg != end + 1) {
			return 0; /* not contiguous: nobody's kernel does this, but then there is no title */
		}
		end = arg + strlen(arg);
	}
	if (!end) {
		return 0;
	}
	for (i = 0; environ[i]; i++) {
		if (environ[i] == end + 1) {
			end = environ[i] + strlen(environ[i]);
		}
	}
	if (!move_environment()) {
		return 0;
	}
	area = process_at_exec.argv[0];
	area_size = end - area;
	return 1;
}

size_t proctitle_room(void)
{
	return area ? area_size - 1 : 0;
}

int proctitle_set(const char *title, size_t len)
{
	if (!area) {
		return 0;
	}
	title_len = len < proctitle_room() ? len : proctitle_room();
	memcpy(area, title, title_len);
	memset(area + title_len, 0, area_size - title_len);
	return 1;
}

const char *proctitle_get(size_t *len)
{
	*len = title_len;
	return area;
}
