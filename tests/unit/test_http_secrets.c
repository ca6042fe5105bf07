/*
 * Secrets: each way in which one can stand in a message, with every option that shows more, and
 * the whole document searched for it.
 */
#include "protos/http/secrets.h"
#include "tests/unit/talk.h"

#include <criterion/criterion.h>

extern const struct proto proto_http;

static char keyword_a[] = "password", keyword_b[] = "token";
static char *keywords[] = {keyword_a, keyword_b};
static const struct texts hide = {keywords, 2};

typedef void mask_fn(struct buf *out, struct bytes text, const struct texts *list);

static void check(mask_fn *mask, const char *text, const char *masked)
{
	struct buf out = {0};

	mask(&out, bytes_str(text), &hide);
	buf_add(&out, bytes_of("", 1));
	cr_expect_str_eq((const char *)out.at, masked, "%s gives %s", text, (const char *)out.at);
	buf_fini(&out);
}

Test(http_secrets, names)
{
	static const char *const secret[] = {
		"password",	 "PassWord",   "p%61ssword",  "%70%41ssword",	   "user[password]",
		"user.password", "+password ", "a[0][token]", "user%5Bpassword%5D"};
	static const char *const open[] = {"passwor", "passwords", "apassword", "", "tok%65", "%"};

	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
		cr_expect(secret_name(&hide, bytes_str(secret[i])), "%s", secret[i]);
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		cr_expect(!secret_name(&hide, bytes_str(open[i])), "%s", open[i]);
}

Test(http_secrets, urls)
{
	check(secret_url, "/a?x=1&password=abc&y=2", "/a?x=1&password=xxxxx&y=2");
	check(secret_url, "/a?password=a=b;c,d#e&y=2", "/a?password=xxxxx&y=2");
	check(secret_url, "/a?PASSWORD=", "/a?PASSWORD=xxxxx");
	check(secret_url, "/a;token=1?y=2", "/a;token=xxxxx");
	check(secret_url, "/a?next=/b?token=1&z=3", "/a?next=/b?token=xxxxx&z=3");
	check(secret_url, "/a?next=%2Fb%3Ftoken%3D1&z=3", "/a?next=xxxxx&z=3");
	check(secret_url, "/a?q={\"token\":\"1\"}&z=3", "/a?q=xxxxx&z=3");
	check(secret_url, "http://ada:love@h/a@b", "http://xxxxx@h/a@b");
	check(secret_url, "http://h/?u=http://ada@i/", "http://h/?u=http://xxxxx@i/");
	check(secret_url, "/a?b=c", "/a?b=c");
	check(secret_url, "/a?b=\"password\"&c={password}", "/a?b=\"password\"&c=xxxxx");
	check(secret_url, "", "");
}

Test(http_secrets, cookies)
{
	struct buf out = {0};

	secret_cookie(&out, BYTES("a=1; b = 2;c;; d=\"4\""));
	secret_set_cookie(&out, BYTES("sid=1=2; Path=/; secret=3; HttpOnly; Max-Age=5"));
	secret_credentials(&out, BYTES("Bearer abc"), true);
	secret_credentials(&out, BYTES("Bearer abc"), false);
	secret_credentials(&out, BYTES("abc def"), true);
	buf_add(&out, bytes_of("", 1));
	cr_expect_str_eq((const char *)out.at,
			 "a=xxxxx; b =xxxxx; xxxxx; d=xxxxx"
			 "sid=xxxxx; Path=/; secret=xxxxx; HttpOnly; Max-Age=5"
			 "Bearer xxxxxxxxxxxxxxx");
	buf_fini(&out);
}

static void json(struct buf *out, struct bytes text, const struct texts *list)
{
	secret_body(out, BYTES("application/json"), text, list);
}

Test(http_secrets, json)
{
	check(json, "{\"a\":1,\"password\":\"b\",\"c\":2}",
	      "{\"a\":1,\"password\":\"xxxxx\",\"c\":2}");
	check(json, "{\"password\" : {\"x\":[\"}\",2]} ,\"c\":2}",
	      "{\"password\" : \"xxxxx\" ,\"c\":2}");
	check(json, "[{\"x\":{\"To\\u006ben\":123}}]", "[{\"x\":{\"To\\u006ben\":\"xxxxx\"}}]");
	check(json, "{\"password\":\"cut in the mid", "{\"password\":\"xxxxx\"");
	check(json, "{\"password\":", "{\"password\":\"xxxxx\"");
	check(json, "{\"password\":[[[", "{\"password\":\"xxxxx\"");
	check(json, "{\"a\":\"password=b\"}", "{\"a\":\"xxxxx\"}");
	check(json, "{\"a\":\"{\\\"password\\\":1}\"}", "{\"a\":\"xxxxx\"}");
	check(json, "{\"a\":\"a password\"}", "{\"a\":\"a password\"}");
	check(json, "{\"a\":\"b\\\"password\\\\\",\"token\":null}",
	      "{\"a\":\"xxxxx\",\"token\":\"xxxxx\"}");
	check(json, "{password:'b'}", "xxxxx");
	check(json, "{a:'b'}", "{a:'b'}");
	check(json, "<a><password>b</password></a>", "xxxxx");
}

