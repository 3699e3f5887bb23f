/* What the engine asks of the program, answered by Go (web_callbacks.go). */
#include "forks.h"
#include "host.h"
#include "process.h"
#include "_cgo_export.h"

static int answers(void)
{
	return process_at_exec.go_ready && !is_forked();
}

static int host_write(const char *text, size_t len)
{
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

struct engine_host host = {
	.write = host_write,
	.flush = host_flush,
	.head = host_head,
	.read_body = host_read_body,
	.finish = host_finish,
	.status = host_status,
	.log = host_log,
};
