#include "shipper/guard/guard.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shipper/base/log.h"
#include "shipper/base/must.h"
#include "shipper/guard/calls.h"
#include "shipper/guard/crash.h"
#include "shipper/guard/landlock.h"
#include "shipper/guard/user.h"

#ifdef GUARD_LOOSE
enum { LOOSE = 1 };
#else
enum { LOOSE = 0 };
#endif

#define GUARD(member) offsetof(struct guard_conf, member)
const struct option guard_options[] = {
	{"user", OPTION_TEXT, GUARD(user), "wirespan", 0, 0, NULL, NULL,
	 "Who the program goes on as, live, once root has opened devices; a name or a number."},
	{"group", OPTION_TEXT, GUARD(group), "", 0, 0, NULL, NULL,
	 "Its group; empty for the user's own. The user's other groups come with it."},
	{"seccomp", OPTION_BOOL, GUARD(seccomp), "true", 0, 0, NULL, NULL,
	 "End the program when one of its threads makes a system call that is none of its "
	 "business."},
	{"landlock", OPTION_BOOL, GUARD(landlock), "true", 0, 0, NULL, NULL,
	 "Open no files beside those that are configured and the system's, where the kernel has "
	 "Landlock."},
	{0},
};

/* Set by guard_drop, before there are threads. */
static struct {
	bool dropped;	/* capabilities are to be given up */
	bool filtering; /* seccomp is in force */
	bool is_root;
	struct calls_filter filters[GUARD_ROLES];
	struct landlock few; /* for roles that open no files but the kernel's */
} guard;

/* What name services, TLS and libpcap read. Whole folders: files there are replaced by others of
 * the same name, and rules hold for a file, not for its name. */
static const char *const system_reads[] = {
	"/etc", "/usr", "/lib",	 "/lib32",   "/lib64",	     "/run",
	"/sys", "/dev", "/proc", "/var/run", "/var/lib/sss", "/var/cache/nscd",
};

/* ---- Places ---- */

void guard_place(struct guard_places *places, enum place_kind kind, mode_t mode, const char *path)
{
	if (path == NULL || path[0] == '\0')
		return;
	places->at = must_realloc(places->at, (places->count + 1) * sizeof(places->at[0]));
	places->at[places->count++] =
		(struct guard_place){.kind = kind, .mode = mode, .path = must_strdup(path)};
}

void guard_places_free(struct guard_places *places)
{
	for (size_t i = 0; i < places->count; i++)
		free(places->at[i].path);
	free(places->at);
	*places = (struct guard_places){0};
}

