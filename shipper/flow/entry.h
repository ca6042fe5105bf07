/*
 * How a flow table keeps its flows: what table, idle, stream, order and tcp share.
 *
 * A flow is one block of 280 bytes from a pool, found by a 32-bit index. What only a conversation
 * out of order needs (held segments, a FIN or RST that came early, deadlines) is a struct rest,
 * and an ordinary packet of an ordinary conversation never sees one.
 *
 *   slots (hash, index) ──► entry ──► rest ──► held segments of either side
 *                             ▲
 *   idle queues, by class ────┘
 *
 * Time: `clock` counts nanoseconds from the table's first packet on and never goes back, whatever
 * the capture's timestamps do; all waits are measured on it. Packet times are only handed on.
 */
#ifndef WIRESPAN_FLOW_ENTRY_H
#define WIRESPAN_FLOW_ENTRY_H

#include "shipper/flow/flow.h"
#include "shipper/flow/held.h"

/* By how they are let go of: each class has its own timeout. */
enum flow_class { CLASS_HALF_OPEN, CLASS_TCP, CLASS_UDP, CLASS_CLOSED, CLASS_COUNT };

enum stream_flag {
	STREAM_STARTED = 1,  /* `start` is known */
	STREAM_SYN = 2,	     /* and from a SYN */
	STREAM_TOP = 4,	     /* `top` is valid: a packet of this side was seen */
	STREAM_ACKED = 8,    /* `acked` is valid */
	STREAM_FIN = 16,     /* rest->fin holds its end, to be told when all before it is there */
	STREAM_ENDED = 32,   /* its end was told */
	STREAM_PHANTOM = 64, /* one byte behind `next` was acknowledged, and nothing follows:
				a FIN that was not captured */
};

/* One direction's bytes. Before STREAM_STARTED, offsets count from a `start` far before the first
 * packet seen, so that earlier ones have a place; stream_begin moves them to count from 0. */
struct stream {
	uint64_t next;	/* offset of the first byte not delivered yet */
	uint32_t start; /* sequence number of offset 0 */
	uint32_t acked; /* the other side's highest ACK */
	uint32_t top;	/* behind the highest sequence number seen */
	uint8_t flags;
};

/* A FIN or RST that waits for the bytes before it. */
struct mark {
	uint64_t at; /* offset */
	nsec when;
	nsec came; /* on the table's clock */
	uint32_t ack;
	bool has_ack;
};

struct rest {
	struct rest *prev, *next; /* of the table's queue of those to look at, by check_at */
	nsec check_at;
	uint32_t index; /* of its entry */
	nsec begin_at;	/* when streams whose start is not known begin; 0: not set */
	struct held_queue held[2];
	bool has_first_ack[2];
	uint32_t first_ack[2]; /* the other side's lowest, from before any packet of this side */
	nsec acked_at[2];      /* since when more is acknowledged than delivered; 0: it is not */
	uint64_t sacked[2];    /* offset up to which SACK shows the bytes from `next` on received */
	struct mark fin[2];
	struct mark rst;
	bool has_rst;
	uint8_t rst_side;
	bool has_syn; /* a SYN that does not belong to this conversation: a new one, or a fake */
	uint8_t syn_side;
	uint32_t syn_seq;
	nsec syn_when;
	uint32_t outside_seq[2]; /* where the last segments too far away would go on */
	uint8_t outside[2];	 /* how many of these there were in sequence */
	nsec outside_at;
};

enum {
	/* Further ahead of what is known of a stream nobody sends: what came nevertheless is a
	 * fake, or the rest of a conversation of which the capture lost very much. */
	WINDOW_MAX = 128 << 20,
	FAR_BACK = 1 << 30, /* room for what came before the first packet seen */
};

enum { SAMPLE_NONE = 2, RTT_UNIT_NS = 64 };

struct entry {
	struct endpoints ends;
	struct flow flow;
	struct stream stream[2];
	struct rest *rest;     /* NULL when all is in order */
	uint32_t half_rtt[2];  /* from here to the other side of `side` and back; RTT_UNIT_NS */
	uint32_t sample_seq;   /* whose ACK ends the measurement under way */
	uint32_t sample_at;    /* its time, low bits, in RTT_UNIT_NS */
	uint32_t seen;	       /* clock of the last packet, in ticks */
	uint32_t older, newer; /* of its idle queue */
	uint32_t hash;
	uint8_t class;	/* enum flow_class */
	uint8_t slot;	/* of its idle queue */
	uint8_t sample; /* enum side whose bytes are measured, or SAMPLE_NONE */
};

