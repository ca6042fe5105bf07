/* What a report is made of: a document's texts, words with numbers, rows that unite, documents that
 * are kept, and a page that is never too large. */
#include <criterion/criterion.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "outputs/report/pack.h"
#include "outputs/report/page.h"

#define ASKED                                                                            \
	"\"type\":\"pgsql\",\"status\":\"OK\",\"event\":{\"duration\":1500},\"method\":" \
	"\"SELECT\","                                                                    \
	"\"query\":\"select 1\",\"query_fingerprint\":\"select "                         \
	"?\",\"client\":{\"ip\":\"192.0.2.1\"},"                                         \
	"\"server\":{\"ip\":\"192.0.2.2\",\"port\":5432}"
#define TIMED(time, rest) "{\"@timestamp\":\"" time "\"," rest "}"

static bool same(struct bytes found, const char *expected)
{
	return bytes_eq(found, bytes_str(expected));
}

static bool read_one(struct seen *s, const char *json)
{
	return seen_read(s, bytes_str(json));
}

/* ---- a document ---- */

Test(report_seen, reads_what_is_wanted)
{
	struct seen s;

	seen_init(&s);
	cr_assert(read_one(&s, TIMED("2026-01-02T03:04:05.123456789Z", ASKED)));
	cr_assert(s.has_time);
	cr_assert_eq(s.at, 1767323045123456789);
	cr_assert_eq(s.took, 1500);
	cr_assert(same(seen_text(&s, SEEN_TYPE), "pgsql"));
	cr_assert(same(seen_name(&s), "select ?"));
	cr_assert(same(seen_server(&s), "192.0.2.2:5432"));
	cr_assert(same(seen_text(&s, SEEN_CLIENT), "192.0.2.1"));
	cr_assert(!seen_failed(&s));
	cr_assert_eq(seen_error(&s).len, 0);
	seen_fini(&s);
}

Test(report_seen, takes_nothing_from_elsewhere)
{
	struct seen s;

	seen_init(&s);
	cr_assert(read_one(
		&s,
		"{\"a\":{\"type\":\"no\"},\"b\":[{\"type\":\"no\"},\"no\"],\"event\":[{"
		"\"duration\":1}],"
		"\"\":{\"type\":\"no\"},\"x\":{\"event\":{\"duration\":2}},\"event.duration\":7,"
		"\"type\":[\"no\"],\"server\":{\"ip\":{\"ip\":\"no\"}},\"l1\":{\"l2\":{\"l3\":{"
		"\"l4\":{\"l5\":"
		"{\"type\":\"no\"}}}}},\"status\":null,\"method\":true}"));
	for (int i = 0; i < SEEN_TEXTS; i++)
		cr_assert_eq(s.texts[i].len, 0, "text %d", i);
	/* A name with a dot in it is the same field to an engine. */
	cr_assert_eq(s.took, 7);
	cr_assert(!s.has_time);
	cr_assert(same(seen_name(&s), "-"));
	cr_assert(same(seen_error(&s), "failed"));
	seen_fini(&s);
}

Test(report_seen, tells_times_from_others)
{
	static const struct {
		const char *json;
		int64_t at;
	} times[] = {
		{TIMED("2026-01-02T03:04:05Z", ASKED), 1767323045000000000},
		{TIMED("2026-01-02T03:04:05.5Z", ASKED), 1767323045500000000},
		{TIMED("2026-01-02T03:04:05.000001Z", ASKED), 1767323045000001000},
		{TIMED("2026-01-02T03:04:05", ASKED), 0},
		{TIMED("2026-01-02 03:04:05Z", ASKED), 0},
		{TIMED("2026-13-02T03:04:05Z", ASKED), 0},
		{TIMED("2026-01-02T03:04:05.1234567890Z", ASKED), 0},
		{TIMED("2026-01-02T03:04:05+01Z", ASKED), 0},
		{TIMED("-026-01-02T03:04:05Z", ASKED), 0},
		{TIMED("0001-01-02T03:04:05Z", ASKED), 0},
		{TIMED("Z", ASKED), 0},
		{TIMED("", ASKED), 0},
	};
	struct seen s;

	seen_init(&s);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		cr_assert(read_one(&s, times[i].json));
		cr_assert_eq(s.has_time, times[i].at != 0, "%s", times[i].json);
		if (times[i].at != 0)
			cr_assert_eq(s.at, times[i].at);
	}
	seen_fini(&s);
}

