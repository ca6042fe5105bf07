/*
 * Segments of one direction that wait, ordered by offset, without overlap: first bytes win.
 *
 * Owns     copies of the segments' bytes, charged to the quota
 */
#ifndef WIRESPAN_FLOW_HELD_H
#define WIRESPAN_FLOW_HELD_H

#include "shipper/base/bytes.h"
#include "shipper/base/quota.h"
#include "shipper/base/time.h"

/* A segment as it came, before or after it is held. */
struct segment {
	uint64_t at; /* offset */
	struct bytes bytes;
	uint32_t cut; /* how many more there were on the wire, behind the bytes */
	uint32_t ack;
	bool has_ack;
	bool again; /* see struct piece */
	nsec when;
	nsec came; /* on the table's clock */
};

struct held {
	struct segment segment;
	size_t charged;
	uint8_t copy[];
};

struct held_queue {
	struct held **at;
	uint32_t first, count, cap;
	size_t bytes; /* as charged */
};

static inline uint64_t segment_end(const struct segment *s)
{
	return s->at + s->bytes.len + s->cut;
}

static inline const struct segment *held_front(const struct held_queue *q)
{
	return q->count > 0 ? &q->at[q->first]->segment : NULL;
}

/* Without its first n bytes on the wire. */
void segment_skip(struct segment *s, uint64_t n);
/* Without what lies at offset `end` and behind. */
void segment_trim(struct segment *s, uint64_t end);

/* What a segment had in common with those held before it. */
struct held_found {
	uint64_t added;	   /* bytes that were new */
	uint64_t repeated; /* bytes that were not */
	bool differs;	   /* and some were others */
};

/* Keeps a copy of what is not held yet. */
struct held_found held_put(struct held_queue *q, struct quota *quota, const struct segment *s);
/* Takes the front out; the caller frees it with held_drop. */
struct held *held_take(struct held_queue *q);
void held_drop(struct held_queue *q, struct quota *quota, struct held *h);
void held_clear(struct held_queue *q, struct quota *quota);
/* All offsets move down by n; what then lies before 0 is dropped. */
void held_rebase(struct held_queue *q, struct quota *quota, int64_t n);

#endif
