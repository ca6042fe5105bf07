#include "shipper/flow/tcp.h"

#include "shipper/flow/rtt.h"

enum {
	RST_WINDOW = 64 << 10,
	SYN_DATA_MAX = 64 << 10,    /* that a SYN may have brought before its answer */
	START_HELD_MAX = 64 << 10,  /* while the beginning is waited for */
	OUTSIDE_IN_SEQUENCE = 4,    /* so many make a stream that has moved on */
	REORDER_NS = 3 * NS_PER_MS, /* what fills a hole later was sent again */
	REUSE_IDLE_TICKS = NS_PER_S >> TICK_SHIFT, /* a SYN then needs no confirmation */
	PAYLOAD_MAX = 16 << 20
};

static bool is_syn(const struct packet *p)
{
	return (p->flags & (TCP_SYN | TCP_RST)) == TCP_SYN;
}

static bool has_ack(const struct packet *p)
{
	return (p->flags & TCP_ACK) != 0;
}

/* ---- A SYN on ports that are known ---- */

static bool untouched(const struct entry *e)
{
	return e->flow.user == NULL && !e->flow.ignored && e->stream[CLIENT].next == 0 &&
	       e->stream[SERVER].next == 0 &&
	       !((e->stream[CLIENT].flags | e->stream[SERVER].flags) & (STREAM_SYN | STREAM_ENDED));
}

bool tcp_sides_wrong(const struct entry *e, enum side from, const struct packet *p)
{
	return is_syn(p) && from == (has_ack(p) ? CLIENT : SERVER) && untouched(e) &&
	       e->class != CLASS_CLOSED;
}

/* A SYN before whose data this side's stream, as far as it is known, can stand. */
static bool syn_fits(const struct entry *e, enum side from, uint32_t start)
{
	const struct stream *s = &e->stream[from];

	if (s->flags & STREAM_STARTED)
		return s->start == start || (!(s->flags & STREAM_SYN) && s->next == 0 &&
					     s->start - start <= SYN_DATA_MAX);
	if (s->flags & STREAM_TOP && s->top - start > WINDOW_MAX)
		return false;
	return !(s->flags & STREAM_ACKED) || s->acked - start <= WINDOW_MAX;
}

static bool idle_enough(const struct flow_table *t, const struct entry *e)
{
	return e->class == CLASS_HALF_OPEN || (uint32_t)table_tick(t) - e->seen > REUSE_IDLE_TICKS;
}

bool tcp_begins_anew(struct flow_table *t, struct entry *e, enum side from, const struct packet *p)
{
	uint32_t start = p->seq + 1;
	const struct rest *r = e->rest;

	if (!is_syn(p))
		return false;
	if (e->class == CLASS_CLOSED)
		return !(e->stream[from].flags & STREAM_SYN && e->stream[from].start == start);
	if (syn_fits(e, from, start))
		return false;
	if (has_ack(p))
		return (r != NULL && r->has_syn && r->syn_side != from &&
			p->ack == r->syn_seq + 1) ||
		       (e->class != CLASS_HALF_OPEN && idle_enough(t, e));
	if (idle_enough(t, e))
		return true;
	/* Anybody can send a SYN; the other side's answer will tell whether it was meant. */
	struct rest *rest = table_rest(t, e);

	rest->has_syn = true;
	rest->syn_side = (uint8_t)from;
	rest->syn_seq = p->seq;
	rest->syn_when = p->when;
	rest->outside_at = t->clock;
	return false;
}

void tcp_recall(struct flow_table *t, struct entry *e, enum side from, const struct packet *p,
		const struct rest *old)
{
	if (!old->has_syn || from != SERVER || !has_ack(p) || p->ack != old->syn_seq + 1)
		return;
	stream_start(t, e, CLIENT, p->ack);
	e->stream[CLIENT].flags |= STREAM_SYN;
	e->flow.stats.syn_at = e->flow.first = old->syn_when;
	e->flow.stats.packets[CLIENT]++;
	rtt_sent(e, CLIENT, p->ack, old->syn_when);
}

static void take_syn(struct flow_table *t, struct entry *e, enum side from, const struct packet *p)
{
	struct stream *s = &e->stream[from], *o = &e->stream[side_other(from)];

	if (!syn_fits(e, from, p->seq + 1)) {
		count(t->counters, COUNT_STREAM_OUTSIDE);
		return;
	}
	if (s->flags & STREAM_SYN) {
		count(t->counters, COUNT_STREAM_RETRANSMITTED);
		e->flow.stats.retransmits[from]++;
		rtt_sent_again(e, from);
	} else {
		if (!(s->flags & STREAM_STARTED) || s->start != p->seq + 1)
			stream_start(t, e, from, p->seq + 1);
		s->flags |= STREAM_SYN;
		if (!has_ack(p) && from == CLIENT)
			e->flow.stats.syn_at = p->when;
	}
	if (has_ack(p)) {
		if (!(o->flags & STREAM_STARTED))
			stream_start(t, e, side_other(from), p->ack);
		rtt_acked(e, from, p->ack, p->when);
	}
	rtt_sent(e, from, p->seq + 1, p->when);
}

