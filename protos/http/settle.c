/*
 * What is worked out once, before an exchange is written.
 */
#include "protos/http/http.h"
#include "protos/http/secrets.h"

enum { HTTP_PORT = 80 };

/* A part of a text that is kept already. */
static struct clip part_of(const struct clip *whole, size_t from, size_t len)
{
	return (struct clip){.at = whole->at + (uint32_t)from, .len = (uint32_t)len};
}

/* host [ ":" port ], perhaps with user information before it. */
static void settle_authority(struct exchange *x, struct clip authority)
{
	struct http *h = x->own;
	struct bytes text = exchange_text(x, &authority);
	size_t from = 0, end;
	int64_t port;
	bool address;

	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] == '@')
			from = i + 1;
	text = bytes_skip(text, from);
	end = bytes_find(text, text.len > 0 && text.at[0] == '[' ? ']' : ':');
	address = text.len > 0 && text.at[0] == '[';
	if (address && end < text.len)
		end++;
	h->domain = part_of(&authority, from, end);
	if (end < text.len && text.at[end] == ':' &&
	    bytes_int(bytes_skip(text, end + 1), 1, UINT16_MAX, &port))
		h->port = (int32_t)port;
	for (size_t i = 0; i < end && !address; i++) {
		bool digit = (text.at[i] >= '0' && text.at[i] <= '9') || text.at[i] == '.';

		if (!digit) {
			x->server_domain = h->domain;
			return;
		}
	}
}

static size_t find_scheme(struct bytes target)
{
	size_t n = bytes_find(bytes_head(target, 16), ':');

	return n + 2 < target.len && target.at[n] == ':' && target.at[n + 1] == '/' &&
			       target.at[n + 2] == '/'
		       ? n
		       : 0;
}

/* RFC 9112 section 3.2: the four forms of a target. */
static void settle_url(struct exchange *x)
{
	struct http *h = x->own;
	const struct clip *whole = &x->said[CLIENT];
	struct bytes target = exchange_text(x, whole);
	size_t from = 0;

	if (h->kind == HTTP_METHOD_CONNECT) {
		settle_authority(x, *whole);
		return;
	}
	if (target.len > 0 && target.at[0] != '/')
		h->scheme_bytes = (uint8_t)find_scheme(target);
	if (h->scheme_bytes > 0) {
		size_t at = h->scheme_bytes + 3u;

		from = at;
		while (from < target.len && target.at[from] != '/' && target.at[from] != '?')
			from++;
		settle_authority(x, part_of(whole, at, from - at));
	} else {
		uint16_t port = conn_port(x->conn, side_other((enum side)x->asker));

		settle_authority(x, h->host);
		if (h->port == 0 && h->domain.len > 0 && port != HTTP_PORT)
			h->port = port;
	}
	size_t path = bytes_find(bytes_skip(target, from), '?');

	h->path = part_of(whole, from, path);
	if (from + path + 1 < target.len)
		h->query = part_of(whole, from + path + 1, target.len - from - path - 1);
}

/* A text may not be copied from the block that it is copied to: it moves as it grows. */
static void keep_built(struct exchange *x, struct clip *clip, struct buf *built)
{
	*clip = (struct clip){0};
	exchange_keep(x, clip, buf_bytes(built));
	buf_fini(built);
}

static struct codings all_codings(const struct http_message *m)
{
	struct codings all = m->content;

	for (unsigned i = 0; i < m->transfer.count; i++) {
		if (all.count < CODINGS_MAX)
			all.at[all.count++] = m->transfer.at[i];
		else
			all.at[CODINGS_MAX - 1] = CODING_UNKNOWN;
	}
	return all;
}

