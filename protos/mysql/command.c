/*
 * What the client asks: commands, and what it sends within an answer (files, proofs of identity).
 *
 * Source   MySQL source documentation "Command Phase"; MariaDB "COM_STMT_BULK_EXECUTE"
 */
#include "protos/mysql/mysql.h"
#include "protos/mysql/value.h"

enum {
	PARAMS_SHOWN_MAX = 1000,
	ATTRIBUTES_MAX = 0xffff,
	CURSOR_PARAM_COUNT = 0x08,
	BULK_SEND_TYPES = 128,
};

static const char *const names[] = {
	"sleep",
	"quit",
	"init_db",
	"query",
	"field_list",
	"create_db",
	"drop_db",
	"refresh",
	"shutdown",
	"statistics",
	"process_info",
	"connect",
	"process_kill",
	"debug",
	"ping",
	"time",
	"delayed_insert",
	"change_user",
	"binlog_dump",
	"table_dump",
	"connect_out",
	"register_slave",
	"stmt_prepare",
	"stmt_execute",
	"stmt_send_long_data",
	"stmt_close",
	"stmt_reset",
	"set_option",
	"stmt_fetch",
	"daemon",
	"binlog_dump_gtid",
	"reset_connection",
	"clone",
};

const char *command_name(unsigned command)
{
	switch (command) {
	case COM_STMT_BULK_EXECUTE:
		return "stmt_bulk_execute";
	case COM_LOGIN:
		return "login";
	case COM_NOTICE:
		return "notice";
	default:
		return command < sizeof(names) / sizeof(names[0]) ? names[command] : "unknown";
	}
}

static bool is_text(struct bytes b)
{
	for (size_t i = 0; i < b.len && i < 8; i++)
		if (b.at[i] < ' ' && b.at[i] != '\t' && b.at[i] != '\n' && b.at[i] != '\r')
			return false;
	return true;
}

/* Could a packet of this length and beginning be a command? */
bool command_plausible(struct bytes b, uint32_t len)
{
	struct bytes rest = bytes_skip(b, 1);

	switch (b.at[0]) {
	case COM_QUIT:
	case COM_STATISTICS:
	case COM_PROCESS_INFO:
	case COM_PING:
	case COM_RESET_CONNECTION:
	case 0x0d: /* debug */
		return len == 1;
	case COM_QUERY: /* query attributes come before the text: a count, and a 1 */
		return len > 1 && (is_text(rest) || (rest.len > 1 && rest.at[1] == 1));
	case COM_INIT_DB:
	case COM_STMT_PREPARE:
	case COM_FIELD_LIST:
		return len > 1 && is_text(rest);
	case COM_STMT_EXECUTE:
		return len >= 10 && (b.len < 10 || (b.at[6] == 1 && b.at[7] == 0 && b.at[8] == 0));
	case COM_STMT_CLOSE:
	case COM_STMT_RESET:
	case COM_PROCESS_KILL:
		return len == 5;
	case COM_STMT_FETCH:
		return len == 9;
	case COM_SET_OPTION:
		return len == 3;
	case COM_STMT_SEND_LONG_DATA:
	case COM_STMT_BULK_EXECUTE:
		return len >= 7;
	case COM_CHANGE_USER:
		return len > 3 && is_text(bytes_head(rest, 2));
	case COM_BINLOG_DUMP:
	case COM_BINLOG_DUMP_GTID:
	case 0x15: /* register_slave */
		return len >= 11;
	default:
		return false;
	}
}

/* ---- Texts ---- */

static void keep_text(struct reading *r, struct exchange *x, struct bytes text)
{
	struct mysql *m = mysql_of(x);

	clip_add(&m->text, &x->kept, text, (size_t)r->conf->max_query_length);
	if (m->text.cut)
		x->notes |= NOTE_TRIMMED;
	r->side->keeps = true; /* as the rest of the packet comes */
}

/* A parameter: the length as four bytes, the text. */
static bool keep_param(struct exchange *x, struct bytes text)
{
	struct mysql *m = mysql_of(x);
	struct bytes part = bytes_head(text, PARAM_TEXT_MAX);
	uint8_t len[2] = {(uint8_t)part.len, (uint8_t)(part.len >> 8)};

	if (part.len < text.len)
		x->notes |= NOTE_TRIMMED;
	if (m->params.len + part.len + sizeof(len) > PARAMS_TEXT_MAX) {
		x->notes |= NOTE_TRIMMED;
		return false;
	}
	clip_add(&m->params, &x->kept, bytes_of(len, sizeof(len)), PARAMS_TEXT_MAX);
	clip_add(&m->params, &x->kept, part, PARAMS_TEXT_MAX);
	return true;
}

