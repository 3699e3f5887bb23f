/* What an engine asks of the program. Most is answered by Go (web.go). */
#include "boot.h"
#include "boot_forks.h"
#include "boot_process.h"
#include "boot_template.h"
#include "boot_title.h"
#include "engine_directory.h"
#include "engine_host.h"
#include "engine_load.h"
#include "engine_timer.h"
#include "httpd_view.h"
#include "_cgo_export.h"

static int answers(void)
{
	return process_at_exec.go_ready && !forks_is_child(engine_may_have_forked());
}

static int host_write(const char *text, size_t len)
{
	if (template_is_open()) {
		template_write(text, len);
		return 0;
	}
	return answers() ? engineWrite((char *)text, len) : 0;
}

static int host_flush(void)
{
	return answers() ? engineFlush() : 0;
}

static int host_head(int status, const char *line, int flags, const char *lines, size_t len)
{
	return answers() ? engineHead(status, (char *)line, flags, (char *)lines, len) : 0;
}

static size_t host_read_body(char *to, size_t size)
{
	return answers() ? engineReadBody(to, size) : 0;
}

static void host_finish(void)
{
	if (answers()) {
		engineFinish();
	}
}

static struct engine_request *host_next_request(void)
{
	if (template_is_open()) {
		struct engine_request *r = template_next_request();
		if (r) {
			return r;
		}
	}
	return answers() ? engineNextRequest() : NULL;
}

static void host_request_done(void)
{
	if (template_is_open()) {
		template_request_done();
	} else if (answers()) {
		engineRequestDone();
	}
}

static void host_renew(void)
{
	if (answers()) {
		engineRenew();
	}
}

static void host_interrupted(enum engine_interrupt why)
{
	if (answers()) {
		engineInterrupted(why);
	}
}

static int host_status(void *array)
{
	return answers() ? engineStatus(array) : 0;
}

static int host_log(int level, const char *text, size_t len)
{
	if (!answers()) {
		return 0;
	}
	engineLog(level, (char *)text, len);
	return 1;
}

static int host_report(int level, const char *text, size_t len)
{
	if (!answers()) {
		return 0;
	}
	engineReport(level, (char *)text, len);
	return 1;
}

struct engine_host host = {
	.write = host_write,
	.flush = host_flush,
	.head = host_head,
	.read_body = host_read_body,
	.httpd = &httpd_over_wire,
	.finish = host_finish,
	.next_request = host_next_request,
	.request_done = host_request_done,
	.renew = host_renew,
	.interrupted = host_interrupted,
	.status = host_status,
	.log = host_log,
	.report = host_report,
	.is_worker = boot_is_worker,
	.is_forked = forks_is_child,
	.has_forked = forks_seen,
	.directory_changes = directory_changes,
	.timer_rests = timer_rests,
	.hide_arguments = hide_arguments,
	.title_init = proctitle_init,
	.title_room = proctitle_room,
	.title_set = proctitle_set,
	.title_get = proctitle_get,
};
