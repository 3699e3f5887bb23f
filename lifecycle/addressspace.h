#ifndef PHPSAPI_ADDRESSSPACE_H
#define PHPSAPI_ADDRESSSPACE_H

/* Ends the process, with a reason, if Go's runtime cannot start under the limit of address space. */
void address_space_check(void);

#endif
