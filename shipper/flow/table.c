#include <stdlib.h>
#include <sys/random.h>

#include "shipper/base/must.h"
#include "shipper/flow/key.h"
#include "shipper/flow/tcp.h"

enum { SLOTS_MIN = 256, SLOT_CHARGE = 16 };

/* Beyond this and TIME_BACK_MAX, timestamps are not those of a clock: a capture that goes back
 * further begins anew, one that leaps further has a hole. Neither makes the table's clock go back
 * or run away. */
#define LEAP_MAX  ((nsec)400 * 24 * 3600 * NS_PER_S)
#define CLOCK_MAX (INT64_MAX / 2)

/* ---- Time ---- */

static void clock_set(struct flow_table *t, nsec when)
{
	nsec ahead;

	if (when == t->now)
		return;
	t->now = when;
	if (!t->began || __builtin_add_overflow(when, t->skew, &ahead) ||
	    __builtin_sub_overflow(ahead, t->clock, &ahead) || ahead < -TIME_BACK_MAX ||
	    ahead > LEAP_MAX) {
		t->skew = __builtin_sub_overflow(t->clock, when, &ahead) ? 0 : ahead;
		t->began = true;
		return;
	}
	if (ahead > 0 && t->clock < CLOCK_MAX)
		t->clock += ahead;
}

/* ---- Finding ---- */

static bool addr_eq(const struct addr *a, const struct addr *b)
{
	return load64(a->at) == load64(b->at) && load64(a->at + 8) == load64(b->at + 8);
}

static bool is_same(const struct entry *e, const struct packet *p, const struct place *place,
		    enum side *from)
{
	const struct endpoints *n = &e->ends;

	if (load64((const uint8_t *)n + offsetof(struct endpoints, version)) != place->kind ||
	    (n->tunnels > 0 && tunnel_word(&n->tunnel[n->tunnels - 1]) != place->tunnel))
		return false;
	if (p->src_port == n->port[CLIENT] && p->dst_port == n->port[SERVER] &&
	    addr_eq(&p->src, &n->addr[CLIENT]) && addr_eq(&p->dst, &n->addr[SERVER])) {
		*from = CLIENT;
		return true;
	}
	*from = SERVER;
	return p->src_port == n->port[SERVER] && p->dst_port == n->port[CLIENT] &&
	       addr_eq(&p->src, &n->addr[SERVER]) && addr_eq(&p->dst, &n->addr[CLIENT]);
}

/* ---- Slots: open addressing, the next one when taken ---- */

static uint32_t find(const struct flow_table *t, uint32_t hash, const struct packet *p,
		     const struct place *place, enum side *from)
{
	for (uint32_t i = hash & t->mask; t->slots[i].index != 0; i = (i + 1) & t->mask)
		if (t->slots[i].hash == hash &&
		    is_same(entry_fetch(entry_at(t, t->slots[i].index)), p, place, from))
			return t->slots[i].index;
	return 0;
}

static void slot_put(struct flow_table *t, uint32_t hash, uint32_t index)
{
	uint32_t i = hash & t->mask;

	while (t->slots[i].index != 0)
		i = (i + 1) & t->mask;
	t->slots[i] = (struct slot){hash, index};
}

