/*
 * Values as text: what the client or server sent as text stays as it is, binary ones are written as
 * the server itself would have. A type that is not known is shown as its bytes in hex, unless they
 * are plain text.
 *
 * Source   PostgreSQL 17, src/backend/utils/adt: the …send functions and their output
 */
#include "protos/pgsql/pgsql.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum oid {
	OID_BOOL = 16,
	OID_BYTEA = 17,
	OID_CHAR = 18,
	OID_NAME = 19,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_TEXT = 25,
	OID_OID = 26,
	OID_JSON = 114,
	OID_XML = 142,
	OID_FLOAT4 = 700,
	OID_FLOAT8 = 701,
	OID_UNKNOWN = 705,
	OID_BPCHAR = 1042,
	OID_VARCHAR = 1043,
	OID_DATE = 1082,
	OID_TIME = 1083,
	OID_TIMESTAMP = 1114,
	OID_TIMESTAMPTZ = 1184,
	OID_INTERVAL = 1186,
	OID_TIMETZ = 1266,
	OID_NUMERIC = 1700,
	OID_UUID = 2950,
	OID_JSONB = 3802,
};

enum {
	ARRAY_DEPTH_MAX = 6, /* MAXDIM */
	ARRAY_ITEMS_MAX = 1000,
	NUMERIC_DIGITS_MAX = 500, /* groups of four */
	EPOCH_DAYS = 10957,	  /* 2000-01-01, in days since 1970-01-01 */
};

static const int64_t day_us = INT64_C(86400000000);

static void add_text(struct buf *out, const char *text)
{
	buf_add(out, bytes_str(text));
}

#define ADD(out, ...)                                                   \
	do {                                                            \
		char text_[128];                                        \
		int n_ = snprintf(text_, sizeof(text_), __VA_ARGS__);   \
		buf_add(out, bytes_of(text_, n_ > 0 ? (size_t)n_ : 0)); \
	} while (0)

static void add_hex(struct buf *out, struct bytes b)
{
	static const char digits[] = "0123456789abcdef";

	if (b.len == 0)
		return;
	uint8_t *to = buf_room(out, 2 * b.len);

	for (size_t i = 0; i < b.len; i++) {
		*to++ = (uint8_t)digits[b.at[i] >> 4];
		*to++ = (uint8_t)digits[b.at[i] & 15];
	}
	out->len += 2 * b.len;
}

static void add_bytea(struct buf *out, struct bytes b)
{
	add_text(out, "\\x");
	add_hex(out, b);
}

static void add_unknown(struct buf *out, struct bytes b)
{
	for (size_t i = 0; i < b.len; i++) {
		if (b.at[i] < ' ' && b.at[i] != '\n' && b.at[i] != '\r' && b.at[i] != '\t') {
			add_bytea(out, b);
			return;
		}
	}
	buf_add(out, b);
}

/* The fewest digits that read back. */
static void add_double(struct buf *out, double d, bool single)
{
	char text[40];

	if (isnan(d)) {
		add_text(out, "NaN");
		return;
	}
	if (isinf(d)) {
		add_text(out, d < 0 ? "-Infinity" : "Infinity");
		return;
	}
	for (int digits = single ? 6 : 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, d);
		if (single ? strtof(text, NULL) == (float)d : strtod(text, NULL) == d)
			break;
	}
	add_text(out, text);
}

static void add_float(struct buf *out, struct cursor *c, unsigned size)
{
	uint64_t bits = cursor_be(c, size);
	uint32_t low = (uint32_t)bits;
	float f;
	double d;

	memcpy(&f, &low, sizeof(f));
	memcpy(&d, &bits, sizeof(d));
	add_double(out, size == 4 ? (double)f : d, size == 4);
}

/* Days to a civil date, by eras of 400 years that begin on March 1. */
static void add_date(struct buf *out, int64_t days, bool *bc)
{
	int64_t z = days + EPOCH_DAYS + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t in_era = z - era * 146097;
	int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * in_year + 2) / 153;
	int day = (int)(in_year - (153 * month + 2) / 5 + 1);

	month += month < 10 ? 3 : -9;
	year += era * 400 + (month <= 2);
	*bc = year <= 0;
	ADD(out, "%04lld-%02d-%02d", (long long)(*bc ? 1 - year : year), (int)month, day);
}

