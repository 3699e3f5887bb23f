/*
 * The variables of a request, as PHP's environment: $_SERVER, $_ENV, getenv() and getallheaders(). PHP gets the params of
 * FastCGI last one first. Counterpart: sapi/fpm/fpm/fpm_main.c and sapi/cgi/cgi_main.c
 * (cgi_php_import_environment_variables, sapi_cgi_register_variables).
 */
#include <stdlib.h>
#include <string.h>

#include "web.h"

static void (*import_process_environment)(zval *array);

static const char *find(const char *name, size_t name_len)
{
	const struct engine_request *r = web_request;
	size_t i;

	for (i = 0; r && i < r->variables_len; i++) {
		const struct engine_variable *v = &r->variables[i];
		if (v->name_len == name_len && memcmp(r->text + v->name, name, name_len) == 0) {
			return r->text + v->value;
		}
	}
	return NULL;
}

const char *web_variable(const char *name)
{
	return web_request && web_request->direct ? getenv(name) : find(name, strlen(name));
}

char *web_getenv(const char *name, size_t name_len)
{
	const char *value = find(name, name_len);

	return value || web_front_end == ENGINE_FPM ? (char *)value : getenv(name);
}

/* FastCGI's names are no C strings: their values follow at once. */
void web_each_variable(web_variable_use *use, void *to)
{
	const struct engine_request *r = web_request;
	char ordinary[128], *name = ordinary;
	size_t size = sizeof(ordinary), i;

	for (i = r ? r->variables_len : 0; i > 0; i--) {
		const struct engine_variable *v = &r->variables[i - 1];

		if (v->name_len >= size) {
			size = v->name_len + 1;
			name = name == ordinary ? emalloc(size) : erealloc(name, size);
		}
		memcpy(name, r->text + v->name, v->name_len);
		name[v->name_len] = '\0';
		use(name, v->name_len, (char *)r->text + v->value, v->value_len, to);
	}
	if (name != ordinary) {
		efree(name);
	}
}

static void register_filtered(int kind, const char *name, char *value, size_t len, zval *array)
{
	if (SAPI_MODULE(input_filter)(kind, name, &value, len, &len)) {
		php_register_variable_safe(name, value, len, array);
	}
}

static void import_filtered(const char *name, unsigned int name_len, char *value, unsigned int value_len, void *to)
{
	zval *array = to;
	int kind = Z_ARR_P(array) == Z_ARR(PG(http_globals)[TRACK_VARS_ENV]) ? PARSE_ENV : PARSE_SERVER;

	register_filtered(kind, name, value, strlen(value), array);
}

static void import_unfiltered(const char *name, unsigned int name_len, char *value, unsigned int value_len, void *to)
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
	/* After a worker script's boot $_ENV and $_SERVER are those of the boot, or of the request before. */
	if (web_front_end == ENGINE_FPM ? !web_has_booted && (copy_known(array, TRACK_VARS_ENV) || copy_known(array, TRACK_VARS_SERVER))
									: copy_env(array)) {
		return;
	}
	import_process_environment(array);
	web_each_variable(import_filtered, array);
}

/* getenv() without a name */
static void load_environment(zval *array)
{
	import_process_environment(array);
	web_each_variable(import_unfiltered, array);
}

void web_take_environment(void)
{
	import_process_environment = php_import_environment_variables;
	php_import_environment_variables = import_environment;
	if (web_front_end == ENGINE_FPM) {
		php_load_environment_variables = load_environment;
	}
}

static void register_self(zval *variables)
{
	const char *name = SG(request_info).request_uri ? SG(request_info).request_uri : "";
	const char *info = web_settings.fix_pathinfo ? web_variable("PATH_INFO") : NULL;
	size_t name_len = strlen(name), len = name_len + (info ? strlen(info) : 0);
	char *self = emalloc(len + 1);

	memcpy(self, name, name_len);
	memcpy(self + name_len, info ? info : "", len - name_len);
	self[len] = '\0';
	register_filtered(PARSE_SERVER, "PHP_SELF", self, len, variables);
	efree(self);
}

void web_register_variables(zval *variables)
{
	const struct engine_request *r = web_request;
	size_t i;

	if (web_front_end != ENGINE_CLI_SERVER) {
		php_import_environment_variables(variables);
		register_self(variables);
		return;
	}
	for (i = 0; r && i < r->variables_len; i++) {
		const struct engine_variable *v = &r->variables[i];
		register_filtered(PARSE_SERVER, r->text + v->name, (char *)r->text + v->value, v->value_len, variables);
	}
}
