/*
 * Files that a process has open when it forks. The place from which is read belongs to the open file, which parent and child share, and
 * so do locks of flock(). A child opens such a file once more, to have a place of its own.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "boot_reopen.h"

/* Opens the file of a descriptor once more, also if it has no name any more. Returns -1 if that cannot be done. */
static int open_again(int fd)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return open(link, O_RDONLY | O_CLOEXEC | (fcntl(fd, F_GETFL) & O_NONBLOCK));
}

/* Reports whether a file is locked, by any process, without the kernel's list. To close the file takes this process's own locks of
 * fcntl's from it: a locked file keeps a snapshot from being made anyway. */
static int is_locked_by_trial(int fd)
{
	struct flock other = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int again = open_again(fd), locked = again >= 0 && (flock(again, LOCK_EX | LOCK_NB) != 0 ||
		(fcntl(again, F_OFD_GETLK, &other) == 0 && other.l_type != F_UNLCK));

	if (again >= 0) {
		close(again);
	}
	return locked;
}

int is_locked(int fd)
{
	char name[64], line[256];
	FILE *info;
	int locked = 0;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	info = fopen(name, "re");
	if (!info) { /* a sandbox keeps the process from it */
		return is_locked_by_trial(fd);
	}
	while (!locked && fgets(line, sizeof(line), info)) {
		locked = strncmp(line, "lock:", 5) == 0;
	}
	fclose(info);
	return locked;
}

int can_reopen(int fd)
{
	int again = open_again(fd);

	if (again < 0) {
		return 0;
	}
	close(again);
	return 1;
}

void reopen(int fd)
{
	int again = open_again(fd), flags = fcntl(fd, F_GETFD);

	if (again < 0) {
		again = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	lseek(again, lseek(fd, 0, SEEK_CUR), SEEK_SET);
	dup3(again, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0);
	close(again);
}
