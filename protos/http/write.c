#include "protos/http/fields.h"
#include "protos/http/fingerprint.h"
#include "protos/http/http.h"
#include "shipper/base/hash.h"

enum { EXTENSION_MAX = 10, HEADER_NAME_MAX = 128, PORT_DIGITS = 5 };

#define OWN_FIELD(id) FIELD_OWN(HTTP_##id)

static struct bytes mime_type(struct bytes type)
{
	return bytes_trim(bytes_head(type, bytes_find(type, ';')));
}

static void write_query(const struct exchange *x, struct doc *d)
{
	const struct http *h = http_of(x);
	struct bytes method = exchange_text(x, &h->method);
	struct bytes target =
		exchange_text(x, h->kind == HTTP_METHOD_CONNECT ? &x->said[CLIENT] : &h->path);
	uint8_t print[METHOD_MAX + 1 + FINGERPRINT_MAX];
	size_t n = method.len < METHOD_MAX ? method.len : METHOD_MAX;

	if (n == 0)
		return;
	memcpy(print, method.at, n);
	print[n++] = ' ';
	doc_text(d, F_METHOD, method);
	doc_text_begin(d, F_QUERY);
	doc_text_more(d, bytes_of(print, n));
	doc_text_more(d, target);
	doc_text_end(d);
	doc_text(d, F_PATH, exchange_text(x, &h->path));
	if (h->kind == HTTP_METHOD_CONNECT) {
		struct bytes host = bytes_head(target, FINGERPRINT_MAX);

		if (host.len > 0)
			memcpy(print + n, host.at, host.len);
		n += host.len;
	} else {
		n += fingerprint_path(target, print + n, FINGERPRINT_MAX);
	}
	doc_text(d, F_QUERY_FINGERPRINT, bytes_of(print, n));
	doc_hex(d, F_QUERY_HASH, hash_bytes(bytes_of(print, n)));
}

static bool is_shown(const struct http_conf *conf, const struct kept_header *header)
{
	return header->name.len <= HEADER_NAME_MAX && is_token(header->name) &&
	       (conf->send_all_headers || texts_have(&conf->send_headers, header->name));
}

static struct bytes lower(struct bytes name, uint8_t to[HEADER_NAME_MAX])
{
	for (size_t i = 0; i < name.len; i++)
		to[i] = ascii_lower(name.at[i]);
	return bytes_of(to, name.len);
}

static void write_cookies(struct doc *d, struct bytes value)
{
	while (value.len > 0) {
		size_t n = bytes_find(value, ';');

		doc_list_text(d, bytes_trim(bytes_head(value, n)));
		value = bytes_skip(value, n + 1);
	}
}

/* One header name with all its values; those of later ones of that name are taken, too. */
static void write_header(struct doc *d, const struct http_conf *conf, struct kept_header *list,
			 unsigned count)
{
	uint8_t name[HEADER_NAME_MAX];
	struct bytes key = lower(list[0].name, name);
	bool cookies = conf->split_cookie && bytes_eq(key, BYTES("cookie"));
	bool several = cookies;

	for (unsigned i = 1; i < count && !several; i++)
		several = bytes_eq_case(list[i].name, key);
	if (!several) {
		doc_object_text(d, key, list[0].value);
		return;
	}
	doc_object_list_begin(d, key);
	for (unsigned i = 0; i < count; i++) {
		if (!bytes_eq_case(list[i].name, key))
			continue;
		if (cookies)
			write_cookies(d, list[i].value);
		else
			doc_list_text(d, list[i].value);
		if (i > 0)
			list[i].name = NO_BYTES;
	}
	doc_object_list_end(d);
}

static bool has_header(const struct http_conf *conf, const struct kept_header *list, unsigned count,
		       struct bytes name)
{
	for (unsigned i = 0; i < count; i++)
		if (bytes_eq_case(list[i].name, name) && is_shown(conf, &list[i]))
			return true;
	return false;
}

static void write_headers(const struct exchange *x, struct doc *d, const struct http_message *m,
			  unsigned field)
{
	const struct http_conf *conf = conn_conf(x->conn);
	struct kept_header list[HEADERS_KEPT_MAX];
	unsigned n = m->kept_headers > 0 ? head_kept(x, m, list) : 0;
	bool type = m->type.len > 0 && !has_header(conf, list, n, BYTES("content-type"));
	bool length = m->has_length && !has_header(conf, list, n, BYTES("content-length"));
	bool any = type || length;

	for (unsigned i = 0; i < n && !any; i++)
		any = is_shown(conf, &list[i]);
	if (!any)
		return;
	doc_object_begin(d, field);
	if (type)
		doc_object_text(d, BYTES("content-type"), exchange_text(x, &m->type));
	if (length)
		doc_object_int(d, BYTES("content-length"), (int64_t)m->length);
	for (unsigned i = 0; i < n; i++)
		if (is_shown(conf, &list[i]))
			write_header(d, conf, list + i, n - i);
	doc_object_end(d);
}

static void write_version(struct doc *d, const struct http *h)
{
	uint16_t version = h->message[CLIENT].version;

	if (version == 0)
		version = h->message[SERVER].version;
	if (version > 0) {
		char text[] = {(char)('0' + version / 10), '.', (char)('0' + version % 10), '\0'};

		doc_word(d, OWN_FIELD(VERSION), text);
	}
}

