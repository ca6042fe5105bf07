/* What hostile PostgreSQL conversations may cost: lengths, counts and names without end. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/pgsql_say.h"

extern const struct proto proto_pgsql;

enum { PIECE = 64 << 10, MIB = 1 << 20 };

static const char *const everything[] = {"send_request=true", "send_response=true", NULL};

static void open_logged_in(struct talk *t)
{
	talk_open(t, &proto_pgsql, everything);
	pgsql_say(t, CLIENT, PG_LOGIN);
	pgsql_say(t, SERVER, PG_READY);
}

/* The head of a message that says to be so long. */
static void head(struct talk *t, enum side from, char type, uint32_t length)
{
	uint8_t bytes[] = {(uint8_t)type, (uint8_t)(length >> 24), (uint8_t)(length >> 16),
			   (uint8_t)(length >> 8), (uint8_t)length};

	talk_say(t, from, bytes_of(bytes, sizeof(bytes)));
}

/* So many pieces of the same byte; fails the test when more than a MiB is charged at any time. */
static void pour(struct talk *t, enum side from, uint8_t with, unsigned pieces)
{
	static uint8_t text[PIECE];

	memset(text, with, sizeof(text));
	for (unsigned i = 0; i < pieces; i++) {
		talk_say(t, from, bytes_of(text, sizeof(text)));
		cr_assert_lt(t->quota.used, MIB, "%zu bytes charged", t->quota.used);
	}
}

Test(pgsql_limits, messages_of_a_gibibyte)
{
	static const struct {
		enum side from;
		char type;
	} messages[] = {{CLIENT, 'Q'}, {CLIENT, 'P'}, {CLIENT, 'B'}, {CLIENT, 'd'}, {CLIENT, 'p'},
			{SERVER, 'T'}, {SERVER, 'D'}, {SERVER, 'E'}, {SERVER, 'N'}, {SERVER, 'd'},
			{SERVER, 'S'}, {SERVER, 't'}, {SERVER, 'A'}};

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct talk t;

		open_logged_in(&t);
		pgsql_say(&t, CLIENT, "Qselect 1~");
		head(&t, messages[i].from, messages[i].type, 1 << 30);
		pour(&t, messages[i].from, 'x', 64);
		talk_finish(&t);
		cr_expect_geq(t.docs_count, 2, "%c", messages[i].type);
		talk_close(&t);
	}
}

Test(pgsql_limits, longer_than_any_message_is_not_the_protocol)
{
	struct talk t;

	open_logged_in(&t);
	pgsql_say(&t, CLIENT, "Qselect 1~");
	head(&t, SERVER, 'D', UINT32_MAX);
	cr_expect_eq(t.counters.at[COUNT_LANE_ALIEN], 1);
	talk_finish(&t);
	cr_expect_str_eq(talk_field(&t, 1, "notes"), "not the protocol");
	talk_close(&t);
}

Test(pgsql_limits, counts_that_nothing_stands_behind)
{
	static const char *const lies[] = {
		"CP~select $1~#ffff.",		    /* types of parameters */
		"CB~~#ffff.",			    /* formats */
		"CB~~#0000.#ffff.",		    /* parameters */
		"CB~~#0000.#0001.#7fffffff.x",	    /* a parameter's length */
		"CB~~#0000.#0001.#80000000.#0000.", /* a negative one that is not NULL */
		"ST#ffff.a~",			    /* columns */
		"SD#ffff.#00000001.x",		    /* values */
		"SD#0001.#7fffffff.x",		    /* a value's length */
		"St#ffff.#00000017.",
		"SE",
		"SESERROR",
		"SC",
		"SA#00000001.",
		"SG#00.#ffff.",
	};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct talk t;

		open_logged_in(&t);
		pgsql_say(&t, CLIENT, "P~select $1~#0000.|DS~");
		pgsql_say(&t, lies[i][0] == 'C' ? CLIENT : SERVER, lies[i] + 1);
		pgsql_say(&t, CLIENT, "E~#00000000.|S");
		pgsql_say(&t, SERVER, "1|2|CSELECT 1~|ZI");
		cr_expect_lt(t.quota.used, MIB / 4);
		talk_finish(&t);
		talk_close(&t);
	}
}

/* A client that prepares for ever: the oldest statements go. */
Test(pgsql_limits, statements_without_end)
{
	struct talk t;
	char text[9000];

	open_logged_in(&t);
	memset(text, 'x', sizeof(text));
	for (unsigned i = 0; i < 3000; i++) {
		int n = snprintf(text, 20, "Ps%u~select ", i);

		text[n] = ' ';
		snprintf(text + sizeof(text) - 20, 20, "~#0000.|S");
		pgsql_say(&t, CLIENT, text);
		pgsql_say(&t, SERVER, "1|ZI");
		cr_assert_lt(t.quota.used, 2 * MIB, "%zu bytes charged", t.quota.used);
		t.out.len = 0;
	}
	pgsql_say(&t, CLIENT, "B~s2999~#0000.#0000.#0000.|E~#00000000.|S");
	pgsql_say(&t, SERVER, "2|CSELECT 1~|ZI");
	pgsql_say(&t, CLIENT, "B~s7~#0000.#0000.#0000.|E~#00000000.|S");
	pgsql_say(&t, SERVER, "2|CSELECT 1~|ZI");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 2);
	cr_expect(talk_field(&t, 0, "query") != NULL);
	cr_expect_str_eq(talk_field(&t, 1, "notes"), "statement not seen");
	talk_close(&t);
}

/* A client that asks for ever, and is never answered. */
Test(pgsql_limits, a_pipeline_without_end)
{
	struct talk t;

	open_logged_in(&t);
	for (unsigned i = 0; i < 50000; i++) {
		pgsql_say(&t, CLIENT, "P~select 1~#0000.|B~~#0000.#0000.#0000.|E~#00000000.");
		cr_assert_lt(t.quota.used, 16 * MIB, "%zu bytes charged", t.quota.used);
		t.out.len = 0;
	}
	cr_expect_gt(t.counters.at[COUNT_EXCHANGES_LIMIT], 0);
	talk_finish(&t);
	talk_close(&t);
}

/* A server that answers a text of very many statements. */
Test(pgsql_limits, statements_of_one_text_without_end)
{
	struct talk t;
	char text[16000] = "Q";

	open_logged_in(&t);
	for (size_t at = 1; at + 4 < sizeof(text); at += 2)
		memcpy(text + at, "a;~", 4);
	pgsql_say(&t, CLIENT, text);
	for (unsigned i = 0; i < 20000; i++) {
		pgsql_say(&t, SERVER, "CSELECT 1~");
		cr_assert_lt(t.quota.used, MIB, "%zu bytes charged", t.quota.used);
		t.out.len = 0;
	}
	pgsql_say(&t, SERVER, "ZI");
	talk_finish(&t);
	talk_close(&t);
}
