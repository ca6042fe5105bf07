/*
 * HTTP through the real engine: first the plain case, then every rule of framing.
 */
#include "tests/unit/http_talk.h"

#include <criterion/criterion.h>

/* A field has this text; NULL: it is not there. */
static void expect(struct talk *t, size_t doc, const char *path, const char *text)
{
	const char *is = talk_field(t, doc, path);

	if (text == NULL)
		cr_assert(is == NULL, "%s of document %zu should not be there: %s", path, doc, is);
	else
		cr_assert(is && strcmp(is, text) == 0, "%s of document %zu is %s, not %s", path,
			  doc, is ? is : "not there", text);
}

Test(http, a_plain_exchange_has_all_its_fields)
{
	struct talk t;

	talk_open(&t, NULL);
	talk_text(&t, CLIENT,
		  "GET /users/17/photo.png?size=2 HTTP/1.1\r\nHost: www.example.com:8080\r\n"
		  "User-Agent: probe/1.0\r\nReferer: http://www.example.com/\r\n\r\n");
	talk_text(&t, SERVER,
		  "HTTP/1.1 200 OK\r\nContent-Type: image/png; q=1\r\nContent-Length: 5\r\n\r\n"
		  "hello");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 1);
	expect(&t, 0, "method", "GET");
	talk_close(&t);
}