/* Values of one execution, or one row of many. `indicators`: a byte before each says whether. */
static bool take_values(struct exchange *x, struct cursor *c, const struct statement *st,
			struct bytes nulls, bool indicators)
{
	for (unsigned i = 0; i < st->params; i++) {
		char room[VALUE_TEXT_MAX];
		uint8_t long_room[PARAM_TEXT_MAX + 1];
		const uint8_t *type = st->types + 2 * i;
		uint8_t indicator = indicators ? cursor_u8(c) : 0;
		bool null = nulls.len > i / 8 && nulls.at[i / 8] >> (i % 8) & 1;
		struct bytes text = BYTES("NULL");

		if (!indicators && statement_is_long(st, i))
			text = statement_long(st, i, long_room);
		else if (indicator > 1)
			text = indicator == 2 ? BYTES("DEFAULT") : BYTES("IGNORE");
		else if (!null && indicator == 0)
			text = value_text(c, type[0], type[1] & 0x80, room);
		if (c->dry) {
			x->notes |= NOTE_TRIMMED; /* behind what is read of a packet */
			return false;
		}
		if (i >= PARAMS_SHOWN_MAX || !keep_param(x, text)) {
			x->notes |= NOTE_TRIMMED;
			return false;
		}
	}
	return true;
}

/* ---- Commands ---- */

/* Values that stand before a statement's text, or false where they are not understood. */
static bool pass_values(struct cursor *c, uint64_t count)
{
	struct bytes nulls = cursor_take(c, (count + 7) / 8);
	struct cursor types;
	bool bound = cursor_u8(c);
	char room[VALUE_TEXT_MAX];

	types = *c;
	for (uint64_t i = 0; i < count && bound && !c->dry; i++) {
		cursor_take(c, 2);
		take_text(c);
	}
	for (uint64_t i = 0; i < count && bound && !c->dry; i++) {
		struct bytes type = cursor_take(&types, 2);

		take_text(&types);
		if (!(nulls.at[i / 8] >> (i % 8) & 1))
			value_text(c, type.at[0], type.at[1] & 0x80, room);
	}
	return bound && !c->dry;
}

/* With query attributes, their block stands before the text. False: the text is not found. */
static bool pass_attributes(struct reading *r, struct cursor *c)
{
	struct bytes rest = cursor_rest(c);
	bool known = r->self->knows_caps;

	if (known ? !(r->self->caps & CAP_QUERY_ATTRIBUTES)
		  : rest.len < 2 || rest.at[1] != 1 || rest.at[0] >= ' ')
		return true;
	uint64_t count = take_lenenc(c, NULL);

	take_lenenc(c, NULL); /* sets of parameters: 1 */
	return !c->dry && (count == 0 || (count <= ATTRIBUTES_MAX && pass_values(c, count)));
}

static void keep_statement(struct exchange *x, const struct statement *st)
{
	struct mysql *m = mysql_of(x);

	clip_add(&m->text, &x->kept, statement_text(st), SIZE_MAX);
	clip_add(&m->print, &x->kept, statement_print(st), SIZE_MAX);
	clip_add(&m->method, &x->kept, statement_method(st), SIZE_MAX);
	clip_add(&m->tables, &x->kept, statement_tables(st), SIZE_MAX);
	if (st->cut)
		x->notes |= NOTE_TRIMMED;
}

/* Types that come with the values are kept for executions that come without. */
static void take_types(struct statement *st, struct cursor *c, unsigned more, bool named)
{
	struct cursor before = *c;

	for (unsigned i = 0; i < st->params + more && !c->dry; i++) {
		cursor_take(c, 2);
		if (named)
			take_text(c);
	}
	if (c->dry)
		return;
	*c = before;
	for (unsigned i = 0; i < st->params + more; i++) {
		struct bytes type = cursor_take(c, 2);

		if (i < st->params && type.len == 2)
			memcpy(st->types + 2 * i, type.at, 2);
		if (named)
			take_text(c);
	}
	st->has_types = true;
}

/* MariaDB's clients may execute what they have just asked to be prepared: the latest question of
 * that kind, or the statement that the last answer was about. */
