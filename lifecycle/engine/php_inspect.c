/* What the engine says of itself: version, modules, settings, reflection. Counterpart: do_cli in sapi/cli/php_cli.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "php_module.h"


void engine_print_info(int with_credits)
{
	zend_try {
		php_print_info(with_credits ? PHP_INFO_ALL : PHP_INFO_ALL & ~PHP_INFO_CREDITS);
		php_output_end_all();
	} zend_end_try();
}

static int compare_modules(const void *a, const void *b)
{
	return strcasecmp((*(zend_module_entry *const *)a)->name, (*(zend_module_entry *const *)b)->name);
}

static int compare_extensions(const void *a, const void *b)
{
	return strcmp((*(zend_extension *const *)a)->name, (*(zend_extension *const *)b)->name);
}

static void print_php_modules(void)
{
	size_t count = 0, size = zend_hash_num_elements(&module_registry), i;
	zend_module_entry **sorted = calloc(size, sizeof(*sorted)), *entry;

	if (!sorted) {
		return;
	}
	ZEND_HASH_FOREACH_PTR(&module_registry, entry) {
		sorted[count++] = entry;
	} ZEND_HASH_FOREACH_END();
	qsort(sorted, count, sizeof(*sorted), compare_modules);
	for (i = 0; i < count; i++) {
		php_printf("%s\n", sorted[i]->name);
	}
	free(sorted);
}

static void print_zend_modules(void)
{
	size_t count = 0, i;
	zend_extension **sorted = calloc(zend_extensions.count, sizeof(*sorted));
	zend_llist_element *element;

	if (!sorted) {
		return;
	}
	for (element = zend_extensions.head; element; element = element->next) {
		sorted[count++] = (zend_extension *)element->data;
	}
	qsort(sorted, count, sizeof(*sorted), compare_extensions);
	for (i = 0; i < count; i++) {
		php_printf("%s\n", sorted[i]->name);
	}
	free(sorted);
}

void engine_print_modules(void)
{
	zend_try {
		php_printf("[PHP Modules]\n");
		print_php_modules();
		php_printf("\n[Zend Modules]\n");
		print_zend_modules();
		php_printf("\n");
		php_output_end_all();
		EG(exit_status) = 0;
	} zend_end_try();
}

const char *engine_version(void)
{
	zval *version = zend_hash_str_find(EG(zend_constants), ZEND_STRL("PHP_VERSION"));

	return version ? Z_STRVAL(((zend_constant *)Z_PTR_P(version))->value) : "";
}

const char *engine_server_software(void)
{
	static char name[128];

	if (!name[0]) {
		snprintf(name, sizeof(name), ENGINE_SERVER_SOFTWARE, engine_version());
	}
	return name;
}

/* Copies what phpinfo() has as its build date, such as "Nov  8 2026 20:02:04". */
static void copy_build_date(char *date, size_t size)
{
	static const char before[] = "Build Date => ";
	const char *at;
	zval info;

	php_output_start_default();
	php_print_info(PHP_INFO_GENERAL);
	if (php_output_get_contents(&info) == SUCCESS) {
		at = strstr(Z_STRVAL(info), before);
		if (at) {
			at += strlen(before);
			snprintf(date, size, "%.*s", (int)strcspn(at, "\n"), at);
		}
		zval_ptr_dtor(&info);
	}
	php_output_discard();
}

/* PHP tells when it was compiled in phpinfo() alone. There may be no request. */
const char *engine_built(void)
{
	static char date[64];
	int as_text = SAPI_MODULE(phpinfo_as_text), in_request = SG(sapi_started), headers_sent = SG(headers_sent);

	SAPI_MODULE(phpinfo_as_text) = 1;
	if (!in_request) {
		php_output_activate();
		SG(headers_sent) = 1; /* else the end of the output sends some */
	}
	zend_try {
		copy_build_date(date, sizeof(date));
	} zend_end_try();
	if (!in_request) {
		php_output_deactivate();
		SG(headers_sent) = headers_sent;
	}
	SAPI_MODULE(phpinfo_as_text) = as_text;
	return date;
}

const char *engine_build(void)
{
	return ENGINE_BUILD;
}

const char *engine_build_provider(void)
{
	return ENGINE_BUILD_PROVIDER;
}

const char *engine_zend_version(void)
{
	return get_zend_version();
}

const char *engine_ini_file(enum engine_ini_file which)
{
	switch (which) {
	case ENGINE_INI_LOADED:
		return php_ini_opened_path;
	case ENGINE_INI_SCAN_DIR:
		return php_ini_scanned_path;
	case ENGINE_INI_SCANNED:
		return php_ini_scanned_files;
	}
	return NULL;
}

