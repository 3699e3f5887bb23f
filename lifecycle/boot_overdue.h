/* The answer to a request whose worker is ended for it (boot_overdue.c). */
#ifndef PHPSAPI_BOOT_OVERDUE_H
#define PHPSAPI_BOOT_OVERDUE_H

/* Answers the present request, if it is overdue and nothing of its response was sent. A handler of signals may call it. */
void overdue_answer(void);

#endif
