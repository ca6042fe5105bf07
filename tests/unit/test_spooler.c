/*
 * The publisher with a spool between: documents that outlive an output, a process and a refusal.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yajl/yajl_tree.h>

#include "shipper/base/must.h"
#include "shipper/publish/dead_letters.h"
#include "shipper/publish/funnel.h"
#include "shipper/publish/publisher.h"

enum { MOST = 100000, WORKERS = 3 };

TestSuite(spooler, .timeout = 120);

/* An output over the network, as a test wants it. */
struct remote {
	unsigned handles;
	_Atomic bool away;    /* everything AGAIN */
	unsigned refuse_each; /* by the document's number; 0 none */
	_Atomic uint64_t delivered, refused;
	pthread_mutex_t lock;
	uint8_t got[MOST];
};

static void remote_demand(const void *conf, struct demand *demand)
{
	const struct remote *r = *(struct remote *const *)conf;

	demand->handles = r->handles;
	demand->batch_bytes = 3000;
	demand->remote = true;
}

static bool remote_open(void *self, const void *conf, struct fault *fault)
{
	(void)fault;
	*(struct remote **)self = *(struct remote *const *)conf;
	return true;
}

static void remote_send(void *self, struct batch *b, struct fault *fault)
{
	struct remote *r = *(struct remote **)self;

	fault_set(fault, "it is away");
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < b->count; i++) {
		struct entry *e = &b->entries[i];
		uint64_t n = strtoull(e->id, NULL, 10);

		if (e->verdict != VERDICT_NONE && e->verdict != VERDICT_AGAIN)
			continue;
		cr_assert(n < MOST);
		e->verdict = VERDICT_AGAIN;
		if (atomic_load(&r->away))
			continue;
		if (r->refuse_each > 0 && n % r->refuse_each == 0) {
			batch_refuse(b, e, 400, BYTES("failed to parse \"x\""));
			r->refused++;
			continue;
		}
		e->verdict = VERDICT_DELIVERED;
		r->got[n]++;
		r->delivered++;
	}
	pthread_mutex_unlock(&r->lock);
}

static void remote_close(void *self)
{
	(void)self;
}

static const struct output remote_output = {
	.name = "remote",
	.conf_size = sizeof(struct remote *),
	.self_size = sizeof(struct remote *),
	.demand = remote_demand,
	.open = remote_open,
	.send = remote_send,
	.close = remote_close,
};

struct stage {
	char path[64];
	struct publish_conf conf;
	struct remote *remote;
	struct publisher *publisher;
	uint64_t made; /* by all processes */
};

static struct stage *stage_new(void)
{
	struct stage *s = must_alloc(sizeof(*s));

	snprintf(s->path, sizeof(s->path), "/tmp/wirespan-spooler-XXXXXX");
	cr_assert_not_null(mkdtemp(s->path));
	s->remote = must_alloc(sizeof(*s->remote));
	s->remote->handles = 2;
	pthread_mutex_init(&s->remote->lock, NULL);
	s->conf = (struct publish_conf){
		.batch_bytes = 4096,
		.batches = 64,
		.flush_interval = NS_PER_S,
		.retry_wait = NS_PER_MS,
		.retry_wait_limit = 2 * NS_PER_MS,
		.spool = {.path = s->path,
			  .max_bytes = 1 << 28,
			  .segment_bytes = 1 << 16,
			  .sync_interval = 2 * NS_PER_MS},
		.dead_letters_size = 1 << 20,
		.dead_letters_files = 4,
	};
	return s;
}

static void stage_open(struct stage *s, unsigned workers)
{
	struct fault fault = {0};

	s->publisher = publisher_open(&s->conf, &remote_output, &s->remote, workers, &fault);
	cr_assert_not_null(s->publisher, "%s", fault.text);
}

static struct publish_stats stage_close(struct stage *s, nsec limit)
{
	struct publish_stats stats;
	struct fault fault = {0};

	cr_assert(publisher_close(s->publisher, limit, &stats, &fault), "%s", fault.text);
	cr_assert_eq(stats.handed + stats.recovered, stats.delivered + stats.refused +
							     stats.abandoned + stats.queued +
							     publish_lost(&stats));
	cr_assert_eq(stats.abandoned, 0);
	s->publisher = NULL;
	return stats;
}

