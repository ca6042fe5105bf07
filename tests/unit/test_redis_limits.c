/* What hostile Redis conversations may cost: lengths, counts and depths without end. */
#include "tests/unit/talk.h"

#include <criterion/criterion.h>
#include <string.h>

extern const struct proto proto_redis;

enum { MILLION = 1000000, SMALL = 100000, TEXT_MAX = 16 << 10 };

static const char filler[65536];

static void open_redis(struct talk *t)
{
	talk_open(t, &proto_redis, NULL);
}

static void stays_small(const struct talk *t, const char *what)
{
	cr_assert(t->quota.used < SMALL, "%s: %zu bytes", what, t->quota.used);
}

static void is_field(struct talk *t, size_t doc, const char *path, const char *text)
{
	const char *is = talk_field(t, doc, path);

	cr_assert(is != NULL, "%s: nothing, %s", path, text);
	cr_assert_str_eq(is, text);
}

/* All values of a million arrays, and then the next answer is the next command's. */
Test(redis_limits, a_million_arrays_deep)
{
	struct talk t;

	open_redis(&t);
	talk_text(&t, CLIENT, "EVAL s 0\r\nGET k\r\n");
	for (unsigned i = 0; i < MILLION; i++)
		talk_text(&t, SERVER, "*2\r\n:1\r\n");
	stays_small(&t, "arrays");
	talk_text(&t, SERVER, ":2\r\n$1\r\nv\r\n");
	talk_finish(&t);
	is_field(&t, 1, "query", "GET k");
	is_field(&t, 1, "redis.return_value", "v");
	talk_close(&t);
}

/* `deeper` a million times. */
static void tell_deep(const char *deeper)
{
	struct talk t;

	open_redis(&t);
	talk_text(&t, CLIENT, "EVAL s 0\r\n");
	for (unsigned i = 0; i < MILLION; i++)
		talk_text(&t, SERVER, deeper);
	stays_small(&t, deeper);
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 1, "%s: %zu documents", deeper, t.docs_count);
	is_field(&t, 0, "query", "EVAL s 0");
	talk_close(&t);
}

Test(redis_limits, a_million_of_other_values_deep)
{
	tell_deep("%1\r\n+k\r\n");
	tell_deep("|1\r\n+k\r\n");
	tell_deep("*4294967296\r\n");
	tell_deep("*2\r\n%4294967296\r\n");
	tell_deep("~?\r\n");
	tell_deep("*?\r\n>1\r\n");
}

Test(redis_limits, a_million_arguments)
{
	struct talk t;

	open_redis(&t);
	talk_text(&t, CLIENT, "*1000001\r\n$3\r\nDEL\r\n");
	for (unsigned i = 0; i < MILLION; i++)
		talk_text(&t, CLIENT, "$6\r\nuser:1\r\n");
	stays_small(&t, "arguments");
	talk_text(&t, SERVER, ":1\r\n");
	talk_finish(&t);
	is_field(&t, 0, "method", "DEL");
	is_field(&t, 0, "redis.return_value", "1");
	talk_close(&t);
}

Test(redis_limits, strings_of_2_gigabytes)
{
	struct talk t;

	open_redis(&t);
	talk_text(&t, CLIENT, "GET k\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2147483648\r\n");
	talk_text(&t, SERVER, "*2\r\n$2147483648\r\n");
	for (unsigned i = 0; i < 32768; i++) {
		talk_say(&t, CLIENT, bytes_of(filler, sizeof(filler)));
		talk_say(&t, SERVER, bytes_of(filler, sizeof(filler)));
	}
	stays_small(&t, "strings");
	talk_text(&t, SERVER, "\r\n$1\r\nx\r\n+OK\r\n");
	talk_text(&t, CLIENT, "\r\n");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 2);
	is_field(&t, 0, "redis.return_value", "[<2147483648 bytes>, x]");
	is_field(&t, 1, "query", "SET k <2147483648 bytes>");
	is_field(&t, 1, "redis.return_value", "OK");
	talk_close(&t);
}

static size_t length_of(yajl_val doc, const char *name)
{
	const char *path[] = {name, NULL};
	yajl_val text = yajl_tree_get(doc, path, yajl_t_string);

	return text ? strlen(text->u.string) : 0;
}

/* Question and answer grow in turn, and the raw texts with them. */
Test(redis_limits, texts_that_grow_in_turn)
{
	static const char *const options[] = {"send_request=true", "send_response=true", NULL};
	struct talk t;

	talk_open(&t, &proto_redis, options);
	talk_text(&t, CLIENT, "*1000000\r\n$4\r\nMSET\r\n");
	talk_text(&t, SERVER, "*1000000\r\n");
	for (unsigned i = 0; i < 20000; i++) {
		talk_text(&t, CLIENT, "$1\r\nx\r\n");
		talk_text(&t, SERVER, ":1\r\n");
		cr_assert(t.quota.used < 4 * SMALL, "%u: %zu bytes", i, t.quota.used);
	}
	talk_finish(&t);
	cr_assert_eq(length_of(t.docs[0], "query"), TEXT_MAX);
	cr_assert_eq(length_of(t.docs[0], "request"), TEXT_MAX);
	cr_assert_eq(memcmp(talk_field(&t, 0, "response"), "*1000000\r\n:1\r\n", 14), 0);
	cr_assert_eq(memcmp(talk_field(&t, 0, "redis.return_value"), "[1, 1, ", 7), 0);
	talk_close(&t);
}

/* Longer than any: not the protocol, whatever follows. */
Test(redis_limits, counts_that_cannot_be)
{
	static const char *const answers[] = {
		"$4294967297\r\n", "*4294967297\r\n", "$99999999999999999999\r\n", "%-2\r\n",
		("$00000000000000000000000000000000000000000000000000000"
		 "000000000000000000")};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct talk t;

		open_redis(&t);
		talk_text(&t, CLIENT, "GET k\r\n");
		talk_text(&t, SERVER, answers[i]);
		cr_assert_eq(t.counters.at[COUNT_LANE_ALIEN], 1, "%s", answers[i]);
		talk_finish(&t);
		talk_close(&t);
	}
}
