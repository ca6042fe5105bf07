#include "shipper/flow/stream.h"

struct front stream_front(const struct entry *e, enum side d)
{
	const struct rest *r = e->rest;
	const struct stream *s = &e->stream[d];
	struct front f = {0};

	if (r == NULL)
		return f;
	const struct segment *held = held_front(&r->held[d]);
	if (held != NULL) {
		f = (struct front){.present = true,
				   .at = held->at,
				   .ack = held->ack,
				   .has_ack = held->has_ack,
				   .when = held->when,
				   .came = held->came};
	} else if (s->flags & STREAM_FIN) {
		const struct mark *m = &r->fin[d];

		f = (struct front){.present = true,
				   .is_fin = true,
				   .at = m->at,
				   .ack = m->ack,
				   .has_ack = m->has_ack,
				   .when = m->when,
				   .came = m->came};
	}
	return f;
}

uint64_t stream_acked(const struct entry *e, enum side d)
{
	const struct stream *s = &e->stream[d];
	int64_t at;

	if (!(s->flags & STREAM_ACKED) || !(s->flags & STREAM_STARTED))
		return s->next;
	at = stream_offset(s, s->acked);
	if (at <= (int64_t)s->next || s->flags & STREAM_ENDED)
		return s->next;
	return (uint64_t)at;
}

/* How much of the other direction the sender had received. */
static uint64_t peer_at(const struct entry *e, enum side d, const struct segment *s)
{
	const struct stream *o = &e->stream[side_other(d)];
	int64_t at;

	if (!s->has_ack || e->flow.one_sided || !(o->flags & STREAM_STARTED))
		return PEER_UNKNOWN;
	at = stream_offset(o, s->ack);
	if (at < 0)
		return 0;
	return (uint64_t)at < o->next ? (uint64_t)at : o->next;
}

static void advance(struct entry *e, enum side d, uint64_t n)
{
	struct stream *s = &e->stream[d];

	s->next += n;
	s->flags &= (uint8_t)~STREAM_PHANTOM;
	if (!(s->flags & STREAM_TOP) || (int32_t)(stream_next_seq(s) - s->top) > 0) {
		s->top = stream_next_seq(s);
		s->flags |= STREAM_TOP;
	}
}

void stream_give(struct flow_table *t, struct entry *e, enum side d, const struct segment *s)
{
	if (s->bytes.len > 0) {
		struct piece piece = {.bytes = s->bytes,
				      .when = s->when,
				      .peer_at = peer_at(e, d, s),
				      .again = s->again};

		advance(e, d, s->bytes.len);
		if (!e->flow.ignored)
			t->sink->data(t->self, &e->flow, d, &piece);
	}
	if (s->cut > 0)
		stream_lost(t, e, d, s->cut, s->when);
}

void stream_lost(struct flow_table *t, struct entry *e, enum side d, uint64_t n, nsec when)
{
	if (n == 0)
		return;
	advance(e, d, n);
	e->flow.stats.gap_bytes[d] += n;
	count(t->counters, COUNT_STREAM_GAPS);
	count_n(t->counters, COUNT_STREAM_GAP_BYTES, n);
	if (!e->flow.ignored)
		t->sink->lost(t->self, &e->flow, d, n, when);
}

/* Offsets counted from a start far before the first packet; from now on from `seq`. */
static void rebase(struct flow_table *t, struct entry *e, enum side d, uint32_t seq)
{
	struct stream *s = &e->stream[d];
	struct rest *r = e->rest;
	int64_t n = (int64_t)(seq - s->start);

	s->start = seq;
	s->next = 0;
	if (r == NULL)
		return;
	held_rebase(&r->held[d], t->quota, n);
	if (s->flags & STREAM_FIN)
		r->fin[d].at = (int64_t)r->fin[d].at > n ? r->fin[d].at - (uint64_t)n : 0;
	if (r->has_rst && r->rst_side == d)
		r->rst.at = (int64_t)r->rst.at > n ? r->rst.at - (uint64_t)n : 0;
}

void stream_start(struct flow_table *t, struct entry *e, enum side d, uint32_t seq)
{
	struct stream *s = &e->stream[d];

	rebase(t, e, d, seq);
	s->flags |= STREAM_STARTED;
	if (!(s->flags & STREAM_TOP) || (int32_t)(seq - s->top) > 0)
		s->top = seq;
	s->flags |= STREAM_TOP;
}

/* The first bytes seen need not be the first there were: a packet without bytes, or what the other
 * side acknowledged before any packet of this one, may tell of earlier ones that were lost. */
static uint32_t lowest(const struct entry *e, enum side d, uint32_t seq)
{
	const struct stream *s = &e->stream[d];
	const struct rest *r = e->rest;
	uint32_t first = s->start + FAR_BACK;

	/* One less is a keep-alive probe. */
	if (s->flags & STREAM_TOP && (int32_t)(first - seq) < -1)
		seq = first;
	if (r != NULL && r->has_first_ack[d] && seq - r->first_ack[d] <= WINDOW_MAX)
		seq = r->first_ack[d];
	return seq;
}

void stream_begin(struct flow_table *t, struct entry *e, enum side d)
{
	struct stream *s = &e->stream[d];
	struct front f = stream_front(e, d);
	uint32_t seq = s->top;

	if (f.present)
		seq = s->start + (uint32_t)f.at;
	else if (!(s->flags & STREAM_TOP) ||
		 (s->flags & STREAM_ACKED && (int32_t)(s->acked - s->top) > 0))
		seq = s->acked;
	seq = lowest(e, d, seq);
	if (!e->flow.midstream)
		count(t->counters, COUNT_FLOWS_MIDSTREAM);
	e->flow.midstream = true;
	stream_start(t, e, d, seq);
}