Test(report_seen, names_errors_by_code_and_text)
{
	struct seen s;

	seen_init(&s);
	cr_assert(read_one(&s, "{\"status\":\"Error\",\"mysql\":{\"error_code\":1146},\"error\":{"
			       "\"message\":\"no table\"}}"));
	cr_assert(same(seen_error(&s), "1146 no table"));
	cr_assert(read_one(
		&s, "{\"status\":\"Error\",\"sip\":{\"code\":404,\"status\":\"Not Found\"}}"));
	cr_assert(same(seen_error(&s), "404 Not Found"));
	cr_assert(read_one(&s, "{\"status\":\"Server Error\"}"));
	cr_assert(same(seen_error(&s), "Server Error"));
	cr_assert(read_one(
		&s, "{\"server\":{\"ip\":\"::1\",\"port\":80},\"method\":\"GET\",\"path\":\"/\"}"));
	cr_assert(same(seen_server(&s), "[::1]:80"));
	cr_assert(same(seen_name(&s), "GET /"));
	cr_assert(!read_one(&s, "[1]"));
	cr_assert(!read_one(&s, "{\"a\":"));
	cr_assert(!read_one(&s, ""));
	seen_fini(&s);
}

/* ---- words ---- */

Test(report_words, number_texts_by_type)
{
	struct words w;
	char text[WORD_BYTES_MAX + 3];

	words_init(&w);
	uint16_t a = words_add(&w, 1, BYTES("a"));

	cr_assert_eq(words_add(&w, 1, BYTES("a")), a);
	cr_assert_neq(words_add(&w, 2, BYTES("a")), a);
	cr_assert_eq(words_add(&w, 1, NO_BYTES), 0);
	/* "é" does not fit any more, and is not torn. */
	memset(text, 'x', sizeof(text));
	text[WORD_BYTES_MAX - 1] = (char)0xc3;
	text[WORD_BYTES_MAX] = (char)0xa9;
	const struct word *cut = &w.at[words_add(&w, 1, bytes_of(text, sizeof(text)))];

	cr_assert_eq(cut->len, WORD_BYTES_MAX - 1);
	cr_assert(cut->cut);
	words_fini(&w);
}

Test(report_words, fold_into_others_of_their_type)
{
	struct words w;
	bool keep[8] = {false};
	uint16_t renamed[8], a, b, c, d;

	words_init(&w);
	a = words_add(&w, 1, BYTES("a"));
	b = words_add(&w, 1, BYTES("b"));
	c = words_add(&w, 1, BYTES("c"));
	d = words_add(&w, 2, BYTES("d"));
	keep[b] = true;
	words_fold(&w, keep, renamed);
	cr_assert_eq(renamed[a], renamed[c]);
	cr_assert_neq(renamed[a], renamed[d]);
	cr_assert(w.at[renamed[a]].text == NULL && w.at[renamed[d]].text == NULL);
	cr_assert_str_eq(w.at[renamed[b]].text, "b");
	cr_assert_eq(w.folded, 3);
	cr_assert_eq(words_add(&w, 1, BYTES("b")), renamed[b]);
	words_fini(&w);
}

/* ---- rows ---- */

static uint64_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005 + 1442695040888963407;
	return *state >> 33;
}

