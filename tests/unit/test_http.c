/*
 * HTTP through the real engine: the plain case, then every rule of framing as a story, then every
 * story again cut at every size.
 */
#include "protos/http/http.h"
#include "tests/unit/http_stories.h"
#include "tests/unit/talk.h"

#include <criterion/criterion.h>
#include <stdio.h>

extern const struct proto proto_http;

/* A field has this text; NULL: it is not there. */
static void expect(struct talk *t, const char *story, size_t doc, const char *path,
		   const char *text)
{
	const char *is = talk_field(t, doc, path);

	if (text == NULL)
		cr_expect(is == NULL, "%s: %s of document %zu should not be there: %s", story, path,
			  doc, is);
	else
		cr_expect(is && strcmp(is, text) == 0, "%s: %s of document %zu is %s, not %s",
			  story, path, doc, is ? is : "not there", text);
}

static void tell(struct talk *t, const struct story *story, size_t cut)
{
	if (story->midstream)
		talk_open_midstream(t, &proto_http, story->options);
	else
		talk_open(t, &proto_http, story->options);
	t->cut = cut;
	for (const struct story_step *s = story->steps; s->kind != STORY_OVER; s++) {
		switch (s->kind) {
		case STORY_OVER:
			break;
		case CLIENT_SAYS:
			talk_text(t, CLIENT, s->text);
			break;
		case SERVER_SAYS:
			talk_text(t, SERVER, s->text);
			break;
		case CLIENT_LOSES:
			talk_lose(t, CLIENT, s->n);
			break;
		case SERVER_LOSES:
			talk_lose(t, SERVER, s->n);
			break;
		case CLIENT_ENDS:
			talk_end(t, CLIENT);
			break;
		case SERVER_ENDS:
			talk_end(t, SERVER);
			break;
		}
	}
	talk_finish(t);
}

Test(http, a_plain_exchange_has_all_its_fields)
{
	struct talk t;

	talk_open(&t, &proto_http, NULL);
	talk_text(&t, CLIENT,
		  "GET /users/17/photo.png?size=2 HTTP/1.1\r\nHost: www.example.com:8080\r\n"
		  "User-Agent: probe/1.0\r\nReferer: http://www.example.com/\r\n\r\n");
	talk_text(&t, SERVER,
		  "HTTP/1.1 200 OK\r\nContent-Type: image/png; q=1\r\nContent-Length: 5\r\n\r\n"
		  "hello");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 1);
	static const struct story_want wants[] = {
		{0, "type", "http"},
		{0, "status", "OK"},
		{0, "event.dataset", "http"},
		{0, "event.category", "network|web"},
		{0, "event.outcome", "success"},
		{0, "event.duration", "1000000"},
		{0, "method", "GET"},
		{0, "query", "GET /users/17/photo.png"},
		{0, "path", "/users/17/photo.png"},
		{0, "query_fingerprint", "GET /users/?/photo.png"},
		{0, "query_hash", "d2d805f37d5c36c2"},
		{0, "http.version", "1.1"},
		{0, "http.request.method", "GET"},
		{0, "http.request.bytes", "128"},
		{0, "http.request.body", NULL},
		{0, "http.request.referrer", "http://www.example.com/"},
		{0, "http.response.status_code", "200"},
		{0, "http.response.status_phrase", "OK"},
		{0, "http.response.mime_type", "image/png"},
		{0, "http.response.bytes", "73"},
		{0, "http.response.body.bytes", "5"},
		{0, "http.response.headers.content-type", "image/png; q=1"},
		{0, "http.response.headers.content-length", "5"},
		{0, "url.scheme", "http"},
		{0, "url.domain", "www.example.com"},
		{0, "url.port", "8080"},
		{0, "url.path", "/users/17/photo.png"},
		{0, "url.query", "size=2"},
		{0, "url.extension", "png"},
		{0, "url.full", "http://www.example.com:8080/users/17/photo.png?size=2"},
		{0, "user_agent.original", "probe/1.0"},
		{0, "server.domain", "www.example.com"},
		{0, "destination.domain", "www.example.com"},
		{0, "client.bytes", "128"},
		{0, "server.bytes", "73"},
		{0, "notes", NULL},
		{0, "error", NULL},
	};
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		expect(&t, "plain", 0, wants[i].path, wants[i].text);
	talk_close(&t);
}

Test(http, stories)
{
	for (const struct story *story = http_stories; story->name; story++) {
		struct talk t;

		tell(&t, story, 0);
		cr_expect_eq(t.docs_count, story->docs, "%s: %zu documents, not %zu:\n%.*s",
			     story->name, t.docs_count, story->docs, (int)t.out.len,
			     t.out.len ? (const char *)t.out.at : "");
		for (const struct story_want *w = story->wants; w->path; w++)
			if (w->doc < t.docs_count)
				expect(&t, story->name, w->doc, w->path, w->text);
		talk_close(&t);
	}
}

/* The documents without what a cut may change: in how many packets the bytes came. */
static char *comparable(const struct talk *t)
{
	static const char word[] = "\"packets\":";
	char *text = malloc(t->out.len + 1), *to = text;
	size_t i = 0;

	while (i < t->out.len) {
		if (t->out.len - i > sizeof(word) &&
		    memcmp(t->out.at + i, word, sizeof(word) - 1) == 0) {
			i += sizeof(word) - 1;
			while (t->out.at[i] >= '0' && t->out.at[i] <= '9')
				i++;
		} else {
			*to++ = (char)t->out.at[i++];
		}
	}
	*to = '\0';
	return text;
}

