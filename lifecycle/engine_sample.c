/*
 * Reads PHP's stack on another thread, while PHP runs, many times a second. Counterpart: sapi/fpm/fpm/fpm_php_trace.c, which stops the process.
 *
 * The kernel copies what is to be read, so that a bad address is an error: into a pipe, and out of it again. For many small pieces that takes a fifth of the time
 * that process_vm_readv(2) takes, and a sandbox has nothing against it. The frames lie one after the other as a rule, and are copied by the block. Then comes what belongs
 * to them, and then the frames are read once more.
 *
 * Two equal copies do not make a stack. PHP prepares a call by a frame whose link leads to an outer call that is prepared, too, or to nothing; the caller becomes the
 * link when the call is made. In a loop the same frames come again at the same addresses. So a reader can come twice at the same wrong moment: it finds the newest
 * frame while one function runs in that place, and reads the frame when the next call is prepared there. Then the callers are missing.
 *
 * So PHP is asked for its stack before the first copy (php_stack.c). If it has not answered after the second one, and both are equal, PHP has had that stack. For PHP
 * looks for the wish when it has entered a function of PHP code or a file, when a call of a function of C has ended, and at each jump, and answers before it executes
 * anything else. Until then it can only return from functions, prepare calls and begin one call of C. So one of three is true:
 *  - The newest frame is of C both times: its function is the same one, or PHP would have answered. Nothing has changed in between.
 *  - It is of PHP code both times: it was the newest all the time, because PHP cannot have entered another one there. The first copy was made while nothing below changed.
 *  - PHP has returned from it, and has begun a call of C in the same place. That lasts until PHP answers. The second copy was made while nothing changed.
 * Else nothing is known, and nothing is made up. Code of opcache's JIT looks less often, at loops and after calls of C; there it is the two copies that count. That the
 * last frame is a file's is not a sign of a whole stack: a shutdown function has no caller.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "engine_load.h"
#include "engine_sample.h"

#define MOST ENGINE_MOST_FRAMES
#define SECOND 1000000000LL
#define BLOCK 8192
#define MOST_SEEN 20000 /* frames, those without a function among them */

static struct engine_stack_layout layout;
static size_t frame_size; /* of zend_execute_data, as much as is used */
static int ends[2] = {-1, -1}; /* of the pipe */
static char block[BLOCK]; /* a part of the stack, as it was when it was copied */
static uint64_t block_at, block_len;

/* A frame as it was read first. */
static struct link {
	uint64_t at, function, opline;
	uint64_t name, scope, file; /* of the function */
	uint64_t class;             /* the scope's name */
	unsigned char type;
	uint32_t line;
	uint64_t lengths[3][2];     /* hash and length of name, class, file */
} links[MOST];

static struct iovec here[3 * MOST], there[3 * MOST];
static int parts;
static size_t size;

void sample_sleep(int64_t until)
{
	struct timespec t = {until / SECOND, until % SECOND};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {
	}
}

static int dozes;

void sample_doze(void)
{
	__atomic_store_n(&dozes, 1, __ATOMIC_SEQ_CST);
}

void sample_asleep(int64_t until)
{
	struct timespec t = {until / SECOND, until % SECOND};

	syscall(SYS_futex, &dozes, FUTEX_WAIT_BITSET_PRIVATE, 1, &t, NULL, FUTEX_BITSET_MATCH_ANY);
	__atomic_store_n(&dozes, 0, __ATOMIC_SEQ_CST);
}

