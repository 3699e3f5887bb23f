/*
 * A run of a script by the command line: its startup, its work, its shutdown. Counterpart: do_cli in sapi/cli/php_cli.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "php_module.h"
#include "php_script.h"

static php_stream *input; /* STDIN, which -R and -F read line by line */
static char *translated_path;

/* ---- its startup ---- */

/* Opens the script at once; -1: it cannot be. */
static int open_script(const char *path)
{
	char real[MAXPATHLEN];
	FILE *file;

	virtual_cwd_activate();
	file = fopen(path, "rb");
	if (!file) {
		return -1;
	}
	script_open(file, path);
	if (!translated_path && tsrm_realpath(path, real)) {
		translated_path = strdup(real);
	}
	return 0;
}

/* Says that the script cannot be opened. */
static void print_open_error(const char *file)
{
	zend_try {
		if (ENGINE_OPEN_ERROR_ON_STDERR) {
			fprintf(stderr, "Could not open input file: %s\n", file);
		} else {
			php_printf("Could not open input file: %s\n", file);
		}
	} zend_end_try();
}

/* argv[0] is PHP_SELF; the array and its strings must live until the request's shutdown. */
static int request_startup(const struct engine_cli_script *script)
{
	static struct cli_context context;

	cli.self = script->argv[0];
	cli.script_filename = script->file ? script->file : "";
	SG(options) |= SAPI_OPTION_NO_CHDIR;
	SG(request_info).argc = script->argc;
	SG(request_info).argv = script->argv;
	SG(request_info).path_translated = translated_path ? translated_path : script->argv[0];
	if (ENGINE_TELLS_CLI_MODE) {
		context.mode = script->mode;
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

static int failed(void)
{
	engine_cli_request_failed();
	engine_script_close();
	return -1;
}

int engine_cli_begin(const struct engine_cli_script *script)
{
	if (script->file) {
		if (open_script(script->file) != 0) {
			print_open_error(script->file);
			return failed();
		}
	} else if (script->from_stdin) {
		engine_script_open_stdin(script->argv[0]);
	}
	if (request_startup(script) != 0) {
		engine_print(script->cannot_start, strlen(script->cannot_start));
		return failed();
	}
	if (script->hide_arguments) {
		host->hide_arguments();
	}
	return 0;
}

/* ---- its work: each leaves the exit status in EG(exit_status) ---- */

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

/* with_streams defines STDIN, STDOUT and STDERR first. */
static void execute(int with_streams)
{
	zend_try {
		if (with_streams) {
			register_standard_streams();
		}
		php_execute_script(&primary.file);
	} zend_end_try();
	end_if_forked();
}

static void run_shell(int with_streams)
{
	zend_try {
		if (with_streams) {
			register_standard_streams();
		}
		EG(exit_status) = shell.run();
	} zend_end_try();
	end_if_forked();
}

static void run_code(const char *code)
{
	zend_try {
		register_standard_streams();
		zend_eval_string_ex(code, NULL, "Command line code", 1);
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

static void run_line(const char *run, const char *file)
{
	if (run) {
		zend_eval_string_ex(run, NULL, "Command line run code", 1);
	} else if (file) {
		if (open_script(file) != 0) {
			print_open_error(file);
			EG(exit_status) = 1;
		} else {
			CG(skip_shebang) = 1;
			php_execute_script(&primary.file);
		}
	}
}

/* The loop is here and not in Go, because a line's code may fork: the child continues with the next line. */
static void run_lines(const struct engine_cli_script *script)
{
	zend_try {
		zend_long number = 0;
		char *line;

		register_standard_streams();
		if (script->begin) {
			zend_eval_string_ex(script->begin, NULL, "Command line begin code", 1);
		}
		while (EG(exit_status) == SUCCESS && input && (line = php_stream_gets(input, NULL, 0)) != NULL) {
			size_t len = strlen(line);
			while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r')) {
				len--;
			}
			set_line(line, len, ++number);
			run_line(script->line, script->line_file);
			efree(line);
		}
		if (script->end) {
			zend_eval_string_ex(script->end, NULL, "Command line end code", 1);
		}
	} zend_end_try();
	end_if_forked();
}

void engine_cli_work(const struct engine_cli_script *script)
{
	switch (script->work) {
	case ENGINE_CLI_NOTHING:
		break;
	case ENGINE_CLI_EXECUTE:
		execute(script->file || ENGINE_STREAMS_WITHOUT_FILE);
		break;
	case ENGINE_CLI_LINT:
		EG(exit_status) = engine_script_lint() ? 0 : 255;
		break;
	case ENGINE_CLI_STRIP:
		engine_script_strip();
		break;
	case ENGINE_CLI_HIGHLIGHT:
		engine_script_highlight();
		break;
	case ENGINE_CLI_CODE:
		run_code(script->code);
		break;
	case ENGINE_CLI_LINES:
		engine_script_close(); /* it was opened to see that it can be; every line opens it again */
		run_lines(script);
		break;
	case ENGINE_CLI_SHELL:
		run_shell(script->file || ENGINE_STREAMS_WITHOUT_FILE);
		break;
	}
}

/* ---- its shutdown ---- */

void engine_cli_end(void)
{
	engine_script_close(); /* before the request's shutdown: the handle's memory is the request's */
	php_request_shutdown(NULL);
}
