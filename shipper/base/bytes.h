/*
 * A run of bytes that somebody else owns.
 *
 * Borrows  always; the owner says until when
 */
#ifndef WIRESPAN_BASE_BYTES_H
#define WIRESPAN_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *at; /* may be NULL when len is 0 */
	size_t len;
};

#define NO_BYTES       ((struct bytes){NULL, 0})
#define BYTES(literal) ((struct bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

static inline struct bytes bytes_of(const void *at, size_t len)
{
	return (struct bytes){at, len};
}

static inline struct bytes bytes_str(const char *text)
{
	return (struct bytes){(const uint8_t *)text, strlen(text)};
}

/* The first n bytes, or all. */
static inline struct bytes bytes_head(struct bytes b, uint64_t n)
{
	return (struct bytes){b.at, n < b.len ? (size_t)n : b.len};
}

/* What is left behind the first n bytes. */
static inline struct bytes bytes_skip(struct bytes b, uint64_t n)
{
	size_t k = n < b.len ? (size_t)n : b.len;

	return k > 0 ? (struct bytes){b.at + k, b.len - k} : b;
}

static inline bool bytes_eq(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline uint8_t ascii_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* Equal but for the case of ASCII letters. */
static inline bool bytes_eq_case(struct bytes a, struct bytes b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (a.at[i] != b.at[i] && ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
			return false;
	return true;
}

static inline bool bytes_starts(struct bytes b, struct bytes prefix)
{
	return bytes_eq(bytes_head(b, prefix.len), prefix);
}

/* Where `c` first stands, or b.len. */
static inline size_t bytes_find(struct bytes b, uint8_t c)
{
	const uint8_t *p = b.len > 0 ? memchr(b.at, c, b.len) : NULL;

	return p ? (size_t)(p - b.at) : b.len;
}

/* A line without its LF or CRLF, taken off the front; the last one may lack its end. */
static inline struct bytes bytes_line(struct bytes *rest)
{
	const uint8_t *at = rest->at;
	size_t n = bytes_find(*rest, '\n');

	*rest = bytes_skip(*rest, n + 1);
	return (struct bytes){at, n > 0 && at[n - 1] == '\r' ? n - 1 : n};
}

/* Without the spaces and tabs at both ends. */
static inline struct bytes bytes_trim(struct bytes b)
{
	while (b.len > 0 && (b.at[0] == ' ' || b.at[0] == '\t'))
		b = bytes_skip(b, 1);
	while (b.len > 0 && (b.at[b.len - 1] == ' ' || b.at[b.len - 1] == '\t'))
		b.len--;
	return b;
}

/* A decimal number and nothing else, within [min, max]; false and *n untouched otherwise. */
bool bytes_int(struct bytes b, int64_t min, int64_t max, int64_t *n);

/* A hexadecimal number and nothing else, not above max. */
bool bytes_hex(struct bytes b, uint64_t max, uint64_t *n);

#endif
