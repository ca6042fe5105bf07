#include "protos/thrift/idl_parse.h"

#include <stdarg.h>
#include <stdio.h>

bool idl_fault(struct parser *p, int line, int column, const char *format, ...)
{
	char text[300];
	va_list args;

	if (p->failed)
		return false;
	p->failed = true;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fault_set(p->fault, "%.180s:%d:%d: %s", p->file->path, line, column, text);
	if (p->fault) {
		p->fault->line = line;
		p->fault->column = column;
	}
	return false;
}

static uint8_t peek(const struct parser *p, size_t i)
{
	return i < p->rest.len ? p->rest.at[i] : 0;
}

static void step(struct parser *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool newline = p->rest.at[i] == '\n';

		p->line += newline;
		p->column = newline ? 1 : p->column + 1;
	}
	p->rest = bytes_skip(p->rest, n);
}

static void step_line(struct parser *p)
{
	step(p, bytes_find(p->rest, '\n'));
}

static bool step_comment(struct parser *p)
{
	int line = p->line, column = p->column;
	size_t n = 2;

	while (n + 1 < p->rest.len && !(p->rest.at[n] == '*' && p->rest.at[n + 1] == '/'))
		n++;
	if (n + 1 >= p->rest.len)
		return idl_fault(p, line, column, "this comment does not end");
	step(p, n + 2);
	return true;
}

static bool step_space(struct parser *p)
{
	while (p->rest.len > 0) {
		uint8_t c = peek(p, 0);

		if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
			step(p, 1);
		else if (c == '#' || (c == '/' && peek(p, 1) == '/'))
			step_line(p);
		else if (c != '/' || peek(p, 1) != '*')
			return true;
		else if (!step_comment(p))
			return false;
	}
	return true;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_name(uint8_t c)
{
	return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '_';
}

static void take_word(struct parser *p, enum word_kind kind, size_t n)
{
	p->word.kind = kind;
	p->word.text = bytes_head(p->rest, n);
	step(p, n);
}

static bool text(struct parser *p)
{
	uint8_t quote = peek(p, 0);
	size_t n = 1;

	while (n < p->rest.len && p->rest.at[n] != quote)
		n += p->rest.at[n] == '\\' ? 2 : 1;
	if (n >= p->rest.len)
		return idl_fault(p, p->line, p->column, "this text does not end");
	take_word(p, WORD_TEXT, n + 1);
	p->word.text = bytes_of(p->word.text.at + 1, n - 1);
	return true;
}

static bool hexadecimal(struct parser *p, size_t sign)
{
	size_t n = sign + 2;
	uint64_t value;

	while (n < p->rest.len && (is_digit(peek(p, n)) || is_name(peek(p, n))))
		n++;
	if (!bytes_hex(bytes_skip(bytes_head(p->rest, n), sign + 2), INT64_MAX, &value))
		return idl_fault(p, p->line, p->column, "not a hexadecimal number");
	p->word.number = peek(p, 0) == '-' ? -(int64_t)value : (int64_t)value;
	take_word(p, WORD_NUMBER, n);
	return true;
}

static bool number(struct parser *p)
{
	size_t sign = peek(p, 0) == '-' || peek(p, 0) == '+', n = sign;
	bool real = false;

	if (peek(p, sign) == '0' && ascii_lower(peek(p, sign + 1)) == 'x')
		return hexadecimal(p, sign);
	while (n < p->rest.len) {
		uint8_t c = ascii_lower(peek(p, n));

		if (c == 'e' && (peek(p, n + 1) == '-' || peek(p, n + 1) == '+'))
			n++;
		else if (c != 'e' && c != '.' && !is_digit(c))
			break;
		real = real || !is_digit(c);
		n++;
	}
	struct bytes digits = bytes_skip(bytes_head(p->rest, n), peek(p, 0) == '+');

	if (!real && !bytes_int(digits, INT64_MIN, INT64_MAX, &p->word.number))
		return idl_fault(p, p->line, p->column, "not a number");
	take_word(p, real ? WORD_REAL : WORD_NUMBER, n);
	return true;
}

bool idl_next(struct parser *p)
{
	if (p->failed || !step_space(p))
		return false;
	uint8_t c = peek(p, 0);
	size_t n = 0;

	p->word = (struct word){.line = p->line, .column = p->column};
	if (p->rest.len == 0)
		return true;
	if (is_name(c)) {
		while (is_name(peek(p, n)) || is_digit(peek(p, n)) || peek(p, n) == '.' ||
		       peek(p, n) == '-')
			n++;
		take_word(p, WORD_NAME, n);
		return true;
	}
	if (c == '"' || c == '\'')
		return text(p);
	if (is_digit(c) || ((c == '-' || c == '+') && is_digit(peek(p, 1))) ||
	    (c == '.' && is_digit(peek(p, 1))))
		return number(p);
	take_word(p, WORD_SIGN, 1);
	return true;
}

bool idl_is(const struct parser *p, const char *wanted)
{
	return (p->word.kind == WORD_NAME || p->word.kind == WORD_SIGN) &&
	       bytes_eq(p->word.text, bytes_str(wanted));
}

bool idl_take(struct parser *p, const char *wanted)
{
	return !p->failed && idl_is(p, wanted) && idl_next(p);
}

bool idl_expect(struct parser *p, const char *wanted)
{
	struct bytes found = bytes_head(p->word.text, 40);

	if (p->failed || idl_is(p, wanted))
		return !p->failed && idl_next(p);
	if (p->word.kind == WORD_END)
		return idl_fault(p, p->word.line, p->word.column,
				 "expected '%s', but the file ends", wanted);
	return idl_fault(p, p->word.line, p->word.column, "expected '%s', found '%.*s'", wanted,
			 (int)found.len, (const char *)found.at);
}
