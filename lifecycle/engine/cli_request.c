/* The steps of a script's run by the command line (cli_work.c). Counterpart: do_cli in sapi/cli/php_cli.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "php_module.h"
#include "php_script.h"

static php_stream *input; /* STDIN, which -R and -F read line by line */
static char *translated_path;

int engine_cli_has_shell(void)
{
	return shell.run != NULL;
}

int cli_open_script(const char *path)
{
	char real[MAXPATHLEN];

	virtual_cwd_activate();
	if (script_open_file(path) != 0) {
		return -1;
	}
	if (!translated_path && tsrm_realpath(path, real)) {
		translated_path = strdup(real);
	}
	return 0;
}

int cli_request_startup(int argc, char **argv, const char *script_filename, int mode)
{
	static struct cli_context context;

	cli.self = argv[0];
	cli.script_filename = script_filename;
	SG(options) |= SAPI_OPTION_NO_CHDIR;
	SG(request_info).argc = argc;
	SG(request_info).argv = argv;
	SG(request_info).path_translated = translated_path ? translated_path : argv[0];
	if (ENGINE_TELLS_CLI_MODE) {
		context.mode = mode;
		SG(server_context) = &context;
	}
	if (php_request_startup() == FAILURE) {
		return -1;
	}
	CG(skip_shebang) = 1;
	zend_register_bool_constant(ZEND_STRL("PHP_CLI_PROCESS_TITLE"), 1, CONST_CS, 0);
	zend_is_auto_global(ZSTR_KNOWN(ZEND_STR_AUTOGLOBAL_SERVER));
	PG(during_request_startup) = 0;
	return 0;
}

void engine_cli_request_failed(void)
{
	sapi_deactivate();
	zend_ini_deactivate();
	EG(exit_status) = 1;
}

static php_stream *standard_stream(const char *url, const char *mode)
{
	php_stream *stream = php_stream_open_wrapper_ex(url, mode, 0, NULL, NULL);

	if (stream) {
		/* The descriptor stays open at the end of the request: extensions may write to it in their shutdown. */
		stream->flags |= PHP_STREAM_FLAG_NO_RSCR_DTOR_CLOSE;
	}
	return stream;
}

static void register_stream(const char *name, php_stream *stream)
{
	zend_constant constant;

	php_stream_to_zval(stream, &constant.value);
	ZEND_CONSTANT_SET_FLAGS(&constant, CONST_CS, 0);
	constant.name = zend_string_init_interned(name, strlen(name), 0);
	zend_register_constant(&constant);
}

/* Defines STDIN, STDOUT and STDERR: all of them, or, where one cannot be opened, none. */
static void register_standard_streams(void)
{
	php_stream *in = standard_stream("php://stdin", "rb");
	php_stream *out = standard_stream("php://stdout", "wb");
	php_stream *err = standard_stream("php://stderr", "wb");

	if (!in || !out || !err) {
		if (in) {
			php_stream_close(in);
		}
		if (out) {
			php_stream_close(out);
		}
		if (err) {
			php_stream_close(err);
		}
		return;
	}
	input = in;
	register_stream("STDIN", in);
	register_stream("STDOUT", out);
	register_stream("STDERR", err);
}

void cli_execute(int with_streams)
{
	zend_try {
		if (with_streams) {
			register_standard_streams();
		}
		script_run();
	} zend_end_try();
	end_if_forked();
}

void cli_shell(int with_streams)
{
	zend_try {
		if (with_streams) {
			register_standard_streams();
		}
		EG(exit_status) = shell.run();
	} zend_end_try();
	end_if_forked();
}

void cli_eval(const char *code, const char *name)
{
	zend_try {
		register_standard_streams();
		zend_eval_string_ex(code, NULL, name, 1);
	} zend_end_try();
	end_if_forked();
}

/* $argn: the line without its end (php's: one NUL where nothing is left of it); $argi: its number, from 1. */
static void set_line(const char *line, size_t len, zend_long number)
{
	zval value;

	ZVAL_STR(&value, len > 0 ? zend_strpprintf(0, "%.*s", (int)len, line) : zend_strpprintf(0, "%c", '\0'));
	zend_hash_str_update(&EG(symbol_table), ZEND_STRL("argn"), &value);
	ZVAL_LONG(&value, number);
	zend_hash_str_update(&EG(symbol_table), ZEND_STRL("argi"), &value);
}

void cli_print_open_error(const char *file)
{
	zend_try {
		if (ENGINE_OPEN_ERROR_ON_STDERR) {
			fprintf(stderr, "Could not open input file: %s\n", file);
		} else {
			php_printf("Could not open input file: %s\n", file);
		}
	} zend_end_try();
}

static void run_line(const char *run, const char *file)
{
	if (run) {
		zend_eval_string_ex(run, NULL, "Command line run code", 1);
	} else if (file) {
		if (cli_open_script(file) != 0) {
			cli_print_open_error(file);
			EG(exit_status) = 1;
		} else {
			CG(skip_shebang) = 1;
			script_run();
		}
	}
}

/* The loop is here and not in Go, because a line's code may fork: the child continues with the next line. */
void cli_process_stdin(const char *begin, const char *run, const char *file, const char *end)
{
	zend_try {
		zend_long number = 0;
		char *line;

		register_standard_streams();
		if (begin) {
			zend_eval_string_ex(begin, NULL, "Command line begin code", 1);
		}
		while (EG(exit_status) == SUCCESS && input && (line = php_stream_gets(input, NULL, 0)) != NULL) {
			size_t len = strlen(line);
			while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r')) {
				len--;
			}
			set_line(line, len, ++number);
			run_line(run, file);
			efree(line);
		}
		if (end) {
			zend_eval_string_ex(end, NULL, "Command line end code", 1);
		}
	} zend_end_try();
	end_if_forked();
}
