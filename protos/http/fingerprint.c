#include "protos/http/fingerprint.h"

enum { HEX_MIN = 8, TOKEN_MIN = 16 };

/* Upper case counts for what it is and as UPPER. */
enum kind { OTHER, DIGIT, HEX_LETTER, LETTER, JOINT, DIVIDER, SLASH, UPPER, KINDS };

/* The kinds of the bytes from 32 to 127, as digits. */
static const char kinds[] = "00000400000454561111111111550500"
			    "52222223333333333333333333300004"
			    "02222223333333333333333333300050";

static unsigned kind_of(uint8_t c)
{
	return c >= 32 && c < 128 ? (unsigned)(kinds[c - 32] - '0') : OTHER;
}

/* `n`: how many bytes of each kind a part has. */
static bool is_identifier(const uint32_t n[KINDS])
{
	uint32_t letters = n[HEX_LETTER] + n[LETTER], len = n[DIGIT] + letters + n[JOINT];

	if (n[DIGIT] == 0 || n[OTHER] > 0)
		return false;
	if (letters == 0)
		return true;
	if (n[LETTER] == 0 && len >= HEX_MIN)
		return true;
	if (len < TOKEN_MIN)
		return false;
	/* A slug of words is no token, though a year may stand in it. */
	if (n[JOINT] > 0 && n[UPPER] == 0 && n[DIGIT] * 4 < len)
		return false;
	return n[DIGIT] >= 3 || (n[DIGIT] == 2 && n[UPPER] > 0);
}

size_t fingerprint_path(struct bytes path, uint8_t *to, size_t max)
{
	uint32_t counts[KINDS] = {0};
	size_t n = 0, from = 0;

	for (size_t i = 0; i <= path.len && n < max; i++) {
		unsigned kind = i < path.len ? kind_of(path.at[i]) : SLASH;

		if (kind != DIVIDER && kind != SLASH) {
			counts[kind]++;
			counts[UPPER] += path.at[i] >= 'A' && path.at[i] <= 'Z';
			continue;
		}
		if (counts[DIGIT] > 0 && is_identifier(counts)) {
			to[n++] = '?';
		} else if (i > from) {
			size_t len = i - from < max - n ? i - from : max - n;

			memcpy(to + n, path.at + from, len);
			n += len;
		}
		if (i < path.len && n < max)
			to[n++] = path.at[i];
		if (i > from)
			memset(counts, 0, sizeof(counts));
		from = i + 1;
	}
	return n;
}
