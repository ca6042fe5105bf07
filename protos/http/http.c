/*
 * HTTP/1.x and 0.9: the table, the states of a direction, the lengths of bodies.
 *
 *   IDLE ─start line─► HEADERS ─empty line─┬─► LENGTH ──────────────────────────────► IDLE
 *     ▲                   │ no body        ├─► CHUNK_SIZE ─► CHUNK_DATA ─► CHUNK_END
 *     └───────────────────┘                │      ▲  └─0─► TRAILERS ─► IDLE    │
 *                                          │      └────────────────────────────┘
 *                                          └─► CLOSE, until the connection ends
 *
 * Source   RFC 9112 section 6.3 (length of a body), section 7.1 (chunked), RFC 9110 section 15
 * Owns     a struct http_side for each direction, a struct http for each exchange
 * Errors   STEP_ALIEN: not HTTP, or not from a message's beginning
 */
#include "protos/http/http.h"
#include "protos/http/fields.h"

enum { START_MAX = 8 << 10, CHUNK_SIZE_MAX = 16, KEYWORD_MAX = 128 };

static const struct bytes http2_preface = {(const uint8_t *)"PRI * HTTP/2.0\r\n", 16};

/* ---- Recognizing ---- */

static enum guess start_answer(struct bytes b)
{
	if (!bytes_starts(BYTES("HTTP/1."), bytes_head(b, 7)))
		return GUESS_NO;
	if (b.len < 9)
		return GUESS_MAYBE;
	return b.at[8] == ' ' ? GUESS_YES : GUESS_NO;
}

/* Does one of the usual methods and the beginning of a target stand here? */
static enum guess start_common(struct bytes b)
{
	static const char *const common[] = {"GET ",	"POST ",    "HEAD ",  "PUT ",
					     "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ",
					     "TRACE ",	"PROPFIND "};

	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
		struct bytes word = bytes_str(common[i]);

		if (!bytes_starts(word, bytes_head(b, word.len)))
			continue;
		if (b.len <= word.len)
			return GUESS_MAYBE;
		return b.at[word.len] > ' ' && b.at[word.len] < 127 ? GUESS_YES : GUESS_NO;
	}
	return GUESS_NO;
}

/* "TARGET HTTP/1.1", as RFC 9112 section 3 has it: text in a body may end with a version, too. */
static bool is_target_and_version(struct bytes line)
{
	uint16_t version;

	if (line.len <= 9)
		return false;
	struct bytes target = bytes_head(line, line.len - 9);

	return is_http_version(bytes_skip(line, line.len - 8), &version) && version < 20 &&
	       line.at[target.len] == ' ' && bytes_find(target, ' ') == target.len;
}

static enum guess start_request(struct bytes b)
{
	size_t space = bytes_find(bytes_head(b, METHOD_MAX + 1), ' ');
	struct bytes method = bytes_head(b, space), rest = bytes_skip(b, space + 1);
	size_t end = bytes_find(rest, '\n');
	struct bytes line = bytes_head(rest, end);

	if (space > METHOD_MAX || !is_token(method))
		return GUESS_NO;
	if (start_common(b) == GUESS_YES)
		return GUESS_YES;
	if (rest.len == 0 || space == b.len)
		return GUESS_MAYBE;
	if (end == rest.len)
		return b.len < START_MAX ? GUESS_MAYBE : GUESS_NO;
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	return is_target_and_version(line) ? GUESS_YES : GUESS_NO;
}

static enum guess http_start(struct bytes b, enum side from)
{
	while (b.len > 0 && (b.at[0] == '\r' || b.at[0] == '\n'))
		b = bytes_skip(b, 1);
	if (b.len == 0)
		return GUESS_MAYBE;
	return from == CLIENT ? start_request(b) : start_answer(b);
}

/* ---- Lines ---- */

/* Cuts a line that is longer than LINE_MAX_BYTES; the rest will be passed over. */
static bool take_long_line(struct reading *r, struct cursor *c, struct bytes *line)
{
	if (cursor_left(c) <= LINE_MAX_BYTES)
		return false;
	*line = cursor_take(c, LINE_MAX_BYTES);
	r->side->long_line = true;
	return true;
}

/* A line, with those that continue it if `folds`, its end not counted. False when it is not all
 * there yet. */
