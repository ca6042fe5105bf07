#include "protos/sql/pass.h"

#include <limits.h>

const char sql_kinds[256 + 1] = " oooooooo     oooooooooooooooooo"
				" oQ#cooq()o+,+./bbbbbbbbbb:;ooo?"
				"oaaaaaaaaaaaaaaaaaaaaaaaaaa[o]oa"
				"raaaaaaaaaaaaaaaaaaaaaaaaaaooooo"
				"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static void pass_line(struct pass *p)
{
	const uint8_t *line = memchr(p->at, '\n', (size_t)(p->end - p->at));

	p->at = line ? line + 1 : p->end;
}

static void pass_block(struct pass *p)
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

/* The lowest bit set is the highest of the first byte that is zero. */
static inline uint64_t zeros(uint64_t n)
{
	return (n - EIGHT(0x01)) & ~n & EIGHT(0x80);
}

void pass_quoted(struct pass *p, uint8_t quote, bool escapes)
{
	uint8_t other = escapes ? '\\' : quote;

	while (p->at < p->end) {
		if (p->end - p->at >= 8) {
			uint64_t text = eight_at(p->at);
			uint64_t stops = zeros(text ^ EIGHT(quote)) | zeros(text ^ EIGHT(other));

			p->at += stops ? __builtin_ctzll(stops) / 8 : 8;
			if (stops == 0)
				continue;
		}
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

bool pass_dollars(struct pass *p)
{
	const uint8_t *tag = p->at, *at = tag + 1;

	while (at < p->end && in_word(*at) && *at != '$')
		at++;
	if (at == p->end || *at != '$' || kind_of(tag[1]) == DIGIT)
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

bool pass_comment(struct pass *p)
{
	if (is_line_comment(p) || (p->mysql && *p->at == '#')) {
		pass_line(p);
		return true;
	}
	if (look(p, 1) != '*' || *p->at != '/')
		return false;
	bool maria = look(p, 2) == 'M' && look(p, 3) == '!';

	if (!p->mysql || (look(p, 2) != '!' && !maria)) {
		pass_block(p);
		return true;
	}
	p->at += maria ? 4 : 3;
	while (p->at < p->end && kind_of(*p->at) == DIGIT)
		p->at++;
	p->conditional = true;
	return true;
}

void pass_row(struct pass *p)
{
	unsigned open = 0;

	while (p->at < p->end) {
		uint8_t c = *p->at;

		if (kind_of(c) == OPEN || kind_of(c) == CLOSE) {
			p->at++;
			open += kind_of(c) == OPEN ? 1 : UINT_MAX;
			if (open == 0)
				return;
		} else if (c == '\'' || c == '"' || c == '`') {
			bool e = p->at[-1] == 'E' || p->at[-1] == 'e';

			p->at++;
			pass_quoted(p, c, c != '`' && (p->escapes || (!p->mysql && e)));
		} else if (c == '$' && !p->mysql) {
			if (!pass_dollars(p))
				p->at++;
		} else if ((c != '-' && c != '/' && c != '#') || !pass_comment(p)) {
			p->at++;
		}
	}
}
