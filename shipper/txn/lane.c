/*
 * Lanes: bytes to units, once for all protocols; losses and the way back.
 *
 * After a loss both directions have lost their place together. Reading resumes at the first client
 * bytes, after the server has spoken, that `start` recognizes; server bytes whose sender had not
 * seen these yet are passed over, and the first behind them must look like an answer. Neither may
 * be bytes that were perhaps sent again: how old these are cannot be told.
 */
#include "shipper/base/must.h"
#include "shipper/txn/engine.h"

static void count_aliens(struct conn *conn)
{
	count(conn->engine->counters, COUNT_LANE_ALIEN);
	if (++conn->aliens >= ALIENS_MAX) {
		count(conn->engine->counters, COUNT_LANE_GIVEN_UP);
		conn->state = CONN_PASSING;
	}
}

static void drop_kept(struct conn *conn, enum side from)
{
	struct lane *lane = &conn->lane[from];

	count_n(conn->engine->counters, COUNT_LANE_SKIPPED, lane->kept.len);
	lane->offset += lane->kept.len;
	lane->mark_count = 0;
	buf_fini(&lane->kept);
}

/* Both directions lose their place; open exchanges go out marked. */
void conn_lose(struct conn *conn, enum note note)
{
	exchange_cut_all(conn, note);
	drop_kept(conn, CLIENT);
	drop_kept(conn, SERVER);
	if (conn->class->proto->lose)
		conn->class->proto->lose(conn);
	memset(conn->lane[CLIENT].state, 0, conn->class->proto->side_size);
	memset(conn->lane[SERVER].state, 0, conn->class->proto->side_size);
	for (int from = CLIENT; from <= SERVER; from++)
		conn->lane[from].ending = conn->lane[from].again = false;
	conn->passing = conn->doubted = conn->answered = false;
	conn->done_asked = 0;
	conn->fresh = false;
	conn->server_spoke = false;
	conn->spoke_at = conn->last.when;
	if (conn->state == CONN_READING)
		conn->state = CONN_LOST;
}

/* ---- Marks ---- */

static void mark_add(struct lane *lane, struct quota *quota, struct mark m)
{
	const struct mark *last = lane->mark_count ? &lane->marks[lane->mark_count - 1] : NULL;

	if (lane->marks == NULL) {
		lane->marks = must_alloc(MARKS_BYTES);
		quota_take(quota, MARKS_BYTES);
	}
	if (last && last->when == m.when && last->peer_at == m.peer_at)
		return;
	if (lane->mark_count == MARKS_MAX) {
		/* Bytes of a packet in the middle are taken for the one before it: the first
		 * and the last are what documents show. */
		memmove(&lane->marks[MARKS_MAX / 2], &lane->marks[MARKS_MAX / 2 + 1],
			(MARKS_MAX / 2 - 1) * sizeof(m));
		lane->mark_count--;
	}
	lane->marks[lane->mark_count++] = m;
}

/* The packet that holds the byte at this offset. */
static struct mark mark_at(const struct lane *lane, uint64_t offset)
{
	unsigned i = lane->mark_count - 1;

	while (i > 0 && lane->marks[i].offset > offset)
		i--;
	return lane->marks[i];
}

/* The packet of the last of n bytes, with the latest time of all that hold one: a part that was
 * sent again may have come after what follows it. */
static struct mark last_mark(const struct lane *lane, size_t n)
{
	struct mark last = mark_at(lane, lane->offset + n - 1);

	for (unsigned i = 0; i < lane->mark_count && lane->marks[i].offset < last.offset; i++)
		if (lane->marks[i].when > last.when)
			last.when = lane->marks[i].when;
	return last;
}

/* Forgets the packets before the one that holds lane->offset. */
static void marks_trim(struct lane *lane)
{
	unsigned n = 0;

	while (n + 1 < lane->mark_count && lane->marks[n + 1].offset <= lane->offset)
		n++;
	if (n == 0)
		return;
	lane->mark_count -= n;
	memmove(lane->marks, lane->marks + n, lane->mark_count * sizeof(lane->marks[0]));
}

