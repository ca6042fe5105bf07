/* The document writer: objects open and close, values are what was given; yajl is the judge. */
#include "shipper/txn/doc.h"

#include <criterion/criterion.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <yajl/yajl_tree.h>

enum {
	OWN_DEEP,
	OWN_DEEP_TOO,
	OWN_SHALLOW,
	OWN_OTHER,
	OWN_FLAG,
	OWN_DOUBLE,
	OWN_HEADERS,
	OWN_LONG
};

static const struct field own[] = {
	[OWN_DEEP] = {"http.request.body.bytes", FIELD_LONG, NULL, "", NULL},
	[OWN_DEEP_TOO] = {"http.request.body.content", FIELD_TEXT, NULL, "", NULL},
	[OWN_SHALLOW] = {"http.version", FIELD_KEYWORD, NULL, "", NULL},
	[OWN_OTHER] = {"url.path", FIELD_KEYWORD, NULL, "", NULL},
	[OWN_FLAG] = {"flag", FIELD_BOOL, NULL, "", NULL},
	[OWN_DOUBLE] = {"double", FIELD_DOUBLE, NULL, "", NULL},
	[OWN_HEADERS] = {"extra.headers", FIELD_OBJECT, NULL, "", NULL},
	[OWN_LONG] = {"extra.a_name_that_is_longer_than_a_chunk_of_thirty_two_bytes.and_one_more",
		      FIELD_LONG, NULL, "", NULL},
	{0},
};

static struct doc_keys *keys;
static struct buf out;
static struct doc d;

static void setup(void)
{
	keys = doc_keys_new(own);
	buf_init(&out, NULL);
	doc_begin(&d, &out, keys);
}

static void teardown(void)
{
	buf_fini(&out);
	doc_keys_free(keys);
}

/* The finished document as text, its newline taken off; yajl must have read it. */
static const char *finish(void)
{
	char why[256];

	doc_end(&d);
	cr_assert(out.len > 0 && out.at[out.len - 1] == '\n');
	out.at[out.len - 1] = 0;

	yajl_val tree = yajl_tree_parse((const char *)out.at, why, sizeof why);

	cr_assert_not_null(tree, "%s: %s", why, (const char *)out.at);
	yajl_tree_free(tree);
	return (const char *)out.at;
}

TestSuite(doc, .init = setup, .fini = teardown);

Test(doc, without_fields)
{
	cr_expect_str_eq(finish(), "{}");
}

Test(doc, one_field)
{
	doc_word(&d, F_TYPE, "http");
	cr_expect_str_eq(finish(), "{\"type\":\"http\"}");
}

Test(doc, fields_of_one_object_stand_in_it)
{
	doc_word(&d, F_EVENT_KIND, "event");
	doc_int(&d, F_EVENT_DURATION, 1545000);
	cr_expect_str_eq(finish(), "{\"event\":{\"kind\":\"event\",\"duration\":1545000}}");
}

Test(doc, objects_within_objects)
{
	doc_word(&d, F_TYPE, "http");
	doc_int(&d, FIELD_OWN(OWN_DEEP), 1);
	doc_word(&d, FIELD_OWN(OWN_DEEP_TOO), "x");
	doc_word(&d, FIELD_OWN(OWN_SHALLOW), "1.1");
	doc_word(&d, FIELD_OWN(OWN_OTHER), "/");
	doc_word(&d, F_METHOD, "GET");
	cr_expect_str_eq(finish(),
			 "{\"type\":\"http\",\"http\":{\"request\":{\"body\":{\"bytes\":1,"
			 "\"content\":\"x\"}},\"version\":\"1.1\"},\"url\":{\"path\":\"/\"},"
			 "\"method\":\"GET\"}");
}

