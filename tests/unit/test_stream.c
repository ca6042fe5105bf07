/*
 * Random conversations, and what the capture may do to them.
 *
 * Shuffled within a window, doubled and overlapped, they must come out byte for byte, time for
 * time, acknowledgement for acknowledgement as they do in order. With packets left out, each byte
 * must be delivered right or reported lost, and none reported lost that was there.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "shipper/base/must.h"
#include "shipper/flow/entry.h"

/* Under the thread sanitizer a round takes a tenth of a second, and there is one thread. */
#ifdef __SANITIZE_THREAD__
enum { ROUNDS = 10 };
#else
enum { ROUNDS = 400 };
#endif
enum { SIDE_MAX = 40000, PACKETS_MAX = 4000, WINDOW = 12 };

struct byte {
	uint8_t value;
	bool lost;
	nsec when;
	uint64_t peer_at;
};

/* What a sink got of a conversation. */
struct heard {
	struct byte *bytes[2];
	size_t len[2];
	bool ended[2];
	int closes;
	enum flow_end why;
	bool midstream;
	uint32_t start[2];
	bool started[2];
};

struct talk {
	uint64_t random;
	uint32_t isn[2];
	uint8_t *said[2]; /* all bytes of a side */
	uint32_t len[2];
	struct packet *packets;
	size_t count;
	nsec now;
};

static uint32_t chance(struct talk *t, uint32_t n)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return (uint32_t)(t->random >> 32) % n;
}

static void hear_data(void *self, struct flow *flow, enum side from, const struct piece *p)
{
	struct heard *h = self;
	const struct entry *e =
		(const void *)((const uint8_t *)flow - offsetof(struct entry, flow));

	cr_assert(!h->ended[from] && h->closes == 0);
	if (!h->started[from])
		h->start[from] = e->stream[from].start;
	h->started[from] = true;
	if (p->peer_at != PEER_UNKNOWN)
		cr_assert_leq(p->peer_at, h->len[side_other(from)]);
	for (size_t i = 0; i < p->bytes.len; i++) {
		cr_assert_lt(h->len[from], SIDE_MAX);
		h->bytes[from][h->len[from]++] = (struct byte){
			.value = p->bytes.at[i], .when = p->when, .peer_at = p->peer_at};
	}
}

static void hear_lost(void *self, struct flow *flow, enum side from, uint64_t n, nsec when)
{
	struct heard *h = self;
	const struct entry *e =
		(const void *)((const uint8_t *)flow - offsetof(struct entry, flow));

	(void)when;
	cr_assert(!h->ended[from] && h->closes == 0);
	if (!h->started[from])
		h->start[from] = e->stream[from].start;
	h->started[from] = true;
	for (uint64_t i = 0; i < n; i++) {
		cr_assert_lt(h->len[from], SIDE_MAX);
		h->bytes[from][h->len[from]++] = (struct byte){.lost = true};
	}
}

static void hear_end(void *self, struct flow *flow, enum side from, nsec when)
{
	struct heard *h = self;

	(void)flow, (void)when;
	cr_assert(!h->ended[from] && h->closes == 0);
	h->ended[from] = true;
}

static void hear_close(void *self, struct flow *flow, enum flow_end why, nsec when)
{
	struct heard *h = self;

	(void)when;
	h->closes++;
	h->why = why;
	h->midstream = flow->midstream;
}

static enum side hear_guess(void *self, const struct packet *p)
{
	(void)self;
	return p->dst_port == 80 ? CLIENT : SERVER;
}

static const struct flow_sink hearing = {.data = hear_data,
					 .lost = hear_lost,
					 .end = hear_end,
					 .close = hear_close,
					 .guess = hear_guess};

/* Puts packets through a table of their own, which must be empty and owe nothing in the end. */
static struct heard listen(struct packet *const *packets, size_t count)
{
	struct flow_conf conf = {.flows_max = 10,
				 .tcp_timeout = (nsec)3600 * NS_PER_S,
				 .handshake_timeout = (nsec)20 * NS_PER_S,
				 .udp_timeout = NS_PER_S,
				 .closed_timeout = (nsec)5 * NS_PER_S,
				 .held_bytes_max = 1 << 20,
				 .gap_timeout = (nsec)250 * NS_PER_MS};
	struct quota quota = {.limit = (size_t)1 << 30};
	struct counters counters = {0};
	struct heard h = {0};

	for (int d = 0; d < 2; d++)
		h.bytes[d] = must_alloc(SIDE_MAX * sizeof *h.bytes[d]);
	struct flow_table *t = flow_table_new(&conf, &hearing, &h, &quota, &counters);
	for (size_t i = 0; i < count; i++) {
		flow_expire(t, packets[i]->when);
		flow_push(t, packets[i]);
	}
	flow_finish(t);
	cr_assert_eq(flow_count(t), 0);
	cr_assert_eq(quota.used, 0);
	cr_assert_eq(h.closes, 1);
	flow_table_free(t);
	return h;
}

static void heard_free(struct heard *h)
{
	free(h->bytes[0]);
	free(h->bytes[1]);
}

