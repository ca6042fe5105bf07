/*
 * PostgreSQL: the table, options, message frames, losses, and where one may begin to read.
 *
 * Source   PostgreSQL 17 manual, "Message Formats"
 * Owns     a struct pg_session for each conversation with the statements that it names
 * Errors   STEP_ALIEN: not PostgreSQL, or not from a message's beginning
 */
#include "protos/pgsql/pgsql.h"
#include "protos/pgsql/fields.h"

#include <stddef.h>

enum { TEXT_SURE = 64, STARTUP_CODES = 80877102 };

void pg_keep(struct exchange *x, struct clip *clip, struct bytes text, int64_t max)
{
	clip_add(clip, &x->kept, text, (size_t)max);
	if (clip->cut)
		x->notes |= NOTE_TRIMMED;
}

enum step pg_take(struct pg_reading *r, struct cursor *c, struct pg_message *m)
{
	m->type = cursor_u8(c);
	uint32_t len = cursor_be32(c);

	if (c->dry)
		return STEP_MORE;
	if (len < 4 || len > PG_LENGTH_MAX)
		return STEP_ALIEN;
	m->len = len - 4;
	m->body = cursor_take(c, m->len < PG_PREFIX_MAX ? m->len : PG_PREFIX_MAX);
	if (c->dry)
		return STEP_MORE;
	r->side->left = m->len - (uint32_t)m->body.len;
	return STEP_DONE;
}

/* ---- Where to begin ---- */

static bool is_text(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (b.at[i] < ' ' && (b.at[i] < '\t' || b.at[i] > '\r'))
			return false;
	return true;
}

/* What is there of a text that ends with NUL: *c behind it. */
static enum guess is_string(struct cursor *c)
{
	struct bytes rest = cursor_rest(c);
	struct bytes text = cursor_until(c, 0);

	if (c->dry)
		return is_text(rest) ? GUESS_MAYBE : GUESS_NO;
	return is_text(text) ? GUESS_YES : GUESS_NO;
}

static enum guess start_query(struct bytes body, bool whole)
{
	struct cursor c = cursor_of(body);
	enum guess guess = is_string(&c);

	if (guess == GUESS_YES)
		return whole && cursor_left(&c) == 0 ? GUESS_YES : GUESS_NO;
	return guess == GUESS_MAYBE && !whole && body.len >= TEXT_SURE ? GUESS_YES
	       : whole						       ? GUESS_NO
								       : guess;
}

static enum guess start_parse(struct bytes body, bool whole)
{
	struct cursor c = cursor_of(body);
	enum guess name = is_string(&c);

	if (name != GUESS_YES)
		return whole ? GUESS_NO : name;
	enum guess text = is_string(&c);

	if (text != GUESS_YES)
		return whole					      ? GUESS_NO
		       : text == GUESS_MAYBE && body.len >= TEXT_SURE ? GUESS_YES
								      : text;
	uint64_t types = cursor_be16(&c);

	return !whole ? GUESS_YES : !c.dry && cursor_left(&c) == 4 * types ? GUESS_YES : GUESS_NO;
}

static enum guess start_bind(struct bytes body, bool whole)
{
	struct cursor c = cursor_of(body);
	enum guess guess = is_string(&c);

	if (guess == GUESS_YES)
		guess = is_string(&c);
	if (guess != GUESS_YES)
		return whole ? GUESS_NO : guess;
	cursor_take(&c, 2 * (uint64_t)cursor_be16(&c));
	uint16_t count = cursor_be16(&c);

	for (uint16_t i = 0; i < count && !c.dry; i++) {
		uint32_t len = cursor_be32(&c);

		if (len != UINT32_MAX)
			cursor_take(&c, len);
	}
	cursor_take(&c, 2 * (uint64_t)cursor_be16(&c));
	if (whole)
		return !c.dry && cursor_left(&c) == 0 ? GUESS_YES : GUESS_NO;
	return body.len >= PG_PREFIX_MAX / 2 ? GUESS_YES : GUESS_MAYBE;
}

