/*
 * A run of php's command line. The ordinary one is boot_run, from the process as exec left it to its end: a script,
 * -r, -l and the like. Go has read the arguments by then and does not come back, so its threads can be ended. The others
 * (-i, -a, --ini, --repeat ...) are sequenced by Go, between the steps.
 */
#include <stdlib.h>

#include "boot.h"
#include "boot_process.h"
#include "engine_load.h"

_Noreturn void boot_run(const struct engine_module *module, const struct engine_cli_script *script)
{
	take_process_for_good();
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