static struct packet *say(struct talk *t, enum side from, int flags, uint32_t at, uint32_t len)
{
	struct packet *p = &t->packets[t->count++];
	enum side other = side_other(from);

	must(t->count <= PACKETS_MAX);
	t->now += 1 + chance(t, NS_PER_MS);
	*p = (struct packet){.when = t->now,
			     .payload = bytes_of(t->said[from] + at, len),
			     .payload_bytes = len,
			     .version = 4,
			     .transport = TRANSPORT_TCP,
			     .src = {{10, 0, 0, (uint8_t)(1 + from)}},
			     .dst = {{10, 0, 0, (uint8_t)(1 + other)}},
			     .src_port = from == CLIENT ? 40000 : 80,
			     .dst_port = from == CLIENT ? 80 : 40000,
			     .flags = (uint8_t)flags,
			     .window = 1000,
			     .seq = t->isn[from] + 1 + at,
			     .ack = flags & TCP_ACK ? t->isn[other] + 1 + t->len[other] : 0};
	return p;
}

/* Sends again some of what was sent long enough ago that a shuffle does not bring it forward. */
static void repeat(struct talk *t, enum side from, const uint32_t *sent_by, size_t packets)
{
	uint32_t safe = packets > 3 * WINDOW ? sent_by[packets - 3 * WINDOW] : 0;

	if (safe == 0 || chance(t, 8) != 0)
		return;
	uint32_t at = chance(t, safe), len = 1 + chance(t, 2000);

	say(t, from, TCP_ACK, at, len < safe - at ? len : safe - at);
}

/* A conversation as it was on the wire, in order. */
static struct talk converse(uint64_t seed, bool handshake, bool repeats)
{
	struct talk t = {.random = seed * 0x9e3779b97f4a7c15u + 1, .now = (nsec)1 << 50};
	static uint32_t sent_by[2][PACKETS_MAX + 1];

	for (int i = 0; i < 8; i++)
		chance(&t, 2);
	t.packets = must_alloc(PACKETS_MAX * sizeof *t.packets);
	for (int d = 0; d < 2; d++) {
		/* Near enough to the end of the numbers to go round, often. */
		t.isn[d] = chance(&t, 2) ? UINT32_MAX - chance(&t, 20000) : chance(&t, 1u << 31);
		t.said[d] = must_alloc(SIDE_MAX);
		for (int i = 0; i < SIDE_MAX; i++)
			t.said[d][i] = (uint8_t)chance(&t, 256);
	}
	if (handshake) {
		say(&t, CLIENT, TCP_SYN, 0, 0)->seq = t.isn[CLIENT];
		say(&t, SERVER, TCP_SYN | TCP_ACK, 0, 0)->seq = t.isn[SERVER];
		say(&t, CLIENT, TCP_ACK, 0, 0);
	}
	uint32_t turns = 1 + chance(&t, 12);
	for (uint32_t turn = 0; turn < turns; turn++) {
		enum side from = (enum side)chance(&t, 2);

		for (uint32_t n = 1 + chance(&t, 20); n > 0 && t.len[from] < SIDE_MAX - 6000; n--) {
			uint32_t len = 1 + chance(&t, chance(&t, 3) ? 1400 : 5);

			say(&t, from, TCP_ACK, t.len[from], len);
			t.len[from] += len;
			sent_by[CLIENT][t.count] = t.len[CLIENT];
			sent_by[SERVER][t.count] = t.len[SERVER];
			if (chance(&t, 3) == 0)
				say(&t, side_other(from), TCP_ACK, t.len[side_other(from)], 0);
			sent_by[CLIENT][t.count] = t.len[CLIENT];
			sent_by[SERVER][t.count] = t.len[SERVER];
			if (repeats && n > 1)
				repeat(&t, from, sent_by[from], t.count);
			sent_by[CLIENT][t.count] = t.len[CLIENT];
			sent_by[SERVER][t.count] = t.len[SERVER];
		}
	}
	enum side first = (enum side)chance(&t, 2);
	say(&t, first, TCP_FIN | TCP_ACK, t.len[first], 0);
	t.len[first]++; /* what the other side acknowledges from here on */
	say(&t, side_other(first), TCP_FIN | TCP_ACK, t.len[side_other(first)], 0);
	t.len[side_other(first)]++;
	say(&t, first, TCP_ACK, t.len[first], 0);
	t.len[CLIENT]--;
	t.len[SERVER]--;
	return t;
}

static void talk_free(struct talk *t)
{
	free(t->packets);
	free(t->said[0]);
	free(t->said[1]);
}

struct place {
	struct packet *packet;
	size_t key, number;
};

static int by_key(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

/* Moves each packet by less than the window, and has some come twice. */
static size_t shuffle(struct talk *t, uint32_t window, bool twice, struct packet **to)
{
	struct place *places = must_alloc(2 * t->count * sizeof *places);
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++) {
		places[n] = (struct place){&t->packets[i], i + chance(t, window), n};
		n++;
		if (twice && chance(t, 6) == 0) {
			places[n] = (struct place){&t->packets[i], i + chance(t, window), n};
			n++;
		}
	}
	qsort(places, n, sizeof *places, by_key);
	for (size_t i = 0; i < n; i++)
		to[i] = places[i].packet;
	free(places);
	return n;
}

