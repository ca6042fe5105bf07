/*
 * An output that does as the test says, and workers that hand it documents.
 */
#ifndef WIRESPAN_TESTS_PUBLISHER_RIG_H
#define WIRESPAN_TESTS_PUBLISHER_RIG_H

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

static inline enum verdict decide(struct script *s, const struct batch *b, const struct entry *e)
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

static inline bool script_open(void *self, const void *conf, struct fault *fault)
{
	struct script *s = *(struct script *const *)conf;

	*(struct script **)self = s;
	return !s->fail_open || fault_set(fault, "as asked");
}

static inline void script_send(void *self, struct batch *b, struct fault *fault)
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

static inline void script_reopen(void *self, struct fault *fault)
{
	struct script *s = *(struct script **)self;

	(void)fault;
	s->reopened++;
	s->fail_tries = 0;
}

/* All is sent by then, and it is not closed. */
static inline bool script_finish(void *self, struct fault *fault)
{
	struct script *s = *(struct script **)self;

	s->at_finish = s->delivered;
	cr_assert_eq(s->closed, 0);
	return !s->fail_finish || fault_set(fault, "nothing of note");
}

static inline void script_close(void *self)
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

static inline struct publish_conf small(bool wait)
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

static inline struct publisher *start(const struct publish_conf *conf, struct script *s,
				      unsigned funnels)
{
	struct fault fault = {0};
	struct publisher *p = publisher_open(conf, &script_output, &s, funnels, &fault);

	cr_assert_not_null(p, "%s", fault.text);
	return p;
}

/* A document as the engine writes one; false when it was dropped. */
static inline bool write_document(struct funnel *f, unsigned worker, unsigned n, size_t padding)
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
static inline unsigned in_order(const struct buf *got, unsigned worker)
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

static inline void balanced(const struct publish_stats *s, uint64_t handed)
{
	cr_assert_eq(s->handed, handed);
	cr_assert_eq(s->handed, s->delivered + s->refused + s->abandoned + s->queued);
}

struct hand {
	struct funnel *funnel;
	unsigned worker, written, dropped;
};

static inline void *work(void *arg)
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

static inline void run_workers(struct publisher *p, struct hand hands[WORKERS])
{
	pthread_t threads[WORKERS];

	for (unsigned i = 0; i < WORKERS; i++) {
		hands[i] = (struct hand){.funnel = publisher_funnel(p, i), .worker = i};
		must(pthread_create(&threads[i], NULL, work, &hands[i]) == 0);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		must(pthread_join(threads[i], NULL) == 0);
}

#endif
