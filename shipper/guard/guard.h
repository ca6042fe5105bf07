/*
 * What the program may still do once its devices are open.
 *
 *   root ──open devices──► guard_drop ──open the rest──► guard_seal ──► packets
 *                            │                              │
 *                            │ user, groups, capabilities   └ capabilities that were for opening
 *                            │ no_new_privs, Landlock, seccomp for all threads to come
 *                            └ each thread: guard_enter(role): no capability, fewer calls, fewer
 *                              files
 *
 * A role's calls are a table (calls.h). One that is not in it ends the process by SIGSYS, after a
 * line on standard error that names call and thread. Whoever has a name service that needs more
 * can say privileges.seccomp: false, and the rest still holds.
 *
 * What is kept: CAP_NET_RAW for the main thread alone, which opens devices that appear or come
 * back. It goes where privileges.user names nobody who needs it: without it a device that went
 * away stays away.
 *
 * Places are fixed when guard_drop returns: a file elsewhere cannot be opened after it, whatever
 * its permissions, where the kernel has Landlock.
 *
 * Built for sanitizers or coverage (GUARD_LOOSE) it drops user and capabilities, and nothing else:
 * their runtimes read /proc and symbols, write results and start processes, from whichever thread
 * finds something.
 *
 * Errors   a fault that says what to do; what cannot be had or does not hold is fatal, save
 *          Landlock where the kernel lacks it
 * Thread   guard_enter on the thread it is for, the rest on the main thread while it is the only
 *          one
 */
#ifndef WIRESPAN_GUARD_GUARD_H
#define WIRESPAN_GUARD_GUARD_H

#include <sys/types.h>

#include "shipper/base/fault.h"
#include "shipper/base/option.h"

enum guard_role {
	GUARD_MAIN,    /* signals, endpoints, devices that come and go; what any thread may do */
	GUARD_WORKER,  /* packets */
	GUARD_SPOOL,   /* the queue on disk */
	GUARD_COURIER, /* an output: files and the network */
	GUARD_HOME,    /* sockets of this host */
	GUARD_FINDER,  /* a process of its own: who has a socket open */
	GUARD_ROLES,
};

struct guard_conf {
	char *user, *group; /* to go on as; "" for the group: the user's own */
	bool seccomp, landlock;
	bool allow_root; /* --allow-root; not an option, nor is quiet: no remarks */
	bool quiet;
};

extern const struct option guard_options[];

enum place_kind {
	PLACE_READ,   /* and what is beside it */
	PLACE_FOLDER, /* with all that is below it */
	PLACE_FILE,   /* and what it is renamed to */
	PLACE_OFFER,  /* a folder; where it cannot be had, nothing is lost */
	PLACE_GOES,   /* a file that is open already, and removed at the end */
};

/* Folders and files that are written are made by guard_drop when they are missing, as the user's.
 */
struct guard_place {
	enum place_kind kind;
	mode_t mode;
	char *path;
};

struct guard_places {
	struct guard_place *at;
	size_t count;
};

void guard_place(struct guard_places *places, enum place_kind kind, mode_t mode, const char *path);
void guard_places_free(struct guard_places *places);

/* Who the program goes on as; first of all, so that a wrong user is told before anything is done.
 */
struct guard_user {
	uid_t uid;
	gid_t gid;
	bool changes; /* from root to that user */
	char name[64];
};

/* Puts in effect what the program's file permits and no more: of one marked cap_net_raw=p the
 * kernel starts a process where that right is not to be had, too, which then says so. */
bool guard_raise(struct fault *fault);

bool guard_user(const struct guard_conf *conf, struct guard_user *user, struct fault *fault);

bool guard_drop(const struct guard_conf *conf, const struct guard_user *user,
		const struct guard_places *places, struct fault *fault);
bool guard_seal(struct fault *fault);

/* For the finder's process, in place of both. */
bool guard_finder(const struct guard_conf *conf, const struct guard_user *user,
		  struct fault *fault);

/* For what reads files as the user who called it: seccomp alone, where the kernel has it. */
void guard_plain(void);

/* Where nothing was dropped or planned, it only gives the thread its name. What fails ends the
 * program. */
void guard_enter(enum guard_role role);

#endif
