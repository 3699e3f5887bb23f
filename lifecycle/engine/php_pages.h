/* Memory that every start of PHP uses (php_pages.c). */
#ifndef PHPSAPI_PAGES_H
#define PHPSAPI_PAGES_H

#include "php.h"

/* Brings in what PHP's startup takes of malloc's memory. Called before that. */
void pages_of_heap(void);

/* Brings in what each request takes of PHP's own memory. Called once that memory is there. */
void pages_of_requests(void);

#endif
