/*
 * Values of headers: addresses, URIs, parameters, lists.
 */
#include "protos/sip/chars.h"
#include "protos/sip/message.h"

enum { STEP = 16 };

/* Behind the quote that closes what begins at the front, or b.len with *open set. */
static size_t quoted_end(struct bytes b, bool *open)
{
	size_t i = 1;

	while (i < b.len && b.at[i] != '"')
		i += b.at[i] == '\\' ? 2 : 1;
	*open = i >= b.len;
	return *open ? b.len : i + 1;
}

/* The place of one of these characters (enum sip_char) outside of quotes, or b.len. *open: a quote
 * was not closed. */
static size_t find_unquoted(struct bytes b, unsigned stops, bool *open)
{
	size_t i = 0;

	*open = false;
	while (i < b.len) {
		unsigned c = sip_chars[b.at[i]];

		if (c & stops)
			return i;
		i += c & CHAR_QUOTE ? quoted_end(bytes_skip(b, i), open) : 1;
	}
	return b.len;
}

/* As find_unquoted, of one character. */
static size_t find_one_unquoted(struct bytes b, uint8_t stop, bool *open)
{
	size_t from = 0, at = bytes_find(b, stop);

	*open = false;
	for (;;) {
		struct bytes before = bytes_head(bytes_skip(b, from), at - from);
		size_t quote = bytes_find(before, '"');

		if (quote == before.len)
			return at;
		from += quote;
		from += quoted_end(bytes_skip(b, from), open);
		if (from > at)
			at = from + bytes_find(bytes_skip(b, from), stop);
	}
}

static struct bytes unquote(struct bytes b)
{
	b = bytes_trim(b);
	if (b.len >= 2 && b.at[0] == '"' && b.at[b.len - 1] == '"')
		return bytes_head(bytes_skip(b, 1), b.len - 2);
	return b;
}

/* The length of a URI's scheme; 0: it has none. */
static size_t scheme_length(struct bytes uri)
{
	size_t n = 0;

	if (bytes_starts(uri, BYTES("sip:")))
		return 3;
	while (n < uri.len && sip_chars[uri.at[n]] & CHAR_SCHEME)
		n++;
	if (n == 0 || n == uri.len || uri.at[n] != ':')
		return 0;
	return ascii_lower(uri.at[0]) >= 'a' && ascii_lower(uri.at[0]) <= 'z' ? n : 0;
}

/* What stands before the URI: a name in quotes, or words. A comma in words ends the value. */
static bool is_bad_name(struct bytes name)
{
	return name.len > 0 && name.at[0] != '"' &&
	       (bytes_find(name, ',') < name.len || bytes_find(name, '@') < name.len);
}

/* Where the URI begins that stands in <>, behind a name in quotes or none; 0: not so simple. */
static size_t plain_angle(struct bytes value)
{
	size_t i = 1;

	if (value.len == 0 || value.at[0] != '"')
		return value.len > 0 && value.at[0] == '<';
	while (i < value.len && value.at[i] != '"' && value.at[i] != '\\')
		i++;
	if (i < value.len && value.at[i] == '\\')
		return 0;
	for (i++; i < value.len && value.at[i] == ' '; i++)
		;
	return i < value.len && value.at[i] == '<' ? i + 1 : 0;
}

struct sip_address sip_address_of(struct bytes value)
{
	struct sip_address a = {0};
	bool open = false;

	value = bytes_trim(value);
	size_t plain = plain_angle(value);
	size_t angle = plain > 0 ? plain - 1 : find_unquoted(value, CHAR_ANGLE, &open);

	a.bad = open && value.len > 0;
	if (angle == value.len) {
		/* Without <>, parameters are the header's. */
		size_t n = bytes_find(value, ';');

		a.uri = bytes_trim(bytes_head(value, n));
		a.params = bytes_skip(value, n);
		a.bad |= value.len > 0 &&
			 (scheme_length(a.uri) == 0 || bytes_find(a.uri, ' ') < a.uri.len);
		return a;
	}
	struct bytes rest = bytes_skip(value, angle + 1),
		     name = bytes_trim(bytes_head(value, angle));
	size_t end = bytes_find(rest, '>');

