/*
 * Tokens of the JSON protocol, which is a fixed spelling of the same values, without spaces:
 *
 *   struct  {"1":{"i32":5},"2":{"str":"x"}}      list, set  ["i32",2,5,6]
 *   map     ["str","i32",1,{"x":5}]              numbers that are keys stand in quotes
 */
#include "protos/thrift/thrift.h"

#include <stdlib.h>

enum { TYPE_NAME_MAX = 8, HEX_DIGITS = 4, ESCAPE_U = 6, UUID_TEXT = 36 };

static const struct {
	struct bytes name;
	uint8_t type;
} types[] = {
	{{(const uint8_t *)"tf", 2}, T_BOOL},	 {{(const uint8_t *)"i8", 2}, T_BYTE},
	{{(const uint8_t *)"i16", 3}, T_I16},	 {{(const uint8_t *)"i32", 3}, T_I32},
	{{(const uint8_t *)"i64", 3}, T_I64},	 {{(const uint8_t *)"dbl", 3}, T_DOUBLE},
	{{(const uint8_t *)"str", 3}, T_STRING}, {{(const uint8_t *)"rec", 3}, T_STRUCT},
	{{(const uint8_t *)"map", 3}, T_MAP},	 {{(const uint8_t *)"lst", 3}, T_LIST},
	{{(const uint8_t *)"set", 3}, T_SET},	 {{(const uint8_t *)"uid", 3}, T_UUID},
};

static void expect(struct reading *r, struct cursor *c, uint8_t wanted)
{
	uint8_t b = cursor_u8(c);

	if (!c->dry && b != wanted)
		r->bad = true;
}

/* Up to a character that cannot be part of a number or of a short name. */
static struct bytes word(struct reading *r, struct cursor *c, size_t max)
{
	struct bytes rest = bytes_head(cursor_rest(c), max + 1);
	size_t n = 0;

	while (n < rest.len && memchr("\",:{}[]", rest.at[n], 7) == NULL)
		n++;
	if (n == rest.len) {
		r->bad = r->bad || n > max;
		c->dry = true;
		return NO_BYTES;
	}
	return cursor_take(c, n);
}

static uint8_t type_name(struct reading *r, struct cursor *c)
{
	expect(r, c, '"');
	struct bytes name = word(r, c, TYPE_NAME_MAX);

	expect(r, c, '"');
	if (c->dry)
		return T_NONE;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (bytes_eq(name, types[i].name))
			return types[i].type;
	r->bad = true;
	return T_NONE;
}

static int64_t whole(struct reading *r, struct cursor *c, int64_t min, int64_t max)
{
	struct bytes text = word(r, c, NUMBER_MAX);
	int64_t n = 0;

	if (!c->dry && !bytes_int(text, min, max, &n))
		r->bad = true;
	return n;
}

static bool next_is(const struct cursor *c, uint8_t wanted)
{
	return cursor_left(c) > 0 && *c->at == wanted;
}

void json_field(struct reading *r, struct cursor *c, struct field_head *f)
{
	const struct level *l = &walk_levels(r)[r->side->depth - 1];

	if (l->owed)
		expect(r, c, '}');
	if (next_is(c, '}')) {
		cursor_take(c, 1);
		f->type = T_STOP;
		return;
	}
	if (!l->first)
		expect(r, c, ',');
	expect(r, c, '"');
	f->id = (int16_t)whole(r, c, INT16_MIN, INT16_MAX);
	expect(r, c, '"');
	expect(r, c, ':');
	expect(r, c, '{');
	f->type = type_name(r, c);
	expect(r, c, ':');
}

/* What stands before an element. */
void json_before(struct reading *r, struct cursor *c)
{
	const struct level *l = &walk_levels(r)[r->side->depth - 1];

	if (l->kind == T_MAP && l->left % 2 == 1)
		expect(r, c, ':');
	else if (l->kind != T_MAP || !l->first)
		expect(r, c, ',');
}

/* What stands behind the last element. */
void json_after(struct reading *r, struct cursor *c)
{
	if (walk_levels(r)[r->side->depth - 1].kind == T_MAP)
		expect(r, c, '}');
	expect(r, c, ']');
}

static void container(struct reading *r, struct cursor *c, struct value *v)
{
	expect(r, c, '[');
	if (v->type == T_MAP) {
		v->key = type_name(r, c);
		expect(r, c, ',');
	}
	v->inner = type_name(r, c);
	expect(r, c, ',');
	v->n = whole(r, c, 0, INT32_MAX);
	if (v->type == T_MAP) {
		expect(r, c, ',');
		expect(r, c, '{');
	}
}

static double real(struct reading *r, struct bytes text)
{
	char copy[NUMBER_MAX + 1], *end;

	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	double n = strtod(copy, &end);

	if (text.len == 0 || *end != '\0')
		r->bad = true;
	return n;
}

