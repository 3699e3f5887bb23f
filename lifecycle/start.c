/* Whether this process starts without Go (start.h). */
#include <stdlib.h>
#include <string.h>

#include "boot_addressspace.h"
#include "start.h"

/* Reports whether the environment asks for Go: to compare both ways, by settings of Go's runtime, or because the process is one
 * of a service's. */
static int is_for_go(void)
{
	const char *start = getenv("PHPSAPI_START");

	return (start && strcmp(start, "go") == 0) || getenv("GODEBUG") || getenv("PHPSAPI_ZYGOTE") || getenv("PHPSAPI_FPM_FRONT");
}

void start_without_go(int argc, char **argv)
{
	struct start_call call;

	if (is_for_go() || address_space_is_little()) {
		return; /* if it is little, Go's way says so */
	}
	if (!start_program(argc, argv, &call)) {
		return;
	}
	if (call.cgi) {
		start_cgi(&call);
	} else {
		start_cli(&call);
	}
}