Test(http, stories_cut_at_every_size_give_the_same_documents)
{
	for (const struct story *story = http_stories; story->name; story++) {
		struct talk whole;

		if (story->cut_matters)
			continue;
		tell(&whole, story, 0);
		char *text = comparable(&whole);

		talk_close(&whole);
		for (size_t cut = 1; cut < 200; cut++) {
			struct talk t;

			tell(&t, story, cut);
			char *again = comparable(&t);

			cr_assert_str_eq(again, text, "%s, cut at %zu:\n%s\nnot\n%s", story->name,
					 cut, again, text);
			free(again);
			talk_close(&t);
		}
		free(text);
	}
}

Test(http, the_connections_port_is_the_urls_where_host_names_none)
{
	struct talk t;

	talk_open(&t, &proto_http, NULL);
	t.ends.port[SERVER] = 8002;
	talk_text(&t, CLIENT, "GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n");
	talk_text(&t, CLIENT, "GET /b HTTP/1.1\r\nHost: a.example:81\r\n\r\n");
	talk_text(&t, CLIENT, "GET http://b.example/c HTTP/1.1\r\nHost: a.example\r\n\r\n");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 3);
	expect(&t, "port", 0, "url.port", "8002");
	expect(&t, "port", 0, "url.full", "http://a.example:8002/a");
	expect(&t, "port", 1, "url.port", "81");
	expect(&t, "port", 1, "url.full", "http://a.example:81/b");
	expect(&t, "port", 2, "url.port", NULL);
	talk_close(&t);
}

/* A line may have LINE_MAX_BYTES with its end; of a longer one the front is used, and its place is
 * kept. */
Test(http, long_lines_are_cut_but_their_place_is_kept)
{
	static const char *const options[] = {"send_headers=[x-long, x-after]",
					      "max_message_size=64KiB", NULL};
	static char text[4 * LINE_MAX_BYTES];

	for (int more = -12; more <= 12; more++) {
		for (size_t cut = 0; cut < 3; cut++) {
			int fill = LINE_MAX_BYTES - (int)strlen("X-Long: \r") + more;
			struct talk t;

			snprintf(text, sizeof(text),
				 "GET /%0*d HTTP/1.1\r\nX-Long: %0*d\r\n%sX-After: here\r\n\r\n",
				 more > 0 ? LINE_MAX_BYTES : 5, 0, fill, 7,
				 more % 2 ? " continued\r\n" : "");
			talk_open(&t, &proto_http, options);
			t.cut = cut * 1447;
			talk_text(&t, CLIENT, text);
			talk_text(&t, SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
			talk_finish(&t);
			cr_assert_eq(t.docs_count, 1);
			expect(&t, "long line", 0, "http.request.headers.x-after", "here");
			expect(&t, "long line", 0, "status", "OK");
			cr_expect_eq(more >= 0 || more % 2, talk_field(&t, 0, "notes") != NULL,
				     "%d bytes more", more);
			talk_close(&t);
		}
	}
}

/* Counts of bytes are wider than 32 bits, as are the offsets that they come from. */
Test(http, bodies_of_more_than_4_GiB_are_counted)
{
	static uint8_t zeros[16 << 20];
	uint64_t left = UINT64_C(5000000000);
	struct talk t;

	talk_open(&t, &proto_http, NULL);
	talk_text(&t, CLIENT, "PUT /large HTTP/1.1\r\nContent-Length: 5000000000\r\n\r\n");
	for (; left > 0; left -= left < sizeof(zeros) ? left : sizeof(zeros)) {
		struct bytes part = bytes_of(zeros, left < sizeof(zeros) ? left : sizeof(zeros));
		struct piece piece = {.bytes = part, .when = t.now, .peer_at = PEER_UNKNOWN};

		conn_data(t.conn, CLIENT, &piece);
		t.said[CLIENT] += part.len;
	}
	talk_text(&t, SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	talk_text(&t, CLIENT, "GET /next HTTP/1.1\r\n\r\n");
	talk_text(&t, SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 2);
	expect(&t, "large", 0, "http.request.body.bytes", "5000000000");
	expect(&t, "large", 0, "client.bytes", "5000000051");
	expect(&t, "large", 1, "client.bytes", "22");
	talk_close(&t);
}

Test(http, headers_without_end_are_passed_over_in_bounded_memory)
{
	static const char *const options[] = {"send_all_headers=true", "send_request=true",
					      "max_message_size=4096", NULL};
	struct talk t;

	talk_open(&t, &proto_http, options);
	talk_text(&t, CLIENT, "GET / HTTP/1.1\r\n");
	for (int i = 0; i < 20000; i++)
		talk_text(&t, CLIENT, "X-Endless: 0123456789012345678901234567890123456789\r\n");
	cr_expect_lt(t.quota.most, 64 << 10, "%zu bytes", t.quota.most);
	talk_text(&t, CLIENT, "\r\n");
	for (int i = 0; i < 20000; i++)
		talk_text(&t, SERVER, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
	cr_expect_lt(t.quota.most, 64 << 10, "%zu bytes", t.quota.most);
	talk_text(&t, SERVER, "HTTP/1.1 204 No Content\r\n\r\n");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 1);
	expect(&t, "endless", 0, "http.response.status_code", "204");
	expect(&t, "endless", 0, "notes", "trimmed");
	talk_close(&t);
}
