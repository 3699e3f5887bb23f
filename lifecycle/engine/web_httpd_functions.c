/* The extension apache2handler: its functions, its settings, and what phpinfo() shows of httpd. Counterpart:
 * sapi/apache2handler/php_functions.c. */
#include <stdlib.h>
#include <string.h>

#include "web.h"

/* ---- requests that a script makes to the server itself ---- */

static void add_property(const char *name, const char *value, bool is_number, void *object)
{
	if (is_number) {
		add_property_long(object, name, ZEND_STRTOL(value, NULL, 10));
	} else {
		add_property_string(object, name, value);
	}
}

static void warn(enum engine_httpd_lookup result, const char *path)
{
	php_error_docref(NULL, E_WARNING, "Unable to include '%s' - %s", path,
		result == ENGINE_HTTPD_ERROR ? "error finding URI" : "URI lookup failed");
}

static PHP_FUNCTION(apache_lookup_uri)
{
	enum engine_httpd_lookup result;
	char *path;
	size_t len;
	zval found;

	if (zend_parse_parameters(ZEND_NUM_ARGS(), "p", &path, &len) == FAILURE) {
		RETURN_THROWS();
	}
	object_init(&found);
	result = host->httpd->lookup(path, add_property, &found);
	if (result != ENGINE_HTTPD_FOUND) {
		zval_ptr_dtor(&found);
		warn(result, path);
		RETURN_FALSE;
	}
	RETURN_COPY_VALUE(&found);
}

/* What was printed so far goes before what the other request prints. */
static PHP_FUNCTION(virtual)
{
	enum engine_httpd_lookup result;
	void *request;
	char *path;
	size_t len;
	int failed;

	if (zend_parse_parameters(ZEND_NUM_ARGS(), "p", &path, &len) == FAILURE) {
		RETURN_THROWS();
	}
	result = host->httpd->enter(path, &request);
	if (result != ENGINE_HTTPD_FOUND) {
		warn(result, path);
		RETURN_FALSE;
	}
	php_output_end_all();
	php_header();
	failed = host->httpd->run(request);
	if (failed) {
		php_error_docref(NULL, E_WARNING, "Unable to include '%s' - request execution failed", path);
	}
	host->httpd->leave(request);
	RETURN_BOOL(!failed);
}

/* ---- what httpd has of the request ---- */

static void add_element(const char *name, const char *value, bool is_number, void *array)
{
	add_assoc_string(array, name, value);
}

static void append_element(const char *name, const char *value, bool is_number, void *array)
{
	add_next_index_string(array, name);
}

static void return_list(enum engine_httpd_list which, engine_httpd_use *use, zval *return_value)
{
	RETVAL_ARR(_zend_new_array(0));
	host->httpd->list(which, use, return_value);
}

static PHP_FUNCTION(apache_request_headers)
{
	ZEND_PARSE_PARAMETERS_NONE();
	return_list(ENGINE_HTTPD_REQUEST_HEADERS, add_element, return_value);
}

static PHP_FUNCTION(apache_response_headers)
{
	ZEND_PARSE_PARAMETERS_NONE();
	return_list(ENGINE_HTTPD_RESPONSE_HEADERS, add_element, return_value);
}

/* These two take what they are given, as in mod_php. */
static PHP_FUNCTION(apache_get_modules)
{
	return_list(ENGINE_HTTPD_MODULES, append_element, return_value);
}

static PHP_FUNCTION(apache_get_version)
{
	const char *banner = host->httpd->banner();

	if (!banner || !*banner) {
		RETURN_FALSE;
	}
	RETURN_STRING(banner);
}

static PHP_FUNCTION(apache_note)
{
	char *name, *value = NULL;
	size_t name_len, value_len;
	const char *old;

	if (zend_parse_parameters(ZEND_NUM_ARGS(), "s|s!", &name, &name_len, &value, &value_len) == FAILURE) {
		RETURN_THROWS();
	}
	old = host->httpd->get(ENGINE_HTTPD_NOTES, name, false);
	if (old) {
		RETVAL_STRING(old);
	} else {
		RETVAL_FALSE;
	}
	if (value) {
		host->httpd->set(ENGINE_HTTPD_NOTES, name, value, false);
	}
}

static PHP_FUNCTION(apache_setenv)
{
	char *name, *value;
	size_t name_len, value_len;
	bool top = false;

	if (zend_parse_parameters(ZEND_NUM_ARGS(), "ss|b", &name, &name_len, &value, &value_len, &top) == FAILURE) {
		RETURN_THROWS();
	}
	host->httpd->set(ENGINE_HTTPD_ENV, name, value, top);
	RETURN_TRUE;
}

static PHP_FUNCTION(apache_getenv)
{
	const char *value;
	char *name;
	size_t len;
	bool top = false;

	if (zend_parse_parameters(ZEND_NUM_ARGS(), "s|b", &name, &len, &top) == FAILURE) {
		RETURN_THROWS();
	}
	value = host->httpd->get(ENGINE_HTTPD_ENV, name, top);
	if (!value) {
		RETURN_FALSE;
	}
	RETURN_STRING(value);
}

