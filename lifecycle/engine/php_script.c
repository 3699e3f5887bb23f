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

/* It must be destroyed before php_request_shutdown: its strings live in the request's heap. */
static zend_file_handle primary;
static int is_open;

int script_open_file(const char *path)
{
	FILE *file = fopen(path, "rb");

	if (!file) {
		return -1;
	}
	zend_stream_init_fp(&primary, file, path);
	primary.primary_script = 1;
	is_open = 1;
	return 0;
}

static void skip_shebang(void)
{
	if (web_settings.check_shebang_line) {
		CG(skip_shebang) = 1;
	}
}

int engine_script_open_primary(void)
{
	int error = ENOENT;

	skip_shebang();
	zend_try {
		/* Of what is there and cannot be opened all the same, PHP says what is left here. */
		errno = web_request->direct ? ENOENT : 0;
		is_open = php_fopen_primary_script(&primary) == SUCCESS;
		error = is_open ? 0 : errno ? errno : ENOENT;
	} zend_end_try();
	return error;
}

int engine_script_owner(uint32_t *uid)
{
	struct stat file;
	volatile int error = EACCES;

	zend_try {
		if (primary.type == ZEND_HANDLE_STREAM) {
			int fd = -1;

			if (php_stream_cast((php_stream *)primary.handle.stream.handle, PHP_STREAM_AS_FD, (void *)&fd, 0) == SUCCESS) {
				error = fstat(fd, &file) == 0 ? 0 : errno;
			}
		} else if (primary.opened_path) {
			error = stat(ZSTR_VAL(primary.opened_path), &file) == 0 ? 0 : errno;
		}
	} zend_end_try();
	if (error == 0) {
		*uid = file.st_uid;
	}
	return error;
}

void engine_script_open_file(const char *path)
{
	zend_stream_init_filename(&primary, path);
	primary.primary_script = 1;
	is_open = 1;
}

const char *script_path(void)
{
	return primary.filename ? ZSTR_VAL(primary.filename) : NULL;
}

void engine_script_open_stdin(const char *name)
{
	skip_shebang();
	zend_stream_init_fp(&primary, stdin, name);
	primary.primary_script = 1;
	is_open = 1;
}

void engine_script_close(void)
{
	if (is_open || primary.filename) {
		zend_destroy_file_handle(&primary);
		memset(&primary, 0, sizeof(primary));
		is_open = 0;
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

void script_run(void)
{
	php_execute_script(&primary);
}

void engine_script_execute(void)
{
	zend_try {
		script_run();
	} zend_end_try();
	end_if_forked();
}

int engine_script_lint(void)
{
	volatile int clean = 0;

	zend_try {
		PG(during_request_startup) = 0;
		clean = php_lint_script(&primary) == SUCCESS;
		php_printf(clean ? "No syntax errors detected in %s\n" : "Errors parsing %s\n", ZSTR_VAL(primary.filename));
	} zend_end_try();
	return clean;
}

void engine_script_strip(void)
{
	zend_try {
		if (open_file_for_scanning(&primary) == SUCCESS) {
			zend_strip();
		}
	} zend_end_try();
}

void engine_script_highlight(void)
{
	zend_try {
		if (open_file_for_scanning(&primary) == SUCCESS) {
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
