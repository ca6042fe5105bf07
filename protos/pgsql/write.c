/*
 * What is worked out once before an exchange is written, and the document.
 *
 * With `statements: fingerprint` no text of the client's or the server's leaves but names: errors
 * are told by their code and its class, for their words quote values.
 */
#include "protos/pgsql/fields.h"
#include "protos/pgsql/pgsql.h"
#include "protos/sql/fingerprint.h"
#include "shipper/base/hash.h"

#include <stdio.h>

#define OWN_FIELD(id) FIELD_OWN(PGSQL_##id)

static bool is_full(const struct exchange *x)
{
	const struct pgsql_conf *conf = conn_conf(x->conn);

	return conf->statements == PG_FULL && !(x->notes & PG_NOTE_SECRET);
}

static const struct pg_session *session_of(const struct exchange *x)
{
	return conn_self(x->conn);
}

/* ---- Settling ---- */

/* The server reads all of a text before it runs any of it: an error of that reading, the first
 * answer, is about the whole. */
static void settle_list(struct exchange *x)
{
	struct pgsql *p = x->own;
	bool unread = p->failed && x->part == 0 &&
		      bytes_eq(exchange_text(x, &p->part[PART_CODE]), BYTES("42601"));

	if (unread)
		return;
	pg_list_divide(x, session_of(x)->escapes);
	if (p->failed && p->rest.len > 0)
		x->notes |= PG_NOTE_REST;
}

static void settle_error(struct exchange *x)
{
	struct pgsql *p = x->own;
	struct bytes code = exchange_text(x, &p->part[PART_CODE]);
	char text[96];

	if (is_full(x)) {
		x->error = p->part[PART_MESSAGE];
		return;
	}
	snprintf(text, sizeof(text), "%.*s: %s", (int)(code.len < 5 ? code.len : 5),
		 code.len ? (const char *)code.at : "", pg_class_name(code));
	pg_keep(x, &x->error, bytes_str(text), sizeof(text));
}

/* Does a literal follow, or a value as connection strings have it? */
static bool is_password(struct bytes behind)
{
	struct cursor c = cursor_of(behind);
	uint8_t next = cursor_u8(&c);
	bool equals = false, space = false;

	for (; !c.dry &&
	       (next == '=' || next == '"' || next == ' ' || (next >= '\t' && next <= '\r'));
	     next = cursor_u8(&c)) {
		space |= next != '=';
		equals |= next == '=';
	}
	if (c.dry)
		return false;
	if (next == '$')
		return (next = cursor_u8(&c), next < '0' || next > '9');
	return next == '\'' || (equals && !space) ||
	       (ascii_lower(next) == 'e' && cursor_u8(&c) == '\'');
}

/* The word `password` with what it is: CREATE ROLE, connection strings, comparisons. */
static bool has_secret(struct bytes text)
{
	enum { LEN = 8, W_AT = 4 };

	for (size_t at = W_AT; at + LEN - W_AT <= text.len; at++) {
		struct bytes rest = bytes_skip(text, at);
		size_t small = bytes_find(rest, 'w');

		at += bytes_find(bytes_head(rest, small), 'W');
		if (at + LEN - W_AT <= text.len &&
		    bytes_eq_case(bytes_of(text.at + at - W_AT, LEN), BYTES("password")) &&
		    is_password(bytes_skip(text, at + LEN - W_AT)))
			return true;
	}
	return false;
}

/* A statement that is prepared once and run many times has its fingerprint taken once. */
static void settle_known(struct exchange *x)
{
	struct pgsql *p = x->own;
	struct pg_session *s = conn_self(x->conn);
	struct bytes text = exchange_text(x, &x->said[CLIENT]);
	struct pg_statement *st =
		p->kind == PG_EXTENDED && text.len > 0
			? pg_find_same(s, exchange_text(x, &p->statement), p->source_id)
			: NULL;

	p->known = st;
	if (st == NULL || st->print)
		return;
	struct sql_print print;

	sql_fingerprint(s->escapes ? SQL_PGSQL_ESCAPES : SQL_PGSQL, text, &print);
	struct pg_print with = {
		.text = sql_print_text(&print),
		.method = sql_print_method(&print),
		.tables = sql_print_tables(&print),
		.hash = hash_bytes(sql_print_text(&print)),
		.secret = has_secret(text),
	};

	pg_learn_print(x->conn, st, &with);
}

static void settle_session(struct exchange *x)
{
	const struct pgsql *p = pgsql_of(x);
	const struct pg_session *s = session_of(x);

	if (p->kind == PG_LOGIN || p->kind == PG_TLS || p->kind == PG_CANCEL)
		return;
	if (s->user.len == 0)
		x->notes |= PG_NOTE_LOGIN;
	else if (s->lost)
		x->notes |= PG_NOTE_SESSION;
}

