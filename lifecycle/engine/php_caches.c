/*
 * What opcache and APCu tell of themselves, for an operator. It is asked for between two requests: by their functions, which are called as
 * PHP calls them, but without PHP's executor, which does not run then. No script can tell that they were called: they print nothing, and no
 * error of theirs is remembered or shown.
 */
#include <string.h>

#include "php_module.h"

/* A function of an extension's, which may be in disable_functions. */
struct cache_function {
	zend_internal_function function;
	int looked_for;
};

static struct cache_function get_status, reset, cache_info, sma_info;

/* Returns the handler of a function that an extension has brought; NULL: there is none. */
static zif_handler handler_of(const char *extension, const char *name)
{
	const zend_module_entry *module = find_extension(extension);
	const zend_function_entry *entry;

	for (entry = module ? module->functions : NULL; entry && entry->fname; entry++) {
		if (strcmp(entry->fname, name) == 0) {
			return entry->handler;
		}
	}
	return NULL;
}

/* Reports whether there is such a function. Its name is for PHP's messages. */
static int find(struct cache_function *f, const char *extension, const char *name)
{
	if (!f->looked_for) {
		f->looked_for = 1;
		f->function.type = ZEND_INTERNAL_FUNCTION;
		f->function.function_name = zend_string_init(name, strlen(name), 1);
		f->function.handler = handler_of(extension, name);
	}
	return f->function.handler != NULL;
}

/* Takes PHP's errors, and forgets them. One that ends a script ends the call. */
static void forget_error(int type, zend_string *file, const uint32_t line, zend_string *message)
{
	if (type & E_FATAL_ERRORS) {
		zend_bailout();
	}
}

/* Calls a function. argument: a bool; -1: none. What it returns is for the caller to free. */
static void call(struct cache_function *f, int argument, zval *result)
{
	zval room[ZEND_CALL_FRAME_SLOT + 1], handler;
	zend_execute_data *frame = (zend_execute_data *)room, *before = EG(current_execute_data);
	void (*on_error)(int, zend_string *, const uint32_t, zend_string *) = zend_error_cb;

	memset(room, 0, sizeof(room));
	frame->func = (zend_function *)&f->function;
	frame->prev_execute_data = before;
	frame->return_value = result;
	if (argument >= 0) {
		ZEND_CALL_NUM_ARGS(frame) = 1;
		ZVAL_BOOL(ZEND_CALL_ARG(frame, 1), argument);
	}
	ZVAL_NULL(result);
	ZVAL_COPY_VALUE(&handler, &EG(user_error_handler));
	ZVAL_UNDEF(&EG(user_error_handler));
	zend_error_cb = forget_error;
	zend_try {
		EG(current_execute_data) = frame;
		f->function.handler(frame, result);
	} zend_end_try();
	EG(current_execute_data) = before;
	zend_error_cb = on_error;
	ZVAL_COPY_VALUE(&EG(user_error_handler), &handler);
}

/* Calls a function of opcache. It heeds opcache.restrict_api by the path of the request's script, which has to begin with that: what an
 * operator asks for is none of a script's. */
static void call_opcache(struct cache_function *f, int argument, zval *result)
{
	char *const script = SG(request_info).path_translated, *allowed = zend_ini_string(ZEND_STRL("opcache.restrict_api"), 0);

	if (allowed && *allowed) {
		SG(request_info).path_translated = allowed;
	}
	call(f, argument, result);
	SG(request_info).path_translated = script;
}

/* A figure of an array's, or of the array that it has under a name; 0: it has none. */
static int64_t figure(zval *array, const char *part, const char *name)
{
	zval *found = array;

	if (part && Z_TYPE_P(found) == IS_ARRAY) {
		found = zend_hash_str_find(Z_ARRVAL_P(found), part, strlen(part));
	}
	found = found && Z_TYPE_P(found) == IS_ARRAY ? zend_hash_str_find(Z_ARRVAL_P(found), name, strlen(name)) : NULL;
	if (!found) {
		return 0;
	}
	switch (Z_TYPE_P(found)) {
	case IS_TRUE:
		return 1;
	case IS_LONG:
		return Z_LVAL_P(found);
	case IS_DOUBLE: /* APCu's counts, some of them */
		return (int64_t)Z_DVAL_P(found);
	}
	return 0;
}