Test(report_rows, lose_no_count_and_no_time)
{
	struct rows rows = {0};
	uint64_t state = 1;
	double total = 0;

	for (size_t i = 0; i < 20000; i++) {
		struct row row = {.at = (nsec)(random_next(&state) * 1000), .count = 1};

		row.took = i % 50 == 0 ? -1 : (double)random_next(&state);
		row.by[BY_KIND] = (uint16_t)(random_next(&state) % 3);
		total += row.took < 0 ? 0 : row.took;
		rows_add(&rows, &row);
	}
	for (unsigned level = 1; level <= LEVEL_MAX; level++) {
		size_t before = rows.count;
		uint64_t count = 0, untimed = 0;
		double sum = 0;

		rows_coarsen(&rows, level);
		for (size_t i = 0; i < rows.count; i++) {
			count += rows.at[i].count;
			untimed += rows.at[i].took < 0 ? rows.at[i].count : 0;
			sum += rows.at[i].took < 0 ? 0 : rows.at[i].took * (double)rows.at[i].count;
		}
		cr_assert_eq(count, 20000);
		cr_assert_eq(untimed, 400);
		cr_assert(sum > total * 0.999999 && sum < total * 1.000001);
		cr_assert(rows.count <= before);
	}
	cr_assert(rows.count < 1000, "%zu rows", rows.count);
	rows_fini(&rows);
}

Test(report_rows, unite_within_a_class_only)
{
	struct rows rows = {0};
	struct row row = {.count = 1, .took = 1000};

	for (int i = 0; i < 10; i++) {
		row.took = i % 2 ? 1000 : 1010;
		rows_add(&rows, &row);
		row.took = 5000;
		rows_add(&rows, &row);
	}
	rows_coarsen(&rows, 1);
	cr_assert_eq(rows.count, 2);
	cr_assert_eq(rows.at[0].count, 10);
	cr_assert(rows.at[0].took > 1004.9 && rows.at[0].took < 1005.1);
	rows_fini(&rows);
}

/* ---- documents kept ---- */

Test(report_kept, keep_some_of_each_kind)
{
	struct kept kept = {0};
	unsigned of_rare = 0, failed = 0;

	for (unsigned i = 0; i < 5 * KEPT_MAX; i++) {
		struct row row = {.took = 1e6 + i, .count = 1};

		row.by[BY_KIND] = i % 1000 == 7 ? 2 : 1;
		row.by[BY_ERROR] = i < 10 ? 1 : 0;
		/* The rare kind is quick. */
		row.took -= row.by[BY_KIND] == 2 ? 999999 : 0;
		kept_add(&kept, &row, BYTES("{}"));
	}
	kept_prune(&kept, 100);
	cr_assert_eq(kept.count, 100);
	cr_assert_eq(kept.seen, 5 * KEPT_MAX);
	for (size_t i = 0; i < kept.count; i++) {
		of_rare += kept.at[i].row.by[BY_KIND] == 2;
		failed += kept.at[i].row.by[BY_ERROR] == 1;
	}
	cr_assert(of_rare >= KEPT_OF_KIND, "%u of the rare kind", of_rare);
	cr_assert(failed >= KEPT_FAILED_OF_KIND, "%u failed", failed);
	kept_fini(&kept);
}

Test(report_kept, leave_out_what_is_too_large)
{
	struct kept kept = {0};
	struct row row = {.took = 1, .count = 1};
	uint8_t *large = calloc(1, DOCUMENT_BYTES_MAX + 1);

	kept_add(&kept, &row, bytes_of(large, DOCUMENT_BYTES_MAX + 1));
	cr_assert_eq(kept.too_large, 1);
	for (size_t i = 0; i < 2100; i++)
		kept_add(&kept, &row, bytes_of(large, DOCUMENT_BYTES_MAX));
	cr_assert(kept.bytes <= KEPT_BYTES_MAX);
	kept_fini(&kept);
	free(large);
}

/* ---- the page ---- */

