/*
 * A process of its own that goes through /proc. What that takes is close to all of root's rights,
 * which a process that reads packets must not have; this one reads nothing but /proc and, over a
 * socket pair, questions of a fixed size.
 *
 *   home's thread ── inode, or "go through /proc" ──► finder ◄── /proc
 *                 ◄──────── pid, name, container ────
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

/* `user` NULL: it stays who it is, with all that it may. */
struct finder *finder_open(const struct guard_conf *conf, const struct guard_user *user,
			   struct fault *fault);
void finder_close(struct finder *finder);

/* Whether it sees other users' processes. */
bool finder_sees_all(const struct finder *finder);

/* As procs_pass, and procs_pid with procs_tell; false when it is not known, or the finder gone. */
void finder_pass(struct finder *finder, nsec *wait);
bool finder_find(struct finder *finder, uint32_t inode, struct process *process);

#endif
