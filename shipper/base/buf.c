#include "shipper/base/buf.h"

#include "shipper/base/must.h"

#include <stdlib.h>

enum { BUF_FIRST = 256, BUF_STEP = 64 };

void buf_grow(struct buf *b, size_t cap)
{
	/* Half as much again, so that adding stays cheap; what is asked for at one go needs no
	 * more. */
	size_t want = b->cap ? b->cap + b->cap / 2 : BUF_FIRST;

	if (want < cap)
		want = (cap + BUF_STEP - 1) / BUF_STEP * BUF_STEP;
	b->at = must_realloc(b->at, want);
	if (b->quota)
		quota_take(b->quota, want - b->cap);
	b->cap = want;
}

void buf_fini(struct buf *b)
{
	if (b->quota)
		quota_give(b->quota, b->cap);
	free(b->at);
	*b = (struct buf){.quota = b->quota};
}
