/*
 * What the server answers: OK, errors, result sets, prepared statements.
 *
 *   FIRST ─OK─► end, or FIRST again where more results follow
 *     │──columns─► COLUMNS ─► COLUMNS_EOF ─► ROWS ─EOF or OK─► end, or FIRST
 *     └──prepared─► PARAMS ─► PARAMS_EOF ─► PREPARED ─► PREPARED_EOF ─► end
 *
 * Whether EOF packets stand behind columns is what CLIENT_DEPRECATE_EOF decides. Where the login
 * was not seen, the packet in their place tells: an EOF there has 5 bytes, and neither a row nor
 * the OK that ends an empty result looks like it.
 *
 * Source   MySQL source documentation "Text Resultset", "OK_Packet", "COM_STMT_PREPARE Response";
 *          MariaDB "Result Set Packets", "Progress Reporting"
 */
#include "protos/mysql/mysql.h"

enum {
	EOF_LENGTH = 5,
	COLUMNS_MAX = 0xffff,
	ERROR_TEXT_MAX = 1024,
	INFO_TEXT_MAX = 256,
	PROGRESS = 0xffff, /* an error number that is none: how far a statement came */
	TRACK_SCHEMA = 1,
};

static bool is_eof(const struct packet_head *p)
{
	return p->body.at[0] == 0xfe && p->len == EOF_LENGTH;
}

/* ---- OK and errors ---- */

static bool has_results(unsigned command)
{
	switch (command) {
	case COM_QUERY:
	case COM_STMT_EXECUTE:
	case COM_STMT_BULK_EXECUTE:
	case COM_PROCESS_INFO:
		return true;
	default:
		return false;
	}
}

static void take_status(struct reading *r, unsigned status)
{
	r->self->no_escapes = status & STATUS_NO_ESCAPES;
}

static void track_state(struct mysql_self *self, struct bytes changes)
{
	struct cursor c = cursor_of(changes);

	while (!c.dry && cursor_left(&c) > 0) {
		uint8_t kind = cursor_u8(&c);
		struct cursor change = cursor_of(take_text(&c));
		struct bytes name = take_text(&change);

		if (kind == TRACK_SCHEMA && !c.dry && !change.dry)
			set_name(self->db, &self->db_len, NAME_MAX_BYTES, name);
	}
}

/* USE `name`; */
static void notice_use(struct mysql_self *self, struct bytes text)
{
	if (text.len < 5 || !bytes_eq_case(bytes_head(text, 3), BYTES("use")) || text.at[3] > ' ')
		return;
	text = bytes_trim(bytes_skip(text, 4));
	while (text.len > 0 && (text.at[text.len - 1] == ';' || text.at[text.len - 1] <= ' '))
		text.len--;
	if (text.len > 1 && text.at[0] == '`' && text.at[text.len - 1] == '`')
		text = bytes_of(text.at + 1, text.len - 2);
	set_name(self->db, &self->db_len, NAME_MAX_BYTES, text);
}

static unsigned ok_packet(struct reading *r, struct exchange *x, struct bytes body)
{
	struct mysql *m = mysql_of(x);
	struct cursor c = cursor_of(bytes_skip(body, 1));
	uint64_t affected = take_lenenc(&c, NULL), insert_id = take_lenenc(&c, NULL);
	unsigned status = cursor_le16(&c), warnings = cursor_le16(&c);
	bool tracks = r->self->caps & CAP_SESSION_TRACK;

	if (c.dry)
		return 0;
	m->has_ok |= body.at[0] == 0 && has_results(m->command);
	m->affected += affected;
	m->insert_id = insert_id ? insert_id : m->insert_id;
	m->warnings = warnings;
	take_status(r, status);
	/* With its length, also where the documentation has it without. */
	struct bytes rest = cursor_rest(&c);
	struct bytes info = take_text(&c);

	if (c.dry && !tracks) {
		info = rest;
		c.dry = false;
	}
	if (!c.dry && info.len > 0)
		clip_set(&m->info, &x->kept, info, INFO_TEXT_MAX);
	if (tracks && status & STATUS_STATE_CHANGED)
		track_state(r->self, take_text(&c));
	return status;
}

