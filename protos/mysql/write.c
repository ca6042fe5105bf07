/*
 * A MySQL exchange as a document.
 */
#include "protos/mysql/fields.h"
#include "protos/mysql/mysql.h"
#include "shipper/base/hash.h"

#include <stdio.h>

enum { SAID_MAX = 512, METHOD_TEXT_MAX = 32 };

#define OWN_FIELD(id) FIELD_OWN(MYSQL_##id)

static bool is_statement(const struct mysql *m)
{
	switch (m->command) {
	case COM_QUERY:
	case COM_STMT_PREPARE:
	case COM_STMT_EXECUTE:
	case COM_STMT_BULK_EXECUTE:
		return true;
	default:
		return false;
	}
}

/* Statements that may hold a password are shown as their fingerprint. */
static bool has_secret(struct bytes method, struct bytes print)
{
	static const char *const verbs[] = {"CREATE", "ALTER", "SET", "GRANT", "CHANGE", "START"};
	bool may = false;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]) && !may; i++)
		may = bytes_eq(method, bytes_str(verbs[i]));
	return may && (memmem(print.at, print.len, "identified", 10) ||
		       memmem(print.at, print.len, "password", 8));
}

static void settle_statement(struct exchange *x, const struct mysql_conf *conf)
{
	struct mysql *m = mysql_of(x);
	struct bytes text = exchange_text(x, &m->text);
	struct sql_print print;

	if (m->print.len == 0 && text.len > 0) {
		sql_fingerprint(m->no_escapes ? SQL_MYSQL_PLAIN : SQL_MYSQL, text, &print);
		clip_set(&m->print, &x->kept, sql_print_text(&print), SIZE_MAX);
		clip_set(&m->method, &x->kept, sql_print_method(&print), SIZE_MAX);
		clip_set(&m->tables, &x->kept, sql_print_tables(&print), SIZE_MAX);
	}
	bool secret = has_secret(exchange_text(x, &m->method), exchange_text(x, &m->print));

	if (secret)
		x->notes |= MYSQL_NOTE_SECRET;
	if (secret || conf->statements == STATEMENTS_FINGERPRINT) {
		m->text = m->print;
		m->params = (struct clip){0};
	}
}

void mysql_settle(struct exchange *x)
{
	const struct mysql_conf *conf = conn_conf(x->conn);
	const struct mysql_self *self = conn_self(x->conn);
	struct mysql *m = mysql_of(x);

	if (m->waits) { /* its statement was never numbered */
		m->params = (struct clip){0};
		x->notes |= MYSQL_NOTE_PARAMS;
	}
	if (!m->login && m->command != COM_NOTICE)
		x->notes |= !self->knows_caps ? MYSQL_NOTE_LOGIN
			    : self->lost      ? MYSQL_NOTE_SESSION
					      : 0;
	if (is_statement(m) || m->command == COM_STMT_FETCH || m->command == COM_STMT_RESET ||
	    m->command == COM_STMT_CLOSE || m->command == COM_STMT_SEND_LONG_DATA)
		settle_statement(x, conf);
	/* Messages quote values, and not always so that they can be told apart. */
	if (conf->statements == STATEMENTS_FINGERPRINT && m->error_code > 0) {
		char text[32];
		int n = snprintf(text, sizeof(text), "error %u", (unsigned)m->error_code);

		clip_set(&x->error, &x->kept, bytes_of(text, (size_t)n), sizeof(text));
		m->info = (struct clip){0};
	}
	if (conf->common.send_request && x->begun[CLIENT])
		x->raw[CLIENT] = m->text;
	if (conf->common.send_response)
		x->raw[SERVER] = x->said[SERVER];
}

/* The command's name in upper case, and what it is about. */
static void write_command(const struct exchange *x, struct doc *d)
{
	const struct mysql *m = mysql_of(x);
	const char *name = command_name(m->command);
	struct bytes about = exchange_text(
		x, m->command == COM_LOGIN || m->command == COM_CHANGE_USER ? &m->user : &m->text);
	uint8_t method[METHOD_TEXT_MAX];
	size_t n = 0;

	for (; n < METHOD_TEXT_MAX && name[n]; n++)
		method[n] = name[n] >= 'a' && name[n] <= 'z' ? (uint8_t)(name[n] - 'a' + 'A')
							     : (uint8_t)name[n];
	if (!x->begun[CLIENT])
		return;
	doc_text(d, F_METHOD, bytes_of(method, n));
	doc_text_begin(d, F_QUERY);
	doc_text_more(d, bytes_of(method, n));
	if (about.len > 0) {
		doc_text_more(d, BYTES(" "));
		doc_text_more(d, about);
	}
	doc_text_end(d);
}

