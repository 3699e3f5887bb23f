/*
 * A CGI program's request: which script it is for, what its SCRIPT_NAME, PATH_INFO and PATH_TRANSLATED are, and its answer. Counterpart:
 * sapi/cgi/cgi_main.c (main, init_request_info, is_valid_path).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "boot_forks.h"
#include "cgi.h"
#include "engine_host.h"
#include "engine_load.h"
#include "start.h"

/* ---- which script ---- */

/* A search for the script. A text that is NULL is not there. */
struct search {
	const struct cgi_rules *rules;
	const char *script_filename, *path_translated, *path_info, *script_name; /* the variables, as they were */
	const char *script; /* the file as it is known so far */
	const char *named;  /* SCRIPT_NAME as it is known so far */
	const char *uri;    /* what PHP calls request_uri */
	int redirected;     /* SCRIPT_FILENAME and SCRIPT_NAME are the PHP program's own, of Apache's Action */
	int not_found;
};

/* A variable's value, which does not change with the variable. */
static const char *get(const char *name)
{
	const char *value = getenv(name);

	return value ? start_text("%s", value) : NULL;
}

static int is_empty(const char *name)
{
	const char *value = getenv(name);

	return !value || !*value;
}

/* Both may be NULL. */
static int is_same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static void set(const char *name, const char *value)
{
	if (value) {
		setenv(name, value, 1);
	} else {
		unsetenv(name);
	}
}

/* Remembers what a variable was before it is changed. */
static void keep(const char *name, const char *original)
{
	if (original) {
		setenv(start_text("ORIG_%s", name), original, 1);
	}
}

/* Sets SCRIPT_NAME to what it was found to be. */
static void rename_script(struct search *s)
{
	keep("SCRIPT_NAME", s->script_name);
	set("SCRIPT_NAME", s->named);
}

static int exists(const char *path)
{
	struct stat file;

	return stat(path, &file) == 0;
}

static int is_file(const char *path)
{
	struct stat file;

	return stat(path, &file) == 0 && S_ISREG(file.st_mode);
}

/* Sets PATH_TRANSLATED: where PATH_INFO would be below the document root. */
static void translate(struct search *s, const char *file, const char *path_info, const char *root)
{
	size_t len;

	if (root) {
		len = strlen(root);
		len -= len > 0 && root[len - 1] == '/';
	} else if (s->named && strstr(file, s->named)) {
		root = file;
		len = strlen(file) - strlen(s->named);
	} else {
		return;
	}
	keep("PATH_TRANSLATED", s->path_translated);
	set("PATH_TRANSLATED", start_text("%.*s%s", (int)len, root, path_info ? path_info : ""));
}

/* Makes the first part of the path the script, and the rest PATH_INFO as far as it is not in it already. */
static void split_at(struct search *s, const char *file, const char *rest, const char *root)
{
	size_t info_len = s->path_info ? strlen(s->path_info) : 0, rest_len = strlen(rest);
	const char *path_info = s->path_info;

	if (info_len > rest_len) { /* PATH_INFO is the whole URI's path: its head is the script's name */
		const char *name = start_text("%.*s", (int)(info_len - rest_len), s->path_info);
		path_info = s->path_info + info_len - rest_len;
		keep("PATH_INFO", s->path_info);
		if (!is_same(s->script_name, name)) {
			keep("SCRIPT_NAME", s->script_name);
			set("SCRIPT_NAME", name);
		}
		s->uri = name;
		set("PATH_INFO", path_info);
	}
	if (!is_same(s->script_filename, file)) {
		keep("SCRIPT_FILENAME", s->script_filename);
		set("SCRIPT_FILENAME", file);
	}
	s->script = file;
	translate(s, file, path_info, root);
}

/* Goes back through the path, slash by slash, to a part that is a file. */
static void split(struct search *s, const char *root)
{
	const char *path = s->script;
	char *part = start_text("%s", path), *slash;
	int found = 0;

	while (!found && ((slash = strrchr(part, '/')) || (slash = strrchr(part, '\\')))) {
		*slash = '\0';
		found = is_file(part);
	}
	if (found) {
		split_at(s, part, path + strlen(part), root);
	} else {
		keep("SCRIPT_FILENAME", s->script_filename);
		set("SCRIPT_FILENAME", NULL);
		s->script = NULL;
		s->not_found = 1;
	}
	if (!s->uri) {
		if (!is_same(s->script_name, s->named)) {
			rename_script(s);
		}
		s->uri = s->named;
	}
}