static void multipart(struct buf *out, struct bytes text, const struct texts *list)
{
	secret_body(out, BYTES("multipart/form-data; boundary=\"BB\""), text, list);
}

static void form(struct buf *out, struct bytes text, const struct texts *list)
{
	secret_body(out, BYTES("application/x-www-form-urlencoded"), text, list);
}

/* What says it is a form and is not is withheld when a keyword is in it. */
Test(http_secrets, form)
{
	check(form, "a=1&password=b\n", "a=1&password=xxxxx");
	check(form, "a=1\r\npassword=b", "xxxxx");
	check(form, "\xef\xbb\xbf{\"password\":\"b\"}", "xxxxx");
}

Test(http_secrets, multipart)
{
	check(multipart,
	      "--BB\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"
	      "--BB\r\nContent-Disposition: form-data;\r\n "
	      "name=password\r\n\r\nb\r\nc\r\n--BB--\r\n",
	      "--BB\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"
	      "--BB\r\nContent-Disposition: form-data;\r\n "
	      "name=password\r\n\r\nxxxxx\r\n--BB--\r\n");
	check(multipart,
	      "--BB\nContent-Type: application/json\nContent-Disposition: form-data; name=x\n\n"
	      "{\"token\":1}\n--BB\nContent-Disposition: form-data; name=\"PASSWORD\"\n\ncut",
	      "--BB\nContent-Type: application/json\nContent-Disposition: form-data; name=x\n\n"
	      "{\"token\":\"xxxxx\"}\n--BB\nContent-Disposition: form-data; name=\"PASSWORD\"\n\n"
	      "xxxxx\r\n");
	/* Two names, a name with an escape: readers take different ones. */
	check(multipart,
	      "--BB\nContent-Disposition: form-data; name=a; name=password\n\nb\n--BB--\n",
	      "--BB\nContent-Disposition: form-data; name=a; name=password\n\nxxxxx\r\n--BB--\n");
	check(multipart, "--BB\nContent-Disposition: form-data; name=\"pass\\word\"\n\nb\n--BB--\n",
	      "--BB\nContent-Disposition: form-data; name=\"pass\\word\"\n\nxxxxx\r\n--BB--\n");
	check(multipart, "password=no boundary", "xxxxx");
	check(multipart, "--BB", "--BB");
}

/* Everything that shows more is on; "hunter2" and what it is called in base64 must not come out. */
static const char *const all_options[] = {
	"hide_keywords=[Password, token]",
	"send_all_headers=true",
	"send_request=true",
	"send_response=true",
	"include_body_for=[text, json, form, octet, xml]",
	"redact_headers=[X-Secret]",
	NULL,
};

static void expect_no_secret(const char *request, const char *response)
{
	for (size_t cut = 0; cut < 60; cut++) {
		struct talk t;

		talk_open(&t, &proto_http, all_options);
		t.cut = cut;
		talk_text(&t, CLIENT, request);
		talk_text(&t, SERVER, response);
		talk_finish(&t);
		cr_assert(t.docs_count == 1, "%s", request);
		cr_assert(memmem(t.out.at, t.out.len, "hunter2", 7) == NULL, "cut %zu:\n%s%s\n%.*s",
			  cut, request, response, (int)t.out.len, (const char *)t.out.at);
		cr_assert(memmem(t.out.at, t.out.len, "aHVudGVyM", 9) == NULL);
		talk_close(&t);
	}
}

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