static void stage_free(struct stage *s)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", s->path);
	cr_assert_eq(system(command), 0);
	free(s->remote);
	free(s);
}

/* False: dropped. */
static bool make_document(struct funnel *f, uint64_t n)
{
	char line[400], id[33];
	struct buf *room = funnel_sink.room(f);

	if (room == NULL)
		return false;
	size_t at = room->len;
	int len = snprintf(line, sizeof(line), "{\"n\":%" PRIu64 ",\"x\":\"%0*d\"}\n", n,
			   1 + (int)(n % 300), 0);

	buf_add(room, bytes_of(line, (size_t)len));
	snprintf(id, sizeof(id), "%032" PRIu64, n);
	funnel_sink.wrote(f, at, 0, id);
	return true;
}

static void make_documents(struct stage *s, unsigned count)
{
	struct funnel *f = publisher_funnel(s->publisher, 0);

	for (unsigned i = 0; i < count; i++) {
		while (!make_document(f, s->made))
			usleep(100);
		s->made++;
	}
	funnel_sink.flush(f, true);
}

Test(spooler, a_healthy_output_gets_each_document_once)
{
	struct stage *s = stage_new();
	struct publish_stats stats;

	stage_open(s, 1);
	make_documents(s, 20000);
	stats = stage_close(s, INT64_MAX);
	cr_assert_eq(stats.delivered, 20000);
	cr_assert_eq(stats.queued, 0);
	for (unsigned n = 0; n < 20000; n++)
		cr_assert_eq(s->remote->got[n], 1);
	stage_free(s);
}

Test(spooler, what_is_not_delivered_waits_for_the_next_start)
{
	struct stage *s = stage_new();
	struct publish_stats stats;
	uint64_t waits = 0;

	for (unsigned round = 0; round < 4; round++) {
		atomic_store(&s->remote->away, true);
		stage_open(s, 1);
		publisher_stats(s->publisher, &stats);
		cr_assert_eq(stats.recovered, waits);
		make_documents(s, 3000);
		stats = stage_close(s, 5 * NS_PER_MS);
		waits = stats.queued;
		cr_assert_eq(waits, s->made);
		cr_assert_eq(stats.delivered, 0);
	}
	atomic_store(&s->remote->away, false);
	stage_open(s, 1);
	stats = stage_close(s, INT64_MAX);
	cr_assert_eq(stats.delivered, s->made);
	for (unsigned n = 0; n < s->made; n++)
		cr_assert_eq(s->remote->got[n], 1);
	stage_free(s);
}

Test(spooler, an_output_that_comes_back_gets_what_waited)
{
	struct stage *s = stage_new();
	struct publish_stats stats;

	atomic_store(&s->remote->away, true);
	stage_open(s, 1);
	make_documents(s, 5000);
	do {
		publisher_stats(s->publisher, &stats);
	} while (stats.retries < 3);
	cr_assert_eq(stats.queued, 5000);
	atomic_store(&s->remote->away, false);
	do {
		publisher_stats(s->publisher, &stats);
	} while (stats.queued > 0);
	cr_assert_eq(stats.delivered, 5000);
	stage_close(s, INT64_MAX);
	stage_free(s);
}

/* ---- Refused documents ---- */

static const char *text_at(yajl_val root, const char *key)
{
	const char *path[] = {key, NULL};

	return YAJL_GET_STRING(yajl_tree_get(root, path, yajl_t_string));
}

