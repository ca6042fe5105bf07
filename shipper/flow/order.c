#include "shipper/flow/order.h"

/* How often gap_timeout a hole is waited for that nobody acknowledged. With both directions
 * captured the receiver's ACK decides, and a sender may well take several timeouts of its own to
 * send again; without, there is only time to go by. */
enum { UNACKED_FACTOR = 40, ONE_SIDED_FACTOR = 4 };

static bool never_seen(const struct entry *e, enum side d)
{
	return e->flow.stats.packets[d] == 0;
}

bool order_met(const struct entry *e, enum side d, bool has_ack, uint32_t ack)
{
	const struct stream *o = &e->stream[side_other(d)];
	int32_t ahead;

	if (!has_ack || e->flow.one_sided || o->flags & STREAM_ENDED)
		return true;
	if (!(o->flags & STREAM_STARTED))
		return false;
	ahead = (int32_t)(ack - stream_next_seq(o));
	return ahead <= 0 || (ahead == 1 && o->flags & STREAM_PHANTOM);
}

void order_end(struct flow_table *t, struct entry *e, enum side d, nsec when)
{
	struct stream *s = &e->stream[d];
	const struct stream *o = &e->stream[side_other(d)];

	s->flags = (uint8_t)((s->flags & ~STREAM_FIN) | STREAM_ENDED);
	if (!e->flow.ignored)
		t->sink->end(t->self, &e->flow, d, when);
	if (o->flags & STREAM_ENDED || e->flow.one_sided)
		table_close(t, e, FLOW_FIN, when);
}

static bool is_open(const struct entry *e)
{
	return e->class != CLASS_CLOSED;
}

/* Present with nothing missing before it, whether or not its time has come. */
static bool in_line(const struct entry *e, enum side d, const struct front *f)
{
	return f->present && e->stream[d].flags & STREAM_STARTED && f->at <= e->stream[d].next;
}

static void give_front(struct flow_table *t, struct entry *e, enum side d)
{
	struct rest *r = e->rest;
	struct stream *s = &e->stream[d];

	if (r->held[d].count == 0) {
		order_end(t, e, d, r->fin[d].when);
		return;
	}
	struct held *h = held_take(&r->held[d]);

	if (s->next > h->segment.at)
		segment_skip(&h->segment, s->next - h->segment.at);
	stream_give(t, e, d, &h->segment);
	held_drop(&r->held[d], t->quota, h);
}

/*
 * Whose front goes next: the earlier packet's of those that are ready. When both are in line and
 * each waits for the other, one of them is a retransmission of which the original was not captured
 * and whose ACK is newer than its bytes: the one that was sent after its bytes were acknowledged.
 */
static bool pick(const struct entry *e, enum side *d)
{
	struct front c = stream_front(e, CLIENT), s = stream_front(e, SERVER);
	bool c_line = in_line(e, CLIENT, &c), s_line = in_line(e, SERVER, &s);
	bool c_ready = c_line && order_met(e, CLIENT, c.has_ack, c.ack);
	bool s_ready = s_line && order_met(e, SERVER, s.has_ack, s.ack);

	if (c_ready && s_ready)
		*d = s.when < c.when ? SERVER : CLIENT;
	else if (c_ready || s_ready)
		*d = c_ready ? CLIENT : SERVER;
	else if (c_line && s_line)
		*d = s.when > c.when ? SERVER : CLIENT;
	else
		return false;
	return true;
}

/* Nobody wants the bytes any more: what is held goes, what is waited for is taken as come. */
static void stop_waiting(struct flow_table *t, struct entry *e)
{
	bool rst = e->rest->has_rst;
	nsec when = e->rest->rst.when;

	for (int d = 0; d < 2; d++)
		if (e->stream[d].flags & STREAM_FIN)
			e->stream[d].flags |= STREAM_ENDED;
	table_rest_free(t, e);
	if (rst)
		table_close(t, e, FLOW_RST, when);
	else if (e->stream[CLIENT].flags & e->stream[SERVER].flags & STREAM_ENDED)
		table_close(t, e, FLOW_FIN, t->now);
}

