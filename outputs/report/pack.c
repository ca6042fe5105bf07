#include "outputs/report/pack.h"

#include <libdeflate.h>
#include <stdlib.h>

#include "shipper/base/must.h"

enum { TIME_BYTES = 4, TOOK_BYTES = 3, NUMBER_BYTES = 2, SIZE_BYTES = 2, COUNT_BYTES = 6 };
enum { LEVEL = 9, NO_TIME = 0xffffff };

void pack_column(struct buf *out, const uint64_t *numbers, size_t count, unsigned width)
{
	uint8_t *to;

	if (count == 0)
		return;
	to = buf_room(out, count * width);
	for (unsigned plane = 0; plane < width; plane++)
		for (size_t i = 0; i < count; i++)
			*to++ = (uint8_t)(numbers[i] >> (8 * plane));
	out->len += count * width;
}

/* The upper bits of a float, so many, without its sign. */
static uint64_t short_float(double took, unsigned width)
{
	float value = (float)took;
	uint32_t bits;

	if (took < 0)
		return NO_TIME;
	memcpy(&bits, &value, sizeof(bits));
	return (2 * (uint64_t)bits + (1U << (31 - width))) >> (32 - width);
}

void pack_rows(struct buf *out, const struct rows *r, nsec origin, nsec tick, bool counts)
{
	uint64_t *numbers = must_alloc((r->count + 1) * sizeof(numbers[0]));
	uint64_t before = 0;

	for (size_t i = 0; i < r->count; i++) {
		uint64_t now = (uint64_t)((r->at[i].at - origin) / tick);

		numbers[i] = now - before;
		before = now;
	}
	pack_column(out, numbers, r->count, TIME_BYTES);
	for (size_t i = 0; i < r->count; i++)
		numbers[i] = short_float(r->at[i].took, 8 * TOOK_BYTES);
	pack_column(out, numbers, r->count, TOOK_BYTES);
	for (int dimension = 0; dimension < BY_COUNT; dimension++) {
		for (size_t i = 0; i < r->count; i++)
			numbers[i] = r->at[i].by[dimension];
		pack_column(out, numbers, r->count, NUMBER_BYTES);
	}
	for (size_t i = 0; i < r->count; i++)
		numbers[i] = short_float((double)r->at[i].bytes, 8 * SIZE_BYTES);
	pack_column(out, numbers, r->count, SIZE_BYTES);
	for (size_t i = 0; i < r->count; i++)
		numbers[i] = r->at[i].count;
	if (counts)
		pack_column(out, numbers, r->count, COUNT_BYTES);
	free(numbers);
}

void pack_base64(struct buf *out, struct bytes raw)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t *to;

	if (raw.len == 0)
		return;
	to = buf_room(out, (raw.len + 2) / 3 * 4);
	for (size_t i = 0; i < raw.len; i += 3) {
		size_t left = raw.len - i;
		uint32_t three = (uint32_t)raw.at[i] << 16 |
				 (left > 1 ? (uint32_t)raw.at[i + 1] << 8 : 0) |
				 (left > 2 ? raw.at[i + 2] : 0U);

		*to++ = (uint8_t)digits[three >> 18];
		*to++ = (uint8_t)digits[three >> 12 & 63];
		*to++ = left > 1 ? (uint8_t)digits[three >> 6 & 63] : '=';
		*to++ = left > 2 ? (uint8_t)digits[three & 63] : '=';
	}
	out->len += (raw.len + 2) / 3 * 4;
}

void pack_deflated(struct buf *out, struct bytes raw)
{
	struct libdeflate_compressor *packer = libdeflate_alloc_compressor(LEVEL);
	uint8_t *small;
	size_t room;

	must(packer != NULL);
	room = libdeflate_zlib_compress_bound(packer, raw.len);
	small = must_alloc(room);
	room = libdeflate_zlib_compress(packer, raw.len > 0 ? raw.at : small, raw.len, small, room);
	must(room > 0);
	pack_base64(out, bytes_of(small, room));
	free(small);
	libdeflate_free_compressor(packer);
}
