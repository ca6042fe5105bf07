/*
 * Packets of a few conversations with any flags, numbers, lengths and times, evictions and expiry.
 *
 * A byte's value follows from its side and sequence number, so whatever is delivered can be
 * checked; and the sink checks that offsets go on without a break, that nothing comes behind an
 * end or a close, and that an answer never overtakes what it had seen of the other side.
 *
 * Input: 4 bytes of limits, then operations of a kind byte and its parameters; missing bytes are 0.
 */
#include <stdlib.h>

#include "shipper/base/must.h"
#include "shipper/flow/entry.h"

enum { SEGMENT_MAX = 1500, PORTS = 4, QUEUE_SLACK = 64 << 10, PATTERN = 4096 };

/* What a sink knows of a flow. */
struct watch {
	uint64_t at[2];
	bool ended[2];
};

struct world {
	struct flow_table *table;
	struct flow_conf conf;
	struct quota quota;
	struct counters counters;
	const uint8_t *in;
	size_t left;
	nsec now;
	size_t open; /* watches that are not freed yet */
	unsigned calls;
	bool ignores;		/* some flows are ignored from some bytes on */
	uint32_t seq[PORTS][2]; /* where each side has come to */
};

/* The bytes of a side from a sequence number on; good for SEGMENT_MAX + 255. */
static const uint8_t *bytes_at(enum side side, uint32_t seq)
{
	static uint8_t pattern[2][2 * PATTERN];

	if (pattern[0][1] == 0)
		for (uint32_t i = 0; i < 2 * PATTERN; i++) {
			pattern[CLIENT][i] = (uint8_t)(i % PATTERN * 2654435761u >> 13 | 1);
			pattern[SERVER][i] = (uint8_t)(i % PATTERN * 2246822519u >> 11 | 1);
		}
	return &pattern[side][seq % PATTERN];
}

/* By address, not by what the table takes for the client. */
static enum side true_side(const struct flow *flow, enum side from)
{
	return flow->ends->addr[from].at[3] == 1 ? CLIENT : SERVER;
}

static struct watch *watch_of(struct world *w, struct flow *flow)
{
	if (flow->user == NULL) {
		flow->user = must_alloc(sizeof(struct watch));
		w->open++;
	}
	w->calls++;
	return flow->user;
}

static void on_data(void *self, struct flow *flow, enum side from, const struct piece *p)
{
	struct world *w = self;
	struct watch *watch = watch_of(w, flow);
	const struct entry *e =
		(const void *)((const uint8_t *)flow - offsetof(struct entry, flow));
	uint32_t seq = stream_next_seq(&e->stream[from]) - (uint32_t)p->bytes.len;

	must(p->bytes.len > 0 && !watch->ended[from] && !flow->ignored);
	watch->at[from] += p->bytes.len;
	must(watch->at[from] == e->stream[from].next);
	must(p->peer_at == PEER_UNKNOWN || p->peer_at <= watch->at[side_other(from)]);
	must(memcmp(p->bytes.at, bytes_at(true_side(flow, from), seq), p->bytes.len) == 0);
	if (w->ignores && w->calls % 7 == 0)
		flow->ignored = true;
}

static void on_lost(void *self, struct flow *flow, enum side from, uint64_t n, nsec when)
{
	struct watch *watch = watch_of(self, flow);

	(void)when;
	must(n > 0 && !watch->ended[from] && !flow->ignored);
	watch->at[from] += n;
}

static void on_end(void *self, struct flow *flow, enum side from, nsec when)
{
	struct watch *watch = watch_of(self, flow);

	(void)when;
	must(!watch->ended[from] && !flow->ignored);
	watch->ended[from] = true;
}

static void on_datagram(void *self, struct flow *flow, enum side from, const struct piece *p,
			uint32_t cut_bytes)
{
	(void)from, (void)p, (void)cut_bytes;
	watch_of(self, flow);
}

static void on_close(void *self, struct flow *flow, enum flow_end why, nsec when)
{
	struct world *w = self;

	(void)when;
	must(why <= FLOW_FINISHED);
	if (flow->user != NULL)
		w->open--;
	free(flow->user);
}

static const struct flow_sink sink = {
	.data = on_data,
	.lost = on_lost,
	.end = on_end,
	.datagram = on_datagram,
	.close = on_close,
};

static uint32_t take(struct world *w, unsigned n)
{
	uint32_t v = 0;

	for (; n > 0 && w->left > 0; n--, w->left--)
		v = v << 8 | *w->in++;
	return v;
}

/* Mostly near to where the side has come to, seldom anywhere. */
static uint32_t number(struct world *w, uint32_t near, unsigned how)
{
	switch (how & 3) {
	case 0:
		return near;
	case 1:
		return near + (uint32_t)(int8_t)take(w, 1);
	case 2:
		return near + (uint32_t)(int16_t)take(w, 2);
	default:
		return take(w, 4);
	}
}

