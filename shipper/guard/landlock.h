/*
 * Landlock: which files a thread, and those that it starts, may still open, whoever they belong to.
 * System calls as they are, since libc has none of these.
 *
 * Source   landlock(7); linux/landlock.h
 * Owns     a descriptor of the rules
 * Errors   a fault; a kernel without Landlock is none, and leaves the descriptor at -1
 */
#ifndef WIRESPAN_GUARD_LANDLOCK_H
#define WIRESPAN_GUARD_LANDLOCK_H

#include "shipper/base/fault.h"

struct landlock {
	int rules; /* -1: the kernel has none */
	int version;
};

bool landlock_open(struct landlock *l, struct fault *fault);
void landlock_close(struct landlock *l);

enum landlock_right {
	LANDLOCK_READ,
	LANDLOCK_WRITE,	 /* and read, make, remove */
	LANDLOCK_REMOVE, /* files of a folder, and nothing else */
};

/* A file, or a folder with all that is below it. What is not there is left out. */
bool landlock_allow(const struct landlock *l, const char *path, enum landlock_right right,
		    struct fault *fault);

/* no_new_privs has to be set. Verifies that it holds by opening the root folder. */
bool landlock_enter(const struct landlock *l, struct fault *fault);

#endif