Test(http_secrets, none_in_requests)
{
	static const char *const requests[] = {
		"GET /?password=hunter2 HTTP/1.1\r\n\r\n",
		"GET /?a=1&PassWord=x+hunter2;hunter2,hunter2&b=2 HTTP/1.1\r\n\r\n",
		"GET /?password=a hunter2 HTTP/1.1\r\n\r\n",
		"GET /?p%61ssword=hunter2#hunter2 HTTP/1.1\r\n\r\n",
		"GET http://ada:hunter2@h/?token=hunter2 HTTP/1.1\r\nHost: ada:hunter2@h\r\n\r\n",
		"CONNECT ada:hunter2@h:443 HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nAuthorization: Basic YWRhOmh1bnRlcjI=\r\n\r\n",
		"GET / HTTP/1.1\r\nAuthorization: hunter2\r\nauthorization : Token\r\n hunter2\r\n"
		"PROXY-AUTHORIZATION: Digest a=hunter2\r\n\r\n",
		"GET / HTTP/1.1\r\nCookie: hunter2\r\nCOOKIE: a=hunter2; b=\"hunter2\"\r\n"
		"Cookie: c=1;\r\n d=hunter2\r\nCookie2: e=hunter2\r\n\r\n",
		"GET / HTTP/1.1\r\nX-secret: hunter2\r\nToken: hunter2\r\n\r\n",
		"GET / HTTP/1.1\r\nReferer: http://ada:hunter2@h/a?b&TOKEN=hunter2 hunter2\r\n\r\n",
		"GET / HTTP/1.1\r\nReferer: http://h/?next=%2F%3Fpassword%3Dhunter2\r\n\r\n",
		"GET / HTTP/1.1\r\nUser-Agent: x password=\r\n hunter2\r\n\r\n",
		"GET / HTTP/1.1\r\nUser-Agent: x (http://ada:hunter2@h/) token=hunter2\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
		"Content-Length: 31\r\n\r\na=1&user%5Bpassword%5D=x hunter2",
		"POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 37\r\n\r\n"
		"{\"a\":[{\"password\":[\"hunter2\",{\"b\":1}]",
		"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
		"Content-Length: 22\r\n\r\n{\"password\":\"hunter2\"}",
		"POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n"
		"password=hunter2",
		"POST / HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: 28\r\n\r\n"
		"<password>hunter2</password>",
		"POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=B\r\n"
		"Content-Length: 67\r\n\r\n"
		"--B\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nhunter2\r\n--B--",
		"POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Encoding: "
		"compress\r\n"
		"Content-Length: 22\r\n\r\n{\"password\":\"hunter2\"}",
		"POST / HTTP/1.1\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
		"b\r\npassword=hu\r\n5\r\nnter2\r\n0\r\nX-Secret: hunter2\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		expect_no_secret(requests[i], OK_ANSWER);
}

Test(http_secrets, none_in_answers)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK password=hunter2\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 302 Found\r\nLocation: http://ada:hunter2@h/?token=hunter2\r\n"
		"Content-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nSet-Cookie: a=hunter2; Path=/\r\nSet-Cookie2: b=hunter2\r\n"
		"Link: <http://h/?password=hunter2>; rel=next\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n"
		"{\"a\":1,\"user.token\":\"hunter2\"}",
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		expect_no_secret("GET / HTTP/1.1\r\n\r\n", answers[i]);
}

/* The answer to TRACE is the request again, with all that its sender and proxies put into it. */
Test(http_secrets, a_message_in_a_body_is_withheld)
{
	static const char *const options[] = {"include_body_for=http", NULL};
	struct talk t;

	talk_open(&t, &proto_http, options);
	talk_text(&t, CLIENT, "TRACE / HTTP/1.1\r\nCookie: a=hunter2\r\n\r\n");
	talk_text(&t, SERVER,
		  "HTTP/1.1 200 OK\r\nContent-Type: message/http\r\nContent-Length: 39\r\n\r\n"
		  "TRACE / HTTP/1.1\r\nCookie: a=hunter2\r\n\r\n");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 1);
	cr_assert(memmem(t.out.at, t.out.len, "hunter2", 7) == NULL);
	cr_assert_str_eq(talk_field(&t, 0, "http.response.body.content"), "xxxxx");
	cr_assert_str_eq(talk_field(&t, 0, "notes"), "body withheld");
	talk_close(&t);
}

Test(http_secrets, credentials_and_cookies_are_masked_without_any_keyword)
{
	static const char *const options[] = {"send_all_headers=true", "send_request=true", NULL};
	struct talk t;

	talk_open(&t, &proto_http, options);
	talk_text(&t, CLIENT,
		  "GET http://ada:hunter2@h/ HTTP/1.1\r\nAuthorization: Bearer hunter2\r\n"
		  "Cookie: a=hunter2\r\nReferer: http://ada:hunter2@h/\r\n\r\n");
	talk_finish(&t);
	cr_assert_eq(t.docs_count, 1);
	cr_assert(memmem(t.out.at, t.out.len, "hunter2", 7) == NULL);
	cr_assert_str_eq(talk_field(&t, 0, "http.request.headers.authorization"), "Bearer xxxxx");
	cr_assert_str_eq(talk_field(&t, 0, "http.request.headers.cookie"), "a=xxxxx");
	talk_close(&t);
}
