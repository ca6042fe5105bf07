/*
 * Funnels and publisher, with an output that does as the test says.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "shipper/base/must.h"
#include "shipper/publish/funnel.h"
#include "shipper/publish/publisher.h"
#include "shipper/publish/sender.h"

enum { DOCUMENTS = 20000, WORKERS = 4 };

/* With a lost wake-up, a test ends by its timeout. */
TestSuite(publisher, .timeout = 120);

/* What the stand-in output does, and what it was given. One test runs in a process at a time. */
struct script {
	unsigned again_each;  /* one entry in so many gets AGAIN on its first try; 0 none */
	unsigned refuse_each; /* refused; 0 none */
	unsigned fail_tries;  /* all AGAIN, so many times */
	uint64_t gone_after;  /* GONE behind so many delivered; 0 never */
	_Atomic bool hold;    /* send does not return while set */
	struct buf got;	      /* texts of what was delivered, in order */
	uint64_t delivered, refused, sends, seen, at_finish;
	unsigned reopened, closed;
	bool fail_open, fail_finish;
	_Atomic unsigned entered;
};

static enum verdict decide(struct script *s, const struct batch *b, const struct entry *e)
{
	bool first = e->verdict == VERDICT_NONE;

	s->seen += first;
	if (s->gone_after > 0 && s->delivered >= s->gone_after)
		return VERDICT_GONE;
	if (s->refuse_each > 0 && first && s->seen % s->refuse_each == 0) {
		s->refused++;
		return VERDICT_REFUSED;
	}
	if (s->again_each > 0 && first && s->seen % s->again_each == 0)
		return VERDICT_AGAIN;
	buf_add(&s->got, (struct bytes){b->text.at + e->at, e->len});
	s->delivered++;
	return VERDICT_DELIVERED;
}

static bool script_open(void *self, const void *conf, struct fault *fault)
{
	struct script *s = *(struct script *const *)conf;

	*(struct script **)self = s;
	return !s->fail_open || fault_set(fault, "as asked");
}

static void script_send(void *self, struct batch *b, struct fault *fault)
{
	struct script *s = *(struct script **)self;

	atomic_fetch_add(&s->entered, 1);
	while (atomic_load(&s->hold))
		sched_yield();
	s->sends++;
	for (size_t i = 0; i < b->count; i++) {
		struct entry *e = &b->entries[i];

		if (e->verdict != VERDICT_NONE && e->verdict != VERDICT_AGAIN)
			continue;
		e->verdict = (uint8_t)(s->fail_tries > 0 ? VERDICT_AGAIN : decide(s, b, e));
	}
	s->fail_tries -= s->fail_tries > 0;
	fault_set(fault, "it does not want to");
}

static void script_reopen(void *self, struct fault *fault)
{
	struct script *s = *(struct script **)self;

	(void)fault;
	s->reopened++;
	s->fail_tries = 0;
}

/* All is sent by then, and it is not closed. */
static bool script_finish(void *self, struct fault *fault)
{
	struct script *s = *(struct script **)self;

	s->at_finish = s->delivered;
	cr_assert_eq(s->closed, 0);
	return !s->fail_finish || fault_set(fault, "nothing of note");
}

static void script_close(void *self)
{
	(*(struct script **)self)->closed++;
}

static const struct output script_output = {
	.name = "script",
	.conf_size = sizeof(struct script *),
	.self_size = sizeof(struct script *),
	.open = script_open,
	.send = script_send,
	.reopen = script_reopen,
	.finish = script_finish,
	.close = script_close,
};

static struct publish_conf small(bool wait)
{
	return (struct publish_conf){
		.wait = wait,
		.batch_bytes = 4096,
		.batches = 4,
		.flush_interval = NS_PER_S,
		.retry_wait = NS_PER_MS,
		.retry_wait_limit = 4 * NS_PER_MS,
	};
}

