/* The directives, and what becomes of them. Counterpart: sapi/apache2handler/apache_config.c. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>
#include <http_core.h>

#include "apache.h"

module *apache_module;

struct apache_options apache_options;

void apache_forget_options(apr_pool_t *p)
{
	apache_options = (struct apache_options){.mode = APACHE_PROCESS, .admin_values = apr_array_make(p, 8, sizeof(const char *))};
}

/* ---- PHP's settings by directory ---- */

static struct engine_httpd_value *find(const struct apache_directory *d, const char *name, size_t len)
{
	struct engine_httpd_value *values = (struct engine_httpd_value *)d->values->elts;
	int i;

	for (i = 0; i < d->values->nelts; i++) {
		if (values[i].name_len == len && memcmp(values[i].name, name, len) == 0) {
			return &values[i];
		}
	}
	return NULL;
}

const struct engine_httpd_value *apache_value_of(const struct apache_directory *d, const char *name)
{
	return find(d, name, strlen(name));
}

const struct apache_directory *apache_directory_of(const request_rec *r)
{
	return ap_get_module_config(r->per_dir_config, apache_module);
}

static void put(struct apache_directory *d, const struct engine_httpd_value *value)
{
	struct engine_httpd_value *old = find(d, value->name, value->name_len);

	*(old ? old : (struct engine_httpd_value *)apr_array_push(d->values)) = *value;
}

void *apache_create_directory(apr_pool_t *p, char *path)
{
	struct apache_directory *d = apr_palloc(p, sizeof(*d));

	d->values = apr_array_make(p, 0, sizeof(struct engine_httpd_value));
	return d;
}

/* What is said below counts, unless only an administrator may say it, and one has said it above. */
void *apache_merge_directories(apr_pool_t *p, void *above, void *below)
{
	const struct apache_directory *a = above, *b = below;
	const struct engine_httpd_value *values = (const struct engine_httpd_value *)b->values->elts;
	struct apache_directory *d = apr_palloc(p, sizeof(*d));
	int i;

	if (b->values->nelts == 0) {
		return above;
	}
	d->values = apr_array_copy(p, a->values);
	for (i = 0; i < b->values->nelts; i++) {
		const struct engine_httpd_value *old = find(d, values[i].name, values[i].name_len);

		if (!old || values[i].admin >= old->admin) {
			put(d, &values[i]);
		}
	}
	return d;
}

static const char *set(cmd_parms *cmd, void *directory, const char *name, const char *value, bool admin)
{
	struct engine_httpd_value said = {.name = name, .name_len = strlen(name), .admin = admin};

	said.value = strcasecmp(value, "none") == 0 ? "" : value;
	said.value_len = strlen(said.value);
	said.htaccess = (cmd->override & (RSRC_CONF | ACCESS_CONF)) == 0;
	put(directory, &said);
	if (admin) {
		APR_ARRAY_PUSH(apache_options.admin_values, const char *) = name;
	}
	return NULL;
}

bool apache_is_on(const char *value)
{
	return value && (strcasecmp(value, "on") == 0 || strcasecmp(value, "yes") == 0 || strcasecmp(value, "true") == 0 || atoi(value) != 0);
}

static const char *flag(const char *value)
{
	return strcasecmp(value, "on") == 0 || strcmp(value, "1") == 0 ? "1" : "0";
}

static const char *php_value(cmd_parms *cmd, void *directory, const char *name, const char *value)
{
	return set(cmd, directory, name, value, false);
}

static const char *php_flag(cmd_parms *cmd, void *directory, const char *name, const char *value)
{
	return set(cmd, directory, name, flag(value), false);
}

static const char *php_admin_value(cmd_parms *cmd, void *directory, const char *name, const char *value)
{
	return set(cmd, directory, name, value, true);
}

static const char *php_admin_flag(cmd_parms *cmd, void *directory, const char *name, const char *value)
{
	return set(cmd, directory, name, flag(value), true);
}

/* ---- the options ---- */

static const char *php_ini_dir(cmd_parms *cmd, void *directory, const char *path)
{
	if (apache_options.ini_dir) {
		return apr_psprintf(cmd->pool, "PHPINIDir is %s already: PHP is started once, and has one", apache_options.ini_dir);
	}
	apache_options.ini_dir = ap_server_root_relative(cmd->pool, path);
	return apache_options.ini_dir ? NULL : apr_psprintf(cmd->pool, "PHPINIDir %s is not a path", path);
}

