/* The engine's description, by which the program finds it, and its part in the contract. */
#include "php.h"
#include "main/build-defs.h"

const struct engine_host *host;

static void attach(const struct engine_host *given)
{
	host = given;
}

/* What of PHP's structures must be there. libphp copies as much of a sapi_module_struct as its own has. */
static const struct engine_structure structures[] = {
	{"basic_globals", sizeof(union basic_fields), SIZE_MAX},
	{"compiler_globals", sizeof(union compiler_fields), SIZE_MAX},
	{"core_globals", sizeof(union core_fields), SIZE_MAX},
	{"executor_globals", sizeof(union executor_fields), SIZE_MAX},
	{"file_globals", sizeof(union file_fields), SIZE_MAX},
	{"sapi_globals", sizeof(union sapi_fields), SIZE_MAX},
	{"sapi_module", sizeof(union sapi_module_fields), sizeof(union passed_module)},
	{"zend_signal_globals", sizeof(union signal_fields), SIZE_MAX},
	{0},
};

/* Made by packaging/build-engine; not there in an engine that contains PHP or is linked to it. */
extern const struct engine_slot engine_slots[] __attribute__((weak, visibility("hidden")));

/* By this name an engine is found that is a file of its own. */
__attribute__((visibility("default"))) const struct engine phpsapi_engine = {
	.contract = ENGINE_CONTRACT,
	.php_version = PHP_VERSION,
	.build_id = ZEND_MODULE_BUILD_ID,
	.ini_dir = PHP_CONFIG_FILE_PATH,
	.ini_scan_dir = PHP_CONFIG_FILE_SCAN_DIR,
	.extension_dir = PHP_EXTENSION_DIR,
	.prefix = PHP_PREFIX,
	.entry = {
		.size = sizeof(zend_module_entry),
		.api = ZEND_MODULE_API_NO,
		.name = offsetof(zend_module_entry, name),
		.version = offsetof(zend_module_entry, version),
		.build_id = offsetof(zend_module_entry, build_id),
	},
	.structures = structures,
	.slots = engine_slots,
	.attach = attach,
#define X(type, name, parameters, arguments) .name = engine_##name,
	ENGINE_FUNCTIONS(X)
#undef X
};

/* By this one that is linked into the program. */
__attribute__((used, section("phpsapi_engines"))) static const struct engine *const listed = &phpsapi_engine;
