/*
 * What a request changes of the process and of PHP, and the next one would find in the same worker script: reset: strict puts it
 * back to what it was when the script had booted. Most is put back by PHP's own functions, so that those who have replaced them,
 * as opcache has chdir(), hear of it. What is as it was costs a comparison.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "php_module.h"
#include "web_put_back.h"

extern char **environ;

/* Calls a function of PHP's, if it is there, and frees the arguments. */
static void call(const char *name, int n, zval *arguments)
{
	zval *found = zend_hash_str_find(CG(function_table), name, strlen(name));
	zval result;
	int i;

	ZVAL_UNDEF(&result);
	if (found && !EG(exception)) {
		zend_call_known_function(Z_PTR_P(found), NULL, NULL, &result, n, arguments, NULL);
	}
	zval_ptr_dtor(&result);
	for (i = 0; i < n; i++) {
		zval_ptr_dtor(&arguments[i]);
	}
}

static int equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* ---- settings of php.ini ---- */

/* The values of those that the boot has changed. */
static HashTable settings;

/* Applications set those of sessions once, in whatever request is the first to need one. */
static int is_of_sessions(const zend_ini_entry *entry)
{
	return strncmp(ZSTR_VAL(entry->name), "session.", strlen("session.")) == 0;
}

static void note_settings(void)
{
	zend_ini_entry *entry;

	_zend_hash_init(&settings, 8, ZVAL_PTR_DTOR, 0);
	if (!EG(modified_ini_directives)) {
		return;
	}
	ZEND_HASH_FOREACH_PTR(EG(modified_ini_directives), entry) {
		if (entry->value && !is_of_sessions(entry)) {
			zval value;

			ZVAL_STR_COPY(&value, entry->value);
			zend_hash_update(&settings, entry->name, &value);
		}
	} ZEND_HASH_FOREACH_END();
}

static void put_back_settings(void)
{
	zend_ini_entry *entry;
	zend_string *name;
	zval *value;

	ZEND_HASH_FOREACH_STR_KEY_VAL(&settings, name, value) {
		zval *found = zend_hash_find(EG(ini_directives), name);

		entry = found ? Z_PTR_P(found) : NULL;
		if (entry && !(entry->value && zend_string_equals(entry->value, Z_STR_P(value)))) {
			zend_alter_ini_entry_ex(name, Z_STR_P(value), ZEND_INI_SYSTEM, ZEND_INI_STAGE_DEACTIVATE, 1);
		}
	} ZEND_HASH_FOREACH_END();
	if (!EG(modified_ini_directives)) {
		return;
	}
	ZEND_HASH_FOREACH_PTR(EG(modified_ini_directives), entry) {
		if (!is_of_sessions(entry) && !zend_hash_exists(&settings, entry->name)) {
			zend_restore_ini_entry(entry->name, ZEND_INI_STAGE_DEACTIVATE);
		}
	} ZEND_HASH_FOREACH_END();
	zend_unset_timeout(); /* max_execution_time has begun with the setting */
}

/* ---- error and exception handlers ---- */

static struct handlers {
	zval error, exception; /* those in force */
	int reporting;         /* the errors that the first is for */
	zend_stack errors, reportings, exceptions; /* those before */
} handlers;

static void copy_stack(zend_stack *to, const zend_stack *from, int size, int of_values)
{
	int i;

	zend_stack_init(to, size);
	for (i = 0; i < from->top; i++) {
		char *element = (char *)from->elements + i * size;

		if (of_values) {
			Z_TRY_ADDREF_P((zval *)element);
		}
		zend_stack_push(to, element);
	}
}

static void copy_handlers(struct handlers *to, const struct handlers *from)
{
	ZVAL_COPY(&to->error, &from->error);
	ZVAL_COPY(&to->exception, &from->exception);
	to->reporting = from->reporting;
	copy_stack(&to->errors, &from->errors, sizeof(zval), 1);
	copy_stack(&to->reportings, &from->reportings, sizeof(int), 0);
	copy_stack(&to->exceptions, &from->exceptions, sizeof(zval), 1);
}

