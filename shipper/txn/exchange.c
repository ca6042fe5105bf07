/*
 * What protocols call about exchanges, and how answers find their questions.
 *
 * In order: an answer is to the oldest question that still lacks one, unless its first packet
 * acknowledges less than that question's beginning: then its sender cannot have read the question,
 * and it is an answer to something that was not seen.
 */
#include "shipper/base/must.h"
#include "shipper/txn/engine.h"

enum { KEPT_FETCHED = 1024, CACHE_LINE = 64 };

static void fetch_lines(const void *at, size_t len)
{
	for (size_t i = 0; i < len; i += CACHE_LINE)
		__builtin_prefetch((const uint8_t *)at + i);
}

/* Packets between two of its answers are not the exchange's. */
static void count_pieces(struct exchange *x, enum side role, uint32_t piece)
{
	uint32_t next = x->first_piece[role] + x->packets[role];

	if (x->first_piece[role] == 0)
		x->first_piece[role] = piece;
	else if (piece > next)
		x->first_piece[role] += piece - next;
}

static struct exchange *begin(struct conn *conn, enum side from, struct exchange *x)
{
	struct lane *lane = &conn->lane[from];
	enum side role = exchange_role(x, from);

	must(lane->current == NULL);
	lane->current = x;
	if (conn->datagrams)
		x->packets[role]++;
	else
		count_pieces(x, role, conn->first.piece);
	/* Of several answers the first counts, unless the question went on behind it. */
	if (!x->begun[role] || x->provisional || x->end[CLIENT] > x->begin[role]) {
		x->begin[role] = conn->first.when;
		x->from[role] = lane->offset;
	}
	x->begun[role] = true;
	x->ended[role] = x->whole[role] = false;
	x->provisional = false;
	x->end[role] = conn->first.when;
	if (role == SERVER && x->begun[CLIENT] && !x->ended[CLIENT])
		x->notes |= NOTE_OUT_OF_ORDER;
	return x;
}

/* A conversation in which nothing is open when a question comes is sure of its place again, once a
 * pair was read since the loss. */
static void settle(struct conn *conn)
{
	if (conn->unsure && conn->open == 0 && conn->since_resync > 0)
		conn->unsure = 0;
}

/* A client that keeps several questions under way, and asks the next whenever an answer comes, has
 * no moment at which the next answer is to the next question: after a loss only silence tells. */
static void watch_window(struct conn *conn)
{
	if (conn->open == 0)
		conn->answered = false;
	if (!conn->answered || conn->class->proto->match != MATCH_ORDER)
		return;
	conn->slides = true;
	conn->doubted = conn->unsure != 0;
}

static struct exchange *ask(struct conn *conn, enum side from)
{
	settle(conn);
	watch_window(conn);
	struct exchange *x = exchange_new(conn, from);

	return begin(conn, from, x);
}

/* Nobody asked for it, or the question was not seen. */
static struct exchange *unasked(struct conn *conn, enum side from)
{
	return begin(conn, from, exchange_new(conn, side_other(from)));
}

struct exchange *exchange_oldest(struct conn *conn)
{
	struct exchange *x = conn->turn;

	while (x && (x->answered || x->parked || !x->begun[CLIENT] || x->asker != CLIENT))
		x = x->next;
	conn->turn = x;
	return x;
}

struct exchange *exchange_parked(struct conn *conn)
{
	struct exchange *x = conn->oldest;

	while (x && !x->parked)
		x = x->next;
	return x;
}

struct exchange *exchange_begin(struct conn *conn, enum side from)
{
	if (from == CLIENT)
		return ask(conn, CLIENT);
	return exchange_answer_to(conn, exchange_oldest(conn));
}

struct exchange *exchange_ask(struct conn *conn, enum side from, struct bytes key)
{
	struct exchange *x = ask(conn, from);

	clip_set(&x->key, &x->kept, key, key.len);
	return x;
}

