/*
 * The top output: what it reads, how it adds up, what it prints.
 */
#include <fcntl.h>
#include <inttypes.h>

#include "outputs/seen.h"
#include "outputs/top/groups.h"
#include "outputs/top/table.h"
#include "outputs/top/top.h"
#include "shipper/base/time.h"
#include "tests/unit/output_rig.h"

/* ---- reader ---- */

static struct seen seen;

static void begin_reader(void)
{
	seen_init(&seen);
}

static void end_reader(void)
{
	seen_fini(&seen);
}

TestSuite(top_reader, .init = begin_reader, .fini = end_reader);

static void reads(const char *json, const char *type, const char *name, bool failed,
		  int64_t duration)
{
	cr_assert(seen_read(&seen, bytes_str(json)), "%s", json);
	cr_assert(bytes_eq(seen_text(&seen, SEEN_TYPE), bytes_str(type)), "%s", json);
	cr_assert(bytes_eq(seen_name(&seen), bytes_str(name)), "%s", json);
	cr_assert_eq(seen_failed(&seen), failed, "%s", json);
	cr_assert_eq(seen.took, duration, "%s", json);
}

Test(top_reader, takes_what_the_tables_need)
{
	reads("{\"@timestamp\":\"x\",\"type\":\"http\",\"status\":\"OK\","
	      "\"event\":{\"id\":\"1\",\"duration\":1545000,\"end\":\"y\"},\"method\":\"GET\","
	      "\"query\":\"GET /a/17\",\"query_fingerprint\":\"GET /a/?\",\"server\":{}}\n",
	      "http", "GET /a/?", false, 1545000);
	/* The next document owes the last one nothing. */
	reads("{\"type\":\"sip\"}\n", "sip", "-", true, -1);
}

Test(top_reader, falls_back_on_less)
{
	reads("{\"type\":\"a\",\"status\":\"OK\",\"query\":\"q\",\"method\":\"M\"}", "a", "q",
	      false, -1);
	reads("{\"type\":\"a\",\"status\":\"Error\",\"method\":\"M\",\"path\":\"/p\"}", "a", "M /p",
	      true, -1);
	reads("{\"type\":\"a\",\"status\":\"Server Error\",\"method\":\"M\"}", "a", "M", true, -1);
	reads("{\"type\":\"a\",\"status\":\"Client Error\",\"path\":\"/p\"}", "a", "/p", true, -1);
}

Test(top_reader, is_not_misled_by_the_same_names_elsewhere)
{
	reads("{\"type\":\"http\",\"status\":\"OK\",\"x\":{\"type\":\"no\",\"status\":\"no\","
	      "\"duration\":1,\"event\":{\"duration\":2}},\"tags\":[\"type\",{\"query\":\"no\"}],"
	      "\"query\":\"yes\"}",
	      "http", "yes", false, -1);
	reads("{\"type\":[\"no\"],\"status\":{\"OK\":\"OK\"},\"query\":\"yes\"}", "", "yes", true,
	      -1);
	reads("{\"event\":{\"duration\":5,\"x\":{\"duration\":6},\"y\":[7]},\"duration\":8}", "",
	      "-", true, 5);
	reads("{\"event\":[{\"duration\":5}]}", "", "-", true, -1);
	reads("{\"event\":{\"duration\":-5}}", "", "-", true, -1);
	reads("{\"event\":{\"duration\":1.5}}", "", "-", true, -1);
	reads("{\"event\":{\"duration\":99999999999999999999}}", "", "-", true, -1);
}

Test(top_reader, refuses_what_is_not_json)
{
	cr_assert_not(seen_read(&seen, BYTES("{\"type\":")));
	cr_assert_not(seen_read(&seen, BYTES("nonsense")));
	cr_assert_not(seen_read(&seen, BYTES("{\"type\":\"\xff\"}")));
}

/* ---- groups ---- */

static void add(struct groups *g, const char *type, const char *name, bool failed, int64_t duration)
{
	groups_add(g, bytes_str(type), bytes_str(name), failed, duration);
}