static void add_time(struct buf *out, int64_t us)
{
	int64_t s = us / 1000000;
	int fraction = (int)(us % 1000000), digits = 6;

	ADD(out, "%02lld:%02d:%02d", (long long)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
	if (fraction == 0)
		return;
	while (fraction % 10 == 0) {
		fraction /= 10;
		digits--;
	}
	ADD(out, ".%0*d", digits, fraction);
}

static void add_zone(struct buf *out, int32_t west)
{
	int32_t east = west == INT32_MIN ? 0 : -west, abs = east < 0 ? -east : east;

	ADD(out, "%c%02d", east < 0 ? '-' : '+', abs / 3600);
	if (abs / 60 % 60 || abs % 60)
		ADD(out, ":%02d", abs / 60 % 60);
	if (abs % 60)
		ADD(out, ":%02d", abs % 60);
}

static void add_timestamp(struct buf *out, int64_t us, bool zone)
{
	int64_t days = us / day_us, rest = us % day_us;
	bool bc;

	if (us == INT64_MAX || us == INT64_MIN) {
		add_text(out, us < 0 ? "-infinity" : "infinity");
		return;
	}
	if (rest < 0) {
		rest += day_us;
		days--;
	}
	add_date(out, days, &bc);
	add_text(out, " ");
	add_time(out, rest);
	if (zone)
		add_text(out, "+00");
	if (bc)
		add_text(out, " BC");
}

static void add_day(struct buf *out, int32_t days)
{
	bool bc;

	if (days == INT32_MAX || days == INT32_MIN) {
		add_text(out, days < 0 ? "-infinity" : "infinity");
		return;
	}
	add_date(out, days, &bc);
	if (bc)
		add_text(out, " BC");
}

/* A sign is shown again where it turns. */
static void add_unit(struct buf *out, int32_t n, const char *unit, bool *first, bool *negative)
{
	if (n == 0)
		return;
	ADD(out, "%s%s%d %s%s", *first ? "" : " ", *negative && n > 0 ? "+" : "", n, unit,
	    n == 1 ? "" : "s");
	*first = false;
	*negative = n < 0;
}

static void add_interval(struct buf *out, struct cursor *c)
{
	int64_t us = (int64_t)cursor_be(c, 8);
	int32_t days = (int32_t)cursor_be32(c), months = (int32_t)cursor_be32(c);
	bool first = true, negative = false;

	add_unit(out, months / 12, "year", &first, &negative);
	add_unit(out, months % 12, "mon", &first, &negative);
	add_unit(out, days, "day", &first, &negative);
	if (us == 0 && !first)
		return;
	ADD(out, "%s%s", first ? "" : " ", us < 0 ? "-" : negative ? "+" : "");
	add_time(out, us == INT64_MIN ? INT64_MAX : us < 0 ? -us : us);
}

/* Groups of four digits, the point behind weight + 1 of them, shown to dscale places. */
static void add_numeric(struct buf *out, struct cursor *c)
{
	enum { NEGATIVE = 0x4000, NAN_SIGN = 0xC000, INFINITE = 0xD000, MINUS_INFINITE = 0xF000 };
	uint16_t groups = cursor_be16(c);
	int16_t weight = (int16_t)cursor_be16(c);
	uint16_t sign = cursor_be16(c), scale = cursor_be16(c);
	uint16_t group[NUMERIC_DIGITS_MAX];

	if (sign == NAN_SIGN || sign == INFINITE || sign == MINUS_INFINITE) {
		add_text(out, sign == NAN_SIGN	 ? "NaN"
			      : sign == INFINITE ? "Infinity"
						 : "-Infinity");
		return;
	}
	if (groups > NUMERIC_DIGITS_MAX)
		groups = NUMERIC_DIGITS_MAX;
	for (unsigned i = 0; i < groups; i++)
		group[i] = cursor_be16(c) % 10000;
	if (weight > NUMERIC_DIGITS_MAX || weight < -NUMERIC_DIGITS_MAX || scale > 0x3fff)
		return;
	if (sign == NEGATIVE)
		add_text(out, "-");
	if (weight < 0)
		add_text(out, "0");
	for (int i = 0; i <= weight; i++)
		ADD(out, i == 0 ? "%d" : "%04d", i < groups ? group[i] : 0);
	if (scale == 0)
		return;
	add_text(out, ".");
	for (int left = scale < 4 * NUMERIC_DIGITS_MAX ? scale : 4 * NUMERIC_DIGITS_MAX,
		 i = weight + 1;
	     left > 0; left -= 4, i++) {
		char text[12];

		snprintf(text, sizeof(text), "%04d", i >= 0 && i < groups ? group[i] : 0);
		buf_add(out, bytes_of(text, left < 4 ? (size_t)left : 4));
	}
}

static void add_uuid(struct buf *out, struct bytes b)
{
	static const size_t parts[] = {4, 2, 2, 2, 6};

	for (size_t i = 0; i < 5; i++) {
		if (i > 0)
			add_text(out, "-");
		add_hex(out, bytes_head(b, parts[i]));
		b = bytes_skip(b, parts[i]);
	}
}

/* ---- Arrays ---- */

static bool is_array(uint32_t type)
{
	static const uint16_t arrays[] = {143,	199,  1000, 1001, 1002, 1003, 1005, 1007,
					  1009, 1014, 1015, 1016, 1021, 1022, 1028, 1115,
					  1182, 1183, 1185, 1187, 1231, 1270, 2951, 3807};

	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		if (arrays[i] == type)
			return true;
	return false;
}

static void value(struct buf *out, uint32_t type, struct bytes b);

/* In quotes where its text could be taken for something else. */
static void add_item(struct buf *out, uint32_t type, struct bytes b)
{
	struct buf text = {0};
	bool quote;

	value(&text, type, b);
	quote = text.len == 0 || (text.len == 4 && bytes_eq_case(buf_bytes(&text), BYTES("null")));
	for (size_t i = 0; i < text.len; i++)
		quote |= memchr("{},\"\\ \t\n\r\v\f", text.at[i], 11) != NULL;
	if (quote)
		add_text(out, "\"");
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '"' || text.at[i] == '\\')
			add_text(out, "\\");
		buf_add(out, bytes_of(text.at + i, 1));
	}
	if (quote)
		add_text(out, "\"");
	buf_fini(&text);
}

