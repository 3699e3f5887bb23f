/* Memory that every start of PHP uses (php_pages.c). */
#ifndef PHPSAPI_PAGES_H
#define PHPSAPI_PAGES_H

#include "php.h"

/* Brings in what PHP's startup takes of malloc's memory. Called before that. */
void pages_of_heap(void);

/* Brings in what each request takes of PHP's own memory. Called once that memory is there. */
void pages_of_requests(void);

/* Has PHP's memory behind its first 2 MB be of huge pages, as USE_ZEND_ALLOC_HUGE_PAGES=1 does for all of it, if PHP was compiled
 * with the engine. A process may be 2 MB larger then: it is for those that run one script, and not for workers. */
void pages_of_one_script(void);

#endif
