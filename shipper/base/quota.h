/*
 * Who holds how much memory: one per worker, charged by every buffer that grows.
 *
 * A charge never fails. The worker looks at `used` after a packet and lets the oldest
 * conversations go while it is above `limit`; so the limit may be exceeded by one packet's worth.
 *
 * Thread   the worker's own; quota_limit from any
 * Units    bytes
 */
#ifndef WIRESPAN_BASE_QUOTA_H
#define WIRESPAN_BASE_QUOTA_H

#include <stdbool.h>
#include <stddef.h>

struct quota {
	size_t used;
	size_t limit;
	size_t most; /* the highest `used` so far */
};

static inline void quota_take(struct quota *q, size_t bytes)
{
	q->used += bytes;
	if (q->used > q->most)
		q->most = q->used;
}

static inline void quota_give(struct quota *q, size_t bytes)
{
	q->used -= bytes;
}

static inline bool quota_over(const struct quota *q)
{
	return q->used > __atomic_load_n(&q->limit, __ATOMIC_RELAXED);
}

static inline void quota_limit(struct quota *q, size_t bytes)
{
	__atomic_store_n(&q->limit, bytes, __ATOMIC_RELAXED);
}

#endif
