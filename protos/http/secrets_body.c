/*
 * Bodies without their secrets: which kind of text it is, and multipart.
 */
#include "protos/http/secrets.h"

static bool has(struct bytes type, struct bytes word)
{
	for (size_t i = 0; i + word.len <= type.len; i++)
		if (bytes_eq_case(bytes_of(type.at + i, word.len), word))
			return true;
	return false;
}

struct bytes secret_param(struct bytes value, struct bytes name)
{
	size_t i = bytes_find(value, ';');

	while (i < value.len) {
		struct bytes rest = bytes_skip(value, i + 1);
		size_t end = 0;
		bool quoted = false;

		for (; end < rest.len && (quoted || rest.at[end] != ';'); end++) {
			if (quoted && rest.at[end] == '\\')
				end++;
			else if (rest.at[end] == '"')
				quoted = !quoted;
		}
		struct bytes pair = bytes_trim(bytes_head(rest, end));
		size_t sign = bytes_find(pair, '=');

		if (sign < pair.len && bytes_eq_case(bytes_trim(bytes_head(pair, sign)), name)) {
			struct bytes v = bytes_trim(bytes_skip(pair, sign + 1));

			if (v.len >= 2 && v.at[0] == '"' && v.at[v.len - 1] == '"')
				v = bytes_of(v.at + 1, v.len - 2);
			return v;
		}
		i += 1 + end;
	}
	return NO_BYTES;
}

/* Withheld if a keyword is anywhere in it. */
static bool other_text(struct buf *out, struct bytes text, const struct texts *hide)
{
	bool binary = bytes_find(text, 0) < text.len; /* UTF-16, too, hides a keyword from us */

	if (hide->count > 0 && text.len > 0 && (binary || secret_mentioned(hide, text))) {
		buf_add(out, SECRET_MASK);
		return false;
	}
	buf_add(out, text);
	return true;
}

/* Where the next line that is "--boundary" begins, or the end. */
static size_t find_boundary(struct bytes body, size_t from, struct bytes boundary)
{
	size_t n = boundary.len + 2;

	for (size_t i = from; i + n <= body.len; i++) {
		i += bytes_find(bytes_skip(body, i), '-');
		if (i + n > body.len)
			break;
		if ((i == 0 || body.at[i - 1] == '\n') && body.at[i + 1] == '-' &&
		    memcmp(body.at + i + 2, boundary.at, boundary.len) == 0)
			return i;
	}
	return body.len;
}

/* The value of a header of a part; NO_BYTES when it has none. Continued lines are joined. */
static struct bytes part_header(struct bytes head, struct bytes name)
{
	while (head.len > 0) {
		size_t end = bytes_find(head, '\n');

		while (end + 1 < head.len && (head.at[end + 1] == ' ' || head.at[end + 1] == '\t'))
			end += 1 + bytes_find(bytes_skip(head, end + 1), '\n');
		struct bytes line = bytes_head(head, end);
		size_t colon = bytes_find(line, ':');

		if (bytes_eq_case(bytes_trim(bytes_head(line, colon)), name))
			return bytes_skip(line, colon + 1);
		head = bytes_skip(head, end + 1);
	}
	return NO_BYTES;
}

/* The empty line behind a part's headers: where the part's text begins. */
static size_t part_text(struct bytes part)
{
	size_t at = 0;

	while (at < part.len) {
		size_t n = bytes_find(bytes_skip(part, at), '\n');
		bool empty = n == 0 || (n == 1 && part.at[at] == '\r');

		at += n + 1;
		if (empty)
			return at < part.len ? at : part.len;
	}
	return part.len;
}

static bool plain_body(struct buf *out, struct bytes type, struct bytes body,
		       const struct texts *hide);

static bool is_secret_part(struct bytes head, const struct texts *hide)
{
	struct bytes disposition = part_header(head, BYTES("content-disposition"));
	struct bytes name = secret_param(disposition, BYTES("name"));

	/* Of two names, or one with escapes, readers take different ones: any that says so counts.
	 */
	if (name.len == 0 || bytes_find(name, '\\') < name.len)
		return name.len > 0 || secret_mentioned(hide, head);
	return secret_name(hide, name) || secret_mentioned(hide, disposition);
}

/* A part from behind its boundary line on. */
static bool mask_part(struct buf *out, struct bytes part, const struct texts *hide)
{
	size_t at = part_text(part);
	struct bytes head = bytes_head(part, at), text = bytes_skip(part, at);

	if (text.len == 0) {
		buf_add(out, head);
		return true;
	}
	secret_text(out, head, hide);
	if (is_secret_part(head, hide)) {
		buf_add(out, SECRET_MASK);
		buf_add(out, BYTES("\r\n"));
		return true;
	}
	return plain_body(out, part_header(head, BYTES("content-type")), text, hide);
}

static bool multipart(struct buf *out, struct bytes boundary, struct bytes body,
		      const struct texts *hide)
{
	size_t at = find_boundary(body, 0, boundary);
	bool good = other_text(out, bytes_head(body, at), hide);

	while (at < body.len) {
		size_t line = bytes_find(bytes_skip(body, at), '\n') + 1;
		size_t from = at + line < body.len ? at + line : body.len;
		size_t next = find_boundary(body, from, boundary);

		buf_add(out, bytes_of(body.at + at, from - at));
		good &= mask_part(out, bytes_of(body.at + from, next - from), hide);
		at = next;
	}
	return good;
}

/* Any kind but multipart. The text's own first character is trusted before its type. */
static bool plain_body(struct buf *out, struct bytes type, struct bytes body,
		       const struct texts *hide)
{
	size_t from = out->len, first = 0;

	if (hide->count == 0) {
		buf_add(out, body);
		return true;
	}
	while (first < body.len && body.at[first] <= ' ')
		first++;
	uint8_t c = first < body.len ? body.at[first] : 0;

	if (c == '{' || c == '[' || c == '"') {
		if (secret_json(out, body, hide))
			return true;
		out->len = from;
	} else if (has(type, BYTES("x-www-form-urlencoded")) && c != '<' && c < 0x80 &&
		   bytes_find(body, 0) == body.len && bytes_find(body, '\n') + 1 >= body.len) {
		secret_url(out, body, hide);
		return true;
	}
	return other_text(out, body, hide);
}

bool secret_body(struct buf *out, struct bytes type, struct bytes body, const struct texts *hide)
{
	struct bytes boundary = secret_param(type, BYTES("boundary"));

	if (has(type, BYTES("message/http")) && body.len > 0) { /* TRACE: headers and all */
		buf_add(out, SECRET_MASK);
		return false;
	}
	if (hide->count > 0 && has(bytes_head(type, 10), BYTES("multipart/")) && boundary.len > 0)
		return multipart(out, boundary, body, hide);
	return plain_body(out, type, body, hide);
}
