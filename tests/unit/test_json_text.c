/* Escaping and UTF-8, against a slow reference; yajl must read what comes out. */
#include "shipper/base/must.h"
#include "shipper/txn/json_text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

static struct buf out;

static void setup(void)
{
	buf_init(&out, NULL);
}

static void teardown(void)
{
	buf_fini(&out);
}

TestSuite(json_text, .init = setup, .fini = teardown);

/* From a block of exactly its size, so that the sanitizer sees a read past it. */
static const char *escaped(struct bytes text)
{
	uint8_t *exact = must_alloc(text.len);

	if (text.len > 0)
		memcpy(exact, text.at, text.len);
	out.len = 0;
	json_text(&out, bytes_of(exact, text.len));
	free(exact);
	*buf_room(&out, 1) = 0;
	return (const char *)out.at;
}

/* ---- the reference: Unicode's table 3-7, a byte at a time ---- */

struct row {
	uint8_t lead[2], next[3][2];
	unsigned count; /* of next bytes */
};

static const struct row rows[] = {
	{{0x00, 0x7f}, {{0}}, 0},
	{{0xc2, 0xdf}, {{0x80, 0xbf}}, 1},
	{{0xe0, 0xe0}, {{0xa0, 0xbf}, {0x80, 0xbf}}, 2},
	{{0xe1, 0xec}, {{0x80, 0xbf}, {0x80, 0xbf}}, 2},
	{{0xed, 0xed}, {{0x80, 0x9f}, {0x80, 0xbf}}, 2},
	{{0xee, 0xef}, {{0x80, 0xbf}, {0x80, 0xbf}}, 2},
	{{0xf0, 0xf0}, {{0x90, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}}, 3},
	{{0xf1, 0xf3}, {{0x80, 0xbf}, {0x80, 0xbf}, {0x80, 0xbf}}, 3},
	{{0xf4, 0xf4}, {{0x80, 0x8f}, {0x80, 0xbf}, {0x80, 0xbf}}, 3},
};

static void reference_valid(struct buf *to, struct bytes text)
{
	for (size_t at = 0; at < text.len;) {
		const struct row *row = NULL;
		size_t n = 1;

		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
			if (text.at[at] >= rows[i].lead[0] && text.at[at] <= rows[i].lead[1])
				row = &rows[i];
		while (row && n <= row->count && at + n < text.len &&
		       text.at[at + n] >= row->next[n - 1][0] &&
		       text.at[at + n] <= row->next[n - 1][1])
			n++;
		if (row && n == row->count + 1)
			buf_add(to, bytes_of(text.at + at, n));
		else
			buf_add(to, BYTES("\xef\xbf\xbd"));
		at += n;
	}
}

static void reference(struct buf *to, struct bytes text)
{
	struct buf valid = {0};
	char escape[8];

	reference_valid(&valid, text);
	for (size_t i = 0; i < valid.len; i++) {
		uint8_t c = valid.at[i];
		const char *letter = c < 0x20 ? strchr("\bb\ff\nn\rr\tt", c) : NULL;

		if (c == '"' || c == '\\')
			snprintf(escape, sizeof escape, "\\%c", c);
		else if (c > 0 && letter)
			snprintf(escape, sizeof escape, "\\%c", letter[1]);
		else if (c < 0x20)
			snprintf(escape, sizeof escape, "\\u%04x", c);
		else
			snprintf(escape, sizeof escape, "%c", c);
		buf_add(to, bytes_str(escape));
	}
	*buf_room(to, 1) = 0;
	buf_fini(&valid);
}

static int keep_string(void *self, const unsigned char *text, size_t len)
{
	buf_add(self, bytes_of(text, len));
	return 1;
}

/* As the reference has it, and read by yajl as the valid text it came from. */
static void check(struct bytes text)
{
	static const yajl_callbacks callbacks = {.yajl_string = keep_string};
	struct buf expected = {0}, valid = {0}, read = {0}, whole = {0};
	yajl_handle yajl = yajl_alloc(&callbacks, NULL, &read);

	reference(&expected, text);
	reference_valid(&valid, text);
	cr_assert_str_eq(escaped(text), (const char *)expected.at);
	cr_assert_eq(out.len, expected.len);
	if (text.len <= JSON_SHORT) {
		uint8_t shorter[JSON_SHORT_ROOM];
		size_t n = (size_t)(json_short(shorter, text) - shorter);

		cr_assert(bytes_eq(bytes_of(shorter, n), buf_bytes(&out)));
	}
	buf_add(&whole, BYTES("\""));
	buf_add(&whole, buf_bytes(&out));
	buf_add(&whole, BYTES("\""));
	cr_assert_eq(yajl_parse(yajl, whole.at, whole.len), yajl_status_ok, "%s", (char *)out.at);
	cr_assert_eq(yajl_complete_parse(yajl), yajl_status_ok);
	cr_assert(bytes_eq(buf_bytes(&read), buf_bytes(&valid)));
	yajl_free(yajl);
	buf_fini(&expected);
	buf_fini(&valid);
	buf_fini(&read);
	buf_fini(&whole);
}

