/*
 * A hash table of things that carry their own link. Whoever looks compares the things themselves,
 * and gives up behind INDEX_STEPS: hostile names that share a hash cost no more than that.
 *
 *   slots   │ hash, newest ─► link ─► link (of the same hash, older) │ empty │ …
 *
 * Slots follow each other until an empty one: what is not there is seen without a look at links,
 * which lie far apart.
 *
 * Owns     its slots, charged to the quota
 */
#ifndef WIRESPAN_SIP_INDEX_H
#define WIRESPAN_SIP_INDEX_H

#include "shipper/base/quota.h"

#include <stdint.h>

enum { INDEX_STEPS = 64 };

struct link {
	struct link *next, *prev; /* of the same hash: older, newer */
	uint64_t hash;
	bool linked;
};

struct slot {
	uint64_t hash;
	struct link *newest; /* NULL: empty */
};

struct index {
	struct slot *at;
	size_t room, used; /* slots; room is a power of two, or 0 */
	unsigned shift;	   /* 64 less the bits of room */
	uint64_t mix;	   /* odd, and no one's guess: nobody can send what falls into one place */
	struct quota *quota;
};

void index_add(struct index *index, struct link *link, uint64_t hash);
void index_remove(struct index *index, struct link *link); /* if it is in */
void index_fini(struct index *index);

/* The newest of a hash, and the one before; NULL when there are no more. */
struct link *index_first(const struct index *index, uint64_t hash);
static inline struct link *index_next(const struct link *link)
{
	return link->next;
}

/* Has the newest of a hash brought near, for whoever looks for it soon. */
void index_fetch(const struct index *index, uint64_t hash);

#endif
