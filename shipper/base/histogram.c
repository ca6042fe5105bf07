#include "shipper/base/histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shipper/base/must.h"

static const int64_t value_max = (INT64_C(1) << HISTOGRAM_BITS) - 1;

/* From page 1 on, a value is shifted until its highest bit says nothing more, and the six behind
 * it are the place within the page. */
static unsigned page_of(int64_t value)
{
	unsigned bits = value > 0 ? 64 - (unsigned)__builtin_clzll((uint64_t)value) : 0;

	return bits > HISTOGRAM_PAGE_BITS ? bits - HISTOGRAM_PAGE_BITS : 0;
}

static unsigned shift_of(unsigned page)
{
	return page > 0 ? page - 1 : 0;
}

static uint32_t *page_at(const struct histogram *h, unsigned page)
{
	return h->at + (size_t)(h->place[page] - 1) * HISTOGRAM_PAGE;
}

static uint32_t *page_make(struct histogram *h, unsigned page)
{
	if (h->place[page] == 0) {
		size_t bytes = HISTOGRAM_PAGE * sizeof(h->at[0]);

		h->at = must_realloc(h->at, (h->pages + 1U) * bytes);
		memset(h->at + (size_t)h->pages * HISTOGRAM_PAGE, 0, bytes);
		h->place[page] = ++h->pages;
	}
	return page_at(h, page);
}

/* Past four thousand million of one kind the count stays: shares hardly change by then. */
static void bucket_add(uint32_t *bucket, uint32_t more)
{
	if (__builtin_add_overflow(*bucket, more, bucket))
		*bucket = UINT32_MAX;
}

static void widen(struct histogram *h, int64_t min, int64_t max)
{
	if (h->count == 0 || min < h->min)
		h->min = min;
	if (h->count == 0 || max > h->max)
		h->max = max;
}

void histogram_add(struct histogram *h, int64_t value)
{
	int64_t v = value < 0 ? 0 : value;
	int64_t kept = v < value_max ? v : value_max;
	unsigned page = page_of(kept);

	bucket_add(&page_make(h, page)[(kept >> shift_of(page)) % HISTOGRAM_PAGE], 1);
	widen(h, v, v);
	h->count++;
	h->sum += (double)v;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	if (from->count == 0)
		return;
	for (unsigned page = 0; page < HISTOGRAM_PAGES; page++) {
		if (from->place[page] == 0)
			continue;
		uint32_t *to = page_make(into, page);
		const uint32_t *more = page_at(from, page);

		for (unsigned i = 0; i < HISTOGRAM_PAGE; i++)
			bucket_add(&to[i], more[i]);
	}
	widen(into, from->min, from->max);
	into->count += from->count;
	into->sum += from->sum;
}

void histogram_fini(struct histogram *h)
{
	free(h->at);
	*h = (struct histogram){0};
}

/* The middle of a bucket, which a single value of its own may narrow down. */
static int64_t bucket_value(const struct histogram *h, unsigned page, unsigned i)
{
	unsigned shift = shift_of(page);
	int64_t first = (int64_t)(i + (page > 0 ? (unsigned)HISTOGRAM_PAGE : 0)) << shift;
	int64_t middle = first + ((INT64_C(1) << shift) - 1) / 2;

	if (middle < h->min)
		return h->min;
	return middle < h->max ? middle : h->max;
}

int64_t histogram_at(const struct histogram *h, double share)
{
	double rank = ceil(share * (double)h->count);
	uint64_t want = rank < 1 ? 1 : (uint64_t)rank;
	uint64_t seen = 0;

	if (h->count == 0)
		return 0;
	if (want >= h->count)
		return h->max;
	for (unsigned page = 0; page < HISTOGRAM_PAGES; page++) {
		if (h->place[page] == 0)
			continue;
		const uint32_t *at = page_at(h, page);

		for (unsigned i = 0; i < HISTOGRAM_PAGE; i++) {
			seen += at[i];
			if (seen >= want)
				return bucket_value(h, page, i);
		}
	}
	return h->max;
}