Test(top_groups, are_told_apart_by_type_and_name)
{
	struct groups g;
	struct group **ranked = NULL;

	groups_init(&g, 100);
	add(&g, "http", "a", false, 10);
	add(&g, "http", "a", true, 30);
	add(&g, "http", "b", false, -1);
	add(&g, "mysql", "a", false, 5000);
	cr_assert_eq(g.count, 3);
	ranked = groups_rank(&g, RANK_COUNT);
	cr_assert_str_eq(ranked[0]->name, "a");
	cr_assert_str_eq(ranked[0]->type, "http");
	cr_assert_eq(ranked[0]->count, 2);
	cr_assert_eq(ranked[0]->failed, 1);
	cr_assert_eq(ranked[0]->times.max, 30);
	cr_assert_eq(ranked[0]->times.sum, 40.0);
	free(ranked);
	ranked = groups_rank(&g, RANK_SLOW);
	cr_assert_str_eq(ranked[0]->type, "mysql");
	cr_assert_str_eq(ranked[2]->name, "b");
	free(ranked);
	ranked = groups_rank(&g, RANK_FAILED);
	cr_assert_eq(ranked[0]->failed, 1);
	free(ranked);
	ranked = groups_rank(&g, RANK_TOTAL);
	cr_assert_str_eq(ranked[0]->type, "mysql");
	free(ranked);
	groups_fini(&g);
}

Test(top_groups, long_names_differ_past_their_cut)
{
	struct groups g;
	char a[2001], b[2001];

	memset(a, 'x', 2000);
	a[2000] = '\0';
	/* A character of two bytes lies across the cut. */
	memcpy(a + 511, "\xc3\xa9", 2);
	memcpy(b, a, sizeof(a));
	b[1999] = 'y';
	groups_init(&g, 100);
	add(&g, "http", a, false, 1);
	add(&g, "http", b, false, 1);
	cr_assert_eq(g.count, 2);
	cr_assert_eq(strlen(g.at[0].name), 511);
	groups_fini(&g);
}

/* A flood of names that come once, among names that matter. */
Test(top_groups, a_flood_of_rare_names_does_not_wash_out_the_others)
{
	enum { LIMIT = 1000, FLOOD = 200000 };
	struct groups g;
	struct group **ranked = NULL;
	uint64_t count = 0, failed = 0, timed = 0;

	groups_init(&g, LIMIT);
	for (unsigned i = 0; i < FLOOD; i++) {
		char name[32];

		snprintf(name, sizeof(name), "once %u", i);
		add(&g, "http", name, false, 1000);
		if (i % 10 == 0)
			add(&g, "http", "frequent", false, 10);
		if (i % 1000 == 999)
			add(&g, "http", "failing", true, 10);
		if (i == 777)
			add(&g, "http", "slow", false, INT64_C(1000000000));
	}
	cr_assert(g.count <= LIMIT);
	cr_assert(g.folded > 0);
	ranked = groups_rank(&g, RANK_COUNT);
	cr_assert_str_eq(ranked[0]->name, "frequent");
	cr_assert_eq(ranked[0]->count, FLOOD / 10);
	free(ranked);
	ranked = groups_rank(&g, RANK_SLOW);
	cr_assert_str_eq(ranked[0]->name, "slow");
	free(ranked);
	ranked = groups_rank(&g, RANK_FAILED);
	cr_assert_str_eq(ranked[0]->name, "failing");
	cr_assert_eq(ranked[0]->failed, FLOOD / 1000);
	free(ranked);
	for (size_t i = 0; i < g.count; i++) {
		count += g.at[i].count;
		failed += g.at[i].failed;
		timed += g.at[i].times.count;
	}
	/* Nothing got lost on the way. */
	cr_assert_eq(count + g.others.count, FLOOD + FLOOD / 10 + FLOOD / 1000 + 1);
	cr_assert_eq(failed + g.others.failed, FLOOD / 1000);
	cr_assert_eq(timed + g.others.times.count, count + g.others.count);
	groups_fini(&g);
}

/* low_by holds: each group's count, and what it lacks, against an exact count. */
Test(top_groups, counts_are_low_by_no_more_than_is_said)
{
	enum { NAMES = 4000, DOCUMENTS = 300000 };
	static uint64_t exact[NAMES];
	uint64_t state = 1;
	struct groups g;

	groups_init(&g, 200);
	for (unsigned i = 0; i < DOCUMENTS; i++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		unsigned a = (unsigned)(state >> 40) % NAMES, b = (unsigned)(state >> 20) % NAMES;
		unsigned n = a * b / NAMES;
		char name[16];

		snprintf(name, sizeof(name), "%u", n);
		exact[n]++;
		add(&g, "http", name, false, 1);
	}
	cr_assert(g.folded > 0);
	for (size_t i = 0; i < g.count; i++) {
		uint64_t want = exact[atoi(g.at[i].name)];

		cr_assert(g.at[i].count <= want && want - g.at[i].count <= g.low_by);
	}
	groups_fini(&g);
}

