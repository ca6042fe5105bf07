/*
 * The system calls of each role, by name, and the seccomp filters made from them.
 *
 * Source   seccomp(2), libseccomp; signal(7) for what libc itself does
 * Owns     struct calls_filter: its program, until calls_free
 * Errors   a fault when libseccomp or the kernel does not take a filter
 */
#ifndef WIRESPAN_GUARD_CALLS_H
#define WIRESPAN_GUARD_CALLS_H

#include <linux/filter.h>
#include <stdio.h>

#include "shipper/guard/guard.h"

/* Its name as threads are called, too: 15 characters at most. */
const char *calls_role_name(enum guard_role role);

struct calls_filter {
	struct sock_fprog program;
};

bool calls_make(enum guard_role role, struct calls_filter *filter, struct fault *fault);
/* For the calling thread and those that it starts. */
bool calls_enter(const struct calls_filter *filter, struct fault *fault);
void calls_free(struct calls_filter *filter);

/* "role call" a line, for whoever compares with what strace saw, or writes a container's profile.
 */
void calls_print(FILE *to);

/* The line that is written before a call that is not allowed ends the process. */
void calls_watch(void);
/* Which role the calling thread has, for that line and for reports of crashes. */
void calls_role_is(enum guard_role role);
enum guard_role calls_role(void);

#endif
