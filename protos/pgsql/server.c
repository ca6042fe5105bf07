/*
 * The server's messages: whose answer each of them is.
 *
 * Answers come in the order of the questions, and every message says by its type what it answers.
 * An error in an extended query makes the server skip all up to the next Sync: what was skipped
 * gets no answer, and goes out saying so when that Sync's ReadyForQuery comes.
 *
 * Source   PostgreSQL 17 manual, "Message Flow", "Message Formats" (B)
 */
#include "protos/pgsql/pgsql.h"

enum { OP_BITS = 4 };

/* ---- Ends ---- */

/* The answer is here; its document waits for the transaction's status, or for the next answer. */
static void finish(struct pg_reading *r, struct exchange *x)
{
	struct pgsql *p = x->own;

	exchange_end(r->conn, SERVER);
	r->stop = true;
	p->copying = false;
	if (p->kind != PG_QUERY && p->kind != PG_EXTENDED && p->kind != PG_FUNCTION)
		return;
	p->held = true;
	r->side->in_query = p->kind != PG_EXTENDED;
}

/* The last one that was answered waits no longer. */
static void release(struct pg_reading *r, struct exchange *x, uint8_t transaction)
{
	struct pgsql *p = x->own;

	p->held = false;
	p->transaction = transaction;
	exchange_done(r->conn, x);
}

static enum pg_op next_op(const struct pgsql *p)
{
	return p->op_next < p->op_count ? (enum pg_op)(p->ops >> (OP_BITS * p->op_next) & 15)
					: OP_NONE;
}

/* ---- Whose ---- */

/* The oldest exchange whose answer has not ended; *held, when there is one before it that waits. */
static struct exchange *next_asked(struct pg_reading *r, struct exchange **held)
{
	struct exchange *x = exchange_oldest(r->conn);

	*held = NULL;
	for (; x; x = x->next) {
		if (x->answered || !x->begun[CLIENT] || x->asker != CLIENT)
			continue;
		if (!pgsql_of(x)->held)
			break;
		*held = x;
	}
	return x;
}

/* May an answer to it begin with this type, or go on with it? */
static bool fits(const struct pgsql *p, uint8_t type)
{
	if (type == 'E' || type == 'N')
		return true;
	switch ((enum pg_kind)p->kind) {
	case PG_LOGIN:
		return type == 'R' || type == 'v';
	case PG_QUERY:
		return memchr("TCIGHW", type, 6) != NULL;
	case PG_FUNCTION:
		return type == 'V';
	case PG_EXTENDED:
		break;
	default:
		return false;
	}
	switch (next_op(p)) {
	case OP_PARSE:
		return type == '1';
	case OP_BIND:
		return type == '2';
	case OP_TYPES:
		return type == 't';
	case OP_COLUMNS:
		return type == 'T' || type == 'n';
	case OP_EXECUTE:
		return memchr("DCsIGHW", type, 7) != NULL ||
		       (p->copy_out && (type == 'd' || type == 'c'));
	case OP_NONE:
		break;
	}
	return p->lax;
}

/* Another statement of a Query that asked for several. */
static struct exchange *next_statement(struct pg_reading *r, struct exchange *held)
{
	struct exchange *x = exchange_split(r->conn, held);
	struct pgsql *p = x->own, *q = held->own;

	p->kind = PG_QUERY;
	p->command = 'Q';
	p->syncs = q->syncs;
	exchange_expect(x, ANSWERS_MANY);
	pg_list_statement(x, held, r->session->escapes);
	release(r, held, 0);
	return exchange_answer_to(r->conn, x);
}

/* Behind the answer to a statement: the next one's, or another result of the only one, as
 * replication commands have them. */
static struct exchange *more_results(struct pg_reading *r, struct exchange *held)
{
	bool unsure = held->part > 0 || held->notes & NOTE_TRIMMED;

	if (unsure || pg_list_has_more(held, r->session->escapes))
		return next_statement(r, held);
	pgsql_of(held)->held = false;
	return exchange_answer_to(r->conn, held);
}

/* An answer whose question was not seen, or an error that nobody asked for. */
static struct exchange *unasked(struct pg_reading *r, uint8_t type)
{
	struct exchange *x;

