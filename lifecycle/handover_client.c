/*
 * The client's side of a hand-over (handover.h): what the program does in place of starting Go and PHP. Whatever is
 * unusual makes it go the ordinary way: it returns, and nothing has happened.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <linux/capability.h>
#include <unistd.h>

#include "boot_process.h"
#include "cgi.h"
#include "handover.h"

#define PATIENCE 3000 /* ms until the resident must have answered */

static int resident = -1;
static char request[96 * 1024]; /* the most that is handed over; boot_zygote.c takes 128 KB, with what the resident adds */

/* Returns 0 if there is no such file. */
static int identify(uint64_t *values, int count, const char *path)
{
	struct stat file;

	if (stat(path, &file) != 0) {
		return 0;
	}
	values[0] = file.st_dev;
	values[1] = file.st_ino;
	if (count > 2) {
		values[2] = file.st_size;
		values[3] = file.st_mtim.tv_sec * 1000000000ULL + file.st_mtim.tv_nsec;
	}
	return 1;
}

int handover_place(struct handover_place *place)
{
	static const char *const namespaces[] = {
		"/proc/self/ns/mnt", "/proc/self/ns/net", "/proc/self/ns/pid", "/proc/self/ns/user",
		"/proc/self/ns/ipc", "/proc/self/ns/uts", "/proc/self/ns/cgroup"};
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct capabilities[2] = {{0}};
	uint64_t inode[2];
	size_t i;
	int label;

	memset(place, 0, sizeof(*place));
	if (!identify(place->program, 4, "/proc/self/exe") || !identify(place->root, 2, "/")) {
		return 0;
	}
	for (i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
		inode[1] = 0;
		identify(inode, 2, namespaces[i]);
		place->namespaces[i] = inode[1];
	}
	if (syscall(SYS_capget, &header, capabilities) == 0) {
		place->effective = capabilities[0].effective | (uint64_t)capabilities[1].effective << 32;
		place->permitted = capabilities[0].permitted | (uint64_t)capabilities[1].permitted << 32;
	}
	label = open("/proc/self/attr/current", O_RDONLY | O_CLOEXEC);
	if (label >= 0) {
		if (read(label, place->label, sizeof(place->label)) < 0) {
			/* the kernel knows no labels */
		}
		close(label);
	}
	place->restrictions = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) | (uint64_t)prctl(PR_GET_SECCOMP) << 8;
	return 1;
}

/* The index after --engine, phpsapi's own option. */
static int after_engine(int argc, char **argv, int i)
{
	static const char option[] = "--engine";
	const size_t len = sizeof(option) - 1;

	while (i < argc && strncmp(argv[i], option, len) == 0 && (!argv[i][len] || argv[i][len] == '=')) {
		i += argv[i][len] ? 1 : 2;
	}
	return i;
}

/* The index of the first of php-cgi's arguments; 0 where the program is not php-cgi. */
static int first_argument(int argc, char **argv)
{
	const char *name = argc > 0 ? basename(argv[0]) : "";
	int word;

	if (strncmp(name, "php-cgi", 7) == 0 && name[7 + strspn(name + 7, "0123456789.")] == '\0') {
		return 1;
	}
	if (strncmp(name, "php-fpm", 7) == 0 || (strncmp(name, "php", 3) == 0 && name[3 + strspn(name + 3, "0123456789.")] == '\0')) {
		return 0;
	}
	word = after_engine(argc, argv, 1);
	return argc > word && strcmp(argv[word], "cgi") == 0 ? word + 1 : 0;
}

/* The resident's socket: --zygote, or PHPSAPI_CGI_ZYGOTE; NULL for none. Arguments that may be the query string say nothing. */
static const char *socket_path(int argc, char **argv)
{
	int first = first_argument(argc, argv);

	if (first == 0) {
		return NULL;
	}
	if (!cgi_arguments_may_be_query()) {
		first = after_engine(argc, argv, first);
		if (argc > first + 1 && strcmp(argv[first], "--zygote") == 0) {
			return argv[first + 1];
		}
	}
	return getenv("PHPSAPI_CGI_ZYGOTE");
}

static int is_ours(const struct stat *file)
{
	return file->st_uid == geteuid() || file->st_uid == 0;
}

/* Whether the path is a socket that nobody else can have put there. */
static int is_safe(const char *path)
{
	struct sockaddr_un address;
	char directory[sizeof(address.sun_path)];
	const char *slash = strrchr(path, '/');
	struct stat file;

	if (path[0] != '/' || strlen(path) >= sizeof(directory) || lstat(path, &file) != 0 || !S_ISSOCK(file.st_mode) ||
		!is_ours(&file)) {
		return 0;
	}
	memcpy(directory, path, slash - path + 1);
	directory[slash - path + 1] = '\0';
	return stat(directory, &file) == 0 && is_ours(&file) &&
		(!(file.st_mode & (S_IWGRP | S_IWOTH)) || (file.st_mode & S_ISVTX));
}