static void settle_body(struct exchange *x, enum side side)
{
	const struct http_conf *conf = conn_conf(x->conn);
	struct http *h = x->own;
	const struct http_message *m = &h->message[side];
	struct codings codings = all_codings(m);
	struct bytes body = exchange_text(x, &m->body), type = exchange_text(x, &m->type);
	struct buf text = {0}, shown = {0};
	bool cut = false;

	if (body.len == 0)
		return;
	if (codings.count > 0 && conf->decode_body) {
		if (!content_decode(&codings, body, &text, (size_t)x->text_max, &cut) &&
		    !m->body.cut && !m->lost_body)
			x->notes |= HTTP_NOTE_NOT_DECODED;
		if (cut)
			x->notes |= NOTE_TRIMMED;
		body = buf_bytes(&text);
	} else if (codings.count > 0 && conf->hide_keywords.count > 0) {
		x->notes |= HTTP_NOTE_WITHHELD; /* nobody can tell what is in it */
		return;
	}
	if (!secret_body(&shown, type, body, &conf->hide_keywords))
		x->notes |= HTTP_NOTE_WITHHELD;
	keep_built(x, &h->shown[side], &shown);
	buf_fini(&text);
}

static void add_version(struct buf *out, uint16_t version)
{
	uint8_t text[] = {'H', 'T',
			  'T', 'P',
			  '/', (uint8_t)('0' + version / 10),
			  '.', (uint8_t)('0' + version % 10)};

	if (version > 0)
		buf_add(out, bytes_of(text, sizeof(text)));
}

static void add_start_line(struct buf *out, const struct exchange *x, enum side side)
{
	const struct http *h = http_of(x);
	uint16_t version = h->message[side].version;

	if (side == CLIENT) {
		buf_add(out, exchange_text(x, &h->method));
		buf_add(out, BYTES(" "));
		buf_add(out, exchange_text(x, &x->said[CLIENT]));
		buf_add(out, BYTES(" "));
		add_version(out, version);
	} else {
		uint8_t code[] = {' ', (uint8_t)('0' + h->code / 100 % 10),
				  (uint8_t)('0' + h->code / 10 % 10), (uint8_t)('0' + h->code % 10),
				  ' '};

		add_version(out, version);
		buf_add(out, bytes_of(code, sizeof(code)));
		buf_add(out, exchange_text(x, &x->said[SERVER]));
	}
	buf_add(out, BYTES("\r\n"));
}

/* The message as it was sent, but for secrets, and for spaces that say nothing. */
static void settle_raw(struct exchange *x, enum side side)
{
	const struct http *h = http_of(x);
	const struct http_message *m = &h->message[side];
	struct kept_header list[HEADERS_KEPT_MAX];
	unsigned n = head_kept(x, m, list);
	struct buf out = {0};

	if (m->version != HTTP_VERSION_09) {
		add_start_line(&out, x, side);
		for (unsigned i = 0; i < n; i++) {
			buf_add(&out, list[i].name);
			buf_add(&out, BYTES(": "));
			buf_add(&out, list[i].value);
			buf_add(&out, BYTES("\r\n"));
		}
		buf_add(&out, BYTES("\r\n"));
	}
	buf_add(&out, exchange_text(x, &h->shown[side]));
	keep_built(x, &x->raw[side], &out);
}

/* "404 Not Found": few different ones, whatever the request was. */
static void settle_error(struct exchange *x)
{
	uint16_t code = http_of(x)->code;
	uint8_t text[] = {(uint8_t)('0' + code / 100), (uint8_t)('0' + code / 10 % 10),
			  (uint8_t)('0' + code % 10), ' '};
	struct buf out = {0};

	x->status = STATUS_ERROR;
	if (!x->begun[CLIENT])
		return; /* that it is unasked says more */
	buf_add(&out, bytes_of(text, x->said[SERVER].len > 0 ? 4 : 3));
	buf_add(&out, exchange_text(x, &x->said[SERVER]));
	keep_built(x, &x->error, &out);
}

void http_settle(struct exchange *x)
{
	const struct http_conf *conf = conn_conf(x->conn);
	const struct http *h = http_of(x);

	settle_url(x);
	for (int side = CLIENT; side <= SERVER; side++)
		if (h->message[side].wants_body)
			settle_body(x, (enum side)side);
	if (h->code >= 400)
		settle_error(x);
	if (conf->common.send_request && x->begun[CLIENT])
		settle_raw(x, CLIENT);
	if (conf->common.send_response && x->begun[SERVER])
		settle_raw(x, SERVER);
}
