#include "protos/http/http.h"

#include "protos/http/secrets.h"

#include <arpa/inet.h>

/* RFC 9110 section 5.6.2, tchar: a bit for each of the bytes 0-63 and 64-127. */
static const uint64_t token_bits[2] = {0x03ff6cfa00000000, 0x57ffffffc7fffffe};

static bool is_token_byte(uint8_t c)
{
	return c < 128 && (token_bits[c >> 6] >> (c & 63) & 1);
}

bool is_token(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (!is_token_byte(b.at[i]))
			return false;
	return b.len > 0;
}

bool is_http_version(struct bytes b, uint16_t *version)
{
	if (b.len != 8 || memcmp(b.at, "HTTP/", 5) != 0 || b.at[6] != '.' || b.at[5] < '0' ||
	    b.at[5] > '2' || b.at[7] < '0' || b.at[7] > '9')
		return false;
	*version = (uint16_t)((b.at[5] - '0') * 10 + b.at[7] - '0');
	return true;
}

/* ---- Keeping texts ---- */

/* Host and the target of CONNECT have no scheme before their user information. */
static struct bytes without_user(struct bytes authority)
{
	size_t n = authority.len;

	while (n > 0 && authority.at[n - 1] != '@')
		n--;
	return bytes_skip(authority, n);
}

typedef void mask_fn(struct buf *out, struct bytes text, const struct texts *hide);

static void mask_cookies(struct buf *out, struct bytes text, const struct texts *hide)
{
	(void)hide;
	secret_cookie(out, text);
}

static void mask_set_cookie(struct buf *out, struct bytes text, const struct texts *hide)
{
	(void)hide;
	secret_set_cookie(out, text);
}

static void mask_credentials(struct buf *out, struct bytes text, const struct texts *hide)
{
	(void)hide;
	secret_credentials(out, text, true);
}

static void mask_host(struct buf *out, struct bytes text, const struct texts *hide)
{
	secret_text(out, without_user(text), hide);
}

static void mask_all(struct buf *out, struct bytes text, const struct texts *hide)
{
	(void)text;
	(void)hide;
	buf_add(out, SECRET_MASK);
}

/* Continued lines become one, with a space between (RFC 9112 section 5.2). */
static void unfold(struct buf *kept)
{
	size_t to = 0;

	for (size_t i = 0; i < kept->len; i++) {
		if (kept->at[i] != '\n') {
			kept->at[to++] = kept->at[i];
			continue;
		}
		if (to > 0 && kept->at[to - 1] == '\r')
			to--;
		kept->at[to++] = ' ';
		while (i + 1 < kept->len && (kept->at[i + 1] == ' ' || kept->at[i + 1] == '\t'))
			i++;
	}
	kept->len = to;
}

/* Keeps a text without its secrets. */
static void keep(struct reading *r, struct clip *clip, struct bytes text, mask_fn *mask)
{
	struct exchange *x = r->x;
	size_t from = x->kept.len, limit = (size_t)r->conf->common.max_message_size;

	*clip = (struct clip){.at = (uint32_t)from};
	if (r->folded) {
		struct buf one = {0};

		buf_add(&one, text);
		unfold(&one);
		mask(&x->kept, buf_bytes(&one), &r->conf->hide_keywords);
		buf_fini(&one);
	} else {
		mask(&x->kept, text, &r->conf->hide_keywords);
	}
	if (x->kept.len - from > limit) {
		x->kept.len = from + limit;
		clip->cut = true;
		x->notes |= NOTE_TRIMMED;
	}
	clip->len = (uint32_t)(x->kept.len - from);
}

/* For texts in which no secret can stand while no keyword is configured and no '@' is seen. */
static void keep_text(struct reading *r, struct clip *clip, struct bytes text, mask_fn *mask)
{
	if (r->conf->hide_keywords.count == 0 && !r->folded && bytes_find(text, '@') == text.len) {
		*clip = (struct clip){0};
		exchange_keep(r->x, clip, text);
	} else {
		keep(r, clip, text, mask);
	}
}