static void write_request(const struct exchange *x, struct doc *d)
{
	const struct http *h = http_of(x);
	const struct http_message *m = &h->message[CLIENT];

	doc_text(d, OWN_FIELD(REQUEST_METHOD), exchange_text(x, &h->method));
	doc_text(d, OWN_FIELD(REQUEST_REFERRER), exchange_text(x, &h->referrer));
	doc_text(d, OWN_FIELD(REQUEST_MIME_TYPE), mime_type(exchange_text(x, &m->type)));
	doc_int(d, OWN_FIELD(REQUEST_BYTES), (int64_t)x->bytes[CLIENT]);
	if (m->body_bytes > 0)
		doc_int(d, OWN_FIELD(REQUEST_BODY_BYTES), (int64_t)m->body_bytes);
	doc_text(d, OWN_FIELD(REQUEST_BODY_CONTENT), exchange_text(x, &h->shown[CLIENT]));
	write_headers(x, d, m, OWN_FIELD(REQUEST_HEADERS));
}

static void write_response(const struct exchange *x, struct doc *d)
{
	const struct http *h = http_of(x);
	const struct http_message *m = &h->message[SERVER];

	if (h->code > 0)
		doc_int(d, OWN_FIELD(RESPONSE_STATUS_CODE), h->code);
	doc_text(d, OWN_FIELD(RESPONSE_STATUS_PHRASE), exchange_text(x, &x->said[SERVER]));
	doc_text(d, OWN_FIELD(RESPONSE_MIME_TYPE), mime_type(exchange_text(x, &m->type)));
	doc_int(d, OWN_FIELD(RESPONSE_BYTES), (int64_t)x->bytes[SERVER]);
	if (m->body_bytes > 0)
		doc_int(d, OWN_FIELD(RESPONSE_BODY_BYTES), (int64_t)m->body_bytes);
	doc_text(d, OWN_FIELD(RESPONSE_BODY_CONTENT), exchange_text(x, &h->shown[SERVER]));
	write_headers(x, d, m, OWN_FIELD(RESPONSE_HEADERS));
}

static struct bytes extension(struct bytes path)
{
	size_t dot = path.len, i = path.len;

	while (i > 0 && path.at[i - 1] != '/' && path.len - i <= EXTENSION_MAX) {
		uint8_t c = path.at[--i];

		if (c == '.') {
			dot = i + 1;
			break;
		}
		if (!(c >= '0' && c <= '9') && !(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'))
			break;
	}
	/* A name that begins with its only dot has no extension. */
	return dot >= 2 && path.at[dot - 2] != '/' ? bytes_skip(path, dot) : NO_BYTES;
}

static struct bytes port_text(int32_t port, uint8_t to[PORT_DIGITS])
{
	size_t i = PORT_DIGITS;

	for (; port > 0 && i > 0; port /= 10)
		to[--i] = (uint8_t)('0' + port % 10);
	return bytes_of(to + i, PORT_DIGITS - i);
}

static void write_url(const struct exchange *x, struct doc *d)
{
	const struct http *h = http_of(x);
	struct bytes target = exchange_text(x, &x->said[CLIENT]);
	struct bytes domain = exchange_text(x, &h->domain), path = exchange_text(x, &h->path);
	bool absolute = h->scheme_bytes > 0, tunnel = h->kind == HTTP_METHOD_CONNECT;

	if (absolute)
		doc_text(d, OWN_FIELD(URL_SCHEME), bytes_head(target, h->scheme_bytes));
	else if (!tunnel)
		doc_word(d, OWN_FIELD(URL_SCHEME), "http");
	doc_text(d, OWN_FIELD(URL_DOMAIN), domain);
	if (h->port > 0)
		doc_int(d, OWN_FIELD(URL_PORT), h->port);
	doc_text(d, OWN_FIELD(URL_PATH), path);
	doc_text(d, OWN_FIELD(URL_QUERY), exchange_text(x, &h->query));
	doc_text(d, OWN_FIELD(URL_EXTENSION), extension(path));
	if (absolute) {
		doc_text(d, OWN_FIELD(URL_FULL), target);
	} else if (!tunnel && domain.len > 0) {
		uint8_t port[PORT_DIGITS];

		doc_text_begin(d, OWN_FIELD(URL_FULL));
		doc_text_more(d, BYTES("http://"));
		doc_text_more(d, domain);
		if (h->port > 0) {
			doc_text_more(d, BYTES(":"));
			doc_text_more(d, port_text(h->port, port));
		}
		if (target.len > 0 && target.at[0] == '/')
			doc_text_more(d, target);
		doc_text_end(d);
	}
}

void http_write(const struct exchange *x, struct doc *d)
{
	const struct http *h = http_of(x);

	write_query(x, d);
	write_version(d, h);
	if (x->begun[CLIENT])
		write_request(x, d);
	if (x->begun[SERVER])
		write_response(x, d);
	if (x->begun[CLIENT])
		write_url(x, d);
	doc_text(d, OWN_FIELD(USER_AGENT), exchange_text(x, &h->agent));
	doc_text(d, OWN_FIELD(USER_NAME), exchange_text(x, &h->user));
}
