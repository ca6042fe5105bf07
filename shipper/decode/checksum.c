#include "shipper/decode/checksum.h"

#include "shipper/base/cursor.h"

static uint64_t plus(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

static uint64_t word_at(struct bytes b, size_t at)
{
	uint64_t word;

	memcpy(&word, b.at + at, sizeof word);
	return word;
}

/* Several sums side by side: one alone would wait for its own carry at each word. */
uint64_t checksum_add(uint64_t sum, struct bytes b)
{
	struct cursor c = cursor_of(b);
	uint64_t more = 0, last = 0;

	while (cursor_left(&c) >= 32) {
		struct bytes block = cursor_take(&c, 32);

		sum = plus(sum, word_at(block, 0));
		more = plus(more, word_at(block, 8));
		sum = plus(sum, word_at(block, 16));
		more = plus(more, word_at(block, 24));
	}
	while (cursor_left(&c) >= sizeof last)
		sum = plus(sum, word_at(cursor_take(&c, sizeof last), 0));
	if (cursor_left(&c) > 0) {
		struct bytes rest = cursor_rest(&c);

		memcpy(&last, rest.at, rest.len); /* as if zeros followed */
	}
	return plus(plus(sum, more), last);
}

bool checksum_right(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return sum == UINT16_MAX;
}
