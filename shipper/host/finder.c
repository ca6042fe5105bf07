#include "shipper/host/finder.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shipper/base/log.h"
#include "shipper/base/must.h"
#include "shipper/host/procs.h"

struct finder {
	int socket;
	bool sees_all;
	bool gone; /* said once */
};

struct question {
	uint32_t inodes[FINDER_MOST]; /* sent as far as they are there; 0: go through /proc */
};

struct answer {
	nsec wait;
	struct process processes[FINDER_MOST]; /* as many as inodes; of no pid: not known */
};

static size_t answer_size(size_t count)
{
	return offsetof(struct answer, processes) + count * sizeof(struct process);
}

/* The first message: whether it is ready. */
struct hello {
	bool well, sees_all;
	struct fault fault;
};

/* ---- In the finder's process ---- */

/* A copy of a packet ring or a file would keep it open when the program has closed it. */
static void close_others(int mine)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	DIR *all = opendir("/proc/self/fd");
	const struct dirent *entry;

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	while (all != NULL && (entry = readdir(all)) != NULL) {
		int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && fd != mine && fd != dirfd(all))
			close(fd);
	}
	if (all != NULL)
		closedir(all);
}

static void ignore_signals(void)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
}

static bool get_ready(const struct guard_conf *conf, const struct guard_user *user, int socket)
{
	struct hello hello = {0};

	ignore_signals();
	close_others(socket);
	capng_get_caps_process();
	hello.sees_all = capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_PTRACE) == 1 &&
			 capng_have_capability(CAPNG_EFFECTIVE, CAP_DAC_READ_SEARCH) == 1;
	hello.well = user == NULL || guard_finder(conf, user, &hello.fault);
	return send(socket, &hello, sizeof(hello), 0) == (ssize_t)sizeof(hello) && hello.well;
}

static void tell(const struct procs *procs, uint32_t inode, struct process *to)
{
	int pid = procs_pid(procs, inode);

	if (pid == 0 || !procs_tell(pid, to))
		*to = (struct process){0};
}

_Noreturn static void serve(int socket)
{
	struct procs *procs = procs_open();
	struct question question;
	struct answer answer;
	ssize_t n;

	/* A question of no bytes looks like the end, so each has one inode at least. */
	while ((n = recv(socket, &question, sizeof(question), 0)) > 0) {
		size_t count = (size_t)n / sizeof(question.inodes[0]);

		answer.wait = 0;
		if (question.inodes[0] == 0)
			procs_pass(procs, &answer.wait);
		for (size_t i = 0; i < count; i++)
			tell(procs, question.inodes[i], &answer.processes[i]);
		if (send(socket, &answer, answer_size(count), 0) < 0)
			break;
	}
	_exit(0);
}

/* ---- In the program's ---- */

static bool hello_from(struct finder *f, struct fault *fault)
{
	struct hello hello;
	ssize_t n;

	do
		n = recv(f->socket, &hello, sizeof(hello), 0);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(hello))
		return fault_set(fault, "the process that looks up others ended at once");
	f->sees_all = hello.sees_all;
	return hello.well || fault_set(fault, "%s", hello.fault.text);
}

struct finder *finder_open(const struct guard_conf *conf, const struct guard_user *user,
			   struct fault *fault)
{
	struct finder *f;
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		fault_set(fault, "no socket for looking up processes: %s", strerror(errno));
		return NULL;
	}
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		if (!get_ready(conf, user, ends[1]))
			_exit(1);
		serve(ends[1]);
	}
	close(ends[1]);
	f = must_alloc(sizeof(*f));
	f->socket = ends[0];
	if (pid > 0 && hello_from(f, fault))
		return f;
	if (pid < 0)
		fault_set(fault, "no process for looking up others: %s", strerror(errno));
	finder_close(f);
	return NULL;
}

void finder_close(struct finder *f)
{
	if (f != NULL)
		close(f->socket);
	free(f);
}

bool finder_sees_all(const struct finder *f)
{
	return f->sees_all;
}

static bool ask(struct finder *f, const uint32_t *inodes, size_t count, struct answer *answer)
{
	size_t size = count * sizeof(inodes[0]);
	ssize_t n = -1;

	if (f->gone)
		return false;
	if (send(f->socket, inodes, size, MSG_NOSIGNAL) == (ssize_t)size) {
		do
			n = recv(f->socket, answer, sizeof(*answer), 0);
		while (n < 0 && errno == EINTR);
	}
	f->gone = n != (ssize_t)answer_size(count);
	if (f->gone)
		log_warning("the process that looks up others has ended: documents no longer name "
			    "them");
	return !f->gone;
}

void finder_pass(struct finder *f, nsec *wait)
{
	struct answer answer;
	uint32_t none = 0;

	*wait = ask(f, &none, 1, &answer) ? answer.wait : 0;
}

void finder_find(struct finder *f, const uint32_t *inodes, size_t count, struct process *to)
{
	struct answer answer;

	for (size_t i = 0; i < count; i += FINDER_MOST) {
		size_t some = count - i < FINDER_MOST ? count - i : FINDER_MOST;

		if (ask(f, inodes + i, some, &answer))
			memcpy(to + i, answer.processes, some * sizeof(to[0]));
		else
			memset(to + i, 0, some * sizeof(to[0]));
	}
}