	if (type == 'E') {
		x = exchange_push(r->conn, SERVER);
		pgsql_of(x)->kind = PG_MESSAGE;
		return x;
	}
	return memchr("TDCIGHWV", type, 8) ? exchange_answer_to(r->conn, NULL) : NULL;
}

/* The exchange that this message belongs to, its answer begun; NULL when it is nobody's. */
static struct exchange *owner(struct pg_reading *r, uint8_t type)
{
	struct exchange *x = exchange_of(r->conn, SERVER), *held;

	if (x)
		return x;
	x = next_asked(r, &held);
	if (held && r->side->in_query) {
		if (type == 'N' && !pg_list_has_more(held, r->session->escapes)) {
			pgsql_of(held)->notices++;
			return NULL;
		}
		return memchr("TCIGHWEN", type, 8) ? more_results(r, held) : NULL;
	}
	bool due = x && (pgsql_of(x)->kind == PG_LOGIN || pgsql_of(x)->syncs == r->side->syncs);

	if (due && !r->side->failed && fits(x->own, type)) {
		if (held)
			release(r, held, 0);
		return exchange_answer_to(r->conn, x);
	}
	if (type == 'E' && held) { /* the commit at Sync went wrong */
		held->notes |= PG_NOTE_SYNC;
		return exchange_answer_to(r->conn, held);
	}
	return type == 'N' ? NULL : unasked(r, type);
}

/* ---- Ready ---- */

static void skip(struct pg_reading *r, struct exchange *x)
{
	x->notes |= PG_NOTE_SKIPPED;
	x->status = STATUS_ERROR;
	exchange_expect(x, 0);
	exchange_done(r->conn, x);
}

/* A Sync's: nothing sent before it is answered any more. */
static void synced(struct pg_reading *r, struct exchange *held, struct exchange *x, uint8_t status)
{
	const struct pg_side *client = conn_side(r->conn, CLIENT);
	struct pg_side *side = r->side;

	if (x && !side->failed && pgsql_of(x)->syncs == side->syncs && !held)
		return; /* one that was sent before our place was found again */
	if (client->syncs == side->syncs)
		return;
	side->syncs++;
	side->failed = false;
	if (held)
		release(r, held, status);
	for (; x; x = x->next)
		if (x->begun[CLIENT] && x->asker == CLIENT && !x->answered &&
		    (int32_t)(pgsql_of(x)->syncs - side->syncs) < 0)
			skip(r, x);
}

static enum step ready(struct pg_reading *r, uint8_t status)
{
	struct exchange *x = exchange_of(r->conn, SERVER), *held;

	if (status == 'I')
		pg_forget_portals(r);
	if (x) {
		struct pgsql *p = x->own;

		if (p->kind == PG_EXTENDED && !p->lax)
			return STEP_ALIEN;
		p->transaction = status;
		finish(r, x);
		if (p->held)
			release(r, x, status);
		r->side->in_query = false;
		return STEP_DONE;
	}
	x = next_asked(r, &held);
	if (r->side->in_query) {
		r->side->in_query = false;
		if (held)
			release(r, held, status);
	} else {
		synced(r, held, x, status);
	}
	return STEP_DONE;
}

/* ---- Messages ---- */

static void failed(struct pg_reading *r, struct exchange *x, struct bytes body)
{
	struct pgsql *p = x->own;

	pg_error(x, body);
	if (p->kind == PG_EXTENDED) {
		r->side->failed = true;
		if (next_op(p) == OP_PARSE) /* what it named is still what it was */
			pg_forget(r, false, exchange_text(x, &p->statement));
	}
	finish(r, x);
	struct bytes severity = exchange_text(x, &p->part[PART_SEVERITY]);

	if (p->held && (bytes_eq(severity, BYTES("FATAL")) || bytes_eq(severity, BYTES("PANIC"))))
		release(r, x, 0); /* nothing follows */
}

static void notification(struct pg_reading *r, struct bytes body)
{
	struct cursor c = cursor_of(body);

	if (exchange_of(r->conn, SERVER))
		return;
	struct exchange *x = exchange_push(r->conn, SERVER);
	struct pgsql *p = x->own;

	p->kind = PG_NOTIFICATION;
	p->pid = cursor_be32(&c);
	pg_keep(x, &p->channel, cursor_until(&c, 0), 2 * PG_NAME_MAX);
	if (r->conf->statements == PG_FULL)
		pg_keep(x, &p->payload, cursor_until(&c, 0), r->conf->max_row_length);
	exchange_end(r->conn, SERVER);
}

