/*
 * Conversations: what both directions of a 5-tuple (with VLAN and tunnel id) share, their two
 * byte streams in order, and how a conversation begins and ends.
 *
 * A flow is small (a million half-open ones must fit); what a protocol needs hangs off `user`
 * and is made by the sink only once somebody wants the bytes.
 *
 *   flow_push ─► finds or makes the flow ─► stream (TCP) ─► sink->data / lost / end
 *                                        └► (UDP) ───────► sink->datagram
 *
 * The two directions of a TCP conversation are delivered in the order in which the peers can
 * have seen them: bytes whose segment acknowledges bytes of the other direction that have not
 * been delivered yet wait for these, until they come or the hole is taken for a gap.
 *
 * Source   RFC 9293 (TCP), RFC 2018 (SACK), RFC 1982 (serial numbers)
 * Owns     flows, held segments (charged to the quota)
 * Errors   none: counted
 * Thread   a table belongs to one worker
 * Units    packet time; bytes of payload
 */
#ifndef WIRESPAN_FLOW_FLOW_H
#define WIRESPAN_FLOW_FLOW_H

#include "shipper/base/counter.h"
#include "shipper/base/option.h"
#include "shipper/base/piece.h"
#include "shipper/base/quota.h"
#include "shipper/decode/glance.h"
#include "shipper/decode/packet.h"

struct flow_table;

struct flow_conf {
	int64_t flows_max;	/* conversations at a time */
	nsec tcp_timeout;	/* idle, of an established conversation */
	nsec handshake_timeout; /* idle, of one that never got past its handshake */
	nsec udp_timeout;
	nsec closed_timeout;	/* how long a closed one still takes late segments in */
	int64_t held_bytes_max; /* of one stream, out of order */
	nsec gap_timeout;	/* how long a hole is waited for once it was acknowledged or
				   bytes behind it are held */
};

extern const struct option flow_options[];

/* What the connection suffered so far; whoever wants a span takes the difference of two. */
struct flow_stats {
	uint64_t packets[2];	 /* of each side, all kinds */
	uint64_t bytes[2];	 /* payload on the wire, retransmissions included */
	uint32_t retransmits[2]; /* segments */
	uint32_t out_of_order[2];
	uint64_t gap_bytes[2];
	nsec syn_at;  /* the client's SYN, 0 when not seen */
	nsec connect; /* SYN to the ACK that ends the handshake, 0 when not seen */
	nsec rtt;     /* smoothed; handshake, then timestamps or ACKs (Karn's rule); 0: not known */
};

/* The ends and the way between them, as documents show it. */
struct endpoints {
	struct addr addr[2]; /* by side */
	uint16_t port[2];
	uint8_t version; /* 4 or 6 */
	uint8_t transport;
	uint8_t vlans, tunnels; /* how many of each array */
	uint16_t vlan[VLAN_DEPTH_MAX];
	struct tunnel *tunnel; /* src and dst as seen in the first packet; NULL without tunnels */
};

enum flow_end {
	FLOW_FIN, /* both directions ended in order */
	FLOW_RST,
	FLOW_IDLE,     /* expired */
	FLOW_REUSED,   /* the same ports began a new conversation */
	FLOW_EVICTED,  /* at a limit */
	FLOW_FINISHED, /* the capture ended */
};

/*
 * A flow as its sink sees it. Which side is CLIENT: the sender of a SYN, else the receiver of a
 * SYN-ACK, else whom the table's guess says (flow_guess_fn), else who spoke first.
 */
struct flow {
	void *user;		 /* the sink's; NULL until it sets it */
	struct endpoints *ends;	 /* made with the flow */
	struct flow_stats stats; /* by side */
	nsec first, last;	 /* packet times */
	bool midstream;		 /* its beginning was not seen */
	bool one_sided;		 /* decided that the other direction is not captured */
	bool ignored; /* set by the sink: no more pieces wanted; only packets are counted */
};

/* What a table calls. Offsets count the payload of a direction from its first delivered byte on,
 * lost ones included. All on the worker's thread, from within flow_push, _expire or _finish. */
struct flow_sink {
	/* Bytes in order. */
	void (*data)(void *self, struct flow *flow, enum side from, const struct piece *piece);
	/* n bytes never came. */
	void (*lost)(void *self, struct flow *flow, enum side from, uint64_t n, nsec when);
	/* No more bytes from this side (FIN). */
	void (*end)(void *self, struct flow *flow, enum side from, nsec when);
	/* One datagram, whole; cut_bytes: how many of its bytes the capture lacks. */
	void (*datagram)(void *self, struct flow *flow, enum side from, const struct piece *piece,
			 uint32_t cut_bytes);
	/* The flow goes; `user` must be let go of. Always the last call for a flow, and always
	 * made but by flow_table_free. */
	void (*close)(void *self, struct flow *flow, enum flow_end why, nsec when);
	/* A first packet tells no client: is the packet's source port or its destination port
	 * that of a server? CLIENT means the packet comes from the client. May be NULL. */
	enum side (*guess)(void *self, const struct packet *packet);
	/* Whether something is still under way: an idle flow of datagrams then stays, and is asked
	 * again after as long. May be NULL: nothing is. */
	bool (*waits)(void *self, const struct flow *flow);
};

/* All pointers are borrowed for the table's life. */
struct flow_table *flow_table_new(const struct flow_conf *conf, const struct flow_sink *sink,
				  void *self, struct quota *quota, struct counters *counters);
/* From now on these limits and gap_timeout hold; the timeouts of idle ones stay as they were. */
void flow_table_adopt(struct flow_table *table, const struct flow_conf *conf);
void flow_table_free(struct flow_table *table); /* without calling the sink */

/*
 * What the next packet needs is brought near while others are worked on, in three steps: where its
 * flow is noted (look_ahead; NULL: nothing is known of it), then the flow (fetch_ahead), then what
 * the flow's user points to, which is the caller's (user_ahead, NULL when there is none). Hints
 * alone: what they say may be wrong.
 */
void flow_look_ahead(struct flow_table *table, const struct glance *next);
void flow_fetch_ahead(struct flow_table *table);
const void *flow_user_ahead(const struct flow_table *table);

void flow_push(struct flow_table *table, const struct packet *packet);

/* Lets go of what was idle too long and declares holes that were waited for too long. Cheap when
 * there is nothing to do; the worker calls it for each packet. */
void flow_expire(struct flow_table *table, nsec now);

/* Lets the oldest flow go (FLOW_EVICTED); false when there is none. */
bool flow_evict(struct flow_table *table);

/* The capture ended: delivers what is held, then closes every flow, in order of age. */
void flow_finish(struct flow_table *table);

size_t flow_count(const struct flow_table *table);

#endif
