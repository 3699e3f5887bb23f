/*
 * What a request changes of PHP and of the process, and the next one would find in the same worker script: reset: strict puts it
 * back to what it was when the script had booted. What is as it was costs a comparison. Here are PHP's settings and handlers.
 */
#include <string.h>

#include "php_module.h"
#include "web_put_back.h"

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
	zend_unset_timeout(); /* max_execution_time counts from the setting on */
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

/* ---- all ---- */

static int noted;

void put_back_note(void)
{
	struct handlers now = present_handlers();

	note_settings();
	copy_handlers(&handlers, &now);
	put_back_process_note();
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
}

void put_back_forget(void)
{
	if (!noted) {
		return;
	}
	noted = 0;
	zend_hash_destroy(&settings);
	free_handlers(&handlers);
	put_back_process_forget();
}
