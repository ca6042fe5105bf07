/*
 * Content codings: what the libraries write, our decoder reads; cut, broken and bursting streams.
 */
#include "protos/http/content.h"
#include "protos/http/fingerprint.h"
#include "tests/unit/talk.h"

#include <criterion/criterion.h>
#include <zlib.h>
#include <zstd.h>

extern const struct proto proto_http;

static struct buf deflated(struct bytes text, int window)
{
	struct buf out = {0};
	z_stream z = {.next_in = (Bytef *)(uintptr_t)text.at, .avail_in = (uInt)text.len};

	cr_assert_eq(deflateInit2(&z, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.avail_out = (uInt)deflateBound(&z, text.len) + 32;
	z.next_out = buf_room(&out, z.avail_out);
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	out.len = z.total_out;
	deflateEnd(&z);
	return out;
}

static struct codings codings(const char *value)
{
	struct codings c = {0};

	codings_add(&c, bytes_str(value));
	return c;
}

/* Decodes a copy of exactly that size. */
static struct buf decoded(const char *value, struct bytes in, size_t limit, bool good, bool cut)
{
	struct codings c = codings(value);
	struct buf out = {0};
	uint8_t *copy = malloc(in.len + 1);
	bool was_cut = false;

	if (in.len > 0)
		memcpy(copy + 1, in.at, in.len);
	bool was_good = content_decode(&c, bytes_of(copy + 1, in.len), &out, limit, &was_cut);

	free(copy);
	cr_expect_eq(was_good, good, "%s of %zu bytes", value, in.len);
	cr_expect_eq(was_cut, cut, "%s of %zu bytes", value, in.len);
	return out;
}

static void expect_text(struct buf out, struct bytes text)
{
	cr_expect(bytes_eq(buf_bytes(&out), text), "%zu bytes, not %zu", out.len, text.len);
	buf_fini(&out);
}

static struct bytes long_text(void)
{
	static uint8_t text[100000];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)("the quick brown fox "[i % 20] + (i % 977 == 0));
	return bytes_of(text, sizeof(text));
}

Test(http_content, deflate_and_gzip)
{
	static const struct {
		const char *name;
		int window;
	} kinds[] = {{"gzip", 31}, {"X-GZIP", 31}, {"deflate", 15}, {"Deflate", -15}};
	struct bytes text = long_text();

	for (size_t i = 0; i < 4; i++) {
		struct buf in = deflated(text, kinds[i].window);
		struct bytes b = buf_bytes(&in);

		expect_text(decoded(kinds[i].name, b, text.len, true, false), text);
		expect_text(decoded(kinds[i].name, b, text.len + 1, true, false), text);
		expect_text(decoded(kinds[i].name, b, 1000, true, true), bytes_head(text, 1000));
		for (size_t n = 0; n < b.len; n += n / 8 + 1) {
			struct buf out =
				decoded(kinds[i].name, bytes_head(b, n), text.len, false, false);

			cr_expect(bytes_starts(text, buf_bytes(&out)));
			buf_fini(&out);
		}
		buf_fini(&in);
	}
}

Test(http_content, gzip_members_and_chains)
{
	struct bytes text = BYTES("hello, hello, hello");
	struct buf one = deflated(text, 31), two = deflated(BYTES(" world"), 31);

	buf_add(&one, buf_bytes(&two));
	expect_text(decoded("gzip", buf_bytes(&one), 100, true, false),
		    BYTES("hello, hello, hello world"));
	struct buf again = deflated(buf_bytes(&one), 15);

	expect_text(decoded("gzip, identity, deflate", buf_bytes(&again), 100, true, false),
		    BYTES("hello, hello, hello world"));
	expect_text(decoded("deflate, compress", buf_bytes(&again), 100, false, false), NO_BYTES);
	expect_text(decoded("gzip,gzip,gzip,gzip,gzip", buf_bytes(&again), 100, false, false),
		    NO_BYTES);
	buf_fini(&one);
	buf_fini(&two);
	buf_fini(&again);
}

Test(http_content, zstd)
{
	struct bytes text = long_text();
	struct buf in = {0};
	size_t room = ZSTD_compressBound(text.len);

	in.len = ZSTD_compress(buf_room(&in, room), room, text.at, text.len, 3);
	expect_text(decoded("zstd", buf_bytes(&in), text.len, true, false), text);
	expect_text(decoded("zstd", buf_bytes(&in), 77, true, true), bytes_head(text, 77));
	expect_text(decoded("zstd", BYTES("not zstd"), 77, false, false), NO_BYTES);
	struct buf out =
		decoded("zstd", bytes_head(buf_bytes(&in), in.len / 2), text.len, false, false);

	cr_expect(bytes_starts(text, buf_bytes(&out)));
	buf_fini(&out);
	buf_fini(&in);
}

Test(http_content, brotli)
{
	expect_text(decoded("br", BYTES("\x0b\x02\x80hello\x03"), 100, true, false),
		    BYTES("hello"));
	expect_text(decoded("br", BYTES("\x0b\x02\x80hello\x03"), 3, true, true), BYTES("hel"));
	expect_text(decoded("br", BYTES("\x0b\x02\x80hel"), 100, false, false), BYTES("hel"));
}

Test(http_content, a_coded_body_in_a_document)
{
	static const char *const options[] = {"include_body_for=text/", "max_message_size=64",
					      NULL};
	static const char *const coded[] = {"include_body_for=text/", "decode_body=false", NULL};
	struct bytes text = bytes_head(long_text(), 1000);
	struct buf body = deflated(text, 31);
	struct talk t;

	for (int i = 0; i < 3; i++) {
		talk_open(&t, &proto_http, i == 2 ? coded : options);
		talk_text(&t, CLIENT, "GET / HTTP/1.0\r\n\r\n");
		talk_text(&t, SERVER,
			  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: "
			  "gzip\r\n\r\n");
		if (i == 1)
			body.at[0] ^= 0xff;
		talk_say(&t, SERVER, bytes_head(buf_bytes(&body), i == 1 ? 30 : 64));
		talk_end(&t, SERVER);
		talk_finish(&t);
		cr_assert_eq(t.docs_count, 1);
		const char *shown = talk_field(&t, 0, "http.response.body.content");
		const char *notes = talk_field(&t, 0, "notes");

		if (i == 0)
			cr_expect(shown && bytes_starts(text, bytes_str(shown)) &&
				  strlen(shown) > 0);
		if (i == 1)
			cr_expect(notes && strstr(notes, "body not decoded"), "%s", notes);
		if (i == 2)
			cr_expect(shown && !bytes_starts(text, bytes_str(shown)));
		talk_close(&t);
	}
	buf_fini(&body);
}

Test(http_content, fingerprints)
{
	static const char *const pairs[][2] = {
		{"/users/17", "/users/?"},
		{"/", "/"},
		{"", ""},
		{"/a/-5/2024-01-02/b", "/a/?/?/b"},
		{"/v1/api/v2", "/v1/api/v2"},
		{"/x/9f1c2d3e-0b1a-4c5d-8e6f-001122334455/y", "/x/?/y"},
		{"/assets/app.3f2a9c1d7b.js", "/assets/app.?.js"},
		{"/deadbeef/feedface0", "/deadbeef/?"},
		{"/blog/how-to-install-python-3-on-debian",
		 "/blog/how-to-install-python-3-on-debian"},
		{"/getUserByIdentifier2", "/getUserByIdentifier2"},
		{"/t/dGhpcyBpcyBhIHRlc3Q1", "/t/?"},
		{"/t/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "/t/?"},
		{"/k/0a1B2c3D4e5F6g7H8", "/k/?"},
		{"/items;id=42/name", "/items;id=?/name"},
		{"/1.2.3", "/?.?.?"},
		{"/name/", "/name/"},
	};
	uint8_t text[FINGERPRINT_MAX];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		size_t n = fingerprint_path(bytes_str(pairs[i][0]), text, sizeof(text));

		cr_expect(bytes_eq(bytes_of(text, n), bytes_str(pairs[i][1])), "%s gives %.*s",
			  pairs[i][0], (int)n, (const char *)text);
		for (size_t max = 0; max < n; max++)
			cr_expect(fingerprint_path(bytes_str(pairs[i][0]), text, max) <= max);
	}
}
