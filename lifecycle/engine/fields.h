/*
 * The fields of libphp's global structures that the engine uses.
 *
 * Debian replaces libphp by another patch release without asking the programs that load it. PHP keeps such releases
 * compatible for extensions: within a module API a structure keeps its fields in their places and grows only at its
 * end. The engine relies on the same and on nothing else. So libphp may be older or newer than the headers, as long
 * as each structure reaches as far as the last field used here. php_engine.c tells the program how far that is, and engine_fit.c compares it with what libphp has.
 *
 * A field is used through its macro (EG, SG, ...), as in PHP. A field that is not listed here does not compile.
 * What libphp allocates itself (strings, arrays, functions, modules ...) has no size to compare. The module API's
 * number stands for it.
 */
#ifndef PHPSAPI_FIELDS_H
#define PHPSAPI_FIELDS_H

#ifndef PHPSAPI_PHP_H
#error "include php.h"
#endif

#define BASIC_FIELDS(X) \
	X(user_shutdown_function_names)

#define COMPILER_FIELDS(X) \
	X(auto_globals) \
	X(class_table) \
	X(compiler_options) \
	X(function_table) \
	X(skip_shebang)

#define CORE_FIELDS(X) \
	X(connection_status) \
	X(doc_root) \
	X(during_request_startup) \
	X(error_log) \
	X(expose_php) \
	X(header_is_being_sent) \
	X(http_globals) \
	X(ignore_user_abort) \
	X(implicit_flush) \
	X(last_error_file) \
	X(last_error_lineno) \
	X(last_error_message) \
	X(last_error_type) \
	X(max_input_time) \
	X(memory_limit) \
	X(open_basedir) \
	X(output_buffering) \
	X(output_handler) \
	X(php_binary) \
	X(user_ini_cache_ttl) \
	X(user_ini_filename) \
	X(variables_order)

#define EXECUTOR_FIELDS(X) \
	X(active) \
	X(active_fiber) \
	X(bailout) \
	X(current_execute_data) \
	X(exception) \
	X(exit_status) \
	X(ini_directives) \
	X(modified_ini_directives) \
	X(objects_store) \
	X(persistent_list) \
	X(regular_list) \
	X(symbol_table) \
	X(timeout_seconds) \
	X(user_error_handler) \
	X(user_error_handler_error_reporting) \
	X(user_error_handlers) \
	X(user_error_handlers_error_reporting) \
	X(user_exception_handler) \
	X(user_exception_handlers) \
	X(vm_interrupt) \
	X(zend_constants)

#define FILE_FIELDS(X) \
	X(default_socket_timeout)

#define SAPI_FIELDS(X) \
	X(headers_sent) \
	X(options) \
	X(read_post_bytes) \
	X(request_info) \
	X(rfc1867_uploaded_files) \
	X(sapi_headers) \
	X(sapi_started) \
	X(server_context)

#define SIGNAL_FIELDS(X) \
	X(reset)

/* Those of sapi_module_struct: set in the module that PHP is started with, or called. */
#define SAPI_MODULE_FIELDS(X) \
	X(ENGINE_SETTINGS_CALLBACK) \
	X(additional_functions) \
	X(deactivate) \
	X(flush) \
	X(get_request_time) \
	X(getenv) \
	X(header_handler) \
	X(ini_defaults) \
	X(ini_entries) \
	X(input_filter) \
	X(log_message) \
	X(name) \
	X(php_ini_ignore) \
	X(php_ini_ignore_cwd) \
	X(php_ini_path_override) \
	X(phpinfo_as_text) \
	X(pretty_name) \
	X(read_cookies) \
	X(read_post) \
	X(register_server_variables) \
	X(sapi_error) \
	X(send_header) \
	X(send_headers) \
	X(shutdown) \
	X(startup) \
	X(ub_write)

/* The size of such a union is what a structure needs at least. */
#define FIELD_END(type, field) char field[offsetof(type, field) + sizeof(((type *)NULL)->field)];
#define X(field) FIELD_END(php_basic_globals, field)
union basic_fields { BASIC_FIELDS(X) };
#undef X
#define X(field) FIELD_END(zend_compiler_globals, field)
union compiler_fields { COMPILER_FIELDS(X) };
#undef X
#define X(field) FIELD_END(php_core_globals, field)
union core_fields { CORE_FIELDS(X) };
#undef X
#define X(field) FIELD_END(zend_executor_globals, field)
union executor_fields { EXECUTOR_FIELDS(X) };
#undef X
#define X(field) FIELD_END(php_file_globals, field)
union file_fields { FILE_FIELDS(X) };
#undef X
#define X(field) FIELD_END(sapi_globals_struct, field)
union sapi_fields { SAPI_FIELDS(X) };
#undef X
#define X(field) FIELD_END(zend_signal_globals_t, field)
union signal_fields { SIGNAL_FIELDS(X) };
#undef X
#define X(field) FIELD_END(sapi_module_struct, field)
union sapi_module_fields { SAPI_MODULE_FIELDS(X) };
#undef X

/* object's field, if fields lists it. */
#define LISTED_FIELD(object, fields, field) ((&object + 0 * sizeof(((union fields *)NULL)->field))->field)

#undef BG
#undef CG
#undef EG
#undef FG
#undef PG
#undef SG
#undef SIGG
#define BG(field) LISTED_FIELD(basic_globals, basic_fields, field)
#define CG(field) LISTED_FIELD(compiler_globals, compiler_fields, field)
#define EG(field) LISTED_FIELD(executor_globals, executor_fields, field)
#define FG(field) LISTED_FIELD(file_globals, file_fields, field)
#define PG(field) LISTED_FIELD(core_globals, core_fields, field)
#define SG(field) LISTED_FIELD(sapi_globals, sapi_fields, field)
#define SIGG(field) LISTED_FIELD(zend_signal_globals, signal_fields, field)
#define SAPI_MODULE(field) LISTED_FIELD(sapi_module, sapi_module_fields, field)

/* A sapi_module_struct as far as the engine fills it. */
struct filled_module {
#define X(field) __typeof__(((sapi_module_struct *)NULL)->field) field;
	SAPI_MODULE_FIELDS(X)
#undef X
};

/* The sapi_module_struct that PHP is started with. libphp copies as many bytes as its own has, so there is room after
 * the last field that the headers know, and it is zero. */
union passed_module {
	sapi_module_struct module;
	char room[sizeof(sapi_module_struct) + 512];
};

#endif
