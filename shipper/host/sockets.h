/*
 * Which process holds a socket: sock_diag tells a socket's inode, /proc who has that inode open.
 *
 * Going through /proc takes milliseconds, so what was found is kept, and the next pass waits for
 * twenty times as long as the last one took.
 *
 * Source   sock_diag(7); linux/inet_diag.h; proc(5): /proc/PID/fd, comm, exe, cgroup
 * Owns     a netlink socket and the table of inodes
 * Thread   one
 */
#ifndef WIRESPAN_HOST_SOCKETS_H
#define WIRESPAN_HOST_SOCKETS_H

#include "shipper/host/home.h"

struct sockets;

struct sockets *sockets_open(struct fault *fault);
void sockets_close(struct sockets *sockets);

/* One end of a conversation. */
struct socket_end {
	struct addr here, there;
	uint16_t here_port, there_port;
	uint8_t version, transport;
};

/* The socket's inode, 0 when there is none. */
uint32_t sockets_inode(struct sockets *sockets, const struct socket_end *end);

/* A socket that takes what comes: TCP's listening ones, UDP's without a peer. */
struct listening {
	struct addr addr; /* all zero for any */
	uint16_t port;
	uint8_t version, transport;
	uint32_t inode;
};

/* All of them, up to max; returns how many. */
size_t sockets_listening(struct sockets *sockets, struct listening *to, size_t max);

/* The pid that has it open; 0 when it is not known, which a pass through /proc may mend. */
int sockets_pid(const struct sockets *sockets, uint32_t inode);

/* Goes through /proc, if it is time; *wait is how long until it is, 0 when it was done. */
void sockets_pass(struct sockets *sockets, nsec *wait);

/* What /proc says of it; false when it has gone. */
bool sockets_process(int pid, struct process *process);

/* The container in a line of /proc/PID/cgroup: 64 hex digits as Docker, containerd, CRI-O and
 * Podman write them. */
bool container_of(struct bytes line, char id[CONTAINER_ID_LEN + 1]);

#endif
