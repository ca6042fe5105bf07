/*
 * Thrift conversations, byte for byte, as stories: who says what, and what the documents say. Each
 * is told again with its bytes cut at every size.
 */
#include "protos/thrift/thrift.h"
#include "tests/unit/thrift_say.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

static void begin(struct talk *t, const char *const *options, size_t cut)
{
	talk_open(t, &proto_thrift, options);
	t->cut = cut;
}

static bool told(const struct talk *t, size_t i, const char *part)
{
	cr_assert(i < t->docs_count, "%zu documents, %s is missing", t->docs_count, part);
	return memmem(t->lines[i].at, t->lines[i].len, part, strlen(part)) != NULL;
}

static void has(const struct talk *t, size_t i, const char *part)
{
	cr_assert(told(t, i, part), "cut %zu: no %s in\n%.*s", t->cut, part, (int)t->lines[i].len,
		  (const char *)t->lines[i].at);
}

static void has_not(const struct talk *t, size_t i, const char *part)
{
	cr_assert_not(told(t, i, part), "%s in\n%.*s", part, (int)t->lines[i].len,
		      (const char *)t->lines[i].at);
}

enum { CUTS = 24 };
#define FOR_ALL_CUTS(cut) for (size_t cut = 0; cut < CUTS; cut++)

Test(thrift, binary_call)
{
	struct talk t;

	FOR_ALL_CUTS(cut)
	{
		begin(&t, NULL, cut);
		thrift_say(&t, CLIENT,
			   "80010001 00000003'add' 00000007 08 0001 00000001 08 0002 fffffffe 00");
		thrift_say(&t, SERVER, "80010002 00000003'add' 00000007 08 0000 ffffffff 00");
		talk_finish(&t);
		cr_assert_eq(t.docs_count, 1);
		has(&t, 0, "\"status\":\"OK\"");
		has(&t, 0, "\"method\":\"add\",\"query\":\"add(1: 1, 2: -2)\"");
		has(&t, 0,
		    "\"thrift\":{\"params\":\"(1: 1, 2: -2)\",\"return_value\":\"-1\",\"seq_id\":7,"
		    "\"protocol\":\"binary\",\"transport\":\"socket\"}");
		has(&t, 0, "\"client\":{\"ip\":\"192.0.2.10\",\"port\":40000,\"bytes\":30");
		talk_close(&t);
	}
}

Test(thrift, old_binary_call)
{
	struct talk t;

	FOR_ALL_CUTS(cut)
	{
		begin(&t, NULL, cut);
		thrift_say(&t, CLIENT, "00000003'add' 01 00000007 08 0001 00000001 00");
		thrift_say(&t, SERVER, "00000003'add' 02 00000007 08 0000 00000005 00");
		talk_finish(&t);
		cr_assert_eq(t.docs_count, 1);
		has(&t, 0, "\"return_value\":\"5\"");
		has(&t, 0, "\"protocol\":\"binary_old\",\"transport\":\"socket\"");
		talk_close(&t);
	}
}

/* Every type, in containers within containers. */
Test(thrift, all_types_of_binary)
{
	struct talk t;

	FOR_ALL_CUTS(cut)
	{
		begin(&t, NULL, cut);
		thrift_say(&t, CLIENT,
			   "80010001 00000001'f' 00000001"
			   "02 0001 01  03 0002 ff  04 0003 3ff8000000000000  06 0004 8000"
			   "0a 0005 8000000000000000  0b 0006 00000006'a\"'0ac3a9ff"
			   "0c 0007 0f 0001 0e 00000001 08 00000002 00000001 00000002 00"
			   "0d 0008 0b 0f 00000001 00000001'k' 02 00000002 01 00"
			   "10 0009 00112233445566778899aabbccddeeff"
			   "00");
		thrift_say(&t, SERVER, "80010002 00000001'f' 00000001 00");
		talk_finish(&t);
		cr_assert_eq(t.docs_count, 1);
		has(&t, 0,
		    "\"params\":\"(1: true, 2: -1, 3: 1.5, 4: -32768, 5: -9223372036854775808, "
		    "6: \\\"a\\\\\\\"\\\\n\xc3\xa9\\\\xff\\\", 7: (1: [{1, 2}]), "
		    "8: {\\\"k\\\": [true, false]}, 9: 00112233-4455-6677-8899-aabbccddeeff)\"");
		has_not(&t, 0, "return_value");
		talk_close(&t);
	}
}

