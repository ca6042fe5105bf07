#include "shipper/txn/json_text.h"

#include <endian.h>

enum {
	ESCAPE_MAX = 6, /* \u001f */
	WORD = 8,
	STEP = 16,
};

/* The last step may reach over the stretch that room was made for, its last byte may be escaped,
 * and it is stored whole also where less of it counts. */
_Static_assert(JSON_SHORT_ROOM >= JSON_SHORT * ESCAPE_MAX + STEP + ESCAPE_MAX + STEP, "room");

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/*
 * The high bit of each byte that may not be copied as it is: a control character, a quote, a
 * backslash, not ASCII. Subtracting from a word borrows from the byte above, but only a byte that
 * is itself marked lends; so the lowest mark is right, and only that one is used.
 */
static uint64_t special_bytes(uint64_t word)
{
	uint64_t control = word - EACH(0x20);
	uint64_t quote = (word ^ EACH('"')) - EACH(1);
	uint64_t backslash = (word ^ EACH('\\')) - EACH(1);

	return (word | control | quote | backslash) & EACH(0x80);
}

static uint64_t load_word(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, WORD);
	return le64toh(word);
}

/* Fewer than eight bytes, filled up with spaces; reads nothing behind them. */
static uint64_t load_part(const uint8_t *at, size_t n)
{
	uint64_t spaces = EACH(' ') << (8 * n);
	uint32_t low, high;

	if (n >= 4) {
		memcpy(&low, at, 4);
		memcpy(&high, at + n - 4, 4);
		return spaces | le32toh(low) | (uint64_t)le32toh(high) << (8 * (n - 4));
	}
	return spaces | at[0] | (uint64_t)at[n / 2] << (8 * (n / 2)) |
	       (uint64_t)at[n - 1] << (8 * (n - 1));
}

static void store_word(uint8_t *to, uint64_t word)
{
	word = htole64(word);
	memcpy(to, &word, WORD);
}

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

/* Sixteen bytes at a time: the compiler makes of it what the machine has. */
typedef int8_t lanes __attribute__((vector_size(STEP)));

/* Copies them; all bits of those are set that may not stand as they are. */
static inline lanes copy_lanes(uint8_t *to, const uint8_t *at)
{
	lanes v;

	memcpy(&v, at, sizeof(v));
	memcpy(to, &v, sizeof(v));
	/* As signed numbers, what is not ASCII is below the space, too. */
	return (v < ' ') | (v == '"') | (v == '\\');
}

/* How many come before the first of those. */
static inline size_t lanes_before(lanes special)
{
	uint64_t halves[2];

	memcpy(halves, &special, sizeof(halves));
	if (halves[0])
		return (size_t)__builtin_ctzll(le64toh(halves[0])) / 8;
	return WORD + (halves[1] ? (size_t)__builtin_ctzll(le64toh(halves[1])) / 8 : WORD);
}

/* How many of `step` bytes, sixteen, eight or fewer, come before one that may not stand as it is;
 * copies these, and what it likes behind them. */
static inline size_t copy_step(uint8_t *to, const uint8_t *at, size_t step)
{
	if (step == sizeof(lanes))
		return lanes_before(copy_lanes(to, at));
	uint64_t word = step == WORD ? load_word(at) : load_part(at, step);
	uint64_t special = special_bytes(word);

	store_word(to, word);
	return special ? (size_t)__builtin_ctzll(special) / 8 : step;
}

/* From *from to `stop` or a little behind it; the text ends at `end`. */
static uint8_t *put_stretch(uint8_t *to, const uint8_t **from, const uint8_t *stop,
			    const uint8_t *end)
{
	const uint8_t *at = *from;

	while (at < stop) {
		size_t left = (size_t)(end - at);
		size_t step = left >= sizeof(lanes) ? sizeof(lanes) : left >= WORD ? WORD : left;
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

static inline uint8_t *plain_lanes(uint8_t *to, const uint8_t *at, size_t n)
{
	lanes special = {0};
	uint64_t halves[2];

	for (size_t i = 0; i < n - sizeof(lanes); i += sizeof(lanes))
		special |= copy_lanes(to + i, at + i);
	special |= copy_lanes(to + n - sizeof(lanes), at + n - sizeof(lanes));
	memcpy(halves, &special, sizeof(halves));
	return (halves[0] | halves[1]) == 0 ? to + n : NULL;
}

/* Fewer: as two words, or as one that is filled up. */
static inline uint8_t *plain_words(uint8_t *to, const uint8_t *at, size_t n)
{
	uint64_t first = n >= WORD ? load_word(at) : load_part(at, n), last = first;

	store_word(to, first);
	if (n >= WORD) {
		last = load_word(at + n - WORD);
		store_word(to + n - WORD, last);
	}
	return (special_bytes(first) | special_bytes(last)) == 0 ? to + n : NULL;
}

static inline uint8_t *plain(uint8_t *to, const uint8_t *at, size_t n)
{
	return n >= sizeof(lanes) ? plain_lanes(to, at, n) : plain_words(to, at, n);
}

uint8_t *json_short(uint8_t *to, struct bytes text)
{
	uint8_t *end = text.len > 0 ? plain(to, text.at, text.len) : to;

	return end ? end : put_stretch(to, &text.at, text.at + text.len, text.at + text.len);
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