	a.name = unquote(name);
	a.uri = bytes_trim(bytes_head(rest, end));
	a.params = bytes_trim(bytes_skip(rest, end + 1));
	/* The URI begins and ends in <>. */
	a.bad |= end == rest.len || a.uri.len != end || scheme_length(a.uri) == 0 ||
		 is_bad_name(name);
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

static bool is_sip(struct bytes scheme)
{
	return bytes_eq(scheme, BYTES("sip")) ||
	       (bytes_eq_case(scheme, BYTES("sip")) || bytes_eq_case(scheme, BYTES("sips")));
}

struct sip_uri sip_uri_of(struct bytes uri)
{
	struct sip_uri u = {.whole = uri};
	size_t scheme = scheme_length(uri), n = 0;

	if (scheme == 0)
		return u;
	u.scheme = bytes_head(uri, scheme);
	struct bytes rest = bytes_skip(uri, scheme + 1);

	if (!is_sip(u.scheme)) {
		n = bytes_find(rest, ';');
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

		n = bytes_find(user, ':');
		u.user = bytes_head(user, n);
		u.password = bytes_skip(user, n + 1);
		rest = bytes_skip(rest, at + 1);
	}
	for (n = 0; n < rest.len; n++)
		if (sip_chars[rest.at[n]] & (CHAR_SEMICOLON | CHAR_QUESTION))
			break;
	u.host = split_port(bytes_head(rest, n), &u.port);
	u.params = bytes_skip(rest, n);
	return u;
}

/* Sixteen bytes at a time: the compiler makes of it what the machine has. */
typedef int8_t lanes __attribute__((vector_size(STEP)));

/* Bits are set where a ; or , stands before another, or a space. */
static inline lanes gaps_at(const uint8_t *at)
{
	lanes one, next;

	memcpy(&one, at, sizeof(one));
	memcpy(&next, at + 1, sizeof(next));
	return ((one == ';') | (one == ',')) &
	       ((next == ';') | (next == ',') | (next == ' ') | (next == '\t'));
}

/* Whether a ; or , is the last, or behind it stands another, or a space: only then there may be a
 * gap. */
static bool may_have_gap(struct bytes value)
{
	size_t pairs = value.len > 0 ? value.len - 1 : 0;
	lanes any = {0};
	uint64_t halves[2];

	if (value.len > 0 && (value.at[pairs] == ';' || value.at[pairs] == ','))
		return true;
	if (pairs < sizeof(any)) {
		for (size_t i = 0; i < pairs; i++)
			if ((value.at[i] == ';' || value.at[i] == ',') &&
			    (value.at[i + 1] == ';' || value.at[i + 1] == ',' ||
			     value.at[i + 1] == ' ' || value.at[i + 1] == '\t'))
				return true;
		return false;
	}
	for (size_t i = 0; i < pairs - sizeof(any); i += sizeof(any))
		any |= gaps_at(value.at + i);
	any |= gaps_at(value.at + pairs - sizeof(any));
	memcpy(halves, &any, sizeof(halves));
	return (halves[0] | halves[1]) != 0;
}

bool sip_has_gap(struct bytes value)
{
	bool open, gap = false;
	size_t n;

	if (!may_have_gap(value))
		return false;
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
			params = bytes_skip(params, find_one_unquoted(params, ';', &open));
			continue;
		}
		params = bytes_skip(params, 1);
		size_t n = find_one_unquoted(params, ';', &open);
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

/* `name` is with the ; before and the = behind it, as nearly all write it who put it first. */
static inline struct bytes first_param(struct bytes params, struct bytes name)
{
	if (bytes_starts(params, name)) {
		struct bytes value = bytes_skip(params, name.len);

		value = bytes_head(value, bytes_find(value, ';'));
		if (bytes_find(value, '"') == value.len)
			return bytes_trim(value);
	}
	struct bytes value;

	return sip_param(params, bytes_head(bytes_skip(name, 1), name.len - 2), &value) ? value
											: NO_BYTES;
}

struct bytes sip_tag(struct bytes params)
{
	return first_param(params, BYTES(";tag="));
}

struct bytes sip_branch(struct bytes params)
{
	return first_param(params, BYTES(";branch="));
}

struct bytes sip_list_next(struct bytes *list)
{
	struct bytes all = *list;
	bool open;

