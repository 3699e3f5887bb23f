/*
 * Worker mode: a script boots an application once and then answers request after request by frankenphp_handle_request().
 * The script is one request of PHP's from its boot to its end; each request that it answers is a part of that one: what
 * belongs to the request is made new, the rest is the script's.
 *
 *     boot              startup, the script up to its first call
 *     call              waits for a request; request startup; the handler; request end; returns true
 *     call              ... and false if the worker is to end
 *     call              ... after that ends the script as exit does
 *     script's end      shutdown functions, request shutdown
 *
 * The function, and what it resets and keeps, is that of FrankenPHP. With strict more is put back.
 */
#include <string.h>

#include "php_leftovers.h"
#include "php_module.h"
#include "php_opcache.h"
#include "php_script.h"
#include "web.h"
#include "web_extensions.h"
#include "web_put_back.h"
#include "web_snapshot.h"

/* Where the script is. */
static enum { NOT_RUNNING, BOOTING, WAITING, ANSWERING } state;

static int is_strict;
static int was_told; /* the script, that there are no more requests */
static zend_string *outlived; /* the message of the last exception that ended a request and not the script */

/* ---- a request's begin ---- */

/* Makes a superglobal new: PHP itself does so only once, when a script that names it is compiled. */
static void renew(const char *name)
{
	zval *found = zend_hash_str_find(CG(auto_globals), name, strlen(name));
	zend_auto_global *global = found ? Z_PTR_P(found) : NULL;

	if (global && global->auto_global_callback) {
		global->armed = global->auto_global_callback(global->name);
	}
}

/* $_ENV stays the script's, as what putenv() has set does. */
static void renew_superglobals(void)
{
	static const int tracked[] = {TRACK_VARS_POST, TRACK_VARS_GET, TRACK_VARS_COOKIE, TRACK_VARS_SERVER, TRACK_VARS_FILES};
	size_t i;

	for (i = 0; i < sizeof(tracked) / sizeof(*tracked); i++) {
		zval *global = &PG(http_globals)[tracked[i]];
		zval_ptr_dtor(global);
		ZVAL_UNDEF(global);
	}
	renew("_GET");
	renew("_POST");
	renew("_COOKIE");
	renew("_SERVER");
	renew("_FILES");
	if (zend_hash_str_exists(&EG(symbol_table), ZEND_STRL("_REQUEST"))) {
		renew("_REQUEST"); /* else PHP makes it when it is named */
	}
}

static void start_output(void)
{
	if (PG(output_handler) && PG(output_handler)[0]) {
		zval handler;

		ZVAL_STRING(&handler, PG(output_handler));
		php_output_start_user(&handler, 0, PHP_OUTPUT_HANDLER_STDFLAGS);
		zval_ptr_dtor(&handler);
	} else if (PG(output_buffering)) {
		php_output_start_user(NULL, PG(output_buffering) > 1 ? PG(output_buffering) : 0, PHP_OUTPUT_HANDLER_STDFLAGS);
	} else if (PG(implicit_flush)) {
		php_output_set_implicit_flush(1);
	}
}

static void forget_last_error(void)
{
	if (PG(last_error_message)) {
		zend_string_release(PG(last_error_message));
		PG(last_error_message) = NULL;
	}
	if (PG(last_error_file)) {
		zend_string_release(PG(last_error_file));
		PG(last_error_file) = NULL;
	}
	PG(last_error_type) = 0;
	PG(last_error_lineno) = 0;
}

/* The time of a request counts from here, or from the end of its body. Each timer costs a system call. */
static int start_timer(void)
{
	int has_body = SG(request_info).content_length != 0 && PG(max_input_time) != -1;

	zend_set_timeout(has_body ? PG(max_input_time) : zend_ini_long(ZEND_STRL("max_execution_time"), 0), 1);
	return has_body;
}

/* PHP stops no timer when EG(timeout_seconds) is 0, and set_time_limit() sets it when it starts another. */
static void stop_timer(void)
{
	zend_unset_timeout();
	EG(timeout_seconds) = 0;
}

/* With a limit of 0 PHP leaves the timer of the input running, and EG(timeout_seconds) is 0 all the same. */
static void stop_timer_of_input(void)
{
	EG(timeout_seconds) = 1;
	stop_timer();
}