static bool take_line(struct reading *r, struct cursor *c, bool folds, struct bytes *line)
{
	struct bytes rest = bytes_head(cursor_rest(c), LINE_MAX_BYTES + 1);
	size_t end = bytes_find(rest, '\n');

	r->folded = false;
	if (end == rest.len)
		return take_long_line(r, c, line);
	*line = bytes_head(rest, end > 0 && rest.at[end - 1] == '\r' ? end - 1 : end);
	while (folds && line->len > 0) {
		/* Only the next byte tells whether the line goes on. */
		if (end + 1 == rest.len)
			return take_long_line(r, c, line);
		if (rest.at[end + 1] != ' ' && rest.at[end + 1] != '\t')
			break;
		r->folded = true;
		end += 1 + bytes_find(bytes_skip(rest, end + 1), '\n');
		if (end == rest.len)
			return take_long_line(r, c, line);
		*line = bytes_head(rest, rest.at[end - 1] == '\r' ? end - 1 : end);
	}
	cursor_take(c, end + 1);
	return true;
}

static enum step pass_long_line(struct reading *r, struct cursor *c)
{
	struct bytes rest = cursor_rest(c);
	size_t n = bytes_find(rest, '\n');

	r->side->long_line = n == rest.len;
	cursor_upto(c, n + 1);
	return STEP_DONE;
}

/* ---- Beginnings ---- */

static void end_message(struct reading *r)
{
	exchange_end(r->conn, r->from);
	*r->side = (struct http_side){0};
	r->stop = true;
}

static enum step pass_all(struct reading *r, struct cursor *c)
{
	cursor_upto(c, cursor_left(c));
	conn_pass(r->conn);
	return STEP_DONE;
}

static enum step start_client(struct reading *r, struct cursor *c)
{
	struct bytes rest = cursor_rest(c), line;

	if (bytes_starts(rest, http2_preface) ||
	    (rest.len >= 3 && rest.at[0] == 0x16 && rest.at[1] == 3 && rest.at[2] <= 4))
		return pass_all(r, c); /* HTTP/2 with prior knowledge, TLS */
	if (bytes_starts(http2_preface, rest) || (rest.len < 3 && rest.at[0] == 0x16))
		return STEP_MORE;
	if (!take_line(r, c, false, &line))
		return http_start(rest, CLIENT) == GUESS_NO && rest.len > METHOD_MAX ? STEP_ALIEN
										     : STEP_MORE;
	enum step step = head_request(r, line);

	if (step != STEP_DONE)
		return step;
	r->side->state = HTTP_HEADERS;
	if (r->m->version == HTTP_VERSION_09)
		end_message(r);
	return STEP_DONE;
}

static bool is_09(struct exchange *x)
{
	return x && http_of(x)->message[CLIENT].version == HTTP_VERSION_09;
}

static enum step start_server(struct reading *r, struct cursor *c)
{
	struct bytes rest = cursor_rest(c), line;

	if (bytes_starts(BYTES("HTTP/"), bytes_head(rest, 5))) {
		if (!take_line(r, c, false, &line))
			return STEP_MORE;
		if (head_status(r, line) != STEP_DONE)
			return STEP_ALIEN;
		r->side->state = HTTP_HEADERS;
		return STEP_DONE;
	}
	if (!is_09(exchange_oldest(r->conn)))
		return STEP_ALIEN;
	head_answer(r);
	r->m->version = HTTP_VERSION_09;
	exchange_until_close(r->conn, SERVER);
	r->side->state = HTTP_CLOSE;
	return STEP_DONE;
}

static enum step start(struct reading *r, struct cursor *c)
{
	struct bytes rest = cursor_rest(c);
	size_t n = 0;

	/* Old clients send a line end behind a body (RFC 9112 section 2.2). It is a unit of its
	 * own: the message begins behind it. */
	while (n < rest.len && (rest.at[n] == '\r' || rest.at[n] == '\n'))
		n++;
	if (n > 0) {
		cursor_take(c, n);
		r->stop = true;
		return STEP_DONE;
	}
	return r->from == CLIENT ? start_client(r, c) : start_server(r, c);
}

/* ---- What follows the head ---- */

