/*
 * Addresses that the program enters itself, in the loader's place.
 *
 * A program that is position independent has words that hold addresses of its own, and the loader adds to each where the program is.
 * These words are on half a thousand pages, of which each is copied by a page fault. packaging/single takes them off the loader's
 * list (DT_RELR), and they are entered here: one call of the kernel brings in hundreds of pages, and those of Go's data are left alone
 * in a process that starts without Go (start.h). A program that packaging/single has not seen has nothing to enter.
 */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot_relocations.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* since Linux 5.14; before that the pages come by faults */
#endif

/* As many ranges of pages as packaging/single finds at most. */
#define RANGES 16

/* Words to enter addresses in. Places are distances from the program's beginning, in bytes. */
struct words {
	uint64_t list, len; /* of DT_RELR's form, in entries */
	uint64_t first;     /* the word that the list's first bits are of, if it does not begin with an address */
	struct {
		uint64_t from, to;
	} ranges[RANGES]; /* the pages that have such words */
};

/* What packaging/single writes into the file: C's words before Go's data, Go's, and C's behind these. They are read as they are in the
 * file. */
enum { BEFORE, GO, BEHIND, PARTS };
volatile struct words boot_words[PARTS] __attribute__((visibility("hidden"), section(".data.boot_words")));

extern const char __ehdr_start[] __attribute__((visibility("hidden")));

/* What the loader has made read-only: PT_GNU_RELRO. */
static void allow_writing(int allow)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)__ehdr_start;
	const Elf64_Phdr *part = (const Elf64_Phdr *)(__ehdr_start + header->e_phoff);
	uintptr_t page = sysconf(_SC_PAGESIZE);
	size_t i;

	for (i = 0; i < header->e_phnum; i++) {
		if (part[i].p_type == PT_GNU_RELRO) {
			uintptr_t from = (uintptr_t)__ehdr_start + part[i].p_vaddr, to = (from + part[i].p_memsz) & ~(page - 1);

			from &= ~(page - 1);
			if (mprotect((void *)from, to - from, allow ? PROT_READ | PROT_WRITE : PROT_READ) != 0) {
				_exit(127); /* as the loader, which says so */
			}
		}
	}
}

static void enter(const volatile struct words *words)
{
	const uint64_t *list = (const uint64_t *)(__ehdr_start + words->list), *end = list + words->len;
	uint64_t base = (uint64_t)(uintptr_t)__ehdr_start, *at = (uint64_t *)(base + words->first);
	size_t i;

	for (i = 0; i < RANGES && words->ranges[i].to; i++) {
		madvise((void *)(base + words->ranges[i].from), words->ranges[i].to - words->ranges[i].from, MADV_POPULATE_WRITE);
	}
	for (; list < end; list++) {
		uint64_t bits = *list;

		if (!(bits & 1)) {
			at = (uint64_t *)(base + bits);
			*at++ += base;
			continue;
		}
		for (i = 0; bits >>= 1; i++) {
			if (bits & 1) {
				at[i] += base;
			}
		}
		at += 63;
	}
}

static void relocate_c(void)
{
	if (boot_words[BEFORE].len + boot_words[BEHIND].len > 0) {
		allow_writing(1);
		enter(&boot_words[BEFORE]);
		enter(&boot_words[BEHIND]);
		allow_writing(0);
	}
}

/* Before all constructors, those of libraries, too. This word is the one that the loader enters. */
__attribute__((section(".preinit_array"), used)) static void (*before_constructors)(void) = relocate_c;

void relocate_go(void)
{
	if (boot_words[GO].len > 0) {
		allow_writing(1);
		enter(&boot_words[GO]);
		allow_writing(0);
	}
}
