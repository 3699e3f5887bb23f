/*
 * What PHP and its extensions look up by name in the executable.
 *
 * phpinfo()'s row "Configuration File (php.ini) Path" is a constant of libphp, the embed SAPI's directory. libphp calls its
 * own php_info_print_table_row by name, and the executable's is found first: it puts the right value in and passes every row
 * on. Where a libphp was built without such calls the row is merely the constant.
 *
 * In the same way the stream in which PHP keeps a request's body has more of it in memory (engine/web_input.c).
 */
#include <stdarg.h>
#include <string.h>

#include "engine_load.h"

#define EXPORTED __attribute__((visibility("default")))

/* ext/readline fills these callbacks in. */
EXPORTED void *php_cli_get_shell_callbacks(void)
{
	return engine_cli_shell_callbacks();
}

/* ext/readline's pager writes through this name. */
EXPORTED ssize_t sapi_cli_single_write(const char *text, size_t len)
{
	return engine_cli_single_write(text, len);
}

static const char *row_value(const char *name, const char *value)
{
	const char *dir = engine_started_ini_dir();

	return dir && strcmp(name, "Configuration File (php.ini) Path") == 0 ? dir : value;
}

/* Weak: if PHP is a part of the program it has its own. */
__attribute__((weak)) EXPORTED void php_info_print_table_row(int columns, ...)
{
	void (*original)(int columns, ...) = (void (*)(int, ...))engine_symbol("php_info_print_table_row");
	const char *cells[8] = {NULL};
	va_list arguments;
	int i;

	va_start(arguments, columns);
	for (i = 0; i < columns && i < 8; i++) {
		cells[i] = va_arg(arguments, const char *);
	}
	va_end(arguments);
	if (columns == 2) {
		cells[1] = row_value(cells[0], cells[1]);
	}
	original(columns, cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6], cells[7]);
}

/* Weak, too. */
__attribute__((weak)) EXPORTED void *_php_stream_temp_create_ex(int mode, size_t in_memory, const char *directory)
{
	void *(*original)(int, size_t, const char *) = (void *(*)(int, size_t, const char *))engine_symbol("_php_stream_temp_create_ex");

	return original(mode, engine_web_body_in_memory(in_memory), directory);
}
