/*
 * PHP's own declarations, turned into pointers that libphp.c fills with dlsym.
 *
 * The binary is not linked against libphp: the roles that run PHP load it, the others start without it. After PHP's
 * headers each symbol we use is redefined as the object behind a typed pointer (p_NAME), so that the code below
 * reads as it would in php-src. A symbol that is used but not redirected fails at link time; one that is redirected
 * but not listed in ENGINE_SYMBOLS fails at compile time.
 *
 * The version conditionals for PHP 8.2 to 8.5 are in compat.h, and nowhere else.
 */
#ifndef PHPSAPI_LIBPHP_H
#define PHPSAPI_LIBPHP_H

#if !__has_include("main/php.h")
#error "PHP's headers were not found. Install them (Debian: apt-get install php8.2-dev), or run 'make build', which does."
#endif

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
#include "ext/standard/file.h"
#include "ext/standard/basic_functions.h"
#include "ext/standard/info.h"
#include "ext/standard/dl.h"
#include "ext/standard/head.h"

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

/* Every symbol of libphp that this package uses. */
#define ENGINE_SYMBOLS(X) \
	X(add_assoc_double_ex) \
	X(add_assoc_long_ex) \
	X(add_assoc_stringl_ex) \
	X(compiler_globals) \
	X(config_zval_dtor) \
	X(core_globals) \
	X(display_ini_entries) \
	X(_efree) \
	X(_emalloc) \
	X(_estrdup) \
	X(_estrndup) \
	X(executor_globals) \
	X(file_globals) \
	X(get_zend_version) \
	X(module_registry) \
	X(object_init_ex) \
	X(OnUpdateBool) \
	X(OnUpdateString) \
	X(open_file_for_scanning) \
	X(php_dl) \
	X(php_error_docref) \
	X(php_execute_script) \
	X(php_fopen_primary_script) \
	X(php_get_highlight_struct) \
	X(php_handle_aborted_connection) \
	X(php_handle_auth_data) \
	X(php_header) \
	X(php_import_environment_variables) \
	X(php_info_print_module) \
	X(php_info_print_table_end) \
	X(php_info_print_table_row) \
	X(php_info_print_table_start) \
	X(php_ini_activate_config) \
	X(php_ini_activate_per_dir_config) \
	X(php_ini_activate_per_host_config) \
	X(php_ini_has_per_dir_config) \
	X(php_ini_has_per_host_config) \
	X(php_ini_opened_path) \
	X(php_ini_scanned_files) \
	X(php_ini_scanned_path) \
	X(php_lint_script) \
	X(php_load_environment_variables) \
	X(php_module_shutdown) \
	X(php_module_shutdown_wrapper) \
	X(php_module_startup) \
	X(php_output_end_all) \
	X(php_output_write) \
	X(php_parse_user_ini_file) \
	X(php_print_info) \
	X(php_printf) \
	X(php_register_internal_extensions_func) \
	X(php_register_variable) \
	X(php_register_variable_safe) \
	X(php_request_shutdown) \
	X(php_request_startup) \
	X(_php_stream_free) \
	X(_php_stream_get_line) \
	X(_php_stream_open_wrapper_ex) \
	X(reflection_class_ptr) \
	X(reflection_extension_ptr) \
	X(reflection_function_ptr) \
	X(reflection_method_ptr) \
	X(reflection_zend_extension_ptr) \
	X(sapi_add_request_header) \
	X(sapi_deactivate) \
	X(sapi_get_request_time) \
	X(sapi_globals) \
	X(sapi_header_op) \
	X(sapi_module) \
	X(sapi_send_headers) \
	X(sapi_shutdown) \
	X(sapi_startup) \
	X(tsrm_realpath) \
	X(virtual_cwd_activate) \
	X(zend_array_destroy) \
	X(zend_array_dup) \
	X(zend_call_known_function) \
	X(zend_ce_exception) \
	X(zend_clear_exception) \
	X(zend_collect_module_handlers) \
	X(zend_destroy_file_handle) \
	X(zend_dirname) \
	X(zend_disable_class) \
	X(zend_disable_functions) \
	X(zend_error) \
	X(zend_eval_string_ex) \
	X(zend_execute_scripts) \
	X(zend_extensions) \
	X(zend_hash_clean) \
	X(zend_hash_destroy) \
	X(zend_hash_graceful_reverse_destroy) \
	X(_zend_hash_init) \
	X(zend_hash_next_index_insert) \
	X(zend_hash_str_del) \
	X(zend_hash_str_find) \
	X(zend_hash_str_update) \
	X(zend_highlight) \
	X(zend_ini_boolean_displayer_cb) \
	X(zend_ini_deactivate) \
	X(zend_ini_long) \
	X(zend_ini_string_ex) \
	X(zend_interned_strings_switch_storage) \
	X(zend_is_auto_global) \
	X(zend_known_strings) \
	X(zend_load_extension) \
	X(zend_memory_peak_usage) \
	X(_zend_new_array) \
	X(zend_parse_ini_string) \
	X(zend_parse_parameters) \
	X(zend_pass_function) \
	X(zend_print_zval) \
	X(zend_read_property) \
	X(zend_register_bool_constant) \
	X(zend_register_constant) \
	X(zend_register_ini_entries) \
	X(zend_set_timeout) \
	X(zend_signal_globals) \
	X(zend_signal_startup) \
	X(zend_str_tolower_dup) \
	X(zend_stream_init_filename) \
	X(zend_stream_init_fp) \
	X(zend_string_init_interned) \
	X(zend_strip) \
	X(zend_strpprintf) \
	X(zend_unregister_functions) \
	X(zend_unregister_ini_entries) \
	X(zend_write) \
	X(zif_dl) \
	X(zval_get_string_func) \
	X(zval_ptr_dtor)