static bool rst_ready(const struct entry *e)
{
	const struct rest *r = e->rest;
	enum side d = r->rst_side;

	return r->has_rst && e->stream[d].flags & STREAM_STARTED &&
	       r->rst.at <= stream_expects(&e->stream[d]) && r->held[d].count == 0 &&
	       order_met(e, d, r->rst.has_ack, r->rst.ack);
}

void order_pump(struct flow_table *t, struct entry *e)
{
	enum side d;

	while (is_open(e) && e->rest != NULL && !e->flow.ignored && pick(e, &d))
		give_front(t, e, d);
	if (is_open(e) && e->rest != NULL && e->flow.ignored)
		stop_waiting(t, e);
	if (is_open(e) && e->rest != NULL && rst_ready(e))
		table_close(t, e, FLOW_RST, e->rest->rst.when);
}

void order_begin(struct flow_table *t, struct entry *e)
{
	for (int d = 0; d < 2; d++) {
		const struct stream *s = &e->stream[d];

		if (!(s->flags & STREAM_STARTED) && s->flags & (STREAM_TOP | STREAM_ACKED))
			stream_begin(t, e, (enum side)d);
	}
	if (e->rest != NULL)
		e->rest->begin_at = 0;
	order_pump(t, e);
}

static void one_sided(struct flow_table *t, struct entry *e)
{
	if (!e->flow.one_sided)
		count(t->counters, COUNT_STREAM_ONE_SIDED);
	e->flow.one_sided = true;
	order_pump(t, e);
}

/* The hole at `next` up to offset `end`, or to the first segment held, is a gap. What the other
 * side sent while it had received less than that comes before the rest of it: a hole over two
 * answers is two gaps with a question between them. */
static void gap_until(struct flow_table *t, struct entry *e, enum side d, uint64_t end, nsec when)
{
	enum side other = side_other(d);
	const struct stream *s = &e->stream[d], *o = &e->stream[other];
	struct front f = stream_front(e, d), of = stream_front(e, other);

	if (f.present && f.at < end)
		end = f.at;
	if (of.present && of.has_ack && o->flags & STREAM_STARTED) {
		int64_t had = stream_offset(s, of.ack);

		if (had <= (int64_t)s->next && of.at > o->next && end > s->next) {
			stream_lost(t, e, other, of.at - o->next, of.when);
			order_pump(t, e);
			return;
		}
		if (had > (int64_t)s->next && (uint64_t)had < end)
			end = (uint64_t)had;
	}
	if (end > s->next)
		stream_lost(t, e, d, end - s->next, when);
	order_pump(t, e);
}

void order_force(struct flow_table *t, struct entry *e, enum side d)
{
	enum side other = side_other(d);
	struct stream *o = &e->stream[other];
	struct front f = stream_front(e, d);

	if (!f.present)
		return;
	if (!(e->stream[d].flags & STREAM_STARTED)) {
		order_begin(t, e);
	} else if (f.at > e->stream[d].next) {
		gap_until(t, e, d, f.at, f.when);
	} else if (order_met(e, d, f.has_ack, f.ack)) {
		/* It has not been its turn yet. */
		give_front(t, e, d);
		order_pump(t, e);
	} else if (never_seen(e, other)) {
		one_sided(t, e);
	} else if (!(o->flags & STREAM_STARTED)) {
		order_begin(t, e);
	} else {
		int64_t need = stream_offset(o, f.ack);
		struct front of = stream_front(e, other);

		if (of.present && of.at <= o->next)
			give_front(t, e, d);
		else if (need > (int64_t)o->next + 1 || (of.present && !of.is_fin))
			gap_until(t, e, other, (uint64_t)need, f.when);
		else
			o->flags |= STREAM_PHANTOM;
		order_pump(t, e);
	}
}