void pg_settle(struct exchange *x)
{
	struct pgsql *p = x->own;
	const struct pgsql_conf *conf = conn_conf(x->conn);

	if (p->held) { /* it has its answer, whatever keeps it from being followed by another */
		x->notes &= ~(uint32_t)(NOTE_TIMEOUT | NOTE_CLOSED | NOTE_FINISHED);
		if (!(x->notes & PG_NOTE_STREAM))
			x->notes |= PG_NOTE_READY;
	}
	settle_session(x);
	if (p->kind == PG_QUERY)
		settle_list(x);
	settle_known(x);
	if (p->known ? p->known->print->secret : has_secret(exchange_text(x, &x->said[CLIENT]))) {
		x->notes |= PG_NOTE_SECRET;
		x->raw[SERVER] = (struct clip){0};
	}
	if (p->failed)
		settle_error(x);
	else if (x->notes & PG_NOTE_SKIPPED)
		pg_keep(x, &x->error, BYTES("Skipped after an error"), INT64_MAX);
	if (conf->common.send_request && is_full(x))
		x->raw[CLIENT] = x->said[CLIENT];
}

/* ---- Writing ---- */

static const char *command_name(const struct pgsql *p)
{
	switch ((enum pg_kind)p->kind) {
	case PG_LOGIN:
		return "Startup";
	case PG_TLS:
		return "SSLRequest";
	case PG_CANCEL:
		return "CancelRequest";
	case PG_QUERY:
		return "Query";
	case PG_FUNCTION:
		return "FunctionCall";
	case PG_NOTIFICATION:
		return "NotificationResponse";
	case PG_EXTENDED:
		return p->command == 'E'   ? "Execute"
		       : p->command == 'P' ? "Parse"
		       : p->command == 'B' ? "Bind"
					   : "Describe";
	default:
		return NULL;
	}
}

/* The first word of a command tag, when the statement was not seen. */
static void write_tag_method(const struct exchange *x, struct doc *d)
{
	struct bytes tag = exchange_text(x, &x->said[SERVER]);

	doc_text(d, F_METHOD, bytes_head(tag, bytes_find(tag, ' ')));
}

/* A statement that is prepared or described is not run: its verb is the protocol's. */
static const char *verb(const struct pgsql *p)
{
	switch ((enum pg_kind)p->kind) {
	case PG_LOGIN:
		return "LOGIN";
	case PG_TLS:
		return "TLS";
	case PG_CANCEL:
		return "CANCEL";
	case PG_FUNCTION:
		return "FUNCTION";
	case PG_NOTIFICATION:
		return "NOTIFICATION";
	case PG_EXTENDED:
		return p->command == 'E'   ? NULL
		       : p->command == 'P' ? "PREPARE"
		       : p->command == 'B' ? "BIND"
					   : "DESCRIBE";
	default:
		return NULL;
	}
}

static void write_print(const struct exchange *x, struct doc *d, const struct pg_print *print)
{
	const char *word = verb(pgsql_of(x));

	if (word)
		doc_word(d, F_METHOD, word);
	else
		doc_text(d, F_METHOD, print->method);
	doc_text(d, F_QUERY, is_full(x) ? exchange_text(x, &x->said[CLIENT]) : print->text);
	doc_text(d, F_PATH, print->tables);
	doc_text(d, F_QUERY_FINGERPRINT, print->text);
	doc_hex(d, F_QUERY_HASH, print->hash);
}

static void write_statement(const struct exchange *x, struct doc *d)
{
	const struct pgsql *p = pgsql_of(x);
	struct bytes text = exchange_text(x, &x->said[CLIENT]);
	const char *word = verb(p);
	struct sql_print print;

	if (p->known) {
		write_print(x, d, p->known->print);
		return;
	}
	if (text.len == 0) {
		if (word)
			doc_word(d, F_METHOD, word);
		else
			write_tag_method(x, d);
		return;
	}
	sql_fingerprint(session_of(x)->escapes ? SQL_PGSQL_ESCAPES : SQL_PGSQL, text, &print);
	struct pg_print with = {
		.text = sql_print_text(&print),
		.method = sql_print_method(&print),
		.tables = sql_print_tables(&print),
		.hash = hash_bytes(sql_print_text(&print)),
	};

	write_print(x, d, &with);
}

static void write_params(const struct exchange *x, struct doc *d)
{
	const struct pgsql *p = pgsql_of(x);
	struct cursor c = cursor_of(exchange_text(x, &p->params));

	if (p->param_count == 0 || !is_full(x))
		return;
	doc_list_begin(d, OWN_FIELD(PARAMS));
	for (uint32_t i = 0; i < p->param_count && !c.dry; i++) {
		struct bytes head = cursor_take(&c, sizeof(uint32_t));
		uint32_t len = 0;

		if (head.len > 0)
			memcpy(&len, head.at, sizeof(len));
		doc_list_text(d, len == UINT32_MAX ? BYTES("NULL") : cursor_take(&c, len));
	}
	doc_list_end(d);
}

