/*
 * A block of bytes that grows.
 *
 * Owns     its block; the block's size is charged to the quota given at init (which may be NULL)
 * Errors   none: the caller looks at its own limit before it adds
 */
#ifndef WIRESPAN_BASE_BUF_H
#define WIRESPAN_BASE_BUF_H

#include "shipper/base/bytes.h"
#include "shipper/base/quota.h"

struct buf {
	uint8_t *at;
	size_t len;
	size_t cap;
	struct quota *quota;
};

static inline void buf_init(struct buf *b, struct quota *quota)
{
	*b = (struct buf){.quota = quota};
}

void buf_fini(struct buf *b); /* frees the block; the buf is empty and usable */
__attribute__((cold)) void buf_grow(struct buf *b, size_t cap);

/* Room for n more bytes behind len, at least one; returns where they go. */
static inline uint8_t *buf_room(struct buf *b, size_t n)
{
	if (n > b->cap - b->len)
		buf_grow(b, b->len + n);
	return b->at + b->len;
}

static inline void buf_add(struct buf *b, struct bytes more)
{
	if (more.len == 0)
		return;
	memcpy(buf_room(b, more.len), more.at, more.len);
	b->len += more.len;
}

/* Without its first n bytes; the rest moves to the front. */
static inline void buf_drop(struct buf *b, size_t n)
{
	b->len -= n;
	if (b->len > 0 && n > 0)
		memmove(b->at, b->at + n, b->len);
}

static inline struct bytes buf_bytes(const struct buf *b)
{
	return (struct bytes){b->at, b->len};
}

#endif
