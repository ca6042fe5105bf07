/*
 * SIP calls by the thousand that never end: each has its document a minute, the oldest go at the
 * limits of number and memory, counted and marked, and nothing is lost without a word.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "protos/sip/sip.h"
#include "shipper/txn/conn.h"

extern const struct proto proto_sip;

enum {
	WAYS = 64,
	TEXT_MAX = 1000,
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	MANY = 60000,
#else
	MANY = 1000000,
#endif
};

struct crowd {
	struct sip_conf conf;
	void *confs[1];
	struct engine_conf engine_conf;
	struct quota quota;
	struct counters counters;
	struct engine *engine;
	struct endpoints ends[WAYS];
	struct flow flows[WAYS];
	struct conn *conns[WAYS];
	struct buf out;
	uint64_t calls, marked, answered, lost; /* documents of calls */
	nsec now, ticked;
};

static const struct proto *const alone[] = {&proto_sip, NULL};

static struct buf *room(void *self)
{
	return &((struct crowd *)self)->out;
}

static void wrote(void *self, size_t at, unsigned proto, const char id[32])
{
	struct crowd *c = self;
	struct bytes doc = bytes_skip(buf_bytes(&c->out), at);

	(void)proto, (void)id;
	if (memmem(doc.at, doc.len, "\"sip_call\"", 10)) {
		c->calls++;
		c->marked += memmem(doc.at, doc.len, "\"limit\"", 7) != NULL;
		c->answered += memmem(doc.at, doc.len, "\"state\":\"answered\"", 18) != NULL;
		c->lost += memmem(doc.at, doc.len, "\"state\":\"lost\"", 14) != NULL;
	}
	c->out.len = 0;
}

static const struct document_sink sink = {.room = room, .wrote = wrote};

static struct crowd *begin(size_t memory)
{
	struct crowd *c = calloc(1, sizeof(*c));

	option_default(proto_options, &c->conf);
	option_default(proto_sip.options, &c->conf);
	c->conf.common.ports = (struct ports){.at = {5060}, .count = 1};
	c->confs[0] = &c->conf;
	c->engine_conf = (struct engine_conf){.protos = alone,
					      .proto_conf = c->confs,
					      .unparsed_bytes_max = 1 << 18,
					      .exchanges_max = 100000};
	c->quota.limit = memory;
	c->engine = engine_new(&c->engine_conf, &sink, c, &c->quota, &c->counters);
	c->now = c->ticked = INT64_C(1700000000) * NS_PER_S;
	for (int i = 0; i < WAYS; i++) {
		c->ends[i] = (struct endpoints){.addr = {{{10, 0, 0, (uint8_t)i}}, {{10, 1, 0, 1}}},
						.port = {5060, 5060},
						.version = 4,
						.transport = TRANSPORT_UDP};
		c->flows[i] = (struct flow){.ends = &c->ends[i]};
		c->conns[i] = conn_new(c->engine, &c->flows[i]);
	}
	return c;
}

static void pass(struct crowd *c, nsec time)
{
	for (c->now += time; c->ticked + NS_PER_S / 10 <= c->now;) {
		c->ticked += NS_PER_S / 10;
		engine_expire(c->engine, c->ticked);
	}
}

/* As the worker does: after each packet the oldest goes while memory is short. */
static void say(struct crowd *c, unsigned call, enum side from, const char *first, const char *cseq,
		const char *tag, unsigned branch)
{
	static char text[TEXT_MAX];
	int n = snprintf(text, sizeof(text),
			 "%s\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK%u-%u\r\nCall-ID: %u@h\r\n"
			 "From: \"Ada\" <sip:ada@example.com>;tag=f%u\r\n"
			 "To: <sip:bob@example.org>%s\r\nCSeq: %s\r\nContent-Length: 0\r\n\r\n",
			 first, call, branch, call, call, tag, cseq);
	struct piece piece = {
		.bytes = bytes_of(text, (size_t)n), .when = c->now, .peer_at = PEER_UNKNOWN};

	conn_datagram(c->conns[call % WAYS], from, &piece, 0);
	while (quota_over(&c->quota) && engine_shrink(c->engine))
		;
	pass(c, NS_PER_MS);
}

static void answered_call(struct crowd *c, unsigned call)
{
	say(c, call, CLIENT, "INVITE sip:bob@example.org SIP/2.0", "1 INVITE", "", 1);
	say(c, call, SERVER, "SIP/2.0 200 OK", "1 INVITE", ";tag=t", 1);
	say(c, call, CLIENT, "ACK sip:bob@example.org SIP/2.0", "1 ACK", ";tag=t", 2);
}

