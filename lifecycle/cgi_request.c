/* A CGI program's request, and its answer. Counterpart: sapi/cgi/cgi_main.c (main). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "boot_forks.h"
#include "cgi.h"
#include "engine_host.h"
#include "engine_load.h"
#include "start.h"

int cgi_is_request(void)
{
	struct sockaddr_un peer;
	socklen_t len = sizeof(peer);

	if (!getenv("SERVER_SOFTWARE") && !getenv("SERVER_NAME") && !getenv("GATEWAY_INTERFACE") && !getenv("REQUEST_METHOD")) {
		return 0;
	}
	return getpeername(STDIN_FILENO, (struct sockaddr *)&peer, &len) == 0 || errno != ENOTCONN;
}

int cgi_arguments_may_be_query(void)
{
	const char *query = getenv("QUERY_STRING");

	return query && *query && !strchr(query, '=');
}

static int write_head(int status, const char *line, int flags, const char *lines, size_t lines_len)
{
	size_t len;
	char *head = cgi_make_head(status, line, flags, lines, lines_len, &len);
	int wrote = head && engine_write_out(head, len);

	free(head);
	return wrote ? 0 : -1;
}

void cgi_begin(void)
{
	forks_watch();
	host.head = write_head;
}

/* The page for a request that was not redirected. */
static const char *security_alert(void)
{
	const char *manual = engine_number(engine->php_version) >= 8004 ? "https://www.php.net" : "http://php.net";

	return start_text(
		"<b>Security Alert!</b> The PHP CGI cannot be accessed directly.\n\n"
		"<p>This PHP CGI binary was compiled with force-cgi-redirect enabled.  This\n"
		"means that a page will only be served up if the REDIRECT_STATUS CGI variable is\n"
		"set, e.g. via an Apache Action directive.</p>\n"
		"<p>For more information as to <i>why</i> this behaviour exists, see the <a href=\"%s/security.cgi-bin\">"
		"manual page for CGI security</a>.</p>\n"
		"<p>For more information about changing this behaviour or re-enabling this webserver,\n"
		"consult the installation file that came with this distribution, or visit \n"
		"<a href=\"%s/install.windows\">the manual page</a>.</p>\n", manual, manual);
}

int cgi_refuses(void)
{
	const struct engine_web_settings *settings = engine_web_settings();
	const char *name = settings->redirect_status_env, *alert;

	if (!settings->force_redirect || getenv(name ? name : "REDIRECT_STATUS")) {
		return 0;
	}
	alert = security_alert();
	engine_write_out(alert, strlen(alert));
	return 1;
}

void cgi_read_request(struct engine_request *request)
{
	const struct engine_web_settings *settings = engine_web_settings();
	const char *doc_root = engine_setting_text("doc_root");
	struct cgi_rules rules = {settings->fix_pathinfo, settings->discard_path, doc_root ? doc_root : ""};

	*request = (struct engine_request){.direct = 1};
	cgi_find_script(&rules, request);
}

int cgi_answer(void)
{
	static struct engine_request request;
	int error;

	if (cgi_refuses()) {
		return CGI_FAILED;
	}
	cgi_read_request(&request);
	if (engine_web_startup(&request) != 0) {
		return CGI_FAILED;
	}
	error = engine_script_open_primary();
	if (error == EACCES) {
		engine_web_answer(403, CGI_DENIED, strlen(CGI_DENIED));
	} else if (error) {
		engine_web_answer(404, CGI_MISSING, strlen(CGI_MISSING));
	} else {
		engine_web_execute();
	}
	engine_web_shutdown();
	return error ? CGI_FAILED : engine_exit_status();
}
