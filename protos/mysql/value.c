#include "protos/mysql/value.h"
#include "protos/mysql/mysql.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	TYPE_TINY = 1,
	TYPE_SHORT = 2,
	TYPE_LONG = 3,
	TYPE_FLOAT = 4,
	TYPE_DOUBLE = 5,
	TYPE_TIMESTAMP = 7,
	TYPE_LONGLONG = 8,
	TYPE_INT24 = 9,
	TYPE_DATE = 10,
	TYPE_TIME = 11,
	TYPE_DATETIME = 12,
	TYPE_YEAR = 13,
};

static struct bytes printed(const char *room, int n)
{
	return bytes_of(room, n < VALUE_TEXT_MAX ? (size_t)n : VALUE_TEXT_MAX - 1);
}

static struct bytes integer(struct cursor *c, unsigned bytes, bool is_unsigned, char *room)
{
	uint64_t n = cursor_le(c, bytes);
	uint64_t sign = UINT64_C(1) << (8 * bytes - 1);

	if (is_unsigned || !(n & sign))
		return printed(room, snprintf(room, VALUE_TEXT_MAX, "%llu", (unsigned long long)n));
	return printed(room, snprintf(room, VALUE_TEXT_MAX, "%lld",
				      (long long)((n & (sign - 1)) | ~(sign - 1))));
}

/* The fewest digits that read back. */
static struct bytes floating(struct cursor *c, unsigned bytes, char *room)
{
	uint64_t bits = cursor_le(c, bytes);
	int digits = bytes == 4 ? 6 : 15, most = bytes == 4 ? 9 : 17, n;
	float f;
	double d;

	if (bytes == 4) {
		uint32_t half = (uint32_t)bits;

		memcpy(&f, &half, sizeof(f));
		d = (double)f;
	} else {
		memcpy(&d, &bits, sizeof(d));
		f = 0;
	}
	do {
		n = snprintf(room, VALUE_TEXT_MAX, "%.*g", digits, d);
		double back = strtod(room, NULL);

		if (bytes == 4 ? memcmp(&(float){(float)back}, &f, sizeof(f)) == 0
			       : memcmp(&back, &d, sizeof(d)) == 0)
			break;
	} while (++digits <= most);
	return printed(room, n);
}

static struct bytes date(struct cursor *c, bool only_date, char *room)
{
	unsigned len = cursor_u8(c);
	struct cursor v = cursor_of(cursor_take(c, len));
	unsigned year = cursor_le16(&v), month = cursor_u8(&v), day = cursor_u8(&v);
	unsigned hour = cursor_u8(&v), minute = cursor_u8(&v), second = cursor_u8(&v);
	unsigned micro = cursor_le32(&v);
	int n = snprintf(room, VALUE_TEXT_MAX, "%04u-%02u-%02u", year, month, day);

	if (!only_date || len > 4)
		n += snprintf(room + n, VALUE_TEXT_MAX - (size_t)n, " %02u:%02u:%02u", hour, minute,
			      second);
	if (len > 7)
		n += snprintf(room + n, VALUE_TEXT_MAX - (size_t)n, ".%06u", micro);
	return printed(room, n);
}

static struct bytes span(struct cursor *c, char *room)
{
	unsigned len = cursor_u8(c);
	struct cursor v = cursor_of(cursor_take(c, len));
	bool negative = cursor_u8(&v);
	uint64_t days = cursor_le32(&v);
	unsigned hour = cursor_u8(&v), minute = cursor_u8(&v), second = cursor_u8(&v);
	unsigned micro = cursor_le32(&v);
	int n = snprintf(room, VALUE_TEXT_MAX, "%s%02llu:%02u:%02u", negative ? "-" : "",
			 (unsigned long long)(days * 24 + hour), minute, second);

	if (len > 8)
		n += snprintf(room + n, VALUE_TEXT_MAX - (size_t)n, ".%06u", micro);
	return printed(room, n);
}

struct bytes value_text(struct cursor *c, uint8_t type, bool is_unsigned, char room[VALUE_TEXT_MAX])
{
	switch (type) {
	case TYPE_TINY:
		return integer(c, 1, is_unsigned, room);
	case TYPE_SHORT:
	case TYPE_YEAR:
		return integer(c, 2, is_unsigned, room);
	case TYPE_LONG:
	case TYPE_INT24:
		return integer(c, 4, is_unsigned, room);
	case TYPE_LONGLONG:
		return integer(c, 8, is_unsigned, room);
	case TYPE_FLOAT:
		return floating(c, 4, room);
	case TYPE_DOUBLE:
		return floating(c, 8, room);
	case TYPE_DATE:
		return date(c, true, room);
	case TYPE_TIMESTAMP:
	case TYPE_DATETIME:
		return date(c, false, room);
	case TYPE_TIME:
		return span(c, room);
	case TYPE_NULL:
		return BYTES("NULL");
	default:
		return take_text(c);
	}
}
