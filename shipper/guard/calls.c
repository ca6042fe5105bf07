#include "shipper/guard/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shipper/base/must.h"
#include "shipper/guard/line.h"

/* ---- The table ---- */

enum {
	M = 1 << GUARD_MAIN,
	W = 1 << GUARD_WORKER,
	S = 1 << GUARD_SPOOL,
	C = 1 << GUARD_COURIER,
	H = 1 << GUARD_HOME,
	F = 1 << GUARD_FINDER,
	ALL = M | W | S | C | H | F
};

/* What an argument has to be. */
enum check {
	ANY,
	READ_ONLY,  /* open: nothing is written or made */
	NO_CODE,    /* mmap, mprotect: no memory that can be run */
	OF_THREADS, /* clone: a thread, not a process */
	OWN,	    /* tgkill: this process */
	CRASHES,    /* rt_sigaction: signals that a crash is told by, which crash.c resets */
	NAMING,	    /* prctl: PR_SET_NAME, PR_SET_VMA, and to read what is in force */
	TIGHTENING, /* prctl: what guard_enter does to a thread */
	INTERNET,
	LOCAL,
	ROUTES,
	PACKETS, /* socket */
};

struct calls {
	unsigned roles;
	enum check check;
	const char *names; /* one that an architecture does not have is passed over */
};

/* The main thread's filter is on all others, too: what a role may do, main may. */
static const struct calls table[] = {
	/* Memory, time, waiting, the end: libc's and everybody's. */
	{ALL, ANY, "read readv write writev close fstat newfstatat statx lseek fcntl"},
	{ALL, ANY, "brk munmap mremap madvise getrandom futex membarrier getcpu"},
	{ALL, ANY,
	 "sched_yield sched_getaffinity set_robust_list rseq getpid gettid getrusage sysinfo"},
	{ALL, ANY, "clock_gettime clock_getres gettimeofday time clock_nanosleep nanosleep"},
	{ALL, ANY, "poll ppoll restart_syscall rt_sigprocmask rt_sigreturn sigaltstack"},
	{ALL, ANY, "exit exit_group"},
	{ALL, NO_CODE, "mmap mprotect"},
	{ALL, OWN, "tgkill"},
	{ALL, CRASHES, "rt_sigaction"},
	{ALL, NAMING, "prctl"},
	/* Name services are libraries that are loaded when a name is first looked up. */
	{M | C, ANY, "mmap mprotect"},

	/* Files that are only read. Workers: what a device dropped is told in /sys. */
	{W | F, READ_ONLY, "openat open"},
	{M | W, ANY, "readahead fadvise64 pread64"},
	{M | C | F, ANY, "readlink readlinkat stat lstat"},
	{M | S | C | F, ANY, "getdents64"},

	/* Files that are written. */
	{M | S | C, ANY, "openat open access faccessat faccessat2 fstatfs statfs stat lstat"},
	{M | S | C, ANY, "pread64 preadv pwrite64 pwritev fsync fdatasync sync_file_range"},
	{M | S | C, ANY, "ftruncate fallocate fchmod mkdir mkdirat unlink unlinkat"},
	{M | S | C, ANY, "rename renameat renameat2"},
	{M, ANY, "umask"},

	/* Sockets. */
	{M | C, INTERNET, "socket"},
	{M | C, LOCAL, "socketpair"},
	/* Workers: if_nametoindex asks through one whether a device is still there. */
	{M | C | W, LOCAL, "socket"},
	{M | C | H, ROUTES, "socket"},
	{M, PACKETS, "socket"},
	{M | W | C, ANY, "getsockopt setsockopt ioctl"},
	{M | C | H, ANY, "bind"},
	{M | C | H | W, ANY, "getsockname"}, /* libpcap, of a device that went away */
	{M | C | H | F, ANY, "sendto sendmsg recvfrom recvmsg"},
	{M | C, ANY, "connect getpeername sendmmsg recvmmsg shutdown pipe pipe2 eventfd2 dup"},
	{M | C, ANY, "select pselect6 epoll_create1 epoll_ctl epoll_wait epoll_pwait"},
	{M, ANY, "listen accept accept4"},

	/* Who and where we are: name services, OpenSSL. */
	{M | C, ANY, "uname getuid geteuid getgid getegid getcwd"},
	{M, ANY, "getppid getresuid getresgid"},

	/* Threads, also those of libcurl's resolver; signals. */
	{M | C, OF_THREADS, "clone"},
	{M, ANY, "sched_setaffinity rt_sigaction rt_sigtimedwait signalfd4 prlimit64"},
	{M, ANY, "timerfd_create timerfd_settime timerfd_gettime"},

	/* What guard_enter and guard_seal do. */
	{M, TIGHTENING, "prctl"},
	{M, ANY, "capget capset seccomp landlock_restrict_self"},
};

