/* Extensions in worker mode (web_extensions.c). */
#ifndef PHPSAPI_EXTENSIONS_H
#define PHPSAPI_EXTENSIONS_H

/* Keeps for all requests what the script has set of sessions by now, when it has booted. */
void extensions_keep(void);

/* Gives up what was kept, before the script's memory goes. */
void extensions_forget(void);

/* A request's begin and end for those extensions. More than one end does no harm. */
void extensions_begin(void);
void extensions_end(void);

#endif
