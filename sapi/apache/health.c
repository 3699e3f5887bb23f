/*
 * Whether the phpsapi fpm of PHPSAPIMode pool runs, in memory that httpd's parent, which watches it, and its children share: a request
 * for a service that cannot be started is not to wait for it. The memory outlives httpd's restarts.
 */
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include <apr_strings.h>
#include <apr_time.h>

#include "apache.h"

struct health {
	_Atomic bool answers;       /* since its last start */
	_Atomic bool fails;         /* it could not be started, or ended before it answered */
	_Atomic int not_forked;     /* an errno; 0: it ended, by the status */
	_Atomic int status;
	_Atomic apr_time_t started;
};

/* A service that ends so soon after its start, in seconds, and has not answered, fails. */
enum { SOON = 10 };

static struct health *health;

int apache_open_health(apr_pool_t *lasting)
{
	static const char key[] = "mod_phpsapi health 1";
	void *found = NULL;

	apr_pool_userdata_get(&found, key, lasting);
	if (!found) {
		found = mmap(NULL, sizeof(*health), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (found == MAP_FAILED) {
			return -1;
		}
		apr_pool_userdata_set(found, key, apr_pool_cleanup_null, lasting);
	}
	health = found;
	return 0;
}

/* httpd tells a status as waitpid has it, or an exit status or a signal, and not which. The program ends by its own will at SIGHUP and SIGINT,
 * and there is no signal beyond 64 in either. */
const char *apache_how_it_ended(apr_pool_t *p, int status)
{
	int signal_number = status & 0x7f;

	if (status >= 256) {
		return apr_psprintf(p, "exit status %d", status >> 8);
	}
	if (signal_number <= SIGINT || signal_number > 64) {
		return apr_psprintf(p, "exit status %d", status);
	}
	return apr_psprintf(p, "signal %d", signal_number);
}

/* ---- the parent's ---- */

void apache_service_begins(void)
{
	health->answers = false;
	health->started = apr_time_now();
}

void apache_service_not_forked(int reason)
{
	health->not_forked = reason;
	health->fails = true;
}

void apache_service_ended(int status)
{
	if (health->answers || apr_time_now() - health->started >= apr_time_from_sec(SOON)) {
		return;
	}
	health->status = status;
	health->not_forked = 0;
	health->fails = true;
}

/* ---- the children's ---- */

void apache_service_answers(void)
{
	if (!health->answers || health->fails) {
		health->answers = true;
		health->fails = false;
	}
}

bool apache_service_fails(void)
{
	return health->fails;
}

const char *apache_service_failure(apr_pool_t *p)
{
	int status = health->status, not_forked = health->not_forked;

	if (!health->fails) {
		return NULL;
	}
	if (not_forked != 0) {
		return apr_psprintf(p, "fork: %s; httpd tries it again every few seconds", strerror(not_forked));
	}
	return apr_psprintf(p, "it ends (%s) before it answers, and httpd tries it again; its own lines in httpd's error log say why", apache_how_it_ended(p, status));
}
