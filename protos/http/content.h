/*
 * Content codings: gzip, deflate (with and without its zlib frame), br and zstd, also one in the
 * other.
 *
 * Source   RFC 9110 section 8.4.1, RFC 7932 (br), RFC 8878 and RFC 9659 (zstd and its window)
 * Errors   a broken stream gives what it held up to there, and false
 */
#ifndef WIRESPAN_HTTP_CONTENT_H
#define WIRESPAN_HTTP_CONTENT_H

#include "shipper/base/buf.h"

enum { CODINGS_MAX = 4 };

enum coding { CODING_GZIP = 1, CODING_DEFLATE, CODING_BR, CODING_ZSTD, CODING_UNKNOWN };

/* In the order in which they were applied. */
struct codings {
	uint8_t at[CODINGS_MAX];
	uint8_t count;
};

/* Adds what a Content-Encoding or Transfer-Encoding value lists, but for identity and chunked.
 * Returns whether chunked came last. */
bool codings_add(struct codings *codings, struct bytes value);

/* Appends the decoded text to `out`, at most `limit` bytes; *cut when there would be more. */
bool content_decode(const struct codings *codings, struct bytes in, struct buf *out, size_t limit,
		    bool *cut);

#endif
