/*
 * Who has a socket open, by what /proc says.
 *
 * Going through /proc takes milliseconds, so what was found is kept, and the next pass waits for
 * twenty times as long as the last one took. Other users' processes show only to who has
 * CAP_DAC_READ_SEARCH (/proc/PID/fd) and CAP_SYS_PTRACE (the links there, and exe).
 *
 * Source   proc(5): /proc/PID/fd, comm, exe, cgroup
 * Owns     the table of inodes
 * Thread   one
 */
#ifndef WIRESPAN_HOST_PROCS_H
#define WIRESPAN_HOST_PROCS_H

#include "shipper/base/bytes.h"
#include "shipper/base/time.h"
#include "shipper/host/home.h"

struct procs;

struct procs *procs_open(void);
void procs_close(struct procs *procs);

/* The pid that has it open; 0 when it is not known, which a pass through /proc may mend. */
int procs_pid(const struct procs *procs, uint32_t inode);

/* Goes through /proc, if it is time; *wait is how long until it is, 0 when it was done. */
void procs_pass(struct procs *procs, nsec *wait);

/* What /proc says of it; false when it has gone. */
bool procs_tell(int pid, struct process *process);

/* The container in a line of /proc/PID/cgroup: 64 hex digits as Docker, containerd, CRI-O and
 * Podman write them. */
bool container_of(struct bytes line, char id[CONTAINER_ID_LEN + 1]);

#endif
