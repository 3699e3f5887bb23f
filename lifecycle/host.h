/*
 * What the engine asks of the program while PHP runs. Where nobody can answer, before the Go runtime is up and in a process
 * that a script forked, each does nothing and returns 0 (host.c).
 */
#ifndef PHPSAPI_HOST_H
#define PHPSAPI_HOST_H

#include <stddef.h>

struct engine_host {
	/* These are for the present request. 0, or -1 if the client is gone. */
	int (*write)(const char *text, size_t len); /* what is in the request's room, and then text */
	int (*flush)(void);
	/* Writes the response's head: flags are those of engine.h, line is the status line that the script gave, or NULL, and
	 * lines are the header lines, each with its line end. */
	int (*head)(int status, const char *line, int flags, const char *lines, size_t len);

	size_t (*read_body)(char *to, size_t size); /* 0 at the body's end */
	void (*finish)(void);                       /* fastcgi_finish_request() */
	int (*status)(void *array);                 /* fills an array (a zval) for fpm_get_status(); 0: it is not known */

	/* Takes a message: level is a number of zlog's, or 0 for one of PHP's own. 0: nobody took it. */
	int (*log)(int level, const char *text, size_t len);
};

extern struct engine_host host;

#endif
