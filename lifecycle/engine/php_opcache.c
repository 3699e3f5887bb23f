/*
 * opcache in worker mode. Its memory is emptied when no process uses it any more, and until then nothing is added to it. But a
 * worker that runs a worker script uses it for life. So in place of that, new workers are asked for, with an opcache of their
 * own: when the script calls opcache_reset(), and when opcache itself wants a restart, because it is full.
 */
#include <string.h>
#include <time.h>

#include "php_module.h"
#include "php_opcache.h"

/* opcache_get_status(), which may be in disable_functions. */
static zend_internal_function get_status;

static zend_internal_function *find(const char *name)
{
	zval *found = zend_hash_str_find(CG(function_table), name, strlen(name));
	zend_internal_function *function = found ? Z_PTR_P(found) : NULL;

	return function && function->type == ZEND_INTERNAL_FUNCTION ? function : NULL;
}

/* Whether opcache's status says yes to a question, such as opcache_enabled. */
static int says(const char *question)
{
	zval with_scripts, status, *answer = NULL;
	int yes;

	ZVAL_FALSE(&with_scripts);
	ZVAL_UNDEF(&status);
	zend_call_known_function((zend_function *)&get_status, NULL, NULL, &status, 1, &with_scripts, NULL);
	if (Z_TYPE(status) == IS_ARRAY) {
		answer = zend_hash_str_find(Z_ARRVAL(status), question, strlen(question));
	}
	yes = answer && Z_TYPE_P(answer) == IS_TRUE;
	zval_ptr_dtor(&status);
	return yes;
}

/* The status heeds opcache.restrict_api, and warns of it, as the function does that this one replaces. */
static PHP_FUNCTION(renewing_opcache_reset)
{
	ZEND_PARSE_PARAMETERS_NONE();

	if (!says("opcache_enabled")) {
		RETURN_FALSE;
	}
	host->renew();
	RETURN_TRUE;
}

void opcache_watch(void)
{
	zend_internal_function *reset = find("opcache_reset"), *status = find("opcache_get_status");

	if (status && !get_status.handler) {
		get_status = *status;
	}
	if (reset && get_status.handler) {
		reset->handler = ZEND_FN(renewing_opcache_reset);
	}
}

/* Seconds between two looks, and after a call for new workers. */
enum { INTERVAL = 10, PATIENCE = 60 };

/* The look is not the script's, so opcache.restrict_api is as good as met: the script's path has to begin with it. */
void opcache_look(void)
{
	static time_t next;
	time_t now = time(NULL);
	char *const script = SG(request_info).path_translated, *allowed;
	volatile int pending = 0;

	if (!get_status.handler || now < next) {
		return;
	}
	next = now + INTERVAL;
	allowed = zend_ini_string(ZEND_STRL("opcache.restrict_api"), 0);
	if (allowed && *allowed) {
		SG(request_info).path_translated = allowed;
	}
	zend_try {
		pending = says("restart_pending");
	} zend_catch {
		SG(request_info).path_translated = script;
		zend_bailout();
	} zend_end_try();
	SG(request_info).path_translated = script;
	if (pending) {
		next = now + PATIENCE;
		host->renew();
	}
}