/* As php_request_startup, but for what the script keeps. What a client can send wrong is reported as warnings of this
 * request, without the script's error handler: it may throw, and nothing would catch that. A bailout ends the script. */
static void start(struct engine_request *r)
{
	zval handler;
	int has_body;

	ZVAL_COPY_VALUE(&handler, &EG(user_error_handler));
	ZVAL_UNDEF(&EG(user_error_handler));
	state = ANSWERING;
	EG(exit_status) = 0;
	forget_last_error();
	zend_memory_reset_peak_usage();
	php_clear_stat_cache(0, NULL, 0);
	PG(header_is_being_sent) = 0;
	PG(connection_status) = PHP_CONNECTION_NORMAL;
	php_output_deactivate();
	php_output_activate();
	web_begin(r);
	web_takes_body = 1;
	sapi_activate();
	web_takes_body = 0;
	has_body = start_timer();
	if (PG(expose_php)) {
		sapi_add_header(SAPI_PHP_VERSION_HEADER, sizeof(SAPI_PHP_VERSION_HEADER) - 1, 1);
	}
	start_output();
	renew_superglobals();
	extensions_begin();
	ZVAL_COPY_VALUE(&EG(user_error_handler), &handler);
	PG(ignore_user_abort) = 1; /* a client that leaves must not end the script */
	r->auth_user = SG(request_info).auth_user;
	r->auth_user_len = r->auth_user ? strlen(r->auth_user) : 0;
	web_tell();
	if (has_body) {
		stop_timer_of_input();
		zend_set_timeout(zend_ini_long(ZEND_STRL("max_execution_time"), 0), 0);
	}
	host->timer_rests(0);
}

/* ---- a request's end ---- */

/* Gives up what belongs to the request. */
static void forget_request(void)
{
	SG(server_context) = NULL; /* or the rest of the body would be read */
	if (SG(request_info).request_uri) {
		efree(SG(request_info).request_uri);
		SG(request_info).request_uri = NULL;
	}
	web_forget_script();
	web_free_bodies();
	sapi_deactivate();
	SG(request_info).auth_user = NULL; /* freed, as what follows: the script's end would do it again */
	SG(request_info).auth_password = NULL;
	SG(request_info).auth_digest = NULL;
	SG(request_info).content_type_dup = NULL;
	SG(request_info).current_user = NULL;
	SG(rfc1867_uploaded_files) = NULL;
	web_request = NULL;
	SG(headers_sent) = 1; /* until the next request comes nobody takes any, */
	php_output_activate(); /* nor output */
	zend_set_memory_limit(PG(memory_limit));
}

static void outlive(zend_string *message)
{
	if (outlived) {
		zend_string_release(outlived);
	}
	outlived = message ? zend_string_copy(message) : NULL;
}

/* An exception that nothing has caught is shown to the client, and the script continues. */
static void report_exception(void)
{
	if (EG(exception) && !zend_is_unwind_exit(EG(exception)) && !zend_is_graceful_exit(EG(exception))) {
		zend_exception_error(EG(exception), E_ERROR);
		outlive(PG(last_error_message));
	}
}

/* The boot ends when the script asks for its first request: what it has printed goes to the log, and what it has changed of
 * the process is how the process is. $_ENV is made by now, or it would be made from the request in which it is first named. */
static void end_boot(void)
{
	zend_is_auto_global(ZSTR_KNOWN(ZEND_STR_AUTOGLOBAL_ENV));
	php_output_end_all();
	php_output_deactivate();
	extensions_end();
	forget_request();
	leftovers_accept();
	if (is_strict) {
		put_back_note();
	}
}

static void end(void)
{
	int stale;

	php_output_end_all();
	report_exception();
	host->timer_rests(1);
	stop_timer();
	extensions_end();
	report_exception();
	php_output_deactivate();
	web_end_body();
	web_add_error_header();
	web_tell();
	stale = !leftovers_clear(host->has_forked());
	web_request->stale |= stale;
	state = WAITING;
	host->request_done();
	opcache_look();
	forget_request();
}

/* What the script has done since the end of a request is that one's, too. */
static void end_work(void)
{
	php_output_discard_all();
	web_free_bodies();
	extensions_end();
	put_back();
	report_exception();
}

