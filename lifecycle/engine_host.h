/* The program, as engines see it (engine_host.c). */
#ifndef PHPSAPI_ENGINE_HOST_H
#define PHPSAPI_ENGINE_HOST_H

#include "engine.h"

extern struct engine_host host;

#endif
