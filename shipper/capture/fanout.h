/*
 * Several rings on one device, between which the kernel divides conversations.
 *
 * For each frame the kernel runs a program of ours that works out whose it is, as base/share.h
 * says: behind VLAN tags, MPLS labels, PPPoE, IPv6 extension headers and up to two tunnels, both
 * directions alike. What it does not understand, and all fragments, it gives to the first ring;
 * whoever decodes such a packet hands it over (shipper/team.h).
 *
 * The kernel's own PACKET_FANOUT_HASH would not do: it sees a VXLAN tunnel's outer ports alone,
 * which differ by direction, and would part the messages of a SIP call. Nor is
 * PACKET_FANOUT_FLAG_DEFRAG asked for: it knows IPv4 only, and all who ask for it on a host share
 * one queue of fragments, so that each datagram reaches but one of them.
 *
 * Source   packet(7): PACKET_FANOUT; the kernel's Documentation/networking/filter.rst
 * Owns     nothing; the group goes with its last socket
 */
#ifndef WIRESPAN_CAPTURE_FANOUT_H
#define WIRESPAN_CAPTURE_FANOUT_H

#include <linux/filter.h>

#include "shipper/base/fault.h"
#include "shipper/base/share.h"

enum { FANOUT_PROGRAM_MAX = 4096 };

/* What the program is run on. */
enum fanout_frames {
	FANOUT_KERNEL,	 /* what the kernel holds, of any device */
	FANOUT_ETHERNET, /* an Ethernet frame from its first byte on: for tests */
};

/* Returns how many instructions there are, at most FANOUT_PROGRAM_MAX. */
unsigned fanout_program(const struct share *share, enum fanout_frames frames,
			struct sock_filter *to);

/* Has the kernel divide anew what comes to the group of this socket. */
bool fanout_change(int socket, const struct share *share);

/* Makes a group of packet sockets, one for each worker, in order. `one_way`: what the device sends
 * is not wanted (loopback). */
bool fanout_join(const int *sockets, const struct share *share, bool one_way, const char *device,
		 struct fault *fault);

#endif
