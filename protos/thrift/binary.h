/*
 * Tokens of the binary and the compact protocol. Inline, since there are some dozens in a message:
 * the cursor runs dry when one is not whole, r->bad is set when there is none.
 */
#ifndef WIRESPAN_THRIFT_BINARY_H
#define WIRESPAN_THRIFT_BINARY_H

#include "protos/thrift/thrift.h"

#include <endian.h>

enum {
	COMPACT_TRUE = 1,
	COMPACT_FALSE = 2,
	COMPACT_LONG = 15, /* a list's length that does not fit beside its type */
	VARINT_MAX = 10,
	UUID_BYTES = 16,
};

static inline bool is_type(uint8_t type)
{
	return type <= T_UUID &&
	       (1U << type & (1U << T_BOOL | 1U << T_BYTE | 1U << T_DOUBLE | 1U << T_I16 |
			      1U << T_I32 | 1U << T_I64 | 1U << T_STRING | 1U << T_STRUCT |
			      1U << T_MAP | 1U << T_SET | 1U << T_LIST | 1U << T_UUID));
}

static inline uint64_t be64(struct cursor *c)
{
	uint64_t high = cursor_be32(c);

	return high << 32 | cursor_be32(c);
}

static inline double real_of(uint64_t bits)
{
	double n;

	memcpy(&n, &bits, sizeof(n));
	return n;
}

/* ---- Binary ---- */

static inline void binary_field(struct reading *r, struct cursor *c, struct field_head *f)
{
	f->type = cursor_u8(c);
	if (c->dry || f->type == T_STOP)
		return;
	r->bad = !is_type(f->type);
	f->id = (int16_t)cursor_be16(c);
}

static inline void binary_container(struct reading *r, struct cursor *c, struct value *v)
{
	if (v->type == T_MAP)
		v->key = cursor_u8(c);
	v->inner = cursor_u8(c);
	v->n = (int32_t)cursor_be32(c);
	/* Some write no types for what is empty. */
	if (!c->dry && v->n != 0 && (!is_type(v->inner) || (v->type == T_MAP && !is_type(v->key))))
		r->bad = true;
}

static inline void binary_value(struct reading *r, struct cursor *c, struct value *v)
{
	switch (v->type) {
	case T_BOOL:
		v->yes = cursor_u8(c) != 0;
		break;
	case T_BYTE:
		v->n = (int8_t)cursor_u8(c);
		break;
	case T_I16:
		v->n = (int16_t)cursor_be16(c);
		break;
	case T_I32:
	case T_STRING:
		v->n = (int32_t)cursor_be32(c);
		break;
	case T_I64:
		v->n = (int64_t)be64(c);
		break;
	case T_DOUBLE:
		v->real = real_of(be64(c));
		break;
	case T_UUID:
		v->uuid = cursor_take(c, UUID_BYTES);
		break;
	case T_STRUCT:
		break;
	default:
		binary_container(r, c, v);
	}
}

/* ---- Compact ---- */

/* Its bits, seven of each byte, from those bytes of a word that belong to it. */
static inline uint64_t varint_bits(uint64_t word)
{
	word = (word & UINT64_C(0x007f007f007f007f)) | (word & UINT64_C(0x7f007f007f007f00)) >> 1;
	word = (word & UINT64_C(0x00003fff00003fff)) | (word & UINT64_C(0x3fff00003fff0000)) >> 2;
	return (word & 0x0fffffff) | (word & UINT64_C(0x0fffffff00000000)) >> 4;
}

/* As many bytes as it takes, one after the other: near the end of what there is, or a long one. */
static inline bool varint_slow(struct cursor *c, uint64_t max, uint64_t *n)
{
	uint64_t sum = 0;

	*n = 0;
	for (unsigned i = 0; i < VARINT_MAX; i++) {
		uint8_t b = cursor_u8(c);

		if (c->dry)
			return true;
		if (i == VARINT_MAX - 1 && b > 1)
			return false;
		sum |= (uint64_t)(b & 0x7f) << (7 * i);
		if (!(b & 0x80)) {
			*n = sum <= max ? sum : 0;
			return sum <= max;
		}
	}
	return false;
}