static void number(struct reading *r, struct cursor *c, struct value *v)
{
	bool quoted = next_is(c, '"');

	if (quoted)
		cursor_take(c, 1);
	struct bytes text = word(r, c, NUMBER_MAX);

	if (quoted)
		expect(r, c, '"');
	if (c->dry)
		return;
	if (v->type == T_DOUBLE) {
		v->real = real(r, text);
	} else if (v->type == T_UUID) {
		v->uuid = text;
		r->bad = r->bad || !quoted || text.len > UUID_TEXT;
	} else if (v->type == T_BOOL &&
		   (bytes_eq(text, BYTES("true")) || bytes_eq(text, BYTES("false")))) {
		v->yes = text.at[0] == 't';
	} else if (!bytes_int(text, INT64_MIN, INT64_MAX, &v->n)) {
		r->bad = true;
	} else {
		v->yes = v->n != 0;
	}
}

void json_value(struct reading *r, struct cursor *c, struct value *v)
{
	switch (v->type) {
	case T_STRING:
		expect(r, c, '"');
		break;
	case T_STRUCT:
		expect(r, c, '{');
		break;
	case T_MAP:
	case T_SET:
	case T_LIST:
		container(r, c, v);
		break;
	default:
		number(r, c, v);
	}
}

/* ---- Strings ---- */

/* Decoded text; what is beyond the limit is not shown. */
static size_t shown(struct reading *r, struct bytes b, bool last)
{
	struct thrift_side *side = r->side;
	size_t n = b.len;

	if (!side->show || b.len == 0)
		return n;
	if (side->show_left > 0) {
		bool cut = b.len > side->show_left;

		n = text_quoted(r, bytes_head(b, side->show_left), last && !cut);
		if (cut)
			n = b.len;
		side->show_left -= cut ? side->show_left : (uint32_t)n;
		if (!cut)
			return n;
	} else if (side->value_left > 0) {
		return n; /* the dots were said */
	}
	side->value_left = 1;
	text_add(r, BYTES("..."));
	r->x->notes |= NOTE_TRIMMED;
	return n;
}

static size_t utf8(uint32_t code, uint8_t to[4])
{
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i > 0; i--, code >>= 6)
		to[i] = (uint8_t)(0x80 | (code & 0x3f));
	to[0] = (uint8_t)(n > 1 ? lead[n] | code : code);
	return n;
}

static uint32_t unit16(struct reading *r, struct cursor *c)
{
	uint64_t n = 0;
	struct bytes digits = cursor_take(c, HEX_DIGITS);

	if (!c->dry && !bytes_hex(digits, UINT16_MAX, &n))
		r->bad = true;
	return (uint32_t)n;
}

/* Behind the backslash and the u. A half of a pair without the other is shown as U+FFFD. */
static uint32_t code_point(struct reading *r, struct cursor *c)
{
	uint32_t high = unit16(r, c);

	if (high < 0xd800 || high > 0xdfff || c->dry)
		return high;
	struct bytes rest = cursor_rest(c);

	if (high > 0xdbff || (rest.len > 0 && rest.at[0] != '\\') ||
	    (rest.len > 1 && rest.at[1] != 'u'))
		return 0xfffd;
	cursor_take(c, 2);
	struct cursor before = *c;
	uint32_t low = unit16(r, c);

	if (low >= 0xdc00 && low <= 0xdfff)
		return 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff);
	if (!c->dry)
		c->at = before.at - 2;
	return 0xfffd;
}

static void escape(struct reading *r, struct cursor *c)
{
	static const char letters[] = "b\bf\fn\nr\rt\t";
	uint8_t text[4];
	uint8_t b = (cursor_take(c, 1), cursor_u8(c));
	uint32_t code = b;

	if (b == 'u')
		code = code_point(r, c);
	else
		for (size_t i = 0; i + 1 < sizeof(letters); i += 2)
			if ((uint8_t)letters[i] == b)
				code = (uint8_t)letters[i + 1];
	if (!c->dry && !r->bad)
		shown(r, bytes_of(text, utf8(code, text)), true);
}

/* A part of the string in hand; true at its end. */
bool json_string(struct reading *r, struct cursor *c)
{
	struct bytes rest = cursor_rest(c);
	size_t n = 0;

	if (rest.len == 0) {
		c->dry = true;
		return false;
	}
	while (n < rest.len && rest.at[n] != '"' && rest.at[n] != '\\')
		n++;
	if (n > 0) {
		n = shown(r, bytes_head(rest, n), n < rest.len);
		cursor_take(c, n);
		c->dry = n == 0;
		return false;
	}
	if (rest.at[0] == '\\') {
		escape(r, c);
		return false;
	}
	cursor_take(c, 1);
	return true;
}
