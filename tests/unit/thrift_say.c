#include "tests/unit/thrift_say.h"

#include <criterion/criterion.h>
#include <stdio.h>

struct bytes thrift_bytes(const char *script, uint8_t to[THRIFT_SAY_MAX])
{
	size_t n = 0;

	while (*script) {
		unsigned byte;

		cr_assert(n < THRIFT_SAY_MAX);
		if (*script == ' ') {
			script++;
		} else if (*script == '\'') {
			for (script++; *script != '\''; script++)
				to[n++] = (uint8_t)*script;
			script++;
		} else {
			cr_assert_eq(sscanf(script, "%2x", &byte), 1);
			to[n++] = (uint8_t)byte;
			script += 2;
		}
	}
	return bytes_of(to, n);
}

void thrift_say(struct talk *t, enum side from, const char *script)
{
	uint8_t bytes[THRIFT_SAY_MAX];

	talk_say(t, from, thrift_bytes(script, bytes));
}

void thrift_is(struct talk *t, size_t doc, const char *path, const char *wanted)
{
	const char *is = talk_field(t, doc, path);

	if (wanted == NULL)
		cr_assert_null(is, "cut %zu, document %zu: %s is %s", t->cut, doc, path, is);
	else
		cr_assert(is && strcmp(is, wanted) == 0, "cut %zu, document %zu: %s is %s, not %s",
			  t->cut, doc, path, is ? is : "missing", wanted);
}