static void push(struct world *w, unsigned kind)
{
	unsigned port = kind & 3, how = take(w, 1), flags = take(w, 1);
	enum side from = kind & 4 ? SERVER : CLIENT;
	struct packet p = {.version = 4, .window = (uint16_t)(how >> 7 ? 0 : 1000)};
	uint32_t *mine = &w->seq[port][from], *other = &w->seq[port][side_other(from)];
	uint32_t len = how & 16 ? take(w, 1) * (how & 32 ? 6 : 1) : 0;

	if (len > SEGMENT_MAX)
		len = SEGMENT_MAX;
	p.when = w->now;
	p.transport = kind & 8 && port == 3 ? TRANSPORT_UDP : TRANSPORT_TCP;
	p.src.at[3] = from == CLIENT ? 1 : 2;
	p.dst.at[3] = from == CLIENT ? 2 : 1;
	p.src_port = from == CLIENT ? (uint16_t)(1000 + port) : 80;
	p.dst_port = from == CLIENT ? 80 : (uint16_t)(1000 + port);
	p.flags = (uint8_t)flags;
	p.seq = number(w, *mine, how);
	p.ack = number(w, *other, how >> 2);
	if (how & 64 && (flags & 64)) {
		p.sacks = 1;
		p.sack[0].from = number(w, *other, 2);
		p.sack[0].to = p.sack[0].from + take(w, 1);
	}
	uint32_t first = p.seq + (flags & TCP_SYN ? 1 : 0);
	/* In a block of its own size, so that reading past its end is seen. */
	uint8_t *bytes = must_alloc(len);

	memcpy(bytes, bytes_at(from, first), len);
	p.payload = bytes_of(bytes, len);
	p.payload_bytes = len + (flags & 128 ? take(w, 1) : 0);
	if ((how & 3) < 2)
		*mine = first + p.payload_bytes + (flags & TCP_FIN ? 1 : 0);
	flow_push(w->table, &p);
	free(bytes);
}

/* Capture files hold no times near the ends of the range: their readers see to that. */
static nsec later(nsec now, nsec by)
{
	nsec then;

	return __builtin_add_overflow(now, by, &then) ? now : then;
}

static void step(struct world *w)
{
	unsigned kind = take(w, 1);

	switch (kind >> 4) {
	case 0:
		w->now = later(w->now, (nsec)take(w, 2) * NS_PER_MS);
		break;
	case 1:
		w->now = later(w->now,
			       (nsec)(int16_t)take(w, 2) * (kind & 1 ? NS_PER_S : NS_PER_US));
		break;
	case 2:
		if (kind == 0x20)
			flow_evict(w->table);
		else if (kind == 0x21)
			w->now = (nsec)((uint64_t)take(w, 4) << 32);
		break;
	default:
		push(w, kind);
		w->now = later(w->now, NS_PER_US);
		break;
	}
	flow_expire(w->table, w->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = must_alloc(sizeof *w);

	w->in = data;
	w->left = size;
	uint32_t limits = take(w, 4);
	w->conf = (struct flow_conf){.flows_max = 1 + (limits & 3),
				     .tcp_timeout = (nsec)60 * NS_PER_S,
				     .handshake_timeout = (nsec)5 * NS_PER_S,
				     .udp_timeout = (nsec)10 * NS_PER_S,
				     .closed_timeout = NS_PER_S,
				     .held_bytes_max = limits & 4 ? 2000 : 1 << 20,
				     .gap_timeout = (nsec)250 * NS_PER_MS};
	w->ignores = limits & 8;
	w->quota.limit = limits & 16 ? 6000 : 1 << 24;
	w->now = (nsec)1700000000 * NS_PER_S;
	for (int i = 0; i < PORTS * 2; i++)
		w->seq[i / 2][i % 2] = limits & 32 ? UINT32_MAX - (limits >> 16) : limits >> 8;
	w->table = flow_table_new(&w->conf, &sink, w, &w->quota, &w->counters);
	while (w->left > 0) {
		step(w);
		must(flow_count(w->table) <= (size_t)w->conf.flows_max);
		must(!(limits & 4) || w->quota.used < QUEUE_SLACK);
	}
	if (limits & 64) {
		flow_finish(w->table);
		must(flow_count(w->table) == 0 && w->open == 0 && w->quota.used == 0);
	} else {
		/* Freed without a word to the sink: what hangs off the flows is ours to let go. */
		while (flow_evict(w->table))
			;
		must(w->open == 0);
	}
	flow_table_free(w->table);
	must(w->quota.used == 0);
	free(w);
	return 0;
}