static bool lists_type(const struct texts *list, struct bytes type)
{
	for (size_t i = 0; i < list->count; i++) {
		struct bytes word = bytes_str(list->at[i]);

		for (size_t k = 0; k + word.len <= type.len; k++)
			if (bytes_eq_case(bytes_of(type.at + k, word.len), word))
				return true;
	}
	return false;
}

static bool wants_body(const struct reading *r)
{
	const struct http_conf *conf = r->conf;
	const struct texts *own = r->from == CLIENT ? &conf->include_request_body_for
						    : &conf->include_response_body_for;

	if (own->count == 0 && conf->include_body_for.count == 0)
		return false;
	struct bytes type = exchange_text(r->x, &r->m->type);

	return lists_type(own, type) || lists_type(&conf->include_body_for, type);
}

/* RFC 9112 section 6.3, from number 4 on. */
static enum step begin_body(struct reading *r, bool until_close)
{
	struct http_message *m = r->m;

	if (m->chunked && m->has_length)
		r->x->notes |= HTTP_NOTE_BOTH;
	if (m->has_transfer_coding && !m->chunked) {
		r->x->notes |= HTTP_NOTE_CODING;
		until_close = true;
		m->has_length = false;
	}
	m->wants_body = wants_body(r);
	if (m->chunked) {
		r->side->state = HTTP_CHUNK_SIZE;
	} else if (m->has_length && m->length > 0) {
		r->side->state = HTTP_LENGTH;
		r->side->left = m->length;
	} else if (!m->has_length && until_close) {
		r->side->state = HTTP_CLOSE;
		exchange_until_close(r->conn, r->from);
	} else {
		end_message(r);
		return STEP_DONE;
	}
	if (r->from == SERVER && !r->x->begun[CLIENT]) {
		r->x->notes |= HTTP_NOTE_GUESSED;
		r->side->guess = true;
	}
	return STEP_DONE;
}

static enum step end_and_pass(struct reading *r)
{
	r->x->notes |= HTTP_NOTE_PASSED | (r->http->upgrade_http2 ? HTTP_NOTE_HTTP2 : 0);
	end_message(r);
	conn_pass(r->conn);
	return STEP_DONE;
}

static enum step end_answer_head(struct reading *r)
{
	uint16_t code = r->http->code;

	if (code == 101 || (r->http->kind == HTTP_METHOD_CONNECT && code / 100 == 2))
		return end_and_pass(r);
	if (code < 200) {
		exchange_again(r->conn, SERVER);
		*r->side = (struct http_side){0};
		r->stop = true;
		return STEP_DONE;
	}
	if (r->http->kind == HTTP_METHOD_HEAD || code == 204 || code == 304) {
		end_message(r);
		return STEP_DONE;
	}
	return begin_body(r, true);
}

/* All whole lines that there are. */
static enum step headers(struct reading *r, struct cursor *c)
{
	enum step step = STEP_MORE;
	struct bytes line;

	while (!r->side->long_line && take_line(r, c, true, &line)) {
		if (line.len == 0)
			return r->from == CLIENT ? begin_body(r, false) : end_answer_head(r);
		head_header(r, line);
		step = STEP_DONE;
	}
	return step;
}

/* ---- Bodies ---- */

static struct bytes take_body(struct reading *r, struct cursor *c, uint64_t n)
{
	struct bytes part = cursor_upto(c, n);

	r->m->body_bytes += part.len;
	r->side->expects = false;
	if (r->m->wants_body && !r->m->lost_body && !r->m->body.cut)
		exchange_keep(r->x, &r->m->body, part);
	return part;
}

static enum step body_part(struct reading *r, struct cursor *c)
{
	struct http_side *side = r->side;

	side->left -= take_body(r, c, side->left).len;
	if (side->left > 0)
		return STEP_DONE;
	if (side->state == HTTP_CHUNK_DATA)
		side->state = HTTP_CHUNK_END;
	else
		end_message(r);
	return STEP_DONE;
}

/* chunk-size [ chunk-ext ]; some servers fill it up with spaces. */
static enum step chunk_size(struct reading *r, struct cursor *c)
{
	struct bytes line;

