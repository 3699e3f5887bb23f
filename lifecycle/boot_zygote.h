/* The zygote (boot_zygote.c). */
#ifndef PHPSAPI_ZYGOTE_H
#define PHPSAPI_ZYGOTE_H

/* Called before the Go runtime. Returns at once where the process is not a zygote; in a zygote it returns when
 * Go is to start there, for all its workers (boot_forkable.c), or in the workers it forks. */
void zygote_run(void);

#endif
