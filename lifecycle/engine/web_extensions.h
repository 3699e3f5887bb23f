/* Extensions in worker mode (web_extensions.c). */
#ifndef PHPSAPI_EXTENSIONS_H
#define PHPSAPI_EXTENSIONS_H

/* The beginning and the end of a request, and of the boot, for those extensions. More than one end does no harm. */
void extensions_begin(void);
void extensions_end(void);

/* Gives up what was kept of the script's, before its memory goes. */
void extensions_forget(void);

#endif
