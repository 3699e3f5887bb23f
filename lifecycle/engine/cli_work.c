/* A request of the command line: its beginning, its work, its end. */
#include <string.h>

#include "cli.h"
#include "php_module.h"

static int failed(void)
{
	engine_cli_request_failed();
	engine_script_close();
	return -1;
}

int engine_cli_begin(const struct engine_cli_script *script)
{
	if (script->file) {
		if (cli_open_script(script->file) != 0) {
			cli_print_open_error(script->file);
			return failed();
		}
	} else if (script->from_stdin) {
		engine_script_open_stdin(script->argv[0]);
	}
	if (cli_request_startup(script->argc, script->argv, script->file ? script->file : "", script->mode) != 0) {
		engine_print(script->cannot_start, strlen(script->cannot_start));
		return failed();
	}
	if (script->hide_arguments) {
		host->hide_arguments();
	}
	return 0;
}

void engine_cli_work(const struct engine_cli_script *script)
{
	switch (script->work) {
	case ENGINE_CLI_NOTHING:
		break;
	case ENGINE_CLI_EXECUTE:
		cli_execute(script->file || ENGINE_STREAMS_WITHOUT_FILE);
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
		cli_eval(script->code, "Command line code");
		break;
	case ENGINE_CLI_LINES:
		engine_script_close(); /* it was opened to see that it can be; every line opens it again */
		cli_process_stdin(script->begin, script->line, script->line_file, script->end);
		break;
	case ENGINE_CLI_SHELL:
		cli_shell(script->file || ENGINE_STREAMS_WITHOUT_FILE);
		break;
	}
}

void engine_cli_end(void)
{
	engine_script_close(); /* before the request's shutdown: the handle's memory is the request's */
	engine_request_shutdown();
}