static struct statement *last_prepared(struct reading *r, struct exchange *x)
{
	for (struct exchange *before = x->prev; before; before = before->prev) {
		const struct mysql *m = mysql_of(before);

		if (m->command == COM_STMT_PREPARE && m->has_id)
			return statement_find(&r->self->statements, m->id);
		if (m->command == COM_STMT_PREPARE) {
			mysql_of(x)->waits = true;
			return NULL;
		}
	}
	return statement_find(&r->self->statements, r->self->last_prepared);
}

static struct statement *find_statement(struct reading *r, struct exchange *x, struct cursor *c)
{
	struct mysql *m = mysql_of(x);
	struct statement *st;

	m->id = cursor_le32(c);
	if (m->id == NOT_NUMBERED && !c->dry) {
		st = last_prepared(r, x);
		m->id = st ? st->id : NOT_NUMBERED;
	} else {
		st = statement_find(&r->self->statements, m->id);
	}
	m->has_id = !c->dry && m->id != NOT_NUMBERED;
	if (st && !c->dry)
		return st;
	x->notes |= MYSQL_NOTE_STATEMENT;
	return NULL;
}

/* Of an execution, behind the statement's number. */
static void execution(struct reading *r, struct exchange *x, struct statement *st, struct cursor *c)
{
	uint8_t flags = cursor_u8(c);
	/* Clients that know of attributes set the flag, also where there are none. */
	bool attributes = r->self->knows_caps ? r->self->caps & CAP_QUERY_ATTRIBUTES
					      : flags & CURSOR_PARAM_COUNT;
	unsigned count = st->params, more = 0;

	cursor_le32(c);
	if (attributes && (count > 0 || flags & CURSOR_PARAM_COUNT)) {
		uint64_t all = take_lenenc(c, NULL);

		if (all < count || all > 0xffff) {
			x->notes |= MYSQL_NOTE_PARAMS;
			return;
		}
		more = (unsigned)all - count;
	}
	if (count + more == 0)
		return;
	struct bytes nulls = cursor_take(c, (count + more + 7) / 8);

	if (cursor_u8(c) && !c->dry)
		take_types(st, c, more, attributes);
	if (c->dry || !st->has_types) {
		x->notes |= MYSQL_NOTE_PARAMS;
		return;
	}
	if (st->long_cut)
		x->notes |= NOTE_TRIMMED;
	if (take_values(x, c, st, nulls, false) && more == 0 && cursor_left(c) > 0) {
		/* Not the packet's end: a value before it was not one, or was sent unseen. */
		mysql_of(x)->params = (struct clip){0};
		x->notes |= MYSQL_NOTE_PARAMS;
	}
	statement_long_clear(st);
}

static void bulk_execution(struct exchange *x, struct statement *st, struct cursor *c)
{
	unsigned flags = cursor_le16(c);

	if (flags & BULK_SEND_TYPES)
		take_types(st, c, 0, false);
	if (c->dry || !st->has_types) {
		x->notes |= MYSQL_NOTE_PARAMS;
		return;
	}
	while (st->params > 0 && cursor_left(c) > 0 && take_values(x, c, st, NO_BYTES, true))
		;
}

static void read_execution(struct reading *r, struct exchange *x, struct statement *st,
			   struct cursor *c)
{
	keep_statement(x, st);
	if (st->id == NOT_NUMBERED) /* it never will be */
		x->notes |= MYSQL_NOTE_PARAMS;
	else if (mysql_of(x)->command == COM_STMT_EXECUTE)
		execution(r, x, st, c);
	else
		bulk_execution(x, st, c);
}

static void execute(struct reading *r, struct exchange *x, struct cursor *c)
{
	struct statement *st = find_statement(r, x, c);
	struct mysql *m = mysql_of(x);

	if (st)
		read_execution(r, x, st, c);
	else if (m->waits)
		clip_set(&m->params, &x->kept, cursor_rest(c), PARAMS_TEXT_MAX);
}

void command_numbered(struct reading *r, struct exchange *prepare, struct statement *st)
{
	for (struct exchange *x = prepare->next; x; x = x->next) {
		struct mysql *m = mysql_of(x);
		struct buf wire;

		if (m->command == COM_STMT_PREPARE)
			return;
		if (!m->waits)
			continue;
		buf_init(&wire, conn_quota(r->conn)); /* the clips' own block may move */
		buf_add(&wire, exchange_text(x, &m->params));
		struct cursor c = cursor_of(buf_bytes(&wire));

		m->params = (struct clip){0};
		m->waits = false;
		m->id = st->id;
		m->has_id = st->id != NOT_NUMBERED;
		x->notes &= ~(uint32_t)MYSQL_NOTE_STATEMENT;
		if (m->command == COM_STMT_EXECUTE || m->command == COM_STMT_BULK_EXECUTE)
			read_execution(r, x, st, &c);
		else
			keep_statement(x, st);
		buf_fini(&wire);
	}
}

