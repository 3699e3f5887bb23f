/* Addresses that the program enters itself, in the loader's place (boot_relocations.c). */
#ifndef PHPSAPI_RELOCATIONS_H
#define PHPSAPI_RELOCATIONS_H

/* Enters the addresses in Go's data. Called before anything reads these, in each process that Go's runtime starts in, or that
 * forks such processes. */
void relocate_go(void);

#endif