Test(thrift, all_types_of_compact_in_frames)
{
	struct talk t;

	FOR_ALL_CUTS(cut)
	{
		begin(&t, NULL, cut);
		thrift_say(
			&t, CLIENT,
			"00000048 82 21 ac02 01'f'"
			"11 13ff 14ffff03 1501 16ffffffffffffffffff01 17000000000000f83f 1802'hi'"
			"1c 19 1a 25 0204 00"
			"1b01 8901'k' 21 0102"
			"1d00112233445566778899aabbccddeeff 00");
		thrift_say(&t, SERVER, "0000000a 82 41 ac02 01'f' 05 00 02 00");
		talk_finish(&t);
		cr_assert_eq(t.docs_count, 1);
		has(&t, 0, "\"transport\":\"framed\"");
		has(&t, 0,
		    "\"params\":\"(1: true, 2: -1, 3: -32768, 4: -1, 5: -9223372036854775808, 6: "
		    "1.5, "
		    "7: \\\"hi\\\", 8: (1: [{1, 2}]), 9: {\\\"k\\\": [true, false]}, "
		    "10: 00112233-4455-6677-8899-aabbccddeeff)\"");
		talk_close(&t);
	}
}

Test(thrift, json_call)
{
	struct talk t;

	FOR_ALL_CUTS(cut)
	{
		begin(&t, NULL, cut);
		thrift_say(
			&t, CLIENT,
			"'[1,\"calc:f\",1,3,{\"1\":{\"i32\":-5},\"2\":{\"str\":"
			"\"a\\\"\\u00e9\\ud83d\\ude00\"},"
			"\"3\":{\"tf\":1},\"4\":{\"dbl\":1.5},\"5\":{\"lst\":[\"rec\",2,{},{\"1\":{"
			"\"i64\":7}}]},"
			"\"6\":{\"map\":[\"i32\",\"str\",2,{\"1\":\"x\",\"2\":\"\"}]},\"7\":{"
			"\"set\":["
			"\"i8\",0]}}]'");
		thrift_say(&t, SERVER, "'[1,\"f\",2,3,{\"0\":{\"dbl\":\"NaN\"}}]'");
		talk_finish(&t);
		cr_assert_eq(t.docs_count, 1);
		has(&t, 0, "\"path\":\"calc\",\"query_fingerprint\":\"calc.f\"");
		has(&t, 0,
		    "\"params\":\"(1: -5, 2: \\\"a\\\\\\\"\xc3\xa9\xf0\x9f\x98\x80\\\", 3: true, "
		    "4: 1.5, "
		    "5: [(), (1: 7)], 6: {1: \\\"x\\\", 2: \\\"\\\"}, 7: "
		    "{})\",\"return_value\":\"NaN\"");
		talk_close(&t);
	}
}

/* Deflated, as THeaderTransport does. */
Test(thrift, header_and_zlib)
{
	struct talk t;
	uint8_t plain[THRIFT_SAY_MAX], packed[THRIFT_SAY_MAX], frame[THRIFT_SAY_MAX];
	struct bytes call = thrift_bytes("82 21 01 04'name' 1804'text' 00", plain);

	FOR_ALL_CUTS(cut)
	{
		uLongf n = sizeof(packed);
		uint8_t header[] = {0, 0, 0, 0, 0x0f, 0xff, 0, 0, 0, 0, 0, 9, 0, 1, 0x02, 1, 1, 0};

		cr_assert_eq(compress(packed, &n, call.at, call.len), Z_OK);
		header[3] = (uint8_t)(sizeof(header) - 4 + n);
		memcpy(frame, header, sizeof(header));
		memcpy(frame + sizeof(header), packed, n);
		begin(&t, NULL, cut);
		talk_say(&t, CLIENT, bytes_of(frame, sizeof(header) + n));
		thrift_say(&t, SERVER,
			   "00000017 0fff 0000 00000009 0001 02000000 82 41 01 04'name' 00");
		talk_finish(&t);
		cr_assert_eq(t.docs_count, 1);
		has(&t, 0, "\"query\":\"name(1: \\\"text\\\")\"");
		has(&t, 0, "\"protocol\":\"compact\",\"transport\":\"header\"");
		talk_close(&t);
	}
}

