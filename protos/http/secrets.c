#include "protos/http/secrets.h"

enum { NAME_MAX_BYTES = 256, MENTION_WINDOW = 512 };

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at *i, percent-decoded, in lower case; *i goes behind it. */
static uint8_t decoded_at(struct bytes b, size_t *i)
{
	uint8_t c = b.at[(*i)++];

	if (c == '%' && b.len - *i >= 2) {
		int high = hex_digit(b.at[*i]), low = hex_digit(b.at[*i + 1]);

		if (high >= 0 && low >= 0) {
			*i += 2;
			c = (uint8_t)(high << 4 | low);
		}
	}
	return ascii_lower(c == '+' ? ' ' : c);
}

static size_t decode(struct bytes b, uint8_t *to, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < b.len && n < max;)
		to[n++] = decoded_at(b, &i);
	return n;
}

static bool is_keyword(const struct texts *hide, struct bytes word)
{
	while (word.len > 0 && (word.at[0] <= ' ' || word.at[0] == '"' || word.at[0] == '\''))
		word = bytes_skip(word, 1);
	while (word.len > 0 && (word.at[word.len - 1] <= ' ' || word.at[word.len - 1] == '"' ||
				word.at[word.len - 1] == '\''))
		word.len--;
	for (size_t i = 0; i < hide->count; i++)
		if (bytes_eq(word, bytes_str(hide->at[i])))
			return true;
	return false;
}

bool secret_name(const struct texts *hide, struct bytes name)
{
	uint8_t text[NAME_MAX_BYTES];
	size_t n, from = 0;

	if (hide->count == 0)
		return false;
	if (name.len > NAME_MAX_BYTES)
		return true;
	n = decode(name, text, sizeof(text));
	if (is_keyword(hide, bytes_of(text, n)))
		return true;
	for (size_t i = 0; i <= n; i++) {
		if (i < n && text[i] != '[' && text[i] != ']' && text[i] != '.' && text[i] != ':')
			continue;
		if (is_keyword(hide, bytes_of(text + from, i - from)))
			return true;
		from = i + 1;
	}
	return false;
}

static bool holds(struct bytes text, struct bytes word)
{
	for (size_t i = 0; i + word.len <= text.len; i++)
		if (text.at[i] == word.at[0] && memcmp(text.at + i, word.at, word.len) == 0)
			return true;
	return false;
}

static bool holds_keyword(const struct texts *hide, struct bytes text)
{
	for (size_t i = 0; i < hide->count; i++) {
		struct bytes word = bytes_str(hide->at[i]);

		if (word.len > 0 && holds(text, word))
			return true;
	}
	return false;
}

/* Looks at the decoded text through a window that overlaps its neighbour by half, so that every
 * keyword of up to half its size stands whole in one of them. */
bool secret_mentioned(const struct texts *hide, struct bytes text)
{
	uint8_t once[MENTION_WINDOW], twice[MENTION_WINDOW];
	size_t n = 0, i = 0;

	if (hide->count == 0)
		return false;
	do {
		while (i < text.len && n < sizeof(once))
			once[n++] = decoded_at(text, &i);
		size_t m = decode(bytes_of(once, n), twice, sizeof(twice));

		if (holds_keyword(hide, bytes_of(once, n)) ||
		    (m < n && holds_keyword(hide, bytes_of(twice, m))))
			return true;
		if (n == sizeof(once)) {
			memmove(once, once + MENTION_WINDOW / 2, MENTION_WINDOW / 2);
			n = MENTION_WINDOW / 2;
		}
	} while (i < text.len);
	return false;
}

/* Where parameters begin and end in a kind of text. */
struct places {
	const char *begins; /* a name stands behind one of these */
	const char *ends;   /* a value ends before one of these */
};

static bool is_one_of(uint8_t c, const char *set)
{
	return c != 0 && strchr(set, c) != NULL;
}

static size_t value_end(struct bytes text, size_t at, const char *ends)
{
	while (at < text.len && !is_one_of(text.at[at], ends))
		at++;
	return at;
}

/* A value may carry parameters of its own, in another encoding or another language; one that is
 * nothing but a keyword does not. */
static bool is_nested(struct bytes value, const struct texts *hide)
{
	uint8_t text[NAME_MAX_BYTES];

	if (hide->count == 0 ||
	    (value.len < sizeof(text) &&
	     is_keyword(hide, bytes_of(text, decode(value, text, sizeof(text))))))
		return false;
	for (size_t i = 0; i < value.len; i++)
		if (is_one_of(value.at[i], "%\"{:\\"))
			return secret_mentioned(hide, value);
	return false;
}

