/* What a process leaves behind about its end, for another that has the memory too (boot_report.c). */
#ifndef PHPSAPI_BOOT_REPORT_H
#define PHPSAPI_BOOT_REPORT_H

#include <stddef.h>
#include <stdint.h>

/* Says where the report goes, and where its length is told. */
void report_to(char *room, size_t size, uint64_t *length);

/* Leaves the last bytes of the room to what comes after report_all_room. */
void report_reserve(size_t size);
void report_all_room(void);

/* These add to the report. What does not fit is left out. */
void report_text(const char *text);
void report_number(unsigned long n);
void report_hex(uintptr_t n);
/* The len bytes at an address that may be bad, control characters as dots. Returns 0 if they cannot be read. */
int report_memory(uintptr_t at, size_t len);

/* Makes what was added so far readable. */
void report_publish(void);

/* Reads this process's own memory, of which the address may be bad. Returns 0 if it cannot be read. */
int report_read(void *to, uintptr_t at, size_t size);

#endif
