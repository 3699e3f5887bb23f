/* cli_set_process_title() and cli_get_process_title(). Counterpart: sapi/cli/php_cli_process_title.c. */
#include "php.h"
#include "cli_title.h"

PHP_FUNCTION(cli_set_process_title)
{
	char *title;
	size_t len;

	if (zend_parse_parameters(ZEND_NUM_ARGS(), "s", &title, &len) == FAILURE) {
		return;
	}
	if (!ENGINE_TITLE_MUST_FIT) {
		len = strlen(title);
	} else if (len > host->title_room()) {
		php_error_docref(NULL, E_WARNING, "cli_set_process_title had an error: Too long");
		RETURN_FALSE;
	}
	if (!host->title_set(title, len)) {
		php_error_docref(NULL, E_WARNING, "cli_set_process_title had an error: Buffer not contiguous");
		RETURN_FALSE;
	}
	RETURN_TRUE;
}

PHP_FUNCTION(cli_get_process_title)
{
	const char *title;
	size_t len;

	if (zend_parse_parameters(ZEND_NUM_ARGS(), "") == FAILURE) {
		return;
	}
	title = host->title_get(&len);
	if (!title) {
		php_error_docref(NULL, E_WARNING, "cli_get_process_title had an error: Buffer not contiguous");
		RETURN_NULL();
	}
	RETURN_STRINGL(title, len);
}