/* ---- Units ---- */

static void pass(struct conn *conn)
{
	struct exchange *x;

	conn->passing = false;
	conn->state = CONN_PASSING;
	while ((x = conn->oldest)) {
		for (int role = CLIENT; role <= SERVER; role++)
			x->ended[role] = x->whole[role] = x->begun[role];
		exchange_cut_off(conn, x, 0);
	}
}

/* A datagram that is not the protocol says nothing of the others. */
static void alien(struct conn *conn, enum side from)
{
	if (!conn->datagrams) {
		conn_lose(conn, NOTE_ALIEN);
		count_aliens(conn);
		return;
	}
	count(conn->engine->counters, COUNT_LANE_ALIEN);
	if (conn->lane[from].current)
		exchange_cut_off(conn, conn->lane[from].current, NOTE_ALIEN);
}

/* Where keys pair them, the oldest can go alone. */
static bool let_oldest_go(struct conn *conn)
{
	struct exchange *x = conn->oldest;

	if (conn->class->proto->match != MATCH_KEY || x == conn->lane[CLIENT].current ||
	    x == conn->lane[SERVER].current)
		return false;
	if (!x->settled)
		count(conn->engine->counters, COUNT_EXCHANGES_LIMIT);
	exchange_close(x, x->settled ? 0 : NOTE_LIMIT);
	return true;
}

/* Offers the unit what there is, until it wants more; returns how many bytes are done with.
 * `direct` is the packet that all of them lie in, NULL when they are the lane's kept ones. */
static size_t run(struct conn *conn, enum side from, struct bytes b, const struct mark *direct)
{
	struct lane *lane = &conn->lane[from];
	const struct proto *proto = conn->class->proto;
	size_t used = 0;

	while (used < b.len && conn->state == CONN_READING) {
		struct cursor c = cursor_of(bytes_skip(b, used));

		conn->first = direct ? *direct : mark_at(lane, lane->offset);
		enum step step = proto->unit(conn, from, &c);

		if (step == STEP_MORE)
			break;
		if (step == STEP_ALIEN) {
			alien(conn, from);
			break;
		}
		size_t n = cursor_used(&c);

		must(n > 0 || lane->ending || conn->done_asked > 0);
		if (n > 0)
			conn->last = direct ? *direct : last_mark(lane, n);
		exchange_commit(conn, from, n);
		used += n;
		if (conn->passing) {
			pass(conn);
		} else if (conn->doubted) {
			conn_lose(conn, NOTE_RESYNC);
		} else if (conn->open > (uint64_t)conn->engine->conf->exchanges_max &&
			   !let_oldest_go(conn)) {
			count_n(conn->engine->counters, COUNT_EXCHANGES_LIMIT, conn->open);
			conn_lose(conn, NOTE_LIMIT);
		}
	}
	return used;
}

static void keep(struct conn *conn, enum side from, struct bytes b, const struct mark *m)
{
	struct lane *lane = &conn->lane[from];

	if (b.len == 0)
		return;
	mark_add(lane, conn->engine->quota, *m);
	buf_add(&lane->kept, b);
}

static void run_kept(struct conn *conn, enum side from)
{
	struct lane *lane = &conn->lane[from];
	uint64_t end = lane->offset + lane->kept.len;
	size_t used = run(conn, from, buf_bytes(&lane->kept), NULL);

	if (conn->state != CONN_READING || lane->offset == end) {
		lane->mark_count = 0;
		buf_fini(&lane->kept);
		lane->offset = end;
		return;
	}
	buf_drop(&lane->kept, used);
	marks_trim(lane);
}

static void feed(struct conn *conn, enum side from, struct bytes b, const struct mark *m)
{
	struct lane *lane = &conn->lane[from];
	uint64_t end = m->offset + b.len;

	if (lane->kept.len > 0) {
		keep(conn, from, b, m);
		run_kept(conn, from);
	} else {
		keep(conn, from, bytes_skip(b, run(conn, from, b, m)), m);
	}
	if (conn->state != CONN_READING) {
		drop_kept(conn, from);
		lane->offset = end;
	} else if (lane->kept.len > (uint64_t)conn->engine->conf->unparsed_bytes_max) {
		count(conn->engine->counters, COUNT_LANE_LIMIT);
		conn_lose(conn, NOTE_LIMIT);
	}
}

