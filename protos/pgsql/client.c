/*
 * The client's messages: what is asked.
 *
 * Source   PostgreSQL 17 manual, "Message Formats" (F), "Extended Query", "COPY Operations"
 */
#include "protos/pgsql/pgsql.h"

enum { OP_BITS = 4, NULL_LENGTH = -1 };

void pg_push(struct pgsql *p, enum pg_op op)
{
	if (p->op_count == PG_OPS_MAX) {
		p->lax = true;
		return;
	}
	p->ops |= (uint64_t)op << (OP_BITS * p->op_count++);
}

static struct exchange *begin(struct pg_reading *r, enum pg_kind kind, uint8_t command)
{
	struct exchange *x = exchange_begin(r->conn, CLIENT);
	struct pgsql *p = x->own;

	p->kind = (uint8_t)kind;
	p->command = command;
	p->syncs = r->side->syncs;
	exchange_expect(x, ANSWERS_MANY);
	return x;
}

/* The exchange that an extended query's messages gather in. */
static struct exchange *gather(struct pg_reading *r, uint8_t command)
{
	struct exchange *x = exchange_of(r->conn, CLIENT);

	return x ? x : begin(r, PG_EXTENDED, command);
}

/* ---- Statements ---- */

static void parse(struct pg_reading *r, const struct pg_message *m)
{
	struct exchange *x = gather(r, 'P');
	struct pgsql *p = x->own;
	struct cursor c = cursor_of(m->body);
	struct pg_parts parts = {.name = cursor_until(&c, 0)};
	struct bytes rest = cursor_rest(&c);

	parts.text = cursor_until(&c, 0);
	if (c.dry) /* longer than what is looked at */
		parts.text = rest;
	parts.trimmed = c.dry || parts.text.len > (uint64_t)pg_query_max(r->conf);
	parts.text = bytes_head(parts.text, (uint64_t)pg_query_max(r->conf));
	uint16_t types = cursor_be16(&c);

	parts.types = cursor_take(&c, 4 * (uint64_t)(types < PG_TYPES_MAX ? types : PG_TYPES_MAX));
	pg_push(p, OP_PARSE);
	pg_remember(r, &parts);
	p->statement = p->portal = x->said[CLIENT] = (struct clip){0};
	pg_keep(x, &p->statement, parts.name, PG_NAME_MAX);
	pg_keep(x, &x->said[CLIENT], parts.text, INT64_MAX);
	if (parts.trimmed)
		x->notes |= NOTE_TRIMMED;
}

/* A portal that another exchange may go on with. */
static void keep_portal(struct pg_reading *r, const struct exchange *x)
{
	const struct pgsql *p = pgsql_of(x);
	struct pg_parts parts = {
		.portal = true,
		.name = exchange_text(x, &p->portal),
		.text = exchange_text(x, &x->said[CLIENT]),
		.params = exchange_text(x, &p->params),
		.source = exchange_text(x, &p->statement),
		.source_id = p->source_id,
		.binary = p->binary,
		.formats_bound = p->formats_bound,
		.param_count = p->param_count,
		.unsure = x->notes & PG_NOTE_OLD,
	};

	if (p->bound && !(x->notes & PG_NOTE_UNKNOWN))
		pg_remember(r, &parts);
}

/* From here on this is what the exchange runs. */
static void run_statement(struct pg_reading *r, struct exchange *x, const struct pg_statement *st)
{
	struct pgsql *p = x->own;

	x->notes &= ~(uint32_t)(PG_NOTE_UNKNOWN | PG_NOTE_OLD);
	x->said[CLIENT] = (struct clip){0};
	p->source_id = 0;
	if (st == NULL) {
		x->notes |= PG_NOTE_UNKNOWN;
		return;
	}
	pg_keep(x, &x->said[CLIENT], st->parts.text, INT64_MAX);
	if (st->parts.trimmed)
		x->notes |= NOTE_TRIMMED;
	if (st->parts.unsure || st->epoch != r->session->epoch)
		x->notes |= PG_NOTE_OLD;
	p->source_id = st->id;
	if (st->parts.portal) {
		p->source_id = st->parts.source_id;
		p->statement = p->params = (struct clip){0};
		p->binary = st->parts.binary;
		p->formats_bound = st->parts.formats_bound;
		pg_keep(x, &p->statement, st->parts.source, PG_NAME_MAX);
		pg_keep(x, &p->params, st->parts.params, INT64_MAX);
		p->param_count = st->parts.param_count;
	}
}

/* One code for each, one for all, or none: text. */
static bool is_binary(struct bytes formats, size_t i)
{
	size_t n = formats.len / 2;

	return n > 0 && (n == 1 || i < n) && formats.at[2 * (n == 1 ? 0 : i) + 1] != 0;
}