unsigned answer_ok(struct reading *r, struct exchange *x, struct bytes body)
{
	struct mysql *m = mysql_of(x);
	struct bytes text = exchange_text(x, &m->text);

	if (m->command == COM_INIT_DB)
		set_name(r->self->db, &r->self->db_len, NAME_MAX_BYTES, text);
	else if (m->command == COM_QUERY)
		notice_use(r->self, text);
	else if (m->command == COM_RESET_CONNECTION)
		statements_free(&r->self->statements, conn_quota(r->conn));
	return ok_packet(r, x, body);
}

void answer_error(struct exchange *x, struct bytes body)
{
	struct mysql *m = mysql_of(x);
	struct cursor c = cursor_of(bytes_skip(body, 1));

	m->error_code = cursor_le16(&c);
	struct bytes rest = cursor_rest(&c);

	if (rest.len >= 6 && rest.at[0] == '#') {
		memcpy(m->sql_state, rest.at + 1, sizeof(m->sql_state));
		m->has_sql_state = true;
		rest = bytes_skip(rest, 6);
	}
	clip_set(&x->error, &x->kept, rest, ERROR_TEXT_MAX);
	x->status = STATUS_ERROR;
}

static void result_ends(struct reading *r, struct mysql *m, unsigned status)
{
	m->results++;
	if (status & STATUS_MORE_RESULTS)
		m->state = ANSWER_FIRST;
	else
		message_ends(r);
}

static unsigned eof_packet(struct reading *r, struct exchange *x, struct bytes body)
{
	struct cursor c = cursor_of(bytes_skip(body, 1));

	mysql_of(x)->warnings = cursor_le16(&c);
	unsigned status = cursor_le16(&c);

	if (!c.dry)
		take_status(r, status);
	return c.dry ? 0 : status;
}

/* ---- Result sets ---- */

static void row(struct reading *r, struct exchange *x, const struct packet_head *p)
{
	struct mysql *m = mysql_of(x);
	uint8_t kind = p->body.at[0];

	if (kind == 0xff) {
		answer_error(x, p->body);
		message_ends(r);
	} else if (kind == 0xfe && p->len < PACKET_MAX) {
		m->has_rows = true;
		result_ends(r, m, is_eof(p) ? eof_packet(r, x, p->body) : ok_packet(r, x, p->body));
	} else {
		m->has_rows = true;
		m->rows++;
		if (m->shows)
			rows_row(r, x, p->body, p->body.len == p->len);
	}
}

static void after_columns(struct reading *r, struct exchange *x, const struct packet_head *p)
{
	struct mysql *m = mysql_of(x);

	m->state = ANSWER_ROWS;
	m->has_rows = true;
	if (!is_eof(p)) {
		r->self->eofs = EOFS_DEPRECATED;
		row(r, x, p);
		return;
	}
	r->self->eofs = EOFS_SENT;
	unsigned status = eof_packet(r, x, p->body);

	if (status & STATUS_CURSOR) /* the rows are fetched */
		result_ends(r, m, status);
}

static void column(struct reading *r, struct exchange *x, const struct packet_head *p)
{
	struct mysql *m = mysql_of(x);

	if (p->body.at[0] == 0xff || p->body.at[0] == 0xfe) {
		if (m->command == COM_FIELD_LIST)
			row(r, x, p);
		else
			r->alien = true;
		return;
	}
	if (m->command == COM_FIELD_LIST) {
		m->columns++;
		return;
	}
	if (m->shows)
		rows_column(r, p->body);
	if (--m->columns_left > 0)
		return;
	m->state = ANSWER_COLUMNS_EOF;
	if (m->shows)
		rows_columns_end(r, x);
}

static void columns(struct reading *r, struct exchange *x, const struct packet_head *p)
{
	struct mysql *m = mysql_of(x);
	struct cursor c = cursor_of(p->body);
	uint64_t count = take_lenenc(&c, NULL);
	/* Optional metadata, MariaDB's or MySQL's: a byte says whether columns follow. */
	bool follow = cursor_left(&c) == 0 || cursor_u8(&c) != 0;

	if (c.dry || count == 0 || count > COLUMNS_MAX || cursor_left(&c) > 0) {
		r->alien = true;
		return;
	}
	if (!m->has_rows)
		m->columns = (uint32_t)count;
	m->columns_left = (uint32_t)count;
	m->state = follow ? ANSWER_COLUMNS : ANSWER_COLUMNS_EOF;
	m->shows = r->conf->common.send_response;
	if (!m->shows)
		return;
	if (follow)
		rows_columns(r);
	else
		rows_columns_known(r, x);
}