/* False when it is above max; 0 and true when the cursor runs dry. */
static inline bool compact_varint(struct cursor *c, uint64_t max, uint64_t *n)
{
	uint64_t word;

	if (cursor_left(c) < sizeof(word) || c->dry)
		return varint_slow(c, max, n);
	memcpy(&word, c->at, sizeof(word));
	word = le64toh(word);
	uint64_t last = ~word & UINT64_C(0x8080808080808080);

	if (last == 0)
		return varint_slow(c, max, n);
	last &= 0 - last;
	cursor_take(c, (unsigned)__builtin_ctzll(last) / 8 + 1);
	uint64_t found = varint_bits(word & (last - 1));

	*n = found <= max ? found : 0;
	return found <= max;
}

static inline int64_t zigzag(struct reading *r, struct cursor *c, uint64_t max)
{
	uint64_t n;

	if (!compact_varint(c, max, &n))
		r->bad = true;
	return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}

static inline uint8_t compact_type(uint8_t type)
{
	static const uint8_t types[] = {T_STOP, T_BOOL, T_BOOL,	  T_BYTE,   T_I16,
					T_I32,	T_I64,	T_DOUBLE, T_STRING, T_LIST,
					T_SET,	T_MAP,	T_STRUCT, T_UUID};

	return type < sizeof(types) ? types[type] : T_NONE;
}

static inline void compact_field(struct reading *r, struct cursor *c, struct field_head *f)
{
	uint8_t b = cursor_u8(c), type = b & 15;
	uint8_t more = b >> 4;

	f->type = compact_type(type);
	if (c->dry || f->type == T_STOP) {
		r->bad = more != 0 && !c->dry;
		return;
	}
	if (f->type == T_NONE) {
		r->bad = true;
		return;
	}
	f->yes = type == COMPACT_TRUE;
	f->id = more ? (int16_t)(walk_levels(r)[r->side->depth - 1].last + more)
		     : (int16_t)zigzag(r, c, UINT32_MAX);
}

static inline int64_t compact_size(struct reading *r, struct cursor *c)
{
	uint64_t n;

	if (!compact_varint(c, INT32_MAX, &n))
		r->bad = true;
	return (int64_t)n;
}

static inline void compact_list(struct reading *r, struct cursor *c, struct value *v)
{
	uint8_t b = cursor_u8(c);

	v->inner = compact_type(b & 15);
	v->n = b >> 4;
	if (v->n == COMPACT_LONG)
		v->n = compact_size(r, c);
	if (!c->dry && v->n != 0 && (v->inner == T_NONE || v->inner == T_STOP))
		r->bad = true;
}

static inline void compact_map(struct reading *r, struct cursor *c, struct value *v)
{
	v->n = compact_size(r, c);
	if (c->dry || v->n == 0)
		return;
	uint8_t b = cursor_u8(c);

	v->key = compact_type(b >> 4);
	v->inner = compact_type(b & 15);
	if (!c->dry &&
	    (v->key == T_NONE || v->key == T_STOP || v->inner == T_NONE || v->inner == T_STOP))
		r->bad = true;
}

static inline void compact_value(struct reading *r, struct cursor *c, struct value *v)
{
	switch (v->type) {
	case T_BOOL: /* a field's stands in its type */
		if (walk_levels(r)[r->side->depth - 1].kind != T_STRUCT)
			v->yes = cursor_u8(c) == COMPACT_TRUE;
		break;
	case T_BYTE:
		v->n = (int8_t)cursor_u8(c);
		break;
	case T_I16:
	case T_I32:
		v->n = zigzag(r, c, UINT32_MAX);
		break;
	case T_I64:
		v->n = zigzag(r, c, UINT64_MAX);
		break;
	case T_STRING:
		v->n = compact_size(r, c);
		break;
	case T_DOUBLE:
		v->real = real_of(cursor_le(c, 8));
		break;
	case T_UUID:
		v->uuid = cursor_take(c, UUID_BYTES);
		break;
	case T_STRUCT:
		break;
	case T_MAP:
		compact_map(r, c, v);
		break;
	default:
		compact_list(r, c, v);
	}
}

#endif