/* All that an exchange without an Execute waits for. */
static bool is_answered(const struct exchange *x)
{
	const struct pgsql *p = pgsql_of(x);

	return p->kind == PG_EXTENDED && p->op_next == p->op_count && !p->lax && x->ended[CLIENT];
}

/* One of the answers to Parse, Bind and Describe. */
static void answered(struct pg_reading *r, struct exchange *x)
{
	struct pgsql *p = x->own;

	if (p->op_next < p->op_count)
		p->op_next++;
	if (is_answered(x))
		finish(r, x);
}

static void columns(struct pg_reading *r, struct exchange *x, const struct pg_message *m)
{
	struct pgsql *p = x->own;
	struct cursor c = cursor_of(m->body);

	p->columns = cursor_be16(&c);
	p->has_columns = true;
	if (r->conf->common.send_response && r->conf->statements == PG_FULL)
		pg_rows_columns(r, x, m->body);
	answered(r, x);
}

static void parameter_types(struct pg_reading *r, struct exchange *x, const struct pg_message *m)
{
	struct pgsql *p = x->own;
	struct cursor c = cursor_of(m->body);
	uint16_t n = cursor_be16(&c);
	struct bytes types = cursor_take(&c, 4 * (uint64_t)(n < PG_TYPES_MAX ? n : PG_TYPES_MAX));

	if (!c.dry)
		pg_learn_types(r, exchange_text(x, &p->statement), p->described_id, types);
	answered(r, x);
}

/* START_REPLICATION: both sides stream from here on, and need not end. */
static void copy_both(struct pg_reading *r, struct exchange *x)
{
	x->notes |= PG_NOTE_STREAM;
	finish(r, x);
	conn_pass(r->conn);
}

static void of_exchange(struct pg_reading *r, struct exchange *x, const struct pg_message *m)
{
	struct pgsql *p = x->own;

	switch (m->type) {
	case 'C':
		pg_tag(x, bytes_head(m->body, m->body.len - (m->body.len > 0)));
		finish(r, x);
		break;
	case 's':
		p->suspended = true;
		finish(r, x);
		break;
	case 'I':
	case 'V':
		finish(r, x);
		break;
	case 'T':
		columns(r, x, m);
		break;
	case 't':
		parameter_types(r, x, m);
		break;
	case '1':
	case '2':
	case 'n':
		answered(r, x);
		break;
	case 'E':
		failed(r, x, m->body);
		break;
	case 'N':
		pg_notice(x, m->body);
		break;
	case 'G':
	case 'H':
		p->copying = p->copy_in = m->type == 'G';
		p->copy_out = m->type == 'H';
		break;
	case 'W':
		copy_both(r, x);
		break;
	default:
		if (p->kind == PG_LOGIN)
			pg_login_message(r, x, m);
		break;
	}
}

static bool is_known(uint8_t type, uint32_t len)
{
	switch (type) {
	case '1':
	case '2':
	case '3':
	case 'I':
	case 'n':
	case 's':
	case 'c':
		return len == 0;
	case 'Z':
		return len == 1;
	case 'T':
	case 't':
	case 'D':
		return len >= 2;
	case 'G':
	case 'H':
	case 'W':
		return len >= 3;
	case 'R':
	case 'K':
	case 'V':
		return len >= 4;
	case 'A':
	case 'C':
	case 'd':
	case 'E':
	case 'N':
	case 'S':
	case 'v':
		return true;
	default:
		return false;
	}
}

static enum step message(struct pg_reading *r, const struct pg_message *m)
{
	struct exchange *x;

	/* Once one of these is done with, the next message may be another's. */
	switch (m->type) {
	case 'Z':
		r->stop = true;
		return ready(r, m->body.at[0]);
	case 'S':
		pg_parameter(r, pg_login_of(r->conn), m->body);
		return STEP_DONE;
	case 'A':
		r->stop = true;
		notification(r, m->body);
		return STEP_DONE;
	case '3':
		return STEP_DONE;
	default:
		break;
	}
	bool begun = exchange_of(r->conn, SERVER) != NULL;

	x = owner(r, m->type);
	if (x == NULL)
		return STEP_DONE;
	if (begun && pgsql_of(x)->kind == PG_EXTENDED && !fits(x->own, m->type))
		return STEP_ALIEN;
	of_exchange(r, x, m);
	return STEP_DONE;
}

