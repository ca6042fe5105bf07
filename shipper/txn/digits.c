#include "shipper/txn/digits.h"

#include <endian.h>

const char digit_pairs[201] =
	"0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243"
	"4445464748495051525354555657585960616263646566676869707172737475767778798081828384858687"
	"888990919293949596979899";

static unsigned digits_count(uint64_t n)
{
	static const uint64_t least[] = {
		0,
		10,
		100,
		1000,
		10000,
		100000,
		1000000,
		10000000,
		100000000,
		1000000000,
		10000000000,
		100000000000,
		1000000000000,
		10000000000000,
		100000000000000,
		1000000000000000,
		10000000000000000,
		100000000000000000,
		1000000000000000000,
		10000000000000000000u,
	};
	/* log10 from log2: 1233 / 4096 is a little more than log10(2). */
	unsigned guess = (64 - (unsigned)__builtin_clzll(n | 1)) * 1233 >> 12;

	return guess + (n >= least[guess]);
}

uint8_t *digits_u64(uint8_t *to, uint64_t n)
{
	uint8_t *end = to + digits_count(n), *at = end;

	for (; n > UINT32_MAX; n /= 100)
		digits_two(at -= 2, (unsigned)(n % 100));

	uint32_t rest = (uint32_t)n; /* divided at a third of the cost */

	for (; rest >= 100; rest /= 100)
		digits_two(at -= 2, rest % 100);
	if (rest >= 10)
		digits_two(at - 2, rest);
	else
		at[-1] = (uint8_t)('0' + rest);
	return end;
}

/* Eight digits of 32 bits: each nibble in a byte of its own, the first in the lowest, and what is
 * above 9 moved on to the letters. */
static void hex8(uint8_t *to, uint32_t n)
{
	uint64_t x = n;

	x = (x & 0xffff) << 32 | x >> 16;
	x = (x & UINT64_C(0x000000ff000000ff)) << 16 | (x & UINT64_C(0x0000ff000000ff00)) >> 8;
	x = (x & UINT64_C(0x000f000f000f000f)) << 8 | (x & UINT64_C(0x00f000f000f000f0)) >> 4;
	uint64_t letters = ((x + UINT64_C(0x0606060606060606)) >> 4) & UINT64_C(0x0101010101010101);

	x = htole64(x + UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10));
	memcpy(to, &x, sizeof(x));
}

uint8_t *digits_hex16(uint8_t *to, uint64_t n)
{
	hex8(to, (uint32_t)(n >> 32));
	hex8(to + HEX16 / 2, (uint32_t)n);
	return to + HEX16;
}