/* ---- Prepared statements ---- */

static void remember(struct reading *r, struct exchange *x, uint16_t params)
{
	struct mysql *m = mysql_of(x);
	struct bytes text = exchange_text(x, &m->text);
	struct sql_print print;

	sql_fingerprint(m->no_escapes ? SQL_MYSQL_PLAIN : SQL_MYSQL, text, &print);
	const struct bytes texts[4] = {text, sql_print_text(&print), sql_print_method(&print),
				       sql_print_tables(&print)};

	struct statement *st =
		statement_add(&r->self->statements, conn_quota(r->conn), m->id, params, texts);

	st->cut = m->text.cut;
	r->self->last_prepared = m->id;
	command_numbered(r, x, st);
	clip_set(&m->print, &x->kept, texts[1], SIZE_MAX);
	clip_set(&m->method, &x->kept, texts[2], SIZE_MAX);
	clip_set(&m->tables, &x->kept, texts[3], SIZE_MAX);
}

/* What is executed without waiting for this answer has at least a text. */
static void prepare_fails(struct reading *r, struct exchange *x)
{
	mysql_of(x)->id = NOT_NUMBERED;
	remember(r, x, 0);
}

static void prepared_ends(struct reading *r, struct exchange *x, bool sure)
{
	mysql_of(x)->results++;
	r->side->stray_eof = !sure;
	message_ends(r);
}

/* Columns or parameters are through: an EOF, what comes next, or the end? */
static void group_ends(struct reading *r, struct exchange *x, bool params)
{
	struct mysql *m = mysql_of(x);
	bool more = params && m->columns_left > 0;

	if (r->self->eofs == EOFS_SENT || (r->self->eofs == EOFS_UNKNOWN && more))
		m->state = params ? ANSWER_PARAMS_EOF : ANSWER_PREPARED_EOF;
	else if (more)
		m->state = ANSWER_PREPARED;
	else
		prepared_ends(r, x, r->self->eofs != EOFS_UNKNOWN);
}

static void prepared(struct reading *r, struct exchange *x, const struct packet_head *p)
{
	struct mysql *m = mysql_of(x);
	struct cursor c = cursor_of(bytes_skip(p->body, 1));
	uint16_t params;
	bool follow = true;

	m->id = cursor_le32(&c);
	m->has_id = true;
	m->columns = m->columns_left = cursor_le16(&c);
	m->params_left = params = cursor_le16(&c);
	cursor_u8(&c);
	m->warnings = cursor_le16(&c);
	if (c.dry) {
		r->alien = true;
		return;
	}
	if (cursor_left(&c) > 0)
		follow = cursor_u8(&c) != 0;
	m->has_rows = m->columns > 0;
	remember(r, x, params);
	m->shows = r->conf->common.send_response;
	if (m->shows)
		rows_columns(r);
	m->state = params > 0 ? ANSWER_PARAMS : ANSWER_PREPARED;
	if (!follow || (params == 0 && m->columns == 0))
		prepared_ends(r, x, true);
}

static void definition(struct reading *r, struct exchange *x, const struct packet_head *p)
{
	struct mysql *m = mysql_of(x);
	bool params = m->state == ANSWER_PARAMS;

	if (p->body.at[0] == 0xff || is_eof(p)) {
		r->alien = true;
		return;
	}
	if (!params && m->shows)
		rows_column(r, p->body);
	if (params ? --m->params_left > 0 : --m->columns_left > 0)
		return;
	if (!params && m->shows)
		rows_columns_end(r, x);
	group_ends(r, x, params);
}

static void definitions_eof(struct reading *r, struct exchange *x, const struct packet_head *p)
{
	struct mysql *m = mysql_of(x);
	bool params = m->state == ANSWER_PARAMS_EOF;

	if (!is_eof(p)) {
		r->self->eofs = EOFS_DEPRECATED;
		m->state = ANSWER_PREPARED;
		if (params)
			definition(r, x, p);
		else
			r->alien = true;
		return;
	}
	r->self->eofs = EOFS_SENT;
	if (params && m->columns_left > 0)
		m->state = ANSWER_PREPARED;
	else
		prepared_ends(r, x, true);
}

/* ---- First packets ---- */

/* LOAD DATA LOCAL: the client sends the file, then comes the answer. */
static void ask_file(struct reading *r, struct exchange *x)
{
	mysql_of(x)->awaits_file = true;
	exchange_again(r->conn, SERVER);
	r->stop = true;
}

