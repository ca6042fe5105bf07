/* Messages that a header transport has deflated. */
#include "shipper/base/must.h"
#include "tests/unit/thrift_say.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <zlib.h>

enum { HEAD = 18, ITEMS = 400, ITEM = 60, BOMB = 4 << 20 };

/* A frame with what `message` holds, deflated. */
static void say_zipped(struct talk *t, enum side from, struct bytes message)
{
	uLongf n = compressBound(message.len);
	uint8_t *frame = must_alloc(HEAD + n);
	static const uint8_t head[HEAD] = {0, 0, 0, 0, 0x0f, 0xff, 0, 0, 0,
					   0, 0, 9, 0, 1,    2,	   1, 1, 0};

	cr_assert_eq(compress(frame + HEAD, &n, message.at, message.len), Z_OK);
	memcpy(frame, head, HEAD);
	for (int i = 0; i < 4; i++)
		frame[i] = (uint8_t)((n + HEAD - 4) >> (24 - 8 * i));
	talk_say(t, from, bytes_of(frame, HEAD + n));
	free(frame);
}

static void say_script(struct talk *t, enum side from, const char *script)
{
	uint8_t bytes[THRIFT_SAY_MAX];

	say_zipped(t, from, thrift_bytes(script, bytes));
}

/* "f" answered by a list of texts, longer than what is inflated at a time. */
static struct buf long_answer(void)
{
	uint8_t bytes[THRIFT_SAY_MAX];
	struct buf b = {0};

	buf_add(&b, thrift_bytes("82 41 01 01'f' 09 00 f8 9003", bytes));
	for (int i = 0; i < ITEMS; i++) {
		uint8_t item[1 + ITEM] = {ITEM};

		for (int k = 1; k <= ITEM; k++)
			item[k] = (uint8_t)('a' + (i * i + k * 7) % 26);
		buf_add(&b, bytes_of(item, sizeof(item)));
	}
	buf_add(&b, thrift_bytes("00", bytes));
	return b;
}

Test(thrift_zip, both_ways_at_many_cuts)
{
	struct buf answer = long_answer();
	struct talk t;

	for (size_t cut = 0; cut < 200; cut = cut * 2 + 1) {
		talk_open(&t, &proto_thrift, NULL);
		t.cut = cut;
		say_script(&t, CLIENT, "82 21 01 01'f' 1804'text' 00");
		say_zipped(&t, SERVER, buf_bytes(&answer));
		say_script(&t, CLIENT, "82 21 02 01'g' 00");
		say_script(&t, SERVER, "82 41 02 01'g' 05 00 04 00");
		talk_finish(&t);
		cr_assert_eq(t.docs_count, 2);
		thrift_is(&t, 0, "status", "OK");
		thrift_is(&t, 0, "thrift.params", "(1: \"text\")");
		cr_assert(strstr(talk_field(&t, 0, "thrift.return_value"), "\", ...]"));
		thrift_is(&t, 1, "thrift.return_value", "2");
		talk_close(&t);
	}
	buf_fini(&answer);
}

/* Four million bytes from four thousand: read, but never held. */
Test(thrift_zip, what_inflates_without_end_is_not_held)
{
	struct buf bomb = {0};
	uint8_t bytes[THRIFT_SAY_MAX];
	struct talk t;

	buf_add(&bomb, thrift_bytes("82 21 01 01'f' 18 80808002", bytes));
	memset(buf_room(&bomb, BOMB), 'x', BOMB);
	bomb.len += BOMB;
	buf_add(&bomb, thrift_bytes("00", bytes));
	talk_open(&t, &proto_thrift, NULL);
	t.cut = 500;
	say_zipped(&t, CLIENT, buf_bytes(&bomb));
	cr_assert_lt(t.quota.used, 16384, "%zu", t.quota.used);
	say_script(&t, SERVER, "82 41 01 01'f' 00");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 1);
	thrift_is(&t, 0, "status", "OK");
	cr_assert_eq(strlen(talk_field(&t, 0, "thrift.params")), strlen("(1: \"...\")") + 200);
	talk_close(&t);
	buf_fini(&bomb);
}

/* What cannot be inflated, what ends within its message, what has bytes behind it. */
Test(thrift_zip, what_is_not_whole)
{
	static const char *const calls[] = {
		"0000001a 0fff 0000 00000009 0001 02010100 789c 00112233445566778899",
		"00000014 0fff 0000 00000009 0001 02010100 789c 0000",
		"0000000e 0fff 0000 00000009 0001 02010100",
		"0000000f 0fff 0000 00000009 0001 02010100 78",
		"0000001a 0fff 0000 00000009 0001 02020101 789c 00112233445566778899",
		"0000001a 0fff 0000 00000009 0001 02010200 789c 00112233445566778899",
	};
	struct talk t;

	for (size_t i = 0; i < 2 * sizeof(calls) / sizeof(calls[0]); i++) {
		talk_open(&t, &proto_thrift, NULL);
		t.cut = i % 2;
		thrift_say(&t, CLIENT, calls[i / 2]);
		talk_finish(&t);
		cr_assert_eq(t.docs_count, 0);
		talk_close(&t);
	}
	talk_open(&t, &proto_thrift, NULL);
	say_script(&t, CLIENT, "82 21 01 01'f' 1804'te'");
	say_script(&t, CLIENT, "82 21 02 01'g' 00");
	talk_finish(&t);
	cr_assert_gt(t.docs_count, 0);
	thrift_is(&t, 0, "status", "Error");
	talk_close(&t);
}
