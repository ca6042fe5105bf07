#include "protos/sql/fingerprint.h"

#include <limits.h>

/* What a byte begins. Those from WORD to DOLLAR may continue a word. */
enum kind {
	OPERATOR, /* and all that means nothing */
	SPACE,
	WORD,
	DIGIT,
	DOLLAR,
	QUOTE,
	DOUBLE_QUOTE,
	BACK_QUOTE,
	OPEN,
	CLOSE,
	COMMA,
	SEMICOLON,
	POINT,
	SIGN,
	SLASH,
	HASH,
	COLON,
	QUESTION,
	BRACKET,
	BRACKET_END,
};

#define FOUR(kind)    kind, kind, kind, kind
#define SIXTEEN(kind) FOUR(kind), FOUR(kind), FOUR(kind), FOUR(kind)

static const uint8_t kinds[256] = {
	/* 00 */ SPACE,
	OPERATOR,
	OPERATOR,
	OPERATOR,
	FOUR(OPERATOR),
	/* 08 */ OPERATOR,
	SPACE,
	SPACE,
	SPACE,
	SPACE,
	SPACE,
	OPERATOR,
	OPERATOR,
	/* 10 */ SIXTEEN(OPERATOR),
	/* ␣!"# */ SPACE,
	OPERATOR,
	DOUBLE_QUOTE,
	HASH,
	/* $%&' */ DOLLAR,
	OPERATOR,
	OPERATOR,
	QUOTE,
	/* ()*+ */ OPEN,
	CLOSE,
	OPERATOR,
	SIGN,
	/* ,-./ */ COMMA,
	SIGN,
	POINT,
	SLASH,
	/* 0-9  */ FOUR(DIGIT),
	FOUR(DIGIT),
	DIGIT,
	DIGIT,
	/* :;<=>? */ COLON,
	SEMICOLON,
	OPERATOR,
	OPERATOR,
	OPERATOR,
	QUESTION,
	/* @A-O */ OPERATOR,
	WORD,
	WORD,
	WORD,
	FOUR(WORD),
	FOUR(WORD),
	FOUR(WORD),
	/* P-Z  */ FOUR(WORD),
	FOUR(WORD),
	WORD,
	WORD,
	WORD,
	/* [\]^_ */ BRACKET,
	OPERATOR,
	BRACKET_END,
	OPERATOR,
	WORD,
	/* `a-o */ BACK_QUOTE,
	WORD,
	WORD,
	WORD,
	FOUR(WORD),
	FOUR(WORD),
	FOUR(WORD),
	/* p-z  */ FOUR(WORD),
	FOUR(WORD),
	WORD,
	WORD,
	WORD,
	/* {|}~ */ OPERATOR,
	OPERATOR,
	OPERATOR,
	OPERATOR,
	OPERATOR,
	/* 80   */ SIXTEEN(WORD),
	SIXTEEN(WORD),
	SIXTEEN(WORD),
	SIXTEEN(WORD),
	/* c0   */ SIXTEEN(WORD),
	SIXTEEN(WORD),
	SIXTEEN(WORD),
	SIXTEEN(WORD),
};

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
	uint8_t *out, *from, *limit;
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

static inline uint8_t look(const struct pass *p, size_t n)
{
	return n < (size_t)(p->end - p->at) ? p->at[n] : 0;
}

static inline bool in_word(uint8_t c)
{
	return kinds[c] >= WORD && kinds[c] <= DOLLAR;
}

static inline uint64_t bit(unsigned depth)
{
	return UINT64_C(1) << depth;
}

static inline void put(struct pass *p, uint8_t c)
{
	*p->out++ = c; /* the slack has room for all that one token puts by itself */
}

static void put_all(struct pass *p, struct bytes b)
{
	b = bytes_head(b, p->out < p->limit ? (size_t)(p->limit - p->out) : 0);
	if (b.len > 0)
		memcpy(p->out, b.at, b.len);
	p->out += b.len;
}

