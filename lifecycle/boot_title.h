/* The process title (boot_title.c). */
#ifndef PHPSAPI_PROCTITLE_H
#define PHPSAPI_PROCTITLE_H

#include <stddef.h>

/* Makes room for titles. The strings of argv and of the environment must not be used through their old addresses
 * after proctitle_set. Returns 0 where the memory is not one piece: then there are no titles. */
int proctitle_init(void);

/* How long a title may be, in bytes. */
size_t proctitle_room(void);

/* Shows title, cut to the room there is. Returns 0 if there are no titles. */
int proctitle_set(const char *title, size_t len);

/* The title last set and its length; NULL if there are no titles. */
const char *proctitle_get(size_t *len);

#endif
