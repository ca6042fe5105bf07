/*
 * Text on its way into an exchange: gathered in the reading, then kept in one piece.
 */
#include "protos/thrift/thrift.h"
#include "shipper/base/plain.h"
#include "shipper/txn/digits.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Below DECIMAL_EXACT, a product's error is too small to change the whole number that is nearest;
 * with DECIMAL_LEAST, powers stay below 2^64 (and 10^22, up to which they are exact). */
static const double DECIMAL_EXACT = 1e15, DECIMAL_LEAST = 1e-4;

enum { ESCAPE_MAX = 4, CHARACTER_MAX = 4, UUID_BYTES = 16 };

static struct clip *target_of(const struct reading *r)
{
	switch ((enum thrift_target)r->side->target) {
	case TO_PARAMS:
		return &r->x->said[CLIENT];
	case TO_RETURN:
		return &r->x->said[SERVER];
	case TO_EXCEPTIONS:
		return &r->own->exceptions;
	case TO_NOTHING:
		break;
	}
	return NULL;
}

void text_flush(struct reading *r)
{
	struct clip *clip = target_of(r);

	if (clip && r->text_len > 0)
		exchange_keep(r->x, clip, bytes_of(r->text, r->text_len));
	r->text_len = 0;
}

void text_to(struct reading *r, enum thrift_target target)
{
	text_flush(r);
	r->side->target = (uint8_t)target;
}

/* What there is no room for behind what was gathered. */
void text_long(struct reading *r, struct bytes b)
{
	struct clip *clip = target_of(r);

	text_flush(r);
	if (b.len <= TEXT_ROOM) {
		memcpy(r->text, b.at, b.len);
		r->text_len = b.len;
	} else if (clip) {
		exchange_keep(r->x, clip, b);
	}
}

void text_int(struct reading *r, int64_t n)
{
	if (TEXT_ROOM - r->text_len < DECIMAL_MAX)
		text_flush(r);
	if (n >= 0 && n < 10) {
		r->text[r->text_len++] = (uint8_t)('0' + n);
		return;
	}
	r->text_len = (size_t)(digits_i64(r->text + r->text_len, n) - r->text);
}

/* Most numbers that people write are a whole number over a power of ten. Both are exact here, so
 * their quotient is what the text reads back as. False for others. */
static bool decimal(struct reading *r, double n)
{
	uint8_t text[2 * DECIMAL_MAX], *end = text, *point;
	double size = fabs(n), whole = size;
	uint64_t power = 1;

	if (!(size >= DECIMAL_LEAST || size == 0))
		return false;
	while (size * (double)power < DECIMAL_EXACT) {
		whole = rint(size * (double)power);
		if (whole / (double)power == size)
			break;
		power *= 10;
	}
	if (size * (double)power >= DECIMAL_EXACT)
		return false;
	if (n < 0)
		*end++ = '-';
	end = digits_u64(end, (uint64_t)whole / power);
	if (power > 1) {
		/* A one in front keeps the fraction's zeros; the point takes its place. */
		point = end;
		end = digits_u64(end, power + (uint64_t)whole % power);
		*point = '.';
	}
	text_add(r, bytes_of(text, (size_t)(end - text)));
	return true;
}

/* The fewest digits that read back. */
void text_double(struct reading *r, double n)
{
	char text[40];
	int digits = 15, len;

	if (isnan(n)) {
		text_add(r, BYTES("NaN"));
		return;
	}
	if (isinf(n)) {
		text_add(r, n > 0 ? BYTES("Infinity") : BYTES("-Infinity"));
		return;
	}
	if (decimal(r, n))
		return;
	do
		len = snprintf(text, sizeof(text), "%.*g", digits, n);
	while (strtod(text, NULL) != n && ++digits <= 17);
	text_add(r, bytes_of(text, (size_t)len));
}

static const char hex[] = "0123456789abcdef";

void text_uuid(struct reading *r, struct bytes uuid)
{
	uint8_t text[2 * UUID_BYTES + 4];
	size_t n = 0;

	if (uuid.len != UUID_BYTES) {
		text_quoted(r, uuid, true);
		return;
	}
	for (size_t i = 0; i < UUID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[n++] = '-';
		text[n++] = (uint8_t)hex[uuid.at[i] >> 4];
		text[n++] = (uint8_t)hex[uuid.at[i] & 15];
	}
	text_add(r, bytes_of(text, n));
}

/* The length of the character at the front: 0 when it is none, or -1 when its end is not there. */
static int character(struct bytes b)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t c = b.at[0];
	int n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	uint32_t code = n > 1 ? c & (0x7fU >> n) : c;

	for (int i = 1; i < n; i++) {
		if ((size_t)i >= b.len)
			return -1;
		if ((b.at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (b.at[i] & 0x3f);
	}
	return n > 1 && (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		       ? 0
		       : n;
}

static void escaped(struct reading *r, uint8_t c)
{
	static const char letters[] = "\"\"\\\\\nn\rr\tt";
	uint8_t text[ESCAPE_MAX] = {'\\', 'x', (uint8_t)hex[c >> 4], (uint8_t)hex[c & 15]};

	for (size_t i = 0; i + 1 < sizeof(letters); i += 2) {
		if ((uint8_t)letters[i] == c) {
			text[1] = (uint8_t)letters[i + 1];
			text_add(r, bytes_of(text, 2));
			return;
		}
	}
	text_add(r, bytes_of(text, ESCAPE_MAX));
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* How many bytes at the front are plain; it may say fewer. A mark above the lowest one may be
 * wrong: a borrow comes from a byte that is marked itself. */
static size_t plain_front(struct bytes b)
{
	size_t i = 0;

	for (uint64_t word; b.len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, b.at + i, sizeof(word));
		word = le64toh(word);
		uint64_t control = word - EACH(' ');
		uint64_t quote = (word ^ EACH('"')) - EACH(1);
		uint64_t backslash = (word ^ EACH('\\')) - EACH(1);
		uint64_t delete = (word ^ EACH(0x7f)) - EACH(1);
		uint64_t marks = (word | control | quote | backslash | delete) & EACH(0x80);

		if (marks)
			return i + (size_t)__builtin_ctzll(marks) / 8;
	}
	return i;
}

bool text_plain(struct reading *r, struct bytes b)
{
	if (TEXT_ROOM - r->text_len < b.len + 2 + PLAIN_ROOM)
		text_flush(r);

	uint8_t *to = r->text + r->text_len;

	if (!plain_copy(to + 1, b, 0x7f))
		return false;
	to[0] = to[b.len + 1] = '"';
	r->text_len += b.len + 2;
	return true;
}

size_t text_quoted(struct reading *r, struct bytes b, bool last)
{
	size_t i = plain_front(b), plain = 0;

	while (i < b.len) {
		uint8_t c = b.at[i];
		int n = c >= ' ' && c < 0x7f && c != '"' && c != '\\' ? 1
			: c < 0x80				      ? 0
								      : character(bytes_skip(b, i));

		if (n < 0 && !last)
			break;
		if (n > 0) {
			i += (size_t)n;
			continue;
		}
		text_add(r, bytes_of(b.at + plain, i - plain));
		escaped(r, c);
		plain = ++i;
		i += plain_front(bytes_skip(b, i));
	}
	text_add(r, bytes_of(b.at + plain, i - plain));
	return i;
}