/* What stands between the last token and the next. */
static inline void lead(struct pass *p, bool space)
{
	p->after_row = false;
	if (p->semicolon) {
		p->semicolon = p->comma = false;
		if (p->after == AT_START)
			return;
		put(p, ';');
		put(p, ' ');
	} else if (p->comma) {
		p->comma = false;
		put(p, ',');
		put(p, ' ');
	} else if (space && p->after > AFTER_POINT) {
		put(p, ' ');
	}
}

/* ---- What is passed over ---- */

static void pass_line(struct pass *p)
{
	const uint8_t *line = memchr(p->at, '\n', (size_t)(p->end - p->at));

	p->at = line ? line + 1 : p->end;
}

static void pass_comment(struct pass *p)
{
	unsigned open = 0;

	do {
		const uint8_t c = *p->at, next = look(p, 1);

		if (c == '*' && next == '/') {
			open--;
			p->at += 2;
		} else if (c == '/' && next == '*' && (open == 0 || !p->mysql)) {
			open++;
			p->at += 2;
		} else {
			p->at++;
		}
	} while (open > 0 && p->at < p->end);
}

/* From behind the opening quote to behind the closing one. */
static void pass_quoted(struct pass *p, uint8_t quote, bool escapes)
{
	while (p->at < p->end) {
		uint8_t c = *p->at++;

		if (c == '\\' && escapes) {
			if (p->at < p->end)
				p->at++;
		} else if (c == quote) {
			if (p->at == p->end || *p->at != quote)
				return;
			p->at++;
		}
	}
}

/* $tag$ … $tag$; false when it is none. */
static bool pass_dollars(struct pass *p)
{
	const uint8_t *tag = p->at, *at = tag + 1;

	while (at < p->end && in_word(*at) && *at != '$')
		at++;
	if (at == p->end || *at != '$' || kinds[tag[1]] == DIGIT)
		return false;
	size_t len = (size_t)(at + 1 - tag);

	for (p->at = at + 1; p->at < p->end; p->at++) {
		const uint8_t *next = memchr(p->at, '$', (size_t)(p->end - p->at));

		p->at = next ? next : p->end;
		if ((size_t)(p->end - p->at) >= len && memcmp(p->at, tag, len) == 0) {
			p->at += len;
			return true;
		}
		if (next == NULL)
			break;
	}
	p->at = p->end;
	return true;
}

static bool is_line_comment(const struct pass *p)
{
	uint8_t c = look(p, 2);

	return look(p, 0) == '-' && look(p, 1) == '-' &&
	       (!p->mysql || p->end - p->at == 2 || c <= ' ');
}

/* Comments that begin here; false when there is none. MySQL executes what conditional ones hold. */
static bool comment(struct pass *p)
{
	if (is_line_comment(p) || (p->mysql && *p->at == '#')) {
		pass_line(p);
		return true;
	}
	if (look(p, 1) != '*' || *p->at != '/')
		return false;
	bool maria = look(p, 2) == 'M' && look(p, 3) == '!';

	if (!p->mysql || (look(p, 2) != '!' && !maria)) {
		pass_comment(p);
		return true;
	}
	p->at += maria ? 4 : 3;
	while (p->at < p->end && kinds[*p->at] == DIGIT)
		p->at++;
	p->conditional = true;
	return true;
}

/* A further row, to behind its ')'. */
static void pass_row(struct pass *p)
{
	unsigned open = 0;

	while (p->at < p->end) {
		uint8_t c = *p->at;

		if (kinds[c] == OPEN || kinds[c] == CLOSE) {
			p->at++;
			open += kinds[c] == OPEN ? 1 : UINT_MAX;
			if (open == 0)
				return;
		} else if (c == '\'' || c == '"' || c == '`') {
			bool e = p->at[-1] == 'E' || p->at[-1] == 'e';

			p->at++;
			pass_quoted(p, c, c != '`' && (p->escapes || (!p->mysql && e)));
		} else if (c == '$' && !p->mysql) {
			if (!pass_dollars(p))
				p->at++;
		} else if ((c != '-' && c != '/' && c != '#') || !comment(p)) {
			p->at++;
		}
	}
}

