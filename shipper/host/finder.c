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
	uint32_t inode; /* 0: go through /proc */
};

struct answer {
	nsec wait;
	bool known;
	struct process process;
};

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

_Noreturn static void serve(int socket)
{
	struct procs *procs = procs_open();
	struct question question;

	while (recv(socket, &question, sizeof(question), 0) == (ssize_t)sizeof(question)) {
		struct answer answer = {0};

		if (question.inode == 0) {
			procs_pass(procs, &answer.wait);
			answer.known = true;
		} else {
			int pid = procs_pid(procs, question.inode);

			answer.known = pid != 0 && procs_tell(pid, &answer.process);
		}
		if (send(socket, &answer, sizeof(answer), 0) < 0)
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

static bool ask(struct finder *f, uint32_t inode, struct answer *answer)
{
	struct question question = {inode};
	ssize_t n = -1;

	if (f->gone)
		return false;
	if (send(f->socket, &question, sizeof(question), MSG_NOSIGNAL) ==
	    (ssize_t)sizeof(question)) {
		do
			n = recv(f->socket, answer, sizeof(*answer), 0);
		while (n < 0 && errno == EINTR);
	}
	if (n == (ssize_t)sizeof(*answer))
		return answer->known;
	f->gone = true;
	log_warning("the process that looks up others has ended: documents no longer name them");
	return false;
}

void finder_pass(struct finder *f, nsec *wait)
{
	struct answer answer = {0};

	ask(f, 0, &answer);
	*wait = answer.wait;
}

bool finder_find(struct finder *f, uint32_t inode, struct process *process)
{
	struct answer answer;

	if (inode == 0 || !ask(f, inode, &answer))
		return false;
	*process = answer.process;
	return true;
}
