/* The primary script, of a request from a shell or from a web server, and what can be done with it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "php_leftovers.h"
#include "php_module.h"
#include "php_script.h"
#include "web.h"

struct primary_script primary;

void script_open(FILE *file, const char *name)
{
	zend_stream_init_fp(&primary.file, file, name);
	primary.file.primary_script = 1;
	primary.is_open = 1;
}

void script_skip_shebang(void)
{
	if (web_settings.check_shebang_line) {
		CG(skip_shebang) = 1;
	}
}

int engine_script_owner(uint32_t *uid)
{
	struct stat file;
	volatile int error = EACCES;

	zend_try {
		if (primary.file.type == ZEND_HANDLE_STREAM) {
			int fd = -1;

			if (php_stream_cast((php_stream *)primary.file.handle.stream.handle, PHP_STREAM_AS_FD, (void *)&fd, 0) == SUCCESS) {
				error = fstat(fd, &file) == 0 ? 0 : errno;
			}
		} else if (primary.file.opened_path) {
			error = stat(ZSTR_VAL(primary.file.opened_path), &file) == 0 ? 0 : errno;
		}
	} zend_end_try();
	if (error == 0) {
		*uid = file.st_uid;
	}
	return error;
}

void engine_script_open_file(const char *path)
{
	zend_stream_init_filename(&primary.file, path);
	primary.file.primary_script = 1;
	primary.is_open = 1;
}

void engine_script_open_stdin(const char *name)
{
	script_skip_shebang();
	script_open(stdin, name);
}

void engine_script_close(void)
{
	if (primary.is_open || primary.file.filename) {
		zend_destroy_file_handle(&primary.file);
		memset(&primary, 0, sizeof(primary));
	}
	web_forget_script();
}

static _Noreturn void end(void)
{
	engine_module_shutdown();
	exit(EG(exit_status));
}

void end_if_forked(void)
{
	if (is_forked()) {
		engine_script_close();
		engine_request_shutdown();
		end();
	}
}

void end_if_forked_in_shutdown(void)
{
	if (is_forked()) {
		end();
	}
}

void engine_script_execute(void)
{
	zend_try {
		php_execute_script(&primary.file);
	} zend_end_try();
	end_if_forked();
}

int engine_script_lint(void)
{
	volatile int clean = 0;

	zend_try {
		PG(during_request_startup) = 0;
		clean = php_lint_script(&primary.file) == SUCCESS;
		php_printf(clean ? "No syntax errors detected in %s\n" : "Errors parsing %s\n", ZSTR_VAL(primary.file.filename));
	} zend_end_try();
	return clean;
}

void engine_script_strip(void)
{
	zend_try {
		if (open_file_for_scanning(&primary.file) == SUCCESS) {
			zend_strip();
		}
	} zend_end_try();
}

void engine_script_highlight(void)
{
	zend_try {
		if (open_file_for_scanning(&primary.file) == SUCCESS) {
			zend_syntax_highlighter_ini colours;
			php_get_highlight_struct(&colours);
			zend_highlight(&colours);
		}
	} zend_end_try();
}

void engine_extended_info(void)
{
	CG(compiler_options) |= ZEND_COMPILE_EXTENDED_INFO;
}

void engine_no_chdir(void)
{
	SG(options) |= SAPI_OPTION_NO_CHDIR;
}
