/* The extensions that begin and end with each request in worker mode, and what a worker script has set of theirs. */
#include <string.h>

#include "php_module.h"
#include "web_extensions.h"

/* Those that keep what belongs to one client. Of the others a worker script has the state for life. */
static const char *const renewed_extensions[] = {"session", "filter", "zlib"};

enum { RENEWED = sizeof(renewed_extensions) / sizeof(*renewed_extensions) };

/* The save handlers of sessions that the script has set last, if any: they are kept for all requests, as session.save_handler is.
 * Applications such as Symfony set them once, in the first request that needs a session. The extension forgets them at the end of
 * each. */
static zval *save_handlers;

#ifdef PHP_SESSION_H /* else PHP was built without sessions */
enum { SAVE_HANDLERS = sizeof(((php_ps_globals *)NULL)->mod_user_names) / sizeof(zval) };

/* The extension's place for them; NULL: there is none. */
static zval *present_save_handlers(void)
{
	zend_module_entry *session = find_extension("session");

	return session && session->globals_size >= sizeof(php_ps_globals) ? (zval *)&((php_ps_globals *)session->globals_ptr)->mod_user_names : NULL;
}

void extensions_forget(void)
{
	int i;

	if (!save_handlers) {
		return;
	}
	for (i = 0; i < SAVE_HANDLERS; i++) {
		zval_ptr_dtor(&save_handlers[i]);
	}
	efree(save_handlers);
	save_handlers = NULL;
}

static void keep_save_handlers(void)
{
	zval *present = present_save_handlers(), *kept;
	int i;

	if (!present || Z_ISUNDEF(present[0])) {
		return;
	}
	kept = safe_emalloc(SAVE_HANDLERS, sizeof(zval), 0);
	for (i = 0; i < SAVE_HANDLERS; i++) {
		ZVAL_COPY(&kept[i], &present[i]);
	}
	extensions_forget();
	save_handlers = kept;
}

static void put_back_save_handlers(void)
{
	zval *present = save_handlers ? present_save_handlers() : NULL;
	int i;

	for (i = 0; present && i < SAVE_HANDLERS; i++) {
		ZVAL_COPY(&present[i], &save_handlers[i]);
	}
}
#else
void extensions_forget(void) {}
static void keep_save_handlers(void) {}
static void put_back_save_handlers(void) {}
#endif

void extensions_begin(void)
{
	int i;

	put_back_save_handlers(); /* before the session that session.auto_start starts */
	for (i = 0; i < RENEWED; i++) {
		zend_module_entry *e = find_extension(renewed_extensions[i]);
		if (e && e->request_startup_func) {
			e->request_startup_func(e->type, e->module_number);
		}
	}
}

void extensions_end(void)
{
	int i;

	keep_save_handlers();
	for (i = RENEWED - 1; i >= 0; i--) {
		zend_module_entry *e = find_extension(renewed_extensions[i]);
		if (e && e->request_shutdown_func) {
			e->request_shutdown_func(e->type, e->module_number);
		}
	}
	zend_hash_str_del(&EG(symbol_table), ZEND_STRL("_SESSION"));
}