static struct publisher *start(const struct publish_conf *conf, struct script *s, unsigned funnels)
{
	struct fault fault = {0};
	struct publisher *p = publisher_open(conf, &script_output, &s, funnels, &fault);

	cr_assert_not_null(p, "%s", fault.text);
	return p;
}

/* A document as the engine writes one; false when it was dropped. */
static bool write_document(struct funnel *f, unsigned worker, unsigned n, size_t padding)
{
	char line[64], id[33];
	struct buf *room = funnel_sink.room(f);

	if (room == NULL)
		return false;
	size_t at = room->len;
	int len = snprintf(line, sizeof(line), "{\"worker\":%u,\"n\":%u,\"x\":\"", worker, n);

	buf_add(room, (struct bytes){(uint8_t *)line, (size_t)len});
	memset(buf_room(room, padding), 'x', padding);
	room->len += padding;
	buf_add(room, BYTES("\"}\n"));
	snprintf(id, sizeof(id), "%016u%016u", worker, n);
	funnel_sink.wrote(f, at, 0, id);
	return true;
}

/* Each line of `got` by worker `worker` is the next number; returns how many there were. */
static unsigned in_order(const struct buf *got, unsigned worker)
{
	unsigned n = 0;
	struct bytes rest = buf_bytes(got);

	while (rest.len > 0) {
		struct bytes line = bytes_head(rest, bytes_find(rest, '\n') + 1);
		char text[96], want[64];

		snprintf(text, sizeof(text), "%.*s", (int)line.len, (const char *)line.at);
		cr_assert(line.at[line.len - 1] == '\n');
		snprintf(want, sizeof(want), "{\"worker\":%u,", worker);
		if (strncmp(text, want, strlen(want)) == 0) {
			snprintf(want, sizeof(want), "{\"worker\":%u,\"n\":%u,", worker, n);
			cr_assert(strncmp(text, want, strlen(want)) == 0, "%s", text);
			n++;
		}
		rest = bytes_skip(rest, line.len);
	}
	return n;
}

static void balanced(const struct publish_stats *s, uint64_t handed)
{
	cr_assert_eq(s->handed, handed);
	cr_assert_eq(s->handed, s->delivered + s->refused + s->abandoned + s->queued);
}

Test(publisher, one_worker_keeps_its_order)
{
	struct script s = {0};
	struct publish_conf conf = small(true);
	struct publish_stats stats;
	struct publisher *p = start(&conf, &s, 1);

	for (unsigned i = 0; i < DOCUMENTS; i++)
		cr_assert(write_document(publisher_funnel(p, 0), 0, i, 100));
	cr_assert(publisher_close(p, INT64_MAX, &stats, NULL));
	balanced(&stats, DOCUMENTS);
	cr_assert_eq(stats.delivered, DOCUMENTS);
	cr_assert_eq(stats.bytes, s.got.len);
	cr_assert_eq(in_order(&s.got, 0), DOCUMENTS);
	cr_assert_eq(s.closed, 1);
	buf_fini(&s.got);
}

struct hand {
	struct funnel *funnel;
	unsigned worker, written, dropped;
};

static void *work(void *arg)
{
	struct hand *hand = arg;

	for (unsigned i = 0; i < DOCUMENTS; i++) {
		bool well = write_document(hand->funnel, hand->worker, hand->written, i % 300);

		hand->written += well;
		hand->dropped += !well;
		if (i % 64 == 0)
			funnel_sink.flush(hand->funnel, i % 128 == 0);
	}
	return NULL;
}

