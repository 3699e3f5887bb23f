/* An ordinary command line: php [options] [-f] script args, php [options] -r code args, and -l. Go's model: cli/run.go. */
#include <dlfcn.h>
#include <string.h>

#include "boot.h"
#include "boot_run.h"
#include "engine_load.h"
#include "start.h"

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
	*script = (struct engine_cli_script){.work = ENGINE_CLI_EXECUTE, .mode = BOOT_CLI_SCRIPT, .code = "", .cannot_start = BOOT_CANNOT_START};
	if (o->code) {
		script->work = ENGINE_CLI_CODE;
		script->mode = BOOT_CLI_CODE;
		script->code = start_text("%s", o->code);
		set_arguments(script, call, BOOT_STANDARD_INPUT, o->rest);
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
		script->mode = BOOT_CLI_LINT;
	}
	script->from_stdin = 1;
	script->file = o->file ? start_text("%s", o->file) : NULL;
	script->line_file = script->file;
	set_arguments(script, call, o->file ? o->file : BOOT_STANDARD_INPUT, o->rest);
	return 1;
}

void start_cli(const struct start_call *call)
{
	static const struct engine_pair defaults[] = {{"display_errors", "1"}};
	static struct engine_refusal refusal;
	static struct engine_module module;
	static struct engine_cli_script script;
	struct start_options options;
	const char *library;

	if (!start_read_options(call, &options) || !set_script(&script, call, &options)) {
		return;
	}
	library = start_find_engine(call);
	if (!library || engine_load(library, RTLD_LAZY, &refusal) != ENGINE_LOADED) {
		return; /* Go tries the same, and says why it cannot be */
	}
	module = (struct engine_module){.front_end = ENGINE_CLI, .name = "cli", .pretty_name = "Command Line Interface", .binary = call->binary,
		.phpinfo_as_text = 1, .extended_info = options.extended_info, .ini_defaults = defaults, .ini_defaults_len = 1};
	start_locate_ini(&module, &options);
	module.ini_entries = start_text("%s%s", boot_cli_settings(engine->php_version), options.entries ? options.entries : "");
	run_command_line(&module, &script);
}