Test(doc, a_long_key)
{
	doc_int(&d, FIELD_OWN(OWN_LONG), 7);
	doc_int(&d, F_CLIENT_PORT, 8);
	cr_expect_str_eq(finish(),
			 "{\"extra\":{\"a_name_that_is_longer_than_a_chunk_of_thirty_two_bytes\":"
			 "{\"and_one_more\":7}},\"client\":{\"port\":8}}");
}

Test(doc, every_pair_of_fields)
{
	for (unsigned a = 0; a < FIELD_OWN(OWN_LONG) + 1; a++)
		for (unsigned b = 0; b < FIELD_OWN(OWN_LONG) + 1; b++) {
			if (a == b)
				continue;
			out.len = 0;
			doc_begin(&d, &out, keys);
			doc_int(&d, a, 1);
			doc_int(&d, b, 2);
			finish();
		}
}

Test(doc, several_documents_in_one_block)
{
	doc_word(&d, F_TYPE, "http");
	doc_end(&d);

	size_t at = out.len;

	doc_begin(&d, &out, keys);
	cr_expect_eq(d.begin, at);
	doc_word(&d, F_TYPE, "http");
	doc_end(&d);
	cr_expect_eq(out.len, 2 * at);
	cr_expect_arr_eq(out.at, out.at + at, at);
}

Test(doc, what_is_not_known_is_left_out)
{
	doc_text(&d, F_METHOD, NO_BYTES);
	doc_word(&d, F_TYPE, "");
	doc_double(&d, FIELD_OWN(OWN_DOUBLE), (double)INFINITY);
	doc_text_begin(&d, F_QUERY);
	doc_text_more(&d, NO_BYTES);
	doc_text_end(&d);
	cr_expect_str_eq(finish(), "{}");
}

Test(doc, ready_made_members)
{
	doc_word(&d, F_EVENT_KIND, "event");
	doc_members(&d, BYTES("\"a\":1,\"b\":{\"c\":2}"));
	doc_members(&d, NO_BYTES);
	cr_expect_str_eq(finish(), "{\"event\":{\"kind\":\"event\"},\"a\":1,\"b\":{\"c\":2}}");
}

Test(doc, ready_made_members_alone)
{
	doc_members(&d, BYTES("\"a\":1"));
	cr_expect_str_eq(finish(), "{\"a\":1}");
}

Test(doc, text_from_pieces)
{
	doc_text_begin(&d, F_QUERY);
	doc_text_more(&d, BYTES("GET"));
	doc_text_more(&d, NO_BYTES);
	doc_text_more(&d, BYTES(" /a\"b"));
	doc_text_end(&d);
	doc_word(&d, F_PATH, "/a");
	cr_expect_str_eq(finish(), "{\"query\":\"GET /a\\\"b\",\"path\":\"/a\"}");
}

Test(doc, rest_of_a_text_again)
{
	size_t from, to;

	doc_text_begin(&d, F_QUERY);
	doc_text_more(&d, BYTES("add"));
	from = doc_text_place(&d);
	doc_text_more(&d, BYTES("(1: \"a\")"));
	to = doc_text_place(&d);
	doc_text_end(&d);
	doc_text_again(&d, F_PATH, from, to);
	doc_text_again(&d, F_QUERY_FINGERPRINT, to, to);
	cr_expect_str_eq(finish(), "{\"query\":\"add(1: \\\"a\\\")\",\"path\":\"(1: \\\"a\\\")\"}");
}

Test(doc, lists)
{
	struct addr addr = {{192, 0, 2, 1}};

	doc_list_begin(&d, F_EVENT_CATEGORY);
	doc_list_text(&d, BYTES("network"));
	doc_list_text(&d, NO_BYTES);
	doc_list_int(&d, -5);
	doc_list_ip(&d, &addr, 4);
	doc_list_end(&d);
	doc_bool(&d, FIELD_OWN(OWN_FLAG), true);
	doc_json(&d, F_TAGS, BYTES("[\"a\"]"));
	cr_expect_str_eq(finish(), "{\"event\":{\"category\":[\"network\",\"\",-5,\"192.0.2.1\"]},"
				   "\"flag\":true,\"tags\":[\"a\"]}");
}

