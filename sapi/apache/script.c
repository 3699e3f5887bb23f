/* Which requests are for PHP, by what httpd knows of their files. Counterpart: sapi/apache2handler/sapi_apache2.c (php_handler). */
#include <string.h>

#include "apache.h"

enum apache_kind apache_kind_of(const request_rec *r)
{
	if (strcmp(r->handler, "application/x-httpd-php") == 0 || strcmp(r->handler, "php-script") == 0) {
		return APACHE_SCRIPT;
	}
	if (strcmp(r->handler, "application/x-httpd-php-source") == 0) {
		return APACHE_SOURCE;
	}
	if (strcmp(r->handler, "text/html") == 0 && (r->finfo.protection & APR_UEXECUTE)) {
		return APACHE_MAY_BE;
	}
	return APACHE_NOT_PHP;
}

static int check_script(request_rec *r)
{
	if (r->finfo.filetype == APR_NOFILE) {
		ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "script '%s' not found or unable to stat", r->filename);
		return HTTP_NOT_FOUND;
	}
	if (r->finfo.filetype == APR_DIR) {
		ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "attempt to invoke directory '%s' as script", r->filename);
		return HTTP_FORBIDDEN;
	}
	return OK;
}

int apache_decide(request_rec *r, enum apache_kind kind, bool engine, bool xbithack)
{
	if (kind == APACHE_MAY_BE && !xbithack) {
		return DECLINED;
	}
	if (r->used_path_info == AP_REQ_REJECT_PATH_INFO && r->path_info && *r->path_info) {
		return HTTP_NOT_FOUND;
	}
	return engine ? check_script(r) : DECLINED;
}
