#include "shipper/txn/doc.h"
#include "shipper/base/must.h"
#include "shipper/txn/digits.h"
#include "shipper/txn/doc_keys.h"
#include "shipper/txn/json_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	/* What stands before a value: closing braces, a comma, the key's text and the rest of its
	 * last chunk. */
	LEAD_MAX = KEY_DEPTH_MAX + 1 + KEY_TEXT_MAX + KEY_CHUNK,
	DATE_LEN = sizeof "\"2026-01-02T03:04:05." - 1,
	TIME_LEN = DATE_LEN + sizeof "123456789Z\"" - 1,
	DOUBLE_MAX = 32,
	/* doc.node while a list or an object with keys of its own is open: no field's object. */
	NODE_VALUES = KEY_NODES_MAX,
};

static void put_bytes(struct doc *d, struct bytes b)
{
	buf_add(d->out, b);
}

static void put_byte(struct doc *d, uint8_t c)
{
	*buf_room(d->out, 1) = c;
	d->out->len++;
}

/* The value ends at `to`, which lies in the room that was made for it. */
static void put_until(struct doc *d, const uint8_t *to)
{
	d->out->len = (size_t)(to - d->out->at);
}

static void put_quoted(struct doc *d, struct bytes text)
{
	if (text.len > JSON_SHORT) {
		put_byte(d, '"');
		json_text(d->out, text);
		put_byte(d, '"');
		return;
	}
	uint8_t *to = buf_room(d->out, JSON_SHORT_ROOM + 2);

	*to = '"';
	to = json_short(to + 1, text);
	*to = '"';
	put_until(d, to + 1);
}

static bool bit_set(uint64_t *bits, unsigned i)
{
	uint64_t bit = UINT64_C(1) << i % 64, was = bits[i / 64];

	bits[i / 64] = was | bit;
	return (was & bit) == 0;
}

/* Copies by whole chunks: there is a chunk's room behind both ends. */
static uint8_t *put_key(uint8_t *to, const uint8_t *text, size_t len)
{
	memcpy(to, text, KEY_CHUNK);
	for (size_t n = KEY_CHUNK; n < len; n += KEY_CHUNK)
		memcpy(to + n, text + n, KEY_CHUNK);
	return to + len;
}

/* The key of a field that does not lie in the object that is open: closes objects up to the one
 * that both lie in, and opens the others. Kept out of field_begin, whose usual way needs few
 * registers. */
static __attribute__((noinline)) uint8_t *key_elsewhere(struct doc *d, const struct key *key,
							uint8_t *to)
{
	const struct node *nodes = d->keys->nodes;
	unsigned from = d->node, common = key->node;

	must(d->node != NODE_VALUES);
	while (from != common) {
		if (nodes[from].depth >= nodes[common].depth) {
			*to++ = '}';
			from = nodes[from].parent;
		} else {
			must(bit_set(d->opened, common));
			common = nodes[common].parent;
		}
	}
	*to = ',';
	to += d->comma;
	d->node = key->node;
	to = put_key(to, key->text + nodes[common].len, (size_t)key->len - nodes[common].len);
	d->inside = (size_t)(to - d->out->at) - (size_t)(key->len - key->leaf);
	return to;
}

/* Writes a field's key; returns where its value goes, for which there is room. */
static inline __attribute__((always_inline)) uint8_t *field_begin(struct doc *d, unsigned field,
								  size_t room)
{
	uint8_t *to = buf_room(d->out, LEAD_MAX + room);

	must(field < d->keys->keys_count);
	must(bit_set(d->written, field));

	const struct key *key = &d->keys->keys[field];

	if (key->node == d->node) {
		*to = ',';
		to = put_key(to + d->comma, key->text + key->leaf, (size_t)key->len - key->leaf);
	} else {
		to = key_elsewhere(d, key, to);
	}
	d->comma = true;
	return to;
}