struct exchange *exchange_answer(struct conn *conn, enum side from, struct bytes key)
{
	for (struct exchange *x = conn->oldest; x; x = x->next)
		if (x->asker != from && !x->answered && x->begun[CLIENT] &&
		    x != conn->lane[from].current && bytes_eq(clip_bytes(&x->key, &x->kept), key))
			return begin(conn, from, x);
	return unasked(conn, from);
}

struct exchange *exchange_answer_from(struct conn *conn, enum side from, struct exchange *x)
{
	return x ? begin(conn, from, x) : unasked(conn, from);
}

struct exchange *exchange_push(struct conn *conn, enum side from)
{
	struct exchange *x = unasked(conn, from);

	x->pushed = true;
	return x;
}

struct exchange *exchange_answer_to(struct conn *conn, struct exchange *x)
{
	if (x == NULL ||
	    (conn->first.peer_at != PEER_UNKNOWN && conn->first.peer_at <= x->from[CLIENT]))
		return unasked(conn, SERVER);
	return begin(conn, SERVER, x);
}

struct exchange *exchange_split(struct conn *conn, struct exchange *x)
{
	struct exchange *more = exchange_new_behind(conn, x);

	more->begun[CLIENT] = x->begun[CLIENT];
	more->ended[CLIENT] = x->ended[CLIENT];
	more->whole[CLIENT] = x->whole[CLIENT];
	more->begin[CLIENT] = x->begin[CLIENT];
	more->end[CLIENT] = x->end[CLIENT];
	more->from[CLIENT] = x->from[CLIENT];
	more->notes |= x->notes & (NOTE_RESYNC | NOTE_MIDSTREAM);
	return more;
}

void exchange_go_on(struct conn *conn, enum side from, struct exchange *x)
{
	enum side role = exchange_role(x, from);

	must(conn->lane[from].current == NULL && x->begun[role]);
	conn->lane[from].current = x;
	x->ended[role] = x->whole[role] = false;
}

struct exchange *exchange_of(struct conn *conn, enum side from)
{
	return conn->lane[from].current;
}

void exchange_expect(struct exchange *x, int answers)
{
	x->expects = answers;
}

void exchange_end(struct conn *conn, enum side from)
{
	must(conn->lane[from].current != NULL);
	conn->lane[from].ending = true;
}

void exchange_again(struct conn *conn, enum side from)
{
	must(conn->lane[from].current != NULL);
	conn->lane[from].again = true;
	conn->lane[from].current->provisional = true;
}

void exchange_park(struct conn *conn, enum side from)
{
	exchange_again(conn, from);
	conn->lane[from].current->parked = true;
}

void exchange_done(struct conn *conn, struct exchange *x)
{
	conn->done_asked += !x->done_asked;
	x->done_asked = true;
}

void exchange_until_close(struct conn *conn, enum side from)
{
	must(conn->lane[from].current != NULL);
	conn->lane[from].current->until_close |= (uint8_t)(1 << from);
}

void exchange_spoil(struct conn *conn, enum side from, enum note note)
{
	struct exchange *x = conn->lane[from].current;

	must(x != NULL);
	x->notes |= note;
	x->spoiled[exchange_role(x, from)] = true;
	conn->lane[from].ending = true;
}

void conn_pass(struct conn *conn)
{
	conn->passing = true;
}

void conn_pass_tls(struct conn *conn, struct exchange *x)
{
	x->notes |= NOTE_TLS;
	count(conn->engine->counters, COUNT_FLOWS_TLS);
	conn_pass(conn);
}

void exchange_keep(struct exchange *x, struct clip *clip, struct bytes more)
{
	clip_add(clip, &x->kept, more, (size_t)x->text_max);
	if (clip->cut)
		x->notes |= NOTE_TRIMMED;
}

/* ---- The engine's part ---- */

