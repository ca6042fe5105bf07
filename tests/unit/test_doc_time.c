/* Times of documents, against the C library's calendar. */
#include "shipper/txn/doc.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

static struct doc_keys *keys;
static struct buf out;
static struct doc d;

static void setup(void)
{
	keys = doc_keys_new(NULL);
	buf_init(&out, NULL);
}

static void teardown(void)
{
	buf_fini(&out);
	doc_keys_free(keys);
}

TestSuite(doc_time, .init = setup, .fini = teardown);

static void expect(nsec when)
{
	char expected[80];
	time_t second = when / NS_PER_S - (when % NS_PER_S < 0);
	struct tm tm;
	size_t n;

	cr_assert_not_null(gmtime_r(&second, &tm));
	n = strftime(expected, sizeof expected, "{\"event\":{\"end\":\"%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(expected + n, sizeof expected - n, ".%09dZ\"}}\n",
		 (int)((when % NS_PER_S + NS_PER_S) % NS_PER_S));
	out.len = 0;
	doc_begin(&d, &out, keys);
	doc_time(&d, F_EVENT_END, when);
	doc_end(&d);
	*buf_room(&out, 1) = 0;
	cr_assert_str_eq((const char *)out.at, expected);
}

Test(doc_time, the_edges)
{
	expect(0);
	expect(1);
	expect(999999999);
	expect(-1);
	expect(-NS_PER_S);
	expect(-NS_PER_S - 1);
	expect(INT64_MIN);
	expect(INT64_MAX);
	expect(INT64_C(951782400) * NS_PER_S);	/* 2000-02-29 */
	expect(INT64_C(4107542400) * NS_PER_S); /* 2100-03-01, no leap year before it */
}

Test(doc_time, every_day_that_fits)
{
	enum { DAY = 86400 };

	for (int64_t day = -106751; day <= 106751; day++) {
		expect(day * DAY * NS_PER_S);
		expect(day * DAY * NS_PER_S - 1);
	}
}

Test(doc_time, every_second_of_a_day)
{
	for (int64_t second = 0; second < 86400; second++)
		expect((INT64_C(1767225600) + second) * NS_PER_S + 123456789);
}

Test(doc_time, several_in_one_document)
{
	doc_begin(&d, &out, keys);
	doc_time(&d, F_TIMESTAMP, 1767323045123456789);
	doc_time(&d, F_EVENT_START, 1767323045000000001);
	doc_time(&d, F_EVENT_END, 1767323046000000000);
	doc_end(&d);
	*buf_room(&out, 1) = 0;
	cr_expect_str_eq((const char *)out.at,
			 "{\"@timestamp\":\"2026-01-02T03:04:05.123456789Z\","
			 "\"event\":{\"start\":\"2026-01-02T03:04:05.000000001Z\","
			 "\"end\":\"2026-01-02T03:04:06.000000000Z\"}}\n");
}
