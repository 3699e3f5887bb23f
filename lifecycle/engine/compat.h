/*
 * What differs between PHP 8.2, 8.3, 8.4 and 8.5 for the engine, in one place.
 * 8.2 is the version proved by the tests; the others follow the declarations of their headers.
 */
#ifndef PHPSAPI_COMPAT_H
#define PHPSAPI_COMPAT_H

#if PHP_VERSION_ID < 80200 || PHP_VERSION_ID >= 80600
#error "phpsapi needs the headers of PHP 8.2, 8.3, 8.4 or 8.5."
#endif
#ifdef ZTS
#error "phpsapi needs a non-thread-safe (NTS) build of PHP."
#endif

/* 8.3 split the CONST_CS flag off: constants are always case-sensitive and the flag is 0 or gone. */
#ifndef CONST_CS
#define CONST_CS 0
#endif

/* Since 8.3 "Could not open input file" goes to stderr and no more to the output. */
#define ENGINE_OPEN_ERROR_ON_STDERR (PHP_VERSION_ID >= 80300)

/* Since 8.3 STDIN, STDOUT and STDERR are there for a script that is not a file, too. */
#define ENGINE_STREAMS_WITHOUT_FILE (PHP_VERSION_ID >= 80300)

/* Since 8.4 flush() sends the response's head if there is no body yet, in php-fpm and in php-cgi's FastCGI server. */
#define ENGINE_FLUSH_SENDS_HEAD (PHP_VERSION_ID >= 80400)

/* 8.5 has no disable_classes any more: the setting is unknown. */
#if PHP_VERSION_ID >= 80500
#define ENGINE_DISABLE_CLASS(name) ((void)(name))
#else
#define ENGINE_DISABLE_CLASS(name) zend_disable_class(name, strlen(name))
#endif

/* Since 8.5 php-fpm has fastcgi.script_path_encoded. */
#define ENGINE_SCRIPT_PATH_ENCODED (PHP_VERSION_ID >= 80500)

/* The callback in which a request's own settings are applied. Since 8.5 it is called before PHP reads the body, so that a
 * post_max_size among them is in force. */
#if PHP_VERSION_ID >= 80500
#define ENGINE_SETTINGS_CALLBACK pre_request_init
#else
#define ENGINE_SETTINGS_CALLBACK activate
#endif

/* Since 8.4 php tells extensions in SG(server_context) whether it executes a script, checks one, and so on. */
#define ENGINE_TELLS_CLI_MODE (PHP_VERSION_ID >= 80400)

/* Since 8.4 php's development server executes its router as any script, but in the current directory. Before that it requires
 * it, without auto_prepend_file and auto_append_file, and silently if it has a parse error. */
static inline int compat_execute_router(zend_file_handle *router, zval *result)
{
#if PHP_VERSION_ID >= 80400
	int options = SG(options), executed;

	SG(options) |= SAPI_OPTION_NO_CHDIR;
	executed = php_execute_script_ex(router, result);
	SG(options) = options;
	return executed;
#else
	PG(during_request_startup) = 0;
	if (PG(max_input_time) != -1) {
		zend_set_timeout(zend_ini_long("max_execution_time", strlen("max_execution_time"), 0), 0);
	}
	return zend_execute_scripts(ZEND_REQUIRE, result, 1, router) == SUCCESS;
#endif
}

/* Since 8.5 cli_set_process_title() takes a title as a whole, NULs and all, or not at all. */
#define ENGINE_TITLE_MUST_FIT (PHP_VERSION_ID >= 80500)

/* The value of a setting that is built in, which a setting knows since 8.5. */
#if PHP_VERSION_ID >= 80500
#define ENGINE_BUILT_IN(setting) ((setting)->def->value)
#else
#define ENGINE_BUILT_IN(setting) NULL
#endif

/* What a process that was forked does first. */
#if PHP_VERSION_ID >= 80500
#define ENGINE_CHILD_INIT() php_child_init()
#else
#define ENGINE_CHILD_INIT() ((void)0)
#endif

/* Who built this PHP, which -v tells since 8.4. */
#ifdef PHP_BUILD_PROVIDER
#define ENGINE_BUILD_PROVIDER PHP_BUILD_PROVIDER
#else
#define ENGINE_BUILD_PROVIDER ""
#endif

/* 8.3 renamed PHP's own development server. %s is PHP_VERSION. */
#if PHP_VERSION_ID >= 80300
#define ENGINE_SERVER_SOFTWARE "PHP/%s (Development Server)"
#else
#define ENGINE_SERVER_SOFTWARE "PHP %s Development Server"
#endif

/* What `php -v` names besides the version: thread safety, compiler, architecture, debug. */
#ifdef PHP_BUILD_COMPILER
#define ENGINE_BUILD_COMPILER " " PHP_BUILD_COMPILER
#else
#define ENGINE_BUILD_COMPILER ""
#endif
#ifdef PHP_BUILD_ARCH
#define ENGINE_BUILD_ARCH " " PHP_BUILD_ARCH
#else
#define ENGINE_BUILD_ARCH ""
#endif
#if ZEND_DEBUG
#define ENGINE_BUILD_DEBUG " DEBUG"
#else
#define ENGINE_BUILD_DEBUG ""
#endif
#define ENGINE_BUILD "NTS" ENGINE_BUILD_COMPILER ENGINE_BUILD_ARCH ENGINE_BUILD_DEBUG

#endif
