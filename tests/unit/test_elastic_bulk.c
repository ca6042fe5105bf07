/* Bodies of bulk requests, packed and not; addresses; whose turn it is. */
#include "output_rig.h"

#include "outputs/elasticsearch/address.h"
#include "outputs/elasticsearch/bulk.h"
#include "outputs/elasticsearch/hosts.h"

#include <zlib.h>
#include <zstd.h>

static struct elastic_conf conf;

static void conf_make(void)
{
	option_default(elastic_options, &conf);
}

static void conf_free(void)
{
	option_free(elastic_options, &conf);
}

static void set(const char *name, const char *text)
{
	struct fault fault;
	const struct option *row = elastic_options;

	while (strcmp(row->name, name) != 0)
		row++;
	cr_assert(option_parse(row, &conf, text, &fault), "%s", fault.text);
}

TestSuite(elastic_bulk, .init = conf_make, .fini = conf_free);
TestSuite(elastic_hosts, .init = conf_make, .fini = conf_free);

/* ---- Bodies ---- */

static void document(struct batch *b, const char *time, const char *id)
{
	char line[128];
	int len = snprintf(line, sizeof(line), "{\"@timestamp\":\"%s\",\"x\":1}\n", time);

	rig_add(b, bytes_of(line, (size_t)len));
	memset(b->entries[b->count - 1].id, '0', 32);
	memcpy(b->entries[b->count - 1].id, id, strlen(id));
}

static struct buf unpacked(struct bulk *b, struct bytes body)
{
	struct buf to = {0};
	const char *encoding = pack_encoding(&b->pack);

	buf_grow(&to, 1 << 20);
	if (encoding == NULL) {
		buf_add(&to, body);
	} else if (strcmp(encoding, "zstd") == 0) {
		to.len = ZSTD_decompress(to.at, to.cap, body.at, body.len);
		cr_assert_not(ZSTD_isError(to.len));
	} else {
		z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)body.at,
			      .avail_in = (uInt)body.len,
			      .next_out = to.at,
			      .avail_out = (uInt)to.cap};

		cr_assert_eq(inflateInit2(&z, 15 + 16), Z_OK);
		cr_assert_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
		to.len = z.total_out;
		inflateEnd(&z);
	}
	return to;
}

static void body_is(const struct batch *batch, const char *want)
{
	static const char *const ways[][2] = {{"compression", "none"},
					      {"compression_level", "0"},
					      {"compression", "zstd"},
					      {"compression", "gzip"},
					      {"compression_level", "1"}};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct bulk b;

		set("compression_level", "3");
		set(ways[i][0], ways[i][1]);
		bulk_init(&b, &conf);
		for (int again = 0; again < 2; again++) {
			bulk_begin(&b);
			for (size_t k = 0; k < batch->count; k++)
				bulk_add(&b, batch, &batch->entries[k]);
			struct buf got = unpacked(&b, pack_end(&b.pack));

			cr_assert(bytes_eq(buf_bytes(&got), bytes_str(want)), "%s: %.*s",
				  ways[i][1], (int)got.len, (char *)got.at);
			cr_assert_eq(b.documents, batch->count);
			buf_fini(&got);
		}
		bulk_fini(&b);
	}
}

Test(elastic_bulk, has_an_action_for_each_document)
{
	struct batch b = {0};

	document(&b, "2026-11-22T05:27:39.115401526Z", "a");
	document(&b, "2026-11-23T05:27:39.115401526Z", "b");
	body_is(&b, "{\"create\":{\"_id\":\"a0000000000000000000000000000000\"}}\n"
		    "{\"@timestamp\":\"2026-11-22T05:27:39.115401526Z\",\"x\":1}\n"
		    "{\"create\":{\"_id\":\"b0000000000000000000000000000000\"}}\n"
		    "{\"@timestamp\":\"2026-11-23T05:27:39.115401526Z\",\"x\":1}\n");
	rig_fini(&b);
}

Test(elastic_bulk, names_an_index_that_depends_on_the_date)
{
	struct batch b = {0};

	set("index", "x-%{[agent.version]}-%{+yyyy.MM.dd_HH}");
	document(&b, "2026-11-22T05:27:39.115401526Z", "a");
	document(&b, "2026-11-22T06:00:00.000000000Z", "b");
	rig_add(&b, BYTES("{\"short\":1}\n"));
	memset(b.entries[2].id, 'c', 32);
	body_is(&b, "{\"create\":{\"_index\":\"x-" WIRESPAN_VERSION "-2026.11.22_05\","
		    "\"_id\":\"a0000000000000000000000000000000\"}}\n"
		    "{\"@timestamp\":\"2026-11-22T05:27:39.115401526Z\",\"x\":1}\n"
		    "{\"create\":{\"_index\":\"x-" WIRESPAN_VERSION "-2026.11.22_06\","
		    "\"_id\":\"b0000000000000000000000000000000\"}}\n"
		    "{\"@timestamp\":\"2026-11-22T06:00:00.000000000Z\",\"x\":1}\n"
		    "{\"create\":{\"_index\":\"x-" WIRESPAN_VERSION "-1970.01.01_00\","
		    "\"_id\":\"cccccccccccccccccccccccccccccccc\"}}\n"
		    "{\"short\":1}\n");
	rig_fini(&b);
}

