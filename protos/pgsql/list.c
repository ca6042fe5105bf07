/*
 * The statements of one text, divided by semicolons that stand neither in quotes, comments,
 * parentheses nor in the body of a function of standard SQL (BEGIN ATOMIC … END).
 *
 * The server's grammar decides this with all it knows; a reading word by word as psql has it is
 * enough for what clients send.
 *
 * Source   PostgreSQL 17 manual section 4.1 "Lexical Structure"; psql's manual page on semicolons
 * Errors   none: what does not end is one statement
 */
#include "protos/pgsql/pgsql.h"

struct lexer {
	struct bytes text;
	size_t at;
	bool escapes;
	unsigned words;	 /* of the statement so far */
	bool create;	 /* it begins with CREATE */
	bool routine;	 /* CREATE [OR REPLACE] FUNCTION or PROCEDURE */
	unsigned blocks; /* BEGIN and CASE that are open in it */
	unsigned parens;
};

static uint8_t peek(const struct lexer *l, size_t ahead)
{
	return l->at + ahead < l->text.len ? l->text.at[l->at + ahead] : 0;
}

static bool is_word_start(uint8_t c)
{
	return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '_' || c >= 0x80;
}

static bool is_word(uint8_t c)
{
	return is_word_start(c) || (c >= '0' && c <= '9') || c == '$';
}

static void skip_quoted(struct lexer *l, uint8_t quote, bool escapes)
{
	for (l->at++; l->at < l->text.len; l->at++) {
		uint8_t c = l->text.at[l->at];

		if (c == '\\' && escapes)
			l->at++;
		else if (c == quote && peek(l, 1) == quote)
			l->at++;
		else if (c == quote)
			break;
	}
	l->at++;
}

static void skip_comment(struct lexer *l)
{
	unsigned depth = 1;

	for (l->at += 2; l->at < l->text.len && depth > 0; l->at++) {
		uint8_t c = l->text.at[l->at];

		if (c == '/' && peek(l, 1) == '*') {
			depth++;
			l->at++;
		} else if (c == '*' && peek(l, 1) == '/') {
			depth--;
			l->at++;
		}
	}
}

/* $tag$ … $tag$, or a parameter such as $1. */
static void skip_dollar(struct lexer *l)
{
	size_t n = 1;
	struct bytes rest = bytes_skip(l->text, l->at);

	if (rest.len > 1 && is_word_start(rest.at[1]))
		while (n < rest.len && is_word(rest.at[n]) && rest.at[n] != '$')
			n++;
	if (n >= rest.len || rest.at[n] != '$') {
		l->at++;
		return;
	}
	struct bytes tag = bytes_head(rest, n + 1);
	const uint8_t *end =
		rest.len > 2 * tag.len - 1
			? memmem(rest.at + tag.len, rest.len - tag.len, tag.at, tag.len)
			: NULL;

	l->at = end ? (size_t)(end - l->text.at) + tag.len : l->text.len;
}

static void word(struct lexer *l)
{
	size_t from = l->at;

	while (l->at < l->text.len && is_word(l->text.at[l->at]))
		l->at++;
	struct bytes w = bytes_of(l->text.at + from, l->at - from);

	if (w.len == 1 && ascii_lower(w.at[0]) == 'e' && peek(l, 0) == '\'') {
		skip_quoted(l, '\'', true);
		return;
	}
	l->words++;
	if (l->words == 1)
		l->create = bytes_eq_case(w, BYTES("create"));
	else if (l->create && (l->words == 2 || l->words == 4) &&
		 (bytes_eq_case(w, BYTES("function")) || bytes_eq_case(w, BYTES("procedure"))))
		l->routine = true;
	else if (l->routine &&
		 (bytes_eq_case(w, BYTES("begin")) || bytes_eq_case(w, BYTES("case"))))
		l->blocks++;
	else if (l->routine && l->blocks > 0 && bytes_eq_case(w, BYTES("end")))
		l->blocks--;
}

