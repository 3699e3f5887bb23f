/*
 * Functions that PHP is to call in the C library's place, where the program cannot be found before the C library: a host that has loaded
 * this code as a module of its own, as httpd has. The loader has entered the C library's addresses in a table of libphp's, and they are
 * replaced here.
 */
#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine_load.h"
#include "replace.h"

#if defined(__x86_64__)
#define IS_ADDRESS(type) ((type) == R_X86_64_JUMP_SLOT || (type) == R_X86_64_GLOB_DAT)
#elif defined(__aarch64__)
#define IS_ADDRESS(type) ((type) == R_AARCH64_JUMP_SLOT || (type) == R_AARCH64_GLOB_DAT)
#else
#define IS_ADDRESS(type) 0
#endif

/* The tables of an object, as the loader has them. */
struct tables {
	ElfW(Addr) base;
	const char *names;
	const ElfW(Sym) *symbols;
	const ElfW(Rela) *lists[2];
	size_t lens[2];
};

static struct tables tables_of(const struct link_map *object)
{
	struct tables t = {.base = object->l_addr};
	const ElfW(Dyn) *d;

	for (d = object->l_ld; d->d_tag != DT_NULL; d++) {
		switch (d->d_tag) {
		case DT_STRTAB:
			t.names = (const char *)d->d_un.d_ptr;
			break;
		case DT_SYMTAB:
			t.symbols = (const ElfW(Sym) *)d->d_un.d_ptr;
			break;
		case DT_JMPREL:
			t.lists[0] = (const ElfW(Rela) *)d->d_un.d_ptr;
			break;
		case DT_PLTRELSZ:
			t.lens[0] = d->d_un.d_val / sizeof(ElfW(Rela));
			break;
		case DT_RELA:
			t.lists[1] = (const ElfW(Rela) *)d->d_un.d_ptr;
			break;
		case DT_RELASZ:
			t.lens[1] = d->d_un.d_val / sizeof(ElfW(Rela));
			break;
		}
	}
	return t;
}

/* The word that has the address of the function of that name; NULL: there is none. An object has one for a name at the most of each kind,
 * and one that is called and whose address is taken as well has both in one. */
static void **word_of(const struct tables *t, const char *name)
{
	size_t list, i;

	for (list = 0; list < 2; list++) {
		for (i = 0; t->lists[list] && i < t->lens[list]; i++) {
			const ElfW(Rela) *entry = &t->lists[list][i];

			if (IS_ADDRESS(ELF64_R_TYPE(entry->r_info)) && strcmp(t->names + t->symbols[ELF64_R_SYM(entry->r_info)].st_name, name) == 0) {
				return (void **)(t->base + entry->r_offset);
			}
		}
	}
	return NULL;
}

/* A word, and whether the loader has made its page read-only. */
struct place {
	ElfW(Addr) base;
	uintptr_t at;
	int is_sealed;
};

static int look(struct dl_phdr_info *object, size_t size, void *context)
{
	struct place *place = context;
	size_t i;

	if (object->dlpi_addr != place->base) {
		return 0;
	}
	for (i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];

		if (part->p_type == PT_GNU_RELRO && place->at - place->base - part->p_vaddr < part->p_memsz) {
			place->is_sealed = 1;
		}
	}
	return 1;
}

static int enter(const struct tables *t, void **word, void *address)
{
	struct place place = {.base = t->base, .at = (uintptr_t)word};
	uintptr_t size = sysconf(_SC_PAGESIZE), page = (uintptr_t)word & ~(size - 1);

	if (!dl_iterate_phdr(look, &place) || (place.is_sealed && mprotect((void *)page, size, PROT_READ | PROT_WRITE) != 0)) {
		return 0;
	}
	*word = address;
	return !place.is_sealed || mprotect((void *)page, size, PROT_READ) == 0;
}

int apache_replace(const struct replacement *replacements, size_t len)
{
	enum { MOST = 8 };
	const struct link_map *php = engine_object_of_php();
	void **words[MOST];
	struct tables t;
	size_t i;

	if (!php || len > MOST) {
		return 0;
	}
	t = tables_of(php);
	for (i = 0; i < len; i++) {
		words[i] = t.names && t.symbols ? word_of(&t, replacements[i].name) : NULL;
		if (!words[i]) {
			return 0;
		}
	}
	for (i = 0; i < len; i++) {
		if (!enter(&t, words[i], (void *)replacements[i].function)) {
			return 0;
		}
	}
	return 1;
}