static void folder_of(const char *path, char to[PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		snprintf(to, PATH_MAX, ".");
	else
		snprintf(to, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static bool allow_beside(const struct landlock *l, const char *path, enum landlock_right right,
			 struct fault *fault)
{
	char folder[PATH_MAX];

	folder_of(path, folder);
	return strcmp(folder, "/") == 0 || landlock_allow(l, folder, right, fault);
}

static bool allow_place(const struct landlock *l, const struct guard_place *place,
			struct fault *fault)
{
	bool file = place->kind == PLACE_READ || place->kind == PLACE_FILE;
	enum landlock_right right = place->kind == PLACE_READ ? LANDLOCK_READ : LANDLOCK_WRITE;
	char folder[PATH_MAX], real[PATH_MAX];

	if (place->kind == PLACE_GOES) {
		folder_of(place->path, folder);
		return landlock_allow(l, folder, LANDLOCK_REMOVE, fault);
	}

	/* Not every text with a slash is a file. */
	if (place->kind == PLACE_READ && access(place->path, F_OK) != 0)
		return true;
	/* Beside a file lies what it is replaced by, or put aside as. */
	if (file && !allow_beside(l, place->path, right, fault))
		return false;
	/* Also where a link leads: what renews certificates may put the next one there. */
	if (place->kind == PLACE_READ && realpath(place->path, real) != NULL &&
	    !allow_beside(l, real, right, fault))
		return false;
	return strcmp(place->path, "/") == 0 || landlock_allow(l, place->path, right, fault);
}

static bool few_files(struct fault *fault)
{
	return landlock_open(&guard.few, fault) &&
	       landlock_allow(&guard.few, "/sys", LANDLOCK_READ, fault);
}

static bool known_files(const struct guard_places *places, bool quiet, struct fault *fault)
{
	struct landlock l;
	bool well = landlock_open(&l, fault);

	if (well && l.rules < 0 && !quiet)
		log_info("this kernel has no Landlock: which files are opened is left to their "
			 "permissions");
	for (size_t i = 0; well && i < sizeof(system_reads) / sizeof(system_reads[0]); i++)
		well = landlock_allow(&l, system_reads[i], LANDLOCK_READ, fault);
	well = well && landlock_allow(&l, "/dev/null", LANDLOCK_WRITE, fault);
	for (size_t i = 0; well && i < places->count; i++)
		well = allow_place(&l, &places->at[i], fault);
	well = well && few_files(fault) && landlock_enter(&l, fault);
	landlock_close(&l);
	return well;
}

/* ---- Calls ---- */

static bool make_filters(struct fault *fault)
{
	for (int role = 0; role < GUARD_FINDER; role++)
		if (!calls_make((enum guard_role)role, &guard.filters[role], fault))
			return false;
	return true;
}

static bool known_calls(struct fault *fault)
{
	if (!make_filters(fault))
		return false;
	calls_watch();
	guard.filtering = calls_enter(&guard.filters[GUARD_MAIN], fault);
	return guard.filtering;
}

static bool no_new_rights(struct fault *fault)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return true;
	return fault_set(fault, "no_new_privs cannot be set: %s", strerror(errno));
}

/* No core dump holds a password or a packet, and no other process of this user looks inside. */
static void spare_core(void)
{
	struct rlimit limit = {0};

	if (LOOSE)
		return;
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (getrlimit(RLIMIT_CORE, &limit) == 0) {
		limit.rlim_cur = 0;
		setrlimit(RLIMIT_CORE, &limit);
	}
}

/* As the kernel tells it of this process. */
static bool verify(bool seccomp, struct fault *fault)
{
	FILE *file = fopen("/proc/self/status", "re");
	bool privileges = false, filtered = !seccomp;
	char line[256];

	/* A container without /proc: what prctl said when it was set has to do. */
	if (file == NULL)
		return true;
	while (fgets(line, sizeof(line), file) != NULL) {
		privileges |= strcmp(line, "NoNewPrivs:\t1\n") == 0;
		filtered |= strcmp(line, "Seccomp:\t2\n") == 0;
	}
	fclose(file);
	if (!privileges)
		return fault_set(fault, "no_new_privs was set, and does not hold");
	return filtered || fault_set(fault, "a seccomp filter was set, and does not hold");
}

/* ---- In order ---- */

/* Root that stays root goes on reading and writing its files, whoever they belong to: the last of
 * each. */
enum kept { KEPT_OPENING, KEPT_LASTING, KEPT_FINDING, KEPT_WRITING, KEPT_NONE };

static bool keep(enum kept what, const struct guard_user *become, struct fault *fault)
{
	/* Certificates' keys that are root's, and a port below 1024, are still to be opened. */
	static const int opening[] = {CAP_NET_RAW, CAP_DAC_READ_SEARCH, CAP_NET_BIND_SERVICE,
				      CAP_DAC_OVERRIDE};
	static const int lasting[] = {CAP_NET_RAW, CAP_DAC_OVERRIDE};
	static const int finding[] = {CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE};
	static const struct {
		const int *at;
		size_t count;
	} all[] = {
		[KEPT_OPENING] = {opening, 3}, [KEPT_LASTING] = {lasting, 1},
		[KEPT_FINDING] = {finding, 2}, [KEPT_WRITING] = {lasting + 1, 0},
		[KEPT_NONE] = {lasting, 0},
	};
	size_t count = all[what].count + (guard.is_root && what != KEPT_NONE ? 1 : 0);

	if (become != NULL)
		return user_become(become, all[what].at, count, fault);
	return user_keep(all[what].at, count, fault);
}

bool guard_drop(const struct guard_conf *conf, const struct guard_user *user,
		const struct guard_places *places, struct fault *fault)
{
	bool seccomp = conf->seccomp && !LOOSE;

	guard.is_root = user->uid == 0;
	guard.few.rules = -1;
	if (!user_make(user, places, fault) || !keep(KEPT_OPENING, user, fault) ||
	    !user_may_write(user, places, fault))
		return false;
	guard.dropped = true;
	spare_core();
	return no_new_rights(fault) &&
	       (!conf->landlock || LOOSE || known_files(places, conf->quiet, fault)) &&
	       (!seccomp || known_calls(fault)) && verify(seccomp, fault);
}

bool guard_seal(struct fault *fault)
{
	return keep(KEPT_LASTING, NULL, fault);
}

bool guard_finder(const struct guard_conf *conf, const struct guard_user *user, struct fault *fault)
{
	struct calls_filter filter;
	bool well;

	if (!keep(KEPT_FINDING, user, fault) || !no_new_rights(fault))
		return false;
	pthread_setname_np(pthread_self(), calls_role_name(GUARD_FINDER));
	if (!conf->seccomp || LOOSE)
		return true;
	calls_watch();
	calls_role_is(GUARD_FINDER);
	well = calls_make(GUARD_FINDER, &filter, fault) && calls_enter(&filter, fault);
	calls_free(&filter);
	return well;
}

void guard_plain(void)
{
	struct fault fault;

	guard.few.rules = -1;
	if (!LOOSE && no_new_rights(&fault) && !known_calls(&fault))
		log_debug("%s", fault.text);
}

/* ---- Threads ---- */

/* Those that the kernel raises for what a thread does itself reach their handlers whatever mask the
 * thread was started with. */
static void unblock_own_signals(void)
{
	sigset_t own;

	sigemptyset(&own);
	sigaddset(&own, SIGSYS);
	sigaddset(&own, SIGSEGV);
	sigaddset(&own, SIGBUS);
	sigaddset(&own, SIGFPE);
	sigaddset(&own, SIGILL);
	sigaddset(&own, SIGABRT);
	must(pthread_sigmask(SIG_UNBLOCK, &own, NULL) == 0);
}

static bool enter(enum guard_role role, struct fault *fault)
{
	bool writes = role == GUARD_SPOOL || role == GUARD_COURIER;

	if (guard.dropped && !keep(writes ? KEPT_WRITING : KEPT_NONE, NULL, fault))
		return false;
	if (guard.dropped && !writes && !landlock_enter(&guard.few, fault))
		return false;
	return !guard.filtering || calls_enter(&guard.filters[role], fault);
}

void guard_enter(enum guard_role role)
{
	struct fault fault;

	pthread_setname_np(pthread_self(), calls_role_name(role));
	unblock_own_signals();
	crash_stack();
	calls_role_is(role);
	if (enter(role, &fault))
		return;
	log_error("thread %s: %s", calls_role_name(role), fault.text);
	_exit(EXIT_FAILURE);
}
