/*
 * Before a transaction is written: how it went, and the raw texts without secrets.
 *
 * Of credentials, only what says for whom they are is left; of session descriptions, no key; of
 * URIs, no password.
 */
#include "protos/sip/sip.h"

static const char *const safe_params[] = {"realm", "username", "algorithm", "uri", "qop"};
static const char *const credentials[] = {"authorization", "proxy-authorization",
					  "authentication-info", "proxy-authentication-info"};
static const char *const secret_lines[] = {"k=", "a=crypto:", "a=ice-pwd:", "a=key-mgmt:"};

#define COUNT(list) (sizeof(list) / sizeof(list[0]))

static void put(struct exchange *x, enum side role, struct bytes b)
{
	exchange_keep(x, &x->raw[role], b);
}

/* The end of a parameter: its comma outside of quotes, or the line's. */
static size_t param_end(struct bytes b)
{
	bool quoted = false;
	size_t i = 0;

	for (; i < b.len && (quoted || b.at[i] != ','); i++) {
		if (quoted && b.at[i] == '\\')
			i++;
		else if (b.at[i] == '"')
			quoted = !quoted;
	}
	return i < b.len ? i : b.len;
}

static bool is_safe(struct bytes param)
{
	struct bytes name = bytes_trim(bytes_head(param, bytes_find(param, '=')));

	if (name.len == param.len)
		return false;
	for (size_t i = 0; i < COUNT(safe_params); i++)
		if (bytes_eq_case(name, bytes_str(safe_params[i])))
			return true;
	return false;
}

static void put_credentials(struct exchange *x, enum side role, struct bytes value)
{
	size_t space = bytes_find(bytes_trim(value), ' ');
	struct bytes all = bytes_trim(value), rest = bytes_skip(all, space + 1);
	bool first = true;

	put(x, role, BYTES(" "));
	/* Without a scheme in front it is parameters alone (Authentication-Info). */
	if (bytes_find(bytes_head(all, space), '=') < space)
		rest = all;
	else
		put(x, role, bytes_head(all, space));
	while (rest.len > 0) {
		size_t n = param_end(rest);
		struct bytes param = bytes_trim(bytes_head(rest, n));

		put(x, role, first ? BYTES(" ") : BYTES(", "));
		put(x, role, is_safe(param) ? param : BYTES("*"));
		rest = bytes_skip(rest, n + 1);
		first = false;
	}
}

/* A line in which passwords of URIs are masked. */
static void put_line(struct exchange *x, enum side role, struct bytes line)
{
	size_t colon = 0;
	bool in_uri = false;

	for (size_t i = 0; i < line.len; i++) {
		uint8_t c = line.at[i];

		if (c == ' ' || c == '<' || c == '>' || c == '"') {
			in_uri = false;
		} else if (c == ':' && !in_uri) {
			in_uri = true;
			colon = 0;
		} else if (c == ':' && colon == 0) {
			colon = i;
		} else if (c == '@' && in_uri && colon > 0) {
			put(x, role, bytes_head(line, colon + 1));
			put(x, role, BYTES("*"));
			line = bytes_skip(line, i);
			i = colon = 0;
			in_uri = false;
		}
	}
	put(x, role, line);
}

static bool is_secret(struct bytes line)
{
	for (size_t i = 0; i < COUNT(secret_lines); i++)
		if (bytes_eq_case(bytes_head(line, strlen(secret_lines[i])),
				  bytes_str(secret_lines[i])))
			return true;
	return false;
}

static void put_text(struct exchange *x, enum side role, struct bytes text)
{
	while (text.len > 0) {
		size_t n = bytes_find(text, '\n');
		struct bytes line = bytes_head(text, n);
		size_t colon = bytes_find(line, ':');
		bool secret = false;

		text = bytes_skip(text, n + 1);
		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		for (size_t i = 0; i < COUNT(credentials); i++)
			secret |= bytes_eq_case(bytes_trim(bytes_head(line, colon)),
						bytes_str(credentials[i]));
		if (secret) {
			put(x, role, bytes_head(line, colon + 1));
			put_credentials(x, role, bytes_skip(line, colon + 1));
		} else if (is_secret(line)) {
			put(x, role, bytes_head(line, 2));
			put(x, role, BYTES("*"));
		} else {
			put_line(x, role, line);
		}
		put(x, role, BYTES("\r\n"));
	}
}

/* `kept` may move while it grows, so the text is taken out of it first. */
static void put_raw(struct exchange *x, enum side role)
{
	struct sip_txn *t = x->own;
	struct buf text;

	buf_init(&text, NULL);
	buf_add(&text, exchange_text(x, &t->head[role]));
	buf_add(&text, exchange_text(x, &t->body[role]));
	put_text(x, role, buf_bytes(&text));
	buf_fini(&text);
}

static void set_error(struct exchange *x, const char *text)
{
	exchange_keep(x, &x->error, bytes_str(text));
}

void sip_settle(struct exchange *x)
{
	struct sip_txn *t = x->own;
	const struct sip_conf *conf = conn_conf(x->conn);
	bool challenged = t->code == 401 || t->code == 407;
	bool credentials_sent = t->msg[CLIENT].one[SIP_AUTHORIZATION].len > 0;

	/* A challenge to a request without credentials is the way they are asked for. */
	if (t->code >= 400 && (!challenged || credentials_sent || !x->begun[CLIENT]))
		x->status = STATUS_ERROR;
	if (x->begun[CLIENT] && !x->ended[SERVER] && x->expects != 0 && x->notes & NOTE_TIMEOUT)
		set_error(x, t->provisionals ? "Timeout: no final answer" : "Timeout: no answer");
	else if (x->begun[CLIENT] && !x->ended[SERVER] && t->provisionals)
		set_error(x, "No final answer");
	if (x->settled && x->begun[CLIENT] && t->msg[CLIENT].method == SIP_INVITE && !t->ack)
		x->notes |= SIP_NOTE_NO_ACK;
	if (t->provisionals > PROVISIONALS_MAX || t->forks_count > FORKS_MAX)
		x->notes |= SIP_NOTE_MORE;
	if (conf->common.send_request && x->begun[CLIENT])
		put_raw(x, CLIENT);
	if (conf->common.send_response && x->begun[SERVER])
		put_raw(x, SERVER);
}
