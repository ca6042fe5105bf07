/*
 * An answer to a bulk request, read in blocks of exactly `cut` bytes (0: whole), each on the heap
 * so that a sanitizer sees reads past its end.
 */
#ifndef WIRESPAN_TESTS_ANSWER_PIECES_H
#define WIRESPAN_TESTS_ANSWER_PIECES_H

#include "outputs/elasticsearch/answer.h"

#include <stdlib.h>

static inline void answer_in_pieces(struct answer *a, struct bytes rest, size_t expected,
				    size_t cut)
{
	answer_begin(a, expected);
	while (rest.len > 0) {
		size_t n = cut > 0 && cut < rest.len ? cut : rest.len;
		uint8_t *block = malloc(n);

		memcpy(block, rest.at, n);
		bool more = answer_more(a, bytes_of(block, n));

		free(block);
		if (!more)
			break;
		rest = bytes_skip(rest, n);
	}
	answer_end(a);
}

#endif
