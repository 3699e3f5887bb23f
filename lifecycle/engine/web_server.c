/* What the worker of php's development server does to a request besides. Counterpart: sapi/cli/php_cli_server.c. */
#include <unistd.h>

#include "php_module.h"
#include "web.h"

int engine_web_execute_router(const char *path)
{
	zend_file_handle script;
	char directory[MAXPATHLEN];
	volatile int declined = 0;

	if (!getcwd(directory, sizeof(directory))) {
		directory[0] = '\0';
	}
	zend_stream_init_filename(&script, path);
	script.primary_script = 1;
	zend_try {
		zval result;

		ZVAL_UNDEF(&result);
		CG(skip_shebang) = 1;
		if (compat_execute_router(&script, &result) && Z_TYPE(result) != IS_UNDEF) {
			declined = Z_TYPE(result) == IS_FALSE;
			zval_ptr_dtor(&result);
		}
	} zend_end_try();
	zend_destroy_file_handle(&script);
	end_if_forked();
	if (directory[0] && chdir(directory) != 0) {
		/* the directory is gone: the next script finds that out itself */
	}
	return declined;
}

void engine_web_no_default_content_type(void)
{
	SG(sapi_headers).send_default_content_type = 0;
}