static void long_data(struct reading *r, struct exchange *x, struct cursor *c)
{
	struct statement *st = find_statement(r, x, c);
	unsigned param = cursor_le16(c);

	exchange_expect(x, 0);
	if (st && !c->dry && param < st->params)
		statement_long_add(st, param, cursor_rest(c));
}

static void fetch_or_reset(struct reading *r, struct exchange *x, struct cursor *c)
{
	struct statement *st = find_statement(r, x, c);

	if (st)
		keep_statement(x, st);
	struct mysql *m = mysql_of(x);

	if (m->command == COM_STMT_FETCH) {
		m->state = ANSWER_ROWS;
		m->shows = r->conf->common.send_response;
	} else if (st) {
		statement_long_clear(st);
	}
}

static void close_statement(struct reading *r, struct exchange *x, struct cursor *c)
{
	struct statement *st = find_statement(r, x, c);

	x->notes &= ~(uint32_t)MYSQL_NOTE_STATEMENT; /* nothing is missed by it */
	exchange_expect(x, 0);
	if (st) {
		keep_statement(x, st);
		statement_drop(&r->self->statements, conn_quota(r->conn), st->id);
	}
}

static void command(struct reading *r, struct exchange *x, struct cursor *c)
{
	struct mysql *m = mysql_of(x);

	switch (m->command) {
	case COM_QUERY:
		if (pass_attributes(r, c))
			keep_text(r, x, cursor_rest(c));
		else /* what there is may hold values */
			x->notes |= MYSQL_NOTE_STATEMENT;
		break;
	case COM_INIT_DB:
	case COM_STMT_PREPARE:
		keep_text(r, x, cursor_rest(c));
		break;
	case COM_FIELD_LIST:
		keep_text(r, x, take_until_zero(c));
		m->state = ANSWER_COLUMNS;
		m->columns_left = UINT32_MAX;
		break;
	case COM_STMT_EXECUTE:
	case COM_STMT_BULK_EXECUTE:
		execute(r, x, c);
		break;
	case COM_STMT_FETCH:
	case COM_STMT_RESET:
		fetch_or_reset(r, x, c);
		break;
	case COM_STMT_SEND_LONG_DATA:
		long_data(r, x, c);
		break;
	case COM_STMT_CLOSE:
		close_statement(r, x, c);
		break;
	case COM_QUIT:
		exchange_expect(x, 0);
		break;
	case COM_CHANGE_USER:
		login_change_user(r, x, c);
		break;
	case COM_BINLOG_DUMP:
	case COM_BINLOG_DUMP_GTID:
		m->stream = true;
		break;
	default:
		break;
	}
}

/* A packet within an answer: a file's, or a proof of identity. */
static void continues(struct reading *r, struct exchange *x, const struct packet_head *p)
{
	struct mysql *m = mysql_of(x);

	m->next = (uint8_t)(p->seq + 1);
	if (m->awaits_file) {
		m->infile += p->body.len;
		r->side->infile = true;
	}
}

void command_packet(struct reading *r, const struct packet_head *p)
{
	struct exchange *x = exchange_oldest(r->conn);
	struct cursor c = cursor_of(p->body);

	r->side->next = (uint8_t)(p->seq + 1);
	if (p->seq != 0) {
		if (x && (mysql_of(x)->login || mysql_of(x)->awaits_file) && x->ended[CLIENT])
			continues(r, x, p);
		else if (x == NULL && p->seq == 1 && p->body.len >= 4)
			login_response(r, p);
		else
			r->alien = true;
		return;
	}
	if (p->body.len == 0) {
		r->alien = true;
		return;
	}
	x = r->hand = exchange_begin(r->conn, CLIENT);
	mysql_of(x)->command = cursor_u8(&c);
	mysql_of(x)->next = 1;
	mysql_of(x)->no_escapes = r->self->no_escapes;
	r->self->greeted = false;
	command(r, x, &c);
	message_ends(r);
}