static void same(const struct heard *a, const struct heard *b, uint64_t seed)
{
	for (int d = 0; d < 2; d++) {
		cr_assert_eq(a->len[d], b->len[d], "seed %llu side %d: %zu and %zu bytes",
			     (unsigned long long)seed, d, a->len[d], b->len[d]);
		for (size_t i = 0; i < a->len[d]; i++) {
			const struct byte *x = &a->bytes[d][i], *y = &b->bytes[d][i];

			cr_assert(x->value == y->value && x->lost == y->lost &&
					  x->when == y->when && x->peer_at == y->peer_at,
				  "seed %llu side %d byte %zu", (unsigned long long)seed, d, i);
		}
		cr_assert_eq(a->ended[d], b->ended[d]);
	}
	cr_assert_eq(a->why, b->why);
	cr_assert_eq(a->midstream, b->midstream);
}

static void shuffled_is_as_in_order(bool handshake, bool repeats)
{
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		struct talk t = converse(seed, handshake, repeats);
		struct packet **order = must_alloc(2 * PACKETS_MAX * sizeof(struct packet *));

		for (size_t i = 0; i < t.count; i++)
			order[i] = &t.packets[i];
		struct heard straight = listen(order, t.count);
		cr_assert_eq(straight.why, FLOW_FIN);
		for (int d = 0; d < 2; d++) {
			cr_assert_eq(straight.len[d], t.len[d]);
			for (size_t i = 0; i < t.len[d]; i++)
				cr_assert(!straight.bytes[d][i].lost &&
					  straight.bytes[d][i].value == t.said[d][i]);
		}
		size_t n = shuffle(&t, 2 + chance(&t, WINDOW - 1), true, order);
		struct heard crooked = listen(order, n);

		same(&straight, &crooked, seed);
		heard_free(&straight);
		heard_free(&crooked);
		free(order);
		talk_free(&t);
	}
}

Test(stream, shuffled_and_doubled)
{
	shuffled_is_as_in_order(true, false);
}

Test(stream, shuffled_with_overlaps)
{
	shuffled_is_as_in_order(true, true);
}

Test(stream, shuffled_from_the_middle)
{
	shuffled_is_as_in_order(false, false);
}

/* Which bytes of each side were in a packet that was not left out. */
static void check_drops(const struct talk *t, const struct heard *h, bool *const there[2],
			const bool fin_there[2], uint64_t seed)
{
	for (int d = 0; d < 2; d++) {
		uint32_t at = h->start[d] - (t->isn[d] + 1);

		if (!h->started[d])
			at = 0;
		for (uint32_t i = 0; i < at; i++)
			cr_assert(!there[d][i], "seed %llu side %d: begins too late",
				  (unsigned long long)seed, d);
		for (size_t i = 0; i < h->len[d]; i++, at++) {
			const struct byte *b = &h->bytes[d][i];

			if (at == t->len[d] && !fin_there[d] && b->lost)
				continue; /* its FIN, acknowledged and never seen */
			cr_assert_lt(at, t->len[d]);
			if (b->lost)
				cr_assert(!there[d][at], "seed %llu side %d: lost %u was there",
					  (unsigned long long)seed, d, at);
			else
				cr_assert_eq(b->value, t->said[d][at]);
		}
		for (; at < t->len[d]; at++)
			cr_assert(!there[d][at], "seed %llu side %d: %u was kept back",
				  (unsigned long long)seed, d, at);
	}
}

static void dropped_is_lost(bool handshake, uint32_t window)
{
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		struct talk t = converse(seed + 1000, handshake, false);
		struct packet **order = must_alloc(2 * PACKETS_MAX * sizeof(struct packet *));
		bool *there[2] = {must_alloc(SIDE_MAX), must_alloc(SIDE_MAX)};
		bool fin_there[2] = {false, false};
		size_t n = shuffle(&t, window, false, order), kept = 0;
		uint32_t one_in = 2 + chance(&t, 20);

		for (size_t i = 0; i < n; i++) {
			struct packet *p = order[i];
			enum side from = p->dst_port == 80 ? CLIENT : SERVER;

			if (!(p->flags & TCP_SYN) && chance(&t, one_in) == 0)
				continue;
			order[kept++] = p;
			fin_there[from] |= p->flags & TCP_FIN;
			for (uint32_t k = 0; k < p->payload_bytes; k++)
				there[from][p->seq - t.isn[from] - 1 + k] = true;
		}
		if (kept > 0) {
			struct heard h = listen(order, kept);

			check_drops(&t, &h, there, fin_there, seed);
			heard_free(&h);
		}
		free(there[0]);
		free(there[1]);
		free(order);
		talk_free(&t);
	}
}

Test(stream, dropped_in_order)
{
	dropped_is_lost(true, 1);
}

Test(stream, dropped_and_shuffled)
{
	dropped_is_lost(true, WINDOW);
}

Test(stream, dropped_from_the_middle)
{
	dropped_is_lost(false, 1);
}
