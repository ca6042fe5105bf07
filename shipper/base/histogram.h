/*
 * How values are spread, in little memory: percentiles within 1 % of the exact ones.
 *
 * Buckets are log-linear, as HdrHistogram's: values below 64 have a bucket each, and every doubling
 * from there on is cut into 64 of one width. A bucket's middle is at most 1/128 away from any of
 * its values. The 64 counts of a doubling are a page; a page is there once a value fell into it.
 *
 *   value    0 … 63 │ 64 … 127 │ 128 … 255 │ 256 … 511 │ …  2^47 … 2^48-1
 *   page       0    │    1     │     2     │     3     │ …        42
 *   width      1    │    1     │     2     │     4     │ …      2^41
 *
 * Owns     its pages: 256 bytes each, at most 43
 * Units    the caller's; nanoseconds reach to 78 hours, larger values count as that
 */
#ifndef WIRESPAN_BASE_HISTOGRAM_H
#define WIRESPAN_BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BITS = 48, HISTOGRAM_PAGE_BITS = 6 };
enum {
	HISTOGRAM_PAGE = 1 << HISTOGRAM_PAGE_BITS,
	HISTOGRAM_PAGES = HISTOGRAM_BITS - HISTOGRAM_PAGE_BITS + 1,
};

/* All zero is an empty one. */
struct histogram {
	uint64_t count;
	double sum;
	int64_t min, max;		/* exact */
	uint32_t *at;			/* pages, in the order in which they came to be */
	uint8_t place[HISTOGRAM_PAGES]; /* of each page in `at`, from 1; 0 is not there */
	uint8_t pages;
};

void histogram_add(struct histogram *h, int64_t value); /* below 0 counts as 0 */
void histogram_merge(struct histogram *into, const struct histogram *from);
void histogram_fini(struct histogram *h); /* empty again */

/* The smallest value that at least `share` (0 to 1) of all values do not exceed; 0 when empty. */
int64_t histogram_at(const struct histogram *h, double share);

#endif
