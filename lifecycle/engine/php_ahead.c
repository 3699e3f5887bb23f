/*
 * What PHP asks of libraries at each start, and at each end, also if the script has no use for them: it is answered here until the library
 * is open (php_late.h). What such a call would have set is kept, and told to the library when that is opened.
 *
 * A function ahead_NAME stands for NAME of the library, and a variable ahead_NAME for the library's variable. ahead_arrived_LIBRARY is called
 * when the library is open. The types are as far as they matter here: no library's headers are needed.
 */
#include <stddef.h>
#include <string.h>

#include "php_ahead.h"
#include "php_late.h"

#ifdef ENGINE_INSIDE

#pragma GCC visibility push(hidden)

/* What the libraries said when the program was built. packaging/engine asks them. */
extern const char ahead_fact_libxml_version[], ahead_fact_certificates[], ahead_fact_sodium_version[];

/* The place of a library; -1: the engine is without it. */
static int place_of(const char *name)
{
	int i;

	for (i = 0; late_libraries[i].name; i++) {
		if (strcmp(late_libraries[i].name, name) == 0) {
			return i;
		}
	}
	return -1;
}

/* Opens a library, whose functions the slots have then. If it cannot be opened, the call does not return: the slots would still have those
 * here. */
static void open_named(const char *name)
{
	int place = place_of(name);

	if (place >= 0) {
		late_require(place);
	}
}

/* Reports whether a library could be opened. phpinfo() asks each for its version, and has to answer without them. */
static int could_open(const char *name)
{
	int place = place_of(name);

	return place >= 0 && !late_open(place);
}

static const char not_there[] = "not installed";

/* ---- libxml2 ---- */

#define LIBXML "libxml2.so.2"

struct xml_input;
typedef struct xml_input *xml_loader(const char *url, const char *id, void *context);

void xmlInitParser(void);
void xmlSetGenericErrorFunc(void *context, void *function);
void xmlSetStructuredErrorFunc(void *context, void *function);
void *xmlParserInputBufferCreateFilenameDefault(void *function);
void *xmlOutputBufferCreateFilenameDefault(void *function);
void xmlSetExternalEntityLoader(xml_loader *loader);
xml_loader *xmlGetExternalEntityLoader(void);
const char **__xmlParserVersion(void);

/* Where the addresses of these variables of the library are. */
extern void (**free_of_xml)(void *) __asm__("xmlFree");
extern void *(**malloc_of_xml)(size_t) __asm__("xmlMalloc");

static struct {
	int init, has_generic, has_structured;
	void *generic_context, *generic, *structured_context, *structured, *input, *output;
	xml_loader *loader;
} xml;

static xml_loader *xml_default_loader;

static struct xml_input *load_by_default(const char *url, const char *id, void *context)
{
	open_named(LIBXML);
	return xml_default_loader(url, id, context);
}

void ahead_xmlInitParser(void)
{
	xml.init = 1;
}

void ahead_xmlSetGenericErrorFunc(void *context, void *function)
{
	xml.has_generic = 1;
	xml.generic_context = context;
	xml.generic = function;
}

void ahead_xmlSetStructuredErrorFunc(void *context, void *function)
{
	xml.has_structured = 1;
	xml.structured_context = context;
	xml.structured = function;
}

void *ahead_xmlParserInputBufferCreateFilenameDefault(void *function)
{
	void *before = xml.input;

	xml.input = function;
	return before;
}

void *ahead_xmlOutputBufferCreateFilenameDefault(void *function)
{
	void *before = xml.output;

	xml.output = function;
	return before;
}

xml_loader *ahead_xmlGetExternalEntityLoader(void)
{
	return xml.loader ? xml.loader : load_by_default;
}

void ahead_xmlSetExternalEntityLoader(xml_loader *loader)
{
	xml.loader = loader;
}

void ahead_xmlResetLastError(void)
{
}

void ahead_xmlRelaxNGCleanupTypes(void)
{
}

const char **ahead___xmlParserVersion(void)
{
	static const char *fact = ahead_fact_libxml_version, *none = not_there;

	if (!late_is_started()) {
		return &fact;
	}
	return could_open(LIBXML) ? __xmlParserVersion() : &none;
}

static void free_when_open(void *memory)
{
	open_named(LIBXML);
	(*free_of_xml)(memory);
}

static void *malloc_when_open(size_t size)
{
	open_named(LIBXML);
	return (*malloc_of_xml)(size);
}

void (*ahead_xmlFree)(void *) = free_when_open;
void *(*ahead_xmlMalloc)(size_t) = malloc_when_open;

const char *ahead_arrived_libxml2_so_2(void)
{
	if (xml.init) {
		xmlInitParser();
	}
	xml_default_loader = xmlGetExternalEntityLoader();
	if (xml.loader && xml.loader != load_by_default) {
		xmlSetExternalEntityLoader(xml.loader);
	}
	if (xml.has_generic) {
		xmlSetGenericErrorFunc(xml.generic_context, xml.generic);
	}
	if (xml.has_structured) {
		xmlSetStructuredErrorFunc(xml.structured_context, xml.structured);
	}
	xmlParserInputBufferCreateFilenameDefault(xml.input);
	xmlOutputBufferCreateFilenameDefault(xml.output);
	return NULL;
}

