/*
 * A process of its own that goes through /proc. What that takes is close to all of root's rights,
 * which a process that reads packets must not have; this one reads nothing but /proc and, over a
 * socket pair, questions that are numbers.
 *
 *   home's thread ── inodes, or "go through /proc" ──► finder ◄── /proc
 *                 ◄──────── pids, names, containers ──
 *
 * It ends when the other end of its socket does. Signals that end the program pass it by: while
 * the last packets are read, there are questions yet.
 *
 * Errors   open fills a fault; one that has gone knows no more answers
 * Thread   open while there is only the main thread, the rest on one thread
 */
#ifndef WIRESPAN_HOST_FINDER_H
#define WIRESPAN_HOST_FINDER_H

#include "shipper/guard/guard.h"
#include "shipper/host/home.h"

enum { FINDER_MOST = 32 /* inodes in a question; more are several */ };

/* `user` NULL: it stays who it is, with all that it may. */
struct finder *finder_open(const struct guard_conf *conf, const struct guard_user *user,
			   struct fault *fault);
void finder_close(struct finder *finder);

/* Whether it sees other users' processes. */
bool finder_sees_all(const struct finder *finder);

/* As procs_pass. */
void finder_pass(struct finder *finder, nsec *wait);
/* As procs_pid with procs_tell: no pid where it is not known. */
void finder_find(struct finder *finder, const uint32_t *inodes, size_t count, struct process *to);

#endif
