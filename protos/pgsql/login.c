/*
 * What comes before the first statement: requests for TLS or GSSAPI encryption, the startup
 * message, authentication in any number of rounds, the server's parameters. All of it is one
 * exchange, from the first byte to ReadyForQuery or an error. Nothing of a password, a proof or a
 * cancel key is ever kept.
 *
 * Source   PostgreSQL 17 manual, "Message Flow": Start-up, SSL, GSSAPI, Canceling Requests;
 *          version 3.2 is that of PostgreSQL 18
 */
#include "protos/pgsql/pgsql.h"

enum {
	CODE_CANCEL = 80877102,
	CODE_SSL = 80877103,
	CODE_GSS = 80877104,
	CANCEL_MIN = 16,
	CANCEL_MAX = 12 + 256, /* version 3.2 has longer keys */
	TLS_HANDSHAKE = 0x16,
	TLS_RECORD_HEADER = 5,
	AUTH_MAX = 128,
	VERSION_MAX = 64,
};

/* By the number in an Authentication message. */
static const char *const methods[] = {
	[2] = "kerberos", [3] = "password", [5] = "md5", [7] = "gss", [9] = "sspi",
};

struct exchange *pg_login_of(struct conn *conn)
{
	struct exchange *x = exchange_oldest(conn);

	return x && pgsql_of(x)->kind == PG_LOGIN ? x : NULL;
}

static struct exchange *begin(struct pg_reading *r, enum pg_kind kind)
{
	struct exchange *x = pg_login_of(r->conn);

	if (x && kind == PG_LOGIN)
		exchange_go_on(r->conn, CLIENT, x);
	else
		x = exchange_begin(r->conn, CLIENT);
	pgsql_of(x)->kind = (uint8_t)kind;
	exchange_end(r->conn, CLIENT);
	return x;
}

static void set_name(struct pg_reading *r, struct clip *clip, struct bytes value)
{
	struct buf *names = &r->session->names;

	if (names->at == NULL)
		buf_init(names, conn_quota(r->conn));
	if (bytes_eq(clip_bytes(clip, names), value))
		return;
	if (names->len > PG_STARTUP_MAX)
		return; /* a client that changes its name all the time */
	clip_set(clip, names, value, 4 * PG_NAME_MAX);
}

static void startup_parameters(struct pg_reading *r, struct cursor *c)
{
	struct pg_session *s = r->session;

	while (!c->dry) {
		struct bytes name = cursor_until(c, 0), value = cursor_until(c, 0);

		if (name.len == 0 || c->dry)
			break;
		if (bytes_eq(name, BYTES("user")))
			set_name(r, &s->user, value);
		else if (bytes_eq(name, BYTES("database")))
			set_name(r, &s->db, value);
		else if (bytes_eq(name, BYTES("application_name")))
			set_name(r, &s->application, value);
	}
	if (s->db.len == 0)
		s->db = s->user;
}

static enum step direct_tls(struct pg_reading *r, struct cursor *c)
{
	struct bytes rest = cursor_rest(c);

	if (rest.len < TLS_RECORD_HEADER)
		return STEP_MORE;
	if (rest.at[1] != 3 || rest.at[2] > 4)
		return STEP_ALIEN;
	struct exchange *x = begin(r, PG_TLS);

	exchange_expect(x, 0);
	cursor_take(c, TLS_RECORD_HEADER); /* as much as is looked at, however the bytes came */
	conn_pass_tls(r->conn, x);
	return STEP_DONE;
}

static enum step cancel(struct pg_reading *r, struct cursor *body, uint32_t len)
{
	if (len < CANCEL_MIN || len > CANCEL_MAX)
		return STEP_ALIEN;
	struct exchange *x = begin(r, PG_CANCEL);

	pgsql_of(x)->pid = cursor_be32(body);
	exchange_expect(x, 0);
	return STEP_DONE;
}

enum step pg_startup(struct pg_reading *r, struct cursor *c)
{
	struct bytes rest = cursor_rest(c);