#define FFFD "\xef\xbf\xbd"

Test(json_text, plain_text_stays)
{
	cr_expect_str_eq(escaped(NO_BYTES), "");
	cr_expect_str_eq(escaped(BYTES("a")), "a");
	cr_expect_str_eq(escaped(BYTES("GET /a/b?c=d&e=%20 HTTP/1.1")),
			 "GET /a/b?c=d&e=%20 HTTP/1.1");
}

Test(json_text, quotes_and_backslashes_not_slashes)
{
	cr_expect_str_eq(escaped(BYTES("\"\\/\x7f'<>&")), "\\\"\\\\/\x7f'<>&");
}

Test(json_text, control_characters)
{
	cr_expect_str_eq(escaped(BYTES("\0\x01\b\t\n\x0b\f\r\x0e\x1f ")),
			 "\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u000e\\u001f ");
}

Test(json_text, valid_utf8_stays)
{
	cr_expect_str_eq(escaped(BYTES("\u00a0\u00e9\u0416\u2028\u2029\u20ac\uffff\U0001f600")),
			 "\u00a0\u00e9\u0416\u2028\u2029\u20ac\uffff\U0001f600");
}

/* The examples of Unicode 15, tables 3-8 to 3-11. */
Test(json_text, one_replacement_for_each_maximal_subpart)
{
	cr_expect_str_eq(escaped(BYTES("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41")),
			 FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A");
	cr_expect_str_eq(escaped(BYTES("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41")),
			 FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A");
	cr_expect_str_eq(escaped(BYTES("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42")),
			 FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B");
	cr_expect_str_eq(escaped(BYTES("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41")),
			 FFFD FFFD FFFD FFFD "A");
}

Test(json_text, a_sequence_cut_at_the_end)
{
	cr_expect_str_eq(escaped(BYTES("a\xe2\x82")), "a" FFFD);
	cr_expect_str_eq(escaped(BYTES("\xf0\x9f\x98")), FFFD);
	cr_expect_str_eq(escaped(BYTES("\xc3")), FFFD);
}

Test(json_text, every_byte_at_every_place)
{
	for (unsigned c = 0; c < 256; c++)
		for (size_t len = 1; len <= 20; len++)
			for (size_t at = 0; at < len; at++) {
				uint8_t text[20];

				memset(text, 'x', sizeof text);
				text[at] = (uint8_t)c;
				check(bytes_of(text, len));
			}
}

Test(json_text, every_two_bytes)
{
	for (unsigned a = 0x7f; a < 256; a++)
		for (unsigned b = 0; b < 256; b++) {
			uint8_t two[] = {(uint8_t)a, (uint8_t)b};

			check(bytes_of(two, 2));
		}
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Bytes near the borders of the rules come up far more often than among random ones. */
Test(json_text, random_texts)
{
	static const uint8_t likely[] = {0x1f, '"',  '\\', 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0,
					 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xee, 0xef,
					 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff, 'a',  'b'};
	uint64_t state = 42;
	uint8_t text[700];

	for (int round = 0; round < 30000; round++) {
		size_t len = next_random(&state) % (round % 100 == 0 ? sizeof text : 40);
		uint64_t mix = next_random(&state) % 3;

		for (size_t i = 0; i < len; i++) {
			uint64_t r = next_random(&state);

			text[i] = mix == 0		    ? (uint8_t)r
				  : mix == 1 || r >> 32 & 3 ? likely[r % sizeof likely]
							    : (uint8_t)('a' + r % 26);
		}
		check(bytes_of(text, len));
	}
}

Test(json_text, long_texts_of_one_byte)
{
	static uint8_t text[5000];

	for (unsigned c = 0; c < 256; c += 15) {
		memset(text, (int)c, sizeof text);
		check(bytes_of(text, sizeof text));
	}
	memset(text, '\\', sizeof text);
	check(bytes_of(text, sizeof text));
}
