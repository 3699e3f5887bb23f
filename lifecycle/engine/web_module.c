/*
 * The sapi_module_struct of the front ends that answer a web server. Counterpart: sapi/fpm/fpm/fpm_main.c,
 * sapi/cgi/cgi_main.c, sapi/cli/php_cli_server.c.
 */
#include "php_dl_function.h"
#include "php_module.h"
#include "web.h"

static int web_activate(void)
{
	if (web_has_booted) { /* the settings are the worker script's */
		return SUCCESS;
	}
	return web_request ? user_settings_activate(web_variable("SERVER_NAME"), web_variable("DOCUMENT_ROOT")) : FAILURE;
}

static const zend_function_entry shell_functions[] = {
	DL_FUNCTION
	PHP_FE_END
};

void web_module_init(struct filled_module *module, const struct engine_module *m)
{
	host->title_init();
	web_front_end = m->front_end;
	if (m->front_end == ENGINE_APACHE) {
		httpd_module_init(module);
		return;
	}
	module->ub_write = web_ub_write;
	module->flush = web_flush;
	module->sapi_error = zend_error;
	module->send_headers = web_send_headers;
	module->read_post = web_read_post;
	module->read_cookies = web_read_cookies;
	module->register_server_variables = web_register_variables;
	module->log_message = web_log_message;
	if (m->front_end == ENGINE_CLI_SERVER) {
		web_extension.name = "cli_server";
		module->additional_functions = server_functions;
		return;
	}
	web_extension.functions = m->front_end == ENGINE_FPM ? fpm_functions : cgi_functions;
	module->additional_functions = m->worker_mode ? worker_functions : m->dl ? shell_functions : NULL;
	module->ENGINE_SETTINGS_CALLBACK = web_activate;
	module->getenv = web_getenv;
}
