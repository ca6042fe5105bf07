/*
 * Texts that occur again and again, each with a number. A text belongs to a type (a number too),
 * and the same text of two types is two.
 *
 * Number 0 is no text. When there are too many, those that matter least are given up: what they
 * stood for then goes by the number of "others" of their type.
 *
 * Owns     its texts, which are cut at WORD_BYTES_MAX
 */
#ifndef WIRESPAN_OUTPUTS_REPORT_WORDS_H
#define WIRESPAN_OUTPUTS_REPORT_WORDS_H

#include "shipper/base/bytes.h"

enum { WORD_BYTES_MAX = 400, WORDS_MAX = 1 << 14 };

struct word {
	uint64_t hash[2]; /* of the whole text */
	char *text;	  /* NULL: others */
	uint16_t len;
	uint8_t type;
	bool cut;
};

struct words {
	struct word *at; /* [0] is unused */
	size_t count;
	size_t room;
	uint32_t *index; /* by hash; a number, or 0 */
	uint64_t folded; /* texts given up */
};

void words_init(struct words *words);
void words_fini(struct words *words);

/* Its number. There must be room: count is below WORDS_MAX. */
uint16_t words_add(struct words *words, uint8_t type, struct bytes text);

/* Gives up all but those with keep[number]; renamed[number] is the new number of each. */
void words_fold(struct words *words, const bool *keep, uint16_t *renamed);

#endif
