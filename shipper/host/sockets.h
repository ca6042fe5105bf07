/*
 * Sockets of this host, by what the kernel says: their inodes, and which of them listen. Who has an
 * inode open is the finder's matter (finder.h).
 *
 * Source   sock_diag(7); linux/inet_diag.h
 * Owns     a netlink socket
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

#endif
