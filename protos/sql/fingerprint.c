#include "protos/sql/pass.h"

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
	size_t room = p->out < p->limit ? (size_t)(p->limit - p->out) : 0;

	if (b.len > 0)
		memcpy(p->out, b.at, b.len < room ? b.len : room);
	p->out = b.len <= room ? p->out + b.len : p->limit + 1; /* cut */
}

/* How much lead() puts. */
static inline size_t lead_length(const struct pass *p)
{
	if (p->semicolon)
		return p->after == AT_START ? 0 : 2;
	return p->comma ? 2 : p->after > AFTER_POINT;
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

/* Prefixes of strings: n'', x'', _utf8'', u&''. False for all other words. */
static bool prefix(struct pass *p, struct bytes word)
{
	uint8_t c = ascii_lower(word.at[0]);

	if (look(p, 0) == '\'') {
		bool prefix = word.len == 1 && strchr("nxbe", c);

		if (!prefix && !(p->mysql && c == '_'))
			return false;
		p->at++;
		pass_quoted(p, '\'', p->escapes || (c == 'e' && !p->mysql));
	} else {
		if (p->mysql || word.len != 1 || c != 'u' || look(p, 1) != '\'')
			return false;
		p->at += 2;
		pass_quoted(p, '\'', false);
	}
	literal(p);
	return true;
}

/* The high bit of each byte that is at least `from` and at most `to`, where no byte has its own. */
#define WITHIN(bytes, from, to) \
	(((bytes) + EIGHT(0x80 - (from))) & ~((bytes) + EIGHT(0x7f - (to))) & EIGHT(0x80))

/* Takes the word that begins here, and puts it in lower case to `to` as far as there is room; its
 * length. */
static size_t lower(struct pass *p, uint8_t *to, size_t room)
{
	const uint8_t *from = p->at;

	for (;;) {
		uint8_t last[8] = {0};
		size_t left = (size_t)(p->end - p->at), n = (size_t)(p->at - from);

		if (left < sizeof(last))
			memcpy(last, p->at, left);
		uint64_t text = eight_at(left < sizeof(last) ? last : p->at);
		uint64_t high = text & EIGHT(0x80), low = text ^ high;
		uint64_t letters = WITHIN(low | EIGHT(0x20), 'a', 'z') & ~high;
		uint64_t ends = ~(high | letters | WITHIN(low, '0', '9') | WITHIN(low, '_', '_')) &
				EIGHT(0x80);

		text |= letters >> 2;
		if (n + sizeof(text) <= room)
			eight_to(to + n, text);
		p->at += ends ? (size_t)__builtin_ctzll(ends) / 8 : 8;
		if (ends == 0)
			continue;
		if (p->at == p->end || *p->at != '$')
			return (size_t)(p->at - from);
		n = (size_t)(p->at++ - from);
		if (n < room)
			to[n] = '$';
	}
}

/* Is a word of this meaning, where it stands, a value? */
static bool is_value(const struct pass *p, enum sql_word meaning)
{
	if (meaning != SQL_NULL && meaning != SQL_TRUTH)
		return false;
	return p->after != AFTER_POINT &&
	       (meaning == SQL_TRUTH || (p->words->last != SQL_IS && p->words->last != SQL_NOT));
}

static void word(struct pass *p)
{
	const uint8_t *from = p->at;
	bool part = p->after == AFTER_POINT && !p->comma && !p->semicolon;
	uint8_t *to = p->out + lead_length(p);
	size_t room = (size_t)(p->limit + SQL_PRINT_SLACK - to), len = lower(p, to, room);
	struct bytes text = bytes_of(from, len);
	enum sql_word meaning = sql_word_of(to, len);

	if ((look(p, 0) == '\'' || look(p, 0) == '&') && prefix(p, text))
		return;
	if (is_value(p, meaning)) {
		literal(p);
		return;
	}
	if (meaning == SQL_ROW && p->after_row && p->comma)
		return; /* MySQL: VALUES ROW(1), ROW(2) */
	if (part || meaning == SQL_NULL || meaning == SQL_TRUTH)
		meaning = SQL_OTHER;
	lead(p, true); /* right before the word */
	p->out = to + len <= p->limit ? to + len : p->limit + 1;
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
	return kind_of(*at) == DIGIT;
}

static void number(struct pass *p)
{
	const uint8_t *at = p->at;
	bool hex = *at == '0' && strchr("xXbBoO", look(p, 1)) && look(p, 1);

	while (at < p->end && kind_of(*at) == DIGIT)
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

	if (pass_comment(p))
		return;
	while (at < p->end && kind_of(*at) == SPACE)
		at++;
	bool digit = at < p->end && (kind_of(*at) == DIGIT ||
				     (*at == '.' && at + 1 < p->end && kind_of(at[1]) == DIGIT));

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
	if (kind_of(look(p, 1)) == DIGIT && (p->after != AFTER_WORD || p->comma)) {
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
	} else if (kind_of(look(p, 1)) == DIGIT) {
		p->at++;
		while (p->at < p->end && kind_of(*p->at) == DIGIT)
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

static void token(struct pass *p, enum kind kind)
{
	switch (kind) {
	case SPACE:
	case WORD:
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
		if (!pass_comment(p))
			operator(p, 1);
		break;
	case HASH:
		if (!pass_comment(p))
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
	if (statement.len == 0)
		statement = BYTES(""); /* which has an address, to count from */

	struct pass p = {
		.at = statement.at,
		.end = statement.at + statement.len,
		.out = to->text,
		.limit = to->text + SQL_PRINT_MAX,
		.words = &to->words,
		.mysql = dialect == SQL_MYSQL || dialect == SQL_MYSQL_PLAIN,
		.escapes = dialect == SQL_MYSQL || dialect == SQL_PGSQL_ESCAPES,
	};

	to->words.method_len = to->words.tables_len = to->words.name_at = 0;
	to->words.verbs = to->words.lists = 0;
	to->words.verb = to->words.last = to->words.reason = SQL_OTHER;
	to->words.expect = to->words.naming = to->words.index = false;
	while (p.at < p.end && p.out < p.limit) {
		char kind = kind_of(*p.at);

		if (kind == SPACE)
			p.at++;
		else if (kind == WORD)
			word(&p);
		else
			token(&p, (enum kind)kind);
	}
	sql_words_other(p.words);
	to->cut = p.at < p.end || p.out > p.limit;
	to->len = (size_t)(p.out - to->text);
	if (to->len > SQL_PRINT_MAX)
		to->len = SQL_PRINT_MAX;
}