Test(elastic_bulk, large_ones_are_packed_whole)
{
	struct batch batch = {0};
	struct bulk b;

	rig_fill(&batch, 0, 300, 2000);
	bulk_init(&b, &conf);
	bulk_begin(&b);
	for (size_t i = 0; i < batch.count; i++) {
		memset(batch.entries[i].id, 'a', 32);
		bulk_add(&b, &batch, &batch.entries[i]);
	}
	struct buf got = unpacked(&b, pack_end(&b.pack));
	unsigned documents = 0;

	for (struct bytes rest = buf_bytes(&got); rest.len > 0; documents++) {
		size_t action = bytes_find(rest, '\n') + 1;
		struct bytes text = {batch.text.at + batch.entries[documents].at, 2000};

		cr_assert(bytes_starts(bytes_skip(rest, action), text));
		rest = bytes_skip(rest, action + 2000);
	}
	cr_assert_eq(documents, 300);
	cr_assert_eq(b.bytes, batch.text.len);
	buf_fini(&got);
	bulk_fini(&b);
	rig_fini(&batch);
}

/* ---- Addresses ---- */

static void address_is(const char *text, const char *scheme, const char *path, const char *want)
{
	struct fault fault = {0};
	char *got = address_url(text, scheme, ADDRESS_ENGINE_PORT, path, &fault);

	if (want != NULL)
		cr_assert(got != NULL && strcmp(got, want) == 0, "%s: %s %s", text, got,
			  fault.text);
	else
		cr_assert(got == NULL && fault.text[0] != '\0', "%s: %s", text, got);
	free(got);
}

Test(elastic_hosts, addresses)
{
	address_is("es1", "http", "", "http://es1:9200");
	address_is("es1:80", "https", "", "https://es1:80");
	address_is("https://es1", "http", "", "https://es1:9200");
	address_is("https://es1:443/", "http", "", "https://es1:443");
	address_is("http://es1/a/b/", "http", "/c/", "http://es1:9200/c/a/b");
	address_is("es1", "http", "c", "http://es1:9200/c");
	address_is("[::1]:9201", "http", "", "http://[::1]:9201");
	address_is("10.0.0.1", "http", "", "http://10.0.0.1:9200");
	address_is("http://u:p@es1", "http", "", NULL);
	address_is("ftp://es1", "http", "", NULL);
	address_is("http://es1?x=1", "http", "", NULL);
	address_is("es1 es2", "http", "", NULL);
	address_is("es1:99999", "http", "", NULL);
	address_is("", "http", "", NULL);
	char *encoded = address_encode("a b/c*,~");

	cr_assert_str_eq(encoded, "a%20b%2Fc%2A%2C~");
	free(encoded);
}

/* ---- Whose turn it is ---- */

static struct hosts three(void)
{
	struct hosts h;
	struct fault fault = {0};

	set("hosts", "[a, b, c]");
	cr_assert(hosts_init(&h, &conf, &fault), "%s", fault.text);
	hosts_round(&h);
	return h;
}

Test(elastic_hosts, take_turns_evenly)
{
	struct hosts h = three();
	unsigned turns[3] = {0};

	for (int i = 0; i < 300; i++) {
		struct host *host = hosts_choose(&h, (struct mono){1});

		turns[host - h.at]++;
		hosts_worked(&h, host);
	}
	cr_assert(turns[0] == 100 && turns[1] == 100 && turns[2] == 100);
	hosts_fini(&h);
}

Test(elastic_hosts, that_failed_rest_while_others_work)
{
	struct hosts h = three();
	struct mono now = {NS_PER_S};
	struct host *bad = hosts_choose(&h, now);
	nsec longest = 0;

	for (int failures = 0; failures < 20; failures++) {
		hosts_failed(&h, bad, now);
		nsec rest = bad->until - now.ns;

		cr_assert(rest >= 0 && rest <= h.limit);
		longest = rest > longest ? rest : longest;
		for (int i = 0; rest > 0 && i < 10; i++)
			cr_assert_neq(hosts_choose(&h, now), bad);
		/* Its rest is over: it is tried again, in a new round. */
		now.ns = bad->until;
		hosts_round(&h);
		bool seen = false;

		for (int i = 0; i < 3; i++)
			seen |= hosts_choose(&h, now) == bad;
		cr_assert(seen);
		cr_assert(bad->doubtful);
	}
	cr_assert_gt(longest, h.first);
	hosts_worked(&h, bad);
	cr_assert(!bad->doubtful && bad->until == 0);
	hosts_fini(&h);
}

Test(elastic_hosts, all_are_tried_once_a_round)
{
	struct hosts h = three();
	struct mono now = {NS_PER_S};
	struct host *host;
	int tried = 0;

	while ((host = hosts_choose(&h, now)) != NULL) {
		hosts_failed(&h, host, now);
		cr_assert_leq(++tried, 3);
	}
	cr_assert_eq(tried, 3);
	/* All rest: whoever sends has waited, so the one that rested longest comes first. */
	hosts_round(&h);
	host = hosts_choose(&h, now);
	cr_assert_not_null(host);
	for (int i = 0; i < 3; i++)
		cr_assert_leq(host->until, h.at[i].until);
	hosts_fini(&h);
}

