/*
 * The part of the contract that is Apache's alone: what PHP asks httpd for, and what httpd says of a directory. It is a part of
 * engine.h, which has the contract's number.
 *
 * The engine asks by names and texts, so that the other end may be httpd itself, in whose process PHP is, or one to which the
 * questions are sent.
 */
#ifndef PHPSAPI_ENGINE_HTTPD_H
#define PHPSAPI_ENGINE_HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine_request;

/* A setting of a directory: php_value and php_flag, or php_admin_value and php_admin_flag. */
struct engine_httpd_value {
	const char *name, *value;
	size_t name_len, value_len;
	bool admin;    /* it is one that neither .htaccess nor ini_set() may change */
	bool htaccess; /* it is from an .htaccess file */
};

/* The settings of the extension apache2handler, as they are at any time. */
struct engine_httpd_settings {
	bool engine;
	bool xbithack;
	bool last_modified;
	bool child_terminate;
};

/* Lists that httpd has, in httpd's order. */
enum engine_httpd_list {
	ENGINE_HTTPD_ENVIRONMENT,      /* the request's variables, which are $_SERVER */
	ENGINE_HTTPD_REQUEST_HEADERS,
	ENGINE_HTTPD_RESPONSE_HEADERS,
	ENGINE_HTTPD_MODULES,          /* names without values */
	ENGINE_HTTPD_FACTS,            /* what phpinfo() shows of the server */
};

/* Tables of a request's that a script reads and changes. */
enum engine_httpd_table {
	ENGINE_HTTPD_ENV,   /* that of ENGINE_HTTPD_ENVIRONMENT */
	ENGINE_HTTPD_NOTES,
};

/* What a script does to the response's headers. */
enum engine_httpd_change {
	ENGINE_HTTPD_ADD,
	ENGINE_HTTPD_REPLACE,
	ENGINE_HTTPD_REMOVE,     /* by its name */
	ENGINE_HTTPD_REMOVE_ALL,
};

/* What becomes of a request that a script makes to the server itself. */
enum engine_httpd_lookup {
	ENGINE_HTTPD_NO_LOOKUP, /* there was none */
	ENGINE_HTTPD_ERROR,     /* the path leads to an error */
	ENGINE_HTTPD_FOUND,
};

/* How a file is executed. */
enum engine_httpd_script {
	ENGINE_HTTPD_PRIMARY,
	ENGINE_HTTPD_INCLUDED,    /* within another script, by virtual() */
	ENGINE_HTTPD_HIGHLIGHTED, /* its source is shown */
};

/* Takes an entry of a list, which does not live on. A number is text, too. */
typedef void engine_httpd_use(const char *name, const char *value, bool is_number, void *to);

/* What the engine asks of httpd, all of it for the present request. Outside of one, in a script of opcache.preload say, there is nothing of it. */
struct engine_httpd {
	bool is_apart; /* httpd is another process: this one is a zygote, or its child and a worker */
	void (*list)(enum engine_httpd_list which, engine_httpd_use *use, void *to);
	/* top is that request which others were redirected to until the present one. NULL: there is none of that name. */
	const char *(*get)(enum engine_httpd_table table, const char *name, bool top);
	void (*set)(enum engine_httpd_table table, const char *name, const char *value, bool top);
	const char *(*banner)(void);     /* what httpd says of itself; NULL or "": nothing */
	const char *(*path)(void);       /* the path of the request, which is PHP_SELF */
	const char *(*the_request)(void); /* its first line */
	const char *(*user)(void);       /* whom httpd knows the client to be; NULL: it does not */
	double (*time)(void);            /* when it began, in seconds since 1970 */
	void (*header)(enum engine_httpd_change change, const char *name, const char *value);
	/* The response's head is known: line is the status line that the script gave, or NULL. */
	void (*head)(int status, const char *line, const char *content_type);
	void (*status)(int status); /* it may have changed by what follows the head */
	/* Looks where a path of the server's leads, and tells what is known of that. */
	enum engine_httpd_lookup (*lookup)(const char *path, engine_httpd_use *use, void *to);
	/* virtual(): looks where a path leads. What is found is run, and left at last. */
	enum engine_httpd_lookup (*enter)(const char *path, void **request);
	int (*run)(void *request); /* 0: the request was answered */
	void (*leave)(void *request);
	/* At any time; the priority is one of syslog's, or -1. 0: httpd is apart, and knows of no request that this is about. */
	int (*log)(int priority, const char *message);
	void (*end_child)(void); /* the process is to end after the request */
};

/* They are of ENGINE_FUNCTIONS (engine.h). */
#define ENGINE_HTTPD_FUNCTIONS(X) \
	X(const struct engine_httpd_settings *, httpd_settings, (void), ()) \
	/* After the startup: some directory has a php_admin_value of that name. */ \
	X(void, httpd_varies, (const char *setting), (setting)) \
	/* Applies a directory's settings: before the request, or within it, in virtual(). */ \
	X(void, httpd_apply, (const struct engine_httpd_value *values, size_t len), (values, len)) \
	/* Takes them back if no request follows, or only those named if that was in virtual(). */ \
	X(void, httpd_take_back, (void), ()) \
	X(void, httpd_take_these_back, (const struct engine_httpd_value *values, size_t len), (values, len)) \
	/* -1: PHP cannot answer the request; engine_httpd_shutdown is to follow. */ \
	X(int, httpd_startup, (struct engine_request *request), (request)) \
	/* 0: an error has ended it. */ \
	X(int, httpd_execute, (const char *path, enum engine_httpd_script how), (path, how)) \
	X(void, httpd_shutdown, (void), ()) \
	/* Once in a process that was forked to answer requests. */ \
	X(void, httpd_child, (void), ())

#endif