static void run_workers(struct publisher *p, struct hand hands[WORKERS])
{
	pthread_t threads[WORKERS];

	for (unsigned i = 0; i < WORKERS; i++) {
		hands[i] = (struct hand){.funnel = publisher_funnel(p, i), .worker = i};
		must(pthread_create(&threads[i], NULL, work, &hands[i]) == 0);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		must(pthread_join(threads[i], NULL) == 0);
}

Test(publisher, several_workers_and_a_fickle_output)
{
	struct script s = {.again_each = 7000, .refuse_each = 977, .fail_tries = 3};
	struct publish_conf conf = small(true);
	struct publish_stats stats;
	struct fault fault = {0};
	struct hand hands[WORKERS];
	struct publisher *p = start(&conf, &s, WORKERS);

	run_workers(p, hands);
	cr_assert_not(publisher_close(p, INT64_MAX, &stats, &fault));
	cr_assert(strstr(fault.text, "refused") != NULL, "%s", fault.text);
	balanced(&stats, WORKERS * DOCUMENTS);
	cr_assert_eq(stats.refused, s.refused);
	cr_assert_eq(stats.refused, WORKERS * DOCUMENTS / 977);
	cr_assert_eq(stats.delivered, WORKERS * DOCUMENTS - stats.refused);
	cr_assert_eq(stats.delivered, s.delivered);
	cr_assert_eq(stats.dropped, 0);
	cr_assert(stats.retries >= 3);
	buf_fini(&s.got);
}

Test(publisher, what_an_output_says_at_its_end_is_told)
{
	struct script s = {.fail_finish = true};
	struct publish_conf conf = small(true);
	struct publish_stats stats;
	struct fault fault = {0};
	struct hand hands[WORKERS];
	struct publisher *p = start(&conf, &s, WORKERS);

	run_workers(p, hands);
	cr_assert_not(publisher_close(p, INT64_MAX, &stats, &fault));
	cr_assert_str_eq(fault.text, "nothing of note");
	cr_assert_eq(stats.delivered, WORKERS * DOCUMENTS);
	cr_assert_eq(s.at_finish, WORKERS * DOCUMENTS);
	cr_assert_eq(s.closed, 1);
	buf_fini(&s.got);
}

Test(publisher, several_workers_keep_each_its_order)
{
	struct script s = {.fail_tries = 2};
	struct publish_conf conf = small(true);
	struct hand hands[WORKERS];
	struct publisher *p = start(&conf, &s, WORKERS);

	run_workers(p, hands);
	cr_assert(publisher_close(p, INT64_MAX, NULL, NULL));
	for (unsigned i = 0; i < WORKERS; i++)
		cr_assert_eq(in_order(&s.got, i), DOCUMENTS);
	buf_fini(&s.got);
}

Test(publisher, live_drops_and_counts_instead_of_waiting)
{
	struct script s = {.hold = true};
	struct publish_conf conf = small(false);
	struct publish_stats stats;
	struct publisher *p = start(&conf, &s, 1);
	struct funnel *f = publisher_funnel(p, 0);
	unsigned written = 0;

	for (unsigned i = 0; i < DOCUMENTS; i++)
		written += write_document(f, 0, written, 1000);
	/* Four batches of four documents, and not one more: nothing came back. */
	cr_assert_eq(written, 16);
	cr_assert_eq(funnel_dropped(f), DOCUMENTS - 16);
	publisher_stats(p, &stats);
	cr_assert_eq(stats.queued, 16);
	balanced(&stats, 16);
	atomic_store(&s.hold, false);
	cr_assert(publisher_close(p, INT64_MAX, &stats, NULL));
	balanced(&stats, 16);
	cr_assert_eq(stats.delivered, 16);
	cr_assert_eq(stats.dropped, DOCUMENTS - 16);
	cr_assert_eq(in_order(&s.got, 0), 16);
	buf_fini(&s.got);
}

/* Told to end, a worker reads what the kernel holds, faster than it came: then it waits, too. */
Test(publisher, live_waits_when_stopped)
{
	struct script s = {0};
	struct publish_conf conf = small(false);
	struct publish_stats stats;
	volatile sig_atomic_t stop = 1;
	unsigned written = 0;

	conf.stop = &stop;
	struct publisher *p = start(&conf, &s, 1);

	for (unsigned i = 0; i < DOCUMENTS; i++)
		written += write_document(publisher_funnel(p, 0), 0, written, 1000);
	cr_assert_eq(written, DOCUMENTS);
	cr_assert(publisher_close(p, INT64_MAX, &stats, NULL));
	cr_assert_eq(stats.delivered, DOCUMENTS);
	cr_assert_eq(stats.dropped, 0);
	buf_fini(&s.got);
}

Test(publisher, live_books_balance_under_load)
{
	struct script s = {.again_each = 5000, .refuse_each = 1000};
	struct publish_conf conf = small(false);
	struct publish_stats stats;
	struct hand hands[WORKERS];
	uint64_t written = 0, dropped = 0;
	struct publisher *p = start(&conf, &s, WORKERS);

	run_workers(p, hands);
	publisher_close(p, INT64_MAX, &stats, NULL);
	for (unsigned i = 0; i < WORKERS; i++) {
		written += hands[i].written;
		dropped += hands[i].dropped;
	}
	balanced(&stats, written);
	cr_assert_eq(stats.dropped, dropped);
	cr_assert_eq(written + dropped, WORKERS * DOCUMENTS);
	cr_assert_eq(stats.delivered, s.delivered);
	buf_fini(&s.got);
}

Test(publisher, a_large_document_grows_its_batch_for_once)
{
	enum { LARGE = 1 << 20 };
	struct publish_conf conf = small(true);
	struct bell bell;
	struct funnel *f = NULL;
	struct batch *b = NULL;

	bell_init(&bell);
	f = funnel_new(&conf, &bell);
	cr_assert(write_document(f, 0, 0, LARGE));
	b = funnel_take(f);
	cr_assert_not_null(b);
	cr_assert(b->text.cap >= LARGE);
	funnel_back(f, b);
	cr_assert(b->text.cap < 64 << 10);
	cr_assert_eq(funnel_sink.room(f), &b->text);
	funnel_free(f);
	bell_fini(&bell);
}

Test(publisher, flush_waits_for_age)
{
	struct publish_conf conf = small(true);
	struct bell bell;
	struct funnel *f = NULL;

	conf.flush_interval = (nsec)3600 * NS_PER_S;
	bell_init(&bell);
	f = funnel_new(&conf, &bell);
	funnel_sink.flush(f, true);
	cr_assert_null(funnel_take(f));
	write_document(f, 0, 0, 10);
	funnel_sink.flush(f, false);
	cr_assert_null(funnel_take(f));
	f->began.ns -= conf.flush_interval;
	funnel_sink.flush(f, false);
	cr_assert_not_null(funnel_take(f));
	funnel_free(f);
	bell_fini(&bell);
}

Test(publisher, close_gives_up_at_its_limit)
{
	struct script s = {.fail_tries = UINT32_MAX};
	struct publish_conf conf = small(true);
	struct publish_stats stats;
	struct fault fault = {0};

	conf.retry_wait = conf.retry_wait_limit = (nsec)3600 * NS_PER_S;
	struct publisher *p = start(&conf, &s, 1);

	for (unsigned i = 0; i < 12; i++)
		write_document(publisher_funnel(p, 0), 0, i, 1000);
	while (atomic_load(&s.entered) == 0)
		sched_yield();
	cr_assert_not(publisher_close(p, 20 * NS_PER_MS, &stats, &fault));
	balanced(&stats, 12);
	cr_assert_eq(stats.abandoned, 12);
	cr_assert_eq(s.closed, 1);
	cr_assert(strstr(fault.text, "12 documents were not delivered: it does not want to"), "%s",
		  fault.text);
}

Test(publisher, close_cuts_a_long_wait_short)
{
	struct script s = {.fail_tries = 1};
	struct publish_conf conf = small(true);
	struct publish_stats stats;

	conf.retry_wait = conf.retry_wait_limit = (nsec)3600 * NS_PER_S;
	struct publisher *p = start(&conf, &s, 1);

	write_document(publisher_funnel(p, 0), 0, 0, 5000);
	while (atomic_load(&s.entered) == 0)
		sched_yield();
	cr_assert(publisher_close(p, (nsec)600 * NS_PER_S, &stats, NULL));
	cr_assert_eq(stats.delivered, 1);
	buf_fini(&s.got);
}

Test(publisher, close_leaves_an_output_that_does_not_return)
{
	/* Left behind with its thread, so not on this stack. */
	static struct script s = {.hold = true};
	struct publish_conf conf = small(true);
	struct publish_stats stats;
	struct fault fault = {0};
	struct publisher *p = start(&conf, &s, 1);

	write_document(publisher_funnel(p, 0), 0, 0, 5000);
	while (atomic_load(&s.entered) == 0)
		sched_yield();
	cr_assert_not(publisher_close(p, 0, &stats, &fault));
	cr_assert_eq(stats.abandoned, 1);
	cr_assert(strstr(fault.text, "does not return") != NULL, "%s", fault.text);
}

Test(publisher, a_reader_that_is_gone_ends_the_program_quietly)
{
	struct script s = {.gone_after = 100};
	struct publish_conf conf = small(true);
	struct publish_stats stats;
	volatile sig_atomic_t stop = 0;
	unsigned written = 0;

	conf.stop = &stop;
	struct publisher *p = start(&conf, &s, 1);

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		written += write_document(publisher_funnel(p, 0), 0, written, 100);
	cr_assert(publisher_gone(p));
	cr_assert(publisher_close(p, INT64_MAX, &stats, NULL));
	balanced(&stats, written);
	cr_assert_eq(stats.delivered, 100);
	cr_assert_eq(stats.abandoned, written - 100);
	buf_fini(&s.got);
}

Test(publisher, a_stopped_worker_does_not_wait_for_ever)
{
	struct script s = {.fail_tries = UINT32_MAX};
	struct publish_conf conf = small(true);
	struct publish_stats stats;
	volatile sig_atomic_t stop = 1;
	unsigned written = 0;

	conf.stop = &stop;
	struct publisher *p = start(&conf, &s, 1);

	for (unsigned i = 0; i < 100; i++)
		written += write_document(publisher_funnel(p, 0), 0, written, 1000);
	cr_assert_eq(written, 16);
	cr_assert_not(publisher_close(p, 0, &stats, NULL));
	balanced(&stats, 16);
	cr_assert_eq(stats.dropped, 84);
}

Test(publisher, reopen_reaches_an_output_in_trouble)
{
	struct script s = {.fail_tries = UINT32_MAX};
	struct publish_conf conf = small(true);
	struct publish_stats stats;

	conf.retry_wait = conf.retry_wait_limit = (nsec)3600 * NS_PER_S;
	struct publisher *p = start(&conf, &s, 1);

	write_document(publisher_funnel(p, 0), 0, 0, 5000);
	while (atomic_load(&s.entered) == 0)
		sched_yield();
	publisher_reopen(p);
	do
		publisher_stats(p, &stats);
	while (stats.delivered == 0);
	cr_assert(publisher_close(p, INT64_MAX, &stats, NULL));
	cr_assert_eq(s.reopened, 1);
	cr_assert_eq(stats.retries, 1);
	buf_fini(&s.got);
}

Test(publisher, an_output_that_cannot_open_is_a_fault)
{
	struct script s = {.fail_open = true};
	struct script *conf_of_output = &s;
	struct publish_conf conf = small(true);
	struct fault fault = {0};

	cr_assert_null(publisher_open(&conf, &script_output, &conf_of_output, 1, &fault));
	cr_assert_str_eq(fault.text, "as asked");
	cr_assert_eq(s.closed, 0);
}

/* ---- several handles ---- */

enum { HANDLES = 3 };

/* An output that answers when all its handles have a batch in hand at once, the first time. */
struct crowd {
	_Atomic unsigned opened, closed, inside, met, overlaps;
	_Atomic uint64_t documents, refused;
	_Atomic size_t most;
	unsigned open_fails_at; /* 0 never */
};

struct handle {
	struct crowd *crowd;
	bool first_done;
	atomic_bool busy;
};

static void crowd_demand(const void *conf, struct demand *demand)
{
	(void)conf;
	demand->handles = HANDLES;
	demand->batch_documents = 5;
}

static bool crowd_open(void *self, const void *conf, struct fault *fault)
{
	struct handle *h = self;

	h->crowd = *(struct crowd *const *)conf;
	if (atomic_fetch_add(&h->crowd->opened, 1) + 1 == h->crowd->open_fails_at) {
		atomic_fetch_sub(&h->crowd->opened, 1);
		return fault_set(fault, "as asked");
	}
	return true;
}

static void crowd_send(void *self, struct batch *b, struct fault *fault)
{
	struct handle *h = self;
	struct crowd *c = h->crowd;

	(void)fault;
	if (atomic_exchange(&h->busy, true))
		atomic_fetch_add(&c->overlaps, 1);
	if (!h->first_done) {
		atomic_fetch_add(&c->inside, 1);
		while (atomic_load(&c->inside) < HANDLES)
			sched_yield();
		h->first_done = true;
		atomic_fetch_add(&c->met, 1);
	}
	if (b->count > atomic_load(&c->most))
		atomic_store(&c->most, b->count);
	for (size_t i = 0; i < b->count; i++) {
		bool refused = atomic_fetch_add(&c->documents, 1) % 100 == 99;

		b->entries[i].verdict = VERDICT_DELIVERED;
		if (refused)
			batch_refuse(b, &b->entries[i], 400, BYTES("no"));
		atomic_fetch_add(&c->refused, refused);
	}
	atomic_store(&h->busy, false);
}

static void crowd_close(void *self)
{
	atomic_fetch_add(&((struct handle *)self)->crowd->closed, 1);
}

static const struct output crowd_output = {
	.name = "crowd",
	.conf_size = sizeof(struct crowd *),
	.self_size = sizeof(struct handle),
	.demand = crowd_demand,
	.open = crowd_open,
	.send = crowd_send,
	.close = crowd_close,
};

Test(publisher, several_handles_work_side_by_side)
{
	struct crowd crowd = {0};
	struct crowd *crowd_conf = &crowd;
	struct publish_conf conf = small(true);
	struct publish_stats stats;
	struct fault fault = {0};
	struct hand hands[WORKERS];
	struct publisher *p = publisher_open(&conf, &crowd_output, &crowd_conf, WORKERS, &fault);

	cr_assert_not_null(p, "%s", fault.text);
	run_workers(p, hands);
	cr_assert_not(publisher_close(p, INT64_MAX, &stats, &fault));
	cr_assert_eq(crowd.met, HANDLES);
	cr_assert_eq(crowd.overlaps, 0);
	cr_assert_eq(crowd.opened, HANDLES);
	cr_assert_eq(crowd.closed, HANDLES);
	cr_assert_eq(crowd.most, 5);
	cr_assert_eq(crowd.documents, WORKERS * DOCUMENTS);
	balanced(&stats, WORKERS * DOCUMENTS);
	cr_assert_eq(stats.queued + stats.abandoned, 0);
	cr_assert_eq(stats.refused, crowd.refused);
}

Test(publisher, a_handle_that_cannot_open_closes_the_others)
{
	struct crowd crowd = {.open_fails_at = 3};
	struct crowd *crowd_conf = &crowd;
	struct publish_conf conf = small(true);
	struct fault fault = {0};

	cr_assert_null(publisher_open(&conf, &crowd_output, &crowd_conf, 1, &fault));
	cr_assert_str_eq(fault.text, "as asked");
	cr_assert_eq(crowd.opened, 2);
	cr_assert_eq(crowd.closed, 2);
}

/* ---- sender, without threads ---- */

struct waits {
	nsec at[16];
	size_t count, most;
};

static bool note_wait(void *self, nsec wait)
{
	struct waits *w = self;

	cr_assert(w->count < 16);
	w->at[w->count++] = wait;
	return w->count < w->most;
}

Test(sender, gives_up_when_told_and_counts_each_once)
{
	struct script s = {.refuse_each = 4, .again_each = 2};
	struct script *self = &s;
	struct waits w = {.most = 1};
	struct entry entries[8] = {{0}};
	struct batch b = {.entries = entries, .count = 8, .room = 8};
	struct sender sender = {
		.output = &script_output,
		.self = &self,
		.pause = note_wait,
		.pause_self = &w,
		.backoff = {.first = 10, .limit = 100, .random = 1},
	};

	sender_send(&sender, &b);
	/* Of eight, numbers 4 and 8 are refused, 2 and 6 left. */
	cr_assert_eq(tally_read(&sender.delivered), 4);
	cr_assert_eq(tally_read(&sender.refused), 2);
	cr_assert_eq(tally_read(&sender.abandoned), 2);
	cr_assert_eq(w.count, 1);
}

static void refuse_all(void *self, struct batch *b, struct fault *fault)
{
	static char words[2 * REASON_MAX];
	unsigned *sends = self;

	(void)fault;
	cr_assert_eq(b->hold, 0);
	if (++*sends == 1) {
		for (size_t i = 0; i < b->count; i++)
			b->entries[i].verdict = VERDICT_AGAIN;
		b->hold = (nsec)60 * NS_PER_S;
		return;
	}
	memset(words, 'w', sizeof(words));
	batch_refuse(b, &b->entries[0], 400, BYTES("mapper_parsing_exception"));
	batch_refuse(b, &b->entries[1], 413, bytes_of(words, sizeof(words)));
	batch_refuse(b, &b->entries[2], 0, NO_BYTES);
}

Test(sender, holds_back_as_long_as_asked_and_keeps_each_reason)
{
	static const struct output output = {.name = "refuse", .send = refuse_all};
	unsigned sends = 0;
	struct waits w = {.most = 2};
	struct entry entries[3] = {{0}};
	struct batch b = {.entries = entries, .count = 3, .room = 3};
	struct sender sender = {
		.output = &output,
		.self = &sends,
		.pause = note_wait,
		.pause_self = &w,
		.backoff = {.first = 10, .limit = 100, .random = 1},
	};

	sender_send(&sender, &b);
	cr_assert_eq(w.count, 1);
	cr_assert_eq(w.at[0], (nsec)60 * NS_PER_S);
	cr_assert_eq(tally_read(&sender.refused), 3);
	cr_assert(bytes_eq(batch_reason(&b, &entries[0]), BYTES("mapper_parsing_exception")));
	cr_assert_eq(entries[0].status, 400);
	cr_assert_eq(batch_reason(&b, &entries[1]).len, REASON_MAX);
	cr_assert_eq(batch_reason(&b, &entries[2]).len, 0);
	buf_fini(&b.reasons);
}

Test(sender, waits_grow_up_to_the_limit_and_start_anew)
{
	struct backoff b = {.first = 1000, .limit = 10000, .random = 42};
	nsec ceilings[] = {1000, 2000, 4000, 8000, 10000, 10000};
	nsec highest[6] = {0}, lowest[6];

	for (int i = 0; i < 6; i++)
		lowest[i] = INT64_MAX;
	for (int round = 0; round < 2000; round++) {
		backoff_reset(&b);
		for (int i = 0; i < 6; i++) {
			nsec wait = backoff_next(&b);

			highest[i] = wait > highest[i] ? wait : highest[i];
			lowest[i] = wait < lowest[i] ? wait : lowest[i];
		}
	}
	for (int i = 0; i < 6; i++) {
		cr_assert(lowest[i] >= 0 && lowest[i] < ceilings[i] / 20);
		cr_assert(highest[i] <= ceilings[i] && highest[i] > ceilings[i] / 20 * 19);
	}
}
