/*
 * Numbers as decimal and hexadecimal text.
 *
 * Each function writes at `to`, without a terminator, and returns the place behind it.
 */
#ifndef WIRESPAN_TXN_DIGITS_H
#define WIRESPAN_TXN_DIGITS_H

#include <stdint.h>
#include <string.h>

enum { DECIMAL_MAX = 20, HEX16 = 16 }; /* characters of an int64_t; of a uint64_t in hex */

extern const char digit_pairs[201]; /* "000102…99" */

static inline void digits_two(uint8_t *to, unsigned n)
{
	memcpy(to, digit_pairs + 2 * (size_t)n, 2);
}

uint8_t *digits_u64(uint8_t *to, uint64_t n);
uint8_t *digits_hex16(uint8_t *to, uint64_t n);

static inline uint8_t *digits_i64(uint8_t *to, int64_t n)
{
	*to = '-';
	return n < 0 ? digits_u64(to + 1, 0 - (uint64_t)n) : digits_u64(to, (uint64_t)n);
}

/* Nine digits, for a fraction of a second. */
static inline uint8_t *digits_nine(uint8_t *to, uint32_t n)
{
	uint32_t high = n / 10000, low = n % 10000; /* five digits and four */

	*to = (uint8_t)('0' + high / 10000);
	digits_two(to + 1, high % 10000 / 100);
	digits_two(to + 3, high % 100);
	digits_two(to + 5, low / 100);
	digits_two(to + 7, low % 100);
	return to + 9;
}

#endif
