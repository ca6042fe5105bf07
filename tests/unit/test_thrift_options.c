/* What each option of Thrift changes, told as stories. */
#include "tests/unit/thrift_say.h"

#include <criterion/criterion.h>

static const char call[] = "80010001 00000001'f' 00000007 08 0001 00000001 00";
static const char answer[] = "80010002 00000001'f' 00000007 0b 0000 00000002'hi' 00";
static const char framed_call[] = "00000015 80010001 00000001'f' 00000007 08 0001 00000001 00";
static const char framed_answer[] = "0000000e 80010002 00000001'f' 00000007 00";
static const char compact_call[] = "82 21 07 01'f' 1502 00";

/* How many documents these options make of one call, or none when it is not read. */
static size_t documents_of(const char *const *options, const char *said, const char *answered)
{
	struct talk t;

	talk_open(&t, &proto_thrift, options);
	thrift_say(&t, CLIENT, said);
	if (answered)
		thrift_say(&t, SERVER, answered);
	talk_finish(&t);
	size_t n = t.docs_count;

	talk_close(&t);
	return n;
}

Test(thrift_options, ports)
{
	static const char *const by_content[] = {"ports=[9091]", "detect=true", NULL};
	static const char *const its[] = {"ports=[79, 80]", "detect=false", NULL};
	struct conn *other;
	struct talk t;

	cr_assert_eq(documents_of(by_content, call, answer), 1);
	cr_assert_eq(documents_of(its, call, answer), 1);
	talk_open(&t, &proto_thrift, its);
	t.ends.port[SERVER] = 9090;
	cr_assert_null(conn_new(t.engine, &t.flow));
	t.ends.port[SERVER] = 79;
	other = conn_new(t.engine, &t.flow);
	cr_assert_not_null(other);
	conn_free(other, FLOW_FINISHED);
	t.ends.port[SERVER] = 80;
	talk_finish(&t);
	talk_close(&t);
}

