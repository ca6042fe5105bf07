/*
 * One packet, decoded: the value that decode hands to the flow table.
 *
 * Borrows  payload points into the frame, or into the decoder's own buffer for a packet put
 *          together from fragments; good until the next decode
 * Units    of the arrays only as many members are filled in as their counts say, and what is of
 *          TCP only when it is TCP; the rest is whatever stood there before
 * Source   RFC 791, 8200 (IP), 9293 (TCP), 768 (UDP), 2018 (SACK), 7323 (timestamps, scale)
 */
#ifndef WIRESPAN_DECODE_PACKET_H
#define WIRESPAN_DECODE_PACKET_H

#include "shipper/base/bytes.h"
#include "shipper/base/time.h"

enum { TUNNEL_DEPTH_MAX = 4, VLAN_DEPTH_MAX = 2, SACK_MAX = 4 };

enum tcp_flag { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32 };

enum transport { TRANSPORT_TCP = 6, TRANSPORT_UDP = 17 }; /* IANA protocol numbers */

/* An IPv4 address stands in the first four bytes, the rest is zero. */
struct addr {
	uint8_t at[16];
};

enum tunnel_kind {
	TUNNEL_NONE,
	TUNNEL_GRE,
	TUNNEL_ERSPAN,
	TUNNEL_VXLAN,
	TUNNEL_GENEVE,
	TUNNEL_IPIP, /* IP in IP, 6in4, 4in6 */
	TUNNEL_GTPU,
};

/* A tunnel that was opened on the way in. */
struct tunnel {
	enum tunnel_kind kind;
	uint8_t version; /* 4 or 6, of the outer addresses */
	bool has_id;
	uint32_t id;	      /* GRE key, ERSPAN session, VNI, TEID (which differs by direction) */
	struct addr src, dst; /* the outer endpoints */
};

struct sack {
	uint32_t from, to; /* sequence numbers, `to` is behind the last byte */
};

struct packet {
	nsec when; /* of the frame; of fragments, that of the one with the first byte: so it may
		      lie before the packet handed out last, by up to the fragment timeout */
	struct bytes payload;	       /* of TCP or UDP, as captured */
	uint32_t payload_bytes;	       /* as on the wire; more than payload.len when cut */
	uint32_t wire_bytes;	       /* the whole frame, or the sum of its fragments */
	uint8_t version;	       /* 4 or 6 */
	uint8_t transport;	       /* enum transport */
	uint8_t vlans, tunnels, sacks; /* how many of each array */
	bool has_timestamp;
	uint32_t
		device; /* on which it passed, and in which direction; 0: the frame does not tell */
	struct addr src, dst;
	uint16_t src_port, dst_port;
	uint16_t
		vlan[VLAN_DEPTH_MAX]; /* 12-bit ids, outermost first; deeper ones are passed over */

	/* TCP only */
	uint8_t flags; /* enum tcp_flag */
	uint16_t window;
	uint32_t seq, ack;
	uint32_t ts_value, ts_echo; /* the timestamps option */
	struct sack sack[SACK_MAX];

	struct tunnel tunnel[TUNNEL_DEPTH_MAX]; /* outermost first */
};

#endif