/* ---- the process ---- */

static struct engine_httpd_settings settings;

const struct engine_httpd_settings *engine_httpd_settings(void)
{
	return &settings;
}

/* mod_php had it until PHP 5.2: the process ends after the request, if child_terminate allows it. */
static PHP_FUNCTION(apache_child_terminate)
{
	ZEND_PARSE_PARAMETERS_NONE();
	if (!settings.child_terminate) {
		php_error_docref(NULL, E_WARNING, "child_terminate is Off");
		RETURN_FALSE;
	}
	host->httpd->end_child();
	RETURN_TRUE;
}

/* ---- their declarations ---- */

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_MASK_EX(arginfo_lookup, 0, 1, MAY_BE_OBJECT | MAY_BE_FALSE)
	ZEND_ARG_TYPE_INFO(0, filename, IS_STRING, 0)
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_virtual, 0, 1, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, uri, IS_STRING, 0)
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_list, 0, 0, IS_ARRAY, 0)
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_WITH_RETURN_TYPE_MASK_EX(arginfo_note, 0, 1, MAY_BE_STRING | MAY_BE_FALSE)
	ZEND_ARG_TYPE_INFO(0, note_name, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, note_value, IS_STRING, 1, "null")
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_setenv, 0, 2, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, variable, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, value, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, walk_to_top, _IS_BOOL, 0, "false")
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_WITH_RETURN_TYPE_MASK_EX(arginfo_getenv, 0, 1, MAY_BE_STRING | MAY_BE_FALSE)
	ZEND_ARG_TYPE_INFO(0, variable, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, walk_to_top, _IS_BOOL, 0, "false")
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_WITH_RETURN_TYPE_MASK_EX(arginfo_version, 0, 0, MAY_BE_STRING | MAY_BE_FALSE)
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_terminate, 0, 0, _IS_BOOL, 0)
ZEND_END_ARG_INFO()

const zend_function_entry httpd_functions[] = {
	PHP_FE(apache_lookup_uri, arginfo_lookup)
	PHP_FE(virtual, arginfo_virtual)
	PHP_FE(apache_request_headers, arginfo_list)
	ZEND_NAMED_FE(getallheaders, ZEND_FN(apache_request_headers), arginfo_list)
	PHP_FE(apache_response_headers, arginfo_list)
	PHP_FE(apache_note, arginfo_note)
	PHP_FE(apache_setenv, arginfo_setenv)
	PHP_FE(apache_getenv, arginfo_getenv)
	PHP_FE(apache_get_version, arginfo_version)
	PHP_FE(apache_get_modules, arginfo_list)
	PHP_FE(apache_child_terminate, arginfo_terminate)
	PHP_FE_END
};

/* ---- the settings ---- */

#define SETTING(name, value, field) \
	{name, NULL, (void *)offsetof(struct engine_httpd_settings, field), &settings, NULL, value, NULL, sizeof(value) - 1, \
		sizeof(name) - 1, PHP_INI_ALL},

int httpd_register_settings(int module_number)
{
	zend_ini_entry_def entries[] = {
		SETTING("xbithack", "0", xbithack)
		SETTING("engine", "1", engine)
		SETTING("last_modified", "0", last_modified)
		SETTING("child_terminate", "0", child_terminate)
		{0},
	}, *entry;

	for (entry = entries; entry->name; entry++) {
		entry->on_modify = OnUpdateBool;
		entry->displayer = zend_ini_boolean_displayer_cb;
	}
	return zend_register_ini_entries(entries, module_number);
}

/* ---- phpinfo() ---- */

static void print_row(const char *name, const char *value, bool is_number, void *unused)
{
	php_info_print_table_row(2, name, value);
}

static void print_title(const char *title)
{
	php_printf("<h2>%s</h2>\n", title);
}

void httpd_print_info(zend_module_entry *extension)
{
	php_info_print_table_start();
	host->httpd->list(ENGINE_HTTPD_FACTS, print_row, NULL);
	php_info_print_table_end();
	display_ini_entries(extension);

	print_title("Apache Environment");
	php_info_print_table_start();
	php_info_print_table_header(2, "Variable", "Value");
	host->httpd->list(ENGINE_HTTPD_ENVIRONMENT, print_row, NULL);
	php_info_print_table_end();

	print_title("HTTP Headers Information");
	php_info_print_table_start();
	php_info_print_table_colspan_header(2, "HTTP Request Headers");
	php_info_print_table_row(2, "HTTP Request", host->httpd->the_request());
	host->httpd->list(ENGINE_HTTPD_REQUEST_HEADERS, print_row, NULL);
	php_info_print_table_colspan_header(2, "HTTP Response Headers");
	host->httpd->list(ENGINE_HTTPD_RESPONSE_HEADERS, print_row, NULL);
	php_info_print_table_end();
}
