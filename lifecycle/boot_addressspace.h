#ifndef PHPSAPI_ADDRESSSPACE_H
#define PHPSAPI_ADDRESSSPACE_H

/* Ends the process, with a reason, if Go's runtime and PHP do not fit under the limit of address space, of which a server
 * needs more, or under that of data. */
void address_space_check(int server);

/* Reports whether the limits may be too small for PHP alone, without Go's runtime. */
int address_space_is_little(void);

#endif
