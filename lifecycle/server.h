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

/* While set, the response's head is thrown away instead of sent. */
extern int server_discard_head;

#endif