/* A client that takes up the protocol of its server's answer. */
Test(thrift, each_header_names_its_protocol)
{
	struct talk t;

	FOR_ALL_CUTS(cut)
	{
		begin(&t, NULL, cut);
		thrift_say(&t, CLIENT,
			   "00000014 0fff 0000 00000000 0001 02000000 82 21 01 01'f' 00");
		thrift_say(&t, SERVER,
			   "0000001c 0fff 0000 00000000 0001 00000000 80010002 00000001'f' "
			   "00000001 00");
		thrift_say(&t, CLIENT,
			   "0000001c 0fff 0000 00000000 0001 00000000 80010001 00000001'g' "
			   "00000002 00");
		thrift_say(&t, SERVER,
			   "00000014 0fff 0000 00000000 0001 02000000 82 41 02 01'g' 00");
		talk_finish(&t);
		cr_assert_eq(t.docs_count, 2);
		has(&t, 0, "\"protocol\":\"compact\",\"transport\":\"header\"");
		has(&t, 1, "\"query\":\"g()\"");
		has(&t, 1, "\"protocol\":\"binary\",\"transport\":\"header\"");
		has_not(&t, 1, "notes");
		talk_close(&t);
	}
}

Test(thrift, exceptions)
{
	struct talk t;

	FOR_ALL_CUTS(cut)
	{
		begin(&t, NULL, cut);
		thrift_say(&t, CLIENT,
			   "80010001 00000001'f' 00000001 00 80010001 00000001'g' 00000002 00");
		thrift_say(&t, SERVER,
			   "80010002 00000001'f' 00000001 0c 0002 08 0001 00000004 0b 0002 "
			   "00000003'bad' "
			   "00 00");
		thrift_say(&t, SERVER,
			   "80010003 00000001'g' 00000002 0b 0001 00000007'no such' 08 0002 "
			   "00000001 00");
		talk_finish(&t);
		cr_assert_eq(t.docs_count, 2);
		has(&t, 0, "\"status\":\"Error\"");
		has(&t, 0, "\"exceptions\":\"(2: (1: 4, 2: \\\"bad\\\"))\"");
		has(&t, 0, "\"error\":{\"message\":\"bad\"}");
		has(&t, 1,
		    "\"exceptions\":\"TApplicationException(message: \\\"no such\\\", type: 1)\"");
		has(&t, 1, "\"error\":{\"message\":\"unknown method: no such\"}");
		talk_close(&t);
	}
}

/* Answers in another order than their calls, a oneway call between. */
Test(thrift, interleaved)
{
	struct talk t;

	begin(&t, NULL, 0);
	thrift_say(&t, CLIENT, "80010001 00000001'f' 00000001 08 0001 00000001 00");
	thrift_say(&t, CLIENT, "80010004 00000001'z' 00000002 00");
	thrift_say(&t, CLIENT, "80010001 00000001'f' 00000003 08 0001 00000003 00");
	thrift_say(&t, SERVER, "80010002 00000001'f' 00000003 08 0000 00000003 00");
	thrift_say(&t, SERVER, "80010002 00000001'f' 00000001 08 0000 00000001 00");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 3);
	has(&t, 0, "\"query\":\"z()\"");
	has(&t, 0, "\"status\":\"OK\"");
	has(&t, 1, "\"params\":\"(1: 3)\",\"return_value\":\"3\"");
	has(&t, 2, "\"params\":\"(1: 1)\",\"return_value\":\"1\"");
	talk_close(&t);
}

/* One id for every call: the oldest is meant, and one that is passed over was oneway. */
Test(thrift, one_id_for_all)
{
	struct talk t;

	begin(&t, NULL, 0);
	thrift_say(&t, CLIENT, "80010001 00000001'z' 00000000 00 80010001 00000001'f' 00000000 00");
	thrift_say(&t, SERVER, "80010002 00000001'f' 00000000 00");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 2);
	has(&t, 1, "\"query\":\"f()\"");
	has(&t, 0, "\"query\":\"z()\"");
	has(&t, 0, "\"status\":\"OK\"");
	has(&t, 0, "taken for oneway");
	talk_close(&t);
}

Test(thrift, answer_to_nothing_meets_no_call)
{
	struct talk t;

	begin(&t, NULL, 0);
	thrift_say(&t, CLIENT, "80010001 00000001'f' 00000005 00");
	thrift_say(&t, SERVER, "80010002 00000001'f' 00000004 00");
	thrift_say(&t, SERVER, "80010002 00000001'g' 00000005 00");
	thrift_say(&t, SERVER, "80010002 00000001'f' 00000005 08 0000 00000001 00");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 3);
	has(&t, 0, "Unmatched response");
	has(&t, 1, "Unmatched response");
	has(&t, 2, "\"return_value\":\"1\"");
	talk_close(&t);
}

