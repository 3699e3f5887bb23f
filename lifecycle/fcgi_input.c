/* The body of a FastCGI request. Counterpart: sapi/fpm/fpm/fpm_main.c (sapi_cgi_read_post). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fcgi.h"
#include "_cgo_export.h"

/* REQUEST_BODY_FILE: a web server may have stored the body; php-cgi knows nothing of it. */
enum { NOT_OPEN = -1, NEVER = -2 };
static int body_file = NEVER;

void fcgi_begin_body(void)
{
	body_file = NOT_OPEN;
}

void fcgi_close_body_file(void)
{
	if (body_file >= 0) {
		close(body_file);
	}
	body_file = NEVER; /* PHP reads the rest of the body when the request ends */
}

/* 0: it is named and cannot be opened. */
static int open_body_file(void)
{
	const char *name;

	if (body_file != NOT_OPEN || !fcgi_is_fpm) {
		return 1;
	}
	name = fcgi_param("REQUEST_BODY_FILE", strlen("REQUEST_BODY_FILE"));
	if (!name || !*name) {
		return 1;
	}
	body_file = open(name, O_RDONLY | O_CLOEXEC);
	if (body_file < 0) {
		body_file = NOT_OPEN;
		zend_error(E_WARNING, "REQUEST_BODY_FILE: open('%s') failed: %s (%d)", name, strerror(errno), errno);
		return 0;
	}
	return 1;
}

size_t fcgi_read_post(char *buffer, size_t size)
{
	size_t remaining = SG(request_info).content_length - SG(read_post_bytes), len = 0;

	if (size > remaining) {
		size = remaining;
	}
	if (!fcgi_request || is_forked() || (size > 0 && !open_body_file())) {
		return 0;
	}
	while (len < size) {
		ssize_t got = body_file >= 0 ? read(body_file, buffer + len, size - len)
									 : (ssize_t)engineFCGIRead(buffer + len, size - len);
		if (got <= 0) {
			break;
		}
		len += got;
	}
	return len;
}

char *fcgi_read_cookies(void)
{
	return fcgi_request ? (char *)fcgi_request->cookie : NULL;
}
