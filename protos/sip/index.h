/*
 * A hash table of things that carry their own link. What they are called is known by 128 bits of
 * its hash alone: with many calls, to look at the text itself would take longer than all the rest.
 * Several things may have one name. Whoever looks gives up behind INDEX_STEPS of them.
 *
 *   slots   │ low half, newest ─► link ─► link (of the same low half, older) │ empty │ …
 *
 * Slots follow each other until an empty one: what is not there is seen without a look at links,
 * which lie far apart.
 *
 * Owns     its slots, charged to the quota
 */
#ifndef WIRESPAN_SIP_INDEX_H
#define WIRESPAN_SIP_INDEX_H

#include "shipper/base/bytes.h"
#include "shipper/base/quota.h"

#include <stdint.h>

enum { INDEX_STEPS = 64 };

struct name {
	uint64_t low, high;
};

struct link {
	struct link *next, *prev; /* older, newer */
	struct name name;
	bool linked;
};

struct slot {
	uint64_t low;
	struct link *newest; /* NULL: empty */
};

struct index {
	struct slot *at;
	size_t room, used; /* slots; room is a power of two, or 0 */
	unsigned shift;	   /* 64 less the bits of room */
	uint64_t mix;	   /* odd, and no one's guess: nobody can send what falls into one place */
	struct quota *quota;
};

struct name name_of(struct bytes text);

void index_add(struct index *index, struct link *link, struct name name);
void index_remove(struct index *index, struct link *link); /* if it is in */
void index_fini(struct index *index);

/* The newest of a name, and the one before; NULL when there are no more. */
struct link *index_first(const struct index *index, struct name name);
struct link *index_next(const struct link *link);

/* Have the newest of a name brought near, for whoever looks for it soon: first where it is noted,
 * then itself, `before` and `behind` bytes around its link. */
void index_fetch_slot(const struct index *index, struct name name);
void index_fetch(const struct index *index, struct name name, size_t before, size_t behind);

#endif