#define X(symbol) extern __typeof__(symbol) *p_##symbol;
ENGINE_SYMBOLS(X)
#undef X

/* From here on PHP's names mean the engine's objects. */
#define add_assoc_double_ex (*p_add_assoc_double_ex)
#define add_assoc_long_ex (*p_add_assoc_long_ex)
#define add_assoc_stringl_ex (*p_add_assoc_stringl_ex)
#define compiler_globals (*p_compiler_globals)
#define config_zval_dtor (*p_config_zval_dtor)
#define core_globals (*p_core_globals)
#define display_ini_entries (*p_display_ini_entries)
#define _efree (*p__efree)
#undef _emalloc /* a macro for constant sizes */
#define _emalloc (*p__emalloc)
#define _estrdup (*p__estrdup)
#define _estrndup (*p__estrndup)
#define executor_globals (*p_executor_globals)
#define file_globals (*p_file_globals)
#define get_zend_version (*p_get_zend_version)
#define module_registry (*p_module_registry)
#define object_init_ex (*p_object_init_ex)
#define OnUpdateBool (*p_OnUpdateBool)
#define OnUpdateString (*p_OnUpdateString)
#define open_file_for_scanning (*p_open_file_for_scanning)
#define php_dl (*p_php_dl)
#define php_error_docref (*p_php_error_docref)
#define php_execute_script (*p_php_execute_script)
#define php_fopen_primary_script (*p_php_fopen_primary_script)
#define php_get_highlight_struct (*p_php_get_highlight_struct)
#define php_handle_aborted_connection (*p_php_handle_aborted_connection)
#define php_handle_auth_data (*p_php_handle_auth_data)
#define php_header (*p_php_header)
#define php_import_environment_variables (*p_php_import_environment_variables)
#define php_info_print_module (*p_php_info_print_module)
#define php_info_print_table_end (*p_php_info_print_table_end)
#define php_info_print_table_row (*p_php_info_print_table_row)
#define php_info_print_table_start (*p_php_info_print_table_start)
#define php_ini_activate_config (*p_php_ini_activate_config)
#define php_ini_activate_per_dir_config (*p_php_ini_activate_per_dir_config)
#define php_ini_activate_per_host_config (*p_php_ini_activate_per_host_config)
#define php_ini_has_per_dir_config (*p_php_ini_has_per_dir_config)
#define php_ini_has_per_host_config (*p_php_ini_has_per_host_config)
#define php_ini_opened_path (*p_php_ini_opened_path)
#define php_ini_scanned_files (*p_php_ini_scanned_files)
#define php_ini_scanned_path (*p_php_ini_scanned_path)
#define php_lint_script (*p_php_lint_script)
#define php_load_environment_variables (*p_php_load_environment_variables)
#define php_module_shutdown (*p_php_module_shutdown)
#define php_module_shutdown_wrapper (*p_php_module_shutdown_wrapper)
#define php_module_startup (*p_php_module_startup)
#define php_output_end_all (*p_php_output_end_all)
#define php_output_write (*p_php_output_write)
#define php_parse_user_ini_file (*p_php_parse_user_ini_file)
#define php_print_info (*p_php_print_info)
#define php_printf (*p_php_printf)
#define php_register_internal_extensions_func (*p_php_register_internal_extensions_func)
#define php_register_variable (*p_php_register_variable)
#define php_register_variable_safe (*p_php_register_variable_safe)
#define php_request_shutdown (*p_php_request_shutdown)
#define php_request_startup (*p_php_request_startup)
#define _php_stream_free (*p__php_stream_free)
#define _php_stream_get_line (*p__php_stream_get_line)
#define _php_stream_open_wrapper_ex (*p__php_stream_open_wrapper_ex)
#define reflection_class_ptr (*p_reflection_class_ptr)
#define reflection_extension_ptr (*p_reflection_extension_ptr)
#define reflection_function_ptr (*p_reflection_function_ptr)
#define reflection_method_ptr (*p_reflection_method_ptr)
#define reflection_zend_extension_ptr (*p_reflection_zend_extension_ptr)
#define sapi_add_request_header (*p_sapi_add_request_header)
#define sapi_deactivate (*p_sapi_deactivate)
#define sapi_get_request_time (*p_sapi_get_request_time)
#define sapi_globals (*p_sapi_globals)
#define sapi_header_op (*p_sapi_header_op)
#define sapi_module (*p_sapi_module)
#define sapi_send_headers (*p_sapi_send_headers)
#define sapi_shutdown (*p_sapi_shutdown)
#define sapi_startup (*p_sapi_startup)
#define tsrm_realpath (*p_tsrm_realpath)
#define virtual_cwd_activate (*p_virtual_cwd_activate)
#define zend_array_destroy (*p_zend_array_destroy)
#define zend_array_dup (*p_zend_array_dup)
#define zend_call_known_function (*p_zend_call_known_function)
#define zend_ce_exception (*p_zend_ce_exception)
#define zend_clear_exception (*p_zend_clear_exception)
#define zend_collect_module_handlers (*p_zend_collect_module_handlers)
#define zend_destroy_file_handle (*p_zend_destroy_file_handle)
#define zend_dirname (*p_zend_dirname)
#define zend_disable_class (*p_zend_disable_class)
#define zend_disable_functions (*p_zend_disable_functions)
#define zend_error (*p_zend_error)
#define zend_eval_string_ex (*p_zend_eval_string_ex)
#define zend_execute_scripts (*p_zend_execute_scripts)
#define zend_extensions (*p_zend_extensions)
#define zend_hash_clean (*p_zend_hash_clean)
#define zend_hash_destroy (*p_zend_hash_destroy)
#define zend_hash_graceful_reverse_destroy (*p_zend_hash_graceful_reverse_destroy)
#define _zend_hash_init (*p__zend_hash_init)
#define zend_hash_next_index_insert (*p_zend_hash_next_index_insert)
#define zend_hash_str_del (*p_zend_hash_str_del)
#define zend_hash_str_find (*p_zend_hash_str_find)
#define zend_hash_str_update (*p_zend_hash_str_update)
#define zend_highlight (*p_zend_highlight)
#define zend_ini_boolean_displayer_cb (*p_zend_ini_boolean_displayer_cb)
#define zend_ini_deactivate (*p_zend_ini_deactivate)
#define zend_ini_long (*p_zend_ini_long)
#define zend_ini_string_ex (*p_zend_ini_string_ex)
#define zend_interned_strings_switch_storage (*p_zend_interned_strings_switch_storage)
#define zend_is_auto_global (*p_zend_is_auto_global)
#define zend_known_strings (*p_zend_known_strings)
#define zend_load_extension (*p_zend_load_extension)
#define zend_memory_peak_usage (*p_zend_memory_peak_usage)
#define _zend_new_array (*p__zend_new_array)
#define zend_parse_ini_string (*p_zend_parse_ini_string)
#define zend_parse_parameters (*p_zend_parse_parameters)
#define zend_pass_function (*p_zend_pass_function)
#define zend_print_zval (*p_zend_print_zval)
#define zend_read_property (*p_zend_read_property)
#define zend_register_bool_constant (*p_zend_register_bool_constant)
#define zend_register_constant (*p_zend_register_constant)
#define zend_register_ini_entries (*p_zend_register_ini_entries)
#define zend_set_timeout (*p_zend_set_timeout)
#define zend_signal_globals (*p_zend_signal_globals)
#define zend_signal_startup (*p_zend_signal_startup)
#define zend_str_tolower_dup (*p_zend_str_tolower_dup)
#define zend_stream_init_filename (*p_zend_stream_init_filename)
#define zend_stream_init_fp (*p_zend_stream_init_fp)
#define zend_string_init_interned (*p_zend_string_init_interned)
#define zend_strip (*p_zend_strip)
#define zend_strpprintf (*p_zend_strpprintf)
#define zend_unregister_functions (*p_zend_unregister_functions)
#define zend_unregister_ini_entries (*p_zend_unregister_ini_entries)
#define zend_write (*p_zend_write)
#define zif_dl (*p_zif_dl)
#define zval_get_string_func (*p_zval_get_string_func)
#define zval_ptr_dtor (*p_zval_ptr_dtor)

#include "fields.h"

#endif