void doc_begin(struct doc *d, struct buf *out, const struct doc_keys *keys)
{
	*d = (struct doc){.out = out, .keys = keys, .begin = out->len, .second = INT64_MIN};
	put_byte(d, '{');
}

/* Closes every object but the document itself. */
static void close_objects(struct doc *d)
{
	must(d->node != NODE_VALUES);
	for (; d->node != 0; d->node = d->keys->nodes[d->node].parent)
		put_byte(d, '}');
}

void doc_members(struct doc *d, struct bytes members)
{
	close_objects(d);
	if (members.len == 0)
		return;
	if (d->comma)
		put_byte(d, ',');
	put_bytes(d, members);
	d->comma = true;
}

void doc_end(struct doc *d)
{
	close_objects(d);
	put_bytes(d, BYTES("}\n"));
}

void doc_text(struct doc *d, unsigned field, struct bytes text)
{
	if (text.len == 0)
		return;

	uint8_t *to = field_begin(d, field, JSON_SHORT_ROOM + 2);

	*to++ = '"';
	if (text.len > JSON_SHORT) {
		put_until(d, to);
		json_text(d->out, text);
		put_byte(d, '"');
		return;
	}
	to = json_short(to, text);
	*to = '"';
	put_until(d, to + 1);
}

void doc_plain(struct doc *d, unsigned field, struct bytes text)
{
	if (text.len == 0)
		return;

	uint8_t *to = field_begin(d, field, text.len + 2);

	*to = '"';
	memcpy(to + 1, text.at, text.len);
	to[text.len + 1] = '"';
	put_until(d, to + text.len + 2);
}

void doc_word(struct doc *d, unsigned field, const char *word)
{
	doc_plain(d, field, bytes_str(word));
}

void doc_int(struct doc *d, unsigned field, int64_t n)
{
	uint8_t *to = field_begin(d, field, DECIMAL_MAX);

	*to = (uint8_t)('0' + (n & 15)); /* most are small */
	put_until(d, n >= 0 && n < 10 ? to + 1 : digits_i64(to, n));
}

void doc_bool(struct doc *d, unsigned field, bool yes)
{
	doc_json(d, field, yes ? BYTES("true") : BYTES("false"));
}

void doc_double(struct doc *d, unsigned field, double n)
{
	char text[DOUBLE_MAX];
	int precision = 1;

	if (!isfinite(n))
		return;
	do
		snprintf(text, sizeof text, "%.*g", precision, n);
	while (strtod(text, NULL) != n && ++precision <= 17);
	doc_json(d, field, bytes_str(text));
}

/* Year, month and day from the days since 1970 (of any sign), by counting from the 1st of March of
 * the year 0, so that the leap day is a year's last. */
static void put_date(uint8_t *to, int64_t days_since_1970)
{
	enum { DAYS_TO_1970 = 719468, DAYS_IN_400_YEARS = 146097 };
	uint32_t days = (uint32_t)(days_since_1970 + DAYS_TO_1970);
	uint32_t era = days / DAYS_IN_400_YEARS, day = days % DAYS_IN_400_YEARS;
	uint32_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;

	day -= 365 * year + year / 4 - year / 100;

	uint32_t month = (5 * day + 2) / 153; /* from March on */

	day -= (153 * month + 2) / 5;
	month = month < 10 ? month + 3 : month - 9;
	year += 400 * era + (month <= 2);
	digits_two(to, year / 100);
	digits_two(to + 2, year % 100);
	to[4] = '-';
	digits_two(to + 5, month);
	to[7] = '-';
	digits_two(to + 8, day + 1);
}

/* "2026-01-02T03:04:05. of a second, with the quote before and the point behind it. */
static void put_second(uint8_t *to, int64_t second)
{
	enum { DAY = 24 * 60 * 60 };
	int64_t days = second / DAY - (second % DAY < 0);
	uint32_t rest = (uint32_t)(second - days * DAY);

	*to = '"';
	put_date(to + 1, days);
	to[11] = 'T';
	digits_two(to + 12, rest / 3600);
	to[14] = ':';
	digits_two(to + 15, rest / 60 % 60);
	to[17] = ':';
	digits_two(to + 18, rest % 60);
	to[20] = '.';
}

