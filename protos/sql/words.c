#include "protos/sql/words.h"

enum { WORD_MIN = 2, WORD_MAX = 12, SLOTS = 256 };

/* A word's place: factors with which no two of them meet, as the compiler checks. */
#define SLOT(first, second, last, len) \
	(((first)*191u + (second)*116u + (last)*10u + (unsigned)(len)*145u) % SLOTS)

#define MEANS(first, second, last, word, meaning) \
	[SLOT(first, second, last, sizeof(word) - 1)] = {word, sizeof(word) - 1, meaning}

static const struct row {
	char text[WORD_MAX];
	uint8_t len, word;
} words[SLOTS] = {
	MEANS('i', 'n', 'n', "in", SQL_IN),
	MEANS('o', 'r', 'r', "or", SQL_PLAIN),
	MEANS('o', 'n', 'n', "on", SQL_ON),
	MEANS('a', 's', 's', "as", SQL_PLAIN),
	MEANS('b', 'y', 'y', "by", SQL_PLAIN),
	MEANS('i', 's', 's', "is", SQL_IS),
	MEANS('d', 'o', 'o', "do", SQL_DO),
	MEANS('i', 'f', 'f', "if", SQL_MODIFIER),
	MEANS('a', 'n', 'd', "and", SQL_PLAIN),
	MEANS('n', 'o', 't', "not", SQL_NOT),
	MEANS('s', 'e', 't', "set", SQL_SET),
	MEANS('f', 'o', 'r', "for", SQL_FOR),
	MEANS('a', 'n', 'y', "any", SQL_PLAIN),
	MEANS('a', 'l', 'l', "all", SQL_PLAIN),
	MEANS('r', 'o', 'w', "row", SQL_ROW),
	MEANS('k', 'e', 'y', "key", SQL_KEY),
	MEANS('a', 'd', 'd', "add", SQL_PLAIN),
	MEANS('f', 'r', 'm', "from", SQL_FROM),
	MEANS('j', 'o', 'n', "join", SQL_JOIN),
	MEANS('i', 'n', 'o', "into", SQL_INTO),
	MEANS('w', 'i', 'h', "with", SQL_WITH),
	MEANS('l', 'i', 'e', "like", SQL_PLAIN),
	MEANS('w', 'h', 'n', "when", SQL_PLAIN),
	MEANS('t', 'h', 'n', "then", SQL_PLAIN),
	MEANS('e', 'l', 'e', "else", SQL_PLAIN),
	MEANS('c', 'a', 'e', "case", SQL_PLAIN),
	MEANS('o', 'v', 'r', "over", SQL_PLAIN),
	MEANS('s', 'o', 'e', "some", SQL_PLAIN),
	MEANS('d', 'r', 'p', "drop", SQL_PLAIN),
	MEANS('s', 'h', 'w', "show", SQL_SHOW),
	MEANS('l', 'o', 'k', "lock", SQL_LOCK),
	MEANS('c', 'o', 'y', "copy", SQL_NAMING),
	MEANS('d', 'e', 'c', "desc", SQL_NAMING),
	MEANS('o', 'n', 'y', "only", SQL_MODIFIER),
	MEANS('f', 'u', 'l', "full", SQL_MODIFIER),
	MEANS('w', 'h', 'e', "where", SQL_ENDS),
	MEANS('l', 'i', 't', "limit", SQL_ENDS),
	MEANS('o', 'r', 'r', "order", SQL_ENDS),
	MEANS('g', 'r', 'p', "group", SQL_ENDS),
	MEANS('u', 'n', 'n', "union", SQL_ENDS),
	MEANS('f', 'e', 'h', "fetch", SQL_ENDS),
	MEANS('t', 'a', 'e', "table", SQL_TABLE),
	MEANS('u', 's', 'g', "using", SQL_PLAIN),
	MEANS('a', 'r', 'y', "array", SQL_ARRAY),
	MEANS('v', 'a', 'e', "value", SQL_VALUES),
	MEANS('a', 'l', 'r', "alter", SQL_ALTER),
	MEANS('m', 'e', 'e', "merge", SQL_MERGE),
	MEANS('i', 'n', 'x', "index", SQL_INDEX),
	MEANS('q', 'u', 'k', "quick", SQL_MODIFIER),
	MEANS('l', 'o', 'l', "local", SQL_MODIFIER),
	MEANS('s', 'e', 't', "select", SQL_SELECT),
	MEANS('i', 'n', 't', "insert", SQL_INSERT),
	MEANS('u', 'p', 'e', "update", SQL_UPDATE),
	MEANS('d', 'e', 'e', "delete", SQL_DELETE),
	MEANS('v', 'a', 's', "values", SQL_VALUES),
	MEANS('h', 'a', 'g', "having", SQL_ENDS),
	MEANS('w', 'i', 'w', "window", SQL_ENDS),
	MEANS('o', 'f', 't', "offset", SQL_ENDS),
	MEANS('e', 'x', 't', "except", SQL_ENDS),
	MEANS('e', 'x', 's', "exists", SQL_MODIFIER),
	MEANS('i', 'g', 'e', "ignore", SQL_MODIFIER),
	MEANS('c', 'r', 'e', "create", SQL_CREATE),
	MEANS('t', 'a', 's', "tables", SQL_TABLES),
	MEANS('r', 'e', 'n', "return", SQL_PLAIN),
	MEANS('f', 'i', 'r', "filter", SQL_PLAIN),
	MEANS('u', 'n', 'e', "unique", SQL_PLAIN),
	MEANS('b', 'e', 'n', "between", SQL_PLAIN),
	MEANS('r', 'e', 'e', "replace", SQL_REPLACE),
	MEANS('l', 'a', 'l', "lateral", SQL_MODIFIER),
	MEANS('d', 'e', 'd', "delayed", SQL_MODIFIER),
	MEANS('d', 'e', 't', "default", SQL_PLAIN),
	MEANS('p', 'r', 'y', "primary", SQL_PLAIN),
	MEANS('o', 'u', 'e', "outfile", SQL_PLAIN),
	MEANS('t', 'r', 'e', "truncate", SQL_NAMING),
	MEANS('d', 'e', 'e', "describe", SQL_NAMING),
	MEANS('d', 'i', 't', "distinct", SQL_DISTINCT),
	MEANS('i', 'n', 'l', "interval", SQL_PLAIN),
	MEANS('d', 'u', 'e', "dumpfile", SQL_PLAIN),
	MEANS('e', 'x', 'd', "extended", SQL_MODIFIER),
	MEANS('r', 'e', 'g', "returning", SQL_ENDS),
	MEANS('i', 'n', 't', "intersect", SQL_ENDS),
	MEANS('l', 'o', 'y', "low_priority", SQL_MODIFIER),
	MEANS('c', 'o', 'y', "concurrently", SQL_MODIFIER),
	MEANS('n', 'u', 'l', "null", SQL_NULL),
	MEANS('t', 'r', 'e', "true", SQL_TRUTH),
	MEANS('f', 'a', 'e', "false", SQL_TRUTH),
};