/* ---- Validity ---- */

/* Where this packet stands in its stream; false when it cannot belong there. */
static bool place(struct flow_table *t, struct entry *e, enum side from, uint32_t seq, uint32_t len,
		  int64_t *at)
{
	struct stream *s = &e->stream[from];
	int64_t offset;

	if (!(s->flags & (STREAM_STARTED | STREAM_TOP))) {
		s->start = seq - FAR_BACK;
		s->top = seq;
		s->flags |= STREAM_TOP;
	}
	offset = stream_offset(s, seq);
	uint64_t known = stream_acked(e, from);
	uint64_t top = (uint64_t)stream_offset(s, s->top);

	if (top > known && (int64_t)top > 0)
		known = top;
	if (s->flags & STREAM_STARTED ? offset >= (int64_t)s->next - WINDOW_MAX &&
						offset <= (int64_t)known + WINDOW_MAX
				      : offset >= 0 && offset <= (int64_t)known + WINDOW_MAX) {
		*at = offset;
		return true;
	}
	count(t->counters, COUNT_STREAM_OUTSIDE);
	if (len == 0)
		return false;
	struct rest *r = table_rest(t, e);

	r->outside[from] = r->outside_seq[from] == seq ? (uint8_t)(r->outside[from] + 1) : 1;
	r->outside_seq[from] = seq + len;
	r->outside_at = t->clock;
	if (r->outside[from] < OUTSIDE_IN_SEQUENCE || !(s->flags & STREAM_STARTED) ||
	    s->flags & (STREAM_ENDED | STREAM_FIN))
		return false;
	/* So much was lost that nothing tells how much: the distance in sequence numbers. */
	r->outside[from] = 0;
	held_clear(&r->held[from], t->quota);
	stream_lost(t, e, from, seq - stream_next_seq(s), t->now);
	*at = (int64_t)s->next;
	return true;
}

/* An ACK of what cannot have been sent says nothing. */
static bool ack_fits(const struct entry *e, enum side from, const struct packet *p)
{
	const struct stream *o = &e->stream[side_other(from)];
	int64_t at;

	if (!has_ack(p))
		return false;
	if (!(o->flags & STREAM_STARTED))
		return !(o->flags & STREAM_TOP) || p->ack - o->start < FAR_BACK + WINDOW_MAX;
	at = stream_offset(o, p->ack);
	int64_t top = stream_offset(o, o->top);

	return at <= (top > (int64_t)o->next ? top : (int64_t)o->next) + WINDOW_MAX;
}

/* ---- Acknowledgements ---- */

static void take_sack(struct flow_table *t, struct entry *e, enum side d, const struct packet *p)
{
	const struct stream *s = &e->stream[d];

	if (!(s->flags & STREAM_STARTED))
		return;
	for (unsigned i = 0; i < p->sacks && i < SACK_MAX; i++) {
		int64_t from = stream_offset(s, p->sack[i].from);
		int64_t to = stream_offset(s, p->sack[i].to);

		if (from > (int64_t)s->next || to <= (int64_t)s->next ||
		    to - (int64_t)s->next > WINDOW_MAX)
			continue;
		struct rest *r = table_rest(t, e);

		if ((uint64_t)to > r->sacked[d])
			r->sacked[d] = (uint64_t)to;
		if (r->acked_at[d] == 0)
			r->acked_at[d] = t->clock;
	}
}

