/*
 * Documents added up by type and name, in bounded memory.
 *
 * When there is no room for another group, a quarter of them is folded into one, `others`: those
 * with the fewest documents that stand near the top of no table. A group that comes again after
 * that begins anew, so its count may be low by what was folded: `low_by` bounds it.
 *
 * Owns     its groups
 */
#ifndef WIRESPAN_OUTPUTS_TOP_GROUPS_H
#define WIRESPAN_OUTPUTS_TOP_GROUPS_H

#include "shipper/base/bytes.h"
#include "shipper/base/histogram.h"

struct group {
	uint64_t hash[2];	/* of type and name, whole; what tells groups apart */
	char *type, *name;	/* in one block; the name is cut */
	uint64_t count, failed; /* documents */
	struct histogram times; /* of those that have one */
	int64_t slow;		/* 99th percentile, when last ranked */
	bool kept;		/* stands near the top of a table */
};

enum rank { RANK_SLOW, RANK_COUNT, RANK_FAILED, RANK_TOTAL };
enum { RANKS = RANK_TOTAL + 1 };

struct groups {
	struct group *at;
	size_t count, room, limit;
	uint32_t *index; /* by hash; a place in `at` from 1, or 0 */
	size_t mask;
	struct group others;
	uint64_t folded; /* groups that went into others, again and again counted */
	uint64_t low_by; /* no count is lower than it should be by more than this */
};

void groups_init(struct groups *groups, size_t limit); /* at least 16 */
void groups_fini(struct groups *groups);

/* duration below 0: it has none. */
void groups_add(struct groups *groups, struct bytes type, struct bytes name, bool failed,
		int64_t duration);

/* All groups in order, first the highest; valid until groups change. The caller frees it. */
struct group **groups_rank(struct groups *groups, enum rank rank);

#endif
