/* opcache in worker mode (php_opcache.c). */
#ifndef PHPSAPI_OPCACHE_H
#define PHPSAPI_OPCACHE_H

/* Replaces opcache_reset(), if there is one. */
void opcache_watch(void);

/* Is called after each request, and sees to it that an opcache that waits for its restart gets another. */
void opcache_look(void);

#endif