static enum guess start_startup(struct bytes b)
{
	struct cursor c = cursor_of(b);
	uint32_t len = cursor_be32(&c), code = cursor_be32(&c);

	if (c.dry)
		return b.at[0] == 0 && (b.len < 2 || b.at[1] == 0) ? GUESS_MAYBE : GUESS_NO;
	if (len < 8 || len > PG_STARTUP_MAX)
		return GUESS_NO;
	return code == 3 << 16 || code == (3 << 16 | 2) ||
			       (code >= STARTUP_CODES && code <= STARTUP_CODES + 2)
		       ? GUESS_YES
		       : GUESS_NO;
}

/* Questions that tell themselves what they ask, and whose form is unlikely within anything else.
 * Not an Execute: of which portal, and whose rows come next, nobody can tell. */
static enum guess start_client(struct bytes b)
{
	struct cursor c = cursor_of(b);
	uint8_t type = cursor_u8(&c);
	uint32_t len = cursor_be32(&c);

	if (type == 0)
		return start_startup(b);
	if (type != 'Q' && type != 'P' && type != 'B' && type != 'F')
		return GUESS_NO;
	if (c.dry)
		return GUESS_MAYBE;
	if (len < 5 || len > PG_LENGTH_MAX)
		return GUESS_NO;
	bool whole = cursor_left(&c) >= len - 4;
	struct bytes body = bytes_head(cursor_rest(&c), len - 4);

	switch (type) {
	case 'Q': {
		/* One alone: clients that send several at once are rare, and then these are seen.
		 */
		enum guess guess = start_query(body, whole);

		return guess == GUESS_YES && whole && cursor_left(&c) == len - 4 ? GUESS_SURE
										 : guess;
	}
	case 'P':
		return start_parse(body, whole);
	case 'B':
		return start_bind(body, whole);
	default:
		return len >= 14 && len < PG_STARTUP_MAX ? GUESS_YES : GUESS_NO;
	}
}

/* The fields of an error or a notice: the first is always the severity. */
static enum guess start_fields(struct bytes body, uint32_t len)
{
	if (len < 3)
		return GUESS_NO;
	if (body.len < 2)
		return GUESS_MAYBE;
	return body.at[0] == 'S' && body.at[1] >= 'A' ? GUESS_YES : GUESS_NO;
}

/* What an answer to one of these can begin with: not with a row, which may be an older one's. */
static enum guess start_server(struct bytes b)
{
	struct cursor c = cursor_of(b);
	uint8_t type = cursor_u8(&c);
	uint32_t len = cursor_be32(&c) - 4;

	if (memchr("12TtnCIENGHWVRSA", type, 16) == NULL)
		return GUESS_NO;
	if (c.dry)
		return b.len == 1 || b.at[1] == 0 ? GUESS_MAYBE : GUESS_NO;
	if (len > PG_LENGTH_MAX)
		return GUESS_NO;
	switch (type) {
	case '1':
	case '2':
	case 'n':
	case 'I':
		return len == 0 ? GUESS_YES : GUESS_NO;
	case 'T':
		return len >= 2 && len <= 1 << 20 ? GUESS_YES : GUESS_NO;
	case 't':
		return len >= 2 && len <= 2 + 4 * UINT16_MAX ? GUESS_YES : GUESS_NO;
	case 'C':
		return len >= 3 && len <= TEXT_SURE && is_text(bytes_head(cursor_rest(&c), len - 1))
			       ? GUESS_YES
			       : GUESS_NO;
	case 'E':
	case 'N':
		return start_fields(cursor_rest(&c), len);
	case 'R':
		return len >= 4 && len <= PG_STARTUP_MAX ? GUESS_YES : GUESS_NO;
	default:
		return len >= 3 ? GUESS_YES : GUESS_NO;
	}
}

static enum guess pgsql_start(struct bytes b, enum side from)
{
	if (b.len == 0)
		return GUESS_MAYBE;
	return from == CLIENT ? start_client(b) : start_server(b);
}

/* ---- Units ---- */

