#include "shipper/base/bytes.h"

bool bytes_int(struct bytes b, int64_t min, int64_t max, int64_t *n)
{
	bool negative = b.len > 0 && b.at[0] == '-';
	int64_t value = 0;

	b = bytes_skip(b, negative);
	if (b.len == 0)
		return false;
	for (size_t i = 0; i < b.len; i++) {
		if (b.at[i] < '0' || b.at[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, b.at[i] - '0', &value))
			return false;
	}
	if (!negative && value == INT64_MIN)
		return false;
	value = negative ? value : -value;
	if (value < min || value > max)
		return false;
	*n = value;
	return true;
}

bool bytes_hex(struct bytes b, uint64_t max, uint64_t *n)
{
	uint64_t value = 0;

	if (b.len == 0)
		return false;
	for (size_t i = 0; i < b.len; i++) {
		uint8_t c = ascii_lower(b.at[i]);
		bool digit = c >= '0' && c <= '9';

		if (!digit && (c < 'a' || c > 'f'))
			return false;
		if (value >> 60)
			return false;
		value = value << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
	}
	if (value > max)
		return false;
	*n = value;
	return true;
}
