/* An ordinary CGI request: php-cgi, executed by a web server, without a resident zygote. Go's model: cgi/main.go. */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>

#include "cgi.h"
#include "engine_load.h"
#include "start.h"

/* Reports whether there are options that may be a query string: Go decides what they are. A first argument that is not an option ends the
 * options. */
static int may_be_from_url(const struct start_call *call)
{
	return call->first < call->argc && call->argv[call->first][0] == '-' && cgi_arguments_may_be_query();
}

/* Reports whether requests are handed over, and this one was not: Go starts a resident zygote for the next. */
static int has_zygote(void)
{
	const char *socket = getenv("PHPSAPI_CGI_ZYGOTE");

	return socket && *socket;
}

void start_cgi(const struct start_call *call)
{
	static struct engine_refusal refusal;
	static struct engine_module module;
	struct start_options options;
	const char *library;
	int status;

	if (!cgi_is_request() || has_zygote() || may_be_from_url(call) || !start_read_options(call, &options)) {
		return;
	}
	library = start_find_engine(call);
	if (!library || engine_load(library, RTLD_LAZY, &refusal) != ENGINE_LOADED) {
		return; /* Go tries the same, and says why it cannot be */
	}
	module = (struct engine_module){.front_end = ENGINE_CGI, .name = "cgi-fcgi", .pretty_name = "CGI/FastCGI", .binary = call->binary};
	start_locate_ini(&module, &options);
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