/* In place of an end: libc asks, and knows what to do without. */
static const struct {
	const char *name;
	int error;
} refused[] = {
	{"clone3", ENOSYS}, /* its flags cannot be seen; clone's can */
	{"sched_setscheduler", EPERM},
	{"sched_setparam", EPERM},
	{"setpriority", EPERM},
};

/* Calls that Linux got after this list was made: libc tries them, and goes on without. */
enum { UNKNOWN_FROM = 462, UNKNOWN_TO = 520, NAME_ROOM = 32 };

static const char *const role_names[GUARD_ROLES] = {
	[GUARD_MAIN] = "wirespan",  [GUARD_WORKER] = "worker", [GUARD_SPOOL] = "spool",
	[GUARD_COURIER] = "output", [GUARD_HOME] = "home",     [GUARD_FINDER] = "finder",
};

const char *calls_role_name(enum guard_role role)
{
	return role_names[role];
}

/* The next of the names; false at their end. */
static bool next_name(const char **names, char to[NAME_ROOM])
{
	size_t len = strcspn(*names, " ");

	must(len < NAME_ROOM);
	memcpy(to, *names, len);
	to[len] = '\0';
	*names += len + ((*names)[len] == ' ');
	return len > 0;
}

void calls_print(FILE *to)
{
	char name[NAME_ROOM];

	for (int role = 0; role < GUARD_ROLES; role++)
		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
			const char *names = table[i].names;

			while ((table[i].roles & 1U << role) && next_name(&names, name))
				fprintf(to, "%s %s\n", role_names[role], name);
		}
}

/* ---- Filters ---- */

struct maker {
	scmp_filter_ctx filter;
	int error; /* the first */
};

static struct scmp_arg_cmp argument(unsigned which, enum scmp_compare is, uint32_t a, uint32_t b)
{
	return (struct scmp_arg_cmp){.arg = which, .op = is, .datum_a = a, .datum_b = b};
}

static void allow(struct maker *m, int call, unsigned count, struct scmp_arg_cmp a)
{
	int error = count > 0 ? seccomp_rule_add(m->filter, SCMP_ACT_ALLOW, call, 1, a)
			      : seccomp_rule_add(m->filter, SCMP_ACT_ALLOW, call, 0);

	if (m->error == 0)
		m->error = error;
}

static void allow_one_of(struct maker *m, int call, const unsigned *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		allow(m, call, 1, argument(0, SCMP_CMP_EQ, values[i], 0));
}

static void allow_prctl(struct maker *m, int call, bool tightening)
{
	/* PR_SET_VMA: newer than some headers */
	static const unsigned naming[] = {PR_SET_NAME, 0x53564d41, PR_GET_SECCOMP,
					  PR_GET_NO_NEW_PRIVS};
	static const unsigned more[] = {PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_CAPBSET_READ,
					PR_CAP_AMBIENT, PR_GET_SECUREBITS};

	if (tightening)
		allow_one_of(m, call, more, sizeof(more) / sizeof(more[0]));
	else
		allow_one_of(m, call, naming, sizeof(naming) / sizeof(naming[0]));
}