/* ---- Start lines ---- */

static enum step begin_request(struct reading *r, struct bytes method, struct bytes target,
			       uint16_t version)
{
	r->x = exchange_begin(r->conn, CLIENT);
	r->http = r->x->own;
	r->m = &r->http->message[CLIENT];
	r->m->version = version;
	if (bytes_eq(method, BYTES("HEAD")))
		r->http->kind = HTTP_METHOD_HEAD;
	else if (bytes_eq(method, BYTES("CONNECT")))
		r->http->kind = HTTP_METHOD_CONNECT;
	if (r->http->kind == HTTP_METHOD_CONNECT)
		target = without_user(target);
	exchange_keep(r->x, &r->http->method, method);
	keep_text(r, &r->x->said[CLIENT], target, secret_url);
	if (r->side->long_line)
		r->x->notes |= NOTE_TRIMMED;
	return STEP_DONE;
}

/* Of a line that is too long the end, and with it the version, is not in `line`. */
enum step head_request(struct reading *r, struct bytes line)
{
	size_t space = bytes_find(bytes_head(line, METHOD_MAX + 1), ' ');
	struct bytes method = bytes_head(line, space);
	struct bytes target = bytes_trim(bytes_skip(line, space));
	uint16_t version = 0;

	if (space > METHOD_MAX || space == line.len || !is_token(method))
		return STEP_ALIEN;
	if (r->side->long_line)
		return begin_request(r, method, target, 0);
	if (target.len > 8 && is_http_version(bytes_skip(target, target.len - 8), &version) &&
	    (target.at[target.len - 9] == ' ' || target.at[target.len - 9] == '\t')) {
		if (version >= 20)
			return STEP_ALIEN;
		target = bytes_trim(bytes_head(target, target.len - 8));
		if (target.len == 0)
			return STEP_ALIEN;
		return begin_request(r, method, target, version);
	}
	/* HTTP/0.9: GET and a path, nothing else. */
	if (!bytes_eq(method, BYTES("GET")) || target.len == 0 || target.at[0] != '/' ||
	    bytes_find(target, ' ') < target.len)
		return STEP_ALIEN;
	return begin_request(r, method, target, HTTP_VERSION_09);
}

static bool status_code(struct bytes b, uint16_t *code)
{
	int64_t n;

	if (!bytes_int(b, 100, 999, &n))
		return false;
	*code = (uint16_t)n;
	return true;
}

/* The answer's part of the exchange begins anew: there may have been provisional ones. */
void head_answer(struct reading *r)
{
	r->x = exchange_begin(r->conn, SERVER);
	r->http = r->x->own;
	r->m = &r->http->message[SERVER];
	*r->m = (struct http_message){0};
	r->http->code = 0;
}

enum step head_status(struct reading *r, struct bytes line)
{
	struct bytes rest = bytes_trim(bytes_skip(line, 8));
	size_t space = bytes_find(rest, ' ');
	uint16_t version, code;

	if (line.len < 12 || !is_http_version(bytes_head(line, 8), &version) ||
	    (line.at[8] != ' ' && line.at[8] != '\t') ||
	    !status_code(bytes_head(rest, space), &code))
		return STEP_ALIEN;
	head_answer(r);
	r->m->version = version;
	r->http->code = code;
	r->x->said[SERVER] = (struct clip){0};
	if (code >= 200 || code == 101)
		keep_text(r, &r->x->said[SERVER], bytes_trim(bytes_skip(rest, space)), secret_text);
	return STEP_DONE;
}

/* ---- Header fields ---- */