/* Every line of the file and its older ones: which documents are in it, and that all is said. */
static uint64_t read_dead(const char *path, uint8_t *got)
{
	char name[300], *line = NULL;
	size_t room = 0;
	uint64_t count = 0;

	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), i > 0 ? "%s.%d" : "%s", path, i);
		FILE *file = fopen(name, "r");

		while (file != NULL && getline(&line, &room, file) > 0) {
			const char *number[] = {"document", "n", NULL},
				   *status[] = {"status", NULL};
			yajl_val root = yajl_tree_parse(line, NULL, 0);

			cr_assert_not_null(root, "%s", line);
			long long n = YAJL_GET_INTEGER(yajl_tree_get(root, number, yajl_t_number));

			cr_assert_str_eq(text_at(root, "reason"), "failed to parse \"x\"");
			cr_assert_str_eq(text_at(root, "output"), "remote");
			cr_assert_eq(strlen(text_at(root, "@timestamp")), 20);
			cr_assert_eq(strtoll(text_at(root, "event.id"), NULL, 10), n);
			cr_assert_eq(YAJL_GET_INTEGER(yajl_tree_get(root, status, yajl_t_number)),
				     400);
			got[n]++;
			count++;
			yajl_tree_free(root);
		}
		if (file != NULL)
			fclose(file);
	}
	free(line);
	return count;
}

Test(spooler, refused_documents_are_kept_with_their_reason)
{
	struct stage *s = stage_new();
	static uint8_t dead[MOST];
	struct publish_stats stats;
	char path[128];

	s->remote->refuse_each = 7;
	stage_open(s, 1);
	make_documents(s, 5000);
	stats = stage_close(s, INT64_MAX);
	snprintf(path, sizeof(path), "%s/dead-letters.ndjson", s->path);
	cr_assert_eq(read_dead(path, dead), stats.refused);
	cr_assert_eq(stats.refused, (5000 + 6) / 7);
	cr_assert_eq(stats.delivered + stats.refused, 5000);
	for (unsigned n = 0; n < 5000; n++)
		cr_assert_eq(s->remote->got[n] + dead[n], 1);
	stage_free(s);
}

Test(spooler, what_cannot_be_kept_is_not_settled)
{
	struct stage *s = stage_new();
	static uint8_t dead[MOST];
	struct publish_stats stats;
	char path[128], blocker[128];

	snprintf(blocker, sizeof(blocker), "%s/blocker", s->path);
	snprintf(path, sizeof(path), "%s/blocker/dead.ndjson", s->path);
	close(open(blocker, O_WRONLY | O_CREAT, 0600));
	s->conf.dead_letters = path;
	s->remote->refuse_each = 1;
	stage_open(s, 1);
	make_documents(s, 100);
	while (atomic_load(&s->remote->refused) == 0)
		usleep(1000);
	stats = stage_close(s, 20 * NS_PER_MS);
	cr_assert_eq(stats.refused, 0);
	cr_assert_eq(stats.queued, 100);
	/* Once it can be made, they are kept, by a process that comes later. */
	unlink(blocker);
	stage_open(s, 1);
	stats = stage_close(s, INT64_MAX);
	cr_assert_eq(stats.refused, 100);
	cr_assert_eq(read_dead(path, dead), 100);
	stage_free(s);
}

Test(spooler, dead_letters_have_a_limit)
{
	struct stage *s = stage_new();
	struct dead_letters *d;
	struct batch b = {0};
	struct fault fault = {0};
	char path[128], name[160];

	snprintf(path, sizeof(path), "%s/below/dead.ndjson", s->path);
	d = dead_letters_new(path, "remote", 2000, 3);
	b.entries = must_alloc(sizeof(b.entries[0]));
	b.count = b.room = 1;
	buf_add(&b.text, BYTES("{\"n\":1}\n"));
	b.entries[0].len = (uint32_t)b.text.len;
	memset(b.entries[0].id, '1', sizeof(b.entries[0].id));
	batch_refuse(&b, &b.entries[0], 400, BYTES("no"));
	for (unsigned i = 0; i < 100; i++)
		cr_assert(dead_letters_add(d, &b, &fault), "%s", fault.text);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), i > 0 ? "%s.%u" : "%s", path, i);
		cr_assert_eq(access(name, F_OK) == 0, i < 3);
	}
	dead_letters_free(d);
	buf_fini(&b.text);
	buf_fini(&b.reasons);
	free(b.entries);
	stage_free(s);
}

/* ---- The books ---- */

struct hand {
	struct stage *stage;
	unsigned worker;
	uint64_t written, dropped;
};