static void complete(struct exchange *x)
{
	struct conn *conn = x->conn;

	conn->since_resync++;
	conn->answered = true;
	conn->aliens = 0;
	record_write(conn, x);
	exchange_release(conn, x);
}

static void finish_message(struct conn *conn, enum side from, struct exchange *x)
{
	enum side role = exchange_role(x, from);

	conn->lane[from].current = NULL;
	x->ended[role] = true;
	x->whole[role] = !x->spoiled[role];
	if (role == SERVER && x->expects > 0)
		x->expects--;
	if (x->expects == 0)
		x->answered = true;
	if (x->answered && (x->ended[CLIENT] || !x->begun[CLIENT]))
		complete(x);
}

/* A parked one had all of its answer; that of another ends with the unit in hand. */
static void finish_provisional(struct conn *conn, struct exchange *x)
{
	x->provisional = false;
	x->ended[SERVER] = x->whole[SERVER] = true;
	if (!x->parked)
		x->end[SERVER] = conn->last.when;
}

static void finish_done(struct conn *conn)
{
	struct exchange *next;
	uint32_t left = conn->done_asked;

	conn->done_asked = 0;
	for (struct exchange *x = conn->oldest; x && left > 0; x = next) {
		next = x->next;
		if (!x->done_asked)
			continue;
		left--;
		x->done_asked = false;
		x->answered = true;
		x->expects = 0;
		bool busy = conn->lane[CLIENT].current == x || conn->lane[SERVER].current == x;

		if (!busy && x->provisional)
			finish_provisional(conn, x);
		if (!busy && (x->ended[CLIENT] || !x->begun[CLIENT]))
			complete(x);
	}
}

/* n more bytes of `from` were used: counts them, then does what the unit asked for. */
void exchange_commit(struct conn *conn, enum side from, uint64_t n)
{
	struct lane *lane = &conn->lane[from];
	struct exchange *x = lane->current;

	lane->offset += n;
	if (x) {
		enum side role = exchange_role(x, from);

		x->bytes[role] += n;
		if (n > 0) {
			if (conn->last.when > x->end[role])
				x->end[role] = conn->last.when;
			if (!conn->datagrams)
				x->packets[role] = conn->last.piece - x->first_piece[role] + 1;
		}
		if (lane->ending)
			finish_message(conn, from, x);
		else if (lane->again) {
			/* What came early was not the answer. */
			x->notes &= ~(uint32_t)NOTE_OUT_OF_ORDER;
			lane->current = NULL;
		}
	}
	lane->ending = lane->again = false;
	if (conn->done_asked)
		finish_done(conn);
}

/* The exchange will not be whole: what is known of it goes out. */
void exchange_cut_off(struct conn *conn, struct exchange *x, enum note note)
{
	for (int from = CLIENT; from <= SERVER; from++)
		if (conn->lane[from].current == x)
			conn->lane[from].current = NULL;
	if (!x->settled)
		x->notes |= note;
	record_write(x->conn, x);
	exchange_release(x->conn, x);
}

void exchange_fetch(const struct exchange *x, bool soon)
{
	const struct flow *flow;

	if (!soon) {
		fetch_lines(x->conn, sizeof(*x->conn));
		fetch_lines(x->kept.at, x->kept.len < KEPT_FETCHED ? x->kept.len : KEPT_FETCHED);
		return;
	}
	flow = x->conn->flow;
	fetch_lines(flow, sizeof(*flow));
	fetch_lines(flow->ends, sizeof(*flow->ends));
}

void exchange_close(struct exchange *x, uint32_t notes)
{
	struct conn *conn = x->conn;

	must(conn->lane[CLIENT].current != x && conn->lane[SERVER].current != x);
	x->notes |= notes;
	if (x->settled)
		complete(x);
	else
		exchange_cut_off(conn, x, 0);
}

void exchange_cut_all(struct conn *conn, enum note note)
{
	while (conn->oldest)
		exchange_cut_off(conn, conn->oldest, note);
}
