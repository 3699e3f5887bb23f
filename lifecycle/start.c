/*
 * A start without Go (start.h): an ordinary command line, php [options] [-f] script args, php [options] -r code args, and -l; and an
 * ordinary CGI request without a resident. Go's model: cli/run.go, cgi/main.go.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "boot_addressspace.h"
#include "boot_process.h"
#include "cgi.h"
#include "engine_load.h"
#include "start.h"

/* Loads the PHP that is meant and says where its php.ini is. 0: Go tries the same, and says why it cannot be. */
static int load_php(const struct start_call *call, const struct start_options *options, struct engine_module *module)
{
	static struct engine_refusal refusal;
	const char *library = start_find_engine(call);

	if (!library || engine_load(library, RTLD_LAZY, &refusal) != ENGINE_LOADED) {
		return 0;
	}
	module->binary = call->binary;
	start_locate_ini(module, options);
	return 1;
}

/* ---- php ---- */

/* $argv. The kernel's strings may be overwritten by a title: these are copies. */
static void set_arguments(struct engine_cli_script *script, const struct start_call *call, const char *name, int rest)
{
	int i;

	script->argc = 1 + call->argc - rest;
	script->argv = start_memory((script->argc + 1) * sizeof(*script->argv));
	script->argv[0] = start_text("%s", name);
	for (i = rest; i < call->argc; i++) {
		script->argv[1 + i - rest] = start_text("%s", call->argv[i]);
	}
}

/* What there is to run. 0: that is for Go to say. */
static int set_script(struct engine_cli_script *script, const struct start_call *call, struct start_options *o)
{
	*script = (struct engine_cli_script){.work = ENGINE_CLI_EXECUTE, .mode = START_CLI_SCRIPT, .code = "", .cannot_start = START_CANNOT_START};
	if (o->code) {
		script->work = ENGINE_CLI_CODE;
		script->mode = START_CLI_CODE;
		script->code = start_text("%s", o->code);
		set_arguments(script, call, START_STANDARD_INPUT, o->rest);
		return 1;
	}
	if (!o->file && o->rest < call->argc && !o->ended) {
		o->file = call->argv[o->rest++];
	}
	if (o->lint) {
		if (o->rest < call->argc) { /* since 8.3 these are scripts, too */
			return 0;
		}
		script->work = ENGINE_CLI_LINT;
		script->mode = START_CLI_LINT;
	}
	script->from_stdin = 1;
	script->file = o->file ? start_text("%s", o->file) : NULL;
	script->line_file = script->file;
	set_arguments(script, call, o->file ? o->file : START_STANDARD_INPUT, o->rest);
	return 1;
}

/* The settings that php.ini cannot override, only -d, one a line. */
#define CLI_SETTINGS(arguments) \
	"html_errors=0\n" arguments "implicit_flush=1\noutput_buffering=0\nmax_execution_time=0\nmax_input_time=-1\n"

const char *start_cli_settings(const char *version)
{
	/* Since 8.5 PHP knows $argv of a command line without register_argc_argv, and with it says that this is deprecated in
	 * whatever has no arguments. */
	if (engine_number(version) >= 8005) {
		return CLI_SETTINGS("");
	}
	return CLI_SETTINGS("register_argc_argv=1\n");
}

/* The five steps with one script, and the end of the process, which has one thread and is as exec left it. */
static _Noreturn void run_command_line(const struct engine_module *module, const struct engine_cli_script *script)
{
	signal(SIGPIPE, SIG_IGN);
	if (engine_module_startup(module) != 0) {
		exit(1);
	}
	if (engine_cli_begin(script) == 0) {
		engine_cli_work(script);
		engine_cli_end();
	}
	int status = engine_exit_status();
	engine_module_shutdown();
	exit(status);
}

/* Runs the command line. It returns if that is for Go to do. */
static void start_cli(const struct start_call *call)
{
	static const struct engine_pair defaults[] = {{"display_errors", "1"}};
	static struct engine_module module = {.front_end = ENGINE_CLI, .name = "cli", .pretty_name = "Command Line Interface",
		.phpinfo_as_text = 1, .ini_defaults = defaults, .ini_defaults_len = 1};
	static struct engine_cli_script script;
	struct start_options options;

	if (!start_read_options(call, &options) || !set_script(&script, call, &options) || !load_php(call, &options, &module)) {
		return;
	}
	module.extended_info = options.extended_info;
	module.ini_entries = start_text("%s%s", start_cli_settings(engine->php_version), options.entries ? options.entries : "");
	run_command_line(&module, &script);
}

_Noreturn void start_after_go(const struct engine_module *module, const struct engine_cli_script *script)
{
	take_process_for_good();
	run_command_line(module, script);
}

/* ---- php-cgi ---- */

/* Reports whether there are options that may be a query string: Go decides what they are. A first argument that is not an option ends the
 * options. */
static int may_be_from_url(const struct start_call *call)
{
	return call->first < call->argc && call->argv[call->first][0] == '-' && cgi_arguments_may_be_query();
}

/* Reports whether requests are handed over, and this one was not: Go starts a resident for the next. */
static int has_zygote(void)
{
	const char *socket = getenv("PHPSAPI_CGI_ZYGOTE");

	return socket && *socket;
}

/* Answers the request. It returns if that is for Go to do. */
static void start_cgi(const struct start_call *call)
{
	static struct engine_module module = {.front_end = ENGINE_CGI, .name = "cgi-fcgi", .pretty_name = "CGI/FastCGI"};
	struct start_options options;
	int status;

	if (!cgi_is_request() || has_zygote() || may_be_from_url(call) || !start_read_options(call, &options) || !load_php(call, &options, &module)) {
		return;
	}
	module.ini_entries = options.entries ? options.entries : "";
	signal(SIGPIPE, SIG_IGN);
	if (engine_module_startup(&module) != 0) {
		exit(CGI_FAILED);
	}
	cgi_begin();
	status = cgi_answer();
	engine_module_shutdown();
	exit(status);
}

/* ---- which of them ---- */

/* Reports whether the environment asks for Go: to compare both ways, by settings of Go's runtime, or because the process is one
 * of a service's. */
static int is_for_go(void)
{
	const char *start = getenv("PHPSAPI_START");

	return (start && strcmp(start, "go") == 0) || getenv("GODEBUG") || getenv("PHPSAPI_ZYGOTE") || getenv("PHPSAPI_FPM_FRONT");
}

void start_without_go(int argc, char **argv)
{
	struct start_call call;

	if (is_for_go() || address_space_is_little()) {
		return; /* if it is little, Go's way says so */
	}
	if (!start_program(argc, argv, &call)) {
		return;
	}
	if (call.cgi) {
		start_cgi(&call);
	} else {
		start_cli(&call);
	}
}