static void add_document(struct ledger *l, uint64_t *state, const char *type, unsigned noise)
{
	char json[4096];
	int n = snprintf(json, sizeof(json),
			 "{\"@timestamp\":\"2026-01-%02d"
			 "T%02d:%02d:%02d.%09dZ\",\"type\":\"%s\",\"status\":\"%s\","
			 "\"event\":{\"duration\":%" PRIu64
			 "},\"client\":{\"ip\":\"c%u\"},\"server\":{\"ip\":\"s%u\"},"
			 "\"error\":{\"message\":\"e%u\"},\"query_fingerprint\":\"",
			 (int)(random_next(state) % 28) + 1, (int)(random_next(state) % 24),
			 (int)(random_next(state) % 60), (int)(random_next(state) % 60),
			 (int)(random_next(state) % 1000000000), type,
			 random_next(state) % 2 ? "OK" : "Error",
			 random_next(state) * random_next(state), (unsigned)random_next(state),
			 (unsigned)random_next(state), (unsigned)random_next(state));

	for (unsigned i = 0; i < noise; i++)
		json[n++] = (char)('a' + random_next(state) % 26);
	n += snprintf(json + n, sizeof(json) - (size_t)n, "\"}");
	cr_assert(ledger_add(l, bytes_of(json, (size_t)n)));
}

/* Nothing repeats, nothing packs: texts, addresses, times. */
Test(report_page, is_never_too_large)
{
	struct ledger l;
	struct buf page;
	uint64_t state = 3;

	ledger_init(&l);
	for (size_t i = 0; i < 20000; i++)
		add_document(&l, &state, i % 3 ? "http" : "pgsql", 1200);
	buf_init(&page, NULL);
	page_make(&page, &l);
	cr_assert(page.len <= PAGE_BYTES_MAX, "%zu bytes", page.len);
	cr_assert_eq(l.rows.exchanges, 20000);
	cr_assert(l.documents.count > 0);
	buf_fini(&page);
	ledger_fini(&l);
}

Test(report_page, holds_any_types_and_sources)
{
	struct ledger l;
	struct buf page;
	uint64_t state = 4;
	char type[16];

	ledger_init(&l);
	for (size_t i = 0; i < 2 * SOURCES_MAX; i++)
		ledger_source(&l, "</script><script>alert(1)</script>\xff");
	for (unsigned i = 0; i < 3 * TYPES_MAX; i++) {
		snprintf(type, sizeof(type), "<t%u>", i);
		add_document(&l, &state, type, 5);
	}
	buf_init(&page, NULL);
	page_make(&page, &l);
	cr_assert(memmem(page.at, page.len, "</script><script>alert", 22) == NULL);
	cr_assert(memmem(page.at, page.len, "{{", 2) == NULL);
	cr_assert_eq(l.rows.exchanges, 3 * TYPES_MAX);
	buf_fini(&page);
	ledger_fini(&l);
}

Test(report_page, counts_what_it_does_not_show)
{
	struct ledger l;
	struct seen s;

	ledger_init(&l);
	seen_init(&s);
	cr_assert(ledger_add(&l, BYTES(TIMED("2026-01-02T03:04:05Z", "\"type\":\"flow\"") "\n")));
	cr_assert(ledger_add(&l, BYTES("{\"type\":\"http\"}")));
	cr_assert(!ledger_add(&l, BYTES("nothing")));
	cr_assert(ledger_add(&l, BYTES(TIMED("2026-01-02T03:04:05Z", "\"type\":\"sip_call\""))));
	cr_assert_eq(l.others, 1);
	cr_assert_eq(l.untimed, 1);
	cr_assert_eq(l.not_json, 1);
	cr_assert_eq(l.calls.count, 1);
	cr_assert_eq(l.rows.exchanges, 0);
	seen_fini(&s);
	ledger_fini(&l);
}

Test(report_pack, base64_is_that_of_the_standard)
{
	static const char *const pairs[][2] = {
		{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};
	struct buf out;

	buf_init(&out, NULL);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		out.len = 0;
		pack_base64(&out, bytes_str(pairs[i][0]));
		cr_assert(same(buf_bytes(&out), pairs[i][1]), "%s", pairs[i][0]);
	}
	buf_fini(&out);
}

Test(report_pack, columns_lie_in_planes)
{
	const uint64_t numbers[] = {0x010203, 0x0a0b0c};
	struct buf out;

	buf_init(&out, NULL);
	pack_column(&out, numbers, 2, 3);
	cr_assert(bytes_eq(buf_bytes(&out), BYTES("\x03\x0c\x02\x0b\x01\x0a")));
	buf_fini(&out);
}