Test(doc, objects_with_keys_of_their_own)
{
	doc_object_begin(&d, FIELD_OWN(OWN_HEADERS));
	doc_object_text(&d, BYTES("ho\"st"), BYTES("a"));
	doc_object_int(&d, BYTES("content-length"), 12);
	doc_object_list_begin(&d, BYTES("set-cookie"));
	doc_list_text(&d, BYTES("x=1"));
	doc_list_text(&d, BYTES("y=2"));
	doc_object_list_end(&d);
	doc_object_text(&d, BYTES("empty"), NO_BYTES);
	doc_object_end(&d);
	doc_int(&d, FIELD_OWN(OWN_LONG), 1);
	doc_bool(&d, FIELD_OWN(OWN_FLAG), false);
	cr_expect_str_eq(
		finish(),
		"{\"extra\":{\"headers\":{\"ho\\\"st\":\"a\",\"content-length\":12,"
		"\"set-cookie\":[\"x=1\",\"y=2\"],\"empty\":\"\"},"
		"\"a_name_that_is_longer_than_a_chunk_of_thirty_two_bytes\":{\"and_one_more\":1}},"
		"\"flag\":false}");
}

Test(doc, members_of_an_object_again_in_another)
{
	struct doc_inside client, server;

	doc_word(&d, F_CLIENT_IP, "192.0.2.1");
	doc_int(&d, F_CLIENT_PORT, 5060);
	client = doc_inside(&d);
	doc_word(&d, F_SERVER_IP, "192.0.2.2");
	server = doc_inside(&d);
	doc_inside_again(&d, F_SOURCE_IP, client);
	doc_inside_again(&d, F_DESTINATION_IP, server);
	doc_int(&d, F_DESTINATION_BYTES, 7);
	doc_word(&d, F_NETWORK_TYPE, "ipv4");
	cr_expect_str_eq(finish(), "{\"client\":{\"ip\":\"192.0.2.1\",\"port\":5060},"
				   "\"server\":{\"ip\":\"192.0.2.2\"},"
				   "\"source\":{\"ip\":\"192.0.2.1\",\"port\":5060},"
				   "\"destination\":{\"ip\":\"192.0.2.2\",\"bytes\":7},"
				   "\"network\":{\"type\":\"ipv4\"}}");
}

/* Two fields of the document itself, and one of an object that stays open behind them. */
static struct doc_piece piece_of_three(void)
{
	struct doc_piece piece = {0};
	struct doc other;

	doc_piece_begin(&other, &piece, keys, F_TYPE);
	doc_word(&other, F_TYPE, "http");
	doc_word(&other, F_STATUS, "OK");
	doc_word(&other, F_EVENT_KIND, "event");
	doc_piece_end(&other, &piece);
	return piece;
}

Test(doc, a_piece_in_several_documents)
{
	struct doc_piece piece = piece_of_three();

	for (int i = 0; i < 2; i++) {
		out.len = 0;
		doc_begin(&d, &out, keys);
		doc_word(&d, F_METHOD, "GET");
		doc_piece_put(&d, &piece);
		doc_int(&d, F_EVENT_DURATION, i);
		doc_word(&d, F_PATH, "/");
		cr_expect_str_eq(
			finish(),
			i ? "{\"method\":\"GET\",\"type\":\"http\",\"status\":\"OK\","
			    "\"event\":{\"kind\":\"event\",\"duration\":1},\"path\":\"/\"}"
			  : "{\"method\":\"GET\",\"type\":\"http\",\"status\":\"OK\","
			    "\"event\":{\"kind\":\"event\",\"duration\":0},\"path\":\"/\"}");
	}
	buf_fini(&piece.text);
}

