/* The extensions that begin and end with each request in worker mode, and what a worker script has set of theirs. */
#include <string.h>

#include "php_module.h"
#include "web_extensions.h"

/* Those that keep what belongs to one client. Of the others a worker script has the state for life. */
static const char *const renewed_extensions[] = {"session", "filter", "zlib"};

enum { RENEWED = sizeof(renewed_extensions) / sizeof(*renewed_extensions) };

/* The save handlers that the script has set before its first call, if any, and session.save_handler: they are kept for all
 * requests. The extension forgets those of a request at its end, but not that there were some. */
static zval *save_handlers;
static zend_string *save_handler;

#ifdef PHP_SESSION_H /* else PHP was built without sessions */
static php_ps_globals *session_state(void)
{
	zend_module_entry *session = find_extension("session");

	return session && session->globals_size >= sizeof(php_ps_globals) ? session->globals_ptr : NULL;
}

enum { SAVE_HANDLERS = sizeof(((php_ps_globals *)NULL)->mod_user_names) / sizeof(zval) };

void extensions_keep(void)
{
	php_ps_globals *session = session_state();
	zval *names = session ? (zval *)&session->mod_user_names : NULL;
	zval *found = zend_hash_str_find(EG(ini_directives), ZEND_STRL("session.save_handler"));
	int i;

	if (found && ((zend_ini_entry *)Z_PTR_P(found))->value) {
		save_handler = zend_string_copy(((zend_ini_entry *)Z_PTR_P(found))->value);
	}
	if (!names || Z_ISUNDEF(names[0])) {
		return;
	}
	save_handlers = safe_emalloc(SAVE_HANDLERS, sizeof(zval), 0);
	for (i = 0; i < SAVE_HANDLERS; i++) {
		ZVAL_COPY(&save_handlers[i], &names[i]);
	}
}

static void put_back_save_handler(void)
{
	php_ps_globals *session = session_state();
	zval *found = save_handler ? zend_hash_str_find(EG(ini_directives), ZEND_STRL("session.save_handler")) : NULL;
	zend_ini_entry *entry = found ? Z_PTR_P(found) : NULL;

	if (!session || !entry || zend_string_equals(entry->value, save_handler)) {
		return;
	}
	session->set_handler = 1;
	zend_alter_ini_entry_ex(entry->name, save_handler, ZEND_INI_SYSTEM, ZEND_INI_STAGE_DEACTIVATE, 1);
	session->set_handler = 0;
}

static void put_back_save_handlers(void)
{
	php_ps_globals *session = save_handlers ? session_state() : NULL;
	zval *names = session ? (zval *)&session->mod_user_names : NULL;
	int i;

	for (i = 0; names && i < SAVE_HANDLERS; i++) {
		ZVAL_COPY(&names[i], &save_handlers[i]);
	}
}

void extensions_forget(void)
{
	int i;

	for (i = 0; save_handlers && i < SAVE_HANDLERS; i++) {
		zval_ptr_dtor(&save_handlers[i]);
	}
	save_handlers = NULL; /* the memory goes with the script's */
	if (save_handler) {
		zend_string_release(save_handler);
		save_handler = NULL;
	}
}
#else
void extensions_keep(void) {}
static void put_back_save_handler(void) {}
static void put_back_save_handlers(void) {}
void extensions_forget(void) {}
#endif

void extensions_begin(void)
{
	int i;

	put_back_save_handler();
	for (i = 0; i < RENEWED; i++) {
		zend_module_entry *e = find_extension(renewed_extensions[i]);
		if (e && e->request_startup_func) {
			e->request_startup_func(e->type, e->module_number);
		}
	}
	put_back_save_handlers();
}

void extensions_end(void)
{
	int i;

	for (i = RENEWED - 1; i >= 0; i--) {
		zend_module_entry *e = find_extension(renewed_extensions[i]);
		if (e && e->request_shutdown_func) {
			e->request_shutdown_func(e->type, e->module_number);
		}
	}
	zend_hash_str_del(&EG(symbol_table), ZEND_STRL("_SESSION"));
}
