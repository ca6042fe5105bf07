/*
 * The way through one frame, from layer to layer: what the files of this folder share.
 *
 * A layer takes its header from the cursor and calls the next. Each returns what the frame counts
 * as: packets.decoded, frames.fragment, or one of discard.*, so that the books balance by
 * construction. No layer calls itself again without having opened a tunnel or a pseudowire, whose
 * number is limited; so the depth of calls is, too. Everything else that may repeat (VLAN tags,
 * labels, extension headers) is a loop that takes bytes.
 *
 *     link ─► ethertype ─► ipv4, ipv6 ─► protocol ─► tcp, udp
 *                 ▲            ▲             │         │
 *                 └────────────┴── tunnels ◄─┴─────────┘
 *
 * Borrows  everything, until decode returns
 */
#ifndef WIRESPAN_DECODE_WALK_H
#define WIRESPAN_DECODE_WALK_H

#include "shipper/base/cursor.h"
#include "shipper/decode/decode.h"
#include "shipper/decode/fragment.h"

enum ethertype {
	ETHERTYPE_LENGTH_MAX = 1500, /* up to here it is a length (IEEE 802.3) */
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ERSPAN3 = 0x22eb,
	ETHERTYPE_BRIDGED = 0x6558, /* an Ethernet frame, within GRE and GENEVE */
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MULTICAST = 0x8848,
	ETHERTYPE_PPPOE = 0x8864,
	ETHERTYPE_QINQ = 0x88a8, /* 802.1ad */
	ETHERTYPE_ERSPAN = 0x88be,
	ETHERTYPE_QINQ_OLD = 0x9100, /* what switches used before 802.1ad */
	ETHERTYPE_QINQ_OLDER = 0x9200,
};

/* A UDP port that carries a tunnel. */
struct tunnel_port {
	uint16_t port;
	uint8_t kind; /* enum tunnel_kind */
};

struct decoder {
	struct decode_conf conf;
	struct counters *counters;
	struct fragments *fragments;
	size_t ports_count;
	struct tunnel_port ports[3 * PORTS_MAX];
};

struct walk {
	struct decoder *decoder;
	struct packet *packet;
	struct cursor c;     /* what is left of the layer in hand, as captured */
	size_t lacking;	     /* how many bytes the layer had behind these on the wire */
	uint8_t pseudowires; /* opened so far */
	bool routed;	     /* the destination is not the final one: no pseudo header to be had */
	bool wrong;	     /* a checksum was */
};

/* The byte numbers within a header that has been taken whole. */
static inline uint16_t head_be16(struct bytes head, size_t at)
{
	return (uint16_t)(head.at[at] << 8 | head.at[at + 1]);
}

static inline uint32_t head_be32(struct bytes head, size_t at)
{
	return (uint32_t)head_be16(head, at) << 16 | head_be16(head, at + 2);
}

/* What is left of the layer on the wire. */
static inline size_t walk_left(const struct walk *w)
{
	return cursor_left(&w->c) + w->lacking;
}

/*
 * The layer says how long it is. What stands behind is padding; what is missing was cut off, even
 * where the frame claims to be whole: not every tool that cuts frames keeps their true length.
 */
static inline void walk_bound(struct walk *w, size_t bytes)
{
	size_t left = cursor_left(&w->c);

	if (bytes <= left)
		w->c.end = w->c.at + bytes;
	w->lacking = bytes <= left ? 0 : bytes - left;
}

/* A header did not fit. */
static inline enum counter walk_short(const struct walk *w)
{
	return w->lacking > 0 ? COUNT_DISCARD_CUT : COUNT_DISCARD_MALFORMED;
}

enum counter walk_link(struct walk *w, int link);
enum counter walk_ethernet(struct walk *w);
enum counter walk_ethertype(struct walk *w, unsigned type);
enum counter walk_ip(struct walk *w); /* its version is in its first bits */
enum counter walk_ipv4(struct walk *w);
enum counter walk_ipv6(struct walk *w);
enum counter walk_tcp(struct walk *w);
enum counter walk_udp(struct walk *w);

/* IP in IP (protocol 4 and 41), GRE (47). */
enum counter walk_ipip(struct walk *w, unsigned protocol);
enum counter walk_gre(struct walk *w);

/* A datagram to a tunnel's port. False when it is not the tunnel's: it stays a datagram, and the
 * walk is as it was. */
bool walk_udp_tunnel(struct walk *w, enum tunnel_kind kind, enum counter *said);

#endif