/* Up to a semicolon; false at the text's end. */
static bool next_semicolon(struct lexer *l)
{
	while (l->at < l->text.len) {
		uint8_t c = l->text.at[l->at];

		if (is_word_start(c)) {
			word(l);
			continue;
		}
		switch (c) {
		case ';':
			if (l->parens == 0 && l->blocks == 0)
				return true;
			break;
		case '\'':
		case '"':
			skip_quoted(l, c, l->escapes && c == '\'');
			l->words++;
			continue;
		case '$':
			skip_dollar(l);
			continue;
		case '(':
			l->parens++;
			break;
		case ')':
			l->parens -= l->parens > 0;
			break;
		case '-':
			if (peek(l, 1) == '-')
				l->at += bytes_find(bytes_skip(l->text, l->at), '\n');
			break;
		case '/':
			if (peek(l, 1) == '*') {
				skip_comment(l);
				continue;
			}
			break;
		default:
			break;
		}
		l->at++;
	}
	l->at = l->text.len;
	return false;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Does anything but space, comments and semicolons stand here? */
static size_t skip_empty(struct bytes text, size_t at)
{
	struct lexer l = {.text = text, .at = at};

	while (l.at < text.len) {
		uint8_t c = text.at[l.at];

		if (c == '-' && peek(&l, 1) == '-')
			l.at += bytes_find(bytes_skip(text, l.at), '\n');
		else if (c == '/' && peek(&l, 1) == '*')
			skip_comment(&l);
		else if (is_space(c) || c == ';')
			l.at++;
		else
			break;
	}
	return l.at < text.len ? l.at : text.len;
}

size_t pg_list_first(struct bytes text, bool escapes, size_t *begin, size_t *next)
{
	struct lexer l = {.text = text, .escapes = escapes};
	size_t end = text.len;

	*begin = 0;
	while (*begin < end && is_space(text.at[*begin]))
		(*begin)++;
	*next = text.len;
	if (bytes_find(text, ';') < text.len) {
		size_t first = skip_empty(text, 0);

		/* Empty statements get no answer; a comment stays with what it stands before. */
		for (l.at = *begin; next_semicolon(&l);
		     l = (struct lexer){text, l.at + 1, escapes, 0, 0, 0, 0, 0}) {
			if (l.at >= first && first < text.len) {
				end = l.at;
				*next = skip_empty(text, l.at + 1);
				break;
			}
			*begin = l.at + 1;
			while (*begin < end && is_space(text.at[*begin]))
				(*begin)++;
		}
	}
	while (end > *begin && is_space(text.at[end - 1]))
		end--;
	return end - *begin;
}

/* What of a Query's text is its first statement, and what follows. */
void pg_list_divide(struct exchange *x, bool escapes)
{
	struct pgsql *p = x->own;
	struct clip *said = &x->said[CLIENT];
	struct bytes text = exchange_text(x, said);
	size_t begin, next;

	if (p->listed)
		return;
	p->listed = true;
	size_t len = pg_list_first(text, escapes, &begin, &next);

	p->rest =
		(struct clip){.at = said->at + (uint32_t)next, .len = (uint32_t)(text.len - next)};
	said->at += (uint32_t)begin;
	said->len = (uint32_t)len;
}

bool pg_list_has_more(struct exchange *x, bool escapes)
{
	pg_list_divide(x, escapes);
	return pgsql_of(x)->rest.len > 0;
}

void pg_list_statement(struct exchange *x, struct exchange *before, bool escapes)
{
	pg_list_divide(before, escapes);
	struct bytes rest = x->part < PG_LIST_MAX ? exchange_text(before, &pgsql_of(before)->rest)
						  : NO_BYTES; /* each one copies what follows it */

	if (rest.len == 0)
		x->notes |= PG_NOTE_UNKNOWN;
	clip_add(&x->said[CLIENT], &x->kept, rest, rest.len);
	x->notes |= before->notes & NOTE_TRIMMED;
}
