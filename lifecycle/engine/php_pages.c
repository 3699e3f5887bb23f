/*
 * Memory that every start of PHP uses. The kernel gives a process each page when it is touched first, by a fault of its own, and a
 * start of PHP touches hundreds. One call for many pages takes a fraction of that, in a virtual machine a tenth. It asks for those alone
 * that are used for certain: the process is not larger. A kernel before 5.14 refuses, and the pages come by faults as ever.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "php_pages.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* What PHP's tables of functions, classes and settings take of malloc's memory, without further extensions, is 1.6 MB. */
#define HEAP_BLOCKS 24
#define HEAP_BLOCK 64000 /* malloc takes it from the heap: what is larger than 128 KB may be a mapping of its own */

/* PHP's own memory begins with a block of 2 MB. A script's first pages, in KB: lists of small pieces, and what follows the stack. */
#define CHUNK ((uintptr_t)2 << 20)
static const struct {
	unsigned from, to;
} chunk_parts[] = {{0, 80}, {328, 504}};

#ifdef ENGINE_WITH_PHP
/* Whether PHP's memory behind its first block is of huge pages, where the kernel has them for those that ask. packaging/engine has PHP read it. */
int phpsapi_huge_pages;
#endif

static void touch(uintptr_t from, uintptr_t to)
{
	uintptr_t page = sysconf(_SC_PAGESIZE);

	from &= ~(page - 1);
	madvise((void *)from, to - from, MADV_POPULATE_WRITE);
}

/* malloc's memory grows by blocks, which become one when they are free. What was taken last stays in use: else the free block would be the
 * end of the heap, which malloc gives back. */
void pages_of_heap(void)
{
	static void *last;
	char *blocks[HEAP_BLOCKS];
	uintptr_t from = UINTPTR_MAX, to = 0;
	size_t i, n;

	if (last) {
		return;
	}
	for (n = 0; n < HEAP_BLOCKS && (blocks[n] = malloc(HEAP_BLOCK)); n++) {
		uintptr_t at = (uintptr_t)blocks[n];

		from = at < from ? at : from;
		to = at + HEAP_BLOCK > to ? at + HEAP_BLOCK : to;
	}
	if (n == HEAP_BLOCKS && to - from < HEAP_BLOCKS * (HEAP_BLOCK + 64)) {
		touch(from, to);
	}
	last = malloc(1);
	for (i = 0; i < n; i++) {
		free(blocks[i]);
	}
}

void pages_of_one_script(void)
{
#ifdef ENGINE_WITH_PHP
	phpsapi_huge_pages = 1;
#endif
}

void pages_of_requests(void)
{
	const char *own = getenv("USE_ZEND_ALLOC");
	uintptr_t chunk;
	void *piece;
	size_t i;

	if (own && atoi(own) == 0) {
		return; /* PHP's memory is malloc's */
	}
	piece = emalloc(1);
	chunk = (uintptr_t)piece & ~(CHUNK - 1);
	efree(piece);
	for (i = 0; i < sizeof(chunk_parts) / sizeof(*chunk_parts); i++) {
		touch(chunk + chunk_parts[i].from * 1024, chunk + chunk_parts[i].to * 1024);
	}
}
