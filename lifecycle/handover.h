/*
 * The hand-over of a CGI program's request to a resident. Three processes take part:
 *
 *   client (handover_client.c)          resident (cgi/handover, Go)          child (handover_child.c)
 *     connects, looks whose socket it is
 *                                     <-  READY: it is not stopped, and will not keep what is passed
 *     REQUEST: struct handover, arguments,
 *       environment + cwd, stdin ...  ->  looks whose request it is, decides which module it is for
 *                                     <-  NO: the client goes the ordinary way
 *                                     <-  TAKEN
 *                                           forks it from a zygote (boot_zygote.c)  ->  becomes what the client was
 *                                           asks nothing to be run           <-  'N', if it cannot
 *     a signal came: its number       ->    kill
 *     is gone (end of file)           ->    kill -9
 *                                                                                answers (cgi_request.c)
 *                                     <-  STATUS as of wait                  <-  ends
 *     ends by it
 *
 * Between client and resident each message is one packet: client to resident REQUEST, then single bytes; back a letter
 * and a number (struct handover_answer).
 */
#ifndef PHPSAPI_HANDOVER_H
#define PHPSAPI_HANDOVER_H

#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

/* A change of struct handover needs another magic here and in cgi/handover/call.go. */
#define HANDOVER_MAGIC "phpsapi-cgi-003"

/* Where a process stands: what a child cannot be given, and so must have already. */
struct handover_place {
	uint64_t program[4]; /* this executable: device, inode, size, time of its last change in ns */
	uint64_t root[2];    /* the root directory: device, inode */
	uint64_t namespaces[7];
	uint64_t effective, permitted; /* capabilities */
	uint64_t restrictions;         /* no_new_privs, seccomp */
	char label[128];               /* of AppArmor, SELinux or the like; what is longer is cut off */
};

struct handover {
	char magic[16];
	uint32_t size; /* of this structure */
	uint32_t argc;
	uint32_t open; /* bit n: standard descriptor n is passed, behind that of the current directory */
	uint32_t umask;
	int32_t nice;
	int32_t policy; /* the scheduler's: SCHED_OTHER ... */
	cpu_set_t cpus;
	struct handover_place place;
	uint64_t ignored; /* bit n: signal n + 1 */
	sigset_t blocked;
	struct rlimit limits[RLIM_NLIMITS];
};

enum { HANDOVER_READY = 'R', HANDOVER_NO = 'N', HANDOVER_TAKEN = 'T', HANDOVER_STATUS = 'S' };

struct handover_answer {
	uint8_t letter;
	uint8_t unused[3];
	int32_t number;
};

/* Returns 0 if that cannot be known: without /proc. */
int handover_place(struct handover_place *place);

/* Called before the Go runtime. Where the process is a CGI program whose request a resident answered, it ends as
 * that request did. Returns if it is not one, or if it must answer itself. */
void handover_client(int argc, char **argv, char **envp);

/* The child's whole life. payload is a struct handover and what cgi/handover/payload.go says; the descriptors are the
 * channel to the resident, the current directory and the standard ones. */
_Noreturn void handover_child(char *payload, size_t len, const int *fds, size_t fds_len);

#endif