static void take_ack(struct flow_table *t, struct entry *e, enum side from, const struct packet *p)
{
	enum side d = side_other(from);
	struct stream *o = &e->stream[d];
	const struct stream *s = &e->stream[from];

	rtt_acked(e, from, p->ack, p->when);
	if (!(o->flags & (STREAM_STARTED | STREAM_TOP))) {
		struct rest *r = table_rest(t, e);

		if (!r->has_first_ack[d] || (int32_t)(p->ack - r->first_ack[d]) < 0)
			r->first_ack[d] = p->ack;
		r->has_first_ack[d] = true;
	}
	if (!(o->flags & STREAM_ACKED) || (int32_t)(p->ack - o->acked) > 0)
		o->acked = p->ack;
	o->flags |= STREAM_ACKED;
	if (from == CLIENT && e->flow.stats.connect == 0 && e->flow.stats.syn_at != 0 &&
	    o->flags & STREAM_SYN && s->flags & STREAM_SYN && p->ack == o->start)
		e->flow.stats.connect = span(e->flow.stats.syn_at, p->when);
	if (stream_acked(e, d) > o->next && !(o->flags & STREAM_PHANTOM)) {
		struct rest *r = table_rest(t, e);

		if (r->acked_at[d] == 0)
			r->acked_at[d] = t->clock;
	} else if (e->rest != NULL) {
		e->rest->acked_at[d] = 0;
	}
	take_sack(t, e, d, p);
}

/* ---- Bytes ---- */

static void count_found(struct flow_table *t, struct entry *e, enum side from, uint64_t added,
			uint64_t repeated, bool differs)
{
	if (repeated == 0)
		return;
	e->flow.stats.retransmits[from]++;
	rtt_sent_again(e, from);
	if (added > 0 || differs)
		count_n(t->counters, COUNT_STREAM_OVERLAP, repeated);
	else
		count(t->counters, COUNT_STREAM_RETRANSMITTED);
}

static void hold(struct flow_table *t, struct entry *e, enum side from, const struct segment *s,
		 uint64_t repeated)
{
	struct rest *r = table_rest(t, e);
	struct stream *stream = &e->stream[from];
	struct held_found found = held_put(&r->held[from], t->quota, s);
	bool started = (stream->flags & STREAM_STARTED) != 0;

	count_found(t, e, from, found.added, repeated + found.repeated, found.differs);
	if (found.added > 0) {
		count(t->counters, COUNT_STREAM_REORDERED);
		if (started && s->at > stream->next)
			e->flow.stats.out_of_order[from]++;
	}
	if (!started && r->held[from].bytes > START_HELD_MAX)
		order_begin(t, e);
	for (;;) {
		r = e->rest;
		if (e->class == CLASS_CLOSED || r == NULL || r->held[from].count == 0 ||
		    !(r->held[from].bytes > (size_t)t->conf->held_bytes_max ||
		      quota_over(t->quota)))
			break;
		count(t->counters, COUNT_STREAM_HELD_LIMIT);
		order_force(t, e, from);
	}
}

/* A segment that fills a hole long after it was noticed has been sent again. */
static void count_filled(const struct flow_table *t, struct entry *e, enum side from)
{
	struct front f = stream_front(e, from);

	if (!f.present || f.is_fin || f.at <= e->stream[from].next)
		return;
	if (t->clock - f.came > REORDER_NS) {
		e->flow.stats.retransmits[from]++;
		rtt_sent_again(e, from);
	}
}

static void absorb(struct flow_table *t, struct entry *e, enum side from, struct segment *s)
{
	struct stream *stream = &e->stream[from];
	uint64_t repeated = 0;
	struct front f;

	if (stream->flags & STREAM_STARTED && s->at < stream->next) {
		uint64_t end = segment_end(s);

		repeated = (end < stream->next ? end : stream->next) - s->at;
		segment_skip(s, repeated);
	}
	if (stream->flags & STREAM_ENDED)
		segment_trim(s, stream->next);
	else if (stream->flags & STREAM_FIN)
		segment_trim(s, e->rest->fin[from].at);
	if (segment_end(s) == s->at) {
		count_found(t, e, from, 0, repeated, false);
		return;
	}
	f = stream_front(e, from);
	if (!(stream->flags & STREAM_STARTED) || s->at != stream->next ||
	    !order_met(e, from, s->has_ack, s->ack) || (f.present && f.at < segment_end(s))) {
		if (s->at == stream->next)
			count_filled(t, e, from);
		hold(t, e, from, s, repeated);
		return;
	}
	count_filled(t, e, from);
	count_found(t, e, from, 1, repeated, false);
	stream_give(t, e, from, s);
}

static void take_fin(struct flow_table *t, struct entry *e, enum side from, uint64_t at,
		     const struct packet *p, bool acks)
{
	struct stream *s = &e->stream[from];

	if (s->flags & (STREAM_ENDED | STREAM_FIN))
		return;
	if (s->flags & STREAM_STARTED && at < s->next)
		return;
	if (e->rest == NULL && s->flags & STREAM_STARTED && at == s->next &&
	    order_met(e, from, acks, p->ack)) {
		order_end(t, e, from, p->when);
		return;
	}
	struct rest *r = table_rest(t, e);

	r->fin[from] = (struct mark){
		.at = at, .when = p->when, .came = t->clock, .ack = p->ack, .has_ack = acks};
	s->flags |= STREAM_FIN;
}

