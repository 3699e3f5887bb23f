/* A run of a script by the command line (boot_run.c). */
#ifndef PHPSAPI_RUN_H
#define PHPSAPI_RUN_H

#include "engine.h"

/* The five steps with one script, and the end of the process, which has one thread and is as exec left it. */
_Noreturn void run_command_line(const struct engine_module *module, const struct engine_cli_script *script);

#endif
