/* A zygote's end of the conversation with its parent (boot_control.c). */
#ifndef PHPSAPI_CONTROL_H
#define PHPSAPI_CONTROL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* The last packet that was received. */
extern char control_packet[];

/* Takes the control socket from the environment. Returns 0 if the process is not a zygote. */
int control_open(void);
int control_fd(void);
/* Where the next order is read: what to poll. */
int control_orders(void);
void control_close(void);

/* Reads one packet, and the descriptors that came with it into worker.fds. Returns its length; 0: the parent is gone. */
size_t control_receive(void);

/* Has the kernel kill this process group when the parent closes the control socket: while PHP starts nobody reads there,
 * and a child may be preloading. The parent says nothing meanwhile, which would count as well. */
void control_ends_process(int on);

/* They say something to the parent, or end the process if the parent is gone. */
void control_send_parts(struct iovec *parts, size_t n);
void control_send_text(char letter, const char *text);
void control_send_numbers(char letter, int32_t first, int32_t second);
void control_send_exit(int32_t pid, int32_t status, long memory);

_Noreturn void control_die(const char *what);
_Noreturn void control_die_errno(const char *what);

/* Executes the zygote again. It finds the order to start, and the last one, which was not answered. */
_Noreturn void control_execute_again(const char *first, size_t first_len, size_t last_len);
/* Reports whether the order that comes next, or has come last, is one of these. */
int control_is_again(void);

#endif
