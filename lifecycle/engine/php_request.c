/* What every front end's request shares. */
#include "php_module.h"

int engine_exit_status(void)
{
	return EG(exit_status);
}

void engine_set_exit_status(int status)
{
	EG(exit_status) = status;
}

int engine_request_startup(void)
{
	return php_request_startup() == FAILURE ? -1 : 0;
}

void engine_request_shutdown(void)
{
	php_request_shutdown(NULL);
}

void engine_deactivate(void)
{
	sapi_deactivate();
}

void engine_close_persistent(void)
{
	if (zend_hash_num_elements(&EG(persistent_list)) > 0) {
		zend_try {
			zend_hash_graceful_reverse_destroy(&EG(persistent_list));
		} zend_end_try();
	}
}

void engine_load_zend_extension(const char *path)
{
	zend_load_extension(path);
}
