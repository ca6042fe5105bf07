/*
 * Text on its way into an exchange: gathered in the reading, then kept in one piece.
 */
#include "protos/thrift/thrift.h"
#include "shipper/txn/digits.h"

#include <math.h>
#include <stdio.h>

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

void text_add(struct reading *r, struct bytes b)
{
	if (b.len > TEXT_ROOM - r->text_len) {
		text_flush(r);
		if (b.len > TEXT_ROOM) {
			struct clip *clip = target_of(r);

			if (clip)
				exchange_keep(r->x, clip, b);
			return;
		}
	}
	memcpy(r->text + r->text_len, b.at, b.len);
	r->text_len += b.len;
}

void text_int(struct reading *r, int64_t n)
{
	uint8_t text[DECIMAL_MAX];

	text_add(r, bytes_of(text, (size_t)(digits_i64(text, n) - text)));
}

/* The fewest digits that read back. */
void text_double(struct reading *r, double n)
{
	char text[40];
	int len = 0;

	if (isnan(n)) {
		text_add(r, BYTES("NaN"));
		return;
	}
	if (isinf(n)) {
		text_add(r, n > 0 ? BYTES("Infinity") : BYTES("-Infinity"));
		return;
	}
	if (n == floor(n) && fabs(n) < 1e15) {
		text_int(r, (int64_t)n);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		double back;

		len = snprintf(text, sizeof(text), "%.*g", digits, n);
		if (sscanf(text, "%lf", &back) == 1 && memcmp(&back, &n, sizeof(n)) == 0)
			break;
	}
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

size_t text_quoted(struct reading *r, struct bytes b, bool last)
{
	size_t i = 0, plain = 0;

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
	}
	text_add(r, bytes_of(b.at + plain, i - plain));
	return i;
}
