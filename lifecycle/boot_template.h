/* The process in which an application is booted once, to be forked (boot_template.c). */
#ifndef PHPSAPI_TEMPLATE_H
#define PHPSAPI_TEMPLATE_H

#include <stddef.h>

#include "engine.h"

#define TEMPLATE_FACTS 8 /* that say why an application was not booted, at most */

/* What the zygote does for it. */
struct template_parent {
	void (*serve)(void);                         /* says that the application has been booted, and forks; returns in a worker */
	/* Says why it has not been, by facts up to NULL that the parent makes a sentence of, and ends the process. */
	void (*fail)(char letter, const char *const *facts);
};

/* Boots the worker script that a packet of this length describes. Returns only in a worker that was forked within the script;
 * otherwise the process ends. */
void template_open(const struct template_parent *parent, const char *packet, size_t len);

/* Whether the calling code is a script's in such a process, or in a worker that was forked within it and has not asked since. */
int template_is_open(void);

/* In such a process: the next request to warm up with; after the last the workers are forked, each of which this returns in,
 * with NULL, when the Go runtime is there. */
struct engine_request *template_next_request(void);
/* Takes what the script prints. */
void template_write(const char *text, size_t len);
/* The request to warm up with has been answered. */
void template_request_done(void);

#endif