/* ---- Tokens ---- */

static void literal(struct pass *p)
{
	bool run = p->after == AFTER_LITERAL && !p->semicolon &&
		   (!p->comma || p->lists & bit(p->depth));

	sql_words_other(p->words);
	if (run) { /* also 'a' 'b', which is one string */
		p->comma = false;
		return;
	}
	lead(p, true);
	put(p, '?');
	p->after = AFTER_LITERAL;
}

static void operator(struct pass *p, size_t len)
{
	sql_words_other(p->words);
	lead(p, true);
	put_all(p, bytes_of(p->at, len));
	p->at += len;
	p->after = AFTER_OPERATOR;
}

/* A quoted name, as it is. */
static void quoted_name(struct pass *p, uint8_t quote)
{
	const uint8_t *from = p->at++;

	pass_quoted(p, quote, false);
	size_t len = (size_t)(p->at - from);
	bool closed = len > 1 && p->at[-1] == quote;

	lead(p, true);
	put_all(p, bytes_of(from, len));
	sql_words_name(p->words, bytes_of(from + 1, len - 1 - closed));
	p->after = AFTER_WORD;
}

static bool is_word(struct bytes word, const char *text)
{
	return bytes_eq_case(word, bytes_str(text));
}

/* Words that are values, or the beginning of a string; false for all others. */
static bool word_literal(struct pass *p, struct bytes word)
{
	uint8_t next = look(p, 0);

	if (next == '\'') {
		uint8_t c = ascii_lower(word.at[0]);
		bool prefix = word.len == 1 && strchr("nxbe", c);

		if (prefix || (p->mysql && c == '_')) {
			p->at++;
			pass_quoted(p, '\'', p->escapes || (c == 'e' && !p->mysql));
			literal(p);
			return true;
		}
	}
	if (next == '&' && !p->mysql && is_word(word, "u") && look(p, 1) == '\'') {
		p->at += 2;
		pass_quoted(p, '\'', false);
		literal(p);
		return true;
	}
	if (word.len < 4 || word.len > 5 || p->after == AFTER_POINT)
		return false;
	if ((is_word(word, "null") && p->words->last != SQL_IS && p->words->last != SQL_NOT) ||
	    is_word(word, "true") || is_word(word, "false")) {
		literal(p);
		return true;
	}
	return false;
}

static void word(struct pass *p)
{
	const uint8_t *from = p->at;

	while (p->at < p->end && in_word(*p->at))
		p->at++;
	struct bytes text = bytes_of(from, (size_t)(p->at - from));
	uint8_t first = ascii_lower(text.at[0]);

	if ((look(p, 0) == '\'' || look(p, 0) == '&' || first == 'n' || first == 't' ||
	     first == 'f') &&
	    word_literal(p, text))
		return;
	bool part = p->after == AFTER_POINT && !p->comma && !p->semicolon;
	bool further = p->after_row && p->comma;

	if (further && is_word(text, "row"))
		return; /* MySQL: VALUES ROW(1), ROW(2) */
	lead(p, true);
	struct bytes head = bytes_head(text, p->out < p->limit ? (size_t)(p->limit - p->out) : 0);

	uint8_t *out = p->out;

	for (size_t i = 0; i < head.len; i++)
		out[i] = ascii_lower(head.at[i]);
	enum sql_word meaning =
		part || head.len < text.len ? SQL_OTHER : sql_word_of(out, head.len);

	p->out += head.len;
	sql_words_word(p->words, meaning, text, p->depth);
	p->after = meaning < SQL_PLAIN ? AFTER_WORD : AFTER_PLAIN;
}

/* Is the letter here, behind a number, an exponent's? */
static bool is_exponent(const struct pass *p, const uint8_t *at)
{
	if ((*at | 0x20) != 'e' || at + 1 == p->end)
		return false;
	at++;
	if ((*at == '+' || *at == '-') && at + 1 < p->end)
		at++;
	return kinds[*at] == DIGIT;
}

