/*
 * Whether a libphp fits an engine. It must have the same build id, as PHP requires of an extension, and its structures must
 * reach as far as the fields that the engine uses (engine/fields.h). Nothing of libphp is called before that is known.
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

#include "engine_fit.h"
#include "engine_load.h"

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

static size_t symbol_size(const struct link_map *object, const char *name)
{
	const uint32_t *table = dynamic(object, DT_GNU_HASH);
	const ElfW(Sym) *symbol = NULL;
	Dl_info where;

	if (table) {
		symbol = hashed_symbol(object, table, name);
	} else if (!dladdr1(dlsym((void *)object, name), &where, (void **)&symbol, RTLD_DL_SYMENT)) {
		return 0;
	}
	return symbol ? symbol->st_size : 0;
}

/* ---- the build id ---- */

/* A search in an object's memory. */
struct search {
	const struct link_map *object;
	const struct engine *only;   /* whose layout of a module's entry counts; NULL: that of any engine inside */
	const char *module;          /* the name of a module to find; NULL: any */
	const char *entry;           /* the module's entry that was found, */
	const struct engine_entry *layout; /* and its layout */
	const char *text;            /* text that looks like a build id */
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

/* The text that an entry has at an offset. */
static const char *text_at(const char *entry, size_t offset)
{
	return *(const char *const *)(entry + offset);
}

/* Every layout begins with its size, a short, and the API's number, an int. */
static int has_layout(const struct dl_phdr_info *info, const char *entry, const struct engine_entry *layout)
{
	return *(const unsigned short *)entry == layout->size && *(const unsigned int *)(entry + sizeof(int)) == layout->api &&
		holds(info, text_at(entry, layout->name)) && holds(info, text_at(entry, layout->version)) &&
		holds(info, text_at(entry, layout->build_id));
}

static const struct engine_entry *layout_of(const struct search *search, const struct dl_phdr_info *info, const char *entry)
{
	const struct engine *e;
	size_t i;

	if (search->only) {
		return has_layout(info, entry, &search->only->entry) ? &search->only->entry : NULL;
	}
	for (i = 0; (e = engine_inside(i)); i++) {
		if (e->contract == ENGINE_CONTRACT && has_layout(info, entry, &e->entry)) {
			return &e->entry;
		}
	}
	return NULL;
}

/* Finds the entry of a module that libphp is linked with. Entries are in a writable segment, after the part that the loader
 * makes read-only: a few kilobytes. */
static int find_module(struct dl_phdr_info *info, size_t size, void *data)
{
	enum { ENTRY_SIZE = 168 }; /* of zend_module_entry in all PHPs so far */
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
		for (at -= at % sizeof(void *); at + ENTRY_SIZE <= end; at += sizeof(void *)) {
			const char *entry = (const char *)(info->dlpi_addr + at);
			const struct engine_entry *layout = layout_of(search, info, entry);
			if (layout && (!search->module || strcmp(text_at(entry, layout->name), search->module) == 0)) {
				search->entry = entry;
				search->layout = layout;
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

const char *fit_build_id(const struct link_map *libphp)
{
	struct search search = {.object = libphp};

	dl_iterate_phdr(find_module, &search);
	if (search.entry) {
		return text_at(search.entry, search.layout->build_id);
	}
	dl_iterate_phdr(find_text, &search);
	return search.text ? search.text : "unknown";
}

int fit_structures(const struct engine *e, const struct link_map *libphp, char *detail, size_t size)
{
	const struct engine_structure *s;

	for (s = e->structures; s->name; s++) {
		size_t has = symbol_size(libphp, s->name);

		if (has < s->least || has > s->most) {
			snprintf(detail, size, "%s %zu %zu", s->name, has, has < s->least ? s->least : s->most);
			return 0;
		}
	}
	return 1;
}

const char *fit_version(const struct engine *e, const struct link_map *libphp)
{
	struct search search = {.object = libphp, .only = e, .module = "standard"};

	dl_iterate_phdr(find_module, &search);
	return search.entry ? text_at(search.entry, search.layout->version) : NULL;
}
