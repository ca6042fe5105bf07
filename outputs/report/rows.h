/*
 * What is known of each exchange, in a few numbers. When there are too many, rows that are much the
 * same become one with their count, mean time and mean bytes, and what "much the same" means grows
 * with each level: nothing is left out of a count.
 *
 * Level 0 keeps every exchange. From level 1 on, times are rounded and durations are in classes;
 * rows_level says how.
 */
#ifndef WIRESPAN_OUTPUTS_REPORT_ROWS_H
#define WIRESPAN_OUTPUTS_REPORT_ROWS_H

#include "shipper/base/time.h"

#include <stdbool.h>
#include <stddef.h>

enum { BY_KIND, BY_SERVER, BY_CLIENT, BY_ERROR, BY_HOST, BY_STATUS, BY_COUNT };

struct row {
	nsec at;     /* of its first packet */
	double took; /* ns, the mean; below 0: none */
	uint64_t count;
	float bytes;	       /* both ways, the mean */
	uint16_t by[BY_COUNT]; /* numbers of words */
};

struct rows {
	struct row *at;
	size_t count, room;
	uint64_t exchanges; /* the sum of their counts */
	nsec first, last;
};

struct level {
	unsigned times;	  /* the span has at most this many; 0: as they are */
	unsigned classes; /* of durations, for each doubling; 0: as they are */
};

enum { LEVEL_MAX = 8 };

void rows_fini(struct rows *rows);
void rows_add(struct rows *rows, const struct row *row);
struct level rows_level(unsigned level);
/* Unites rows; their order becomes that of their times. */
void rows_coarsen(struct rows *rows, unsigned level);
void rows_sort(struct rows *rows);

#endif