	if (!take_line(r, c, false, &line))
		return STEP_MORE;
	line = bytes_trim(bytes_head(line, bytes_find(line, ';')));
	line = bytes_head(line, bytes_find(line, ' '));
	if (line.len > CHUNK_SIZE_MAX || !bytes_hex(line, INT64_MAX / 2, &r->side->left))
		return STEP_ALIEN;
	r->side->expects = false;
	r->side->state = r->side->left > 0 ? HTTP_CHUNK_DATA : HTTP_TRAILERS;
	return STEP_DONE;
}

static enum step chunk_end(struct reading *r, struct cursor *c)
{
	struct bytes rest = bytes_head(cursor_rest(c), 2);
	size_t n = rest.at[0] == '\r' ? 2 : 1;

	if (rest.at[0] != '\r' && rest.at[0] != '\n')
		return STEP_ALIEN;
	if (n > rest.len)
		return STEP_MORE;
	if (rest.at[n - 1] != '\n')
		return STEP_ALIEN;
	cursor_take(c, n);
	r->side->state = HTTP_CHUNK_SIZE;
	return STEP_DONE;
}

static enum step trailers(struct reading *r, struct cursor *c)
{
	struct bytes line;

	if (!take_line(r, c, true, &line))
		return STEP_MORE;
	if (line.len > 0)
		head_trailer(r, line);
	else
		end_message(r);
	return STEP_DONE;
}

/* ---- Messages without the body that they announce ---- */

/* An answer whose question was not seen may be to HEAD, and then the next answer stands where its
 * body would. A client that got its final answer before it sent an announced body may go on with
 * the next question in place of it (RFC 9110 section 10.1.1). */
static enum step body_or_message(struct reading *r, struct cursor *c)
{
	struct bytes rest = cursor_rest(c);
	enum guess guess = r->from == SERVER ? start_answer(rest) : start_common(rest);

	if (guess == GUESS_MAYBE)
		return STEP_MORE;
	r->side->guess = false;
	r->side->expects = false;
	if (guess == GUESS_YES) {
		if (r->from == CLIENT)
			r->x->notes |= HTTP_NOTE_NOT_SENT;
		end_message(r);
	}
	return STEP_DONE;
}

/* ---- The table's functions ---- */

static enum step part(struct reading *r, struct cursor *c)
{
	struct http_side *side = r->side;

	if (side->long_line)
		return pass_long_line(r, c);
	if (side->guess || (side->expects && side->state > HTTP_HEADERS && r->http->code >= 200))
		return body_or_message(r, c);
	switch ((enum http_state)side->state) {
	case HTTP_IDLE:
		return start(r, c);
	case HTTP_HEADERS:
		return headers(r, c);
	case HTTP_LENGTH:
	case HTTP_CHUNK_DATA:
		return body_part(r, c);
	case HTTP_CHUNK_SIZE:
		return chunk_size(r, c);
	case HTTP_CHUNK_END:
		return chunk_end(r, c);
	case HTTP_TRAILERS:
		return trailers(r, c);
	case HTTP_CLOSE:
		take_body(r, c, cursor_left(c));
		return STEP_DONE;
	}
	return STEP_ALIEN;
}

static struct reading reading_of(struct conn *conn, enum side from)
{
	struct exchange *x = exchange_of(conn, from);
	struct http *http = x ? x->own : NULL;
	struct http_side *side = conn_side(conn, from);

	if (x == NULL) /* the engine ended the message */
		*side = (struct http_side){0};
	return (struct reading){
		.conn = conn,
		.from = from,
		.conf = conn_conf(conn),
		.side = side,
		.x = x,
		.http = http,
		.m = http ? &http->message[from] : NULL,
	};
}

/* As many parts of one message as there are bytes for. */
static enum step http_unit(struct conn *conn, enum side from, struct cursor *c)
{
	struct reading r = reading_of(conn, from);

	while (!r.stop && cursor_left(c) > 0) {
		struct cursor before = *c;
		enum step step = part(&r, c);

		if (step != STEP_DONE) {
			*c = before;
			return cursor_used(c) > 0 ? STEP_DONE : step;
		}
	}
	return STEP_DONE;
}

static enum step http_lost(struct conn *conn, enum side from, uint64_t n)
{
	struct reading r = reading_of(conn, from);
	struct http_side *side = r.side;

