/*
 * The params of a FastCGI request as PHP's environment: $_SERVER, $_ENV and getenv(). PHP gets them last one first.
 * Counterpart: sapi/fpm/fpm/fpm_main.c and sapi/cgi/cgi_main.c (cgi_php_import_environment_variables,
 * sapi_cgi_register_variables).
 */
#include <stdlib.h>
#include <string.h>

#include "fcgi.h"

static void (*import_process_environment)(zval *array);

const char *fcgi_param(const char *name, size_t name_len)
{
	const struct engine_fcgi_request *r = fcgi_request;
	size_t i;

	for (i = 0; r && i < r->pairs_len; i++) {
		const struct engine_fcgi_pair *pair = &r->pairs[i];
		if (pair->name_len == name_len && memcmp(r->params + pair->name, name, name_len) == 0) {
			return r->params + pair->value;
		}
	}
	return NULL;
}

char *fcgi_getenv(const char *name, size_t name_len)
{
	const char *value = fcgi_param(name, name_len);

	return value || fcgi_is_fpm ? (char *)value : getenv(name);
}

void fcgi_each_param(void (*use)(const char *name, unsigned int name_len, char *value, unsigned int value_len, void *to),
	void *to)
{
	const struct engine_fcgi_request *r = fcgi_request;
	size_t i;

	for (i = r ? r->pairs_len : 0; i > 0; i--) {
		const struct engine_fcgi_pair *pair = &r->pairs[i - 1];
		use(r->params + pair->name, pair->name_len, (char *)r->params + pair->value, pair->value_len, to);
	}
}

static void register_filtered(const char *name, unsigned int name_len, char *value, unsigned int value_len, void *to)
{
	zval *array = to;
	int kind = Z_ARR_P(array) == Z_ARR(PG(http_globals)[TRACK_VARS_ENV]) ? PARSE_ENV : PARSE_SERVER;
	size_t len;

	if (SAPI_MODULE(input_filter)(kind, name, &value, strlen(value), &len)) {
		php_register_variable_safe(name, value, len, array);
	}
}

static void register_unfiltered(const char *name, unsigned int name_len, char *value, unsigned int value_len, void *to)
{
	php_register_variable_safe(name, value, value_len, to);
}

/* Copies the array of the other superglobal where it is filled already. */
static int copy_known(zval *array, int which)
{
	zval *known = &PG(http_globals)[which];

	if (Z_TYPE_P(known) != IS_ARRAY || Z_ARR_P(array) == Z_ARR_P(known) || zend_hash_num_elements(Z_ARRVAL_P(known)) == 0) {
		return 0;
	}
	zend_array_destroy(Z_ARR_P(array));
	Z_ARR_P(array) = zend_array_dup(Z_ARR_P(known));
	return 1;
}

/* php-cgi makes $_SERVER, and what getenv() gives, from $_ENV, where variables_order has that at all. */
static int copy_env(zval *array)
{
	zval *env = &PG(http_globals)[TRACK_VARS_ENV];

	if (!PG(variables_order) || !strpbrk(PG(variables_order), "Ee")) {
		return 0;
	}
	if (Z_TYPE_P(env) != IS_ARRAY) {
		zend_is_auto_global(ZSTR_KNOWN(ZEND_STR_AUTOGLOBAL_ENV));
	}
	if (Z_TYPE_P(env) != IS_ARRAY || Z_ARR_P(array) == Z_ARR_P(env)) {
		return 0;
	}
	zend_array_destroy(Z_ARR_P(array));
	Z_ARR_P(array) = zend_array_dup(Z_ARR_P(env));
	return 1;
}

static void import_environment(zval *array)
{
	if (fcgi_is_fpm ? copy_known(array, TRACK_VARS_ENV) || copy_known(array, TRACK_VARS_SERVER) : copy_env(array)) {
		return;
	}
	import_process_environment(array);
	fcgi_each_param(register_filtered, array);
}

/* getenv() without a name */
static void load_environment(zval *array)
{
	import_process_environment(array);
	fcgi_each_param(register_unfiltered, array);
}

void fcgi_take_environment(void)
{
	import_process_environment = php_import_environment_variables;
	php_import_environment_variables = import_environment;
	if (fcgi_is_fpm) {
		php_load_environment_variables = load_environment;
	}
}

void fcgi_register_variables(zval *variables)
{
	const char *name = SG(request_info).request_uri ? SG(request_info).request_uri : "";
	const char *info = web_settings.fix_pathinfo ? fcgi_param("PATH_INFO", strlen("PATH_INFO")) : NULL;
	size_t name_len = strlen(name), info_len = info ? strlen(info) : 0, len = name_len + info_len;
	char *self;

	php_import_environment_variables(variables);
	self = emalloc(len + 1);
	memcpy(self, name, name_len);
	if (info) {
		memcpy(self + name_len, info, info_len);
	}
	self[len] = '\0';
	if (SAPI_MODULE(input_filter)(PARSE_SERVER, "PHP_SELF", &self, len, &len)) {
		php_register_variable_safe("PHP_SELF", self, len, variables);
	}
	efree(self);
}