Test(thrift, limits_of_texts)
{
	static const char *const options[] = {"string_max_size=4", "collection_max_size=2",
					      "drop_after_n_struct_fields=2", NULL};
	struct talk t;

	FOR_ALL_CUTS(cut)
	{
		begin(&t, options, cut);
		thrift_say(
			&t, CLIENT,
			"80010001 00000001'f' 00000001"
			"0c 0001 0b 0001 00000006'abc'c3a9'd' 08 0002 00000002 08 0003 00000003 00"
			"0c 0002 0f 0001 08 00000004 00000001 00000002 00000003 00000004"
			"        0d 0002 0b 08 00000003 00000001'a' 00000001 00000001'b' 00000002 "
			"00000001'c' 00000003 00"
			"00");
		thrift_say(&t, SERVER, "80010002 00000001'f' 00000001 00");
		talk_finish(&t);
		cr_assert_eq(t.docs_count, 1);
		has(&t, 0,
		    "\"params\":\"(1: (1: \\\"abc...\\\", 2: 2, ...), "
		    "2: (1: [1, 2, ...], 2: {\\\"a\\\": 1, \\\"b\\\": 2, ...}))\"");
		has(&t, 0, "trimmed");
		talk_close(&t);
	}
}

Test(thrift, strings_are_withheld)
{
	static const char *const options[] = {"obfuscate_strings=true", "send_request=true",
					      "send_response=true", NULL};
	struct talk t;

	FOR_ALL_CUTS(cut)
	{
		begin(&t, options, cut);
		thrift_say(&t, CLIENT, "80010001 00000001'f' 00000001 0b 0001 00000006'secret' 00");
		thrift_say(&t, SERVER,
			   "80010003 00000001'f' 00000001 0b 0001 00000006'secret' 08 0002 "
			   "00000006 00");
		talk_finish(&t);
		cr_assert_eq(t.docs_count, 1);
		has(&t, 0, "\"params\":\"(1: \\\"*\\\")\"");
		has(&t, 0, "\"error\":{\"message\":\"internal error\"}");
		has_not(&t, 0, "secret");
		talk_close(&t);
	}
}

Test(thrift, replies_are_not_shown)
{
	static const char *const options[] = {"capture_reply=false", NULL};
	struct talk t;

	begin(&t, options, 0);
	thrift_say(&t, CLIENT, "80010001 00000001'f' 00000001 00 80010001 00000001'g' 00000002 00");
	thrift_say(&t, SERVER, "80010002 00000001'f' 00000001 0b 0000 00000002'hi' 00");
	thrift_say(&t, SERVER, "80010002 00000001'g' 00000002 0c 0001 00 00");
	talk_finish(&t);
	has_not(&t, 0, "hi\\\"");
	has(&t, 0, "\"status\":\"OK\"");
	has(&t, 1, "\"status\":\"Error\"");
	talk_close(&t);
}

/* Bytes lost within a frame cost the call its text, and no other call anything. */
Test(thrift, loss_within_a_frame)
{
	struct talk t;

	begin(&t, NULL, 0);
	thrift_say(&t, CLIENT, "0000001a 80010001 00000001'f' 00000001 08");
	talk_lose(&t, CLIENT, 8);
	thrift_say(&t, CLIENT, "0002 00");
	talk_lose(&t, CLIENT, 1);
	thrift_say(&t, SERVER, "00000015 80010002 00000001'f' 00000001 08 0000 00000001 00");
	thrift_say(&t, CLIENT, "0000000e 80010001 00000001'g' 00000002 00");
	thrift_say(&t, SERVER, "0000000e 80010002 00000001'g' 00000002 00");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 2);
	has(&t, 0, "\"gap\"");
	has(&t, 0, "\"return_value\":\"1\"");
	has(&t, 1, "\"query\":\"g()\"");
	has_not(&t, 1, "notes");
	talk_close(&t);
}