static void allow_call(struct maker *m, enum check check, const char *name)
{
	static const unsigned internet[] = {AF_INET, AF_INET6};
	static const unsigned crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
	const uint32_t writing = O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE;
	unsigned flags_at = strcmp(name, "open") == 0 ? 1 : 2;
	int call = seccomp_syscall_resolve_name(name);

	if (call == __NR_SCMP_ERROR)
		return;
	switch (check) {
	case ANY:
		allow(m, call, 0, (struct scmp_arg_cmp){0});
		break;
	case READ_ONLY:
		/* O_DIRECTORY is one of O_TMPFILE's bits, and harmless by itself. */
		allow(m, call, 1,
		      argument(flags_at, SCMP_CMP_MASKED_EQ, writing & ~(uint32_t)O_DIRECTORY,
			       O_RDONLY));
		break;
	case NO_CODE:
		allow(m, call, 1, argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
		break;
	case OF_THREADS:
		allow(m, call, 1, argument(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
		break;
	case OWN:
		allow(m, call, 1, argument(0, SCMP_CMP_EQ, (unsigned)getpid(), 0));
		break;
	case CRASHES:
		allow_one_of(m, call, crashes, sizeof(crashes) / sizeof(crashes[0]));
		break;
	case NAMING:
	case TIGHTENING:
		allow_prctl(m, call, check == TIGHTENING);
		break;
	case INTERNET:
		allow_one_of(m, call, internet, 2);
		break;
	case LOCAL:
		allow(m, call, 1, argument(0, SCMP_CMP_EQ, AF_UNIX, 0));
		break;
	case ROUTES:
		allow(m, call, 1, argument(0, SCMP_CMP_EQ, AF_NETLINK, 0));
		break;
	case PACKETS:
		allow(m, call, 1, argument(0, SCMP_CMP_EQ, AF_PACKET, 0));
		break;
	}
}

/* libpcap looks for devices of kinds that are none of ours; without this it would be its end. */
static void refuse_families(struct maker *m, int call)
{
	for (unsigned family = 0; family <= AF_PACKET && m->error == 0; family++) {
		bool ours = family == AF_INET || family == AF_INET6 || family == AF_UNIX ||
			    family == AF_NETLINK;

		if (!ours)
			m->error = seccomp_rule_add(
				m->filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), call, 1,
				family < AF_PACKET ? argument(0, SCMP_CMP_EQ, family, 0)
						   : argument(0, SCMP_CMP_GT, AF_PACKET, 0));
	}
}

static void fill(struct maker *m, enum guard_role role)
{
	char name[NAME_ROOM];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]) && m->error == 0; i++) {
		const char *names = table[i].names;

		while ((table[i].roles & 1U << role) && next_name(&names, name))
			allow_call(m, table[i].check, name);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]) && m->error == 0; i++)
		m->error = seccomp_rule_add(m->filter, SCMP_ACT_ERRNO((uint32_t)refused[i].error),
					    seccomp_syscall_resolve_name(refused[i].name), 0);
	for (int call = UNKNOWN_FROM; call < UNKNOWN_TO && m->error == 0; call++)
		m->error = seccomp_rule_add(m->filter, SCMP_ACT_ERRNO(ENOSYS), call, 0);
	if (role == GUARD_MAIN)
		refuse_families(m, SCMP_SYS(socket));
}

/* libseccomp writes programs to descriptors only. */
static bool export(scmp_filter_ctx made, struct calls_filter *to)
{
	int fd = memfd_create("filter", MFD_CLOEXEC);
	off_t size = fd >= 0 && seccomp_export_bpf(made, fd) == 0 ? lseek(fd, 0, SEEK_END) : -1;
	bool well = size > 0 && size % (off_t)sizeof(struct sock_filter) == 0;

	if (well) {
		to->program.len = (unsigned short)((size_t)size / sizeof(struct sock_filter));
		to->program.filter = must_alloc((size_t)size);
		well = pread(fd, to->program.filter, (size_t)size, 0) == (ssize_t)size;
	}
	if (fd >= 0)
		close(fd);
	return well;
}

bool calls_make(enum guard_role role, struct calls_filter *filter, struct fault *fault)
{
	struct maker m = {.filter = seccomp_init(SCMP_ACT_TRAP)};

	*filter = (struct calls_filter){0};
	must(m.filter != NULL);
	m.error = seccomp_attr_set(m.filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* A tree in place of a list, where this version has that. */
	(void)seccomp_attr_set(m.filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	fill(&m, role);
	if (m.error == 0 && !export(m.filter, filter))
		m.error = -errno;
	seccomp_release(m.filter);
	if (m.error == 0)
		return true;
	calls_free(filter);
	return fault_set(fault,
			 "no seccomp filter can be made for %s: %s; privileges.seccomp: false does "
			 "without",
			 role_names[role], strerror(-m.error));
}

void calls_free(struct calls_filter *filter)
{
	free(filter->program.filter);
	filter->program.filter = NULL;
}

bool calls_enter(const struct calls_filter *filter, struct fault *fault)
{
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter->program) != 0)
		return fault_set(fault,
				 "the kernel does not take a seccomp filter: %s; "
				 "privileges.seccomp: false does without",
				 strerror(errno));
	return prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER ||
	       fault_set(fault, "the kernel took a seccomp filter that is not in force");
}

/* ---- The end of who makes another call ---- */

static _Thread_local enum guard_role own_role;

void calls_role_is(enum guard_role role)
{
	own_role = role;
}

enum guard_role calls_role(void)
{
	return own_role;
}

/* Nothing here but what a signal handler may do. */
static void caught(int signal, siginfo_t *info, void *context)
{
	struct line line = {.descriptor = STDERR_FILENO};

	(void)context;
	line_text(&line, "wirespan: thread ");
	line_text(&line, role_names[own_role]);
	line_text(&line, " made system call ");
	line_number(&line, (unsigned)info->si_syscall);
	line_text(&line, ", which it must not: ended (privileges.seccomp, wirespan.yml(5))");
	line_end(&line);
	/* The handler was for once: it takes effect on return. */
	raise(signal);
}

void calls_watch(void)
{
	struct sigaction action = {.sa_sigaction = caught,
				   .sa_flags = SA_SIGINFO | (int)SA_RESETHAND};

	sigemptyset(&action.sa_mask);
	must(sigaction(SIGSYS, &action, NULL) == 0);
}
