/*
 * Fragments of IP packets, until the rest has come.
 *
 *   waiting ─► all there: joined into one buffer ─► done: swallows copies for a moment
 *      │
 *      ├─────► they overlap, or there are too many: dead, swallows the rest until its time is over
 *      └─────► timeout, or room is needed: gone
 *
 * Overlap. Bytes that come twice give whoever sends them the choice of what the receiver and what
 * we understand; so a datagram whose fragments overlap is dropped, and what comes of it later too
 * (RFC 5722, section 3, for IPv6; IPv4 is treated alike, as Linux does since 2018, instead of by
 * RFC 791, section 3.2, which lets the later bytes win). An exact copy of one fragment is no
 * overlap: networks and captures duplicate packets, and RFC 8200, section 4.5, allows to drop it.
 *
 * Time. `when` of a joined packet is that of the fragment with its first byte: that is where a
 * message begins. It may lie before the packet handed out last, by less than the timeout.
 *
 * Source   RFC 791 section 3.2, 8200 section 4.5, 5722
 * Owns     copies of the fragments (charged to the quota), one buffer for the joined packet
 * Errors   none: counted
 * Thread   a table belongs to one decoder
 * Units    packet time; bytes of IP payload
 */
#ifndef WIRESPAN_DECODE_FRAGMENT_H
#define WIRESPAN_DECODE_FRAGMENT_H

#include "shipper/base/counter.h"
#include "shipper/base/quota.h"
#include "shipper/decode/packet.h"

/* Which packet a fragment belongs to. Without padding, so that it compares as bytes. */
struct fragment_key {
	struct addr src, dst;
	uint32_t id;
	uint8_t version;
	uint8_t protocol; /* of IPv4; in IPv6 it is not part of the key */
	uint8_t vlans, tunnels;
	uint16_t vlan[VLAN_DEPTH_MAX];
	uint32_t tunnel_id[TUNNEL_DEPTH_MAX];
	uint8_t tunnel_kind[TUNNEL_DEPTH_MAX];
};

/* From the packet as decoded so far. */
void fragment_key(struct fragment_key *key, const struct packet *packet, uint32_t id,
		  unsigned protocol);

struct fragment {
	struct fragment_key key;
	uint32_t from;	  /* its place in the payload */
	uint32_t bytes;	  /* as on the wire */
	bool last;	  /* no more fragments behind it */
	uint8_t protocol; /* what the payload is; the first fragment's counts */
	struct bytes have;
	nsec when;
	uint32_t wire_bytes;
};

struct joined {
	struct bytes have; /* up to where a fragment was cut off; borrowed until the next add */
	uint32_t bytes;	   /* as on the wire */
	uint8_t protocol;
	nsec when;
	uint32_t wire_bytes; /* of all its fragments */
};

enum fragment_step {
	FRAGMENT_KEPT,	 /* or dropped with the rest of its datagram */
	FRAGMENT_JOINED, /* it was the one that lacked */
	FRAGMENT_BAD,	 /* its length or place cannot be */
};

struct fragments;

/* quota and counters are borrowed for the table's life. */
struct fragments *fragments_new(size_t bytes_max, nsec timeout, struct quota *quota,
				struct counters *counters);
void fragments_free(struct fragments *table);

enum fragment_step fragments_add(struct fragments *table, const struct fragment *f,
				 struct joined *joined);

/* Cheap when there is nothing to let go. */
void fragments_expire(struct fragments *table, nsec now);

#endif