Test(thrift, loss_within_a_long_string)
{
	static const char *const options[] = {"string_max_size=2", NULL};
	struct talk t;

	begin(&t, options, 0);
	thrift_say(&t, CLIENT, "80010001 00000001'f' 00000001 0b 0001 00001000'ab'");
	talk_lose(&t, CLIENT, 4090);
	thrift_say(&t, CLIENT, "'last' 00");
	thrift_say(&t, SERVER, "80010002 00000001'f' 00000001 00");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 1);
	has(&t, 0, "\"gap\"");
	has(&t, 0, "\"params\":\"(1: \\\"ab...\\\")\"");
	talk_close(&t);
}

/* Counts that nobody could send, and what nests without end: not kept, not believed. */
Test(thrift, hostile_bytes)
{
	static const char *const calls[] = {
		"80010001 00000001'f' 00000001 0f 0001 0c 7fffffff 00 00 00",
		"80010001 00000001'f' 00000001 0f 0001 0b 80000000",
		"80010001 00000001'f' 00000001 0b 0001 ffffffff",
		"80010001 00000001'f' 00000001 0d 0001 03 03 7fffffff 00",
		"80010001 00000001'f' 00000001 09 0001",
		"82 21 01 01'f' 19 fc ffffffff07 00",
		"82 21 01 01'f' 15 ffffffffffffffffffffff",
		"00000010 80010001 00000001'f' 00000001 0b 0001 00000100",
		"'[1,\"f\",1,1,{\"1\":{\"lst\":[\"i32\",99999999999,1'",
		"'[1,\"f\",1,1,{\"1\":{\"str\":\"\\ud800\\ud800\"}}]'",
	};
	struct talk t;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		begin(&t, NULL, i % 3);
		thrift_say(&t, CLIENT, calls[i]);
		for (int k = 0; k < 200; k++)
			thrift_say(&t, CLIENT, "0c 0001 0c 0001 0c 0001 0c 0001");
		cr_assert(t.quota.used < 16384, "%zu", t.quota.used);
		talk_finish(&t);
		talk_close(&t);
	}
}

Test(thrift, deeper_than_near)
{
	struct talk t;

	begin(&t, NULL, 1);
	thrift_say(&t, CLIENT, "80010001 00000001'f' 00000001");
	for (int i = 0; i < 40; i++)
		thrift_say(&t, CLIENT, "0c 0001");
	thrift_say(&t, CLIENT, "08 0001 00000001");
	for (int i = 0; i < 41; i++)
		thrift_say(&t, CLIENT, "00");
	thrift_say(&t, SERVER, "80010002 00000001'f' 00000001 00");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 1);
	has(&t, 0, "1: (1: (1: 1)))))");
	has(&t, 0, "\"status\":\"OK\"");
	talk_close(&t);
}

/* ---- What a beginning may be ---- */

Test(thrift, start)
{
	static const struct {
		const char *bytes;
		enum side from;
		enum guess guess;
	} cases[] = {
		{"80", CLIENT, GUESS_MAYBE},
		{"80010001 00000004'ping'00000000", CLIENT, GUESS_YES},
		{"80010001 00000004'ping'00000000", SERVER, GUESS_NO},
		{"80010002 00000004'ping'00000000", SERVER, GUESS_YES},
		{"80010009 00000004'ping'00000000", CLIENT, GUESS_NO},
		{"00000011 80010001 00000004'ping'00000000", CLIENT, GUESS_YES},
		{"00000005 80010001 00000004'ping'00000000", CLIENT, GUESS_NO},
		{"00000004'ping' 01", CLIENT, GUESS_MAYBE},
		{"00000004'ping' 01 00000000", CLIENT, GUESS_YES},
		{"00000004'p' 00", CLIENT, GUESS_NO},
		{"82 21 00 04'ping'", CLIENT, GUESS_YES},
		{"82 22 00 04'ping'", CLIENT, GUESS_NO},
		{"'[1,\"ping\",1,0,{'", CLIENT, GUESS_YES},
		{"'[1,2,3]'", CLIENT, GUESS_NO},
		{"'GET / HTTP/1.1'", CLIENT, GUESS_NO},
		{"16030102 0001 0001fc", CLIENT, GUESS_NO},
		{"00000008 04d2162f", CLIENT, GUESS_NO},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[THRIFT_SAY_MAX];
		enum guess guess = thrift_start(thrift_bytes(cases[i].bytes, bytes), cases[i].from);

		cr_assert_eq(guess, cases[i].guess, "%s: %d", cases[i].bytes, guess);
	}
}
