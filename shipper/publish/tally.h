/*
 * A count that one thread keeps and others read: as cheap as a plain integer.
 */
#ifndef WIRESPAN_PUBLISH_TALLY_H
#define WIRESPAN_PUBLISH_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

struct tally {
	_Atomic uint64_t n;
};

/* Who reads a count also sees what its keeper had seen when it counted. */
static inline uint64_t tally_read(const struct tally *tally)
{
	return atomic_load_explicit(&tally->n, memory_order_acquire);
}

static inline void tally_add(struct tally *tally, uint64_t more)
{
	atomic_store_explicit(&tally->n, tally_read(tally) + more, memory_order_release);
}

#endif
