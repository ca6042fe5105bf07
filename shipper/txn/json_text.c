#include "shipper/txn/json_text.h"

#include "shipper/base/plain.h"

enum { ESCAPE_MAX = 6 }; /* \u001f */

/* The last step may reach over the stretch that room was made for, its last byte may be escaped,
 * and it is stored whole also where less of it counts. */
_Static_assert(JSON_SHORT_ROOM >= JSON_SHORT * ESCAPE_MAX + PLAIN_STEP + ESCAPE_MAX + PLAIN_STEP,
	       "room");

static uint8_t *escape(uint8_t *to, uint8_t c)
{
	static const char letters[] = "uuuuuuuubtnufruuuuuuuuuuuuuuuuuu";

	*to++ = '\\';
	if (c == '"' || c == '\\') {
		*to++ = c;
		return to;
	}
	*to++ = (uint8_t)letters[c];
	if (letters[c] == 'u') {
		memcpy(to, c < 16 ? "000" : "001", 3);
		to[3] = (uint8_t) "0123456789abcdef"[c & 15];
		to += 4;
	}
	return to;
}

/*
 * How many bytes the sequence at `at` has (`left` > 0 of them are there). Not valid: how many
 * belong to the part that broke off, at least 1.
 */
static size_t sequence_length(const uint8_t *at, size_t left, bool *valid)
{
	uint8_t lead = at[0], low = 0x80, high = 0xbf;
	size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;

	*valid = false;
	if (lead < 0xc2 || lead > 0xf4)
		return 1;
	if (lead == 0xe0)
		low = 0xa0; /* below: could be written shorter */
	else if (lead == 0xed)
		high = 0x9f; /* above: surrogates */
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f; /* above: past U+10FFFF */
	if (left < 2 || at[1] < low || at[1] > high)
		return 1;
	for (size_t n = 2; n < want; n++)
		if (n == left || (at[n] & 0xc0) != 0x80)
			return n;
	*valid = true;
	return want;
}

/* Characters outside ASCII, as many as follow each other. Returns where they end in the text. */
static const uint8_t *put_foreign(uint8_t **to, const uint8_t *at, const uint8_t *stop,
				  const uint8_t *end)
{
	while (at < stop && *at >= 0x80) {
		bool valid;
		size_t n = sequence_length(at, (size_t)(end - at), &valid);
		size_t put = valid ? n : 3;

		memcpy(*to, valid ? at : (const uint8_t *)"\xef\xbf\xbd", put);
		*to += put;
		at += n;
	}
	return at;
}

/* How many of sixteen come before the first that may not stand as it is. */
static inline size_t lanes_before(plain_lanes special)
{
	uint64_t halves[2];

	memcpy(halves, &special, sizeof(halves));
	if (halves[0])
		return (size_t)__builtin_ctzll(le64toh(halves[0])) / 8;
	return PLAIN_WORD +
	       (halves[1] ? (size_t)__builtin_ctzll(le64toh(halves[1])) / 8 : PLAIN_WORD);
}

/* How many of `step` bytes, sixteen, eight or fewer, come before one that may not stand as it is;
 * copies these, and what it likes behind them. */
static inline size_t copy_step(uint8_t *to, const uint8_t *at, size_t step)
{
	if (step == PLAIN_STEP)
		return lanes_before(plain_copy_lanes(to, at, PLAIN_NO_MORE));
	uint64_t word = step == PLAIN_WORD ? plain_load(at) : plain_load_part(at, step);
	uint64_t special = plain_marks(word, PLAIN_NO_MORE);

	plain_store(to, word);
	return special ? (size_t)__builtin_ctzll(special) / 8 : step;
}

/* From *from to `stop` or a little behind it; the text ends at `end`. */
static uint8_t *put_stretch(uint8_t *to, const uint8_t **from, const uint8_t *stop,
			    const uint8_t *end)
{
	const uint8_t *at = *from;

	while (at < stop) {
		size_t left = (size_t)(end - at);
		size_t step = left >= PLAIN_STEP   ? PLAIN_STEP
			      : left >= PLAIN_WORD ? PLAIN_WORD
						   : left;
		size_t n = copy_step(to, at, step);

		at += n;
		to += n;
		if (n == step)
			continue;
		if (*at >= 0x80)
			at = put_foreign(&to, at, stop, end);
		else
			to = escape(to, *at++);
	}
	*from = at;
	return to;
}

uint8_t *json_short(uint8_t *to, struct bytes text)
{
	return plain_copy(to, text, PLAIN_NO_MORE)
		       ? to + text.len
		       : put_stretch(to, &text.at, text.at + text.len, text.at + text.len);
}

void json_text(struct buf *out, struct bytes text)
{
	const uint8_t *at = text.at, *end = text.len > 0 ? at + text.len : at;

	while (at < end) {
		const uint8_t *stop = end - at > JSON_SHORT ? at + JSON_SHORT : end;
		uint8_t *to = put_stretch(buf_room(out, JSON_SHORT_ROOM), &at, stop, end);

		out->len = (size_t)(to - out->at);
	}
}