void doc_time(struct doc *d, unsigned field, nsec when)
{
	uint8_t *to = field_begin(d, field, TIME_LEN);
	int64_t second = when / NS_PER_S, fraction = when % NS_PER_S;

	if (fraction < 0) {
		second--;
		fraction += NS_PER_S;
	}
	_Static_assert(sizeof d->clock == DATE_LEN, "a second's text");
	if (second != d->second) {
		put_second(d->clock, second);
		d->second = second;
	}
	memcpy(to, d->clock, DATE_LEN);
	to = digits_nine(to + DATE_LEN, (uint32_t)fraction);
	memcpy(to, "Z\"", 2);
	put_until(d, to + 2);
}

static uint8_t *put_ip(uint8_t *to, const struct addr *addr, uint8_t version)
{
	*to = '"';
	to += 1 + addr_text(addr, version, (char *)to + 1);
	*to = '"';
	return to + 1;
}

void doc_ip(struct doc *d, unsigned field, const struct addr *addr, uint8_t version)
{
	put_until(d, put_ip(field_begin(d, field, ADDR_TEXT_MAX + 2), addr, version));
}

void doc_hex(struct doc *d, unsigned field, uint64_t n)
{
	uint8_t *to = field_begin(d, field, HEX16 + 2);

	*to = '"';
	to = digits_hex16(to + 1, n);
	*to = '"';
	put_until(d, to + 1);
}

void doc_json(struct doc *d, unsigned field, struct bytes json)
{
	put_until(d, field_begin(d, field, 0));
	put_bytes(d, json);
}

void doc_text_begin(struct doc *d, unsigned field)
{
	must(!d->in_text);
	d->in_text = true;
	d->text_field = (uint16_t)field;
	d->text_at = 0;
}

void doc_text_more(struct doc *d, struct bytes piece)
{
	must(d->in_text);
	if (piece.len == 0)
		return;
	if (d->text_at == 0) {
		put_until(d, field_begin(d, d->text_field, 0));
		put_byte(d, '"');
		d->text_at = d->out->len;
	}
	json_text(d->out, piece);
}

void doc_text_end(struct doc *d)
{
	must(d->in_text);
	d->in_text = false;
	if (d->text_at != 0)
		put_byte(d, '"');
}

size_t doc_text_place(const struct doc *d)
{
	return d->out->len - d->begin;
}

void doc_text_again(struct doc *d, unsigned field, size_t from, size_t to)
{
	size_t len = to - from;
	uint8_t *at;

	must(from <= to && d->begin + to <= d->out->len);
	if (len == 0)
		return;
	at = field_begin(d, field, len + 2);
	*at = '"';
	memcpy(at + 1, d->out->at + d->begin + from, len);
	at[len + 1] = '"';
	put_until(d, at + len + 2);
}

struct doc_inside doc_inside(const struct doc *d)
{
	return (struct doc_inside){d->inside - d->begin, d->out->len - d->begin};
}

void doc_inside_again(struct doc *d, unsigned field, struct doc_inside members)
{
	const struct key *key = &d->keys->keys[field];
	size_t len = members.to - members.from;

	must(key->node != d->node && members.from <= members.to &&
	     d->begin + members.to <= d->out->len);
	put_until(d, field_begin(d, field, len) - (key->len - key->leaf));
	memcpy(d->out->at + d->out->len, d->out->at + d->begin + members.from, len);
	d->out->len += len;
}

void doc_piece_begin(struct doc *d, struct doc_piece *piece, const struct doc_keys *keys,
		     unsigned field)
{
	*d = (struct doc){.out = &piece->text,
			  .keys = keys,
			  .node = keys->keys[field].node,
			  .comma = true,
			  .second = INT64_MIN};
	piece->before = d->node;
}

