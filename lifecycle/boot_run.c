/*
 * A run of php's command line, from the process as exec left it to its end: a script, -r, -l and the like. Go may have read the
 * arguments by then (boot_run): it does not come back, so its threads can be ended. An ordinary command line comes here without it
 * (start_cli.c). The others (-i, -a, --ini, --repeat ...) are sequenced by Go, between the steps.
 */
#include <signal.h>
#include <stdlib.h>

#include "boot.h"
#include "boot_process.h"
#include "boot_run.h"
#include "engine_load.h"

const char *boot_cli_settings(const char *version)
{
	/* Since 8.5 PHP knows $argv of a command line without register_argc_argv, and with it says that this is deprecated in
	 * whatever has no arguments. */
	if (engine_number(version) >= 8005) {
		return BOOT_CLI_SETTINGS("");
	}
	return BOOT_CLI_SETTINGS("register_argc_argv=1\n");
}

_Noreturn void run_command_line(const struct engine_module *module, const struct engine_cli_script *script)
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

_Noreturn void boot_run(const struct engine_module *module, const struct engine_cli_script *script)
{
	take_process_for_good();
	run_command_line(module, script);
}
