/*
 * One direction of a TCP conversation: where it begins, what is delivered, what is missing.
 *
 * Source   RFC 9293, RFC 1982 (serial numbers)
 * Thread   the table's
 */
#ifndef WIRESPAN_FLOW_STREAM_H
#define WIRESPAN_FLOW_STREAM_H

#include "shipper/flow/entry.h"

/* What stands at the front of a direction and waits: a held segment, or its FIN. */
struct front {
	bool present;
	bool is_fin;
	uint64_t at;
	uint32_t ack;
	bool has_ack;
	nsec when, came;
};

/* The next sequence number, as an offset: a FIN takes one. */
static inline uint64_t stream_expects(const struct stream *s)
{
	return s->next + (s->flags & STREAM_ENDED ? 1 : 0);
}

struct front stream_front(const struct entry *e, enum side d);

/* How far the other side has acknowledged this one, as an offset: `next` or further. */
uint64_t stream_acked(const struct entry *e, enum side d);

/* Delivers a segment that begins at `next`. */
void stream_give(struct flow_table *t, struct entry *e, enum side d, const struct segment *s);
/* The next n bytes never came. */
void stream_lost(struct flow_table *t, struct entry *e, enum side d, uint64_t n, nsec when);

/* The first byte's sequence number is known. */
void stream_start(struct flow_table *t, struct entry *e, enum side d, uint32_t seq);
/* It is not, and was waited for long enough: begins with the lowest byte there is. */
void stream_begin(struct flow_table *t, struct entry *e, enum side d);

#endif