static void number(struct pass *p)
{
	const uint8_t *at = p->at;
	bool hex = *at == '0' && strchr("xXbBoO", look(p, 1)) && look(p, 1);

	while (at < p->end && kinds[*at] == DIGIT)
		at++;
	/* MySQL: names may begin with a digit. */
	if (p->mysql && !hex && at < p->end && in_word(*at) && !is_exponent(p, at)) {
		word(p);
		return;
	}
	while (at < p->end && (in_word(*at) || *at == '.')) {
		if (!hex && is_exponent(p, at))
			at++; /* and the sign, or the first digit */
		at++;
	}
	p->at = at;
	literal(p);
}

static void sign(struct pass *p)
{
	const uint8_t *at = p->at + 1;

	if (comment(p))
		return;
	while (at < p->end && kinds[*at] == SPACE)
		at++;
	bool digit = at < p->end && (kinds[*at] == DIGIT ||
				     (*at == '.' && at + 1 < p->end && kinds[at[1]] == DIGIT));

	if (digit && (p->after < AFTER_WORD || p->comma || p->semicolon)) {
		p->at = at;
		number(p);
	} else {
		operator(p, look(p, 1) == '>' ? look(p, 2) == '>' ? 3 : 2 : 1);
	}
}

static void operators(struct pass *p)
{
	size_t n = 1;

	if (p->conditional && look(p, 0) == '*' && look(p, 1) == '/') {
		p->conditional = false;
		p->at += 2;
		return;
	}
	if (p->mysql && *p->at == '@') { /* @variable, @@system_variable, ?@? */
		while (look(p, n) == '@')
			n++;
		operator(p, n < 8 ? n : 8);
		p->after = AFTER_POINT;
		return;
	}
	if (memchr("=<>!~%^&|@#", *p->at, 11)) {
		while (look(p, n) && memchr("=<>!~%^&|@", look(p, n), p->mysql ? 9 : 10))
			n++;
		operator(p, n < 8 ? n : 8);
		return;
	}
	operator(p, 1);
}

static void open(struct pass *p)
{
	enum sql_word last = p->words->last;
	bool list = p->lists & bit(p->depth);

	if (p->after_row && p->comma) {
		p->comma = false;
		pass_row(p);
		return;
	}
	bool row = last == SQL_VALUES || last == SQL_ROW ||
		   (list && (p->comma || p->after == AFTER_OPEN));

	lead(p, p->after != AFTER_WORD);
	put(p, '(');
	sql_words_open(p->words);
	if (p->depth + 1 < SQL_DEPTH_MAX)
		p->depth++;
	uint64_t here = bit(p->depth);

	p->lists = last == SQL_IN ? p->lists | here : p->lists & ~here;
	p->rows = row ? p->rows | here : p->rows & ~here;
	p->after = AFTER_OPEN;
}

static void close(struct pass *p)
{
	bool row = p->rows & bit(p->depth);

	p->comma = p->semicolon = false;
	lead(p, false);
	put(p, ')');
	sql_words_close(p->words, p->depth);
	if (p->depth > 0)
		p->depth--;
	p->after = AFTER_CLOSE;
	p->after_row = row;
}

static void bracket(struct pass *p)
{
	bool array = p->words->last == SQL_ARRAY;

	lead(p, p->after == AFTER_PLAIN || p->after == AFTER_OPERATOR);
	put(p, '[');
	sql_words_other(p->words);
	if (p->depth + 1 < SQL_DEPTH_MAX)
		p->depth++;
	p->lists = array ? p->lists | bit(p->depth) : p->lists & ~bit(p->depth);
	p->rows &= ~bit(p->depth);
	p->after = AFTER_OPEN;
}

static void bracket_end(struct pass *p)
{
	p->comma = p->semicolon = false;
	lead(p, false);
	put(p, ']');
	sql_words_other(p->words);
	if (p->depth > 0)
		p->depth--;
	p->after = AFTER_CLOSE;
}

