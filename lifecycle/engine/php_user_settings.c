/*
 * A request's own settings: php.ini's [HOST=] and [PATH=] sections and the .user.ini files from the document root
 * down to the script's directory. PHP takes them back at the end of the request.
 * Counterpart: sapi_cgi_activate and php_cgi_ini_activate_user_config in sapi/cgi/cgi_main.c.
 */
#include <ctype.h>
#include <string.h>

#include "php_module.h"

/* What the .user.ini files on the way to a directory say, kept for user_ini.cache_ttl seconds. */
struct user_settings {
	time_t expires;
	HashTable values;
};

static HashTable cache; /* a directory's path, with its slash -> struct user_settings */
static int cache_is_there;

static void destroy_user_settings(zval *value)
{
	struct user_settings *settings = Z_PTR_P(value);

	zend_hash_destroy(&settings->values);
	free(settings);
}

void user_settings_forget(void)
{
	if (cache_is_there) {
		zend_hash_destroy(&cache);
		cache_is_there = 0;
	}
}

static struct user_settings *cached_settings(const char *directory, size_t len)
{
	struct user_settings *settings;
	zval *found, value;

	if (!cache_is_there) {
		_zend_hash_init(&cache, 0, destroy_user_settings, 1);
		cache_is_there = 1;
	}
	found = zend_hash_str_find(&cache, directory, len);
	if (found) {
		return Z_PTR_P(found);
	}
	settings = calloc(1, sizeof(*settings));
	if (!settings) {
		return NULL;
	}
	_zend_hash_init(&settings->values, 8, (dtor_func_t)config_zval_dtor, 1);
	ZVAL_PTR(&value, settings);
	zend_hash_str_update(&cache, directory, len, &value);
	return settings;
}

/* Reads the .user.ini of every directory from the document root down to path, which ends in a slash; outside of the
 * document root only that of path itself. */
static void read_user_files(char *path, const char *root, HashTable *values)
{
	size_t path_len = strlen(path), root_len = strlen(root);
	char *slash;

	if (root_len > 0 && root[root_len - 1] == '/') {
		root_len--;
	}
	if (strncmp(root, path, root_len < path_len ? root_len : path_len) != 0) {
		php_parse_user_ini_file(path, PG(user_ini_filename), values);
		return;
	}
	for (slash = strchr(path + (root_len < path_len ? root_len : path_len), '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		php_parse_user_ini_file(path, PG(user_ini_filename), values);
		*slash = '/';
	}
}

static void activate_user_files(const char *directory, const char *root)
{
	time_t now = (time_t)sapi_get_request_time();
	struct user_settings *settings = cached_settings(directory, strlen(directory));

	if (!settings) {
		return;
	}
	if (now > settings->expires) {
		char path[MAXPATHLEN + 1];

		zend_hash_clean(&settings->values);
		if (directory[0] == '/') {
			strncpy(path, directory, sizeof(path) - 1);
			path[sizeof(path) - 1] = '\0';
		} else if (!tsrm_realpath(directory, path)) {
			return;
		}
		read_user_files(path, root, &settings->values);
		settings->expires = now + PG(user_ini_cache_ttl);
	}
	php_ini_activate_config(&settings->values, PHP_INI_PERDIR, PHP_INI_STAGE_HTACCESS);
}

/* The engine has made them ZEND_INI_SYSTEM. */
static void mark_sections(void)
{
	zend_ini_entry *entry;

	if (!EG(modified_ini_directives)) {
		return;
	}
	ZEND_HASH_FOREACH_PTR(EG(modified_ini_directives), entry) {
		if (entry->modifiable == ZEND_INI_SYSTEM) {
			entry->modifiable = INI_SYSTEM_OF_SOME;
		}
	} ZEND_HASH_FOREACH_END();
}

static void activate_host(const char *given)
{
	char host[256];
	size_t len = strlen(given), i;

	if (len >= sizeof(host)) {
		return;
	}
	for (i = 0; i <= len; i++) {
		host[i] = tolower((unsigned char)given[i]);
	}
	php_ini_activate_per_host_config(host, len);
}

int user_settings_activate(const char *host, const char *document_root)
{
	char directory[MAXPATHLEN + 2];
	size_t len;

	if (!SG(request_info).path_translated) {
		return FAILURE;
	}
	if (host && php_ini_has_per_host_config()) {
		activate_host(host);
		mark_sections();
	}
	if (!php_ini_has_per_dir_config() && !(PG(user_ini_filename) && *PG(user_ini_filename))) {
		return SUCCESS;
	}
	len = strlen(SG(request_info).path_translated);
	if (len > MAXPATHLEN) {
		return FAILURE;
	}
	memcpy(directory, SG(request_info).path_translated, len + 1);
	len = zend_dirname(directory, len);
	directory[len++] = '/';
	directory[len] = '\0';
	php_ini_activate_per_dir_config(directory, len);
	mark_sections();
	if (PG(user_ini_filename) && *PG(user_ini_filename) && document_root) {
		activate_user_files(directory, document_root);
	}
	return SUCCESS;
}