/* Those behind it that were pushed away by it move up, so that no mark has to stay. */
static void slot_remove(struct flow_table *t, uint32_t hash, uint32_t index)
{
	uint32_t hole = hash & t->mask;

	while (t->slots[hole].index != index)
		hole = (hole + 1) & t->mask;
	for (uint32_t i = (hole + 1) & t->mask; t->slots[i].index != 0; i = (i + 1) & t->mask) {
		uint32_t from_home = (i - (t->slots[i].hash & t->mask)) & t->mask;

		if (from_home >= ((i - hole) & t->mask)) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	t->slots[hole] = (struct slot){0};
}

static void slots_grow(struct flow_table *t)
{
	struct slot *old = t->slots;
	uint32_t count = t->slots != NULL ? t->mask + 1 : 0;
	uint32_t grown = count > 0 ? count * 2 : SLOTS_MIN;

	t->slots = must_alloc(grown * sizeof *t->slots);
	t->mask = grown - 1;
	for (uint32_t i = 0; i < count; i++)
		if (old[i].index != 0)
			slot_put(t, old[i].hash, old[i].index);
	free(old);
}

/* ---- Entries ---- */

static uint32_t entry_take(struct flow_table *t)
{
	if (t->free == 0) {
		uint32_t first = t->chunks_used << CHUNK_SHIFT;

		if (t->chunks_used == t->chunks_cap) {
			t->chunks_cap = t->chunks_cap > 0 ? t->chunks_cap * 2 : 16;
			t->chunks = must_realloc(t->chunks, t->chunks_cap * sizeof *t->chunks);
		}
		t->chunks[t->chunks_used++] = must_alloc(CHUNK * sizeof **t->chunks);
		for (uint32_t i = CHUNK; i-- > 0;) {
			if (first + i == 0)
				break; /* 0 stands for none */
			entry_at(t, first + i)->newer = t->free;
			t->free = first + i;
		}
	}
	uint32_t index = t->free;

	t->free = entry_at(t, index)->newer;
	return index;
}

static enum side sender_of(const struct flow_table *t, const struct packet *p)
{
	if (p->transport == TRANSPORT_TCP && p->flags & TCP_SYN)
		return p->flags & TCP_ACK ? SERVER : CLIENT;
	return t->sink->guess != NULL ? t->sink->guess(t->self, p) : CLIENT;
}

static void ends_fill(struct flow_table *t, struct endpoints *n, const struct packet *p,
		      enum side from)
{
	n->addr[from] = p->src;
	n->addr[side_other(from)] = p->dst;
	n->port[from] = p->src_port;
	n->port[side_other(from)] = p->dst_port;
	n->version = p->version;
	n->transport = p->transport;
	n->vlans = p->vlans;
	n->tunnels = p->tunnels;
	memcpy(n->vlan, p->vlan, p->vlans * sizeof n->vlan[0]);
	if (p->tunnels > 0) {
		size_t bytes = p->tunnels * sizeof *n->tunnel;

		n->tunnel = must_alloc(bytes);
		memcpy(n->tunnel, p->tunnel, bytes);
		quota_take(t->quota, bytes);
	}
}

static uint32_t create(struct flow_table *t, const struct packet *p, uint32_t hash, enum side *from)
{
	while (t->count >= (size_t)t->conf->flows_max)
		flow_evict(t);
	if (t->count >= (size_t)t->mask / 4 * 3)
		slots_grow(t);
	uint32_t index = entry_take(t);
	struct entry *e = entry_at(t, index);

	*from = sender_of(t, p);
	*e = (struct entry){.hash = hash,
			    .sample = SAMPLE_NONE,
			    .seen = (uint32_t)table_tick(t),
			    .flow = {.first = p->when, .last = p->when}};
	e->flow.ends = &e->ends;
	ends_fill(t, &e->ends, p, *from);
	slot_put(t, hash, index);
	t->count++;
	quota_take(t->quota, sizeof *e + SLOT_CHARGE);
	idle_add(t, e, index, p->transport == TRANSPORT_TCP ? CLASS_HALF_OPEN : CLASS_UDP);
	count(t->counters, COUNT_FLOWS_CREATED);
	return index;
}

static void drop(struct flow_table *t, uint32_t index)
{
	struct entry *e = entry_at(t, index);

	table_rest_free(t, e);
	idle_remove(t, e, index);
	slot_remove(t, e->hash, index);
	quota_give(t->quota, sizeof *e + SLOT_CHARGE + e->ends.tunnels * sizeof *e->ends.tunnel);
	free(e->ends.tunnel);
	e->newer = t->free;
	t->free = index;
	t->count--;
}

void table_close(struct flow_table *t, struct entry *e, enum flow_end why, nsec when)
{
	static const enum counter counters[] = {
		[FLOW_FIN] = COUNT_FLOWS_CLOSED,      [FLOW_RST] = COUNT_FLOWS_CLOSED,
		[FLOW_IDLE] = COUNT_FLOWS_EXPIRED,    [FLOW_REUSED] = COUNT_FLOWS_REUSED,
		[FLOW_EVICTED] = COUNT_FLOWS_EVICTED, [FLOW_FINISHED] = COUNT_FLOWS_FINISHED,
	};

	if (e->rest != NULL)
		e->rest->has_rst = false;
	order_flush(t, e);
	if (e->class == CLASS_CLOSED)
		return;
	table_rest_free(t, e);
	uint32_t index = entry_at(t, e->older)->newer;

	idle_remove(t, e, index);
	e->seen = (uint32_t)table_tick(t);
	idle_add(t, e, index, CLASS_CLOSED);
	count(t->counters, counters[why]);
	t->sink->close(t->self, &e->flow, why, when);
	e->flow.user = NULL;
}

static void close_and_drop(struct flow_table *t, uint32_t index, enum flow_end why)
{
	struct entry *e = entry_at(t, index);

	if (e->class != CLASS_CLOSED)
		table_close(t, e, why, t->now);
	drop(t, index);
}

/* ---- The table ---- */

struct flow_table *flow_table_new(const struct flow_conf *conf, const struct flow_sink *sink,
				  void *self, struct quota *quota, struct counters *counters)
{
	struct flow_table *t = must_alloc(sizeof *t);

	*t = (struct flow_table){.conf = conf,
				 .sink = sink,
				 .self = self,
				 .quota = quota,
				 .counters = counters,
				 .clock = NS_PER_S, /* 0 means no time */
				 .now = INT64_MIN,
				 .due = INT64_MAX};
	must(getrandom(&t->seed, sizeof t->seed, 0) == sizeof t->seed);
	idle_init(&t->idle[CLASS_HALF_OPEN], conf->handshake_timeout);
	idle_init(&t->idle[CLASS_TCP], conf->tcp_timeout);
	idle_init(&t->idle[CLASS_UDP], conf->udp_timeout);
	idle_init(&t->idle[CLASS_CLOSED], conf->closed_timeout);
	slots_grow(t);
	return t;
}

void flow_table_adopt(struct flow_table *t, const struct flow_conf *conf)
{
	t->conf = conf;
}

void flow_table_free(struct flow_table *t)
{
	if (t == NULL)
		return;
	for (uint32_t i = 0; i <= t->mask; i++) {
		uint32_t index = t->slots[i].index;

		if (index == 0)
			continue;
		struct entry *e = entry_at(t, index);

		table_rest_free(t, e);
		quota_give(t->quota,
			   sizeof *e + SLOT_CHARGE + e->ends.tunnels * sizeof *e->ends.tunnel);
		free(e->ends.tunnel);
	}
	for (uint32_t i = 0; i < t->chunks_used; i++)
		free(t->chunks[i]);
	free(t->chunks);
	free(t->slots);
	free(t);
}

size_t flow_count(const struct flow_table *t)
{
	return t->count;
}

static void push_datagram(struct flow_table *t, struct entry *e, enum side from,
			  const struct packet *p)
{
	struct piece piece = {.bytes = p->payload, .when = p->when, .peer_at = PEER_UNKNOWN};
	uint32_t cut =
		p->payload_bytes > p->payload.len ? p->payload_bytes - (uint32_t)p->payload.len : 0;

	if (!e->flow.ignored)
		t->sink->datagram(t->self, &e->flow, from, &piece, cut);
}

#define SWAP(a, b)                         \
	do {                               \
		__typeof__(a) swapped = a; \
		a = b;                     \
		b = swapped;               \
	} while (0)

/* What was taken for the client is the server. */
static void swap_sides(struct entry *e)
{
	struct flow_stats *s = &e->flow.stats;

	SWAP(e->ends.addr[0], e->ends.addr[1]);
	SWAP(e->ends.port[0], e->ends.port[1]);
	SWAP(e->stream[0], e->stream[1]);
	SWAP(e->half_rtt[0], e->half_rtt[1]);
	SWAP(s->packets[0], s->packets[1]);
	SWAP(s->bytes[0], s->bytes[1]);
	SWAP(s->retransmits[0], s->retransmits[1]);
	SWAP(s->out_of_order[0], s->out_of_order[1]);
	SWAP(s->gap_bytes[0], s->gap_bytes[1]);
	if (e->sample != SAMPLE_NONE)
		e->sample ^= 1;
	struct rest *r = e->rest;
	if (r == NULL)
		return;
	SWAP(r->held[0], r->held[1]);
	SWAP(r->acked_at[0], r->acked_at[1]);
	SWAP(r->sacked[0], r->sacked[1]);
	SWAP(r->fin[0], r->fin[1]);
	SWAP(r->outside[0], r->outside[1]);
	SWAP(r->outside_seq[0], r->outside_seq[1]);
	r->rst_side ^= 1;
	r->syn_side ^= 1;
}

/* The ports begin a new conversation; the old one ends. */
static uint32_t reuse(struct flow_table *t, uint32_t index, const struct packet *p, enum side *from)
{
	struct entry *e = entry_at(t, index);
	struct rest kept = e->rest != NULL ? *e->rest : (struct rest){0};
	uint32_t hash = e->hash;

	close_and_drop(t, index, FLOW_REUSED);
	index = create(t, p, hash, from);
	tcp_recall(t, entry_at(t, index), *from, p, &kept);
	return index;
}

void flow_push(struct flow_table *t, const struct packet *p)
{
	struct place place = place_of(p);
	uint32_t hash = key_hash(t, p, &place);
	bool is_tcp = p->transport == TRANSPORT_TCP;
	enum side from;

	clock_set(t, p->when);
	uint32_t index = find(t, hash, p, &place, &from);
	if (index == 0)
		index = create(t, p, hash, &from);
	else if (is_tcp && p->flags & TCP_SYN && tcp_begins_anew(t, entry_at(t, index), from, p))
		index = reuse(t, index, p, &from);
	struct entry *e = entry_at(t, index);

	if (is_tcp && p->flags & TCP_SYN && tcp_sides_wrong(e, from, p)) {
		swap_sides(e);
		from = side_other(from);
	}
	if (p->when > e->flow.last)
		e->flow.last = p->when;
	if (e->class != CLASS_CLOSED)
		e->seen = (uint32_t)table_tick(t);
	e->flow.stats.packets[from]++;
	e->flow.stats.bytes[from] += p->payload_bytes;
	if (is_tcp)
		tcp_push(t, e, index, from, p);
	else
		push_datagram(t, e, from, p);
}

static void find_due(struct flow_table *t)
{
	t->due = t->waiting != NULL ? t->waiting->check_at : INT64_MAX;
	for (int class = 0; class < CLASS_COUNT; class ++) {
		nsec due = idle_due(&t->idle[class]);

		if (due < t->due)
			t->due = due;
	}
}

static bool waits(const struct flow_table *t, const struct entry *e)
{
	return t->sink->waits != NULL && t->sink->waits(t->self, &e->flow);
}

void flow_expire(struct flow_table *t, nsec now)
{
	clock_set(t, now);
	if (t->clock < t->due)
		return;
	while (t->waiting != NULL && t->waiting->check_at <= t->clock) {
		struct rest *r = t->waiting;

		table_rest_requeue(t, r);
		order_check(t, entry_at(t, r->index));
	}
	for (int class = 0; class < CLASS_COUNT; class ++) {
		uint32_t index;

		while ((index = idle_expired(t, (enum flow_class) class)) != 0) {
			if (class == CLASS_UDP && waits(t, entry_at(t, index)))
				entry_at(t, index)->seen = (uint32_t)table_tick(t);
			else
				close_and_drop(t, index, FLOW_IDLE);
		}
	}
	find_due(t);
}

/* Those that have ended, then those that never got past their handshake: under a flood of SYNs
 * these make room for themselves. Then the one that was silent longest. */
bool flow_evict(struct flow_table *t)
{
	uint32_t index = idle_oldest(t, CLASS_CLOSED);

	if (index == 0)
		index = idle_oldest(t, CLASS_HALF_OPEN);
	if (index == 0) {
		uint32_t tcp = idle_oldest(t, CLASS_TCP), udp = idle_oldest(t, CLASS_UDP);
		uint32_t tick = (uint32_t)table_tick(t);

		index = tcp == 0 || (udp != 0 &&
				     tick - entry_at(t, udp)->seen > tick - entry_at(t, tcp)->seen)
				? udp
				: tcp;
	}
	if (index == 0)
		return false;
	close_and_drop(t, index, FLOW_EVICTED);
	return true;
}

struct age {
	nsec first;
	uint32_t index;
};

static int by_age(const void *a, const void *b)
{
	const struct age *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

void flow_finish(struct flow_table *t)
{
	struct age *all = must_alloc((t->count + 1) * sizeof *all);
	size_t n = 0;

	for (uint32_t i = 0; i <= t->mask; i++)
		if (t->slots[i].index != 0)
			all[n++] = (struct age){entry_at(t, t->slots[i].index)->flow.first,
						t->slots[i].index};
	qsort(all, n, sizeof *all, by_age);
	for (size_t i = 0; i < n; i++)
		close_and_drop(t, all[i].index, FLOW_FINISHED);
	free(all);
	find_due(t);
}