static void mask_params(struct buf *out, struct bytes text, const struct texts *hide,
			const struct places *places)
{
	size_t done = 0, name = 0, i = 0, end = 0;

	while (hide->count > 0 && i < text.len) {
		uint8_t c = text.at[i++];

		if (c == '=') {
			/* Where the value ends, and whether it is nested, is found once for all
			 * signs within it: else many of them would take a time of their square. */
			bool nested = false;

			if (end < i) {
				end = value_end(text, i, places->ends);
				nested = is_nested(bytes_of(text.at + i, end - i), hide);
			}
			if (nested || secret_name(hide, bytes_of(text.at + name, i - 1 - name))) {
				buf_add(out, bytes_of(text.at + done, i - done));
				buf_add(out, SECRET_MASK);
				done = i = end;
			}
			name = i;
		} else if (is_one_of(c, places->begins)) {
			name = i;
		}
	}
	buf_add(out, bytes_skip(text, done));
}

/* Masks user information behind each "//"; the rest goes on to mask_params. */
static void mask_url(struct buf *out, struct bytes text, const struct texts *hide,
		     const struct places *places)
{
	bool user = bytes_find(text, '@') < text.len;
	size_t done = 0;

	for (size_t i = 0; user && i + 2 < text.len; i++) {
		if (text.at[i] != '/' || text.at[i + 1] != '/')
			continue;
		size_t from = i + 2, end = from, sign = 0;

		while (end < text.len && !is_one_of(text.at[end], "/?# \t\"<>")) {
			if (text.at[end] == '@')
				sign = end;
			end++;
		}
		if (sign > 0) {
			mask_params(out, bytes_of(text.at + done, from - done), hide, places);
			buf_add(out, SECRET_MASK);
			done = sign;
		}
		i = end > i + 1 ? end - 1 : i;
	}
	mask_params(out, bytes_skip(text, done), hide, places);
}

void secret_url(struct buf *out, struct bytes url, const struct texts *hide)
{
	static const struct places places = {"?&;#,", "&"};

	mask_url(out, url, hide, &places);
}

void secret_text(struct buf *out, struct bytes text, const struct texts *hide)
{
	static const struct places places = {"?&;#, \t\r\n\"'<>{}()", "&\r\n"};

	mask_url(out, text, hide, &places);
}

void secret_credentials(struct buf *out, struct bytes value, bool scheme)
{
	static const char *const known[] = {
		"basic",  "bearer",	 "digest",	     "negotiate", "ntlm", "hoba",  "mutual",
		"vapid",  "scram-sha-1", "scram-sha-256",    "dpop",	  "gnap", "token", "oauth",
		"apikey", "hawk",	 "aws4-hmac-sha256",
	};
	size_t n = bytes_find(value, ' ');

	for (size_t i = 0; scheme && n < value.len && i < sizeof(known) / sizeof(known[0]); i++) {
		if (bytes_eq_case(bytes_head(value, n), bytes_str(known[i]))) {
			buf_add(out, bytes_head(value, n + 1));
			break;
		}
	}
	buf_add(out, SECRET_MASK);
}

/* name=value becomes name=xxxxx; what has no name is masked whole. */
static void mask_cookie(struct buf *out, struct bytes pair)
{
	size_t n = bytes_find(pair, '=');

	if (n < pair.len)
		buf_add(out, bytes_head(pair, n + 1));
	buf_add(out, SECRET_MASK);
}

void secret_cookie(struct buf *out, struct bytes value)
{
	bool first = true;

	while (value.len > 0) {
		size_t n = bytes_find(value, ';');
		struct bytes pair = bytes_trim(bytes_head(value, n));

		value = bytes_skip(value, n + 1);
		if (pair.len == 0)
			continue;
		if (!first)
			buf_add(out, BYTES("; "));
		mask_cookie(out, pair);
		first = false;
	}
}

/* Attributes are not secret, but only those that are known are surely attributes. */
static bool is_cookie_attribute(struct bytes pair)
{
	static const char *const known[] = {"expires",	"max-age",     "domain",
					    "path",	"secure",      "httponly",
					    "samesite", "partitioned", "priority"};
	struct bytes name = bytes_trim(bytes_head(pair, bytes_find(pair, '=')));

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (bytes_eq_case(name, bytes_str(known[i])))
			return true;
	return false;
}

void secret_set_cookie(struct buf *out, struct bytes value)
{
	size_t n = bytes_find(value, ';');

	mask_cookie(out, bytes_trim(bytes_head(value, n)));
	while (n < value.len) {
		value = bytes_skip(value, n + 1);
		n = bytes_find(value, ';');
		struct bytes pair = bytes_trim(bytes_head(value, n));

		if (pair.len == 0)
			continue;
		buf_add(out, BYTES("; "));
		if (is_cookie_attribute(pair))
			buf_add(out, pair);
		else
			mask_cookie(out, pair);
	}
}