/* A length and a letter may be a frame or a name: only the option tells which. */
Test(thrift_options, transport_type)
{
	static const char *const socket[] = {"transport_type=socket", NULL};
	static const char *const framed[] = {"transport_type=framed", NULL};
	static const char *const header[] = {"transport_type=header", NULL};
	static const char *const automatic[] = {"transport_type=auto", NULL};
	static const struct {
		const char *const *options;
		size_t plain, framed;
	} cases[] = {{socket, 1, 0}, {framed, 0, 1}, {header, 0, 0}, {automatic, 1, 1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_eq(documents_of(cases[i].options, call, answer), cases[i].plain, "%s",
			     cases[i].options[0]);
		cr_expect_eq(documents_of(cases[i].options, framed_call, framed_answer),
			     cases[i].framed, "%s", cases[i].options[0]);
	}
}

Test(thrift_options, protocol_type)
{
	static const char *const binary[] = {"protocol_type=binary", NULL};
	static const char *const compact[] = {"protocol_type=compact", NULL};
	static const char *const json[] = {"protocol_type=json", NULL};
	static const char old_call[] = "00000001'f' 01 00000007 08 0001 00000001 00";
	static const char json_call[] = "'[1,\"f\",1,7,{\"1\":{\"i32\":1}}]'";
	static const struct {
		const char *const *options;
		size_t binary, old, compact, json;
	} cases[] = {{binary, 1, 1, 0, 0},
		     {compact, 0, 0, 1, 0},
		     {json, 0, 0, 0, 1},
		     {NULL, 1, 1, 1, 1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_eq(documents_of(cases[i].options, call, NULL), cases[i].binary, "%zu", i);
		cr_expect_eq(documents_of(cases[i].options, old_call, NULL), cases[i].old, "%zu",
			     i);
		cr_expect_eq(documents_of(cases[i].options, compact_call, NULL), cases[i].compact,
			     "%zu", i);
		cr_expect_eq(documents_of(cases[i].options, json_call, NULL), cases[i].json, "%zu",
			     i);
	}
}

/* The call and what its document says of it, under one option. */
static void says(const char *option, const char *said, const char *answered, const char *params,
		 const char *value)
{
	const char *const options[] = {option, NULL};
	struct talk t;

	for (size_t cut = 0; cut < 30; cut++) {
		talk_open(&t, &proto_thrift, options);
		t.cut = cut;
		thrift_say(&t, CLIENT, said);
		thrift_say(&t, SERVER, answered);
		talk_finish(&t);
		cr_assert_eq(t.docs_count, 1);
		thrift_is(&t, 0, "thrift.params", params);
		thrift_is(&t, 0, "thrift.return_value", value);
		thrift_is(&t, 0, "status", "OK");
		talk_close(&t);
	}
}

Test(thrift_options, string_max_size)
{
	static const char said[] = "80010001 00000001'f' 00000007 0b 0001 00000004'abcd' 00";
	static const char json[] = "'[1,\"f\",1,7,{\"1\":{\"str\":\"ab\\u00e9cd\"}}]'";
	static const char json_answer[] = "'[1,\"f\",2,7,{\"0\":{\"str\":\"\"}}]'";

	says("string_max_size=4", said, answer, "(1: \"abcd\")", "\"hi\"");
	says("string_max_size=3", said, answer, "(1: \"abc...\")", "\"hi\"");
	says("string_max_size=1", said, answer, "(1: \"a...\")", "\"h...\"");
	says("string_max_size=0", said, answer, "(1: \"...\")", "\"...\"");
	says("string_max_size=5", json, json_answer,
	     "(1: \"ab\xc3\xa9"
	     "c...\")",
	     "\"\"");
	says("string_max_size=3", json, json_answer, "(1: \"ab...\")", "\"\"");
}

Test(thrift_options, collection_max_size)
{
	static const char said[] = "80010001 00000001'f' 00000007"
				   "0f 0001 0b 00000003 00000001'a' 00000001'b' 00000001'c'"
				   "0d 0002 03 08 00000002 01 00000005 02 00000006"
				   "0e 0003 08 00000002 00000007 00000008 00";

	says("collection_max_size=3", said, answer,
	     "(1: [\"a\", \"b\", \"c\"], 2: {1: 5, 2: 6}, 3: {7, 8})", "\"hi\"");
	says("collection_max_size=1", said, answer,
	     "(1: [\"a\", ...], 2: {1: 5, ...}, 3: {7, ...})", "\"hi\"");
	says("collection_max_size=0", said, answer, "(1: [...], 2: {...}, 3: {...})", "\"hi\"");
}

Test(thrift_options, drop_after_n_struct_fields)
{
	static const char said[] = "80010001 00000001'f' 00000007"
				   "0c 0001 08 0001 00000001 0c 0002 08 0001 00000002 00 0b 0003 "
				   "00000001'x' 00 00";

	says("drop_after_n_struct_fields=0", said, answer, "(1: (1: 1, 2: (1: 2), 3: \"x\"))",
	     "\"hi\"");
	says("drop_after_n_struct_fields=3", said, answer, "(1: (1: 1, 2: (1: 2), 3: \"x\"))",
	     "\"hi\"");
	says("drop_after_n_struct_fields=2", said, answer, "(1: (1: 1, 2: (1: 2), ...))", "\"hi\"");
	says("drop_after_n_struct_fields=1", said, answer, "(1: (1: 1, ...))", "\"hi\"");
}

Test(thrift_options, capture_reply)
{
	says("capture_reply=true", call, answer, "(1: 1)", "\"hi\"");
	says("capture_reply=false", call, answer, "(1: 1)", NULL);
}

Test(thrift_options, obfuscate_strings)
{
	static const char said[] =
		"80010001 00000001'f' 00000007 0d 0001 0b 0b 00000001 00000006'secret' "
		"00000006'secret' 08 0002 00000005 00";

	says("obfuscate_strings=true", said, answer, "(1: {\"*\": \"*\"}, 2: 5)", "\"*\"");
	says("obfuscate_strings=false", said, answer, "(1: {\"secret\": \"secret\"}, 2: 5)",
	     "\"hi\"");
}

Test(thrift_options, send_request_and_send_response)
{
	static const char *const options[] = {"send_request=true", "send_response=true", NULL};
	static const char *const none[] = {"send_request=false", "send_response=false", NULL};
	static const char *const one[] = {"send_request=false", "send_response=true", NULL};
	struct talk t;

	talk_open(&t, &proto_thrift, options);
	thrift_say(&t, CLIENT, call);
	thrift_say(&t, SERVER, answer);
	thrift_say(&t, CLIENT, "80010001 00000001'g' 00000008 00");
	thrift_say(&t, SERVER, "80010002 00000001'g' 00000008 0c 0001 08 0001 00000004 00 00");
	talk_finish(&t);
	thrift_is(&t, 0, "request", "f(1: 1)");
	thrift_is(&t, 0, "response", "\"hi\"");
	thrift_is(&t, 1, "request", "g()");
	thrift_is(&t, 1, "response", "(1: (1: 4))");
	talk_close(&t);

	talk_open(&t, &proto_thrift, none);
	thrift_say(&t, CLIENT, call);
	thrift_say(&t, SERVER, answer);
	talk_finish(&t);
	thrift_is(&t, 0, "request", NULL);
	thrift_is(&t, 0, "response", NULL);
	talk_close(&t);

	talk_open(&t, &proto_thrift, one);
	thrift_say(&t, CLIENT, call);
	thrift_say(&t, SERVER, answer);
	talk_finish(&t);
	thrift_is(&t, 0, "request", NULL);
	thrift_is(&t, 0, "response", "\"hi\"");
	talk_close(&t);
}

Test(thrift_options, transaction_timeout)
{
	static const char *const options[] = {"transaction_timeout=2s", NULL};
	struct talk t;

	talk_open(&t, &proto_thrift, options);
	thrift_say(&t, CLIENT, call);
	engine_expire(t.engine, t.now += NS_PER_S);
	cr_assert_eq(t.counters.at[COUNT_DOCUMENTS_MADE], 0);
	engine_expire(t.engine, t.now += 2 * NS_PER_S);
	cr_assert_eq(t.counters.at[COUNT_DOCUMENTS_MADE], 1);
	/* Its answer comes all the same: not the next call's, which has the same name and number.
	 */
	thrift_say(&t, SERVER, answer);
	thrift_say(&t, CLIENT, "80010001 00000001'f' 00000007 08 0001 00000002 00");
	thrift_say(&t, SERVER, "80010002 00000001'f' 00000007 0b 0000 00000003'two' 00");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 2);
	thrift_is(&t, 0, "status", "Error");
	thrift_is(&t, 0, "error.message", "Unmatched request");
	thrift_is(&t, 1, "thrift.params", "(1: 2)");
	thrift_is(&t, 1, "thrift.return_value", "\"two\"");
	talk_close(&t);
}

Test(thrift_options, idl_files)
{
	static const char *const options[] = {"idl_files=[tests/record/thrift/calls.thrift]", NULL};
	struct talk t;

	talk_open(&t, &proto_thrift, options);
	thrift_say(&t, CLIENT,
		   "80010001 00000009'calculate' 00000001 0b 0001 00000002'id' 08 0002 00000004 "
		   "08 0003 00000001 08 0004 00000000 08 0009 00000003 00");
	thrift_say(&t, SERVER,
		   "80010002 00000009'calculate' 00000001 0c 0001 08 0001 00000004 0b 0002 "
		   "00000002'no' 00 00");
	/* An ordinary call by what it says itself: only the file tells that nobody answers it. */
	thrift_say(&t, CLIENT, "80010001 00000006'forget' 00000002 0b 0001 00000002'id' 00");
	/* A parameter of another type than the file has it. */
	thrift_say(&t, CLIENT, "80010001 00000004'echo' 00000003 08 0001 00000005 00");
	thrift_say(&t, SERVER, "80010002 00000004'echo' 00000003 0b 0000 00000002'ok' 00");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 3);
	thrift_is(&t, 0, "path", "Calls");
	thrift_is(&t, 0, "query", "calculate(id: \"id\", op: DIVIDE, a: 1, b: 0, 9: 3)");
	thrift_is(&t, 0, "thrift.exceptions", "(refused: (code: 4, why: \"no\"))");
	thrift_is(&t, 0, "error.message", "Refused: no");
	thrift_is(&t, 1, "query", "forget(id: \"id\")");
	thrift_is(&t, 1, "status", "OK");
	thrift_is(&t, 2, "query", "echo(id: 5)");
	thrift_is(&t, 2, "thrift.return_value", "\"ok\"");
	talk_close(&t);
}