/* ---- the function ---- */

/* Tells the script that there are no more requests. A loop that takes no notice would keep a processor busy for ever. */
static void tell_end(zval *return_value)
{
	if (was_told) {
		zend_throw_unwind_exit();
		return;
	}
	was_told = 1;
	RETVAL_FALSE;
}

static PHP_FUNCTION(frankenphp_handle_request)
{
	zend_fcall_info call;
	zend_fcall_info_cache cache;
	struct engine_request *r;
	zval result;

	ZEND_PARSE_PARAMETERS_START(1, 1)
		Z_PARAM_FUNC(call, cache)
	ZEND_PARSE_PARAMETERS_END();

	if (state == ANSWERING || state == NOT_RUNNING) {
		zend_throw_exception(NULL, state == ANSWERING
			? "frankenphp_handle_request() was called by the handler of a request: call it again after it has returned"
			: "frankenphp_handle_request() was called outside of a worker script", 0);
		RETURN_THROWS();
	}
	if (EG(active_fiber)) {
		zend_throw_exception(NULL, "frankenphp_handle_request() was called in a Fiber: call it outside of one", 0);
		RETURN_THROWS();
	}
	if (is_forked()) { /* requests are its parent's */
		tell_end(return_value);
		return;
	}
	stop_timer();
	if (state == BOOTING) {
		stop_timer_of_input();
		end_boot();
		state = WAITING;
		web_has_booted = 1;
	} else {
		end_work();
	}
	if (EG(exception)) {
		return;
	}
	r = host->next_request();
	if (!r) {
		tell_end(return_value);
		return;
	}
	start(r);

	ZVAL_UNDEF(&result);
	call.retval = &result;
	if (zend_call_function(&call, &cache) == SUCCESS) {
		zval_ptr_dtor(&result);
	}
	if (is_forked()) {
		zend_bailout(); /* to the script's end, where a child goes another way */
	}
	report_exception();
	if (EG(exception)) { /* exit() */
		return;
	}
	end();
	RETURN_TRUE;
}

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_hook, 0, 1, IS_VOID, 0)
	ZEND_ARG_TYPE_INFO(0, callback, IS_CALLABLE, 0)
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_handle_request, 0, 1, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, callback, IS_CALLABLE, 0)
ZEND_END_ARG_INFO()

const zend_function_entry worker_functions[] = {
	ZEND_NAMED_FE(frankenphp_handle_request, ZEND_FN(frankenphp_handle_request), arginfo_handle_request)
	ZEND_NAMED_FE(phpsapi_before_fork, ZEND_FN(phpsapi_before_fork), arginfo_hook)
	ZEND_NAMED_FE(phpsapi_after_fork, ZEND_FN(phpsapi_after_fork), arginfo_hook)
	PHP_FE_END
};

/* ---- the script ---- */

/* Applications report a boot that fails to STDERR, which the front ends of web servers do not define. */
static void define_stderr(void)
{
	php_stream *stream = php_stream_open_wrapper_ex("php://stderr", "wb", 0, NULL, NULL);
	zend_constant constant;

	if (!stream) {
		return;
	}
	stream->flags |= PHP_STREAM_FLAG_NO_RSCR_DTOR_CLOSE;
	php_stream_to_zval(stream, &constant.value);
	ZEND_CONSTANT_SET_FLAGS(&constant, CONST_CS, 0);
	constant.name = zend_string_init_interned(ZEND_STRL("STDERR"), 0);
	zend_register_constant(&constant);
}

void engine_web_run_worker_script(int strict)
{
	state = BOOTING;
	is_strict = strict;
	was_told = 0;
	web_outlived_error = 0;
	SG(headers_sent) = 0; /* or no save handlers of sessions could be set */
	EG(exit_status) = 0;
	web_enter_directory_of_script();
	zend_try {
		define_stderr();
		php_execute_script(&primary.file);
	} zend_end_try();
	end_if_forked();
	web_outlived_error = outlived && outlived == PG(last_error_message);
	outlive(NULL);
	snapshot_leave_objects();
	extensions_forget();
	put_back_forget();
	if (web_request) {
		web_end_body();
		web_add_error_header();
		web_tell();
	}
}
