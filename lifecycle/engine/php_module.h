/* The module that was started (php_module.c), for the other files of the engine. */
#ifndef PHPSAPI_MODULE_H
#define PHPSAPI_MODULE_H

#include "php.h"

/* Each front end's callbacks, and the functions it adds to PHP's. */
void cli_module_init(struct filled_module *module);
void web_module_init(struct filled_module *module, const struct engine_module *m);

/* The extension that PHP starts besides its own for a web server's front end (web_settings.c). */
extern zend_module_entry web_extension;

/* Has module startup leave out the extension pcntl (php_pcntl.c). */
void leave_out_pcntl(void);

/* The settings of a request's host and directories (php_user_settings.c): of php.ini's sections and of .user.ini files.
 * Either may be NULL. */
int user_settings_activate(const char *host, const char *document_root);
void user_settings_forget(void);

/* What a setting's modifiable is while php_admin_value, PHP_ADMIN_VALUE or a section of php.ini holds it: ZEND_INI_SYSTEM and
 * a bit without a meaning. Opcache takes the value of a setting that is ZEND_INI_SYSTEM and nothing else for a constant, and
 * puts it in place of ini_get() into the code that it shares: other requests and pools would read it. */
#define INI_SYSTEM_OF_SOME (ZEND_INI_SYSTEM | 1 << 3)

/* Has ini_get_all() leave out the bit without a meaning. */
void watch_ini_get_all(void);

/* What module startup was given; NULL before that. */
extern const struct engine_module *started_module;

/* An extension of PHP's; NULL: there is none of that name. */
zend_module_entry *find_extension(const char *name);

/* Where php.ini is looked for; NULL before that. */
extern const char *started_ini_dir;

/* Ends a process that a script forked: Go's runtime did not survive the fork, so such a child finishes the request
 * and the module in C and leaves. Returns at once in the process that started the engine. */
void end_if_forked(void);

/* Ends a process that was forked while its request was shut down: by a shutdown function, a destructor, a session handler,
 * an output handler. */
void end_if_forked_in_shutdown(void);

#endif