/* ---- table ---- */

static void lasts(int64_t ns, const char *want)
{
	char got[DURATION_TEXT_MAX];

	duration_text(ns, got);
	cr_assert_str_eq(got, want, "%" PRId64 ": %s, not %s", ns, got, want);
}

Test(top_table, durations_have_three_digits)
{
	const int64_t s = NS_PER_S;

	lasts(0, "0 ns");
	lasts(999, "999 ns");
	lasts(1000, "1.00 µs");
	lasts(9994, "9.99 µs");
	lasts(9996, "10.0 µs");
	lasts(12340, "12.3 µs");
	lasts(999499, "999 µs");
	lasts(999500, "1.00 ms");
	lasts(1545000, "1.54 ms");
	lasts(999600000, "1.00 s");
	lasts(59 * s, "59.0 s");
	lasts(59960000000, "1 m 00 s");
	lasts(125 * s, "2 m 05 s");
	lasts(3599 * s, "59 m 59 s");
	lasts(3600 * s, "1 h 00 m");
	lasts(4320 * s, "1 h 12 m");
	lasts(INT64_MAX, "2562047 h 47 m");
}

static struct buf table_of(const char *name, size_t width)
{
	struct buf out = {0};
	struct group g = {.count = 12, .failed = 3};
	struct group *row = &g;

	g.type = strdup("http");
	g.name = strdup(name);
	for (int i = 0; i < 12; i++)
		histogram_add(&g.times, 1500000);
	table_write(&out, "Title", &row, 1, width);
	buf_add(&out, bytes_of("", 1));
	free(g.type);
	free(g.name);
	histogram_fini(&g.times);
	return out;
}

static void row_is(const char *name, size_t width, const char *want)
{
	struct buf out = table_of(name, width);
	const char *row = strchr(strchr((char *)out.at, '\n') + 1, '\n') + 1;

	cr_assert_eq(strncmp(row, want, strlen(want)), 0, "%s", row);
	buf_fini(&out);
}

Test(top_table, columns_are_aligned)
{
	struct buf out = table_of("GET /", 100);

	cr_assert_str_eq((char *)out.at,
			 "Title\n"
			 "type  query  count  errors   median     95th     99th  longest    total\n"
			 "http  GET /     12       3  1.50 ms  1.50 ms  1.50 ms  1.50 ms  18.0 ms\n"
			 "\n");
	buf_fini(&out);
}

Test(top_table, names_are_cut_to_the_width)
{
	char name[301];
	struct buf out;

	memset(name, 'n', 300);
	name[300] = '\0';
	for (size_t width = 82; width < 200; width += 7) {
		out = table_of(name, width);
		for (char *line = strtok((char *)out.at, "\n"); line; line = strtok(NULL, "\n")) {
			size_t columns = 0;

			for (const char *c = line; *c; c++)
				columns += ((unsigned char)*c & 0xc0) != 0x80;
			cr_assert(columns <= width && (columns == width || line == (char *)out.at));
		}
		buf_fini(&out);
	}
	row_is(name, 82, "http  nnnnnnnnnnnnnnn…  ");
}

Test(top_table, names_do_not_steer_the_terminal)
{
	row_is("a\x1b[2Jb", 100, "http  a?[2Jb  ");
	row_is("a\xc2\x9b"
	       "2Jb",
	       100, "http  a?2Jb  ");
	row_is("a\xe2\x80\xae"
	       "b\xe2\x81\xa6"
	       "c",
	       100, "http  a?b?c  ");
	row_is("a\n\t  b \r", 100, "http  a b  ");
	row_is("\xe2\x82\xac\xc3\xa9\xf0\x9f\x98\x80", 100,
	       "http  \xe2\x82\xac\xc3\xa9\xf0\x9f\x98\x80       12  ");
}

/* ---- the whole ---- */

static struct buf run_top(struct top_conf *conf, struct batch *batch)
{
	char name[] = "/tmp/wirespan-test-XXXXXX";
	int fd = mkstemp(name), saved = dup(STDOUT_FILENO);
	void *self = must_alloc(output_top.self_size);
	struct fault fault;

	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	must(output_top.open(self, conf, &fault));
	output_top.send(self, batch, &fault);
	must(output_top.finish(self, &fault));
	output_top.close(self);
	dup2(saved, STDOUT_FILENO);
	struct buf got = rig_read(name);