	if (r.x == NULL || side->long_line)
		return STEP_ALIEN;
	if (side->state != HTTP_CLOSE) {
		if ((side->state != HTTP_LENGTH && side->state != HTTP_CHUNK_DATA) ||
		    n > side->left)
			return STEP_ALIEN;
		side->left -= n;
	}
	side->guess = side->expects = false;
	r.m->body_bytes += n;
	r.m->lost_body = true;
	if (side->state == HTTP_LENGTH && side->left == 0)
		end_message(&r);
	else if (side->state == HTTP_CHUNK_DATA && side->left == 0)
		side->state = HTTP_CHUNK_END;
	return STEP_DONE;
}

static void lower(struct texts *list)
{
	for (size_t i = 0; i < list->count; i++)
		for (char *p = list->at[i]; *p; p++)
			*p = (char)ascii_lower((uint8_t)*p);
}

/* Keywords are compared with decoded names in lower case. */
static bool http_ready(void *self, struct fault *fault)
{
	struct http_conf *conf = self;

	for (size_t i = 0; i < conf->hide_keywords.count; i++) {
		size_t n = strlen(conf->hide_keywords.at[i]);

		if (n == 0 || n > KEYWORD_MAX)
			return fault_set(fault, "hide_keywords: a keyword has from 1 to %d bytes",
					 KEYWORD_MAX);
	}
	lower(&conf->hide_keywords);
	return true;
}

#define OWN(member) offsetof(struct http_conf, member)

static const struct option http_options[] = {
	{"hide_keywords", OPTION_TEXTS, OWN(hide_keywords), "",
	 .help = "Parameters whose values never leave: of the query string, of form, JSON and "
		 "multipart bodies, of URLs in headers. Names are compared without case."},
	{"redact_authorization", OPTION_BOOL, OWN(redact_authorization), "false",
	 .help = "Leave out the scheme of Authorization and Proxy-Authorization, too. The "
		 "credentials themselves never leave."},
	{"redact_headers", OPTION_TEXTS, OWN(redact_headers), "",
	 .help = "Headers whose values never leave."},
	{"send_headers", OPTION_TEXTS, OWN(send_headers), "",
	 .help = "Headers that documents show. Values of cookies are never shown."},
	{"send_all_headers", OPTION_BOOL, OWN(send_all_headers), "false",
	 .help = "Show all headers."},
	{"split_cookie", OPTION_BOOL, OWN(split_cookie), "false",
	 .help = "Show cookies as a list, one entry for each."},
	{"real_ip_header", OPTION_TEXT, OWN(real_ip_header), "",
	 .help = "Header in which a proxy tells the client's address, for "
		 "network.forwarded_ip; its first address counts."},
	{"include_body_for", OPTION_TEXTS, OWN(include_body_for), "",
	 .help = "Show bodies, of requests and responses, whose Content-Type holds one of these "
		 "texts, up to max_message_size."},
	{"include_request_body_for", OPTION_TEXTS, OWN(include_request_body_for), "",
	 .help = "The same, of requests only."},
	{"include_response_body_for", OPTION_TEXTS, OWN(include_response_body_for), "",
	 .help = "The same, of responses only."},
	{"decode_body", OPTION_BOOL, OWN(decode_body), "true",
	 .help = "Show bodies without their content coding: gzip, deflate, br, zstd."},
	{0},
};

/* By enum http_note. */
static const char *const http_notes[] = {
	"chunked and content-length",
	"contradicting content-length",
	"invalid content-length",
	"transfer-encoding without chunked",
	"request not seen, body assumed",
	"body not decoded",
	"body withheld",
	"connection passed over from here",
	"switched to HTTP/2",
	"announced body not sent",
	NULL,
};

const struct proto proto_http = {
	.name = "http",
	.category = "web",
	.ports = {80, 8080, 8000, 5000, 8002},
	.transports = PROTO_TCP,
	.match = MATCH_ORDER,
	.side_size = sizeof(struct http_side),
	.exchange_size = sizeof(struct http),
	.conf_size = sizeof(struct http_conf),
	.options = http_options,
	.fields = http_fields,
	.notes = http_notes,
	.start = http_start,
	.unit = http_unit,
	.lost = http_lost,
	.settle = http_settle,
	.write = http_write,
	.ready = http_ready,
};
