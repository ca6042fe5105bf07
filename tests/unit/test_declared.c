/* The checker of documents finds what it is there to find. */
#include "tests/lib/declared.h"

#include <criterion/criterion.h>

static const struct field own[] = {
	{"http.request.method", FIELD_KEYWORD, NULL, "", NULL},
	{"http.request.headers", FIELD_OBJECT, NULL, "", NULL},
	{"http.ratio", FIELD_DOUBLE, NULL, "", NULL},
	{"http.cached", FIELD_BOOL, NULL, "", NULL},
	{0},
};

static void good(const char *document)
{
	struct fault fault = {0};

	cr_expect(declared_check(bytes_str(document), own, &fault), "%s: %s", document, fault.text);
}

static void bad(const char *document, const char *text)
{
	struct fault fault = {0};

	cr_expect_not(declared_check(bytes_str(document), own, &fault), "%s", document);
	cr_expect_str_eq(fault.text, text);
}

Test(declared, takes_what_is_declared)
{
	good("{}\n");
	good("{\"type\":\"http\",\"@timestamp\":\"2026-01-02T03:04:05.123456789Z\"}");
	good("{\"http\":{\"request\":{\"method\":\"GET\",\"headers\":{\"a.b\":\"\",\"c\":[\"d\"],"
	     "\"n\":1}},\"ratio\":1.5,\"cached\":true},\"client\":{\"ip\":\"::1\",\"port\":80}}");
	good("{\"client\":{\"bytes\":-9223372036854775808,\"packets\":9223372036854775807}}");
	good("{\"related\":{\"ip\":[\"192.0.2.1\",\"::1\"]}}");
}

Test(declared, finds_what_is_not)
{
	bad("{\"nobody\":1}", "nobody: not declared");
	bad("{\"http\":{\"request\":{\"verb\":\"GET\"}}}", "http.request.verb: not declared");
	bad("{\"http.ratio\":1}", "http.ratio: no declared field has such a name");
	bad("{\"http\":1}", "http: not declared");
	bad("{\"http\":{}}", "http: not declared");
}

Test(declared, finds_wrong_types)
{
	const char *wrong = "client.port: not of its declared type, or empty";

	bad("{\"client\":{\"port\":\"80\"}}", wrong);
	bad("{\"client\":{\"port\":1.5}}", wrong);
	bad("{\"client\":{\"port\":1e3}}", wrong);
	bad("{\"client\":{\"port\":9223372036854775808}}", wrong);
	bad("{\"client\":{\"port\":null}}", wrong);
	bad("{\"client\":{\"port\":[]}}", wrong);
	bad("{\"client\":{\"ip\":\"192.0.2\"}}", "client.ip: not of its declared type, or empty");
	bad("{\"type\":\"\"}", "type: not of its declared type, or empty");
	bad("{\"type\":{\"a\":\"b\"}}", "type: not of its declared type, or empty");
	bad("{\"@timestamp\":\"2026-01-02T03:04:05.123Z\"}",
	    "@timestamp: not of its declared type, or empty");
	bad("{\"http\":{\"cached\":\"true\"}}", "http.cached: not of its declared type, or empty");
	bad("{\"http\":{\"request\":{\"headers\":{}}}}",
	    "http.request.headers: not of its declared type, or empty");
}

Test(declared, finds_keys_twice)
{
	bad("{\"type\":\"a\",\"type\":\"a\"}", "the document: key \"type\" twice");
	bad("{\"client\":{\"port\":1,\"port\":2}}", "client: key \"port\" twice");
	bad("{\"client\":{\"port\":1},\"client\":{\"ip\":\"::1\"}}",
	    "the document: key \"client\" twice");
	bad("{\"http\":{\"request\":{\"headers\":{\"a\":\"b\",\"a\":\"c\"}}}}",
	    "headers: key \"a\" twice");
}

Test(declared, finds_what_is_not_json)
{
	struct fault fault = {0};

	cr_expect_not(declared_check(BYTES("{\"type\":\"http\""), own, &fault));
	cr_expect_not(declared_check(BYTES("[]"), own, &fault));
	cr_expect_not(declared_check(BYTES("{\"type\":\"\xff\"}"), own, &fault));
}
