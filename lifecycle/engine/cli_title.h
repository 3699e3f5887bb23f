/* The process title's functions, which cli and cli-server add to PHP's (cli_title.c). */
#ifndef PHPSAPI_TITLE_FUNCTIONS_H
#define PHPSAPI_TITLE_FUNCTIONS_H

PHP_FUNCTION(cli_set_process_title);
PHP_FUNCTION(cli_get_process_title);

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_set_title, 0, 1, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, title, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_get_title, 0, 0, IS_STRING, 1)
ZEND_END_ARG_INFO()

#define CLI_TITLE_FUNCTIONS \
	PHP_FE(cli_set_process_title, arginfo_set_title) \
	PHP_FE(cli_get_process_title, arginfo_get_title)

#endif