static void add_items(struct buf *out, struct cursor *c, uint32_t type, const uint32_t *lengths,
		      unsigned depth, uint32_t *budget)
{
	add_text(out, "{");
	for (uint32_t i = 0; i < lengths[0] && *budget > 0 && !c->dry; i++) {
		if (i > 0)
			add_text(out, ",");
		if (depth > 1) {
			(*budget)--;
			add_items(out, c, type, lengths + 1, depth - 1, budget);
			continue;
		}
		uint32_t len = cursor_be32(c);

		(*budget)--;
		if (len == UINT32_MAX)
			add_text(out, "NULL");
		else
			add_item(out, type, cursor_take(c, len));
	}
	add_text(out, "}");
}

static void add_array(struct buf *out, struct cursor *c)
{
	uint32_t depth = cursor_be32(c), budget = ARRAY_ITEMS_MAX;
	uint32_t lengths[ARRAY_DEPTH_MAX];

	cursor_be32(c); /* whether there are NULLs */
	uint32_t type = cursor_be32(c);

	if (depth > ARRAY_DEPTH_MAX || is_array(type))
		return;
	for (uint32_t i = 0; i < depth; i++) {
		lengths[i] = cursor_be32(c);
		cursor_be32(c); /* the lower bound */
	}
	if (depth == 0)
		add_text(out, "{}");
	else
		add_items(out, c, type, lengths, depth, &budget);
}

static void value(struct buf *out, uint32_t type, struct bytes b)
{
	struct cursor c = cursor_of(b);
	size_t at = out->len;

	switch ((enum oid)type) {
	case OID_BOOL:
		add_text(out, cursor_u8(&c) ? "t" : "f");
		break;
	case OID_INT2:
		ADD(out, "%d", (int16_t)cursor_be16(&c));
		break;
	case OID_INT4:
		ADD(out, "%d", (int32_t)cursor_be32(&c));
		break;
	case OID_INT8:
		ADD(out, "%lld", (long long)cursor_be(&c, 8));
		break;
	case OID_OID:
		ADD(out, "%u", cursor_be32(&c));
		break;
	case OID_FLOAT4:
	case OID_FLOAT8:
		add_float(out, &c, type == OID_FLOAT4 ? 4 : 8);
		break;
	case OID_NUMERIC:
		add_numeric(out, &c);
		break;
	case OID_DATE:
		add_day(out, (int32_t)cursor_be32(&c));
		break;
	case OID_TIME:
		add_time(out, (int64_t)(cursor_be(&c, 8) & INT64_MAX));
		break;
	case OID_TIMETZ:
		add_time(out, (int64_t)(cursor_be(&c, 8) & INT64_MAX));
		add_zone(out, (int32_t)cursor_be32(&c));
		break;
	case OID_TIMESTAMP:
	case OID_TIMESTAMPTZ:
		add_timestamp(out, (int64_t)cursor_be(&c, 8), type == OID_TIMESTAMPTZ);
		break;
	case OID_INTERVAL:
		add_interval(out, &c);
		break;
	case OID_UUID:
		add_uuid(out, cursor_take(&c, 16));
		break;
	case OID_JSONB:
		cursor_u8(&c); /* version */
		buf_add(out, cursor_take(&c, b.len - (b.len > 0)));
		break;
	case OID_BYTEA:
		add_bytea(out, b);
		break;
	case OID_CHAR:
	case OID_NAME:
	case OID_TEXT:
	case OID_JSON:
	case OID_XML:
	case OID_UNKNOWN:
	case OID_BPCHAR:
	case OID_VARCHAR:
		buf_add(out, b);
		break;
	default:
		if (is_array(type))
			add_array(out, &c);
		else
			add_unknown(out, b);
		break;
	}
	if (!c.dry)
		return;
	out->len = at; /* shorter than its type: its bytes */
	add_bytea(out, b);
}

void pg_value(struct buf *out, uint32_t type, bool binary, struct bytes b)
{
	if (binary)
		value(out, type, b);
	else
		buf_add(out, b);
}