static void first(struct reading *r, struct exchange *x, const struct packet_head *p)
{
	struct mysql *m = mysql_of(x);
	uint8_t kind = p->body.at[0];
	struct cursor c = cursor_of(p->body);

	m->awaits_file = false;
	if (kind == 0xff) {
		answer_error(x, p->body);
		if (m->command == COM_STMT_PREPARE)
			prepare_fails(r, x);
		message_ends(r);
	} else if (kind == 0x00 && m->command == COM_STMT_PREPARE) {
		prepared(r, x, p);
	} else if (kind == 0x00) {
		result_ends(r, m, answer_ok(r, x, p->body));
	} else if (kind == 0xfe && p->len < 9) {
		eof_packet(r, x, p->body);
		message_ends(r);
	} else if (!has_results(m->command)) {
		if (m->command == COM_STATISTICS)
			clip_set(&m->info, &x->kept, cursor_rest(&c), INFO_TEXT_MAX);
		message_ends(r);
	} else if (kind == 0xfb) {
		ask_file(r, x);
	} else {
		columns(r, x, p);
	}
}

/* A binary log: from its first event on, the connection is a stream that need not end. */
static void binary_log(struct reading *r, struct exchange *x, const struct packet_head *p)
{
	if (p->body.at[0] == 0xff)
		answer_error(x, p->body);
	if (p->body.at[0] == 0xff || is_eof(p)) {
		message_ends(r);
		return;
	}
	x->notes |= MYSQL_NOTE_STREAM;
	conn_pass(r->conn);
	r->stop = true;
}

static void dispatch(struct reading *r, struct exchange *x, const struct packet_head *p)
{
	struct mysql *m = mysql_of(x);

	if (m->login) {
		login_answer(r, x, p);
		return;
	}
	if (m->stream) {
		binary_log(r, x, p);
		return;
	}
	switch ((enum mysql_state)m->state) {
	case ANSWER_FIRST:
		first(r, x, p);
		break;
	case ANSWER_COLUMNS:
		column(r, x, p);
		break;
	case ANSWER_COLUMNS_EOF:
		after_columns(r, x, p);
		break;
	case ANSWER_ROWS:
		row(r, x, p);
		break;
	case ANSWER_PARAMS:
	case ANSWER_PREPARED:
		definition(r, x, p);
		break;
	case ANSWER_PARAMS_EOF:
	case ANSWER_PREPARED_EOF:
		definitions_eof(r, x, p);
		break;
	}
}

/* What the server says unasked: a greeting, or why the connection ends. */
static void unasked(struct reading *r, const struct packet_head *p)
{
	if (p->body.at[0] == 10 && exchange_oldest(r->conn) == NULL) {
		login_greeting(r, p);
	} else if (p->body.at[0] == 0xff) {
		struct exchange *x = r->hand = exchange_push(r->conn, SERVER);

		mysql_of(x)->command = COM_NOTICE;
		answer_error(x, p->body);
		message_ends(r);
	} else {
		r->alien = true;
	}
}

static bool is_progress(const struct packet_head *p)
{
	return p->body.len > 3 && p->body.at[0] == 0xff && p->body.at[1] == 0xff &&
	       p->body.at[2] == 0xff;
}

void answer_packet(struct reading *r, const struct packet_head *p)
{
	struct exchange *x = r->hand;
	/* Within the compressed protocol servers number packets in ways of their own. */
	bool numbered = r->self->compression == COMPRESSION_NONE;
	bool stray = r->side->stray_eof;
	uint8_t next = r->side->next;

	r->side->stray_eof = false;
	r->side->next = (uint8_t)(p->seq + 1);
	if (p->body.len == 0) {
		r->alien = true;
		return;
	}
	if (x == NULL) {
		if (stray && is_eof(p) && p->seq == next) {
			r->self->eofs = EOFS_SENT;
			return;
		}
		if (p->seq == 0 && numbered) {
			unasked(r, p);
			return;
		}
		x = r->hand = exchange_begin(r->conn, SERVER);
		next = x->begun[CLIENT] ? mysql_of(x)->next : p->seq;
		if (!x->begun[CLIENT])
			mysql_of(x)->command = COM_QUERY;
	}
	if (numbered && p->seq != next) {
		r->alien = true;
		return;
	}
	if (!is_progress(p))
		dispatch(r, x, p);
}
