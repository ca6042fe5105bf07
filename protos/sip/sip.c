/*
 * SIP: framing, and the protocol's table.
 *
 * A message is taken whole, head and body, since both are short; a body beyond BODY_MAX is passed
 * over in pieces.
 *
 * Source   RFC 3261 7.5, 18.3 (framing); RFC 5626 4.4.1 (keep-alives)
 * Errors   STEP_ALIEN: not a SIP start line, or a head longer than SIP_HEAD_MAX
 * Thread   the conversation's own
 */
#include "protos/sip/sip.h"
#include "protos/sip/call.h"
#include "protos/sip/fields.h"

#include <stdio.h>

enum { BODY_MAX = 64 << 10 };

static const struct option sip_options[] = {
	{"parse_authorization", OPTION_BOOL, offsetof(struct sip_conf, parse_authorization), "true",
	 .help = "Show realm, user name, algorithm and URI of digest credentials (sip.auth)."},
	{"parse_body", OPTION_BOOL, offsetof(struct sip_conf, parse_body), "true",
	 .help = "Read session descriptions (sip.sdp)."},
	{"calls", OPTION_BOOL, offsetof(struct sip_conf, calls), "true",
	 .help = "Write a document for each call (type: sip_call)."},
	{"registrations", OPTION_BOOL, offsetof(struct sip_conf, registrations), "true",
	 .help = "Write a document for each registration (type: sip_registration)."},
	{"calls_max", OPTION_INT, offsetof(struct sip_conf, calls_max), "50000", .min = 1,
	 .max = 10000000, .unit = "calls",
	 .help = "Calls in progress at a time; at more, the oldest is written early."},
	{"registrations_max", OPTION_INT, offsetof(struct sip_conf, registrations_max), "50000",
	 .min = 1, .max = 10000000, .unit = "registrations",
	 .help = "Registrations whose expiry is watched at a time; at more, the oldest is let go."},
	{"call_interval", OPTION_DURATION, offsetof(struct sip_conf, call_interval), "1m",
	 .min = NS_PER_S, .max = INT64_MAX / 4, .help = "How often a call in progress is written."},
	{"call_timeout", OPTION_DURATION, offsetof(struct sip_conf, call_timeout), "4h",
	 .min = NS_PER_S, .max = INT64_MAX / 4,
	 .help = "How long an answered call may go without a message before it is taken for lost."},
	{0},
};

/* By bit: first the faults, in their order. */
static const char *const sip_notes[] = {
	"malformed start line",
	"missing header",
	"repeated header",
	"malformed header",
	"wrong length",
	"other method in CSeq",
	"behind another in its datagram",
	"no ACK",
	"no magic cookie",
	"list cut",
	"no INVITE",
	NULL,
};

struct sip_world *sip_world_of(const struct conn *conn)
{
	struct world *world = conn_world(conn);
	struct sip_world *w = world_self(world);

	if (w->open)
		return w;
	w->open = true;
	w->world = world;
	w->txns.quota = w->txns_by_call.quota = world_quota(world);
	w->calls.quota = w->bindings.quota = world_quota(world);
	buf_init(&w->unfolded, world_quota(world));
	buf_init(&w->packed, world_quota(world));
	wheel_init(&w->wheel);
	return w;
}

/* ---- Packet time ---- */

static void finish(struct sip_world *w)
{
	call_finish(w);
}

/* Another capture, by its time: what is of the one before ends. */
static void begin_anew(struct sip_world *w, nsec now)
{
	nsec back;

	if (__builtin_sub_overflow(w->wheel.now, now, &back) || back <= TIME_BACK_MAX)
		return;
	finish(w);
	wheel_back(&w->wheel, now);
}

static void sip_tick(struct world *world, nsec now)
{
	struct sip_world *w = world_self(world);

	if (!w->open)
		return;
	begin_anew(w, now);
	wheel_turn(&w->wheel, now, w);
}

static void sip_finish(struct world *world)
{
	struct sip_world *w = world_self(world);

	if (w->open)
		finish(w);
}

static bool sip_shrink(struct world *world)
{
	struct sip_world *w = world_self(world);

	return w->open && (call_shrink(w) || registration_shrink(w));
}

static void sip_leave(struct world *world)
{
	struct sip_world *w = world_self(world);

	if (!w->open)
		return;
	call_leave(w);
	index_fini(&w->txns);
	index_fini(&w->txns_by_call);
	index_fini(&w->calls);
	index_fini(&w->bindings);
	buf_fini(&w->unfolded);
	buf_fini(&w->packed);
}

/* ---- Messages ---- */

static enum guess sip_start(struct bytes b, enum side from)
{
	int looks = sip_looks_like(b);

	(void)from;
	return looks < 0 ? GUESS_MAYBE : looks ? GUESS_YES : GUESS_NO;
}

/* How much of the bytes behind the head is its body. False: it is not all there yet. */
static bool body_of(struct conn *conn, struct sip_message *m, struct bytes *rest, uint64_t *left)
{
	uint64_t n = m->length >= 0 ? (uint64_t)m->length : 0;

	*left = 0;
	if (conn_is_datagram(conn)) {
		/* Without a length the body ends with the datagram. */
		if (m->length < 0)
			return true;
		if (n > rest->len)
			m->faults |= SIP_FAULT_LENGTH;
		*rest = bytes_head(*rest, n);
		return true;
	}
	if (m->length == -1)
		m->faults |= SIP_FAULT_LENGTH; /* without one, nobody can tell where it ends */
	if (n > BODY_MAX) {
		*left = n;
		*rest = NO_BYTES;
		return true;
	}
	if (rest->len < n)
		return false;
	*rest = bytes_head(*rest, n);
	return true;
}

