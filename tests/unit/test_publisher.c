/* Funnels and publisher, with an output that does as the test says. */
#include "publisher_rig.h"

/* With a lost wake-up, a test ends by its timeout. */
TestSuite(publisher, .timeout = 120);

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

static bool rung(struct bell *bell)
{
	bool yes = !atomic_load(&bell->awaited);

	bell_listen(bell);
	return yes;
}

/* A funnel, and whoever waits for its batches. */
static struct funnel *listened(const struct publish_conf *conf, struct bell *bell)
{
	bell_init(bell);
	bell_listen(bell);
	return funnel_new(conf, bell);
}

static void listened_end(struct funnel *f, struct bell *bell)
{
	bell_ignore(bell);
	funnel_free(f);
	bell_fini(bell);
}

/* Who waits for its output wakes it for half of its batches at a time, and for what is left. */
Test(publisher, who_waits_rings_for_several_batches)
{
	struct publish_conf conf = small(true);
	struct bell bell;
	struct funnel *f = listened(&conf, &bell);

	for (unsigned i = 0; i < 4; i++) {
		write_document(f, 0, i, 5000);
		cr_assert_eq(rung(&bell), i % 2 == 1, "batch %u", i);
		if (i % 2 == 1)
			for (int back = 0; back < 2; back++)
				funnel_back(f, funnel_take(f));
	}
	write_document(f, 0, 4, 5000);
	cr_assert_not(rung(&bell));
	funnel_sink.flush(f, false);
	cr_assert_not(rung(&bell), "it is not old yet");
	f->began.ns -= conf.flush_interval;
	funnel_sink.flush(f, false);
	cr_assert(rung(&bell), "nothing is being filled, but one waits");
	write_document(f, 0, 5, 5000);
	funnel_sink.flush(f, true);
	cr_assert(rung(&bell));
	funnel_sink.flush(f, true);
	cr_assert_not(rung(&bell), "there is nothing");
	listened_end(f, &bell);
}

Test(publisher, who_does_not_wait_rings_for_each_batch)
{
	struct publish_conf conf = small(false);
	struct bell bell;
	struct funnel *f = listened(&conf, &bell);

	for (unsigned i = 0; i < 4; i++) {
		write_document(f, 0, i, 5000);
		cr_assert(rung(&bell), "batch %u", i);
		funnel_back(f, funnel_take(f));
	}
	listened_end(f, &bell);
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

static struct sender sender_of(const struct output *output, void *self, struct waits *w)
{
	return (struct sender){.output = output,
			       .self = self,
			       .pause = note_wait,
			       .pause_self = w,
			       .backoff = {.first = 10, .limit = 100, .random = 1}};
}

Test(sender, gives_up_when_told_and_counts_each_once)
{
	struct script s = {.refuse_each = 4, .again_each = 2};
	struct script *self = &s;
	struct waits w = {.most = 1};
	struct entry entries[8] = {{0}};
	struct batch b = {.entries = entries, .count = 8, .room = 8};
	struct sender sender = sender_of(&script_output, &self, &w);

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
	struct sender sender = sender_of(&output, &sends, &w);

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

static void deliver_one(void *self, struct batch *b, struct fault *fault)
{
	size_t i = 0;

	(void)self, (void)fault;
	while (i < b->count && b->entries[i].verdict == VERDICT_DELIVERED)
		i++;
	b->entries[i++].verdict = VERDICT_DELIVERED;
	for (; i < b->count; i++)
		b->entries[i].verdict = VERDICT_AGAIN;
}

Test(sender, waits_do_not_grow_while_documents_get_through)
{
	static const struct output output = {.name = "slow", .send = deliver_one};
	struct waits w = {.most = 16};
	struct entry entries[12] = {{0}};
	struct batch b = {.entries = entries, .count = 12, .room = 12};
	struct sender sender = sender_of(&output, NULL, &w);

	sender.backoff.limit = (nsec)3600 * NS_PER_S;
	sender_send(&sender, &b);
	cr_assert_eq(tally_read(&sender.delivered), 12);
	cr_assert_eq(w.count, 11);
	for (size_t i = 0; i < w.count; i++)
		cr_assert_leq(w.at[i], 10);
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