/* Compares 12 bytes, of which the first `len` count. */
static bool same(const char *word, const uint8_t *lower, size_t len)
{
	static const uint8_t ones[2 * WORD_MAX] = {255, 255, 255, 255, 255, 255,
						   255, 255, 255, 255, 255, 255};
	const uint8_t *mask = ones + WORD_MAX - len;
	uint64_t a, b, m;
	uint32_t c, d, n;

	memcpy(&a, word, sizeof(a));
	memcpy(&b, lower, sizeof(b));
	memcpy(&m, mask, sizeof(m));
	memcpy(&c, word + sizeof(a), sizeof(c));
	memcpy(&d, lower + sizeof(a), sizeof(d));
	memcpy(&n, mask + sizeof(a), sizeof(n));
	return ((a ^ b) & m) == 0 && ((c ^ d) & n) == 0;
}

enum sql_word sql_word_of(const uint8_t *lower, size_t len)
{
	if (len < WORD_MIN || len > WORD_MAX)
		return SQL_OTHER;
	const struct row *row = &words[SLOT(lower[0], lower[1], lower[len - 1], len)];

	if (row->len != len)
		return SQL_OTHER;
	return same(row->text, lower, len) ? (enum sql_word)row->word : SQL_OTHER;
}

/* ---- Names of tables ---- */

/* The name just read is whole: a table named twice stands once. */
void sql_words_end(struct sql_words *w)
{
	struct bytes name = bytes_of(w->tables + w->name_at, w->tables_len - w->name_at);
	size_t at = 0;

	w->naming = false;
	while (at < w->name_at) {
		struct bytes before = bytes_of(w->tables + at, w->name_at - 1 - at);
		struct bytes other = bytes_head(before, bytes_find(before, ','));

		if (bytes_eq(other, name)) {
			w->tables_len = w->name_at - 1;
			return;
		}
		at += other.len + 1;
	}
}

static void forget_name(struct sql_words *w)
{
	w->naming = false;
	w->tables_len = w->name_at > 0 ? w->name_at - 1 : 0;
}

/* A name that does not fit is left out whole. */
void sql_words_name(struct sql_words *w, struct bytes name)
{
	bool more = w->expect && w->naming;

	w->last = SQL_OTHER;
	if (w->naming && !more)
		sql_words_end(w);
	if (!w->expect)
		return;
	w->expect = false;
	if (name.len + 2 > SQL_TABLES_MAX - w->tables_len) {
		if (more)
			forget_name(w);
		return;
	}
	if (!more) {
		if (w->tables_len > 0)
			w->tables[w->tables_len++] = ',';
		w->name_at = w->tables_len;
	}
	if (name.len > 0)
		memcpy(w->tables + w->tables_len, name.at, name.len);
	w->tables_len += name.len;
	w->naming = true;
}