enum header {
	HEADER_OTHER,
	HEADER_HOST,
	HEADER_COOKIE,
	HEADER_EXPECT,
	HEADER_REFERER,
	HEADER_UPGRADE,
	HEADER_LOCATION,
	HEADER_USER_AGENT,
	HEADER_SET_COOKIE,
	HEADER_CONTENT_TYPE,
	HEADER_AUTHORIZATION,
	HEADER_CONTENT_LENGTH,
	HEADER_CONTENT_ENCODING,
	HEADER_CONTENT_LOCATION,
	HEADER_TRANSFER_ENCODING,
	HEADER_PROXY_AUTHORIZATION,
};

/* Setting bit 5 makes letters lower case and leaves '-' as it is, which is all that these names
 * are made of; what else it makes the same is no token. */
static bool same(struct bytes name, const char *lower)
{
	for (size_t i = 0; i < name.len; i++)
		if ((name.at[i] | 0x20) != (uint8_t)lower[i])
			return false;
	return true;
}

static enum header pick(struct bytes name, const char *lower, enum header header)
{
	return same(name, lower) ? header : HEADER_OTHER;
}

/* By length and one letter, so that at most one name is compared. */
static enum header header_of(struct bytes name)
{
	switch (name.len) {
	case 4:
		return pick(name, "host", HEADER_HOST);
	case 6:
		return (name.at[0] | 0x20) == 'c' ? pick(name, "cookie", HEADER_COOKIE)
						  : pick(name, "expect", HEADER_EXPECT);
	case 7:
		switch (name.at[0] | 0x20) {
		case 'r':
			return pick(name, "referer", HEADER_REFERER);
		case 'u':
			return pick(name, "upgrade", HEADER_UPGRADE);
		case 'c':
			return pick(name, "cookie2", HEADER_COOKIE);
		}
		break;
	case 8:
		return pick(name, "location", HEADER_LOCATION);
	case 10:
		return (name.at[0] | 0x20) == 'u' ? pick(name, "user-agent", HEADER_USER_AGENT)
						  : pick(name, "set-cookie", HEADER_SET_COOKIE);
	case 11:
		return pick(name, "set-cookie2", HEADER_SET_COOKIE);
	case 12:
		return pick(name, "content-type", HEADER_CONTENT_TYPE);
	case 13:
		return pick(name, "authorization", HEADER_AUTHORIZATION);
	case 14:
		return pick(name, "content-length", HEADER_CONTENT_LENGTH);
	case 16:
		return (name.at[8] | 0x20) == 'e'
			       ? pick(name, "content-encoding", HEADER_CONTENT_ENCODING)
			       : pick(name, "content-location", HEADER_CONTENT_LOCATION);
	case 17:
		return pick(name, "transfer-encoding", HEADER_TRANSFER_ENCODING);
	case 19:
		return pick(name, "proxy-authorization", HEADER_PROXY_AUTHORIZATION);
	}
	return HEADER_OTHER;
}

bool texts_have(const struct texts *list, struct bytes name)
{
	for (size_t i = 0; i < list->count; i++)
		if (bytes_eq_case(name, bytes_str(list->at[i])))
			return true;
	return false;
}

/* Content-Length: also a list of the same number again and again (RFC 9110 section 8.6). */
static void content_length(struct reading *r, struct bytes value)
{
	struct http_message *m = r->m;

	do {
		size_t comma = bytes_find(value, ',');
		struct bytes one = bytes_trim(bytes_head(value, comma));
		int64_t n;

		value = bytes_skip(value, comma + 1);
		if (!bytes_int(one, 0, INT64_MAX / 2, &n)) {
			r->x->notes |= HTTP_NOTE_LENGTH;
			m->bad_length = true;
		} else if (!m->has_length) {
			m->has_length = true;
			m->length = (uint64_t)n;
		} else if (m->length != (uint64_t)n) {
			r->x->notes |= HTTP_NOTE_LENGTHS;
		}
	} while (value.len > 0);
}