void sample_wake(void)
{
	if (__atomic_exchange_n(&dozes, 0, __ATOMIC_SEQ_CST)) {
		syscall(SYS_futex, &dozes, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
}

/* Notes what is to be copied. */
static void want(void *to, uint64_t at, size_t len)
{
	here[parts] = (struct iovec){to, len};
	there[parts++] = (struct iovec){(void *)(uintptr_t)at, len};
	size += len;
}

/* Copies it. 0: not all of it can be read. */
static int copy(void)
{
	ssize_t in = parts ? writev(ends[1], there, parts) : 0, out = in > 0 ? readv(ends[0], here, parts) : 0;
	int all = in == (ssize_t)size && out == in;

	parts = 0;
	size = 0;
	return all;
}

static int read_word(uint64_t *to, uint64_t at)
{
	want(to, at, sizeof(*to));
	return copy();
}

static uint64_t word_at(const char *room, size_t offset)
{
	uint64_t word;

	memcpy(&word, room + offset, sizeof(word));
	return word;
}

/* Returns the frame at an address, from a block that is copied if it is not there yet; NULL: it cannot be read. */
static const char *frame_at(uint64_t at)
{
	uint64_t end = at + frame_size;

	if (at >= block_at && end <= block_at + block_len) {
		return block + (at - block_at);
	}
	if (at > end) {
		return NULL;
	}
	block_at = end > BLOCK ? (end - BLOCK) & ~(uint64_t)7 : at; /* those that were called before lie below */
	block_len = end - block_at;
	if (block_len <= BLOCK) {
		want(block, block_at, block_len);
		if (copy()) {
			return block + (at - block_at);
		}
	}
	block_at = at;
	block_len = frame_size;
	want(block, block_at, block_len);
	if (!copy()) {
		block_len = 0;
		return NULL;
	}
	return block;
}

/* Reads the frames, from the newest on. again: they must be those that were read before. Returns how many there are; -1: it cannot, or they are
 * others. What the newest one executes may be another place by then. */
static int read_frames(int again, uint32_t *cut)
{
	const char *frame;
	uint64_t at;
	int n = 0, seen;

	block_len = 0;

	if (!read_word(&at, layout.current)) {
		return -1;
	}
	*cut = 0;
	for (seen = 0; at && seen < MOST_SEEN; seen++) {
		uint64_t function, opline;

		if (at & 7) {
			return -1;
		}
		frame = frame_at(at);
		if (!frame) {
			return -1;
		}
		function = word_at(frame, layout.frame_func);
		opline = word_at(frame, layout.frame_opline);
		if (function) {
			if (n == MOST) {
				*cut = 1;
				return n;
			}
			if (again && (links[n].at != at || links[n].function != function || (n > 0 && links[n].opline != opline))) {
				return -1;
			}
			if (!again) {
				links[n].at = at;
				links[n].function = function;
				links[n].opline = opline;
			}
			n++;
		}
		at = word_at(frame, layout.frame_prev);
	}
	return at ? -1 : n;
}

/* Reports whether the structures are laid out as they are read here, which they are in all versions. */
static int fits(void)
{
	return frame_size <= BLOCK / 2 && layout.frame_func < layout.frame_prev && layout.frame_opline < layout.frame_prev &&
		layout.string_len == layout.string_hash + sizeof(uint64_t);
}

static int is_user_code(const struct link *l)
{
	return (l->type & 1) == 0; /* ZEND_USER_FUNCTION, ZEND_EVAL_CODE */
}

/* Reads what the functions are. */
static int read_functions(int n)
{
	int i;

	for (i = 0; i < n; i++) {
		links[i].name = links[i].scope = links[i].file = links[i].class = 0;
		links[i].line = 0;
		want(&links[i].type, links[i].function + layout.func_type, 1);
		want(&links[i].name, links[i].function + layout.func_name, 8);
		want(&links[i].scope, links[i].function + layout.func_scope, 8);
	}
	if (!copy()) {
		return 0;
	}
	for (i = 0; i < n; i++) {
		if (is_user_code(&links[i])) {
			want(&links[i].file, links[i].function + layout.func_file, 8);
			if (links[i].opline) {
				want(&links[i].line, links[i].opline + layout.opline_line, 4);
			}
		}
		if (links[i].name && links[i].scope) {
			want(&links[i].class, links[i].scope + layout.class_name, 8);
		}
	}
	return copy();
}

/* Reads the hashes and lengths of their names. */
static int read_names(int n)
{
	int i, k;

	for (i = 0; i < n; i++) {
		const uint64_t of[] = {links[i].name, links[i].class, links[i].file};

		for (k = 0; k < 3; k++) {
			links[i].lengths[k][0] = links[i].lengths[k][1] = 0;
			if (of[k]) {
				want(&links[i].lengths[k], of[k] + layout.string_hash, sizeof(links[i].lengths[k]));
			}
		}
	}
	return copy();
}

static struct engine_name name_at(uint64_t at, const uint64_t length[2])
{
	return at ? (struct engine_name){at + layout.string_text, length[0], length[1]} : (struct engine_name){0};
}

int sample_begin(void)
{
	engine_stack_layout(&layout);
	frame_size = layout.frame_prev + sizeof(uint64_t);
	return fits() && pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0;
}

void sample_end(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (ends[i] >= 0) {
			close(ends[i]);
			ends[i] = -1;
		}
	}
}

int sample_read(struct engine_sample *s)
{
	int n, i;

	n = read_frames(0, &s->cut);
	if (n < 0 || engine_stack_taken()) { /* no need to read more */
		return 0;
	}
	if (!read_functions(n) || !read_names(n) || read_frames(1, &s->cut) != n || engine_stack_taken()) {
		return 0;
	}
	s->depth = n;
	for (i = 0; i < n; i++) {
		struct engine_frame *f = &s->frames[i];

		f->function = name_at(links[i].name, links[i].lengths[0]);
		f->class = name_at(links[i].class, links[i].lengths[1]);
		f->file = name_at(links[i].file, links[i].lengths[2]);
		f->line = links[i].line;
	}
	return 1;
}

int sample_text(char *to, uint64_t at, uint64_t len, int copied)
{
	if (copied) {
		memcpy(to, (const char *)(uintptr_t)at, len);
		return 1;
	}
	want(to, at, len);
	return copy();
}