static const char *phpsapi_mode(cmd_parms *cmd, void *directory, const char *mode)
{
	const char *misplaced = ap_check_cmd_context(cmd, GLOBAL_ONLY);

	if (misplaced) {
		return misplaced;
	}
	if (strcasecmp(mode, "process") == 0) {
		apache_options.mode = APACHE_PROCESS;
	} else if (strcasecmp(mode, "pool") == 0) {
		apache_options.mode = APACHE_POOL;
	} else {
		return apr_psprintf(cmd->pool, "PHPSAPIMode is process or pool, and not %s", mode);
	}
	return NULL;
}

static const char *phpsapi_engine(cmd_parms *cmd, void *directory, const char *engine)
{
	apache_options.engine = engine;
	return ap_check_cmd_context(cmd, GLOBAL_ONLY);
}

static const char *phpsapi_program(cmd_parms *cmd, void *directory, const char *path)
{
	apache_options.program = ap_server_root_relative(cmd->pool, path);
	return ap_check_cmd_context(cmd, GLOBAL_ONLY);
}

static const char *phpsapi_pool(cmd_parms *cmd, void *directory, const char *name, const char *value)
{
	apr_array_header_t *lines = apache_options.pool_settings ? (apr_array_header_t *)apache_options.pool_settings
		: apr_array_make(cmd->pool, 4, sizeof(const char *));

	if (strpbrk(name, "\n=[];") || strchr(value, '\n')) {
		return apr_psprintf(cmd->pool, "PHPSAPIPool %s is not a directive of php-fpm.conf with its value", name);
	}
	APR_ARRAY_PUSH(lines, const char *) = apr_pstrcat(cmd->pool, name, " = ", value, NULL);
	apache_options.pool_settings = lines;
	return ap_check_cmd_context(cmd, GLOBAL_ONLY);
}

static const char *phpsapi_user(cmd_parms *cmd, void *directory, const char *user, const char *group)
{
	struct apache_server *s = ap_get_module_config(cmd->server->module_config, apache_module);

	s->user = user;
	s->group = group;
	return ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
}

void *apache_create_server(apr_pool_t *p, server_rec *s)
{
	return apr_pcalloc(p, sizeof(struct apache_server));
}

void *apache_merge_servers(apr_pool_t *p, void *above, void *below)
{
	const struct apache_server *b = below;

	return b->user ? below : above;
}

const command_rec apache_directives[] = {
	AP_INIT_TAKE2("php_value", php_value, NULL, OR_OPTIONS, "a setting of PHP's, and its value"),
	AP_INIT_TAKE2("php_flag", php_flag, NULL, OR_OPTIONS, "a setting of PHP's, and On or Off"),
	AP_INIT_TAKE2("php_admin_value", php_admin_value, NULL, ACCESS_CONF | RSRC_CONF, "a setting of PHP's that nothing below may change, and its value"),
	AP_INIT_TAKE2("php_admin_flag", php_admin_flag, NULL, ACCESS_CONF | RSRC_CONF, "a setting of PHP's that nothing below may change, and On or Off"),
	AP_INIT_TAKE1("PHPINIDir", php_ini_dir, NULL, RSRC_CONF, "the directory of php.ini"),
	AP_INIT_TAKE1("PHPSAPIMode", phpsapi_mode, NULL, RSRC_CONF, "where PHP is: process (httpd's own) or pool (a phpsapi fpm that httpd starts)"),
	AP_INIT_TAKE1("PHPSAPIEngine", phpsapi_engine, NULL, RSRC_CONF, "which PHP: a version, such as 8.4, or the file of a libphp or an engine"),
	AP_INIT_TAKE1("PHPSAPIProgram", phpsapi_program, NULL, RSRC_CONF, "with PHPSAPIMode pool, the file of the program phpsapi"),
	AP_INIT_TAKE2("PHPSAPIPool", phpsapi_pool, NULL, RSRC_CONF, "with PHPSAPIMode pool, a directive of php-fpm.conf for each pool, and its value"),
	AP_INIT_TAKE12("PHPSAPIUser", phpsapi_user, NULL, RSRC_CONF, "with PHPSAPIMode pool, the user whom scripts run as, and the group"),
	{NULL},
};