Test(doc, a_piece_with_a_field_that_is_there_is_our_mistake, .signal = SIGABRT)
{
	struct doc_piece piece = piece_of_three();

	doc_word(&d, F_STATUS, "OK");
	doc_piece_put(&d, &piece);
}

Test(doc, a_field_that_a_piece_has_is_our_mistake, .signal = SIGABRT)
{
	struct doc_piece piece = piece_of_three();

	doc_word(&d, F_METHOD, "GET");
	doc_piece_put(&d, &piece);
	doc_word(&d, F_EVENT_KIND, "event");
}

Test(doc, a_piece_within_another_object_is_our_mistake, .signal = SIGABRT)
{
	struct doc_piece piece = piece_of_three();

	doc_word(&d, F_CLIENT_IP, "192.0.2.1");
	doc_piece_put(&d, &piece);
}

Test(doc, an_object_opened_twice_is_our_mistake, .signal = SIGABRT)
{
	doc_word(&d, F_EVENT_KIND, "event");
	doc_word(&d, F_METHOD, "GET");
	doc_int(&d, F_EVENT_DURATION, 1);
}

Test(doc, a_field_written_twice_is_our_mistake, .signal = SIGABRT)
{
	doc_word(&d, F_METHOD, "GET");
	doc_word(&d, F_METHOD, "GET");
}

Test(doc, a_field_within_a_list_is_our_mistake, .signal = SIGABRT)
{
	doc_list_begin(&d, F_TAGS);
	doc_word(&d, F_METHOD, "GET");
}

/* What stands behind the only field's colon. */
static const char *value(const char *text)
{
	static char cut[256];
	const char *colon = strchr(text, ':');

	snprintf(cut, sizeof cut, "%s", colon + 1);
	cut[strlen(cut) - 1] = 0;
	return cut;
}

static const char *int_text(int64_t n)
{
	out.len = 0;
	doc_begin(&d, &out, keys);
	doc_int(&d, F_STATUS, n);
	return value(finish());
}

Test(doc, integers)
{
	char expected[32];
	uint64_t seed = 1;

	for (uint64_t power = 1;; power *= 10) {
		for (int i = -2; i <= 2; i++)
			for (int sign = -1; sign <= 1; sign += 2) {
				int64_t n = sign * ((int64_t)power + i);

				snprintf(expected, sizeof expected, "%" PRId64, n);
				cr_expect_str_eq(int_text(n), expected);
			}
		if (power == UINT64_C(1000000000000000000))
			break;
	}
	cr_expect_str_eq(int_text(INT64_MIN), "-9223372036854775808");
	cr_expect_str_eq(int_text(INT64_MAX), "9223372036854775807");
	for (int i = 0; i < 20000; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		int64_t n = (int64_t)seed >> (seed >> 58);

		snprintf(expected, sizeof expected, "%" PRId64, n);
		cr_assert_str_eq(int_text(n), expected);
	}
}

static const char *double_text(double n)
{
	out.len = 0;
	doc_begin(&d, &out, keys);
	doc_double(&d, FIELD_OWN(OWN_DOUBLE), n);
	return value(finish());
}

Test(doc, doubles)
{
	static const double some[] = {DBL_MIN, DBL_MAX, DBL_EPSILON, 1.0 / 3, 1e22, 123456789.125};

	cr_expect_str_eq(double_text(0.1), "0.1");
	cr_expect_str_eq(double_text(3), "3");
	cr_expect_str_eq(double_text(-2.5), "-2.5");
	cr_expect_str_eq(double_text(5e-324), "5e-324");
	cr_expect_str_eq(double_text(1e100), "1e+100");
	for (size_t i = 0; i < sizeof some / sizeof *some; i++)
		cr_expect_eq(strtod(double_text(some[i]), NULL), some[i]);
}

Test(doc, hex)
{
	doc_hex(&d, F_QUERY_HASH, UINT64_C(0x0f0c6b3a9d27e485));
	cr_expect_str_eq(value(finish()), "\"0f0c6b3a9d27e485\"");
}
