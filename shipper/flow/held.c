#include "shipper/flow/held.h"

#include <stdlib.h>

#include "shipper/base/must.h"

enum { BLOCK_OVERHEAD = 16, CAP_MIN = 16 };

void segment_skip(struct segment *s, uint64_t n)
{
	uint64_t here = n < s->bytes.len ? n : s->bytes.len;
	uint64_t beyond = n - here < s->cut ? n - here : s->cut;

	s->at += here + beyond;
	s->bytes = bytes_skip(s->bytes, here);
	s->cut -= (uint32_t)beyond;
}

void segment_trim(struct segment *s, uint64_t end)
{
	uint64_t keep = end > s->at ? end - s->at : 0;

	if (keep >= s->bytes.len + (uint64_t)s->cut)
		return;
	s->cut = keep > s->bytes.len ? (uint32_t)(keep - s->bytes.len) : 0;
	s->bytes = bytes_head(s->bytes, keep);
}

/* The first place whose segment ends behind offset `at`. */
static uint32_t place_of(const struct held_queue *q, uint64_t at)
{
	uint32_t low = 0, high = q->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (segment_end(&q->at[q->first + mid]->segment) <= at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void room(struct held_queue *q, struct quota *quota)
{
	if (q->first + q->count < q->cap)
		return;
	if (q->first > q->cap / 2) {
		memmove(q->at, q->at + q->first, q->count * sizeof *q->at);
		q->first = 0;
		return;
	}
	uint32_t cap = q->cap > 0 ? q->cap * 2 : CAP_MIN;

	quota_take(quota, (cap - q->cap) * sizeof *q->at);
	q->at = must_realloc(q->at, cap * sizeof *q->at);
	q->cap = cap;
}

static void insert(struct held_queue *q, struct quota *quota, uint32_t place,
		   const struct segment *s)
{
	struct held *h = must_alloc(sizeof *h + s->bytes.len);

	h->segment = *s;
	if (s->bytes.len > 0)
		memcpy(h->copy, s->bytes.at, s->bytes.len);
	h->segment.bytes.at = h->copy;
	h->charged = sizeof *h + s->bytes.len + BLOCK_OVERHEAD;
	room(q, quota);
	struct held **at = q->at + q->first + place;
	memmove(at + 1, at, (q->count - place) * sizeof *at);
	*at = h;
	q->count++;
	q->bytes += h->charged;
	quota_take(quota, h->charged);
}

/* Compares where both have bytes. */
static bool differ(const struct segment *a, const struct segment *b)
{
	uint64_t from = a->at > b->at ? a->at : b->at;
	uint64_t a_end = a->at + a->bytes.len, b_end = b->at + b->bytes.len;
	uint64_t to = a_end < b_end ? a_end : b_end;

	return to > from &&
	       memcmp(a->bytes.at + (from - a->at), b->bytes.at + (from - b->at), to - from) != 0;
}

struct held_found held_put(struct held_queue *q, struct quota *quota, const struct segment *s)
{
	struct held_found found = {0};
	struct segment left = *s;
	uint32_t place = place_of(q, s->at);

	while (segment_end(&left) > left.at) {
		const struct segment *next =
			place < q->count ? &q->at[q->first + place]->segment : NULL;

		if (next == NULL || left.at < next->at) {
			struct segment part = left;

			if (next != NULL)
				segment_trim(&part, next->at);
			insert(q, quota, place++, &part);
			found.added += segment_end(&part) - part.at;
			segment_skip(&left, segment_end(&part) - part.at);
			continue;
		}
		uint64_t end = segment_end(next) < segment_end(&left) ? segment_end(next)
								      : segment_end(&left);

		found.repeated += end - left.at;
		found.differs |= differ(next, &left);
		segment_skip(&left, end - left.at);
		place++;
	}
	return found;
}

struct held *held_take(struct held_queue *q)
{
	q->count--;
	return q->at[q->first++];
}

void held_drop(struct held_queue *q, struct quota *quota, struct held *h)
{
	q->bytes -= h->charged;
	quota_give(quota, h->charged);
	free(h);
}

void held_clear(struct held_queue *q, struct quota *quota)
{
	while (q->count > 0)
		held_drop(q, quota, held_take(q));
	quota_give(quota, q->cap * sizeof *q->at);
	free(q->at);
	*q = (struct held_queue){0};
}

void held_rebase(struct held_queue *q, struct quota *quota, int64_t n)
{
	while (q->count > 0 && (int64_t)segment_end(held_front(q)) <= n)
		held_drop(q, quota, held_take(q));
	for (uint32_t i = 0; i < q->count; i++) {
		struct segment *s = &q->at[q->first + i]->segment;

		if ((int64_t)s->at < n)
			segment_skip(s, (uint64_t)(n - (int64_t)s->at));
		s->at = (uint64_t)((int64_t)s->at - n);
	}
}
