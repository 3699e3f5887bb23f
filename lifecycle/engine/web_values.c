/*
 * Settings that do not come from php.ini: those of the pool (php_value, php_admin_value), for the worker's life, and
 * those of a request (the params PHP_VALUE and PHP_ADMIN_VALUE), which are taken back when it has ended. Counterpart:
 * sapi/fpm/fpm/fpm_php.c (fpm_php_apply_defines), fpm_main.c (fastcgi_ini_parser).
 */
#include <stdlib.h>
#include <string.h>

#include "web.h"
#include "php_leftovers.h"
#include "php_module.h"

/* What the current request replaced, oldest first. */
static struct replaced {
	zend_ini_entry *entry;
	zend_string *value, *replacement;
	int modifiable;
} *replaced;
static size_t replaced_len, replaced_size;

static struct replaced *remember(zend_ini_entry *entry)
{
	if (replaced_len == replaced_size) {
		size_t size = replaced_size ? 2 * replaced_size : 8;
		struct replaced *memory = realloc(replaced, size * sizeof(*memory));
		if (!memory) {
			return NULL;
		}
		replaced = memory;
		replaced_size = size;
	}
	replaced[replaced_len] = (struct replaced){entry, entry->value, NULL, entry->modifiable};
	return &replaced[replaced_len++];
}

static zend_string *persistent_string(const char *text)
{
	size_t len = strlen(text);
	zend_string *string = malloc(_ZSTR_STRUCT_SIZE(len));

	if (!string) {
		abort();
	}
	GC_SET_REFCOUNT(string, 1);
	GC_TYPE_INFO(string) = GC_STRING | ((IS_STR_PERSISTENT) << GC_FLAGS_SHIFT);
	ZSTR_H(string) = 0;
	ZSTR_LEN(string) = len;
	memcpy(ZSTR_VAL(string), text, len + 1);
	return string;
}

/* Gives a setting a value as if php.ini had. A value that its handler refuses is passed over, as in php-fpm. 0: there
 * is no such setting. */
static int replace(const char *name, const char *value, int access, int for_request)
{
	zval *found = zend_hash_str_find(EG(ini_directives), name, strlen(name));
	struct replaced *old = NULL;
	zend_ini_entry *entry;
	zend_string *copy;

	if (!found) {
		return 0;
	}
	entry = Z_PTR_P(found);
	copy = persistent_string(value);
	if (entry->on_modify && entry->on_modify(entry, copy, entry->mh_arg1, entry->mh_arg2, entry->mh_arg3,
			ZEND_INI_STAGE_ACTIVATE) != SUCCESS) {
		free(copy);
		return 1;
	}
	if (for_request && (old = remember(entry))) {
		old->replacement = copy;
	}
	entry->value = copy;
	if (access == ZEND_INI_SYSTEM) {
		entry->modifiable = INI_SYSTEM_OF_SOME; /* else it stays, so that .user.ini may change it */
	}
	return 1;
}

static void disable_classes(const char *list)
{
	char *names = strdup(list), *rest = names, *name;

	while ((name = strtok_r(rest, " ,", &rest))) {
		ENGINE_DISABLE_CLASS(name);
	}
	free(names);
}

enum engine_value_result engine_apply_value(const char *name, const char *value, int admin, int for_request)
{
	enum engine_value_result result = ENGINE_VALUE_APPLIED;

	if (strcmp(name, "extension") == 0 && *value) {
		zval loaded;

		zend_interned_strings_switch_storage(0);
		php_dl(value, MODULE_PERSISTENT, &loaded, 1);
		zend_interned_strings_switch_storage(1);
		if (Z_TYPE(loaded) != IS_TRUE) {
			return ENGINE_VALUE_EXTENSION_FAILED;
		}
		result = ENGINE_VALUE_EXTENSION_LOADED;
	} else {
		if (!replace(name, value, admin ? ZEND_INI_SYSTEM : ZEND_INI_USER, for_request)) {
			return ENGINE_VALUE_UNKNOWN;
		}
		if (strcmp(name, "disable_functions") == 0 && *value) {
			zend_disable_functions(value);
		} else if (strcmp(name, "disable_classes") == 0 && *value) {
			disable_classes(value);
		} else {
			return result;
		}
	}
	if (for_request) {
		web_request->last = 1;
	}
	return result;
}

void engine_collect_extensions(void)
{
	zend_collect_module_handlers();
	leftovers_watch();
}

static void apply_entry(zval *name, zval *value, zval *index, int kind, void *admin)
{
	if (!name) {
		return;
	}
	if (kind != ZEND_INI_PARSER_ENTRY) {
		web_log(WEB_LOG_ERROR, "Passing INI directive through FastCGI: only classic entries are allowed");
	} else if (Z_STRLEN_P(name) == 0) {
		web_log(WEB_LOG_ERROR, "Passing INI directive through FastCGI: empty key");
	} else if (!value) {
		web_log(WEB_LOG_ERROR, "Passing INI directive through FastCGI: empty value for key '%s'", Z_STRVAL_P(name));
	} else if (engine_apply_value(Z_STRVAL_P(name), Z_STRVAL_P(value), admin != NULL, 1) == ENGINE_VALUE_UNKNOWN) {
		web_log(WEB_LOG_ERROR, "Passing INI directive through FastCGI: unable to set '%s'", Z_STRVAL_P(name));
	}
}

static void apply_param(const char *text, void *admin)
{
	size_t len = text ? strlen(text) : 0;
	char *lines;

	if (!text) {
		return;
	}
	lines = emalloc(len + 2);
	memcpy(lines, text, len);
	memcpy(lines + len, "\n", 2);
	zend_parse_ini_string(lines, 1, ZEND_INI_SCANNER_NORMAL, apply_entry, admin);
	efree(lines);
}

void web_apply_request_values(void)
{
	apply_param(web_request->php_value, NULL);
	apply_param(web_request->php_admin_value, web_request);
}

void web_restore_request_values(void)
{
	while (replaced_len > 0) {
		struct replaced *old = &replaced[--replaced_len];
		zend_ini_entry *entry = old->entry;

		if (entry->on_modify) {
			zend_try {
				entry->on_modify(entry, old->value, entry->mh_arg1, entry->mh_arg2, entry->mh_arg3, ZEND_INI_STAGE_DEACTIVATE);
			} zend_end_try();
		}
		entry->value = old->value;
		entry->modifiable = old->modifiable;
		free(old->replacement);
	}
}
