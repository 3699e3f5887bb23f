/* What PHP says to the error log, and scripts by frankenphp_log(). */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "web.h"

/* How php's development server begins a line of its log. */
static const char *log_date(void)
{
	static char date[64];
	time_t now = time(NULL);
	struct tm local;

	localtime_r(&now, &local);
	return strftime(date, sizeof(date), "[%a %b %e %H:%M:%S %Y] ", &local) > 0 ? date : "";
}

void web_log_message(const char *message, int priority)
{
	if (!host->log(0, message, strlen(message))) {
		fprintf(stderr, "%s%s\n", web_front_end == ENGINE_CLI_SERVER ? log_date() : "", message);
	}
}

/* How severe a message of frankenphp_log() is: FrankenPHP's numbers, from which others may differ, and zlog's. */
static const struct {
	const char *name;
	int level, zlog;
} severities[] = {
	{"FRANKENPHP_LOG_LEVEL_DEBUG", -4, 1},
	{"FRANKENPHP_LOG_LEVEL_INFO", 0, 2},
	{"FRANKENPHP_LOG_LEVEL_WARN", 4, 3},
	{"FRANKENPHP_LOG_LEVEL_ERROR", 8, 4},
};

enum { SEVERITIES = sizeof(severities) / sizeof(*severities) };

void register_log_levels(int module_number)
{
	int i;

	for (i = 0; i < SEVERITIES; i++) {
		zend_register_long_constant(severities[i].name, strlen(severities[i].name), severities[i].level, CONST_CS | CONST_PERSISTENT, module_number);
	}
}

static int zlog_level(zend_long level)
{
	int i = SEVERITIES - 1;

	while (i > 0 && level < severities[i].level) {
		i--;
	}
	return severities[i].zlog;
}

/*
 * FrankenPHP's function: a line for the error log, with the context as JSON behind it. The line is made without smart_str's
 * functions: those of the header call some that 8.2.36 added, and the engine runs older patch releases, too.
 */
PHP_FUNCTION(frankenphp_log)
{
	zend_string *message, *line;
	zend_long level = 0;
	zval *context = NULL;
	smart_str json = {0};

	ZEND_PARSE_PARAMETERS_START(1, 3)
		Z_PARAM_STR(message)
		Z_PARAM_OPTIONAL
		Z_PARAM_LONG(level)
		Z_PARAM_ARRAY(context)
	ZEND_PARSE_PARAMETERS_END();

	if (context && zend_hash_num_elements(Z_ARRVAL_P(context)) > 0) {
		php_json_encode(&json, context, PHP_JSON_UNESCAPED_SLASHES | PHP_JSON_UNESCAPED_UNICODE | PHP_JSON_INVALID_UTF8_SUBSTITUTE |
			PHP_JSON_PARTIAL_OUTPUT_ON_ERROR);
	}
	line = json.s ? zend_string_concat3(ZSTR_VAL(message), ZSTR_LEN(message), " ", 1, ZSTR_VAL(json.s), ZSTR_LEN(json.s))
		: zend_string_copy(message);
	if (!EG(exception) && !host->report(zlog_level(level), ZSTR_VAL(line), ZSTR_LEN(line))) {
		fprintf(stderr, "%s\n", ZSTR_VAL(line));
	}
	zend_string_release(line);
	smart_str_free(&json);
}