/* Connects to a resident of this user's. -1: there is none. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int fd;

	if (!is_safe(path)) {
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -1;
	}
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || peer.uid != geteuid() || peer.gid != getegid()) {
		close(fd);
		return -1;
	}
	return fd;
}

static size_t add_strings(size_t at, char **strings)
{
	for (; *strings && at < sizeof(request); strings++) {
		size_t len = strlen(*strings) + 1;
		if (len > sizeof(request) - at) {
			return sizeof(request);
		}
		memcpy(request + at, *strings, len);
		at += len;
	}
	return at;
}

/* Writes the request down. Returns its length; 0 if it is too long, or nobody can compare where this process stands. */
static size_t compose(int argc, char **argv, char **envp)
{
	struct handover *h = (struct handover *)request;
	size_t len;
	int i;

	strcpy(h->magic, HANDOVER_MAGIC);
	h->size = sizeof(*h);
	h->argc = argc;
	for (i = 0; i < 3; i++) {
		h->open |= !process_at_exec.closed[i] << i;
	}
	h->umask = umask(0);
	umask(h->umask);
	h->nice = getpriority(PRIO_PROCESS, 0);
	h->policy = sched_getscheduler(0);
	sched_getaffinity(0, sizeof(h->cpus), &h->cpus);
	if (!handover_place(&h->place)) {
		return 0;
	}
	for (i = 1; i < NSIG && i <= 64; i++) {
		h->ignored |= (uint64_t)(process_at_exec.actions[i].sa_handler == SIG_IGN) << (i - 1);
	}
	h->blocked = process_at_exec.mask;
	for (i = 0; i < RLIM_NLIMITS; i++) {
		getrlimit(i, &h->limits[i]);
	}
	len = add_strings(add_strings(sizeof(*h), argv), envp);
	return len < sizeof(request) ? len : 0;
}

/* Sends the request with the current directory and the standard descriptors. */
static int send_request(size_t len)
{
	int fds[4], count = 0, i, sent;
	char space[CMSG_SPACE(sizeof(fds))] = {0};
	struct iovec part = {request, len};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = space};
	struct cmsghdr *header;

	fds[count++] = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fds[0] < 0) {
		return 0;
	}
	for (i = 0; i < 3; i++) {
		if (!process_at_exec.closed[i]) {
			fds[count++] = i;
		}
	}
	message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	sent = sendmsg(resident, &message, MSG_NOSIGNAL) == (ssize_t)len;
	close(fds[0]);
	return sent;
}

/* Waits so many milliseconds, or for ever, for an answer. 0: none came, errno says why, 0 for the resident's end. */
static uint8_t receive(int patience, int *number)
{
	struct pollfd polled = {.fd = resident, .events = POLLIN};
	struct handover_answer answer;
	ssize_t len;
	int ready;

	do {
		ready = poll(&polled, 1, patience);
	} while (ready < 0 && errno == EINTR);
	len = ready > 0 ? recv(resident, &answer, sizeof(answer), 0) : -1;
	if (len != sizeof(answer)) {
		errno = len < 0 ? errno : 0;
		return 0;
	}
	*number = answer.number;
	return answer.letter;
}

enum taken { NOT_TAKEN, TAKEN, TAKEN_LATE };

/* Whether the resident has the request. If it does not answer in time, it is kept from answering, and so from taking the
 * request. It may have taken it a moment before: then it continues with it, but cannot tell how it ended. */
static enum taken is_taken(void)
{
	int number;
	uint8_t letter = receive(PATIENCE, &number);

	if (letter) {
		return letter == HANDOVER_TAKEN ? TAKEN : NOT_TAKEN;
	}
	shutdown(resident, SHUT_RD); /* not for writing: that would end the request */
	return receive(0, &number) == HANDOVER_TAKEN ? TAKEN_LATE : NOT_TAKEN;
}

/* Waits until the resident closes the connection. */
static void await_end(void)
{
	struct pollfd polled = {.fd = resident};

	while (poll(&polled, 1, -1) < 0 && errno == EINTR) {
	}
}

static void forward(int sig)
{
	int saved = errno;
	uint8_t number = sig;

	send(resident, &number, sizeof(number), MSG_NOSIGNAL | MSG_DONTWAIT);
	errno = saved;
}

static const int forwarded[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT, SIGWINCH};

/* Passes on the signals that would end this process, or that a script may have asked for. */
static void forward_signals(int on)
{
	struct sigaction action = {.sa_handler = forward, .sa_flags = SA_RESTART};
	size_t i;

	for (i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++) {
		struct sigaction *before = &process_at_exec.actions[forwarded[i]];
		if (before->sa_handler != SIG_IGN) {
			sigaction(forwarded[i], on ? &action : before, NULL);
		}
	}
}

/* Ends this process as the child ended, without a core file of its own. */
static _Noreturn void end_as(int status)
{
	if (WIFSIGNALED(status)) {
		struct rlimit none = {0, 0};
		sigset_t set;

		setrlimit(RLIMIT_CORE, &none);
		signal(WTERMSIG(status), SIG_DFL);
		sigemptyset(&set);
		sigaddset(&set, WTERMSIG(status));
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		kill(getpid(), WTERMSIG(status));
		_exit(128 + WTERMSIG(status));
	}
	_exit(WEXITSTATUS(status));
}

void handover_client(int argc, char **argv, char **envp)
{
	static const char lost[] = "phpsapi cgi: the zygote could not tell how the request ended\n";
	const char *path = socket_path(argc, argv);
	enum taken taken = NOT_TAKEN;
	int number = 0;
	size_t len;

	if (!path || !path[0] || !cgi_is_request() || (resident = connect_to(path)) < 0) {
		return;
	}
	record_process();
	len = compose(argc, argv, envp);
	if (len > 0 && receive(PATIENCE, &number) == HANDOVER_READY && send_request(len)) {
		taken = is_taken();
	}
	if (taken != NOT_TAKEN) {
		forward_signals(1);
		if (taken == TAKEN_LATE) {
			await_end();
		}
		switch (receive(-1, &number)) {
		case HANDOVER_STATUS:
			end_as(number);
		case HANDOVER_NO:
			forward_signals(0);
			break;
		default:
			signal(SIGPIPE, SIG_IGN);
			if (write(STDERR_FILENO, lost, sizeof(lost) - 1) < 0) {
				/* nobody listens */
			}
			_exit(255);
		}
	}
	close(resident);
}
