/* PHPSAPIMode pool. */
#include "apache.h"

int apache_start_pool(apr_pool_t *p, server_rec *s)
{
	ap_log_error(APLOG_MARK, APLOG_CRIT | APLOG_STARTUP, 0, NULL, "mod_phpsapi: this build has no PHPSAPIMode pool; PHPSAPIMode process, with the MPM prefork, is there");
	return HTTP_INTERNAL_SERVER_ERROR;
}

void apache_child_of_pool(apr_pool_t *p, server_rec *s)
{
}

int apache_in_pool(request_rec *r, enum apache_kind kind)
{
	return HTTP_INTERNAL_SERVER_ERROR; /* httpd has not started */
}