/* cgi.fix_pathinfo=1: if the script's path is not a file, the longest leading part of it that is one is the script, and the rest is
 * PATH_INFO. */
static void fix(struct search *s)
{
	const char *redirect_url = get("REDIRECT_URL"), *root = get("DOCUMENT_ROOT");
	size_t len;

	if (!root && *s->rules->doc_root) {
		root = s->rules->doc_root;
		set("DOCUMENT_ROOT", root);
	}
	s->named = s->script_name;
	if (s->path_translated && redirect_url && !is_same(s->path_translated, s->script)) {
		s->script = s->path_translated;
		s->named = redirect_url;
		s->redirected = 1;
	}
	len = strlen(s->script);
	if (len > 0 && (s->script[len - 1] == '/' || !exists(s->script))) {
		split(s, root);
		return;
	}
	if (!is_same(s->script, s->script_filename)) {
		keep("SCRIPT_FILENAME", s->script_filename);
		set("SCRIPT_FILENAME", s->script);
	}
	if (redirect_url && s->path_info) {
		keep("PATH_INFO", s->path_info);
		set("PATH_INFO", NULL);
	}
	if (redirect_url && s->path_translated) {
		keep("PATH_TRANSLATED", s->path_translated);
		set("PATH_TRANSLATED", NULL);
	}
	if (s->redirected) {
		rename_script(s);
	}
	s->uri = s->named;
}

/* Reports whether a segment of the path is "..": such a path is refused. */
static int has_dot_dot(const char *path)
{
	const char *at;

	for (at = path; (at = strstr(at, "..")); at++) {
		if ((at == path || at[-1] == '/') && (at[2] == '\0' || at[2] == '/')) {
			return 1;
		}
	}
	return 0;
}

static void find(struct search *s)
{
	s->script_filename = get("SCRIPT_FILENAME");
	s->path_translated = get("PATH_TRANSLATED");
	s->script = s->script_filename ? s->script_filename : s->path_translated; /* some servers set the latter alone */
	if (!s->script) {
		return;
	}
	s->path_info = get("PATH_INFO");
	s->script_name = get("SCRIPT_NAME");
	if (s->rules->fix_pathinfo) {
		fix(s);
	} else {
		s->uri = s->path_info ? s->path_info : s->script_name;
		if (!s->rules->discard_path && s->path_translated) {
			s->script = s->path_translated;
		}
	}
	if (s->script && has_dot_dot(s->script)) {
		s->script = NULL;
	}
}

/* NULL if there is no text. */
static const char *text_or_null(const char *text)
{
	return text && *text ? text : NULL;
}

void cgi_find_script(const struct cgi_rules *rules, struct engine_request *request)
{
	struct search s = {.rules = rules};
	const char *length;

	find(&s);
	request->protocol = 1000;
	request->status = 200;
	if (is_empty("SCRIPT_FILENAME") && is_empty("PATH_TRANSLATED") && !s.script && !s.not_found) {
		return;
	}
	request->status = s.not_found ? 404 : 200;
	request->script = text_or_null(s.script);
	request->script_len = request->script ? strlen(request->script) : 0;
	request->uri = text_or_null(s.uri);
	request->uri_len = request->uri ? strlen(request->uri) : 0;
	request->method = text_or_null(get("REQUEST_METHOD"));
	request->query_string = text_or_null(get("QUERY_STRING"));
	request->content_type = get("CONTENT_TYPE");
	if (!request->content_type) { /* php-cgi takes a missing one for an empty one */
		request->content_type = "";
	}
	length = getenv("CONTENT_LENGTH");
	request->content_length = length ? strtoll(length, NULL, 10) : 0;
	request->cookie = text_or_null(get("HTTP_COOKIE"));
	request->authorization = text_or_null(get("HTTP_AUTHORIZATION"));
}

/* ---- the answer ---- */

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
