#ifndef PHPSAPI_BOOT_REOPEN_H
#define PHPSAPI_BOOT_REOPEN_H

/* Reports whether the file of a descriptor is locked by the process, or by another process that shares the open file. */
int is_locked(int fd);

/* Reports whether reopen can be called for the descriptor of a file or directory that is only read, and that is not locked. */
int can_reopen(int fd);

/*
 * Gives a descriptor that the parent has, too, a place of its own in the file. Without it what one process reads another misses.
 * If the file cannot be opened any more it is empty from now on.
 */
void reopen(int fd);

#endif