/* ---- Where nothing is read yet, or no more ---- */

static void skip(struct conn *conn, enum side from, uint64_t n)
{
	conn->lane[from].offset += n;
	count_n(conn->engine->counters, COUNT_LANE_SKIPPED, n);
}

static void resume(struct conn *conn, enum side from)
{
	if (!conn->fresh) {
		count(conn->engine->counters, COUNT_LANE_RESYNC);
		conn->unsure = NOTE_RESYNC;
	}
	conn->fresh = false;
	conn->since_resync = 0;
	conn->state = CONN_READING;
	conn->server_checked = from == SERVER;
	conn->resumed_at = conn->lane[CLIENT].offset;
}

/* The client sent this before it had all that the server had sent: a part of what it says at one
 * go, and answers to earlier parts are still to come. */
static bool talks_on(const struct conn *conn, const struct mark *m)
{
	return conn->lane[CLIENT].kept.len == 0 && m->peer_at != PEER_UNKNOWN &&
	       m->peer_at < conn->lane[SERVER].offset;
}

/* See watch_window. */
static bool quiet(struct conn *conn, const struct mark *m)
{
	nsec since = m->when - conn->spoke_at;

	conn->spoke_at = m->when;
	return !conn->slides || since >= (nsec)QUIET_MS * NS_PER_MS;
}

static void seek(struct conn *conn, enum side from, const struct piece *piece, const struct mark *m)
{
	struct bytes b = piece->bytes;
	struct lane *lane = &conn->lane[from];
	bool was_quiet = quiet(conn, m) || lane->kept.len > 0;
	bool spoke = conn->server_spoke || (conn->fresh && !conn->hushed) || lane->kept.len > 0;
	enum guess wanted =
		from == CLIENT && conn->fresh && !conn->server_spoke ? GUESS_SURE : GUESS_YES;
	enum guess guess;

	if (from == SERVER) {
		conn->server_spoke = true;
		conn->hushed = false;
	}
	if (from == SERVER ? !conn->fresh
			   : !spoke || talks_on(conn, m) || !was_quiet || piece->again) {
		/* If it is new after all, its answer is still to come. */
		conn->server_spoke &= from == SERVER || !piece->again;
		drop_kept(conn, from);
		skip(conn, from, b.len);
		return;
	}
	if (from == CLIENT && conn->class->proto->pipelines)
		conn->server_spoke = false;
	keep(conn, from, b, m);
	guess = conn->class->proto->start(buf_bytes(&lane->kept), from);
	if (guess == GUESS_NO || (guess == GUESS_YES && wanted == GUESS_SURE) ||
	    lane->kept.len > (uint64_t)conn->engine->conf->unparsed_bytes_max) {
		drop_kept(conn, from);
		conn->hushed = from == CLIENT && conn->class->proto->pipelines;
	} else if (guess >= wanted) {
		resume(conn, from);
		run_kept(conn, from);
	}
}

/* After resuming at a question: what the server sent before it can have read it is skipped, and
 * what follows must look like an answer. False when these bytes are not to be read. */
static bool check_server(struct conn *conn, const struct piece *piece, const struct mark *m)
{
	struct bytes b = piece->bytes;
	struct lane *lane = &conn->lane[SERVER];
	enum guess guess;

	if (lane->kept.len == 0 && m->peer_at != PEER_UNKNOWN && m->peer_at <= conn->resumed_at) {
		skip(conn, SERVER, b.len);
		return false;
	}
	if (piece->again) {
		conn_lose(conn, NOTE_RESYNC);
		conn->server_spoke = true;
		skip(conn, SERVER, b.len);
		return false;
	}
	keep(conn, SERVER, b, m);
	guess = conn->class->proto->start(buf_bytes(&lane->kept), SERVER);
	if (guess == GUESS_NO) {
		conn_lose(conn, NOTE_ALIEN);
		conn->server_spoke = true;
		count_aliens(conn);
	} else if (guess >= GUESS_YES) {
		conn->server_checked = true;
		run_kept(conn, SERVER);
	}
	return false;
}