static void point(struct pass *p)
{
	if (kinds[look(p, 1)] == DIGIT && (p->after != AFTER_WORD || p->comma)) {
		number(p);
		return;
	}
	lead(p, false);
	put(p, '.');
	p->at++;
	sql_words_point(p->words);
	p->after = AFTER_POINT;
}

/* ::type, := and :placeholder. */
static void colon(struct pass *p)
{
	uint8_t next = look(p, 1);

	if (next == ':') {
		lead(p, false);
		put_all(p, BYTES("::"));
		p->at += 2;
		sql_words_other(p->words);
		p->after = AFTER_POINT;
	} else if (next == '=') {
		operator(p, 2);
	} else if (in_word(next) && (p->after < AFTER_WORD || p->comma)) {
		p->at++;
		while (p->at < p->end && in_word(*p->at))
			p->at++;
		literal(p);
	} else {
		operator(p, 1);
	}
}

static void dollar(struct pass *p)
{
	if (p->mysql) {
		word(p);
	} else if (kinds[look(p, 1)] == DIGIT) {
		p->at++;
		while (p->at < p->end && kinds[*p->at] == DIGIT)
			p->at++;
		literal(p);
	} else if (pass_dollars(p)) {
		literal(p);
	} else {
		operator(p, 1);
	}
}

static void string(struct pass *p, uint8_t quote)
{
	p->at++;
	pass_quoted(p, quote, p->escapes);
	literal(p);
}

static void token(struct pass *p, uint8_t c)
{
	switch ((enum kind)kinds[c]) {
	case SPACE:
		p->at++;
		break;
	case WORD:
		word(p);
		break;
	case DIGIT:
		number(p);
		break;
	case DOLLAR:
		dollar(p);
		break;
	case QUOTE:
		string(p, '\'');
		break;
	case DOUBLE_QUOTE:
		if (p->mysql)
			string(p, '"');
		else
			quoted_name(p, '"');
		break;
	case BACK_QUOTE:
		quoted_name(p, '`');
		break;
	case OPEN:
		if (!(p->after_row && p->comma))
			p->at++;
		open(p);
		break;
	case CLOSE:
		p->at++;
		close(p);
		break;
	case COMMA:
		p->at++;
		p->comma = true;
		sql_words_comma(p->words, p->depth);
		break;
	case SEMICOLON:
		p->at++;
		p->semicolon = true;
		p->depth = 0;
		sql_words_next(p->words);
		break;
	case POINT:
		point(p);
		break;
	case SIGN:
		sign(p);
		break;
	case SLASH:
		if (!comment(p))
			operator(p, 1);
		break;
	case HASH:
		if (!comment(p))
			operators(p);
		break;
	case COLON:
		colon(p);
		break;
	case QUESTION:
		p->at++;
		literal(p);
		break;
	case BRACKET:
		p->at++;
		bracket(p);
		break;
	case BRACKET_END:
		p->at++;
		bracket_end(p);
		break;
	case OPERATOR:
		operators(p);
		break;
	}
}

void sql_fingerprint(enum sql_dialect dialect, struct bytes statement, struct sql_print *to)
{
	struct pass p = {
		.at = statement.at,
		.end = statement.at + statement.len,
		.out = to->text,
		.from = to->text,
		.limit = to->text + SQL_PRINT_MAX,
		.words = &to->words,
		.mysql = dialect == SQL_MYSQL || dialect == SQL_MYSQL_PLAIN,
		.escapes = dialect == SQL_MYSQL || dialect == SQL_PGSQL_ESCAPES,
	};

	to->words.method_len = to->words.tables_len = to->words.name_at = 0;
	to->words.verbs = to->words.lists = 0;
	to->words.verb = to->words.last = to->words.reason = SQL_OTHER;
	to->words.expect = to->words.naming = to->words.index = false;
	while (p.at < p.end && p.out < p.limit)
		token(&p, *p.at);
	sql_words_other(p.words);
	to->cut = p.at < p.end || p.out > p.limit;
	to->len = (size_t)(p.out - p.from);
	if (to->len > SQL_PRINT_MAX)
		to->len = SQL_PRINT_MAX;
}
