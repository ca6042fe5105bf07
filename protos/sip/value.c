/*
 * Values of headers: addresses, URIs, parameters, lists.
 */
#include "protos/sip/chars.h"
#include "protos/sip/message.h"

/* The place of one of these characters (enum sip_char) outside of quotes, or b.len. *open: a quote
 * was not closed. */
static size_t find_unquoted(struct bytes b, unsigned stops, bool *open)
{
	size_t i = 0;

	*open = false;
	for (; i < b.len; i++) {
		unsigned c = sip_chars[b.at[i]];

		if ((c & (stops | CHAR_QUOTE)) == 0)
			continue;
		if (c & stops)
			return i;
		for (i++; i < b.len && b.at[i] != '"'; i++)
			i += b.at[i] == '\\';
		*open = i >= b.len;
	}
	return b.len;
}

static struct bytes unquote(struct bytes b)
{
	b = bytes_trim(b);
	if (b.len >= 2 && b.at[0] == '"' && b.at[b.len - 1] == '"')
		return bytes_head(bytes_skip(b, 1), b.len - 2);
	return b;
}

static bool is_absolute(struct bytes uri)
{
	size_t colon = bytes_find(uri, ':');

	if (colon == 0 || colon == uri.len)
		return false;
	for (size_t i = 0; i < colon; i++)
		if (!(sip_chars[uri.at[i]] & CHAR_SCHEME))
			return false;
	return ascii_lower(uri.at[0]) >= 'a' && ascii_lower(uri.at[0]) <= 'z';
}

struct sip_address sip_address_of(struct bytes value)
{
	struct sip_address a = {0};
	bool open;

	value = bytes_trim(value);
	size_t angle = find_unquoted(value, CHAR_ANGLE, &open);

	a.bad = open && value.len > 0;
	if (angle == value.len) {
		/* Without <>, parameters are the header's. */
		size_t n = bytes_find(value, ';');

		a.uri = bytes_trim(bytes_head(value, n));
		a.params = bytes_skip(value, n);
		a.bad |= value.len > 0 &&
			 (!is_absolute(a.uri) || bytes_find(a.uri, ' ') < a.uri.len);
		return a;
	}
	struct bytes rest = bytes_skip(value, angle + 1),
		     name = bytes_trim(bytes_head(value, angle));
	size_t end = bytes_find(rest, '>');

	a.name = unquote(name);
	a.uri = bytes_trim(bytes_head(rest, end));
	/* A comma in a name that is not quoted ends the value; a URI begins and ends in <>. */
	a.bad |= (name.len > 0 && name.at[0] != '"' && bytes_find(name, ',') < name.len) ||
		 a.uri.len != bytes_head(rest, end).len;
	a.params = bytes_trim(bytes_skip(rest, end + 1));
	a.bad |= end == rest.len || !is_absolute(a.uri) ||
		 (name.len > 0 && name.at[0] != '"' &&
		  (bytes_find(name, ',') < name.len || bytes_find(name, '@') < name.len));
	return a;
}

/* The port behind a host's colon; a host in brackets may hold colons itself. */
static struct bytes split_port(struct bytes host, int32_t *port)
{
	size_t from = host.len > 0 && host.at[0] == '[' ? bytes_find(host, ']') : 0;
	size_t colon = from + bytes_find(bytes_skip(host, from), ':');
	int64_t n = 0;

	if (colon < host.len && bytes_int(bytes_skip(host, colon + 1), 1, UINT16_MAX, &n))
		*port = (int32_t)n;
	return bytes_head(host, colon);
}

struct sip_uri sip_uri_of(struct bytes uri)
{
	struct sip_uri u = {0};
	size_t colon = bytes_find(uri, ':');

	if (!is_absolute(uri))
		return u;
	u.scheme = bytes_head(uri, colon);
	struct bytes rest = bytes_skip(uri, colon + 1);
	bool sip = bytes_eq_case(u.scheme, BYTES("sip")) || bytes_eq_case(u.scheme, BYTES("sips"));