	size_t n = bytes_find(all, ',');
	struct bytes first = bytes_head(all, n);

	if (n == all.len) {
		*list = NO_BYTES;
		return bytes_trim(all);
	}
	if (bytes_find(first, '"') == n && bytes_find(first, '<') == n) {
		*list = bytes_skip(all, n + 1);
		return bytes_trim(first);
	}
	n = find_unquoted(all, CHAR_COMMA | CHAR_ANGLE, &open);

	if (n < all.len && all.at[n] == '<') {
		n += bytes_find(bytes_skip(all, n), '>');
		n += find_one_unquoted(bytes_skip(all, n), ',', &open);
	}
	*list = bytes_skip(all, n + 1);
	return bytes_trim(bytes_head(all, n));
}

/* Where a parameter goes, NULL for others. */
static struct bytes *digest_place(struct sip_digest *d, struct bytes name)
{
	switch (name.len) {
	case 3:
		return bytes_eq_case(name, BYTES("uri")) ? &d->uri : NULL;
	case 5:
		return bytes_eq_case(name, BYTES("realm")) ? &d->realm : NULL;
	case 8:
		return bytes_eq_case(name, BYTES("username")) ? &d->username : NULL;
	case 9:
		return bytes_eq_case(name, BYTES("algorithm")) ? &d->algorithm : NULL;
	default:
		return NULL;
	}
}

/* A parameter as nearly all write it, taken off the front with its comma: name=value or
 * name="value", nothing escaped. False: it is not so simple. */
static bool plain_param(struct bytes *rest, struct bytes *name, struct bytes *value)
{
	struct bytes all = *rest;
	size_t from = 0, eq, end;

	while (from < all.len && (all.at[from] == ' ' || all.at[from] == '\t'))
		from++;
	for (eq = from; eq < all.len && sip_chars[all.at[eq]] & CHAR_TOKEN; eq++)
		;
	if (eq + 1 >= all.len || all.at[eq] != '=')
		return false;
	*name = bytes_head(bytes_skip(all, from), eq - from);
	*value = bytes_skip(all, eq + 1);
	if (value->at[0] == '"') {
		*value = bytes_skip(*value, 1);
		*value = bytes_head(*value, bytes_find(*value, '"'));
		end = eq + 2 + value->len + 1;
		if (end > all.len || (end < all.len && all.at[end] != ',') ||
		    bytes_find(*value, '\\') < value->len)
			return false;
	} else {
		*value = bytes_head(*value, bytes_find(*value, ','));
		end = eq + 1 + value->len;
		if (bytes_find(*value, '"') < value->len)
			return false;
		*value = bytes_trim(*value);
	}
	*rest = bytes_skip(all, end + 1);
	return true;
}

static void odd_param(struct bytes *rest, struct bytes *name, struct bytes *value)
{
	bool open;
	size_t n = find_one_unquoted(*rest, ',', &open);
	struct bytes one = bytes_trim(bytes_head(*rest, n));
	size_t eq = bytes_find(one, '=');

	*name = bytes_trim(bytes_head(one, eq));
	*value = unquote(bytes_skip(one, eq + 1));
	*rest = bytes_skip(*rest, n + 1);
}

struct sip_digest sip_digest_of(struct bytes value)
{
	struct sip_digest d = {0};
	size_t space = bytes_find(value, ' ');
	struct bytes rest = bytes_skip(value, space + 1), name, text;

	d.scheme = bytes_head(value, space);
	while (rest.len > 0) {
		if (!plain_param(&rest, &name, &text))
			odd_param(&rest, &name, &text);
		struct bytes *place = digest_place(&d, name);

		/* The first of a name counts. */
		if (place && place->at == NULL)
			*place = text;
	}
	return d;
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
