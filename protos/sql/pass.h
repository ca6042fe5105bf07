/*
 * A fingerprint in the making: what its two files share. Nobody else includes this.
 *
 *   fingerprint.c   tokens, and what is written of them
 *   skip.c          comments, strings and rows that are passed over
 */
#ifndef WIRESPAN_SQL_PASS_H
#define WIRESPAN_SQL_PASS_H

#include "protos/sql/fingerprint.h"

/* What a byte begins, as a letter: see sql_kinds. Those from WORD to DOLLAR may continue a word. */
enum kind {
	WORD = 'a',
	DIGIT = 'b',
	DOLLAR = 'c',
	SPACE = ' ',
	OPERATOR = 'o', /* and all that means nothing */
	QUOTE = 'q',
	DOUBLE_QUOTE = 'Q',
	BACK_QUOTE = 'r',
	OPEN = '(',
	CLOSE = ')',
	COMMA = ',',
	SEMICOLON = ';',
	POINT = '.',
	SIGN = '+',
	SLASH = '/',
	HASH = '#',
	COLON = ':',
	QUESTION = '?',
	BRACKET = '[',
	BRACKET_END = ']',
};

/* An enum kind for each byte. */
extern const char sql_kinds[256 + 1];

/* What was written last, as far as spaces and signs depend on it. Behind those up to AFTER_WORD a
 * sign belongs to the number. */
enum after {
	AT_START,
	AFTER_OPEN,
	AFTER_POINT,
	AFTER_OPERATOR,
	AFTER_PLAIN,
	AFTER_WORD,
	AFTER_LITERAL,
	AFTER_CLOSE
};

struct pass {
	const uint8_t *at, *end;
	uint8_t *out, *limit;
	struct sql_words *words;
	bool mysql, escapes;
	enum after after;
	bool comma, semicolon; /* read, not yet written */
	bool conditional;      /* within a conditional comment of MySQL */
	bool after_row;	       /* what was written last is a row, further ones go */
	unsigned depth;
	uint64_t lists; /* depths at which runs of literals become one */
	uint64_t rows;	/* depths that a row opened */
};

static inline char kind_of(uint8_t c)
{
	return sql_kinds[c];
}

static inline uint8_t look(const struct pass *p, size_t n)
{
	return n < (size_t)(p->end - p->at) ? p->at[n] : 0;
}

static inline bool in_word(uint8_t c)
{
	return kind_of(c) >= WORD && kind_of(c) <= DOLLAR;
}

/* Eight bytes, the first of them the lowest. */
static inline uint64_t eight_at(const uint8_t *at)
{
	uint64_t n;

	memcpy(&n, at, sizeof(n));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	n = __builtin_bswap64(n);
#endif
	return n;
}

static inline void eight_to(uint8_t *to, uint64_t n)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	n = __builtin_bswap64(n);
#endif
	memcpy(to, &n, sizeof(n));
}

#define EIGHT(c) (UINT64_C(0x0101010101010101) * (uint8_t)(c))

/* From behind the opening quote to behind the closing one. */
void pass_quoted(struct pass *p, uint8_t quote, bool escapes);
/* $tag$ … $tag$; false when it is none. */
bool pass_dollars(struct pass *p);
/* Comments that begin here; false when there is none. MySQL executes what conditional ones hold. */
bool pass_comment(struct pass *p);
/* A further row, to behind its ')'. */
void pass_row(struct pass *p);

#endif
