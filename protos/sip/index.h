/*
 * A hash table of things that carry their own link. Whoever looks compares the things themselves,
 * and gives up behind INDEX_STEPS: hostile names that share a hash cost no more than that.
 *
 * Owns     its buckets, charged to the quota
 */
#ifndef WIRESPAN_SIP_INDEX_H
#define WIRESPAN_SIP_INDEX_H

#include "shipper/base/quota.h"

#include <stdint.h>

enum { INDEX_STEPS = 64 };

struct link {
	struct link *next, *prev;
	uint64_t hash;
	bool linked;
};

struct index {
	struct link **at;
	size_t room, count;
	struct quota *quota;
};

void index_add(struct index *index, struct link *link, uint64_t hash);
void index_remove(struct index *index, struct link *link); /* if it is in */
void index_fini(struct index *index);

/* The newest of a hash, and the one before; NULL when there are no more. */
struct link *index_first(const struct index *index, uint64_t hash);
struct link *index_next(const struct link *link);

#endif
