/* The snapshot of a booted application (web_snapshot.c). */
#ifndef PHPSAPI_SNAPSHOT_H
#define PHPSAPI_SNAPSHOT_H

#include "php.h"

/* The functions by which an application hears of it. */
PHP_FUNCTION(phpsapi_before_fork);
PHP_FUNCTION(phpsapi_after_fork);

/* In a worker that is about to end: the objects of the snapshot are all workers', and no destructor of theirs is to run. */
void snapshot_leave_objects(void);

#endif