enum { DECIDE_BYTES_MAX = 2048, CACHE_LINE = 64 };

/* Which of the candidates it is; those whose port it is come first. */
static void decide(struct conn *conn)
{
	bool maybe = false;

	for (int pass_by_port = 1; pass_by_port >= 0; pass_by_port--) {
		for (unsigned i = 0; i < conn->engine->class_count; i++) {
			struct class *class = &conn->engine->classes[i];

			if (!(conn->candidates >> i & 1) ||
			    (int)(conn->by_port >> i & 1) != pass_by_port)
				continue;
			for (int from = CLIENT; from <= SERVER; from++) {
				struct bytes b = buf_bytes(&conn->lane[from].kept);
				/* A client that is silent may yet speak; a server that is, when
				 * its client's words are nobody's, has nothing to add. */
				enum guess guess = b.len ? class->proto->start(b, (enum side)from)
						   : from == CLIENT ? GUESS_MAYBE
								    : GUESS_NO;

				if (guess >= GUESS_YES) {
					conn_choose(conn, class);
					return;
				}
				maybe |= guess == GUESS_MAYBE;
			}
		}
	}
	if (!maybe || conn->lane[CLIENT].kept.len > DECIDE_BYTES_MAX ||
	    conn->lane[SERVER].kept.len > DECIDE_BYTES_MAX) {
		count(conn->engine->counters, COUNT_FLOWS_NOBODY);
		conn->state = CONN_PASSING;
	}
}

/* Of a conversation first seen in the middle. */
static bool may_resume(const struct conn *conn, enum side from)
{
	const struct proto *proto = conn->class->proto;

	return !proto->pipelines || from == SERVER ||
	       proto->start(buf_bytes(&conn->lane[CLIENT].kept), CLIENT) == GUESS_SURE;
}

static void undecided(struct conn *conn, enum side from, struct bytes b, const struct mark *m)
{
	keep(conn, from, b, m);
	decide(conn);
	if (conn->state == CONN_UNDECIDED)
		return;
	if (conn->state == CONN_LOST && may_resume(conn, from)) {
		resume(conn, from);
		conn->unsure = NOTE_MIDSTREAM;
		if (conn->class->proto->start(buf_bytes(&conn->lane[SERVER].kept), SERVER) <
		    GUESS_YES)
			drop_kept(conn, SERVER);
	}
	conn->server_checked = true;
	enum side first =
		conn->lane[CLIENT].kept.len && conn->lane[SERVER].kept.len &&
				conn->lane[SERVER].marks[0].when < conn->lane[CLIENT].marks[0].when
			? SERVER
			: CLIENT;

	for (int i = 0; i < 2; i++, first = side_other(first)) {
		if (conn->state == CONN_READING && conn->lane[first].kept.len > 0)
			run_kept(conn, first);
		else if (conn->state != CONN_READING)
			drop_kept(conn, first);
	}
}

/* ---- What the worker calls ---- */

void conn_data(struct conn *conn, enum side from, const struct piece *piece)
{
	struct lane *lane = &conn->lane[from];
	struct mark m = {lane->offset + lane->kept.len, piece->when, piece->peer_at,
			 ++lane->pieces};

	switch (conn->state) {
	case CONN_READING:
		if (from == CLIENT || conn->server_checked || check_server(conn, piece, &m))
			feed(conn, from, piece->bytes, &m);
		break;
	case CONN_LOST:
		seek(conn, from, piece, &m);
		break;
	case CONN_UNDECIDED:
		undecided(conn, from, piece->bytes, &m);
		break;
	case CONN_PASSING:
		lane->offset += piece->bytes.len;
		count_n(conn->engine->counters, COUNT_LANE_PASSED, piece->bytes.len);
		break;
	}
}