static uint32_t type_of(struct bytes types, size_t i)
{
	struct cursor c = cursor_of(bytes_skip(types, 4 * i));

	return cursor_be32(&c);
}

static void add_length(struct buf *out, uint32_t n)
{
	buf_add(out, bytes_of(&n, sizeof(n)));
}

/* Into the exchange's own block, each behind its length; what is too long is cut. */
static void keep_param(struct exchange *x, uint32_t type, bool binary, struct bytes value,
		       bool null, size_t max)
{
	size_t at = x->kept.len;
	uint32_t n;

	add_length(&x->kept, UINT32_MAX);
	if (null)
		return;
	pg_value(&x->kept, type, binary, bytes_head(value, max));
	if (value.len > max || x->kept.len - at - sizeof(n) > max)
		x->notes |= NOTE_TRIMMED;
	if (x->kept.len - at - sizeof(n) > max)
		x->kept.len = at + sizeof(n) + max;
	n = (uint32_t)(x->kept.len - at - sizeof(n));
	memcpy(x->kept.at + at, &n, sizeof(n));
}

static void bind_params(struct pg_reading *r, struct exchange *x, struct bytes types,
			struct cursor *c)
{
	struct pgsql *p = x->own;
	struct bytes formats = cursor_take(c, 2 * (uint64_t)cursor_be16(c));
	uint16_t count = cursor_be16(c);

	p->params = (struct clip){.at = (uint32_t)x->kept.len};
	p->param_count = 0;
	for (uint16_t i = 0; i < count && !c->dry; i++) {
		int32_t len = (int32_t)cursor_be32(c);
		uint64_t want = len < 0 ? 0 : (uint64_t)len;
		bool whole = want <= cursor_left(c);
		struct bytes value = whole ? cursor_take(c, want) : cursor_rest(c);

		if (c->dry)
			break;
		if (!whole) {
			cursor_take(c, want); /* runs dry */
			x->notes |= NOTE_TRIMMED;
		}
		if (r->conf->statements == PG_FINGERPRINT)
			continue;
		if (p->param_count == PG_PARAMS_MAX) {
			x->notes |= NOTE_TRIMMED;
			continue;
		}
		keep_param(x, type_of(types, i), is_binary(formats, i), value, len == NULL_LENGTH,
			   (size_t)r->conf->max_row_length);
		p->param_count++;
	}
	p->params.len = (uint32_t)x->kept.len - p->params.at;
}

static void result_formats(struct pgsql *p, struct cursor *c)
{
	struct bytes formats = cursor_take(c, 2 * (uint64_t)cursor_be16(c));

	p->binary = 0;
	if (c->dry)
		return;
	p->formats_bound = true;
	for (size_t i = 0; i < PG_COLUMNS_MAX && formats.len > 0; i++)
		p->binary |= (uint64_t)is_binary(formats, i) << i;
}

static void bind(struct pg_reading *r, const struct pg_message *m)
{
	struct exchange *x = gather(r, 'B');
	struct pgsql *p = x->own;
	struct cursor c = cursor_of(m->body);
	struct bytes portal = cursor_until(&c, 0), name = cursor_until(&c, 0);
	struct pg_statement *st = pg_find(r->session, false, name);

	pg_push(p, OP_BIND);
	if (p->bound)
		keep_portal(r, x);
	pg_forget(r, true, portal);
	p->bound = true;
	p->command = 'B';
	p->portal = p->statement = (struct clip){0};
	pg_keep(x, &p->portal, portal, PG_NAME_MAX);
	pg_keep(x, &p->statement, name, PG_NAME_MAX);
	run_statement(r, x, st);
	bind_params(r, x, st ? st->parts.types : NO_BYTES, &c);
	result_formats(p, &c);
}

static void describe(struct pg_reading *r, const struct pg_message *m)
{
	struct exchange *x = gather(r, 'D');
	struct pgsql *p = x->own;
	struct cursor c = cursor_of(m->body);
	bool portal = cursor_u8(&c) == 'P';
	struct bytes name = cursor_until(&c, 0);

	if (!portal) {
		struct pg_statement *st = pg_find(r->session, false, name);

		p->described_id = st ? st->id : 0;
		pg_push(p, OP_TYPES);
		if (p->command == 'D') {
			p->statement = (struct clip){0};
			pg_keep(x, &p->statement, name, PG_NAME_MAX);
			run_statement(r, x, st);
		}
	} else if (p->command == 'D') {
		p->portal = (struct clip){0};
		pg_keep(x, &p->portal, name, PG_NAME_MAX);
		run_statement(r, x, pg_find(r->session, true, name));
	}
	pg_push(p, OP_COLUMNS);
}

