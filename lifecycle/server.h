/* A web server's request (server_module.c, server_request.c). */
#ifndef PHPSAPI_SERVER_H
#define PHPSAPI_SERVER_H

#include "engine.h"

/* The request in hand; NULL outside of one. */
extern const struct engine_request *server_request;

/* Output that was not yet passed on. */
void server_output_reset(void);
/* Passes it on; 0 says that the client is gone. */
int server_output_flush(void);

/* Writes to standard output as it comes. Gives how much of it was written: less where the client is gone. */
size_t server_write_out(const char *text, size_t len);

/* Writes the response's head: status, the script's own status line or NULL, its header lines. 0, or -1 where the client
 * is gone. Go does it, unless another was set. */
extern int (*server_write_head)(int status, char *line, char *block, size_t len);

/* While set, the response's head is thrown away instead of sent. */
extern int server_discard_head;

#endif