void conn_lost(struct conn *conn, enum side from, uint64_t n, nsec when)
{
	struct lane *lane = &conn->lane[from];

	if (conn->state == CONN_READING && conn->class->proto->lost) {
		uint64_t all = lane->kept.len + n;

		conn->first = conn->last =
			(struct mark){lane->offset, when, PEER_UNKNOWN, lane->pieces};
		if (conn->class->proto->lost(conn, from, all) == STEP_DONE) {
			if (lane->current)
				lane->current->notes |= NOTE_GAP;
			lane->mark_count = 0;
			buf_fini(&lane->kept);
			exchange_commit(conn, from, all);
			if (conn->passing)
				pass(conn);
			return;
		}
	}
	if (conn->state == CONN_READING) {
		/* Of a single answer, and nothing is half asked: the next question stands where one
		 * is expected. */
		bool in_place = from == SERVER && conn->open <= 1 &&
				conn->lane[CLIENT].current == NULL &&
				conn->lane[CLIENT].kept.len == 0;

		conn_lose(conn, NOTE_GAP);
		conn->server_spoke = in_place;
	} else {
		/* What follows may be the rest of what the client says at one go. */
		drop_kept(conn, from);
		conn->server_spoke &= from == SERVER;
	}
	if (conn->state == CONN_UNDECIDED)
		conn->fresh = true;
	lane->offset += n;
}

void conn_end(struct conn *conn, enum side from, nsec when)
{
	struct lane *lane = &conn->lane[from];
	struct exchange *x = lane->current;

	lane->ended = true;
	if (conn->state != CONN_READING)
		return;
	if (x && lane->kept.len == 0 && (x->until_close >> from & 1)) {
		conn->first = conn->last =
			(struct mark){lane->offset, when, PEER_UNKNOWN, lane->pieces};
		conn->last.when = x->end[exchange_role(x, from)];
		lane->ending = true;
		exchange_commit(conn, from, 0);
	}
	if (from == CLIENT)
		drop_kept(conn, CLIENT);
	else /* nothing will be answered any more */
		conn_lose(conn, NOTE_CLOSED);
}

void conn_fetch(const void *conn)
{
	for (size_t at = 0; at < offsetof(struct conn, community); at += CACHE_LINE)
		__builtin_prefetch((const char *)conn + at);
}

/* A datagram is a stream of one piece: its state begins anew, and nothing is kept of it. */
void conn_datagram(struct conn *conn, enum side from, const struct piece *piece, uint32_t cut_bytes)
{
	/* Last looked at with the datagram before, maybe seconds ago: all of it at once. */
	conn_fetch(conn);

	struct lane *lane = &conn->lane[from];
	struct mark m = {lane->offset, piece->when, PEER_UNKNOWN, ++lane->pieces};
	uint64_t end = lane->offset + piece->bytes.len + cut_bytes;

	if (conn->state == CONN_UNDECIDED) {
		keep(conn, from, piece->bytes, &m);
		decide(conn);
		drop_kept(conn, from);
		lane->offset = m.offset;
	}
	if (conn->state != CONN_READING) {
		lane->offset = end;
		return;
	}
	memset(lane->state, 0, conn->class->proto->side_size);
	size_t used = run(conn, from, piece->bytes, &m);

	if (conn->state == CONN_LOST)
		conn->state = CONN_READING;
	if (cut_bytes > 0 && used == piece->bytes.len && lane->current &&
	    conn->class->proto->lost &&
	    conn->class->proto->lost(conn, from, cut_bytes) == STEP_DONE) {
		lane->current->notes |= NOTE_GAP;
		exchange_commit(conn, from, cut_bytes);
	}
	if (lane->current) {
		if (!(lane->current->until_close >> from & 1))
			exchange_spoil(conn, from, cut_bytes > 0 ? NOTE_GAP : NOTE_ALIEN);
		lane->ending = true;
		exchange_commit(conn, from, 0);
	}
	lane->offset = end;
}
