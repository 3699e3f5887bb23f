/*
 * Whether the loader may be given a file. It waits for a writer of a pipe, and of a file that is cut off it maps pages that
 * are not there: the first use of one ends the process with SIGBUS. Where a copy that had its length from the beginning was
 * interrupted, the end is zeros, and the loader ends the process with SIGSEGV. What else may be wrong with a file the loader
 * says.
 */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine_file.h"

/* What a file is that is not a regular one. */
static const char *kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a pipe";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* How long a file is at least by its headers; 0 if that cannot be told. */
static uint64_t length_by_headers(int fd)
{
	ElfW(Ehdr) head;
	ElfW(Phdr) segments[64];
	uint64_t end;
	int i, len;

	if (pread(fd, &head, sizeof(head), 0) != sizeof(head) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
		head.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) || head.e_phentsize != sizeof(*segments)) {
		return 0;
	}
	end = head.e_phoff + (uint64_t)head.e_phnum * sizeof(*segments);
	if (head.e_shoff) {
		end = larger(end, head.e_shoff + (uint64_t)head.e_shnum * head.e_shentsize);
	}
	/* If they are not all there, end says so. */
	len = head.e_phnum > sizeof(segments) / sizeof(*segments) ? sizeof(segments) / sizeof(*segments) : head.e_phnum;
	len = pread(fd, segments, len * sizeof(*segments), head.e_phoff) / (int)sizeof(*segments);
	for (i = 0; i < len; i++) {
		if (segments[i].p_type == PT_LOAD) {
			end = larger(end, (uint64_t)segments[i].p_offset + segments[i].p_filesz);
		}
	}
	return end;
}

/* Reports whether zeros are where the last of a file's headers should be, which linkers write to its end. */
static int has_lost_its_end(int fd)
{
	ElfW(Ehdr) head;
	ElfW(Shdr) last;

	return pread(fd, &head, sizeof(head), 0) == sizeof(head) && head.e_shoff && head.e_shnum > 1 &&
		head.e_shentsize == sizeof(last) &&
		pread(fd, &last, sizeof(last), head.e_shoff + (head.e_shnum - 1) * sizeof(last)) == sizeof(last) &&
		last.sh_type == SHT_NULL;
}

enum engine_load_result file_check(const char *path, char *detail, size_t size)
{
	struct stat info;
	uint64_t needed;
	int fd, lost;

	if (!strchr(path, '/') || stat(path, &info) != 0) {
		return ENGINE_LOADED;
	}
	if (!S_ISREG(info.st_mode)) {
		snprintf(detail, size, "%s", kind(info.st_mode));
		return ENGINE_NOT_A_FILE;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		return ENGINE_LOADED;
	}
	needed = fstat(fd, &info) == 0 ? length_by_headers(fd) : 0;
	lost = needed && has_lost_its_end(fd);
	close(fd);
	if (needed > (uint64_t)info.st_size) {
		snprintf(detail, size, "%llu %llu", (unsigned long long)info.st_size, (unsigned long long)needed);
		return ENGINE_CUT_OFF;
	}
	if (lost) {
		return ENGINE_LOST_END;
	}
	return ENGINE_LOADED;
}
