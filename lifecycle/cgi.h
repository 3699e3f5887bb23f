/*
 * The request of a CGI program: what its environment says of it, which script it is for, how it is answered. It comes by three ways
 * here: in a process that starts without Go (start.c), in one whose options Go has read (cgi/request.go), and in a child of a
 * resident (handover_child.c).
 *
 * FastCGI's requests have the same rules in Go, sapi/scriptpath.go and sapi/head.go, and a test compares them.
 * Counterpart: sapi/cgi/cgi_main.c.
 */
#ifndef PHPSAPI_CGI_H
#define PHPSAPI_CGI_H

#include <stddef.h>

#include "engine.h"

/* ---- cgi_request.c: which script ---- */

struct cgi_rules {
	int fix_pathinfo;     /* cgi.fix_pathinfo */
	int discard_path;     /* cgi.discard_path */
	const char *doc_root; /* doc_root; "" for none */
};

/* Fills in a request by the environment, and sets the variables that tell the script of itself: those that it changes are kept
 * under names that begin with ORIG_. Texts are the environment's, or of memory that nobody frees. */
void cgi_find_script(const struct cgi_rules *rules, struct engine_request *request);

/* ---- cgi_request.c: the answer ---- */

/* What is said if the script cannot be opened: with EACCES, and else. */
#define CGI_DENIED "Access denied.\n"
#define CGI_MISSING "No input file specified.\n"

/* Reports whether a web server has executed this process, and for a request rather than to serve FastCGI on a socket. */
int cgi_is_request(void);

/* Reports whether arguments may be the query string: a web server passes one that has no `=` so (CVE-2012-1823). */
int cgi_arguments_may_be_query(void);

/* Once in a process with a started module: from now on it may answer a request. */
void cgi_begin(void);

/* Reports whether cgi.force_redirect forbids the request, because no redirect of the web server's led here, and if so answers it. */
int cgi_refuses(void);

/* Fills in the request by the started module's settings. */
void cgi_read_request(struct engine_request *request);

/* php-cgi's exit status if it could not do its work. */
enum { CGI_FAILED = 255 };

/* Answers the request, which may be refused. Returns the exit status. */
int cgi_answer(void);

/* ---- cgi_head.c ---- */

/* Returns a response's head, its length in *len, to be freed; NULL if there is no memory. The parameters are those of engine_host's
 * head. */
char *cgi_make_head(int status, const char *line, int flags, const char *lines, size_t lines_len, size_t *len);

#endif