void engine_print(const char *text, size_t len)
{
	zend_try {
		php_output_write(text, len);
	} zend_end_try();
}

static zend_class_entry *reflection_class(enum engine_reflection kind, const char *name)
{
	switch (kind) {
	case ENGINE_REFLECT_FUNCTION:
		return strstr(name, "::") ? reflection_method_ptr : reflection_function_ptr;
	case ENGINE_REFLECT_CLASS:
		return reflection_class_ptr;
	case ENGINE_REFLECT_EXTENSION:
		return reflection_extension_ptr;
	case ENGINE_REFLECT_ZEND_EXTENSION:
		return reflection_zend_extension_ptr;
	}
	return NULL;
}

static void print_exception(void)
{
	zval buffer;
	zval *message = zend_read_property(zend_ce_exception, EG(exception), ZEND_STRL("message"), 0, &buffer);

	php_printf("Exception: %s\n", Z_STRVAL_P(message));
	zend_clear_exception();
	EG(exit_status) = 1;
}

/* Makes the object that describes what name names. ReflectionMethod::__construct() with a single argument is deprecated since
 * 8.4; there and in 8.3 is a function in its place. */
static void reflect(zend_class_entry *class, zval *name, zval *object)
{
	zend_function *create = zend_hash_str_find_ptr(&class->function_table, ZEND_STRL("createfrommethodname"));

	if (create) {
		ZVAL_UNDEF(object);
		zend_call_known_function(create, NULL, class, object, 1, name, NULL);
		return;
	}
	object_init_ex(object, class);
	zend_call_known_function(class->constructor, Z_OBJ_P(object), class, NULL, 1, name, NULL);
}

void engine_reflect(enum engine_reflection kind, const char *name)
{
	zend_try {
		zend_execute_data frame;
		zval argument, object;

		ZVAL_STR(&argument, zend_strpprintf(0, "%s", name));
		/* The functions want a caller. */
		memset(&frame, 0, sizeof(frame));
		frame.func = (zend_function *)&zend_pass_function;
		EG(current_execute_data) = &frame;
		reflect(reflection_class(kind, name), &argument, &object);
		if (EG(exception)) {
			print_exception();
		} else {
			zend_print_zval(&object, 0);
			zend_write("\n", 1);
		}
		zval_ptr_dtor(&object);
		zval_ptr_dtor(&argument);
	} zend_end_try();
}

int engine_print_extension_info(const char *lowercase_name)
{
	zval *module = zend_hash_str_find(&module_registry, lowercase_name, strlen(lowercase_name));

	if (!module) {
		return 0;
	}
	zend_try {
		php_info_print_module(Z_PTR_P(module));
	} zend_end_try();
	return 1;
}

void engine_print_settings(void)
{
	zend_try {
		display_ini_entries(NULL);
	} zend_end_try();
}

static int compare_settings(const void *a, const void *b)
{
	zend_string *x = (*(zend_ini_entry *const *)a)->name, *y = (*(zend_ini_entry *const *)b)->name;

	return zend_binary_strcasecmp(ZSTR_VAL(x), ZSTR_LEN(x), ZSTR_VAL(y), ZSTR_LEN(y));
}

static void print_value(const char *value)
{
	if (value) {
		php_printf("\"%s\"", value);
	} else {
		php_printf("(none)");
	}
}

static void print_if_changed(const zend_ini_entry *setting)
{
	const char *built_in = ENGINE_BUILT_IN(setting), *value = setting->value ? ZSTR_VAL(setting->value) : NULL;

	if (built_in && value ? strcmp(built_in, value) == 0 : !built_in && !value) {
		return;
	}
	php_printf("%s: ", ZSTR_VAL(setting->name));
	print_value(built_in);
	php_printf(" -> ");
	print_value(value);
	php_printf("\n");
}

void engine_print_changed_settings(void)
{
	size_t count = 0, i;
	zend_ini_entry **sorted = calloc(zend_hash_num_elements(EG(ini_directives)) + 1, sizeof(*sorted)), *setting;

	if (!sorted) {
		return;
	}
	ZEND_HASH_FOREACH_PTR(EG(ini_directives), setting) {
		sorted[count++] = setting;
	} ZEND_HASH_FOREACH_END();
	qsort(sorted, count, sizeof(*sorted), compare_settings);
	zend_try {
		php_printf("Non-default INI settings:\n");
		for (i = 0; i < count; i++) {
			print_if_changed(sorted[i]);
		}
	} zend_end_try();
	free(sorted);
}

const char *engine_setting_text(const char *name)
{
	const char *text = EG(ini_directives) ? zend_ini_string_ex(name, strlen(name), 0, NULL) : NULL;

	return text && *text ? text : NULL;
}
