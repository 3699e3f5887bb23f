/* PHPSAPIMode process. */
#include "apache.h"

int apache_start_process(apr_pool_t *p, server_rec *s)
{
	ap_log_error(APLOG_MARK, APLOG_CRIT | APLOG_STARTUP, 0, NULL, "mod_phpsapi: this build has no PHPSAPIMode process");
	return HTTP_INTERNAL_SERVER_ERROR;
}

void apache_child_of_process(apr_pool_t *p, server_rec *s)
{
}

int apache_in_process(request_rec *r, enum apache_kind kind)
{
	return HTTP_INTERNAL_SERVER_ERROR; /* httpd has not started */
}
