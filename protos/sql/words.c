#include "protos/sql/words.h"

enum { WORD_MIN = 2, WORD_MAX = 12, ROWS = 20 };

struct row {
	char text[16];
	enum sql_word word;
};

/* By length. */
static const struct row words[WORD_MAX + 1][ROWS] = {
	[2] = {{"in", SQL_IN},
	       {"or", SQL_PLAIN},
	       {"on", SQL_ON},
	       {"as", SQL_PLAIN},
	       {"by", SQL_PLAIN},
	       {"is", SQL_IS},
	       {"do", SQL_DO},
	       {"if", SQL_MODIFIER}},
	[3] = {{"and", SQL_PLAIN},
	       {"not", SQL_NOT},
	       {"set", SQL_SET},
	       {"for", SQL_FOR},
	       {"any", SQL_PLAIN},
	       {"all", SQL_PLAIN},
	       {"row", SQL_ROW},
	       {"key", SQL_KEY},
	       {"add", SQL_PLAIN}},
	[4] = {{"from", SQL_FROM},
	       {"join", SQL_JOIN},
	       {"into", SQL_INTO},
	       {"with", SQL_WITH},
	       {"like", SQL_PLAIN},
	       {"when", SQL_PLAIN},
	       {"then", SQL_PLAIN},
	       {"else", SQL_PLAIN},
	       {"case", SQL_PLAIN},
	       {"over", SQL_PLAIN},
	       {"some", SQL_PLAIN},
	       {"drop", SQL_PLAIN},
	       {"show", SQL_SHOW},
	       {"lock", SQL_LOCK},
	       {"copy", SQL_NAMING},
	       {"desc", SQL_NAMING},
	       {"only", SQL_MODIFIER},
	       {"full", SQL_MODIFIER}},
	[5] = {{"where", SQL_ENDS},
	       {"limit", SQL_ENDS},
	       {"order", SQL_ENDS},
	       {"group", SQL_ENDS},
	       {"union", SQL_ENDS},
	       {"fetch", SQL_ENDS},
	       {"table", SQL_TABLE},
	       {"using", SQL_PLAIN},
	       {"array", SQL_ARRAY},
	       {"value", SQL_VALUES},
	       {"alter", SQL_ALTER},
	       {"merge", SQL_MERGE},
	       {"index", SQL_INDEX},
	       {"quick", SQL_MODIFIER},
	       {"local", SQL_MODIFIER}},
	[6] = {{"select", SQL_SELECT},
	       {"insert", SQL_INSERT},
	       {"update", SQL_UPDATE},
	       {"delete", SQL_DELETE},
	       {"values", SQL_VALUES},
	       {"having", SQL_ENDS},
	       {"window", SQL_ENDS},
	       {"offset", SQL_ENDS},
	       {"except", SQL_ENDS},
	       {"exists", SQL_MODIFIER},
	       {"ignore", SQL_MODIFIER},
	       {"create", SQL_CREATE},
	       {"tables", SQL_TABLES},
	       {"return", SQL_PLAIN},
	       {"filter", SQL_PLAIN},
	       {"unique", SQL_PLAIN}},
	[7] = {{"between", SQL_PLAIN},
	       {"replace", SQL_REPLACE},
	       {"lateral", SQL_MODIFIER},
	       {"delayed", SQL_MODIFIER},
	       {"default", SQL_PLAIN},
	       {"primary", SQL_PLAIN},
	       {"outfile", SQL_PLAIN}},
	[8] = {{"truncate", SQL_NAMING},
	       {"describe", SQL_NAMING},
	       {"distinct", SQL_DISTINCT},
	       {"interval", SQL_PLAIN},
	       {"dumpfile", SQL_PLAIN},
	       {"extended", SQL_MODIFIER}},
	[9] = {{"returning", SQL_ENDS}, {"intersect", SQL_ENDS}},
	[12] = {{"low_priority", SQL_MODIFIER}, {"concurrently", SQL_MODIFIER}},
};

static uint64_t first_eight(const uint8_t *text)
{
	uint64_t n;

	memcpy(&n, text, sizeof(n));
	return n;
}

enum sql_word sql_word_of(const uint8_t *lower, size_t len)
{
	static const uint8_t ones[16] = {255, 255, 255, 255, 255, 255, 255, 255};

	if (len < WORD_MIN || len > WORD_MAX)
		return SQL_OTHER;
	uint64_t head = first_eight(lower);

	if (len < 8)
		head &= first_eight(ones + 8 - len);
	for (const struct row *row = words[len]; row < words[len] + ROWS && row->text[0]; row++)
		if (first_eight((const uint8_t *)row->text) == head &&
		    (len <= 8 || memcmp(row->text + 8, lower + 8, len - 8) == 0))
			return row->word;
	return SQL_OTHER;
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
