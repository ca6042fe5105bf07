/*
 * What the words of a statement say: its verb, and the tables that it names.
 *
 * A cheap reading, word by word, that knows where table names stand (behind FROM, JOIN, INTO,
 * UPDATE, TABLE and a few more, and the commas that continue such a list) and nothing of the rest
 * of the language. A common table expression counts as a table; a function in FROM does not.
 *
 * Owns     nothing
 * Errors   none: what it does not understand names no table
 */
#ifndef WIRESPAN_SQL_WORDS_H
#define WIRESPAN_SQL_WORDS_H

#include "shipper/base/bytes.h"

enum { SQL_METHOD_MAX = 32, SQL_TABLES_MAX = 256, SQL_DEPTH_MAX = 64 };

/* Words that matter. Those from SQL_PLAIN on never are the name of a table. */
enum sql_word {
	SQL_OTHER,
	SQL_NULL,
	SQL_TRUTH, /* TRUE, FALSE */
	SQL_ROW,
	SQL_ARRAY,
	SQL_INDEX,
	SQL_KEY,
	SQL_DO,
	SQL_TABLES,
	SQL_PLAIN, /* behind it a sign belongs to the number, and a space stands before '(' */
	SQL_ENDS,  /* no more tables in this FROM: WHERE, GROUP, … */
	SQL_SET,
	SQL_MODIFIER, /* may stand before a table's name: ONLY, IF, EXISTS, … */
	SQL_NOT,
	SQL_IS,
	SQL_IN,
	SQL_VALUES,
	SQL_FROM,
	SQL_JOIN,
	SQL_INTO,
	SQL_TABLE,
	SQL_ON,
	SQL_FOR,
	SQL_DISTINCT,
	SQL_WITH,
	SQL_SELECT, /* the verbs, in a row */
	SQL_INSERT,
	SQL_UPDATE,
	SQL_DELETE,
	SQL_REPLACE,
	SQL_MERGE,
	SQL_SHOW,
	SQL_NAMING, /* the table follows: TRUNCATE, COPY, DESCRIBE */
	SQL_LOCK,
	SQL_CREATE,
	SQL_ALTER,
};

/* Of a word of `len` bytes in lower case, with 12 readable bytes from `lower` on. */
enum sql_word sql_word_of(const uint8_t *lower, size_t len);

struct sql_words {
	uint8_t method[SQL_METHOD_MAX]; /* in upper case */
	uint8_t tables[SQL_TABLES_MAX]; /* as written, without quotes, divided by commas */
	size_t method_len, tables_len;
	/* ---- its own ---- */
	uint64_t verbs;	      /* depths at which a verb stands whose FROM names tables */
	uint64_t lists;	      /* depths at which a comma is followed by a table */
	enum sql_word verb;   /* of the method */
	enum sql_word last;   /* the word before, SQL_OTHER for anything else */
	enum sql_word reason; /* why a table is expected */
	bool expect;	      /* a table's name comes next */
	bool naming;	      /* a name was just read; a point may continue it */
	bool index;	      /* CREATE INDEX … ON */
	size_t name_at;	      /* where that name begins in `tables` */
};

/* The statement's parts in order; depth counts open parentheses, below SQL_DEPTH_MAX. */
void sql_words_word(struct sql_words *w, enum sql_word word, struct bytes text, unsigned depth);
void sql_words_name(struct sql_words *w, struct bytes name); /* quoted */
void sql_words_open(struct sql_words *w);
void sql_words_close(struct sql_words *w, unsigned depth);
void sql_words_comma(struct sql_words *w, unsigned depth);
void sql_words_point(struct sql_words *w);
void sql_words_next(struct sql_words *w); /* statement: a semicolon */
void sql_words_end(struct sql_words *w);

/* Anything else. */
static inline void sql_words_other(struct sql_words *w)
{
	w->last = SQL_OTHER;
	w->expect = false;
	if (w->naming)
		sql_words_end(w);
}

#endif
