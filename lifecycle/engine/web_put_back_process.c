/*
 * What reset: strict puts back of the process: directory, mask, locale, time zone, random numbers, environment. It is done by PHP's
 * own functions where there are some, so that those who have replaced them, as opcache has chdir(), hear of it.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "php_module.h"
#include "web_put_back.h"

extern char **environ;

/* Calls a function of PHP's and frees the arguments. 0: it is not there, or an exception waits. */
static int call(const char *name, int n, zval *arguments)
{
	zval *found = zend_hash_str_find(CG(function_table), name, strlen(name));
	zval result;
	int i, calls = found && !EG(exception);

	ZVAL_UNDEF(&result);
	if (calls) {
		zend_call_known_function(Z_PTR_P(found), NULL, NULL, &result, n, arguments, NULL);
	}
	zval_ptr_dtor(&result);
	for (i = 0; i < n; i++) {
		zval_ptr_dtor(&arguments[i]);
	}
	return calls;
}

static int equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* ---- directory, mask, locale ---- */

static char *directory, *locale, *ctype;
static mode_t mask;

static void note_place(void)
{
	const char *name;

	directory = getcwd(NULL, 0);
	mask = umask(0);
	umask(mask);
	name = setlocale(LC_ALL, NULL);
	locale = name ? strdup(name) : NULL;
	name = setlocale(LC_CTYPE, NULL);
	ctype = name ? strdup(name) : NULL;
}

static void put_back_directory(void)
{
	char now[MAXPATHLEN];
	zval path;

	if (directory && !(getcwd(now, sizeof(now)) && strcmp(now, directory) == 0)) {
		ZVAL_STRING(&path, directory);
		call("chdir", 1, &path);
	}
}

/* PHP itself has to hear of LC_CTYPE; it takes no name as long as that of all categories together. */
static void put_back_locale(void)
{
	zval arguments[2];

	if (!locale || !ctype || equal(setlocale(LC_ALL, NULL), locale)) {
		return;
	}
	if (!equal(setlocale(LC_CTYPE, NULL), ctype)) {
		ZVAL_LONG(&arguments[0], LC_CTYPE);
		ZVAL_STRING(&arguments[1], ctype);
		call("setlocale", 2, arguments);
	}
	setlocale(LC_ALL, locale);
}

/* ---- time zone and random numbers ---- */

static char *zone; /* that of date_default_timezone_set(); NULL: none */

static zend_date_globals *date_state(void)
{
	zend_module_entry *date = find_extension("date");

	return date && date->globals_size >= sizeof(zend_date_globals) ? date->globals_ptr : NULL;
}

static void note_zone(void)
{
	zend_date_globals *date = date_state();

	zone = date && date->timezone ? strdup(date->timezone) : NULL;
}

static void put_back_zone(void)
{
	zend_date_globals *date = date_state();

	if (!date || equal(date->timezone, zone)) {
		return;
	}
	if (date->timezone) {
		efree(date->timezone);
	}
	date->timezone = zone ? estrdup(zone) : NULL;
}

/* Has mt_rand(), and all that is like it, begin with a new seed. */
static void forget_seeds(void)
{
	zend_module_entry *random = find_extension("random");

	if (random && random->request_startup_func) {
		random->request_startup_func(random->type, random->module_number);
	}
}

/* ---- environment ---- */

static char **variables; /* up to a NULL */
static zval env;         /* $_ENV */

static void note_environment(void)
{
	zval *found = zend_hash_str_find(&EG(symbol_table), ZEND_STRL("_ENV"));
	size_t n = 0;

	while (environ && environ[n]) {
		n++;
	}
	variables = calloc(n + 1, sizeof(*variables));
	while (variables && n-- > 0) {
		variables[n] = strdup(environ[n]);
	}
	ZVAL_UNDEF(&env);
	if (found) {
		ZVAL_COPY_DEREF(&env, found);
	}
}

/* The entry of a variable; NULL: it is not set. */
static const char *entry_of(char **in, const char *entry)
{
	size_t len = strcspn(entry, "=");

	for (; in && *in; in++) {
		if (strncmp(*in, entry, len) == 0 && ((*in)[len] == '=' || (*in)[len] == '\0')) {
			return *in;
		}
	}
	return NULL;
}

static int put_variable(const char *entry, size_t len)
{
	zval text;

	ZVAL_STRINGL(&text, entry, len);
	return call("putenv", 1, &text);
}

/* Puts one variable back. 0: all are as they were, or it cannot be done. */
static int put_back_variable(void)
{
	char **entry;

	for (entry = environ; entry && *entry; entry++) {
		const char *was = entry_of(variables, *entry);
		if (!was) {
			return put_variable(*entry, strcspn(*entry, "="));
		}
		if (strcmp(was, *entry) != 0) {
			return put_variable(was, strlen(was));
		}
	}
	for (entry = variables; *entry; entry++) {
		if (!entry_of(environ, *entry)) {
			return put_variable(*entry, strlen(*entry));
		}
	}
	return 0;
}

static int is_environment_as_it_was(void)
{
	size_t i = 0;

	while (environ && environ[i] && variables[i] && strcmp(environ[i], variables[i]) == 0) {
		i++;
	}
	return !(environ && environ[i]) && !variables[i];
}

static void put_back_environment(void)
{
	zval *found = zend_hash_str_find(&EG(symbol_table), ZEND_STRL("_ENV"));
	int most = 1000; /* a name that putenv() refuses stays */

	if (variables && !is_environment_as_it_was()) {
		while (put_back_variable() && --most > 0) {
		}
	}
	if (Z_TYPE(env) != IS_UNDEF && !(found && Z_TYPE_P(found) == IS_ARRAY && Z_ARR_P(found) == Z_ARR(env))) {
		Z_TRY_ADDREF(env);
		zend_hash_str_update(&EG(symbol_table), ZEND_STRL("_ENV"), &env);
	}
}

static void forget_environment(void)
{
	size_t i;

	for (i = 0; variables && variables[i]; i++) {
		free(variables[i]);
	}
	free(variables);
	variables = NULL;
	zval_ptr_dtor(&env);
	ZVAL_UNDEF(&env);
}

/* ---- all ---- */

void put_back_process_note(void)
{
	note_place();
	note_zone();
	note_environment();
}

void put_back_process(void)
{
	put_back_directory();
	umask(mask);
	put_back_locale();
	put_back_zone();
	forget_seeds();
	put_back_environment();
}

void put_back_process_forget(void)
{
	free(directory);
	free(locale);
	free(ctype);
	free(zone);
	directory = locale = ctype = zone = NULL;
	forget_environment();
}