	buf_add(&got, bytes_of("", 1));
	unlink(name);
	close(fd);
	close(saved);
	free(self);
	return got;
}

Test(output_top, prints_tables_as_in_a_dashboard)
{
	struct top_conf conf = {.rows = 2, .width = 100, .groups = 100};
	struct batch batch = {0};

	for (unsigned i = 1; i <= 100; i++) {
		char line[200];

		snprintf(line, sizeof(line),
			 "{\"type\":\"%s\",\"status\":\"%s\",\"event\":{\"duration\":%u},"
			 "\"query_fingerprint\":\"%s\"}\n",
			 i % 10 ? "http" : "mysql", i % 25 ? "OK" : "Error", i * 1000000,
			 i % 10 == 0  ? "select ?"
			 : i % 3 == 0 ? "GET /three"
				      : "GET /");
		rig_add(&batch, bytes_str(line));
	}
	rig_add(&batch, BYTES("not a document\n"));
	struct buf got = run_top(&conf, &batch);

	cr_assert_eq(rig_verdicts(&batch, VERDICT_DELIVERED), 100);
	cr_assert_eq(rig_verdicts(&batch, VERDICT_REFUSED), 1);
	cr_assert_str_eq(
		(char *)got.at,
		"All, by type\n"
		"type   query  count  errors   median     95th     99th  longest   total\n"
		"http   (all)     90       2  49.0 ms  94.9 ms  99.0 ms  99.0 ms  4.50 s\n"
		"mysql  (all)     10       2  50.1 ms   100 ms   100 ms   100 ms  550 ms\n"
		"\n"
		"Slowest, by the 99th percentile of their response times\n"
		"type   query       count  errors   median     95th     99th  longest   total\n"
		"mysql  select ?       10       2  50.1 ms   100 ms   100 ms   100 ms  550 ms\n"
		"http   GET /three     30       1  48.0 ms  95.9 ms  99.0 ms  99.0 ms  1.50 s\n"
		"\n"
		"Most frequent\n"
		"type  query       count  errors   median     95th     99th  longest   total\n"
		"http  GET /          60       1  49.0 ms  93.8 ms  98.0 ms  98.0 ms  3.00 s\n"
		"http  GET /three     30       1  48.0 ms  95.9 ms  99.0 ms  99.0 ms  1.50 s\n"
		"\n"
		"Most failing\n"
		"type   query     count  errors   median     95th     99th  longest   total\n"
		"mysql  select ?     10       2  50.1 ms   100 ms   100 ms   100 ms  550 ms\n"
		"http   GET /        60       1  49.0 ms  93.8 ms  98.0 ms  98.0 ms  3.00 s\n"
		"\n"
		"Most time in total\n"
		"type  query       count  errors   median     95th     99th  longest   total\n"
		"http  GET /          60       1  49.0 ms  93.8 ms  98.0 ms  98.0 ms  3.00 s\n"
		"http  GET /three     30       1  48.0 ms  95.9 ms  99.0 ms  99.0 ms  1.50 s\n");
	buf_fini(&got);
	rig_fini(&batch);
}

Test(output_top, nothing_is_said_to_be_nothing)
{
	struct top_conf conf = {.rows = 10, .width = 0, .groups = 100};
	struct batch batch = {0};
	struct buf got = run_top(&conf, &batch);

	cr_assert_str_eq((char *)got.at, "No documents.\n");
	buf_fini(&got);
}

Test(output_top, says_when_it_is_not_exact)
{
	struct top_conf conf = {.rows = 10, .width = 100, .groups = 100};
	struct batch batch = {0};

	for (unsigned i = 0; i < 1000; i++) {
		char line[100];

		snprintf(line, sizeof(line),
			 "{\"type\":\"http\",\"status\":\"OK\",\"query\":\"q %u\"}\n", i);
		rig_add(&batch, bytes_str(line));
	}
	struct buf got = run_top(&conf, &batch);

	cr_assert_not_null(strstr((char *)got.at, "(others)"));
	cr_assert_not_null(strstr((char *)got.at, "than the 100 that are kept apart"));
	cr_assert_not_null(strstr((char *)got.at, "Most failing: none\n"));
	cr_assert_not_null(strstr((char *)got.at, "response times: none\n"));
	buf_fini(&got);
	rig_fini(&batch);
}