void sql_words_point(struct sql_words *w)
{
	w->last = SQL_OTHER;
	if (w->naming && w->tables_len < SQL_TABLES_MAX) {
		w->tables[w->tables_len++] = '.';
		w->expect = true;
	}
}

/* A subquery, or a function: neither is a table. */
void sql_words_open(struct sql_words *w)
{
	if (w->naming && (w->reason == SQL_FROM || w->reason == SQL_JOIN))
		forget_name(w);
	sql_words_other(w);
}

void sql_words_close(struct sql_words *w, unsigned depth)
{
	sql_words_other(w);
	w->verbs &= ~(~UINT64_C(0) << depth);
	w->lists &= ~(~UINT64_C(0) << depth);
}

void sql_words_comma(struct sql_words *w, unsigned depth)
{
	sql_words_other(w);
	w->expect = w->lists >> depth & 1;
}

void sql_words_next(struct sql_words *w)
{
	sql_words_other(w);
	w->verbs = w->lists = 0;
	w->index = false;
}

/* ---- Words ---- */

static void take_method(struct sql_words *w, enum sql_word word, struct bytes text)
{
	struct bytes head = bytes_head(text, SQL_METHOD_MAX);

	for (size_t i = 0; i < head.len; i++) {
		uint8_t c = head.at[i];

		w->method[i] = c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
	}
	w->method_len = head.len;
	w->verb = word;
	w->index = false;
}

static void expect(struct sql_words *w, enum sql_word reason, unsigned depth, bool list)
{
	w->expect = true;
	w->reason = reason;
	if (list)
		w->lists |= UINT64_C(1) << depth;
}

static void act(struct sql_words *w, enum sql_word word, bool first, unsigned depth)
{
	uint64_t bit = UINT64_C(1) << depth;

	switch (word) {
	case SQL_SELECT:
	case SQL_DELETE:
	case SQL_SHOW:
		w->verbs |= bit;
		w->lists &= ~bit;
		break;
	case SQL_INSERT:
	case SQL_REPLACE:
	case SQL_MERGE:
	case SQL_INTO:
		expect(w, SQL_INTO, depth, false);
		w->lists &= ~bit;
		break;
	case SQL_UPDATE: /* not FOR UPDATE, ON UPDATE, ON DUPLICATE KEY UPDATE, DO UPDATE */
		if (w->last != SQL_FOR && w->last != SQL_ON && w->last != SQL_KEY &&
		    w->last != SQL_DO)
			expect(w, SQL_UPDATE, depth, true);
		w->verbs |= bit;
		break;
	case SQL_FROM:
		if (w->verbs & bit && w->last != SQL_DISTINCT)
			expect(w, SQL_FROM, depth, true);
		break;
	case SQL_JOIN:
		expect(w, SQL_JOIN, depth, false);
		break;
	case SQL_TABLE:
		expect(w, SQL_TABLE, depth, w->verb != SQL_ALTER && w->verb != SQL_CREATE);
		break;
	case SQL_TABLES:
		if (w->verb == SQL_LOCK)
			expect(w, SQL_TABLE, depth, true);
		else if (w->verb == SQL_SHOW) /* FROM names a schema */
			w->verbs &= ~bit;
		break;
	case SQL_NAMING:
		if (first)
			expect(w, SQL_TABLE, depth, true);
		break;
	case SQL_INDEX:
		w->index = w->verb == SQL_CREATE;
		break;
	case SQL_ON:
		if (w->index)
			expect(w, SQL_TABLE, depth, false);
		w->index = false;
		break;
	case SQL_ENDS:
	case SQL_SET:
	case SQL_VALUES:
	case SQL_FOR:
		w->lists &= ~bit;
		break;
	default:
		break;
	}
}

void sql_words_word(struct sql_words *w, enum sql_word word, struct bytes text, unsigned depth)
{
	bool first = w->method_len == 0;

	if (first || (w->verb == SQL_WITH && depth == 0 &&
		      ((word >= SQL_SELECT && word <= SQL_MERGE) || word == SQL_VALUES)))
		take_method(w, word, text);
	if (w->expect && (word < SQL_PLAIN || w->naming)) {
		sql_words_name(w, text);
		return;
	}
	if (w->naming)
		sql_words_end(w);
	if (w->expect) {
		if (word == SQL_MODIFIER || word == SQL_NOT || word == SQL_TABLE ||
		    word == SQL_INTO) {
			w->last = word;
			return;
		}
		w->expect = false;
	}
	if (word != SQL_OTHER)
		act(w, word, first, depth);
	w->last = word;
}