static int base64_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The user's name of Basic credentials: what stands before the colon (RFC 7617). */
static void basic_user(struct reading *r, struct bytes value)
{
	enum { USER_MAX = 128 };
	uint8_t text[USER_MAX];
	uint32_t bits = 0, have = 0;
	size_t n = 0;

	if (value.len < 6 || !bytes_eq_case(bytes_head(value, 6), BYTES("basic ")))
		return;
	value = bytes_trim(bytes_skip(value, 6));
	for (size_t i = 0; i < value.len && n < USER_MAX; i++) {
		int digit = base64_digit(value.at[i]);

		if (digit < 0)
			return;
		bits = bits << 6 | (uint32_t)digit;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		text[n] = (uint8_t)(bits >> have);
		if (text[n++] == ':') {
			exchange_keep(r->x, &r->http->user, bytes_of(text, n - 1));
			return;
		}
	}
}

/* The first address of a list; it may carry a port, or brackets. */
static void forwarded(struct reading *r, struct bytes value)
{
	char text[ADDR_TEXT_MAX + 1];
	struct exchange *x = r->x;

	value = bytes_trim(bytes_head(value, bytes_find(value, ',')));
	if (value.len > 0 && value.at[0] == '[')
		value = bytes_head(bytes_skip(value, 1), bytes_find(value, ']') - 1);
	else if (bytes_find(value, '.') < value.len)
		value = bytes_head(value, bytes_find(value, ':'));
	if (x->forwarded_version != 0 || value.len == 0 || value.len >= sizeof(text))
		return;
	memcpy(text, value.at, value.len);
	text[value.len] = '\0';
	if (inet_pton(AF_INET, text, x->forwarded_ip.at) == 1)
		x->forwarded_version = 4;
	else if (inet_pton(AF_INET6, text, x->forwarded_ip.at) == 1)
		x->forwarded_version = 6;
}

static bool sends_raw(const struct reading *r)
{
	return r->from == CLIENT ? r->conf->common.send_request : r->conf->common.send_response;
}

static mask_fn *mask_of(const struct reading *r, enum header header, struct bytes name)
{
	if (texts_have(&r->conf->redact_headers, name) ||
	    secret_name(&r->conf->hide_keywords, name))
		return mask_all;
	switch (header) {
	case HEADER_HOST:
		return mask_host;
	case HEADER_COOKIE:
		return mask_cookies;
	case HEADER_SET_COOKIE:
		return mask_set_cookie;
	case HEADER_AUTHORIZATION:
	case HEADER_PROXY_AUTHORIZATION:
		return r->conf->redact_authorization ? mask_all : mask_credentials;
	case HEADER_REFERER:
	case HEADER_LOCATION:
	case HEADER_CONTENT_LOCATION:
		return secret_url;
	default:
		return secret_text;
	}
}

/* A kept header lies in `kept` as: place of the one before it, length of name, length of value,
 * each in 4 bytes; name; value. */
static void put_u32(struct buf *b, size_t at, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		b->at[at + (size_t)i] = (uint8_t)(n >> (8 * i));
}

enum { KEPT_LEAD = 12 };

static void keep_header(struct reading *r, enum header header, struct bytes name,
			struct bytes value)
{
	static const uint8_t lead[KEPT_LEAD];
	struct http_message *m = r->m;
	struct buf *kept = &r->x->kept;
	struct clip clip;

	if (!sends_raw(r) && !r->conf->send_all_headers &&
	    !texts_have(&r->conf->send_headers, name))
		return;
	if (m->kept_headers == HEADERS_KEPT_MAX || m->kept_bytes > r->x->text_max) {
		r->x->notes |= NOTE_TRIMMED;
		return;
	}
	size_t at = kept->len;

	buf_add(kept, bytes_of(lead, sizeof(lead)));
	buf_add(kept, name);
	keep(r, &clip, value, mask_of(r, header, name));
	put_u32(kept, at, m->last_header);
	put_u32(kept, at + 4, (uint32_t)name.len);
	put_u32(kept, at + 8, clip.len);
	m->last_header = (uint32_t)at + 1;
	m->kept_headers++;
	m->kept_bytes += (uint32_t)(kept->len - at);
}

