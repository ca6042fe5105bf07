/*
 * Text that may be copied as it is: printable ASCII without quotes and backslashes, looked at
 * sixteen bytes at a time, of which the compiler makes what the machine has.
 *
 * Errors   none
 */
#ifndef WIRESPAN_BASE_PLAIN_H
#define WIRESPAN_BASE_PLAIN_H

#include "shipper/base/bytes.h"

#include <endian.h>

enum {
	PLAIN_WORD = 8,
	PLAIN_STEP = 16,
	PLAIN_ROOM = PLAIN_STEP, /* what may be written behind the text's copy */
};

#define PLAIN_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

typedef int8_t plain_lanes __attribute__((vector_size(PLAIN_STEP)));

/*
 * The high bit of each byte that may not be copied as it is: a control character, a quote, a
 * backslash, `also`, not ASCII. Subtracting from a word borrows from the byte above, but only a
 * byte that is itself marked lends; so the lowest mark is right, and only that one is used.
 */
static inline uint64_t plain_marks(uint64_t word, uint8_t also)
{
	uint64_t control = word - PLAIN_EACH(0x20);
	uint64_t quote = (word ^ PLAIN_EACH('"')) - PLAIN_EACH(1);
	uint64_t backslash = (word ^ PLAIN_EACH('\\')) - PLAIN_EACH(1);
	uint64_t more = (word ^ PLAIN_EACH(also)) - PLAIN_EACH(1);

	return (word | control | quote | backslash | more) & PLAIN_EACH(0x80);
}

static inline uint64_t plain_load(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, PLAIN_WORD);
	return le64toh(word);
}

/* One to seven bytes, filled up with spaces; reads nothing behind them. */
static inline uint64_t plain_load_part(const uint8_t *at, size_t n)
{
	uint64_t spaces = PLAIN_EACH(' ') << (8 * n);
	uint32_t low, high;

	if (n >= 4) {
		memcpy(&low, at, 4);
		memcpy(&high, at + n - 4, 4);
		return spaces | le32toh(low) | (uint64_t)le32toh(high) << (8 * (n - 4));
	}
	return spaces | at[0] | (uint64_t)at[n / 2] << (8 * (n / 2)) |
	       (uint64_t)at[n - 1] << (8 * (n - 1));
}

static inline void plain_store(uint8_t *to, uint64_t word)
{
	word = htole64(word);
	memcpy(to, &word, PLAIN_WORD);
}

enum { PLAIN_NO_MORE = '"' }; /* `also`, where there is no other byte that is not plain */

/* Copies sixteen; all bits of those are set that may not stand as they are. */
static inline plain_lanes plain_copy_lanes(uint8_t *to, const uint8_t *at, uint8_t also)
{
	plain_lanes v;

	memcpy(&v, at, sizeof(v));
	memcpy(to, &v, sizeof(v));
	/* As signed numbers, what is not ASCII is below the space, too. */
	return (v < ' ') | (v == '"') | (v == '\\') | (v == (int8_t)also);
}

/* Copies all of it, and up to PLAIN_ROOM bytes more behind it. False: not all is plain, and what
 * was copied is not worth anything. */
static inline bool plain_copy(uint8_t *to, struct bytes text, uint8_t also)
{
	const uint8_t *at = text.at;
	size_t n = text.len;

	if (n < PLAIN_STEP) {
		if (n == 0)
			return true;
		uint64_t first = n >= PLAIN_WORD ? plain_load(at) : plain_load_part(at, n);
		uint64_t last = n >= PLAIN_WORD ? plain_load(at + n - PLAIN_WORD) : first;

		plain_store(to, first);
		if (n >= PLAIN_WORD)
			plain_store(to + n - PLAIN_WORD, last);
		return (plain_marks(first, also) | plain_marks(last, also)) == 0;
	}
	plain_lanes special = {0};
	uint64_t halves[2];

	for (size_t i = 0; i < n - PLAIN_STEP; i += PLAIN_STEP)
		special |= plain_copy_lanes(to + i, at + i, also);
	special |= plain_copy_lanes(to + n - PLAIN_STEP, at + n - PLAIN_STEP, also);
	memcpy(halves, &special, sizeof(halves));
	return (halves[0] | halves[1]) == 0;
}

#endif