/* How many there are up to the last that has a bit. */
static uint8_t used_words(const uint64_t *bits, size_t n)
{
	while (n > 0 && bits[n - 1] == 0)
		n--;
	return (uint8_t)n;
}

void doc_piece_end(struct doc *d, struct doc_piece *piece)
{
	must(d->node != NODE_VALUES);
	piece->behind = d->node;
	piece->opened_words = used_words(d->opened, sizeof d->opened / sizeof d->opened[0]);
	piece->written_words = used_words(d->written, sizeof d->written / sizeof d->written[0]);
	memcpy(piece->opened, d->opened, sizeof d->opened);
	memcpy(piece->written, d->written, sizeof d->written);
}

void doc_piece_put(struct doc *d, const struct doc_piece *piece)
{
	uint64_t twice = 0;

	must(d->node == piece->before && d->comma);
	for (size_t i = 0; i < piece->opened_words; i++) {
		twice |= d->opened[i] & piece->opened[i];
		d->opened[i] |= piece->opened[i];
	}
	for (size_t i = 0; i < piece->written_words; i++) {
		twice |= d->written[i] & piece->written[i];
		d->written[i] |= piece->written[i];
	}
	must(twice == 0);
	put_bytes(d, buf_bytes(&piece->text));
	d->node = piece->behind;
}

/* From here to values_end the open object is none of the fields'; `outer` remembers it. */
static void values_begin(struct doc *d, unsigned field, uint8_t bracket)
{
	uint8_t *to = field_begin(d, field, 1);

	*to = bracket;
	put_until(d, to + 1);
	d->outer = d->node;
	d->node = NODE_VALUES;
	d->comma = false;
}

static void values_end(struct doc *d, uint8_t bracket)
{
	must(d->node == NODE_VALUES);
	put_byte(d, bracket);
	d->node = d->outer;
	d->comma = true;
}

static void value_begin(struct doc *d)
{
	must(d->node == NODE_VALUES);
	if (d->comma)
		put_byte(d, ',');
	d->comma = true;
}

static void object_key(struct doc *d, struct bytes key)
{
	value_begin(d);
	put_quoted(d, key);
	put_byte(d, ':');
}

static void put_int(struct doc *d, int64_t n)
{
	put_until(d, digits_i64(buf_room(d->out, DECIMAL_MAX), n));
}

void doc_list_begin(struct doc *d, unsigned field)
{
	values_begin(d, field, '[');
}

void doc_list_text(struct doc *d, struct bytes text)
{
	value_begin(d);
	put_quoted(d, text);
}

void doc_list_int(struct doc *d, int64_t n)
{
	value_begin(d);
	put_int(d, n);
}

void doc_list_ip(struct doc *d, const struct addr *addr, uint8_t version)
{
	value_begin(d);
	put_until(d, put_ip(buf_room(d->out, ADDR_TEXT_MAX + 2), addr, version));
}

void doc_list_end(struct doc *d)
{
	values_end(d, ']');
}

void doc_object_begin(struct doc *d, unsigned field)
{
	values_begin(d, field, '{');
}

void doc_object_text(struct doc *d, struct bytes key, struct bytes value)
{
	object_key(d, key);
	put_quoted(d, value);
}

void doc_object_int(struct doc *d, struct bytes key, int64_t n)
{
	object_key(d, key);
	put_int(d, n);
}

void doc_object_list_begin(struct doc *d, struct bytes key)
{
	object_key(d, key);
	put_byte(d, '[');
	d->comma = false;
}

void doc_object_list_end(struct doc *d)
{
	must(d->node == NODE_VALUES);
	put_byte(d, ']');
	d->comma = true;
}

void doc_object_end(struct doc *d)
{
	values_end(d, '}');
}
