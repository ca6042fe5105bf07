#include "tests/unit/pgsql_say.h"

#include <criterion/criterion.h>

enum { SAY_MAX = 1 << 16 };

static unsigned hex(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static const char *add_body(uint8_t *to, size_t *n, const char *text)
{
	for (; *text && *text != '|'; text++) {
		if (*text == '~') {
			to[(*n)++] = 0;
		} else if (*text == '#') {
			for (text++; *text != '.'; text += 2)
				to[(*n)++] = (uint8_t)(hex(text[0]) << 4 | hex(text[1]));
		} else {
			to[(*n)++] = (uint8_t)*text;
		}
		cr_assert(*n < SAY_MAX - 8);
	}
	return text;
}

struct bytes pgsql_bytes(const char *text)
{
	static uint8_t out[SAY_MAX];
	size_t n = 0;

	while (*text) {
		char type = *text++;
		size_t from, len;

		if (type == '!') {
			out[n++] = (uint8_t)*text++;
			text += *text == '|';
			continue;
		}
		if (type != '=')
			out[n++] = (uint8_t)type;
		from = n;
		n += 4;
		text = add_body(out, &n, text);
		len = n - from;
		for (size_t i = 0; i < 4; i++)
			out[from + i] = (uint8_t)(len >> (24 - 8 * i));
		text += *text == '|';
	}
	return bytes_of(out, n);
}

void pgsql_say(struct talk *t, enum side from, const char *text)
{
	talk_say(t, from, pgsql_bytes(text));
}
