#include "protos/http/content.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

enum { STEP_BYTES = 16 << 10, ZSTD_WINDOW_LOG_MAX = 23 };

static enum coding coding_of(struct bytes name)
{
	if (bytes_eq_case(name, BYTES("gzip")) || bytes_eq_case(name, BYTES("x-gzip")))
		return CODING_GZIP;
	if (bytes_eq_case(name, BYTES("deflate")))
		return CODING_DEFLATE;
	if (bytes_eq_case(name, BYTES("br")))
		return CODING_BR;
	if (bytes_eq_case(name, BYTES("zstd")))
		return CODING_ZSTD;
	return CODING_UNKNOWN;
}

bool codings_add(struct codings *codings, struct bytes value)
{
	bool chunked = false;

	while (value.len > 0) {
		size_t n = bytes_find(value, ',');
		struct bytes part = bytes_head(value, n);
		struct bytes name = bytes_trim(bytes_head(part, bytes_find(part, ';')));

		value = bytes_skip(value, n + 1);
		if (name.len == 0)
			continue;
		chunked = bytes_eq_case(name, BYTES("chunked"));
		if (chunked || bytes_eq_case(name, BYTES("identity")))
			continue;
		if (codings->count < CODINGS_MAX)
			codings->at[codings->count++] = (uint8_t)coding_of(name);
		else
			codings->at[CODINGS_MAX - 1] = CODING_UNKNOWN;
	}
	return chunked;
}

/* Where the next piece of text goes, and how much of it may. */
static uint8_t *room(struct buf *out, size_t from, size_t limit, size_t *n)
{
	size_t have = out->len - from;

	*n = limit - have < STEP_BYTES ? limit - have : STEP_BYTES;
	return buf_room(out, *n);
}

static bool inflate_all(struct bytes in, struct buf *out, size_t limit, bool *cut, int window)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)in.at, .avail_in = (uInt)in.len};
	size_t from = out->len;
	int rc = Z_OK;

	if (inflateInit2(&z, window) != Z_OK)
		return false;
	while (rc == Z_OK && z.avail_in > 0) {
		size_t n;
		uint8_t *to = room(out, from, limit, &n);

		if (n == 0) {
			*cut = true;
			break;
		}
		z.next_out = to;
		z.avail_out = (uInt)n;
		rc = inflate(&z, Z_NO_FLUSH);
		out->len += n - z.avail_out;
		if (rc == Z_STREAM_END && window > MAX_WBITS && z.avail_in > 0)
			rc = inflateReset(&z); /* gzip may have members */
	}
	inflateEnd(&z);
	return rc == Z_STREAM_END || *cut;
}

static bool is_zlib(struct bytes in)
{
	return in.len >= 2 && (in.at[0] & 0x0f) == Z_DEFLATED &&
	       (in.at[0] << 8 | in.at[1]) % 31 == 0;
}

static bool brotli_all(struct bytes in, struct buf *out, size_t limit, bool *cut)
{
	BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);
	BrotliDecoderResult rc = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
	size_t from = out->len, left = in.len;
	const uint8_t *at = in.at;

	while (state && rc == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
		size_t n;
		uint8_t *to = room(out, from, limit, &n);
		size_t free_bytes = n;

		if (n == 0) {
			*cut = true;
			break;
		}
		rc = BrotliDecoderDecompressStream(state, &left, &at, &free_bytes, &to, NULL);
		out->len += n - free_bytes;
	}
	BrotliDecoderDestroyInstance(state);
	return rc == BROTLI_DECODER_RESULT_SUCCESS || *cut;
}

static bool zstd_all(struct bytes in, struct buf *out, size_t limit, bool *cut)
{
	ZSTD_DCtx *state = ZSTD_createDCtx();
	ZSTD_inBuffer from_in = {in.at, in.len, 0};
	size_t from = out->len, rc = 1;

	if (state == NULL)
		return false;
	ZSTD_DCtx_setParameter(state, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
	for (;;) {
		size_t n;
		uint8_t *at = room(out, from, limit, &n);
		ZSTD_outBuffer to = {at, n, 0};

		if (n == 0) {
			*cut = true;
			break;
		}
		rc = ZSTD_decompressStream(state, &to, &from_in);
		out->len += to.pos;
		if (ZSTD_isError(rc) || (from_in.pos == from_in.size && to.pos < to.size))
			break;
	}
	ZSTD_freeDCtx(state);
	return rc == 0 || *cut;
}

static bool decode_one(uint8_t coding, struct bytes in, struct buf *out, size_t limit, bool *cut)
{
	switch (coding) {
	case CODING_GZIP:
		return inflate_all(in, out, limit, cut, MAX_WBITS + 16);
	case CODING_DEFLATE: /* many servers send it without the frame that RFC 9110 asks for */
		return inflate_all(in, out, limit, cut, is_zlib(in) ? MAX_WBITS : -MAX_WBITS);
	case CODING_BR:
		return brotli_all(in, out, limit, cut);
	case CODING_ZSTD:
		return zstd_all(in, out, limit, cut);
	}
	return false;
}

bool content_decode(const struct codings *codings, struct bytes in, struct buf *out, size_t limit,
		    bool *cut)
{
	struct buf stage = {0};
	bool good = true;

	for (unsigned i = codings->count; i > 0; i--) {
		struct buf next = {0};
		struct buf *to = i == 1 ? out : &next;

		size_t from = to->len;

		/* One byte more than allowed tells a text that ends at the limit from a cut one. */
		good &= decode_one(codings->at[i - 1], in, to, limit + 1, cut);
		if (to->len - from > limit) {
			to->len = from + limit;
			*cut = true;
		}
		buf_fini(&stage);
		stage = next;
		in = buf_bytes(&stage);
	}
	buf_fini(&stage);
	if (codings->count == 0)
		buf_add(out, bytes_head(in, limit));
	return good;
}