/* Rows that are all there, one behind the other. */
static void pass_rows(struct pgsql *p, struct cursor *c)
{
	struct cursor at = *c;

	while (cursor_left(&at) > PG_HEAD && cursor_u8(&at) == 'D') {
		uint32_t len = cursor_be32(&at);

		if (len < 6 || len > PG_LENGTH_MAX)
			break;
		cursor_take(&at, len - 4);
		if (at.dry)
			break;
		*c = at;
		p->rows++;
	}
}

/* Rows and COPY data are most of what a server sends: counted, and passed over. False when it is
 * another message, or a row that is shown. */
static bool data(struct pg_reading *r, struct cursor *c, enum step *step)
{
	struct bytes rest = cursor_rest(c);
	struct exchange *x = exchange_of(r->conn, SERVER);
	struct pgsql *p = x ? x->own : NULL;
	struct cursor head = cursor_of(rest);
	uint8_t type = cursor_u8(&head);
	uint32_t len = cursor_be32(&head) - 4;

	if (p == NULL || (type != 'D' && type != 'd') || len > PG_LENGTH_MAX)
		return false;
	if (type == 'D' && (len < 2 || (p->kind == PG_EXTENDED && !fits(p, type))))
		return false;
	if (type == 'D' && pg_rows_wanted(x))
		return false;
	if (type == 'D') {
		uint16_t n = cursor_be16(&head);

		if (head.dry) {
			*step = STEP_MORE;
			return true;
		}
		if (!p->has_columns)
			p->columns = n;
		p->has_columns = true;
	} else {
		p->copied += len;
	}
	p->rows++;
	cursor_take(c, PG_HEAD);
	r->side->left = len - (uint32_t)cursor_upto(c, len).len;
	c->dry = false;
	if (type == 'D' && r->side->left == 0)
		pass_rows(p, c);
	*step = STEP_DONE;
	return true;
}

/* A row that is shown, or an answer's first message. */
static enum step row(struct pg_reading *r, const struct pg_message *m)
{
	struct exchange *x = exchange_of(r->conn, SERVER);

	if (x && pgsql_of(x)->kind == PG_EXTENDED && !fits(x->own, 'D'))
		return STEP_ALIEN;
	x = owner(r, 'D');
	if (x == NULL)
		return STEP_DONE;
	struct pgsql *p = x->own;
	struct cursor c = cursor_of(m->body);

	if (!p->has_columns)
		p->columns = cursor_be16(&c);
	p->has_columns = true;
	p->rows++;
	if (pg_rows_wanted(x)) {
		if (!p->headed)
			pg_rows_known(r, x);
		pg_rows_row(x, m->body);
	}
	return STEP_DONE;
}

static enum step one(struct pg_reading *r, struct cursor *c)
{
	struct pg_message m;
	enum step step;

	if (cursor_left(c) < PG_HEAD)
		return STEP_MORE;
	if (data(r, c, &step))
		return step;
	step = pg_take(r, c, &m);
	if (step != STEP_DONE)
		return step;
	if (!is_known(m.type, m.len))
		return STEP_ALIEN;
	if (m.type == 'D')
		return row(r, &m);
	return message(r, &m);
}

enum step pg_server(struct pg_reading *r, struct cursor *c)
{
	struct exchange *x = exchange_of(r->conn, SERVER);
	enum step done = STEP_MORE;

	if (x && is_answered(x)) {
		finish(r, x); /* before the client had said that no Execute follows */
		return STEP_DONE;
	}
	if (x == NULL) {
		x = exchange_oldest(r->conn);
		if (x && pgsql_of(x)->wants_tls && x->ended[CLIENT] && pg_answer_tls(r, x, c))
			return STEP_DONE;
	}
	/* All that one exchange has of them: a message that begins another's is a unit's first. */
	do {
		struct cursor at = *c;
		enum step step = one(r, c);

		if (step == STEP_ALIEN)
			return STEP_ALIEN;
		if (step == STEP_MORE) {
			*c = at;
			return done;
		}
		done = STEP_DONE;
	} while (!r->stop && r->side->left == 0 && cursor_left(c) > 0 &&
		 exchange_of(r->conn, SERVER));
	return done;
}
