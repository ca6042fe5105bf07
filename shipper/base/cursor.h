/*
 * A reader that runs dry.
 *
 * A parser reads as if the whole message were there; the first read past the end marks the
 * cursor, every later read gives zero or nothing, and one check of `dry` at the end settles it.
 *
 * Borrows  the bytes it reads; what it returns points into them
 */
#ifndef WIRESPAN_BASE_CURSOR_H
#define WIRESPAN_BASE_CURSOR_H

#include "shipper/base/bytes.h"

struct cursor {
	const uint8_t *from; /* where reading began */
	const uint8_t *at;   /* the next byte */
	const uint8_t *end;
	bool dry; /* a read went past the end */
};

static inline struct cursor cursor_of(struct bytes b)
{
	const uint8_t *at = b.at ? b.at : (const uint8_t *)"";

	return (struct cursor){at, at, at + b.len, false};
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

static inline size_t cursor_used(const struct cursor *c)
{
	return (size_t)(c->at - c->from);
}

/* What is left, without taking it. */
static inline struct bytes cursor_rest(const struct cursor *c)
{
	return (struct bytes){c->at, cursor_left(c)};
}

/* Exactly n bytes, or none and dry. */
static inline struct bytes cursor_take(struct cursor *c, uint64_t n)
{
	struct bytes b = {c->at, (size_t)n};

	if (c->dry || n > cursor_left(c)) {
		c->dry = true;
		return NO_BYTES;
	}
	c->at += n;
	return b;
}

/* As many of n bytes as there are; dry only when there are none and n is not 0. */
static inline struct bytes cursor_upto(struct cursor *c, uint64_t n)
{
	size_t left = cursor_left(c);

	if (left == 0 && n > 0)
		c->dry = true;
	return cursor_take(c, n < left ? n : left);
}

/* n bytes in network order (n from 1 to 8). */
static inline uint64_t cursor_be(struct cursor *c, unsigned n)
{
	struct bytes b = cursor_take(c, n);
	uint64_t v = 0;

	for (size_t i = 0; i < b.len; i++)
		v = v << 8 | b.at[i];
	return v;
}

/* n bytes, least significant first (n from 1 to 8). */
static inline uint64_t cursor_le(struct cursor *c, unsigned n)
{
	struct bytes b = cursor_take(c, n);
	uint64_t v = 0;

	for (size_t i = b.len; i > 0; i--)
		v = v << 8 | b.at[i - 1];
	return v;
}

/* The usual widths, written out so that each becomes one load: they are on every packet's way. */
static inline uint8_t cursor_u8(struct cursor *c)
{
	struct bytes b = cursor_take(c, 1);

	return b.len > 0 ? b.at[0] : 0;
}

static inline uint16_t cursor_be16(struct cursor *c)
{
	struct bytes b = cursor_take(c, 2);

	return (uint16_t)(b.len > 0 ? b.at[0] << 8 | b.at[1] : 0);
}

static inline uint32_t cursor_be32(struct cursor *c)
{
	struct bytes b = cursor_take(c, 4);

	return b.len > 0 ? (uint32_t)b.at[0] << 24 | (uint32_t)b.at[1] << 16 |
				   (uint32_t)b.at[2] << 8 | b.at[3]
			 : 0;
}

static inline uint16_t cursor_le16(struct cursor *c)
{
	struct bytes b = cursor_take(c, 2);

	return (uint16_t)(b.len > 0 ? b.at[1] << 8 | b.at[0] : 0);
}

static inline uint32_t cursor_le32(struct cursor *c)
{
	struct bytes b = cursor_take(c, 4);

	return b.len > 0 ? (uint32_t)b.at[3] << 24 | (uint32_t)b.at[2] << 16 |
				   (uint32_t)b.at[1] << 8 | b.at[0]
			 : 0;
}

/* Up to and without the byte `stop`, which is taken too; dry when it is not there yet. */
static inline struct bytes cursor_until(struct cursor *c, uint8_t stop)
{
	struct bytes rest = cursor_rest(c);
	size_t n = c->dry ? rest.len : bytes_find(rest, stop);

	if (n == rest.len) {
		c->dry = true;
		return NO_BYTES;
	}
	c->at += n + 1;
	return bytes_head(rest, n);
}

/* A line without its LF or CRLF. */
static inline struct bytes cursor_line(struct cursor *c)
{
	struct bytes line = cursor_until(c, '\n');

	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

#endif
