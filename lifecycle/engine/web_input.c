/* The request's body. Counterpart: sapi/fpm/fpm/fpm_main.c, sapi/cgi/cgi_main.c (sapi_cgi_read_post). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "php_module.h"
#include "web.h"

/* REQUEST_BODY_FILE: a web server may have stored the body; php-cgi knows nothing of it. */
enum { NOT_OPEN = -1, NEVER = -2 };
static int body_file = NEVER;

void web_begin_body(void)
{
	body_file = web_front_end == ENGINE_FPM ? NOT_OPEN : NEVER;
}

void web_end_body(void)
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

	if (body_file != NOT_OPEN) {
		return 1;
	}
	name = web_variable("REQUEST_BODY_FILE");
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

static ssize_t read_some(char *to, size_t size)
{
	if (web_request->direct || body_file >= 0) {
		return read(web_request->direct ? STDIN_FILENO : body_file, to, size);
	}
	return host->read_body(to, size);
}

/* After its end there is nothing of the request, and standard input may stay open. */
size_t web_read_post(char *buffer, size_t size)
{
	int64_t rest = SG(request_info).content_length - SG(read_post_bytes);
	size_t len = 0;

	if (!web_request || (!web_request->direct && is_forked())) {
		return 0;
	}
	if (rest < 0 && web_request->direct) {
		rest = 0;
	}
	if ((size_t)rest < size) {
		size = rest;
	}
	if (size > 0 && !open_body_file()) {
		return 0;
	}
	while (len < size) {
		ssize_t got = read_some(buffer + len, size - len);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got <= 0) {
			break;
		}
		len += got;
	}
	return len;
}

/* ---- where PHP keeps the body ---- */

/* In memory up to this many bytes, and up to this part of memory_limit, as it counts as the script's; the rest is in a file. PHP has a
 * file for what is longer than 16 KB: of a request with a body of a megabyte that is two thirds of the time. Of the front ends only FPM
 * has it in memory. */
enum { IN_MEMORY = 2 << 20, PART_OF_LIMIT = 16 };

int web_takes_body;

/* Whether a stream is for the body: PHP reads that at the request's startup, or if the method is not POST when the script opens
 * php://input. */
static int is_for_body(size_t most)
{
	if (started_module->front_end != ENGINE_FPM || most != SAPI_POST_BLOCK_SIZE) {
		return 0;
	}
	return web_takes_body || (web_request && SG(request_info).content_length > 0 && !SG(request_info).request_body && !is_forked());
}

/* Whether the process may open a file. */
static int may_open(void)
{
	int fd = open("/", O_PATH | O_CLOEXEC);

	if (fd < 0) {
		return errno != EMFILE && errno != ENFILE;
	}
	close(fd);
	return 1;
}

/* Without a file PHP would give the script as much of the body as is in memory, or nothing, and the client would not learn of it. In
 * memory it is whole, or memory_limit ends the script. */
size_t engine_web_body_in_memory(size_t most)
{
	size_t part = PG(memory_limit) > 0 ? PG(memory_limit) / PART_OF_LIMIT : IN_MEMORY, size;

	if (!is_for_body(most)) {
		return most;
	}
	size = part < most ? most : part < IN_MEMORY ? part : IN_MEMORY;
	if (SG(request_info).content_length >= 0 && (size_t)SG(request_info).content_length >= size && !may_open()) {
		size = (size_t)SG(request_info).content_length + 1;
	}
	return size;
}

#ifdef ENGINE_WITH_PHP
php_stream *__real__php_stream_temp_create_ex(int mode, size_t most, const char *directory);
php_stream *__wrap__php_stream_temp_create_ex(int mode, size_t most, const char *directory);

/* The linker turns PHP's calls to this one. */
php_stream *__wrap__php_stream_temp_create_ex(int mode, size_t most, const char *directory)
{
	return __real__php_stream_temp_create_ex(mode, engine_web_body_in_memory(most), directory);
}
#endif

char *web_read_cookies(void)
{
	return web_request ? (char *)web_request->cookie : NULL;
}

/* ---- bodies in worker mode ---- */

/* PHP keeps a body in a stream of its own and frees it with all else at the end of the request, which is the script's. Each
 * open stream of php://input reads from the body that there was when it was opened. */
static struct body {
	php_stream *stream;
	zend_long end; /* resources from this number on are of later requests */
} *bodies;
static size_t bodies_len;

/* Whether php://input is open and reads from a body. */
static int is_read(const struct body *body)
{
	zend_resource *resource;

	ZEND_HASH_FOREACH_PTR(&EG(regular_list), resource) {
		php_stream *stream = resource->type == php_file_le_stream() ? resource->ptr : NULL;

		if (stream && resource->handle > body->stream->res->handle && resource->handle < body->end && strcmp(stream->ops->label, "Input") == 0) {
			return 1;
		}
	} ZEND_HASH_FOREACH_END();
	return 0;
}

void web_free_bodies(void)
{
	php_stream *stream = SG(request_info).request_body;
	size_t i, kept = 0;

	if (stream) {
		SG(request_info).request_body = NULL;
		bodies = safe_erealloc(bodies, bodies_len + 1, sizeof(*bodies), 0);
		bodies[bodies_len++] = (struct body){stream, EG(regular_list).nNextFreeElement};
	}
	for (i = 0; i < bodies_len; i++) {
		if (is_read(&bodies[i])) {
			bodies[kept++] = bodies[i];
		} else {
			php_stream_close(bodies[i].stream);
		}
	}
	bodies_len = kept;
}
