/* reset: strict of worker mode (web_put_back.c, web_put_back_process.c). */
#ifndef PHPSAPI_PUT_BACK_H
#define PHPSAPI_PUT_BACK_H

/* Notes what there is to be put back, when the script has booted. */
void put_back_note(void);

/* Makes the process and PHP what they were when that was noted. Destructors of the script's may throw in it. */
void put_back(void);

/* Gives up what was noted, before the script's memory goes. */
void put_back_forget(void);

/* The same for the process alone. */
void put_back_process_note(void);
void put_back_process(void);
void put_back_process_forget(void);

#endif
