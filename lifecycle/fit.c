/*
 * Whether a libphp fits the code compiled here. It must have the same build id, as PHP requires of an extension, and its
 * structures must reach as far as the fields that this package uses (fields.h). Nothing of libphp is called before that is
 * known.
 *
 * dladdr1 returns a symbol's size, too, but reads all symbols to find one: 85 microseconds for five, where a start of php
 * takes six milliseconds. The hash table finds them in one.
 */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "libphp.h"
#include "fit.h"

#undef snprintf /* PHP has its own, which is not needed here */

static const struct {
	const char *name;
	size_t least, most;
} structures[] = {
	{"compiler_globals", sizeof(union compiler_fields), SIZE_MAX},
	{"core_globals", sizeof(union core_fields), SIZE_MAX},
	{"executor_globals", sizeof(union executor_fields), SIZE_MAX},
	{"file_globals", sizeof(union file_fields), SIZE_MAX},
	{"sapi_globals", sizeof(union sapi_fields), SIZE_MAX},
	{"sapi_module", sizeof(union sapi_module_fields), sizeof(union passed_module)},
	{"zend_signal_globals", sizeof(union signal_fields), SIZE_MAX},
};

/* ---- the size of a symbol ---- */

/* What an entry of the dynamic section points to. glibc relocates the entries, other loaders do not. */
static const void *dynamic(const struct link_map *object, ElfW(Sxword) tag)
{
	const ElfW(Dyn) *entry;

	for (entry = object->l_ld; entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == tag) {
			ElfW(Addr) at = entry->d_un.d_ptr;
			return (const void *)(at < object->l_addr ? at + object->l_addr : at);
		}
	}
	return NULL;
}

static const ElfW(Sym) *hashed_symbol(const struct link_map *object, const uint32_t *table, const char *name)
{
	const ElfW(Sym) *symbols = dynamic(object, DT_SYMTAB);
	const char *strings = dynamic(object, DT_STRTAB), *c;
	uint32_t buckets_len = table[0], first = table[1], filter_len = table[2], hash = 5381, i;
	const uint32_t *buckets = table + 4 + filter_len * (sizeof(ElfW(Addr)) / sizeof(*table));
	const uint32_t *chain = buckets + buckets_len;

	for (c = name; *c; c++) {
		hash = hash * 33 + (unsigned char)*c;
	}
	i = buckets_len ? buckets[hash % buckets_len] : 0;
	if (i < first) {
		return NULL;
	}
	do {
		if ((chain[i - first] | 1) == (hash | 1) && strcmp(strings + symbols[i].st_name, name) == 0) {
			return &symbols[i];
		}
	} while (!(chain[i++ - first] & 1));
	return NULL;
}

static size_t symbol_size(void *libphp, const char *name)
{
	const struct link_map *object = libphp;
	const uint32_t *table = dynamic(object, DT_GNU_HASH);
	const ElfW(Sym) *symbol = NULL;
	Dl_info where;

	if (table) {
		symbol = hashed_symbol(object, table, name);
	} else if (!dladdr1(dlsym(libphp, name), &where, (void **)&symbol, RTLD_DL_SYMENT)) {
		return 0;
	}
	return symbol ? symbol->st_size : 0;
}

/* ---- the build id ---- */

/* A search in an object's memory. */
struct search {
	const struct link_map *object;
	const char *module;              /* the name of a module to find; NULL: any */
	const zend_module_entry *entry;  /* the module that was found */
	const char *text;                /* text that looks like a build id */
};

static int holds(const struct dl_phdr_info *info, const void *address)
{
	int i;

	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		if (segment->p_type == PT_LOAD && (uintptr_t)address - info->dlpi_addr - segment->p_vaddr < segment->p_filesz) {
			return 1;
		}
	}
	return 0;
}

static int is_module(const struct search *search, const struct dl_phdr_info *info, const zend_module_entry *entry)
{
	return entry->size == sizeof(*entry) && entry->zend_api == ZEND_MODULE_API_NO && holds(info, entry->name) &&
		holds(info, entry->version) && holds(info, entry->build_id) &&
		(!search->module || strcmp(entry->name, search->module) == 0);
}

/* Finds the entry of a module that libphp is linked with. Entries are in a writable segment, after the part that the loader
 * makes read-only: a few kilobytes. */
static int find_module(struct dl_phdr_info *info, size_t size, void *data)
{
	struct search *search = data;
	ElfW(Addr) protected = 0;
	int i;

	if (info->dlpi_addr != search->object->l_addr) {
		return 0;
	}
	for (i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_GNU_RELRO) {
			protected = info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
		}
	}
	for (i = 0; i < info->dlpi_phnum && !search->entry; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		ElfW(Addr) at = segment->p_vaddr, end = segment->p_vaddr + segment->p_filesz;

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_W)) {
			continue;
		}
		at = (at < protected ? protected : at) + sizeof(void *) - 1;
		for (at -= at % sizeof(void *); at + sizeof(zend_module_entry) <= end; at += sizeof(void *)) {
			const zend_module_entry *entry = (const void *)(info->dlpi_addr + at);
			if (is_module(search, info, entry)) {
				search->entry = entry;
				break;
			}
		}
	}
	return 1;
}

/* Finds text that looks like a build id (API20220829,NTS) among an object's constants. It is for a PHP whose modules have
 * another layout, so that find_module does not know them. */
static int find_text(struct dl_phdr_info *info, size_t size, void *data)
{
	struct search *search = data;
	int i;

	if (info->dlpi_addr != search->object->l_addr) {
		return 0;
	}
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		char *at = (char *)info->dlpi_addr + segment->p_vaddr, *end = at + segment->p_filesz;

		if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W)) {
			continue;
		}
		while ((at = memmem(at, end - at, "API20", 5)) != NULL && end - at > 32) {
			if (memchr(at, '\0', 32) && (strstr(at, ",NTS") || strstr(at, ",TS"))) {
				search->text = at;
				return 1;
			}
			at++;
		}
	}
	return 1;
}

static const zend_module_entry *linked_module(void *libphp, const char *name)
{
	struct search search = {.object = libphp, .module = name};

	dl_iterate_phdr(find_module, &search);
	return search.entry;
}

static const char *build_id(void *libphp)
{
	const zend_module_entry *any = linked_module(libphp, NULL);
	struct search search = {.object = libphp};

	if (any) {
		return any->build_id;
	}
	dl_iterate_phdr(find_text, &search);
	return search.text ? search.text : "unknown build";
}

enum engine_load_result fit(void *libphp, char *detail, size_t size)
{
	const char *found = build_id(libphp);
	size_t i;

	if (strcmp(found, ZEND_MODULE_BUILD_ID) != 0) {
		snprintf(detail, size, "%s", found);
		return ENGINE_OTHER_BUILD;
	}
	for (i = 0; i < sizeof(structures) / sizeof(structures[0]); i++) {
		size_t has = symbol_size(libphp, structures[i].name);

		if (has < structures[i].least || has > structures[i].most) {
			snprintf(detail, size, "%s %zu %zu", structures[i].name, has,
				has < structures[i].least ? structures[i].least : structures[i].most);
			return ENGINE_OTHER_LAYOUT;
		}
	}
	return ENGINE_LOADED;
}

const char *fit_version(void *libphp)
{
	const zend_module_entry *standard = linked_module(libphp, "standard");

	return standard ? standard->version : NULL;
}
