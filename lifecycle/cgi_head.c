/*
 * How a CGI program writes a response's head (RFC 3875, section 6): a Status line if the status is not 200, the script's lines, an
 * empty line. A status of 304 has no Content-Type. Counterpart: sapi_cgi_send_headers in sapi/cgi/cgi_main.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cgi.h"

/* How many bytes of a status line are written: PHP's buffer is 1024 with a NUL. */
#define MAX_STATUS_LINE 1023

/* The phrase PHP has for a status (main/http_status_codes.h); "" if it has none. */
static const char *phrase(long status)
{
	static const struct {
		int status;
		const char *phrase;
	} known[] = {
		{100, "Continue"},
		{101, "Switching Protocols"},
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{203, "Non-Authoritative Information"},
		{204, "No Content"},
		{205, "Reset Content"},
		{206, "Partial Content"},
		{300, "Multiple Choices"},
		{301, "Moved Permanently"},
		{302, "Found"},
		{303, "See Other"},
		{304, "Not Modified"},
		{305, "Use Proxy"},
		{307, "Temporary Redirect"},
		{308, "Permanent Redirect"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{402, "Payment Required"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{407, "Proxy Authentication Required"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{410, "Gone"},
		{411, "Length Required"},
		{412, "Precondition Failed"},
		{413, "Request Entity Too Large"},
		{414, "Request-URI Too Long"},
		{415, "Unsupported Media Type"},
		{416, "Requested Range Not Satisfiable"},
		{417, "Expectation Failed"},
		{426, "Upgrade Required"},
		{428, "Precondition Required"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{451, "Unavailable For Legal Reasons"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
		{506, "Variant Also Negotiates"},
		{511, "Network Authentication Required"},
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (known[i].status == status) {
			return known[i].phrase;
		}
	}
	return "";
}

/* Header lines, each with its line end. */
struct lines {
	const char *at, *end;
};

/* The next line and its length, without the line end; NULL: that was the last. */
static const char *next_line(struct lines *lines, size_t *len)
{
	const char *line = lines->at, *end;

	if (line == lines->end) {
		return NULL;
	}
	end = memmem(line, lines->end - line, "\r\n", 2);
	lines->at = end ? end + 2 : lines->end;
	*len = (end ? end : lines->end) - line;
	return line;
}

/* Reports whether a line is the header of that name, which ends in a colon, and has a value. */
static int is_header(const char *line, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	return len > name_len && strncasecmp(line, name, name_len) == 0;
}

static int has_status(struct lines lines)
{
	const char *line;
	size_t len;

	while ((line = next_line(&lines, &len))) {
		if (is_header(line, len, "Status:")) {
			return 1;
		}
	}
	return 0;
}

/* Writes the line that goes first, and puts the status that follows from it in *status. Returns its length; 0 if there is none,
 * because a header of the script's own is the status. */
static size_t write_status_line(char to[MAX_STATUS_LINE + 1], const char *line, int flags, struct lines lines, long *status)
{
	const char *space = line ? strchr(line, ' ') : NULL;
	int len;

	if ((flags & ENGINE_HEAD_RFC2616) && line && *line) {
		len = snprintf(to, MAX_STATUS_LINE + 1, "%s", line);
		*status = space ? strtol(space + 1, NULL, 10) : *status;
	} else if (space && space - line >= 5 && strncasecmp(line, "HTTP/", 5) == 0) {
		len = snprintf(to, MAX_STATUS_LINE + 1, "Status: %s", space + 1);
		*status = strtol(space + 1, NULL, 10);
	} else if (has_status(lines)) {
		return 0;
	} else {
		const char *text = phrase(*status);
		len = snprintf(to, MAX_STATUS_LINE + 1, "Status: %ld%s%s", *status, *text ? " " : "", text);
	}
	return len > MAX_STATUS_LINE ? MAX_STATUS_LINE : len;
}

char *cgi_make_head(int status, const char *line, int flags, const char *lines, size_t lines_len, size_t *len)
{
	struct lines rest = {lines, lines + lines_len};
	char *head = malloc(MAX_STATUS_LINE + 1 + 2 + lines_len + 2 + 2), *at = head;
	const char *header;
	long known = status; /* by the status line, if there is one */
	int status_done = 0;
	size_t header_len;

	if (!head) {
		return NULL;
	}
	if ((flags & ENGINE_HEAD_NPH) || status != 200) {
		at += write_status_line(head, line, flags, rest, &known);
		status_done = at > head;
		at = status_done ? mempcpy(at, "\r\n", 2) : at;
	}
	while ((header = next_line(&rest, &header_len))) {
		if (is_header(header, header_len, "Status:")) {
			if (status_done) {
				continue;
			}
			status_done = 1;
		} else if (known == 304 && is_header(header, header_len, "Content-Type:")) {
			continue;
		}
		at = mempcpy(mempcpy(at, header, header_len), "\r\n", 2);
	}
	at = mempcpy(at, "\r\n", 2);
	*len = at - head;
	return head;
}