/* ---- RST ---- */

static bool rst_fits(const struct entry *e, enum side from, const struct packet *p)
{
	const struct stream *s = &e->stream[from], *o = &e->stream[side_other(from)];

	if (s->flags & STREAM_STARTED) {
		int64_t at = stream_offset(s, p->seq), next = (int64_t)s->next;
		int64_t acked = s->flags & STREAM_ACKED ? stream_offset(s, s->acked) : next;
		int64_t low = acked < next ? acked : next, high = acked > next ? acked : next;
		int64_t top = s->flags & STREAM_TOP ? stream_offset(s, s->top) : next;

		return at >= low - 1 && at <= (top > high ? top : high) + RST_WINDOW;
	}
	/* The answer to a SYN: nobody listens there. */
	if (o->flags & STREAM_SYN)
		return has_ack(p) && p->ack - o->start <= o->top - o->start;
	if (s->flags & STREAM_TOP)
		return p->seq - s->top + RST_WINDOW <= 2 * RST_WINDOW;
	return true;
}

static void take_rst(struct flow_table *t, struct entry *e, enum side from, const struct packet *p)
{
	struct stream *s = &e->stream[from];

	if (!rst_fits(e, from, p)) {
		count(t->counters, COUNT_STREAM_OUTSIDE);
		return;
	}
	bool acks = ack_fits(e, from, p);

	if (e->flow.ignored || !(s->flags & (STREAM_STARTED | STREAM_TOP))) {
		table_close(t, e, FLOW_RST, p->when);
		return;
	}
	if (e->rest == NULL && stream_offset(s, p->seq) <= (int64_t)stream_expects(s) &&
	    order_met(e, from, acks, p->ack)) {
		table_close(t, e, FLOW_RST, p->when);
		return;
	}
	struct rest *r = table_rest(t, e);

	if (!r->has_rst) {
		int64_t at = stream_offset(s, p->seq);

		r->has_rst = true;
		r->rst_side = (uint8_t)from;
		r->rst = (struct mark){.at = at > 0 ? (uint64_t)at : 0,
				       .when = p->when,
				       .came = t->clock,
				       .ack = p->ack,
				       .has_ack = acks};
	}
	order_pump(t, e);
}

/* ---- A packet ---- */

/* Past the handshake: bytes, or packets of both sides. */
static bool is_established(const struct entry *e, const struct packet *p)
{
	return !(p->flags & (TCP_SYN | TCP_RST)) &&
	       (p->payload_bytes > 0 ||
		(e->flow.stats.packets[CLIENT] > 0 && e->flow.stats.packets[SERVER] > 0));
}

/* Nobody wants the bytes; only how it ends is of interest. */
static void pass_over(struct flow_table *t, struct entry *e, enum side from, const struct packet *p)
{
	if (p->flags & TCP_FIN)
		e->stream[from].flags |= STREAM_ENDED;
	if (e->stream[CLIENT].flags & e->stream[SERVER].flags & STREAM_ENDED)
		table_close(t, e, FLOW_FIN, p->when);
}

/* A probe repeats the last byte, or none, to be answered; the other side has it already. */
static bool is_keepalive(const struct entry *e, enum side from, const struct packet *p)
{
	const struct stream *s = &e->stream[from];

	return p->payload_bytes <= 1 && !(p->flags & (TCP_SYN | TCP_FIN)) &&
	       s->flags & STREAM_STARTED && s->flags & STREAM_ACKED &&
	       p->seq + 1 == stream_next_seq(s) && s->acked == stream_next_seq(s);
}

static void note_top(struct stream *s, uint32_t end)
{
	if (!(s->flags & STREAM_TOP) || (int32_t)(end - s->top) > 0)
		s->top = end;
	s->flags |= STREAM_TOP;
}

/* What comes late for another reason cannot be told from what is sent again. */
static bool is_again(const struct stream *s, uint32_t seq)
{
	return (s->flags & STREAM_TOP && (int32_t)(seq - s->top) < 0) ||
	       (s->flags & STREAM_ACKED && (int32_t)(seq - s->acked) < 0);
}