/* ---- OpenSSL ---- */

#define LIBSSL "libssl.so.3"
#define LIBCRYPTO "libcrypto.so.3"
#define INDEX_OF_SSL 0 /* CRYPTO_EX_INDEX_SSL */
#define FIRST_INDEX 1  /* 0 is the library's own */

int OPENSSL_init_ssl(uint64_t options, const void *settings);
int CRYPTO_get_ex_new_index(int class, long argl, void *argp, void *new, void *dup, void *free);
const char *X509_get_default_cert_area(void);
const char *OpenSSL_version(int what);

static struct {
	int init, has_index;
	uint64_t options;
} ssl;

int ahead_OPENSSL_init_ssl(uint64_t options, const void *settings)
{
	if (settings) {
		open_named(LIBSSL);
		return OPENSSL_init_ssl(options, settings);
	}
	ssl.init = 1;
	ssl.options |= options;
	return 1;
}

/* The first index that anyone asks for is known. PHP takes it, without what would be called by it. */
int ahead_CRYPTO_get_ex_new_index(int class, long argl, void *argp, void *new, void *dup, void *free)
{
	if (class != INDEX_OF_SSL || new || dup || free || ssl.has_index) {
		open_named(LIBCRYPTO);
		return CRYPTO_get_ex_new_index(class, argl, argp, new, dup, free);
	}
	ssl.has_index = 1;
	return FIRST_INDEX;
}

const char *ahead_X509_get_default_cert_area(void)
{
	if (late_is_started()) {
		open_named(LIBCRYPTO);
		return X509_get_default_cert_area();
	}
	return ahead_fact_certificates;
}

const char *ahead_OpenSSL_version(int what)
{
	return could_open(LIBCRYPTO) ? OpenSSL_version(what) : not_there;
}

const char *ahead_arrived_libcrypto_so_3(void)
{
	could_open(LIBSSL); /* which initializes both; without it libcrypto initializes itself */
	if (ssl.has_index && CRYPTO_get_ex_new_index(INDEX_OF_SSL, 0, "PHP stream index", NULL, NULL, NULL) != FIRST_INDEX) {
		return LIBSSL ": another library had an index of SSL before PHP";
	}
	return NULL;
}

const char *ahead_arrived_libssl_so_3(void)
{
	if (ssl.init && OPENSSL_init_ssl(ssl.options, NULL) != 1) {
		return LIBSSL ": it cannot be initialized";
	}
	return NULL;
}

/* ---- libsodium ---- */

#define LIBSODIUM "libsodium.so.23"

int sodium_init(void);
const char *sodium_version_string(void);

int ahead_sodium_init(void)
{
	return 0;
}

int ahead_randombytes_close(void)
{
	return -1; /* nothing is open */
}

const char *ahead_sodium_version_string(void)
{
	if (!late_is_started()) {
		return ahead_fact_sodium_version;
	}
	return could_open(LIBSODIUM) ? sodium_version_string() : not_there;
}

#define X(type, name) \
	extern const type ahead_fact_##name; \
	type name(void); \
	type ahead_##name(void); \
	type ahead_##name(void) \
	{ \
		if (late_is_started()) { \
			open_named(LIBSODIUM); \
			return name(); \
		} \
		return ahead_fact_##name; \
	}
AHEAD_NUMBERS(X)
#undef X

const char *ahead_arrived_libsodium_so_23(void)
{
	return sodium_init() < 0 ? LIBSODIUM ": it cannot be initialized" : NULL;
}

/* ---- libgd, which an engine may be without ---- */

__attribute__((weak)) void gdSetErrorMethod(void *function);

static void *gd_error_method;

void ahead_gdSetErrorMethod(void *function)
{
	gd_error_method = function;
}

void ahead_gdFontCacheShutdown(void)
{
}

const char *ahead_arrived_libgd_so_3(void)
{
	if (gd_error_method) {
		gdSetErrorMethod(gd_error_method);
	}
	return NULL;
}

/* ---- libcurl, which an engine may be without: it brings thirty libraries ---- */

#define LIBCURL "libcurl.so.4"

__attribute__((weak)) int curl_global_init(long flags);

static struct {
	int init;
	long flags;
} curl;

int ahead_curl_global_init(long flags)
{
	curl.init = 1;
	curl.flags = flags;
	return 0;
}

void ahead_curl_global_cleanup(void)
{
}

const char *ahead_arrived_libcurl_so_4(void)
{
	if (curl.init && curl_global_init(curl.flags) != 0) {
		return LIBCURL ": it cannot be initialized";
	}
	return NULL;
}

#pragma GCC visibility pop

#endif