Test(elastic_hosts, begin_slowly_after_trouble)
{
	struct hosts h = three();
	struct host *host = hosts_choose(&h, (struct mono){1});
	size_t documents = 32;

	cr_assert_eq(host->documents, 1600);
	hosts_failed(&h, host, (struct mono){1});
	for (; documents < 1600; documents *= 2) {
		cr_assert_eq(host->documents, documents);
		hosts_worked(&h, host);
	}
	cr_assert_eq(host->documents, 1600);
	hosts_give_less(host, 1600, true);
	cr_assert_eq(host->documents, 800);
	/* What was sent counts, not what might have been. */
	hosts_give_less(host, 200, true);
	cr_assert_eq(host->documents, 100);
	for (int i = 0; i < 20; i++)
		hosts_give_less(host, host->documents, true);
	cr_assert_eq(host->documents, 32);
	hosts_give_less(host, 3, true);
	cr_assert_eq(host->documents, 32);
	hosts_fini(&h);
}

Test(elastic_hosts, that_take_nothing_get_less_down_to_one)
{
	struct hosts h = three();
	struct host *host = hosts_choose(&h, (struct mono){1});

	for (size_t documents = 1600; documents > 1; documents /= 2) {
		cr_assert_eq(host->documents, documents);
		hosts_give_less(host, documents, false);
	}
	hosts_give_less(host, 1, false);
	cr_assert_eq(host->documents, 1);
	hosts_give_less(host, 64, true);
	cr_assert_eq(host->documents, 1);
	hosts_fini(&h);
}

Test(elastic_hosts, that_now_and_then_take_nothing_are_not_given_less_than_a_few)
{
	struct hosts h = three();
	struct host *host = hosts_choose(&h, (struct mono){1});

	for (int requests = 0; requests < 300; requests++)
		if (requests % 3 == 0)
			hosts_give_less(host, host->documents, false);
		else
			hosts_worked(&h, host);
	cr_assert_geq(host->documents, 16);
	cr_assert_leq(host->documents, 64);
	/* Few from the beginning, and some of them taken. */
	host = hosts_choose(&h, (struct mono){1});
	for (int requests = 0; requests < 300; requests++) {
		hosts_give_less(host, 20, false);
		hosts_give_less(host, 20, true);
	}
	cr_assert_eq(host->documents, 32);
	hosts_give_less(host, 20, false);
	hosts_give_less(host, 20, false);
	cr_assert_eq(host->documents, 10);
	hosts_fini(&h);
}

Test(elastic_hosts, are_given_what_was_too_much_only_now_and_then)
{
	struct hosts h = three();
	struct host *host = hosts_choose(&h, (struct mono){1});
	size_t taken = 0, failures = 0;

	/* It takes twenty at a time, and nothing of more. */
	for (int requests = 0; requests < 1000; requests++) {
		if (host->documents > 20) {
			hosts_busy(&h, host, (struct mono){1}, 0);
			hosts_give_less(host, host->documents, false);
			failures++;
		} else {
			taken += host->documents;
			hosts_worked(&h, host);
		}
	}
	cr_assert_leq(failures, 1000 / 8);
	cr_assert_geq(taken, 10000);
	/* With room again, all at last. */
	for (int requests = 0; requests < 80; requests++)
		hosts_worked(&h, host);
	cr_assert_eq(host->documents, 1600);
	hosts_failed(&h, host, (struct mono){1});
	hosts_give_less(host, 1600, false);
	cr_assert_eq(host->documents, 32);
	for (int requests = 0; requests < 5; requests++)
		hosts_worked(&h, host);
	cr_assert_eq(host->documents, 800);
	hosts_worked(&h, host);
	cr_assert_eq(host->documents, 800);
	hosts_fini(&h);
}

Test(elastic_hosts, that_are_busy_are_left_alone_and_not_doubted)
{
	struct hosts h = three();
	struct host *host = hosts_choose(&h, (struct mono){1});

	cr_assert_not(host->doubtful);
	hosts_busy(&h, host, (struct mono){1}, (nsec)3600 * NS_PER_S);
	cr_assert_eq(host->until, 1 + h.limit);
	hosts_fini(&h);
}

Test(elastic_hosts, without_balance_the_first_that_works)
{
	set("loadbalance", "false");
	struct hosts h = three();

	for (int i = 0; i < 10; i++)
		cr_assert_eq(hosts_choose(&h, (struct mono){1}), &h.at[0]);
	hosts_failed(&h, &h.at[0], (struct mono){1});
	h.at[0].until = 100;
	cr_assert_eq(hosts_choose(&h, (struct mono){1}), &h.at[1]);
	hosts_round(&h);
	cr_assert_eq(hosts_choose(&h, (struct mono){100}), &h.at[0]);
	hosts_fini(&h);
}
