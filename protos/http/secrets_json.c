/*
 * JSON without its secrets, in one pass over the text, as far as there is text: a cut body is
 * masked up to its end.
 */
#include "protos/http/secrets.h"

enum { KEY_MAX_BYTES = 256 };

struct json {
	struct bytes text;
	size_t at, done; /* read up to here; written up to here */
	struct buf *out;
	const struct texts *hide;
};

static size_t skip_space(const struct json *j, size_t i)
{
	while (i < j->text.len && strchr(" \t\r\n", j->text.at[i]) && j->text.at[i] != 0)
		i++;
	return i;
}

/* Behind the string that begins at i, or the text's end. */
static size_t string_end(const struct json *j, size_t i)
{
	for (i++; i < j->text.len; i++) {
		if (j->text.at[i] == '\\')
			i++;
		else if (j->text.at[i] == '"')
			return i + 1;
	}
	return j->text.len;
}

/* Behind the value that begins at i, containers with all that is in them. */
static size_t value_end(const struct json *j, size_t i)
{
	size_t depth = 0;

	while (i < j->text.len) {
		uint8_t c = j->text.at[i];

		if (c == '"') {
			i = string_end(j, i);
			if (depth == 0)
				return i;
			continue;
		}
		if (depth == 0 && (c == ',' || c == '}' || c == ']'))
			return i;
		depth += c == '{' || c == '[';
		i++;
		if ((c == '}' || c == ']') && --depth == 0)
			return i;
	}
	return i;
}

/* A key without its escapes; a part outside ASCII stays as it is, no keyword needs it. */
static size_t unescape(struct bytes key, uint8_t *to, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < key.len && n < max; i++) {
		uint64_t code;

		if (key.at[i] != '\\' || i + 1 == key.len) {
			to[n++] = key.at[i];
		} else if (key.at[i + 1] == 'u' && key.len - i >= 6 &&
			   bytes_hex(bytes_of(key.at + i + 2, 4), 0x7f, &code)) {
			to[n++] = (uint8_t)code;
			i += 5;
		} else {
			to[n++] = key.at[++i];
		}
	}
	return n;
}

static bool is_secret_key(const struct json *j, struct bytes key)
{
	uint8_t text[KEY_MAX_BYTES];

	if (key.len > 6 * KEY_MAX_BYTES)
		return true;
	size_t n = unescape(key, text, sizeof(text));

	return n == sizeof(text) || secret_name(j->hide, bytes_of(text, n));
}

static bool has_language(struct bytes value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] == '=' || value.at[i] == ':' || value.at[i] == '\\' ||
		    value.at[i] == '%')
			return true;
	return false;
}

static void mask(struct json *j, size_t from, size_t to)
{
	buf_add(j->out, bytes_of(j->text.at + j->done, from - j->done));
	buf_add(j->out, BYTES("\"xxxxx\""));
	j->done = j->at = to;
}

/* A key with its value, or a value that is a string. */
static void take_string(struct json *j)
{
	size_t from = j->at, end = string_end(j, from);
	size_t next = skip_space(j, end);
	struct bytes inside = bytes_of(j->text.at + from + 1, end - from - 1);

	if (inside.len > 0 && inside.at[inside.len - 1] == '"')
		inside.len--;
	j->at = end;
	if (next < j->text.len && j->text.at[next] == ':') {
		size_t value = skip_space(j, next + 1);

		if (is_secret_key(j, inside))
			mask(j, value, value_end(j, value));
		else
			j->at = value;
	} else if (has_language(inside) && secret_mentioned(j->hide, inside)) {
		mask(j, from, end);
	}
}

bool secret_json(struct buf *out, struct bytes json, const struct texts *hide)
{
	struct json j = {.text = json, .out = out, .hide = hide};

	while (j.at < json.len) {
		uint8_t c = json.at[j.at];

		if (c == '"')
			take_string(&j);
		else if (c == 0 || strchr("{}[]:, \t\r\n-+.0123456789Etruefalsn", c) == NULL)
			return false; /* words without quotes, comments, another language */
		else
			j.at++;
	}
	buf_add(out, bytes_skip(json, j.done));
	return true;
}
