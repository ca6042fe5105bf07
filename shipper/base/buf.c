#include "shipper/base/buf.h"

#include "shipper/base/must.h"

#include <stdlib.h>

enum { BUF_FIRST = 256 };

void buf_grow(struct buf *b, size_t cap)
{
	size_t want = b->cap ? b->cap : BUF_FIRST;

	while (want < cap)
		want += want / 2;
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
