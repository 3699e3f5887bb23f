/*
 * PHP's own declarations, and the contract. The files of this directory are compiled once for each PHP
 * (packaging/build-engine), and are the only ones that include its headers.
 *
 * PHP's functions and variables are used by their names. In an object that is linked into the program these are looked up
 * when a libphp is loaded, so that no initializer of a static variable may have the address of one.
 *
 * The version conditionals for PHP 8.2 to 8.5 are in compat.h, and nowhere else.
 */
#ifndef PHPSAPI_PHP_H
#define PHPSAPI_PHP_H

#include <stddef.h>

#include "main/php.h"
#include "main/SAPI.h"
#include "main/fopen_wrappers.h"
#include "main/php_globals.h"
#include "main/php_ini.h"
#include "main/php_main.h"
#include "main/php_output.h"
#include "main/php_streams.h"
#include "main/php_variables.h"
#include "Zend/zend_constants.h"
#include "Zend/zend_exceptions.h"
#include "Zend/zend_extensions.h"
#include "Zend/zend_highlight.h"
#include "Zend/zend_interfaces.h"
#include "Zend/zend_signal.h"
#include "Zend/zend_stream.h"
#include "Zend/zend_ini_scanner.h"
#include "Zend/zend_smart_str.h"
#include "ext/standard/file.h"
#include "ext/standard/basic_functions.h"
#include "ext/standard/info.h"
#include "ext/standard/dl.h"
#include "ext/standard/head.h"
#include "ext/date/php_date.h"
#include "ext/json/php_json.h"
#if __has_include("ext/session/php_session.h")
#include "ext/session/php_session.h"
#endif

#include "engine.h"

#include "compat.h"

/* Exported by libphp, declared in no header. */
extern PHPAPI char *php_ini_opened_path;
extern PHPAPI char *php_ini_scanned_path;
extern PHPAPI char *php_ini_scanned_files;
extern PHP_FUNCTION(dl);
extern PHPAPI zend_class_entry *reflection_class_ptr;
extern PHPAPI zend_class_entry *reflection_extension_ptr;
extern PHPAPI zend_class_entry *reflection_function_ptr;
extern PHPAPI zend_class_entry *reflection_method_ptr;
extern PHPAPI zend_class_entry *reflection_zend_extension_ptr;

#include "fields.h"

/* The functions of the contract, which the files of this directory define. */
#define X(type, name, parameters, arguments) type engine_##name parameters;
ENGINE_FUNCTIONS(X)
#undef X

/* The program. */
extern const struct engine_host *host;

#endif