void order_flush(struct flow_table *t, struct entry *e)
{
	if (e->rest != NULL && !e->flow.ignored)
		order_begin(t, e);
	while (is_open(e) && e->rest != NULL && !e->flow.ignored) {
		struct front c = stream_front(e, CLIENT), s = stream_front(e, SERVER);

		if (!c.present && !s.present)
			break;
		if (c.present && (!s.present || c.when <= s.when))
			order_force(t, e, CLIENT);
		else
			order_force(t, e, SERVER);
	}
	for (int d = 0; is_open(e) && e->rest != NULL && d < 2; d++) {
		uint64_t acked = stream_acked(e, (enum side)d);

		if (acked > e->stream[d].next + 1 && !never_seen(e, (enum side)d))
			gap_until(t, e, (enum side)d, acked, e->flow.last);
	}
}

/* A hole was waited for long enough. */
static void check_hole(struct flow_table *t, struct entry *e, enum side d)
{
	const struct rest *r = e->rest;
	struct stream *s = &e->stream[d];
	struct front f = stream_front(e, d);
	bool hole = f.present && f.at > s->next;
	uint64_t acked = stream_acked(e, d);
	nsec gap = t->conf->gap_timeout, since = hole ? f.came : t->clock;

	if (!(s->flags & STREAM_STARTED))
		return;
	if (acked > s->next && r->acked_at[d] != 0 && r->acked_at[d] < since)
		since = r->acked_at[d];
	if (r->sacked[d] > acked)
		acked = r->sacked[d];
	nsec waited = t->clock - since;
	if (acked > s->next && waited >= gap && !(f.present && !hole)) {
		if (never_seen(e, d))
			one_sided(t, e);
		else if (acked == s->next + 1 && !f.present)
			s->flags |= STREAM_PHANTOM;
		else
			gap_until(t, e, d, acked, f.present ? f.when : t->now);
	} else if (hole &&
		   waited >= gap * (e->flow.one_sided ? ONE_SIDED_FACTOR : UNACKED_FACTOR)) {
		gap_until(t, e, d, f.at, f.when);
	}
	if (is_open(e) && e->rest != NULL)
		order_pump(t, e);
}

static bool is_needed(const struct entry *e)
{
	const struct rest *r = e->rest;

	if (r->begin_at != 0 || r->has_rst || r->has_syn || r->outside[0] || r->outside[1])
		return true;
	for (int d = 0; d < 2; d++) {
		const struct stream *s = &e->stream[d];
		uint64_t acked = stream_acked(e, (enum side)d);

		if (r->held[d].count > 0 || s->flags & STREAM_FIN)
			return true;
		if (acked > s->next + (s->flags & STREAM_PHANTOM ? 1 : 0) &&
		    !(e->flow.one_sided && never_seen(e, (enum side)d)))
			return true;
	}
	return false;
}

void order_settle(struct flow_table *t, struct entry *e)
{
	if (e->rest != NULL && !is_needed(e))
		table_rest_free(t, e);
}

void order_check(struct flow_table *t, struct entry *e)
{
	struct rest *r = e->rest;

	if (r->begin_at != 0 && t->clock >= r->begin_at)
		order_begin(t, e);
	for (int d = 0; is_open(e) && e->rest != NULL && d < 2; d++)
		check_hole(t, e, (enum side)d);
	if (!is_open(e) || (r = e->rest) == NULL)
		return;
	if (r->has_rst && t->clock - r->rst.came >= t->conf->gap_timeout) {
		table_close(t, e, FLOW_RST, r->rst.when);
		return;
	}
	if (t->clock - r->outside_at >= NS_PER_S) {
		r->outside[0] = r->outside[1] = 0;
		r->has_syn = false;
	}
	order_settle(t, e);
}