static void free_values(zend_stack *stack)
{
	while (!zend_stack_is_empty(stack)) {
		zval *value = zend_stack_top(stack);

		zval_ptr_dtor(value);
		zend_stack_del_top(stack);
	}
	zend_stack_destroy(stack);
}

static void free_handlers(struct handlers *h)
{
	zval_ptr_dtor(&h->error);
	zval_ptr_dtor(&h->exception);
	free_values(&h->errors);
	free_values(&h->exceptions);
	zend_stack_destroy(&h->reportings);
}

/* PHP's, as they are. */
static struct handlers present_handlers(void)
{
	return (struct handlers){
		.error = EG(user_error_handler),
		.exception = EG(user_exception_handler),
		.reporting = EG(user_error_handler_error_reporting),
		.errors = EG(user_error_handlers),
		.reportings = EG(user_error_handlers_error_reporting),
		.exceptions = EG(user_exception_handlers),
	};
}

static int same_value(const zval *a, const zval *b)
{
	return Z_TYPE_P(a) == Z_TYPE_P(b) && (Z_TYPE_P(a) == IS_UNDEF || Z_PTR_P(a) == Z_PTR_P(b));
}

static int same_values(const zend_stack *a, const zend_stack *b)
{
	int i = 0;

	while (i < a->top && i < b->top && same_value((zval *)a->elements + i, (zval *)b->elements + i)) {
		i++;
	}
	return i == a->top && i == b->top;
}

static void put_back_handlers(void)
{
	struct handlers now = present_handlers(), was;

	if (same_value(&now.error, &handlers.error) && same_value(&now.exception, &handlers.exception) &&
		now.reporting == handlers.reporting && same_values(&now.errors, &handlers.errors) &&
		same_values(&now.exceptions, &handlers.exceptions)) {
		return;
	}
	copy_handlers(&was, &handlers);
	EG(user_error_handler) = was.error;
	EG(user_exception_handler) = was.exception;
	EG(user_error_handler_error_reporting) = was.reporting;
	EG(user_error_handlers) = was.errors;
	EG(user_error_handlers_error_reporting) = was.reportings;
	EG(user_exception_handlers) = was.exceptions;
	free_handlers(&now);
}

/* ---- directory, mask, locale ---- */

static char *directory, *locale, *ctype;
static mode_t mask;

static void note_process(void)
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

static void put_back_process(void)
{
	put_back_directory();
	umask(mask);
	put_back_locale();
}

static void forget_process(void)
{
	free(directory);
	free(locale);
	free(ctype);
	directory = locale = ctype = NULL;
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

static void put_variable(const char *entry, size_t len)
{
	zval text;

	ZVAL_STRINGL(&text, entry, len);
	call("putenv", 1, &text);
}

/* Puts one variable back. 0: all are as they were. */
static int put_back_variable(void)
{
	char **entry;

	for (entry = environ; entry && *entry; entry++) {
		const char *was = entry_of(variables, *entry);
		if (!was) {
			put_variable(*entry, strcspn(*entry, "="));
			return 1;
		}
		if (strcmp(was, *entry) != 0) {
			put_variable(was, strlen(was));
			return 1;
		}
	}
	for (entry = variables; *entry; entry++) {
		if (!entry_of(environ, *entry)) {
			put_variable(*entry, strlen(*entry));
			return 1;
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

static int noted;

void put_back_note(void)
{
	struct handlers now = present_handlers();

	note_settings();
	copy_handlers(&handlers, &now);
	note_process();
	note_zone();
	note_environment();
	noted = 1;
}

void put_back(void)
{
	if (!noted) {
		return;
	}
	put_back_settings();
	put_back_handlers();
	put_back_process();
	put_back_zone();
	forget_seeds();
	put_back_environment();
}

void put_back_forget(void)
{
	if (!noted) {
		return;
	}
	noted = 0;
	zend_hash_destroy(&settings);
	free_handlers(&handlers);
	forget_process();
	free(zone);
	zone = NULL;
	forget_environment();
}
