/*
 * Greeting, login and authentication.
 *
 * The greeting belongs to no exchange; the login begins with the client's answer to it and lasts,
 * over all rounds of authentication, until the server says OK or not. Of what proves an identity
 * nothing is kept.
 *
 * Source   MySQL source documentation "Connection Phase Packets"; MariaDB "Connecting to the
 *          Server"
 */
#include "protos/mysql/mysql.h"

enum { ZEROS = 19, SCRAMBLE_HEAD = 8, SSL_REQUEST = 32 };

void login_greeting(struct reading *r, const struct packet_head *p)
{
	struct cursor c = cursor_of(p->body);
	struct mysql_self *self = r->self;

	cursor_u8(&c);
	struct bytes version = take_until_zero(&c);
	uint64_t caps;

	cursor_take(&c, 4 + SCRAMBLE_HEAD + 1); /* thread, salt, filler */
	caps = cursor_le16(&c);
	cursor_take(&c, 1 + 2); /* character set, status */
	caps |= (uint64_t)cursor_le16(&c) << 16;
	cursor_take(&c, 1 + 6);
	uint64_t maria = cursor_le32(&c);

	if (caps && !(caps & 1)) /* CLIENT_MYSQL is not set: MariaDB, with more capabilities */
		caps |= maria << 32;
	self->server_caps = caps;
	self->greeted = true;
	self->knows_caps = false;
	self->compression = COMPRESSION_NONE;
	/* For replication, old MariaDB pretends to be 5.5.5. */
	if (bytes_starts(version, BYTES("5.5.5-")))
		version = bytes_skip(version, 6);
	set_name(self->version, &self->version_len, VERSION_MAX, version);
	r->stop = true; /* what follows is a message of its own */
}

static void ask_tls(struct reading *r, struct exchange *x)
{
	mysql_of(x)->asks_tls = true;
	exchange_expect(x, 0);
	message_ends(r);
	conn_pass_tls(r->conn, x);
}

static void take_capabilities(struct mysql_self *self, uint64_t caps, uint64_t maria)
{
	if (!(caps & 1))
		caps |= maria << 32;
	self->caps = caps & (self->server_caps ? self->server_caps : ~UINT64_C(0));
	self->knows_caps = true;
	self->eofs = self->caps & CAP_DEPRECATE_EOF ? EOFS_DEPRECATED : EOFS_SENT;
	self->compression_asked = self->caps & CAP_COMPRESS ? COMPRESSION_ZLIB
				  : self->caps & CAP_ZSTD   ? COMPRESSION_ZSTD
							    : COMPRESSION_NONE;
}

static bool is_last(struct bytes kept, struct bytes plugin)
{
	return kept.len >= plugin.len &&
	       bytes_eq(bytes_skip(kept, kept.len - plugin.len), plugin) &&
	       (kept.len == plugin.len || kept.at[kept.len - plugin.len - 1] == ',');
}

static void keep_plugin(struct exchange *x, struct bytes plugin)
{
	struct mysql *m = mysql_of(x);
	struct bytes kept = exchange_text(x, &m->plugins);

	/* Divided by commas; no plugin has one in its name. */
	if (plugin.len == 0 || plugin.len > 64 || bytes_find(plugin, ',') < plugin.len ||
	    kept.len > 1024 || is_last(kept, plugin))
		return;
	if (kept.len > 0)
		exchange_keep(x, &m->plugins, BYTES(","));
	exchange_keep(x, &m->plugins, plugin);
}

static void take_user(struct reading *r, struct exchange *x, struct bytes user, struct bytes db)
{
	struct mysql *m = mysql_of(x);

	exchange_keep(x, &m->user, bytes_head(user, NAME_MAX_BYTES));
	exchange_keep(x, &m->db, bytes_head(db, NAME_MAX_BYTES));
	set_name(r->self->user, &r->self->user_len, NAME_MAX_BYTES, user);
	set_name(r->self->db, &r->self->db_len, NAME_MAX_BYTES, db);
}

void login_response(struct reading *r, const struct packet_head *p)
{
	struct cursor c = cursor_of(p->body);
	struct exchange *x = r->hand = exchange_begin(r->conn, CLIENT);
	struct mysql *m = mysql_of(x);
	uint64_t caps = cursor_le16(&c);
	uint64_t maria = 0;

	r->self->greeted = false;
	m->command = COM_LOGIN;
	m->login = true;
	m->next = (uint8_t)(p->seq + 1);
	if (caps & CAP_PROTOCOL_41) {
		caps |= (uint64_t)cursor_le16(&c) << 16;
		cursor_take(&c, 4 + 1 + ZEROS);
		maria = cursor_le32(&c);
	} else {
		cursor_take(&c, 3);
	}
	if (caps & CAP_SSL && p->len <= SSL_REQUEST) {
		ask_tls(r, x);
		return;
	}
	take_capabilities(r->self, caps, maria);
	struct bytes user = take_until_zero(&c), db = NO_BYTES;

	if (caps & CAP_AUTH_LENENC)
		take_text(&c);
	else if (caps & CAP_SECURE_CONNECTION)
		cursor_take(&c, cursor_u8(&c));
	else
		take_until_zero(&c);
	if (caps & CAP_CONNECT_WITH_DB)
		db = take_until_zero(&c);
	take_user(r, x, user, db);
	if (caps & CAP_PLUGIN_AUTH && !c.dry)
		keep_plugin(x, take_until_zero(&c));
	message_ends(r);
}

/* COM_CHANGE_USER, behind the command's byte. */
void login_change_user(struct reading *r, struct exchange *x, struct cursor *c)
{
	struct bytes user = take_until_zero(c);

	mysql_of(x)->login = true;
	if (!r->self->knows_caps || r->self->caps & CAP_SECURE_CONNECTION)
		cursor_take(c, cursor_u8(c));
	else
		take_until_zero(c);
	take_user(r, x, user, take_until_zero(c));
	cursor_take(c, 2); /* character set */
	if (!c->dry && cursor_left(c) > 0)
		keep_plugin(x, take_until_zero(c));
}

/* OK, an error, or another round. */
void login_answer(struct reading *r, struct exchange *x, const struct packet_head *p)
{
	uint8_t kind = p->body.at[0];

	if (kind == 0x00) {
		answer_ok(r, x, p->body);
		r->self->lost = false;
		message_ends(r);
		if (mysql_of(x)->command == COM_LOGIN)
			r->self->compression = r->self->compression_asked;
		else
			statements_free(&r->self->statements, conn_quota(r->conn));
		return;
	}
	if (kind == 0xff) {
		answer_error(x, p->body);
		r->self->user_len = r->self->db_len = 0;
		message_ends(r);
		return;
	}
	if (kind == 0xfe && p->len > 1) { /* another plugin is asked for */
		struct cursor c = cursor_of(bytes_skip(p->body, 1));

		keep_plugin(x, take_until_zero(&c));
	} else if (kind == 0xfe) {
		keep_plugin(x, BYTES("mysql_old_password"));
	}
	/* Whose turn it is depends on what is in it: caching_sha2_password's "known already" is
	 * followed by the server's own OK. */
	mysql_of(x)->next = (uint8_t)(p->seq + 1);
	exchange_again(r->conn, SERVER);
	r->stop = true;
}