_Static_assert(sizeof(struct entry) <= 280, "a million flows must fit into 300 MB");

enum {
	IDLE_SLOTS = 64,
	TICK_SHIFT = 26, /* a tick is 67 ms: 32 bits of it last for nine years */
	CHUNK_SHIFT = 6,
	CHUNK = 1 << CHUNK_SHIFT
};

/* Flows of one class by the time of their last packet, in slots of timeout / 32. */
struct idle {
	uint64_t base;	  /* number of the oldest slot */
	uint32_t width;	  /* of a slot, in ticks */
	uint32_t timeout; /* ticks */
	size_t count;
	uint32_t first[IDLE_SLOTS]; /* index of a slot's first entry, 0: none */
};

struct slot {
	uint32_t hash, index; /* index 0: free */
};

struct flow_table {
	const struct flow_conf *conf;
	const struct flow_sink *sink;
	void *self;
	struct quota *quota;
	struct counters *counters;
	uint64_t seed;
	struct slot *slots;
	uint32_t mask; /* slots less one */
	size_t count;
	struct entry **chunks;
	uint32_t chunks_used, chunks_cap;
	uint32_t ahead_hash; /* of the packet that is most likely the next */
	uint32_t ahead;	     /* index of the entry that it will need; 0: not known */
	bool looks_ahead;    /* ahead_hash is set */
	uint32_t free;	     /* index of the first free entry, linked by `newer`; 0: none */
	struct idle idle[CLASS_COUNT];
	struct rest *waiting, *waiting_last;
	bool began; /* the clock runs */
	nsec clock;
	nsec skew; /* clock less packet time */
	nsec now;  /* packet time of the last call */
	nsec due;  /* clock: nothing to expire before */
};

static inline struct entry *entry_at(const struct flow_table *t, uint32_t index)
{
	return &t->chunks[index >> CHUNK_SHIFT][index & (CHUNK - 1)];
}

/* All of it is about to be read and written: asks for its cache lines at once. */
static inline const struct entry *entry_fetch(const struct entry *e)
{
	enum { CACHE_LINE = 64 };

	for (size_t at = 0; at < sizeof *e; at += CACHE_LINE)
		__builtin_prefetch((const uint8_t *)e + at, 1);
	return e;
}

static inline uint64_t table_tick(const struct flow_table *t)
{
	return (uint64_t)t->clock >> TICK_SHIFT;
}

/* A span of packet time; 0 where timestamps are beyond reason. */
static inline nsec span(nsec from, nsec to)
{
	nsec d;

	return __builtin_sub_overflow(to, from, &d) ? 0 : d;
}

static inline uint32_t stream_next_seq(const struct stream *s)
{
	return s->start + (uint32_t)s->next;
}

/* The offset of a sequence number within 2 GiB of `next`; negative before the stream's start. */
static inline int64_t stream_offset(const struct stream *s, uint32_t seq)
{
	return (int64_t)s->next + (int32_t)(seq - stream_next_seq(s));
}

/* table.c: tells the sink what is left and that the flow ends; it stays until it is expired or
 * table_drop takes it out. */
void table_close(struct flow_table *t, struct entry *e, enum flow_end why, nsec when);
struct rest *table_rest(struct flow_table *t, struct entry *e); /* the entry's, made if need be */
void table_rest_requeue(struct flow_table *t, struct rest *r);
void table_rest_free(struct flow_table *t, struct entry *e);

/* idle.c */
void idle_init(struct idle *idle, nsec timeout);
void idle_add(struct flow_table *t, struct entry *e, uint32_t index, enum flow_class class);
void idle_remove(struct flow_table *t, struct entry *e, uint32_t index);
/* The longest idle of a class; 0 when there is none. */
uint32_t idle_oldest(struct flow_table *t, enum flow_class class);
/* The next of a class whose time is over; 0 when there is none. */
uint32_t idle_expired(struct flow_table *t, enum flow_class class);
nsec idle_due(const struct idle *idle);

#endif