static void *work(void *arg)
{
	struct hand *h = arg;
	struct funnel *f = publisher_funnel(h->stage->publisher, h->worker);

	for (unsigned i = 0; i < 20000; i++) {
		bool well;

		/* Some try once, so that some are dropped; the rest comes as fast as it is taken.
		 */
		while (!(well = make_document(f, h->worker * 20000 + i)) && ++h->dropped &&
		       i % 3 > 0)
			usleep(100);
		h->written += well;
		if (i % 100 == 0)
			funnel_sink.flush(f, true);
	}
	return NULL;
}

Test(spooler, books_balance_while_all_goes_on_and_at_the_end)
{
	struct stage *s = stage_new();
	struct hand hands[WORKERS];
	pthread_t threads[WORKERS];
	struct publish_stats stats;
	uint64_t written = 0, dropped = 0;

	s->remote->handles = 4;
	s->remote->refuse_each = 100;
	/* Too small for all: some are lost, and counted. */
	s->conf.spool.max_bytes = 3 << 20;
	atomic_store(&s->remote->away, true);
	stage_open(s, WORKERS);
	for (unsigned i = 0; i < WORKERS; i++) {
		hands[i] = (struct hand){.stage = s, .worker = i};
		must(pthread_create(&threads[i], NULL, work, &hands[i]) == 0);
	}
	do {
		publisher_stats(s->publisher, &stats);
		cr_assert(stats.queued <= stats.handed);
	} while (publish_lost(&stats) == 0);
	atomic_store(&s->remote->away, false);
	for (unsigned i = 0; i < WORKERS; i++) {
		must(pthread_join(threads[i], NULL) == 0);
		written += hands[i].written;
		dropped += hands[i].dropped;
	}
	stats = stage_close(s, INT64_MAX);
	cr_assert_eq(stats.handed, written);
	cr_assert_eq(stats.dropped, dropped);
	cr_assert(written >= WORKERS * 20000 * 2 / 3);
	cr_assert_eq(stats.queued, 0);
	cr_assert_eq(stats.delivered, s->remote->delivered);
	cr_assert_eq(stats.refused, s->remote->refused);
	cr_assert(stats.lost[SPOOL_LOST_NEWEST] > 0);
	cr_assert_eq(stats.lost[SPOOL_LOST_NEWEST], publish_lost(&stats));
	for (unsigned n = 0; n < WORKERS * 20000; n++)
		cr_assert(s->remote->got[n] <= 1);
	stage_free(s);
}

Test(spooler, a_second_process_is_told)
{
	struct stage *s = stage_new();
	struct fault fault = {0};

	stage_open(s, 1);
	cr_assert_null(publisher_open(&s->conf, &remote_output, &s->remote, 1, &fault));
	cr_assert(strstr(fault.text, "is in use by another process") != NULL, "%s", fault.text);
	stage_close(s, INT64_MAX);
	stage_free(s);
}

static bool remote_fails(void *self, const void *conf, struct fault *fault)
{
	(void)self, (void)conf;
	return fault_set(fault, "as asked");
}

Test(spooler, an_output_that_cannot_open_lets_the_spool_go)
{
	struct stage *s = stage_new();
	struct output output = remote_output;
	struct fault fault = {0};

	output.open = remote_fails;
	for (unsigned i = 0; i < 20; i++) {
		cr_assert_null(publisher_open(&s->conf, &output, &s->remote, 1, &fault));
		cr_assert_str_eq(fault.text, "as asked");
	}
	stage_open(s, 1);
	make_documents(s, 10);
	stage_close(s, INT64_MAX);
	cr_assert_eq(s->remote->delivered, 10);
	stage_free(s);
}

/* Replays, and outputs of this host, have none unless told to. */
Test(spooler, a_replay_has_none)
{
	struct stage *s = stage_new();
	struct publish_stats stats;
	char command[128];

	s->conf.wait = true;
	s->conf.queue = QUEUE_SPOOL;
	stage_open(s, 1);
	make_documents(s, 5000);
	stats = stage_close(s, INT64_MAX);
	cr_assert_eq(stats.delivered, 5000);
	snprintf(command, sizeof(command), "test -z \"$(ls -A %s)\"", s->path);
	cr_assert_eq(system(command), 0);
	stage_free(s);
}