static void execute(struct pg_reading *r, const struct pg_message *m)
{
	struct exchange *x = gather(r, 'E');
	struct pgsql *p = x->own;
	struct cursor c = cursor_of(m->body);
	struct bytes portal = cursor_until(&c, 0);
	uint32_t max = cursor_be32(&c);

	pg_push(p, OP_EXECUTE);
	p->command = 'E';
	if (!p->bound || !bytes_eq(portal, exchange_text(x, &p->portal))) {
		if (p->bound)
			keep_portal(r, x);
		p->portal = (struct clip){0};
		pg_keep(x, &p->portal, portal, PG_NAME_MAX);
		run_statement(r, x, pg_find(r->session, true, portal));
	} else if (max > 0) {
		keep_portal(r, x); /* may be gone on with */
	}
	r->side->ends = true;
}

/* Belongs to no exchange but one that is being gathered: clients close what they have done with. */
static void close_one(struct pg_reading *r, const struct pg_message *m)
{
	struct cursor c = cursor_of(m->body);
	bool portal = cursor_u8(&c) == 'P';
	struct bytes name = cursor_until(&c, 0);

	if (!c.dry)
		pg_forget(r, portal, name);
}

/* ---- The rest ---- */

static void query(struct pg_reading *r, const struct pg_message *m)
{
	struct exchange *x = begin(r, PG_QUERY, 'Q');
	struct bytes text = m->body;

	if (text.len == m->len && text.len > 0)
		text.len--; /* the NUL */
	pg_keep(x, &x->said[CLIENT], text, pg_query_max(r->conf));
	r->side->keeping = true;
	r->side->ends = true;
}

static void function_call(struct pg_reading *r, const struct pg_message *m)
{
	struct exchange *x = begin(r, PG_FUNCTION, 'F');
	struct cursor c = cursor_of(m->body);

	pgsql_of(x)->function = cursor_be32(&c);
	r->side->ends = true;
}

/* Belongs to the COPY that the server has begun to answer. Syncs before it were ignored by the
 * server (manual, "COPY Operations"). */
static void copy_data(struct pg_reading *r, const struct pg_message *m)
{
	struct exchange *x = exchange_of(r->conn, SERVER);
	struct pg_side *server = conn_side(r->conn, SERVER);

	if (x == NULL || !x->begun[CLIENT] || !pgsql_of(x)->copying)
		return;
	struct pgsql *p = x->own;

	server->syncs = p->syncs = r->side->syncs;
	exchange_go_on(r->conn, CLIENT, x);
	if (m->type == 'd')
		p->copied += m->len;
	r->side->ends = true;
}

static bool is_known(uint8_t type, uint32_t len)
{
	switch (type) {
	case 'S':
	case 'H':
	case 'X':
	case 'c':
		return len == 0;
	case 'Q':
	case 'P':
	case 'B':
	case 'E':
	case 'D':
	case 'C':
	case 'F':
	case 'd':
	case 'f':
	case 'p':
		return true;
	default:
		return false;
	}
}

/* Messages that end what was gathered: in a unit of its own, before them. */
static bool ends_gathering(uint8_t type)
{
	return memchr("QFSHXdcfp", type, 9) != NULL;
}

static void take(struct pg_reading *r, const struct pg_message *m)
{
	switch (m->type) {
	case 'Q':
		query(r, m);
		break;
	case 'P':
		parse(r, m);
		break;
	case 'B':
		bind(r, m);
		break;
	case 'D':
		describe(r, m);
		break;
	case 'E':
		execute(r, m);
		break;
	case 'C':
		close_one(r, m);
		break;
	case 'S':
		r->side->syncs++;
		break;
	case 'F':
		function_call(r, m);
		break;
	case 'd':
	case 'c':
	case 'f':
		copy_data(r, m);
		break;
	case 'p':
		pg_password(r, m);
		break;
	default: /* Flush, Terminate */
		break;
	}
}

enum step pg_client(struct pg_reading *r, struct cursor *c)
{
	struct bytes rest = cursor_rest(c);
	struct exchange *x = exchange_of(r->conn, CLIENT);
	struct pg_message m;

	if (!r->session->typed && (rest.at[0] == 0 || rest.at[0] == 0x16))
		return pg_startup(r, c);
	if (rest.len < PG_HEAD)
		return STEP_MORE;
	if (x && ends_gathering(rest.at[0])) {
		if (pgsql_of(x)->bound && pgsql_of(x)->command != 'E')
			keep_portal(r, x);
		exchange_end(r->conn, CLIENT);
		return STEP_DONE;
	}
	enum step step = pg_take(r, c, &m);

	if (step != STEP_DONE)
		return step;
	if (!is_known(m.type, m.len))
		return STEP_ALIEN;
	r->session->typed = true;
	take(r, &m);
	if (r->side->left == 0 && r->side->ends) {
		exchange_end(r->conn, CLIENT);
		r->side->ends = r->side->keeping = false;
	}
	return STEP_DONE;
}