static void end(struct crowd *c)
{
	for (int i = 0; i < WAYS; i++)
		conn_free(c->conns[i], FLOW_FINISHED);
	engine_finish(c->engine);
	engine_free(c->engine);
	cr_assert_eq(c->quota.used, 0);
	buf_fini(&c->out);
	option_free(proto_options, &c->conf);
	option_free(proto_sip.options, &c->conf);
}

Test(sip_limits, calls_that_last_are_written_each_minute)
{
	enum { CALLS = 10000, MINUTES = 10 };
	struct crowd *c = begin((size_t)64 << 20);

	c->conf.call_timeout = (nsec)60 * (MINUTES + 2) * NS_PER_S;
	for (unsigned i = 0; i < CALLS; i++)
		answered_call(c, i);
	/* They were begun within half a minute. */
	cr_assert_eq(c->calls, 0);
	pass(c, (nsec)60 * MINUTES * NS_PER_S);
	cr_assert_eq(c->calls, CALLS * MINUTES);
	cr_assert_eq(c->answered, CALLS * MINUTES);
	cr_assert_leq(c->quota.most, c->quota.limit);
	cr_assert_eq(c->counters.at[COUNT_RECORDS_LIMIT], 0);
	/* Nobody says anything for longer than call_timeout. */
	uint64_t before = c->calls;

	pass(c, (nsec)60 * 3 * NS_PER_S);
	cr_assert_eq(c->lost, CALLS);
	cr_assert_gt(c->calls, before + CALLS);
	cr_assert_lt(c->quota.used, (size_t)4 << 20);
	end(c);
	free(c);
}

Test(sip_limits, a_million_calls_that_never_end)
{
	enum { KEPT = 20000 };
	struct crowd *c = begin((size_t)64 << 20);

	c->conf.calls_max = KEPT;
	c->conf.call_interval = (nsec)24 * 3600 * NS_PER_S;
	for (unsigned i = 0; i < MANY; i++)
		answered_call(c, i);
	cr_assert_leq(c->quota.most, c->quota.limit);
	cr_assert_eq(c->counters.at[COUNT_RECORDS_LIMIT], MANY - KEPT);
	cr_assert_eq(c->calls, MANY - KEPT);
	cr_assert_eq(c->marked, MANY - KEPT);
	end(c);
	cr_assert_eq(c->calls, MANY);
	cr_assert_eq(c->marked, MANY - KEPT);
	cr_assert_eq(c->counters.at[COUNT_RECORDS_MADE], MANY);
	cr_assert_eq(c->counters.at[COUNT_EXCHANGES_BEGUN], MANY);
	cr_assert_eq(c->counters.at[COUNT_EXCHANGES_COMPLETE], MANY);
	free(c);
}

Test(sip_limits, at_the_limit_of_memory_the_oldest_call_goes)
{
	enum { CALLS = 10000, PACKET = 8 << 10 };
	struct crowd *c = begin((size_t)8 << 20);

	c->conf.call_interval = (nsec)24 * 3600 * NS_PER_S;
	for (unsigned i = 0; i < CALLS; i++) {
		answered_call(c, i);
		pass(c, NS_PER_S / 50);
		cr_assert_leq(c->quota.used, c->quota.limit);
	}
	cr_assert_leq(c->quota.most, c->quota.limit + PACKET);
	cr_assert_gt(c->marked, CALLS / 10);
	cr_assert_lt(c->marked, CALLS * 9 / 10);
	cr_assert_eq(c->marked, c->calls);
	cr_assert_eq(c->marked, c->counters.at[COUNT_RECORDS_LIMIT]);
	end(c);
	cr_assert_eq(c->calls, CALLS);
	free(c);
}

/* INVITEs alone: transactions and calls are given up in time, each with its document. */
Test(sip_limits, calls_that_nobody_answers)
{
	enum { CALLS = 20000 };
	struct crowd *c = begin((size_t)64 << 20);

	c->conf.call_interval = (nsec)24 * 3600 * NS_PER_S;
	for (unsigned i = 0; i < CALLS; i++) {
		say(c, i, CLIENT, "INVITE sip:bob@example.org SIP/2.0", "1 INVITE", "", 1);
		pass(c, 4 * NS_PER_MS);
	}
	pass(c, (nsec)60 * NS_PER_S);
	cr_assert_leq(c->quota.most, c->quota.limit);
	cr_assert_eq(c->calls, CALLS);
	cr_assert_eq(c->counters.at[COUNT_EXCHANGES_TIMEOUT], CALLS);
	cr_assert_eq(c->counters.at[COUNT_DOCUMENTS_MADE], 2 * CALLS);
	end(c);
	free(c);
}