static bool is_blank(uint8_t c)
{
	return c == '\r' || c == '\n' || c == 0;
}

/* Line ends between messages keep ways through NATs open. */
static bool skip_blank(struct cursor *c)
{
	struct bytes b = cursor_rest(c);
	size_t n = 0;

	while (n < b.len && is_blank(b.at[n]))
		n++;
	cursor_take(c, n);
	return n > 0;
}

/* `sdp` is where a session description goes. */
static void handle(struct sip_seen *s, uint64_t left, struct sdp *sdp)
{
	const struct sip_message *m = s->m;

	txn_name(s);
	index_fetch(&s->w->calls, s->id, 0, sizeof(struct call));
	s->when = conn_begin_time(s->conn);
	s->has_sdp = s->body.len > 0 && sdp_is_type(sip_one(m, s->head, SIP_CONTENT_TYPE));
	if (s->has_sdp && sip_conf_of(s->w)->parse_body && sdp_read(sdp, s->body))
		s->sdp = sdp;
	begin_anew(s->w, s->when);
	bool begun = txn_message(s);

	call_message(s);
	if (!begun)
		return;
	if (!m->request && m->code < 200 && s->txn->by_key.linked)
		exchange_again(s->conn, s->from);
	else if (left == 0 || s->txn->x->conn != s->conn)
		exchange_end(s->conn, s->from);
}

/* Reads the head at the front of s->head, which then is that head alone, unfolded. */
static bool read_head(struct sip_seen *s, struct sip_message *m)
{
	struct buf *b = &s->w->unfolded;
	size_t n;

	s->head = bytes_head(s->head, SIP_HEAD_MAX + 1);
	if (!sip_message_begin(m, s->head))
		return false;
	if (m->folded) {
		n = sip_head_end(s->head, 0);
		s->head = n ? bytes_head(s->head, n) : s->head;
		b->len = 0;
		sip_head_unfold(s->head, buf_room(b, s->head.len));
		b->len = s->head.len;
		s->head = buf_bytes(b);
		if (!sip_message_begin(m, s->head) || m->folded)
			return false;
	}
	/* Its call comes near while the rest is read. */
	s->id = name_of(sip_one(m, s->head, SIP_CALL_ID));
	index_fetch_slot(&s->w->calls, s->id);
	sip_message_finish(m, s->head);
	s->head = bytes_head(s->head, m->head_len);
	return true;
}

static enum step pass(struct conn *conn, enum side from, struct sip_side *side, struct cursor *c)
{
	side->left -= cursor_upto(c, side->left).len;
	if (side->left == 0 && exchange_of(conn, from))
		exchange_end(conn, from);
	return STEP_DONE;
}

static enum step sip_unit(struct conn *conn, enum side from, struct cursor *c)
{
	struct sip_side *side = conn_side(conn, from);
	struct sip_message m;
	uint64_t left;

	if (side->left > 0)
		return pass(conn, from, side, c);
	if (skip_blank(c))
		return STEP_DONE;
	struct bytes all = cursor_rest(c);

	if (all.len < side->want)
		return STEP_MORE;
	struct sip_seen s = {
		.w = sip_world_of(conn), .conn = conn, .from = from, .m = &m, .head = all};
	struct bytes rest;
	struct sdp sdp;

	if (!conn_is_datagram(conn)) {
		size_t n = sip_head_end(all, side->looked);

		if (n == 0) {
			side->looked = all.len > 2 ? all.len - 2 : 0;
			return all.len > SIP_HEAD_MAX || sip_looks_like(all) == 0 ? STEP_ALIEN
										  : STEP_MORE;
		}
		s.head = bytes_head(all, n);
	}
	if (!read_head(&s, &m))
		return STEP_ALIEN;
	rest = bytes_skip(all, s.head.len);
	if (!body_of(conn, &m, &rest, &left)) {
		side->want = s.head.len + (size_t)m.length;
		return STEP_MORE;
	}
	if (side->seen && conn_is_datagram(conn))
		m.faults |= SIP_FAULT_BEHIND;
	side->seen = true;
	side->looked = side->want = 0;
	side->left = left;
	cursor_take(c, s.head.len + rest.len);
	s.body = rest;
	handle(&s, left, &sdp);
	return STEP_DONE;
}

static enum step sip_lost(struct conn *conn, enum side from, uint64_t n)
{
	struct sip_side *side = conn_side(conn, from);

	if (n > side->left) {
		call_lost(sip_world_of(conn), conn_ends(conn), conn_end_time(conn));
		return STEP_ALIEN;
	}
	side->left -= n;
	if (side->left == 0 && exchange_of(conn, from))
		exchange_end(conn, from);
	return STEP_DONE;
}

const struct proto proto_sip = {
	.name = "sip",
	.ports = {5060},
	.transports = PROTO_TCP | PROTO_UDP,
	.match = MATCH_KEY,
	.side_size = sizeof(struct sip_side),
	.exchange_size = sizeof(struct sip_txn),
	.world_size = sizeof(struct sip_world),
	.conf_size = sizeof(struct sip_conf),
	.options = sip_options,
	.fields = sip_fields,
	.notes = sip_notes,
	.start = sip_start,
	.unit = sip_unit,
	.lost = sip_lost,
	.settle = sip_settle,
	.write = sip_write,
	.forget = txn_forget,
	.tick = sip_tick,
	.finish = sip_finish,
	.shrink = sip_shrink,
	.leave = sip_leave,
};