static void write_query(const struct exchange *x, struct doc *d)
{
	const struct mysql *m = mysql_of(x);
	struct bytes print = exchange_text(x, &m->print);

	if (!is_statement(m)) {
		write_command(x, d);
		return;
	}
	doc_text(d, F_METHOD, exchange_text(x, &m->method));
	doc_text(d, F_QUERY, exchange_text(x, &m->text));
	doc_text(d, F_PATH, exchange_text(x, &m->tables));
	if (print.len > 0) {
		doc_text(d, F_QUERY_FINGERPRINT, print);
		doc_hex(d, F_QUERY_HASH, hash_bytes(print));
	}
}

static void write_params(const struct exchange *x, struct doc *d)
{
	struct cursor c = cursor_of(exchange_text(x, &mysql_of(x)->params));

	if (cursor_left(&c) == 0)
		return;
	doc_list_begin(d, OWN_FIELD(PARAMS));
	while (cursor_left(&c) > 0)
		doc_list_text(d, cursor_take(&c, cursor_le16(&c)));
	doc_list_end(d);
}

static void write_plugins(const struct exchange *x, struct doc *d)
{
	struct bytes left = exchange_text(x, &mysql_of(x)->plugins);

	if (left.len == 0)
		return;
	doc_list_begin(d, OWN_FIELD(AUTH_PLUGIN));
	while (left.len > 0) {
		size_t n = bytes_find(left, ',');

		doc_list_text(d, bytes_head(left, n));
		left = bytes_skip(left, n + 1);
	}
	doc_list_end(d);
}

static void write_result(const struct exchange *x, struct doc *d)
{
	const struct mysql *m = mysql_of(x);

	if (m->has_ok)
		doc_int(d, OWN_FIELD(AFFECTED_ROWS), (int64_t)m->affected);
	if (m->insert_id > 0)
		doc_int(d, OWN_FIELD(INSERT_ID), (int64_t)m->insert_id);
	if (m->has_rows && m->columns > 0)
		doc_int(d, OWN_FIELD(NUM_FIELDS), m->columns);
	if (m->has_rows && m->command != COM_STMT_PREPARE && m->command != COM_FIELD_LIST)
		doc_int(d, OWN_FIELD(NUM_ROWS), (int64_t)m->rows);
	if (m->results > 1)
		doc_int(d, OWN_FIELD(RESULTS), m->results);
	if (m->warnings > 0)
		doc_int(d, OWN_FIELD(WARNINGS), m->warnings);
	doc_text(d, OWN_FIELD(INFO), exchange_text(x, &m->info));
	if (m->infile > 0)
		doc_int(d, OWN_FIELD(INFILE_BYTES), (int64_t)m->infile);
	if (m->error_code == 0)
		return;
	doc_int(d, OWN_FIELD(ERROR_CODE), m->error_code);
	if (((const struct mysql_conf *)conn_conf(x->conn))->statements == STATEMENTS_FULL)
		doc_text(d, OWN_FIELD(ERROR_MESSAGE), exchange_text(x, &x->error));
	if (m->has_sql_state)
		doc_text(d, OWN_FIELD(SQL_STATE), bytes_of(m->sql_state, sizeof(m->sql_state)));
}

void mysql_write(const struct exchange *x, struct doc *d)
{
	const struct mysql *m = mysql_of(x);
	const struct mysql_self *self = conn_self(x->conn);
	bool login = m->command == COM_LOGIN || m->command == COM_CHANGE_USER;

	write_query(x, d);
	if (x->begun[CLIENT] || m->command == COM_NOTICE)
		doc_word(d, OWN_FIELD(COMMAND), command_name(m->command));
	if (m->has_id)
		doc_int(d, OWN_FIELD(STATEMENT_ID), m->id);
	write_params(x, d);
	write_result(x, d);
	if (m->command == COM_LOGIN && x->begun[SERVER])
		doc_text(d, OWN_FIELD(SERVER_VERSION), bytes_of(self->version, self->version_len));
	if (login)
		write_plugins(x, d);
	if (m->asks_tls)
		doc_bool(d, OWN_FIELD(TLS), true);
	doc_text(d, OWN_FIELD(USER_NAME),
		 login ? exchange_text(x, &m->user) : bytes_of(self->user, self->user_len));
	doc_text(d, OWN_FIELD(DB_NAME),
		 login ? exchange_text(x, &m->db) : bytes_of(self->db, self->db_len));
}