static void look_at_opcache(struct engine_caches *c)
{
	zval status;

	if (!find(&get_status, "zend opcache", "opcache_get_status")) {
		return;
	}
	call_opcache(&get_status, 0, &status);
	if (Z_TYPE(status) == IS_ARRAY && zend_hash_str_exists(Z_ARRVAL(status), ZEND_STRL("memory_usage"))) {
		c->opcache = 1;
		c->opcache_full = figure(&status, NULL, "cache_full");
		c->opcache_restart_pending = figure(&status, NULL, "restart_pending") || figure(&status, NULL, "restart_in_progress");
		c->opcache_used = figure(&status, "memory_usage", "used_memory");
		c->opcache_free = figure(&status, "memory_usage", "free_memory");
		c->opcache_wasted = figure(&status, "memory_usage", "wasted_memory");
		c->opcache_strings_used = figure(&status, "interned_strings_usage", "used_memory");
		c->opcache_strings_free = figure(&status, "interned_strings_usage", "free_memory");
		c->opcache_strings = figure(&status, "interned_strings_usage", "number_of_strings");
		c->opcache_scripts = figure(&status, "opcache_statistics", "num_cached_scripts");
		c->opcache_keys = figure(&status, "opcache_statistics", "num_cached_keys");
		c->opcache_keys_limit = figure(&status, "opcache_statistics", "max_cached_keys");
		c->opcache_hits = figure(&status, "opcache_statistics", "hits");
		c->opcache_misses = figure(&status, "opcache_statistics", "misses");
		c->opcache_restarts_memory = figure(&status, "opcache_statistics", "oom_restarts");
		c->opcache_restarts_keys = figure(&status, "opcache_statistics", "hash_restarts");
		c->opcache_restarts_asked = figure(&status, "opcache_statistics", "manual_restarts");
		c->opcache_restarted = figure(&status, "opcache_statistics", "last_restart_time");
		c->opcache_jit_size = figure(&status, "jit", "buffer_size");
		c->opcache_jit_free = figure(&status, "jit", "buffer_free");
	}
	zval_ptr_dtor(&status);
}

/* APCu that is disabled has the functions all the same. */
static void look_at_apcu(struct engine_caches *c)
{
	zval info, memory;

	if (!find(&cache_info, "apcu", "apcu_cache_info") || !find(&sma_info, "apcu", "apcu_sma_info") ||
		!zend_ini_long(ZEND_STRL("apc.enabled"), 0)) {
		return;
	}
	call(&cache_info, 1, &info);
	call(&sma_info, 1, &memory);
	if (Z_TYPE(info) == IS_ARRAY && Z_TYPE(memory) == IS_ARRAY) {
		c->apcu = 1;
		c->apcu_size = figure(&memory, NULL, "num_seg") * figure(&memory, NULL, "seg_size");
		c->apcu_free = figure(&memory, NULL, "avail_mem");
		c->apcu_entries = figure(&info, NULL, "num_entries");
		c->apcu_hits = figure(&info, NULL, "num_hits");
		c->apcu_misses = figure(&info, NULL, "num_misses");
		c->apcu_inserts = figure(&info, NULL, "num_inserts");
		c->apcu_expunges = figure(&info, NULL, "expunges");
	}
	zval_ptr_dtor(&info);
	zval_ptr_dtor(&memory);
}

void engine_caches_look(struct engine_caches *caches)
{
	memset(caches, 0, sizeof(*caches));
	look_at_opcache(caches);
	look_at_apcu(caches);
}

int engine_opcache_reset(void)
{
	zval done;

	if (!find(&reset, "zend opcache", "opcache_reset")) {
		return 0;
	}
	call_opcache(&reset, -1, &done);
	return Z_TYPE(done) == IS_TRUE;
}