	if (!sip) {
		size_t n = bytes_find(rest, ';');

		if (bytes_eq_case(u.scheme, BYTES("tel")))
			u.user = bytes_head(rest, n);
		u.params = bytes_skip(rest, n);
		return u;
	}
	/* A user part may hold ; and ?, so the last @ before headers would be too late and the
	 * first is the one: within it @ is escaped. */
	size_t at = bytes_find(rest, '@');

	if (at < rest.len) {
		struct bytes user = bytes_head(rest, at);
		size_t n = bytes_find(user, ':');

		u.user = bytes_head(user, n);
		u.password = bytes_skip(user, n + 1);
		rest = bytes_skip(rest, at + 1);
	}
	size_t n = 0;

	while (n < rest.len && !(sip_chars[rest.at[n]] & (CHAR_SEMICOLON | CHAR_QUESTION)))
		n++;
	u.host = split_port(bytes_head(rest, n), &u.port);
	u.params = bytes_skip(rest, n);
	return u;
}

bool sip_has_gap(struct bytes value)
{
	bool open, gap = false;
	size_t n;

	while (!gap && (n = find_unquoted(value, CHAR_SEMICOLON | CHAR_COMMA | CHAR_ANGLE, &open)) <
			       value.len) {
		bool angle = value.at[n] == '<';

		value = bytes_skip(value,
				   angle ? n + bytes_find(bytes_skip(value, n), '>') : n + 1);
		for (n = 0; n < value.len && (value.at[n] == ' ' || value.at[n] == '\t');)
			n++;
		gap = !angle && (n == value.len || value.at[n] == ';' || value.at[n] == ',');
	}
	return gap;
}

bool sip_param(struct bytes params, struct bytes name, struct bytes *value)
{
	bool open;

	while (params.len > 0) {
		if (params.at[0] != ';') {
			params = bytes_skip(params, find_unquoted(params, CHAR_SEMICOLON, &open));
			continue;
		}
		params = bytes_skip(params, 1);
		size_t n = find_unquoted(params, CHAR_SEMICOLON, &open);
		struct bytes one = bytes_head(params, n);
		size_t eq = bytes_find(one, '=');

		if (bytes_eq_case(bytes_trim(bytes_head(one, eq)), name)) {
			*value = unquote(bytes_skip(one, eq + 1));
			return true;
		}
		params = bytes_skip(params, n);
	}
	return false;
}

struct bytes sip_list_next(struct bytes *list)
{
	struct bytes all = *list;
	bool open;

	if (bytes_find(all, ',') == all.len) {
		*list = NO_BYTES;
		return bytes_trim(all);
	}
	size_t n = find_unquoted(all, CHAR_COMMA | CHAR_ANGLE, &open);

	if (n < all.len && all.at[n] == '<') {
		n += bytes_find(bytes_skip(all, n), '>');
		n += find_unquoted(bytes_skip(all, n), CHAR_COMMA, &open);
	}
	*list = bytes_skip(all, n + 1);
	return bytes_trim(bytes_head(all, n));
}

bool sip_digest_param(struct bytes value, struct bytes name, struct bytes *to)
{
	size_t space = bytes_find(value, ' ');
	struct bytes rest = bytes_skip(value, space + 1);

	while (rest.len > 0) {
		bool open;
		size_t n = find_unquoted(rest, CHAR_COMMA, &open);
		struct bytes one = bytes_trim(bytes_head(rest, n));
		size_t eq = bytes_find(one, '=');

		if (bytes_eq_case(bytes_trim(bytes_head(one, eq)), name)) {
			*to = unquote(bytes_skip(one, eq + 1));
			return true;
		}
		rest = bytes_skip(rest, n + 1);
	}
	return false;
}

size_t sip_unescape(struct bytes text, uint8_t *to, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len && n < max; i++) {
		uint64_t c = text.at[i];

		if (c == '%' && i + 2 < text.len &&
		    bytes_hex(bytes_head(bytes_skip(text, i + 1), 2), UINT8_MAX, &c))
			i += 2;
		to[n++] = (uint8_t)c;
	}
	return n;
}