/* The rest of a message: of a Query's, text and the NUL behind it. */
static void pass_rest(struct pg_reading *r, struct cursor *c)
{
	struct pg_side *side = r->side;
	struct exchange *x = exchange_of(r->conn, r->from);
	struct bytes part = cursor_upto(c, side->left);

	if (side->keeping && x)
		pg_keep(x, &x->said[CLIENT], bytes_head(part, side->left - 1),
			pg_query_max(r->conf));
	side->left -= (uint32_t)part.len;
	if (side->left == 0 && side->ends) {
		exchange_end(r->conn, r->from);
		side->ends = side->keeping = false;
	}
}

static struct pg_reading reading(struct conn *conn, enum side from)
{
	return (struct pg_reading){
		.conn = conn,
		.from = from,
		.conf = conn_conf(conn),
		.session = conn_self(conn),
		.side = conn_side(conn, from),
	};
}

static enum step pgsql_unit(struct conn *conn, enum side from, struct cursor *c)
{
	struct pg_reading r = reading(conn, from);

	if (r.side->left > 0) {
		pass_rest(&r, c);
		return STEP_DONE;
	}
	return from == CLIENT ? pg_client(&r, c) : pg_server(&r, c);
}

/* Bytes lost within what is passed over cost nothing else; a text has a hole from here on. */
static enum step pgsql_lost(struct conn *conn, enum side from, uint64_t n)
{
	struct pg_reading r = reading(conn, from);

	if (n > r.side->left)
		return STEP_ALIEN;
	r.side->keeping = false;
	r.side->left -= (uint32_t)n;
	if (r.side->left == 0 && r.side->ends) {
		exchange_end(conn, from);
		r.side->ends = false;
	}
	return STEP_DONE;
}

/* What was prepared may have been prepared anew in what was lost. */
static void pgsql_lose(struct conn *conn)
{
	struct pg_session *s = conn_self(conn);

	s->epoch++;
	s->lost = true;
}

static void pgsql_close(struct conn *conn)
{
	struct pg_session *s = conn_self(conn);

	pg_forget_all(conn, s);
	buf_fini(&s->names);
}

#define OWN(member) offsetof(struct pgsql_conf, member)

static const char *const statement_choices[] = {"full", "fingerprint", NULL};

static const struct option pgsql_options[] = {
	{"max_rows", OPTION_INT, OWN(max_rows), "10", .min = 0, .max = 100000, .unit = "rows",
	 .help = "Rows of a result that `response` shows (send_response)."},
	{"max_row_length", OPTION_SIZE, OWN(max_row_length), "1KiB", .min = 16, .max = 1 << 20,
	 .help = "Longest row of these, and longest value of a parameter."},
	{"max_query_length", OPTION_SIZE, OWN(max_query_length), "16KiB", .min = 64, .max = 1 << 20,
	 .help = "Longest statement; longer ones are cut and noted as trimmed."},
	{"statements", OPTION_CHOICE, OWN(statements), "full", .choices = statement_choices,
	 .help = "full: statements, parameters, messages and rows as they are. fingerprint: no "
		 "literal or value leaves in any field."},
	{0},
};

/* By enum pg_note. */
static const char *const pgsql_notes[] = {
	"replication stream passed over",
	"skipped after an error",
	"statement not seen",
	"statement known from before a loss",
	"statements behind it not run",
	"failed at sync",
	"login not seen",
	"application from before a loss",
	"transaction status not seen",
	"statement with a secret withheld",
	NULL,
};

const struct proto proto_pgsql = {
	.name = "pgsql",
	.category = "database",
	.ports = {5432},
	.transports = PROTO_TCP,
	.match = MATCH_ORDER,
	.pipelines = true,
	.self_size = sizeof(struct pg_session),
	.side_size = sizeof(struct pg_side),
	.exchange_size = sizeof(struct pgsql),
	.conf_size = sizeof(struct pgsql_conf),
	.options = pgsql_options,
	.fields = pgsql_fields,
	.notes = pgsql_notes,
	.start = pgsql_start,
	.unit = pgsql_unit,
	.lost = pgsql_lost,
	.settle = pg_settle,
	.write = pg_write,
	.lose = pgsql_lose,
	.close = pgsql_close,
};
