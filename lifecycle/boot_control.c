/*
 * A zygote's end of the conversation with its parent (boot_zygote.c has it as a picture), and how the zygote is executed once more
 * within it. The parent does not notice: what it has said so far is said again, by a socket whose number is in PHPSAPI_ZYGOTE_AGAIN.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "boot.h"
#include "boot_control.h"
#include "boot_process.h"
#include "boot_worker.h"

static int control = -1;
static int again = -1; /* where the orders are that came before the process was executed once more */
char control_packet[128 * 1024];

_Noreturn void control_die(const char *what)
{
	fprintf(stderr, "phpsapi: zygote: %s\n", what);
	exit(EXIT_FAILURE);
}

_Noreturn void control_die_errno(const char *what)
{
	fprintf(stderr, "phpsapi: zygote: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

void control_send_parts(struct iovec *parts, size_t n)
{
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = n};

	if (sendmsg(control, &message, MSG_NOSIGNAL) < 0) {
		exit(EXIT_SUCCESS); /* the parent is gone */
	}
}

void control_send_text(char letter, const char *text)
{
	struct iovec parts[] = {{&letter, 1}, {(char *)text, strlen(text)}};

	control_send_parts(parts, 2);
}

void control_send_numbers(char letter, int32_t first, int32_t second)
{
	int32_t numbers[] = {first, second};
	struct iovec parts[] = {{&letter, 1}, {numbers, sizeof(numbers)}};

	control_send_parts(parts, 2);
}

void control_send_exit(int32_t pid, int32_t status, long memory)
{
	int32_t numbers[] = {pid, status, memory > INT32_MAX ? INT32_MAX : memory};
	struct iovec parts[] = {{"X", 1}, {numbers, sizeof(numbers)}};

	control_send_parts(parts, 2);
}

size_t control_receive(void)
{
	char space[CMSG_SPACE(sizeof(int) * WORKER_FDS)];
	struct iovec part = {control_packet, sizeof(control_packet) - 1};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)};
	struct cmsghdr *header;
	ssize_t len;

	do {
		len = recvmsg(control_orders(), &message, MSG_CMSG_CLOEXEC);
	} while (len < 0 && errno == EINTR);
	if (len <= 0) {
		return 0;
	}
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		control_die("a message is too large");
	}
	worker.fds_len = 0;
	for (header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
		if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
			worker.fds_len = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(worker.fds, CMSG_DATA(header), worker.fds_len * sizeof(int));
		}
	}
	control_packet[len] = '\0';
	if (again >= 0 && control_packet[0] != 'S') { /* that was all */
		close(again);
		again = -1;
	}
	return len;
}

void control_ends_process(int on)
{
	int flags = fcntl(control, F_GETFL);

	if (flags < 0 || getpgrp() != getpid() || fcntl(control, F_SETOWN, -getpid()) != 0 ||
		fcntl(control, F_SETSIG, on ? SIGKILL : 0) != 0) {
		return;
	}
	fcntl(control, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC);
	if (on && recv(control, control_packet, 1, MSG_PEEK | MSG_DONTWAIT) == 0) { /* it was closed before */
		exit(EXIT_SUCCESS);
	}
}

int control_open(void)
{
	const char *number = getenv("PHPSAPI_ZYGOTE"), *earlier = getenv("PHPSAPI_ZYGOTE_AGAIN");

	if (!number) {
		return 0;
	}
	control = atoi(number);
	unsetenv("PHPSAPI_ZYGOTE");
	if (earlier) {
		again = atoi(earlier);
		unsetenv("PHPSAPI_ZYGOTE_AGAIN");
	}
	/* Not for a process that PHP's start executes: it may be another user's. */
	if (fcntl(control, F_SETFD, FD_CLOEXEC) != 0 || (again >= 0 && fcntl(again, F_SETFD, FD_CLOEXEC) != 0)) {
		control_die_errno("the control socket");
	}
	return 1;
}

int control_is_again(void)
{
	return again >= 0;
}

int control_fd(void)
{
	return control;
}

int control_orders(void)
{
	return again >= 0 ? again : control;
}

void control_close(void)
{
	close(control);
}

/* Says an order again. */
static void repeat(int to, const char *order, size_t len, const int *fds, size_t n)
{
	char space[CMSG_SPACE(sizeof(int) * WORKER_FDS)];
	struct iovec part = {(char *)order, len};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *header;

	if (n > 0) {
		memset(space, 0, sizeof(space));
		message.msg_control = space;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(header), fds, sizeof(int) * n);
	}
	if (sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		control_die_errno("an order cannot be said again");
	}
}

void control_execute_again(const char *first, size_t first_len, size_t last_len)
{
	int pair[2];
	char text[64], name[16] = "";

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		control_die_errno("socketpair");
	}
	repeat(pair[0], first, first_len, NULL, 0);
	repeat(pair[0], control_packet, last_len, worker.fds, worker.fds_len);
	prctl(PR_GET_NAME, name);
	snprintf(text, sizeof(text), "%d %s", control, name);
	setenv("PHPSAPI_ZYGOTE", text, 1);
	snprintf(text, sizeof(text), "%d", pair[1]);
	setenv("PHPSAPI_ZYGOTE_AGAIN", text, 1);
	restore_for_exec();
	fcntl(control, F_SETFD, 0);
	fcntl(pair[1], F_SETFD, 0);
	execv("/proc/self/exe", process_at_exec.argv);
	if (boot_executable()) { /* there is no /proc */
		execv(boot_executable(), process_at_exec.argv);
	}
	control_die_errno("execute the program again");
}