static void write_result(const struct exchange *x, struct doc *d)
{
	const struct pgsql *p = pgsql_of(x);

	doc_text(d, OWN_FIELD(COMMAND_TAG), exchange_text(x, &x->said[SERVER]));
	if (p->has_columns)
		doc_int(d, OWN_FIELD(NUM_FIELDS), p->columns);
	if (p->rows > 0 || (p->has_columns && p->command != 'P' && p->command != 'D'))
		doc_int(d, OWN_FIELD(NUM_ROWS), (int64_t)p->rows);
	if (p->has_affected)
		doc_int(d, OWN_FIELD(AFFECTED_ROWS), (int64_t)p->affected);
	if (p->suspended)
		doc_bool(d, OWN_FIELD(SUSPENDED), true);
	if (p->copy_in || p->copy_out) {
		doc_word(d, OWN_FIELD(COPY), p->copy_in ? "in" : "out");
		doc_int(d, OWN_FIELD(COPY_BYTES), (int64_t)p->copied);
	}
	if (p->transaction == 'I' || p->transaction == 'T' || p->transaction == 'E')
		doc_word(d, OWN_FIELD(TRANSACTION_STATUS),
			 p->transaction == 'I'	 ? "idle"
			 : p->transaction == 'T' ? "in_transaction"
						 : "failed");
	if (p->notices > 0)
		doc_int(d, OWN_FIELD(NOTICES), p->notices);
	if (is_full(x))
		doc_text(d, OWN_FIELD(NOTICE), exchange_text(x, &p->notice));
}

static void write_error(const struct exchange *x, struct doc *d)
{
	static const struct {
		unsigned field;
		enum pg_part part;
		bool quotes; /* may quote values */
	} parts[] = {
		{OWN_FIELD(ERROR_CODE), PART_CODE, false},
		{OWN_FIELD(ERROR_MESSAGE), PART_MESSAGE, true},
		{OWN_FIELD(ERROR_SEVERITY), PART_SEVERITY, false},
		{OWN_FIELD(ERROR_DETAIL), PART_DETAIL, true},
		{OWN_FIELD(ERROR_HINT), PART_HINT, true},
		{OWN_FIELD(ERROR_SCHEMA), PART_SCHEMA, false},
		{OWN_FIELD(ERROR_TABLE), PART_TABLE, false},
		{OWN_FIELD(ERROR_COLUMN), PART_COLUMN, false},
		{OWN_FIELD(ERROR_CONSTRAINT), PART_CONSTRAINT, false},
	};
	const struct pgsql *p = pgsql_of(x);

	if (!p->failed)
		return;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (is_full(x) || !parts[i].quotes)
			doc_text(d, parts[i].field, exchange_text(x, &p->part[parts[i].part]));
}

static void write_login(const struct exchange *x, struct doc *d)
{
	const struct pgsql *p = pgsql_of(x);
	char text[16];

	doc_text(d, OWN_FIELD(AUTHENTICATION), exchange_text(x, &p->auth));
	if (p->protocol) {
		snprintf(text, sizeof(text), "%u.%u", p->protocol >> 16, p->protocol & 0xffff);
		doc_word(d, OWN_FIELD(PROTOCOL), text);
	}
	doc_text(d, OWN_FIELD(SERVER_VERSION), exchange_text(x, &p->version));
}

void pg_write(const struct exchange *x, struct doc *d)
{
	const struct pgsql *p = pgsql_of(x);
	const struct pg_session *s = session_of(x);
	const char *command = command_name(p);

	write_statement(x, d);
	if (command)
		doc_word(d, OWN_FIELD(COMMAND), command);
	if (p->kind == PG_EXTENDED) {
		doc_text(d, OWN_FIELD(STATEMENT), exchange_text(x, &p->statement));
		doc_text(d, OWN_FIELD(PORTAL), exchange_text(x, &p->portal));
		write_params(x, d);
	}
	write_result(x, d);
	write_error(x, d);
	if (p->kind == PG_LOGIN)
		write_login(x, d);
	if (p->pid)
		doc_int(d, OWN_FIELD(BACKEND_PID), p->pid);
	if (p->kind == PG_FUNCTION)
		doc_int(d, OWN_FIELD(FUNCTION), p->function);
	doc_text(d, OWN_FIELD(CHANNEL), exchange_text(x, &p->channel));
	doc_text(d, OWN_FIELD(PAYLOAD), exchange_text(x, &p->payload));
	if (p->kind == PG_TLS)
		doc_bool(d, OWN_FIELD(TLS), true);
	doc_text(d, OWN_FIELD(USER_NAME), clip_bytes(&s->user, &s->names));
	doc_text(d, OWN_FIELD(DB_NAME), clip_bytes(&s->db, &s->names));
	doc_text(d, OWN_FIELD(APPLICATION), clip_bytes(&s->application, &s->names));
}
