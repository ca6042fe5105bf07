/*
 * A ring of batches: one thread at a time puts, one takes, no lock between the two.
 *
 * It has a place for every batch there is, so it is never full.
 *
 * Owns     its array of places; the batches are whose who holds them
 */
#ifndef WIRESPAN_PUBLISH_RING_H
#define WIRESPAN_PUBLISH_RING_H

#include <stdatomic.h>
#include <stdlib.h>

#include "outputs/output.h"
#include "shipper/base/must.h"

enum { CACHE_LINE = 64 };

struct ring {
	struct batch **at;
	unsigned mask;
	/* Each counter is written by one thread: a line for each keeps them from fighting. */
	char before[CACHE_LINE];
	atomic_uint put;
	char between[CACHE_LINE];
	atomic_uint taken;
	char after[CACHE_LINE];
};

static inline void ring_init(struct ring *ring, unsigned places)
{
	unsigned size = 1;

	while (size < places)
		size *= 2;
	ring->at = must_alloc(size * sizeof(ring->at[0]));
	ring->mask = size - 1;
	atomic_init(&ring->put, 0);
	atomic_init(&ring->taken, 0);
}

static inline void ring_fini(struct ring *ring)
{
	free(ring->at);
	ring->at = NULL;
}

/* Both ends are sequentially consistent, as struct bell asks. */
static inline void ring_put(struct ring *ring, struct batch *batch)
{
	unsigned put = atomic_load_explicit(&ring->put, memory_order_relaxed);

	must(put - atomic_load(&ring->taken) <= ring->mask);
	ring->at[put & ring->mask] = batch;
	atomic_store(&ring->put, put + 1);
}

static inline bool ring_has(const struct ring *ring)
{
	return atomic_load(&ring->put) != atomic_load_explicit(&ring->taken, memory_order_relaxed);
}

/* The batch put first, or NULL. */
static inline struct batch *ring_take(struct ring *ring)
{
	unsigned taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);

	if (!ring_has(ring))
		return NULL;
	struct batch *batch = ring->at[taken & ring->mask];

	atomic_store(&ring->taken, taken + 1);
	return batch;
}

#endif