static void take_bytes(struct flow_table *t, struct entry *e, enum side from,
		       const struct packet *p, uint32_t seq, bool acks)
{
	struct stream *s = &e->stream[from];
	uint32_t cut =
		p->payload_bytes > p->payload.len ? p->payload_bytes - (uint32_t)p->payload.len : 0;
	struct segment segment = {.bytes = p->payload,
				  .cut = cut < PAYLOAD_MAX ? cut : 0,
				  .ack = p->ack,
				  .has_ack = acks,
				  .when = p->when,
				  .came = t->clock};
	uint32_t len = (uint32_t)segment.bytes.len + segment.cut;
	int64_t at;

	if (!place(t, e, from, seq, len, &at) || at + len < 0)
		return;
	if (at < 0) { /* what lies before the stream's start is not part of it */
		segment_skip(&segment, (uint64_t)-at);
		at = 0;
	}
	segment.at = (uint64_t)at;
	uint64_t end = segment_end(&segment);

	segment.again = is_again(s, seq);
	note_top(s, seq + len);
	if (len > 0) {
		if (s->flags & STREAM_STARTED && segment.at == s->next && e->rest == NULL)
			rtt_sent(e, from, seq + len, p->when);
		absorb(t, e, from, &segment);
	}
	if (p->flags & TCP_FIN && e->class != CLASS_CLOSED)
		take_fin(t, e, from, end, p, acks);
}

static void await_begin(struct flow_table *t, struct entry *e)
{
	for (int d = 0; d < 2; d++) {
		const struct stream *s = &e->stream[d];

		if (s->flags & STREAM_STARTED || !(s->flags & (STREAM_TOP | STREAM_ACKED)))
			continue;
		struct rest *r = table_rest(t, e);

		if (r->begin_at == 0)
			r->begin_at = t->clock + t->conf->gap_timeout;
	}
}

static void push_slowly(struct flow_table *t, struct entry *e, uint32_t index, enum side from,
			const struct packet *p)
{
	if (e->class == CLASS_CLOSED)
		return;
	if (e->class == CLASS_HALF_OPEN && is_established(e, p)) {
		idle_remove(t, e, index);
		idle_add(t, e, index, CLASS_TCP);
	}
	if (p->flags & TCP_RST) {
		take_rst(t, e, from, p);
		return;
	}
	if (e->flow.ignored) {
		pass_over(t, e, from, p);
		return;
	}
	uint32_t seq = p->seq;

	if (p->flags & TCP_SYN) {
		take_syn(t, e, from, p);
		seq++;
		if (!(e->stream[from].flags & STREAM_STARTED) || (e->stream[from].start != seq))
			return;
	} else if (is_keepalive(e, from, p)) {
		count(t->counters, COUNT_STREAM_KEEPALIVE);
		return;
	}
	if (p->window == 0)
		count(t->counters, COUNT_STREAM_ZERO_WINDOW);
	bool acks = ack_fits(e, from, p);

	take_bytes(t, e, from, p, seq, acks);
	if (e->class == CLASS_CLOSED)
		return;
	if (acks)
		take_ack(t, e, from, p);
	await_begin(t, e);
	order_pump(t, e);
	order_settle(t, e);
}

/* The ordinary packet: a segment or an ACK of a conversation that is in order. */
static bool push_in_order(struct flow_table *t, struct entry *e, enum side from,
			  const struct packet *p)
{
	struct stream *s = &e->stream[from], *o = &e->stream[side_other(from)];
	uint32_t seq = stream_next_seq(s), behind = stream_next_seq(o) - p->ack;

	if ((p->flags & ~TCP_PSH) != TCP_ACK || e->rest != NULL || e->flow.ignored ||
	    !((s->flags & o->flags) & STREAM_STARTED) || (s->flags | o->flags) & STREAM_ENDED ||
	    p->seq != seq || s->top != seq || (int32_t)behind < 0 || p->window == 0 ||
	    p->payload.len < p->payload_bytes || e->class != CLASS_TCP)
		return false;
	rtt_acked(e, from, p->ack, p->when);
	if (!(o->flags & STREAM_ACKED) || (int32_t)(p->ack - o->acked) > 0)
		o->acked = p->ack;
	o->flags |= STREAM_ACKED;
	if (p->payload.len == 0)
		return true;
	struct piece piece = {.bytes = p->payload,
			      .when = p->when,
			      .peer_at = behind < o->next ? o->next - behind : 0};

	s->next += p->payload.len;
	s->top = seq + (uint32_t)p->payload.len;
	s->flags = (uint8_t)((s->flags & ~STREAM_PHANTOM) | STREAM_TOP);
	rtt_sent(e, from, s->top, p->when);
	t->sink->data(t->self, &e->flow, from, &piece);
	return true;
}

void tcp_push(struct flow_table *t, struct entry *e, uint32_t index, enum side from,
	      const struct packet *p)
{
	if (!push_in_order(t, e, from, p))
		push_slowly(t, e, index, from, p);
}
