#include "shipper/txn/digits.h"
#include "shipper/txn/doc.h"

static uint8_t *octet(uint8_t *to, unsigned n)
{
	if (n >= 100) {
		*to = (uint8_t)('0' + n / 100);
		digits_two(to + 1, n % 100);
		return to + 3;
	}
	if (n >= 10) {
		digits_two(to, n);
		return to + 2;
	}
	*to = (uint8_t)('0' + n);
	return to + 1;
}

static uint8_t *four(uint8_t *to, const uint8_t at[4])
{
	for (unsigned i = 0; i < 4; i++) {
		to = octet(to, at[i]);
		*to++ = '.';
	}
	return to - 1;
}

static uint8_t *group(uint8_t *to, unsigned n)
{
	bool begun = false;

	for (int shift = 12; shift >= 0; shift -= 4) {
		unsigned digit = n >> shift & 15;

		begun |= digit > 0 || shift == 0;
		*to = (uint8_t) "0123456789abcdef"[digit];
		to += begun;
	}
	return to;
}

/* The first of the longest runs of two and more zero groups; the length is 0 for none. */
static unsigned longest_zeros(const unsigned groups[8], unsigned *from)
{
	unsigned most = 1, run = 0;

	for (unsigned i = 0; i < 8; i++) {
		run = groups[i] == 0 ? run + 1 : 0;
		if (run > most) {
			most = run;
			*from = i + 1 - run;
		}
	}
	return most > 1 ? most : 0;
}

static uint8_t *six(uint8_t *to, const uint8_t at[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	unsigned groups[8], from = 8, zeros;

	if (memcmp(at, mapped, sizeof mapped) == 0) {
		memcpy(to, "::ffff:", 7);
		return four(to + 7, at + 12);
	}
	for (unsigned i = 0; i < 8; i++)
		groups[i] = (unsigned)at[2 * i] << 8 | at[2 * i + 1];
	zeros = longest_zeros(groups, &from);
	for (unsigned i = 0; i < 8; i++) {
		if (i == from) {
			memcpy(to, "::", 2);
			to += 2;
			i += zeros - 1;
			continue;
		}
		to = group(to, groups[i]);
		if (i < 7 && i + 1 != from)
			*to++ = ':';
	}
	return to;
}

size_t addr_text(const struct addr *addr, uint8_t version, char *to)
{
	uint8_t *begin = (uint8_t *)to;

	return (size_t)((version == 4 ? four(begin, addr->at) : six(begin, addr->at)) - begin);
}