	if (rest.at[0] == TLS_HANDSHAKE)
		return direct_tls(r, c);
	uint32_t len = cursor_be32(c), code = cursor_be32(c);

	if (c->dry)
		return STEP_MORE;
	if (len < 8 || len > PG_STARTUP_MAX)
		return STEP_ALIEN;
	struct cursor body = cursor_of(cursor_take(c, len - 8));

	if (c->dry)
		return STEP_MORE;
	r->stop = true;
	if (code == CODE_CANCEL)
		return cancel(r, &body, len);
	if (code == CODE_SSL || code == CODE_GSS) {
		pgsql_of(begin(r, PG_LOGIN))->wants_tls = true;
		return STEP_DONE;
	}
	if (code >> 16 != 3)
		return STEP_ALIEN;
	struct pgsql *p = pgsql_of(begin(r, PG_LOGIN));

	p->protocol = code;
	p->wants_tls = false;
	startup_parameters(r, &body);
	r->session->typed = true;
	return STEP_DONE;
}

/* Passwords, SASL and GSS data: of the first SASL message the mechanism's name is kept. */
void pg_password(struct pg_reading *r, const struct pg_message *m)
{
	struct exchange *x = pg_login_of(r->conn);
	struct cursor c = cursor_of(m->body);

	if (x == NULL)
		return;
	exchange_go_on(r->conn, CLIENT, x);
	if (pgsql_of(x)->wants_mechanism) {
		struct bytes name = cursor_until(&c, 0);

		pgsql_of(x)->wants_mechanism = false;
		pgsql_of(x)->auth = (struct clip){0};
		pg_keep(x, &pgsql_of(x)->auth, bytes_head(name, AUTH_MAX), AUTH_MAX);
	}
	r->side->ends = true;
}

bool pg_answer_tls(struct pg_reading *r, struct exchange *x, struct cursor *c)
{
	struct pgsql *p = x->own;
	uint8_t answer = cursor_rest(c).at[0];

	p->wants_tls = false;
	if (answer != 'S' && answer != 'G' && answer != 'N')
		return false;
	cursor_u8(c);
	if (exchange_answer_to(r->conn, x) != x) {
		exchange_end(r->conn, SERVER);
		return true;
	}
	if (answer == 'N') {
		exchange_again(r->conn, SERVER);
		return true;
	}
	p->kind = PG_TLS;
	exchange_end(r->conn, SERVER);
	conn_pass_tls(r->conn, x);
	return true;
}

static void authentication(struct exchange *x, struct cursor *c)
{
	enum { OK = 0, SASL = 10 };
	struct pgsql *p = x->own;
	uint32_t method = cursor_be32(c);

	if (method == SASL)
		p->wants_mechanism = true;
	else if (method < sizeof(methods) / sizeof(methods[0]) && methods[method])
		pg_keep(x, &p->auth, bytes_str(methods[method]), AUTH_MAX);
}

void pg_parameter(struct pg_reading *r, struct exchange *login, struct bytes body)
{
	struct cursor c = cursor_of(body);
	struct bytes name = cursor_until(&c, 0), value = cursor_until(&c, 0);

	if (c.dry)
		return;
	if (bytes_eq(name, BYTES("application_name")))
		set_name(r, &r->session->application, value);
	else if (bytes_eq(name, BYTES("standard_conforming_strings")))
		r->session->escapes = bytes_eq(value, BYTES("off"));
	else if (login && bytes_eq(name, BYTES("server_version")))
		pg_keep(login, &pgsql_of(login)->version, value, VERSION_MAX);
}

void pg_login_message(struct pg_reading *r, struct exchange *x, const struct pg_message *m)
{
	struct pgsql *p = x->own;
	struct cursor c = cursor_of(m->body);

	(void)r;
	switch (m->type) {
	case 'R':
		authentication(x, &c);
		break;
	case 'K':
		p->pid = cursor_be32(&c);
		break;
	case 'v':
		p->protocol = 3 << 16 | (cursor_be32(&c) & 0xffff);
		break;
	default:
		break;
	}
}