unsigned head_kept(const struct exchange *x, const struct http_message *m,
		   struct kept_header list[HEADERS_KEPT_MAX])
{
	unsigned n = m->kept_headers;
	uint32_t place = m->last_header;

	for (unsigned i = n; i > 0 && place > 0; i--) {
		struct cursor c = cursor_of(bytes_skip(buf_bytes(&x->kept), place - 1));
		uint32_t before = (uint32_t)cursor_le(&c, 4);
		uint64_t name = cursor_le(&c, 4), value = cursor_le(&c, 4);

		list[i - 1].name = cursor_take(&c, name);
		list[i - 1].value = cursor_take(&c, value);
		place = before;
	}
	return n;
}

static void known_header(struct reading *r, enum header header, struct bytes value)
{
	struct http *h = r->http;

	switch (header) {
	case HEADER_CONTENT_LENGTH:
		content_length(r, value);
		break;
	case HEADER_TRANSFER_ENCODING:
		r->m->has_transfer_coding = true;
		r->m->chunked = codings_add(&r->m->transfer, value);
		break;
	case HEADER_CONTENT_ENCODING:
		codings_add(&r->m->content, value);
		break;
	case HEADER_CONTENT_TYPE:
		keep_text(r, &r->m->type, value, secret_text);
		break;
	case HEADER_HOST:
		if (r->from == CLIENT && h->host.len == 0)
			keep_text(r, &h->host, without_user(value), secret_text);
		break;
	case HEADER_USER_AGENT:
		if (r->from == CLIENT)
			keep_text(r, &h->agent, value, secret_text);
		break;
	case HEADER_REFERER:
		if (r->from == CLIENT)
			keep_text(r, &h->referrer, value, secret_url);
		break;
	case HEADER_AUTHORIZATION:
		if (r->from == CLIENT)
			basic_user(r, value);
		break;
	case HEADER_EXPECT:
		r->side->expects = r->from == CLIENT;
		break;
	case HEADER_UPGRADE:
		h->upgrade_http2 |= bytes_eq_case(bytes_head(value, 3), BYTES("h2c"));
		break;
	default:
		break;
	}
}

/* Also what continues a line. */
static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Name and value; false for a line that has no name. */
static bool split(struct bytes line, struct bytes *name, struct bytes *value)
{
	size_t colon = bytes_find(line, ':');

	if (colon == line.len || line.at[0] == ' ' || line.at[0] == '\t')
		return false;
	*name = bytes_trim(bytes_head(line, colon));
	size_t from = colon + 1, to = line.len;

	while (from < to && is_space(line.at[from]))
		from++;
	while (to > from && is_space(line.at[to - 1]))
		to--;
	*value = bytes_of(line.at + from, to - from);
	return name->len > 0;
}

void head_header(struct reading *r, struct bytes line)
{
	struct bytes name, value;

	if (r->side->long_line)
		r->x->notes |= NOTE_TRIMMED;
	if (!split(line, &name, &value))
		return;
	enum header header = header_of(name);

	/* Of a provisional answer nothing is kept: there may be any number of them. */
	if (r->from == SERVER && r->http->code < 200 && r->http->code != 101)
		return;
	if (header != HEADER_OTHER)
		known_header(r, header, value);
	if (r->from == CLIENT && r->conf->real_ip_header && r->conf->real_ip_header[0] &&
	    bytes_eq_case(name, bytes_str(r->conf->real_ip_header)))
		forwarded(r, value);
	if (r->conf->send_all_headers || r->conf->send_headers.count > 0 || sends_raw(r))
		keep_header(r, header, name, value);
}

/* Behind a chunked body: shown, but without a say about the message. */
void head_trailer(struct reading *r, struct bytes line)
{
	struct bytes name, value;

	if ((r->conf->send_all_headers || r->conf->send_headers.count > 0 || sends_raw(r)) &&
	    split(line, &name, &value))
		keep_header(r, header_of(name), name, value);
}
