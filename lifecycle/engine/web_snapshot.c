/*
 * A worker script that has booted and is about to be forked: what the application is told of it, what it must not have then, and
 * what its workers must not have in common.
 */
#include <stdio.h>
#include <string.h>

#include "php_module.h"
#include "web.h"
#include "web_snapshot.h"

/* What the application has asked to be called. */
static HashTable before, after;
static int has_hooks;

static uint32_t objects; /* those that there were at the snapshot have handles below this; 0: there was none */

/* ---- hooks ---- */

static void add_hook(INTERNAL_FUNCTION_PARAMETERS, HashTable *to)
{
	zend_fcall_info call;
	zend_fcall_info_cache cache;
	zval callback;

	ZEND_PARSE_PARAMETERS_START(1, 1)
		Z_PARAM_FUNC(call, cache)
	ZEND_PARSE_PARAMETERS_END();

	if (!has_hooks) {
		_zend_hash_init(&before, 0, ZVAL_PTR_DTOR, 0);
		_zend_hash_init(&after, 0, ZVAL_PTR_DTOR, 0);
		has_hooks = 1;
	}
	ZVAL_COPY(&callback, &call.function_name);
	zend_hash_next_index_insert(to, &callback);
}

PHP_FUNCTION(phpsapi_before_fork)
{
	add_hook(INTERNAL_FUNCTION_PARAM_PASSTHRU, &before);
}

PHP_FUNCTION(phpsapi_after_fork)
{
	add_hook(INTERNAL_FUNCTION_PARAM_PASSTHRU, &after);
}

/* Returns 0 if the hook has thrown, and reports that. */
static int call_hook(zval *callback)
{
	zval result;

	ZVAL_UNDEF(&result);
	call_user_function(NULL, NULL, callback, &result, 0, NULL);
	zval_ptr_dtor(&result);
	if (EG(exception)) {
		zend_exception_error(EG(exception), E_WARNING);
		return 0;
	}
	return 1;
}

/* ---- what a snapshot must not have ---- */

/* Objects of these classes have a connection, or files, of their own. */
static const char *const connections[] = {"pdo", "mysqli", "sqlite3", "redis", "rediscluster", "memcached", "memcache", "amqpconnection",
	"pgsql\\connection", "ftp\\connection", "ldap\\connection", "imap\\connection", "mongodb\\driver\\manager", "curlmultihandle"};

static int is_connection(const zend_class_entry *class)
{
	size_t i;

	for (; class; class = class->parent) {
		for (i = 0; i < sizeof(connections) / sizeof(*connections); i++) {
			if (zend_binary_strcasecmp(ZSTR_VAL(class->name), ZSTR_LEN(class->name), connections[i], strlen(connections[i])) == 0) {
				return 1;
			}
		}
	}
	return 0;
}

static const zend_class_entry *find_connection(void)
{
	uint32_t i;

	for (i = 1; i < EG(objects_store).top; i++) {
		zend_object *object = EG(objects_store).object_buckets[i];
		if (IS_OBJ_VALID(object) && is_connection(object->ce)) {
			return object->ce;
		}
	}
	return NULL;
}

enum engine_snapshot engine_snapshot_prepare(char *name, size_t size)
{
	const zend_class_entry *class;
	uint32_t i;

	if (has_hooks) {
		for (i = zend_hash_num_elements(&before); i > 0; i--) { /* the last that was added is the first */
			if (!call_hook(zend_hash_index_find(&before, i - 1))) {
				snprintf(name, size, "%s", PG(last_error_message) ? ZSTR_VAL(PG(last_error_message)) : "");
				return ENGINE_SNAPSHOT_HOOK_FAILED;
			}
		}
	}
	zend_gc_collect_cycles();
	class = find_connection();
	if (class) {
		snprintf(name, size, "%s", ZSTR_VAL(class->name));
		return ENGINE_SNAPSHOT_CONNECTION;
	}
	objects = EG(objects_store).top;
	return ENGINE_SNAPSHOT_PREPARED;
}

/* ---- in a worker ---- */

void engine_snapshot_forked(void)
{
	zend_module_entry *random = find_extension("random");
	uint32_t i;

	ENGINE_CHILD_INIT();
	if (random && random->request_startup_func) { /* the next random number begins with a seed of this process's own */
		random->request_startup_func(random->type, random->module_number);
	}
	for (i = 0; has_hooks && i < zend_hash_num_elements(&after); i++) {
		call_hook(zend_hash_index_find(&after, i));
	}
}

void snapshot_leave_objects(void)
{
	uint32_t i;

	for (i = 1; i < objects; i++) {
		zend_object *object = EG(objects_store).object_buckets[i];
		if (IS_OBJ_VALID(object)) {
			GC_ADD_FLAGS(object, IS_OBJ_DESTRUCTOR_CALLED);
		}
	}
}
