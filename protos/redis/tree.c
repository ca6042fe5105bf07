/*
 * The values of an answer, at any depth: read from the wire, told apart, and shown in one line.
 *
 * Borrows  cursor and bytes, until return
 * Errors   STEP_ALIEN: not a value
 */
#include "protos/redis/redis.h"

static enum step count_of(struct bytes text, struct token *t)
{
	if (bytes_eq(text, BYTES("?")) && memchr("$*~%>", t->kind, 5))
		t->streamed = true;
	else if (t->kind == '$' && bytes_starts(text, BYTES("EOF:")))
		t->marked = true;
	else if (!bytes_int(text, -1, VALUES_MAX, &t->n))
		return STEP_ALIEN;
	if ((t->kind == '%' || t->kind == '|') && t->n > 0)
		t->n *= 2;
	return STEP_DONE;
}

static bool is_made_of(struct bytes text, const char *set)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] == 0 || strchr(set, text.at[i]) == NULL)
			return false;
	return text.len > 0;
}

enum step token_read(struct cursor *c, struct token *t)
{
	struct bytes line = cursor_line(c);

	if (c->dry) {
		bool text = cursor_left(c) > 0 && memchr("+-,(", *c->at, 4);

		return !text && cursor_left(c) > COUNT_LINE_MAX * 2 ? STEP_ALIEN : STEP_MORE;
	}
	*t = (struct token){.kind = line.len > 0 ? line.at[0] : 0, .text = bytes_skip(line, 1)};
	switch (t->kind) {
	case '+':
	case '-':
		return STEP_DONE;
	case ':':
	case '(':
		return is_made_of(t->text, "+-0123456789") ? STEP_DONE : STEP_ALIEN;
	case ',':
		return is_made_of(t->text, "+-.0123456789eEinfaINFA") ? STEP_DONE : STEP_ALIEN;
	case '#':
		return bytes_eq(t->text, BYTES("t")) || bytes_eq(t->text, BYTES("f")) ? STEP_DONE
										      : STEP_ALIEN;
	case '_':
	case '.':
		return t->text.len == 0 ? STEP_DONE : STEP_ALIEN;
	case '$':
	case '!':
	case '=':
	case '*':
	case '~':
	case '%':
	case '>':
	case '|':
	case ';':
		return count_of(t->text, t);
	default:
		return STEP_ALIEN;
	}
}

/* ---- What is shown ---- */

static struct level *top(struct answering *r)
{
	return r->depth > 0 ? &r->level[r->depth - 1] : NULL;
}

static bool is_hidden(const struct answering *r)
{
	return r->muted > 0 || r->hide_all;
}

void tree_show(const struct answering *r, struct exchange *x, struct bytes text)
{
	if (!is_hidden(r) && !x->said[SERVER].cut)
		exchange_keep(x, &x->said[SERVER], text);
}

/* What stands between the value before and this one. */
static void show_joint(struct answering *r, struct exchange *x)
{
	const struct level *level = top(r);

	if (level == NULL || level->index == 0)
		return;
	tree_show(r, x, level->kind == '%' && level->index % 2 == 1 ? BYTES(": ") : BYTES(", "));
}

/* ---- Values that hold values ---- */

/* A value has ended, and with it those whose last one it was. */
static void value_done(struct answering *r, struct exchange *x)
{
	while (r->depth > 0) {
		struct level *level = top(r);

		level->index++;
		if (level->left > 0)
			level->left--;
		if (level->left != 0)
			return;
		tree_show(r, x, level->kind == '%' ? BYTES("}") : BYTES("]"));
		r->depth--;
		/* Attributes are no value: the one they belong to follows. */
		if (level->kind == '|') {
			r->muted--;
			return;
		}
	}
	r->complete = true;
}

/* Values deeper than what is told apart count among their elders. */
static enum step flatten(struct answering *r, struct exchange *x, const struct token *t)
{
	struct level *level = top(r);

	if (t->streamed || level->left < 0 || level->left > INT64_MAX / 2)
		return STEP_ALIEN;
	level->left += t->n + (t->kind == '|');
	value_done(r, x);
	return STEP_DONE;
}

static enum step level_open(struct answering *r, struct exchange *x, const struct token *t)
{
	if (t->kind == '|' && t->n <= 0)
		return t->n == 0 ? STEP_DONE : STEP_ALIEN;
	if (t->kind != '|')
		show_joint(r, x);
	if (t->n < 0) {
		tree_show(r, x, BYTES("nil"));
		value_done(r, x);
		return STEP_DONE;
	}
	if (r->depth == LEVELS)
		return flatten(r, x, t);
	if (t->n == 0 && !t->streamed) {
		tree_show(r, x, t->kind == '%' ? BYTES("{}") : BYTES("[]"));
		value_done(r, x);
		return STEP_DONE;
	}
	r->muted = (uint8_t)(r->muted + (t->kind == '|'));
	tree_show(r, x, t->kind == '%' ? BYTES("{") : BYTES("["));
	r->level[r->depth++] = (struct level){.left = t->streamed ? -1 : t->n, .kind = t->kind};
	return STEP_DONE;
}

/* The end mark of one whose length was not known. */
static enum step level_close(struct answering *r, struct exchange *x)
{
	struct level *level = top(r);

	if (level == NULL || level->left >= 0)
		return STEP_ALIEN;
	level->left = 0;
	tree_show(r, x, level->kind == '%' ? BYTES("}") : BYTES("]"));
	r->depth--;
	value_done(r, x);
	return STEP_DONE;
}

/* ---- Strings ---- */

static void failed(const struct answering *r, struct exchange *x)
{
	if (r->depth > 0)
		return;
	x->status = STATUS_ERROR;
	redis_of(x)->failed = true;
}

/* A channel of a message, or a setting whose value is a secret. */
static void understand(struct answering *r, struct exchange *x, struct bytes text)
{
	struct redis *h = redis_of(x);
	const struct redis_conf *conf = conn_conf(x->conn);
	const struct level *level = top(r);
	struct clip *line = &x->said[CLIENT];
	struct value v;

	if (r->push && r->depth == 1 && h->has_channel &&
	    (level->index == 1 || (level->index == 2 && h->has_pattern))) {
		exchange_keep(x, line, BYTES(" "));
		value_begin(&v, line);
		value_more(&v, x, line, text);
		if (conf->keys == KEYS_HASH)
			value_hash(&v, x, line);
		else
			value_end(&v, x, line, text.len);
		h->keys[h->key_count++] = (struct span){v.at, line->len - v.at};
	}
	if (h->command && (h->command->flags & COMMAND_TELLS_SECRET) && level->index % 2 == 0 &&
	    setting_is_secret(text))
		r->hide_next = true;
}

static void string_begin(struct answering *r, struct exchange *x)
{
	show_joint(r, x);
	value_begin(&r->value, &x->said[SERVER]);
	r->value.closed = is_hidden(r);
	if (r->hide_next && top(r)->index % 2 == 1) {
		r->value.hidden = !is_hidden(r);
		r->hide_next = false;
	}
}

static void string_show(struct answering *r, struct exchange *x, struct bytes text)
{
	size_t skip = r->prefix < text.len ? r->prefix : text.len;

	r->prefix = (uint8_t)(r->prefix - skip);
	value_more(&r->value, x, &x->said[SERVER], bytes_skip(text, skip));
}

static void string_end(struct answering *r, struct exchange *x, uint64_t len)
{
	if (!is_hidden(r))
		value_end(&r->value, x, &x->said[SERVER], len);
	r->error = false;
	value_done(r, x);
}

/* Within others they are taken whole when they are short, so that they can be understood. */
static enum step string_open(struct answering *r, struct exchange *x, struct cursor *c,
			     const struct token *t)
{
	uint64_t len = (uint64_t)t->n;

	if (t->n < 0) {
		r->nil_channel |= r->confirms && r->depth == 1 && top(r)->index == 1;
		show_joint(r, x);
		tree_show(r, x, BYTES("nil"));
		value_done(r, x);
		return STEP_DONE;
	}
	if (r->depth > 0 && len <= SHORT_MAX) {
		struct bytes text = cursor_take(c, len);
		struct bytes end = cursor_take(c, 2);

		if (c->dry)
			return STEP_MORE;
		if (!bytes_eq(end, BYTES("\r\n")))
			return STEP_ALIEN;
		r->prefix = t->kind == '=' ? 4 : 0;
		string_begin(r, x);
		understand(r, x, text);
		string_show(r, x, text);
		string_end(r, x, len);
		return STEP_DONE;
	}
	r->prefix = t->kind == '=' ? 4 : 0;
	string_begin(r, x);
	if (t->kind == '!')
		failed(r, x);
	r->string = (struct string){.open = true, .left = len + 2, .len = len};
	r->chunks = t->streamed;
	r->string.open = !t->streamed;
	return STEP_DONE;
}

void tree_part_end(struct answering *r, struct exchange *x)
{
	r->string.open = false;
	if (!r->chunks)
		string_end(r, x, r->string.len);
}

enum step tree_part(struct answering *r, struct exchange *x, struct cursor *c)
{
	struct bytes piece;

	if (!string_take(&r->string, c, &piece))
		return STEP_ALIEN;
	if (c->dry)
		return STEP_MORE;
	string_show(r, x, piece);
	if (r->string.left == 0)
		tree_part_end(r, x);
	return STEP_DONE;
}

/* A part of a streamed string; the empty one is its end. */
static enum step chunk(struct answering *r, struct exchange *x, const struct token *t)
{
	if (!r->chunks || t->kind != ';' || t->n < 0)
		return STEP_ALIEN;
	if (t->n > 0) {
		r->string = (struct string){
			.open = true, .left = (uint64_t)t->n + 2, .len = (uint64_t)t->n};
		return STEP_DONE;
	}
	r->chunks = false;
	string_end(r, x, r->value.kept);
	return STEP_DONE;
}

/* ---- Values ---- */

static bool is_status(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < 'A' || text.at[i] > 'Z')
			return false;
	return true;
}

/* 'get' or 'config|set', with the quote before it. */
static bool quotes_name(struct bytes text, struct bytes name)
{
	struct bytes rest = bytes_skip(text, 1 + name.len);

	return name.len > 0 && bytes_eq_case(bytes_head(bytes_skip(text, 1), name.len), name) &&
	       rest.len > 0 && (rest.at[0] == text.at[0] || rest.at[0] == '|');
}

/* Where something is quoted first but the command's name: not the one of "can't". */
static size_t quote_in(struct bytes text, struct bytes name)
{
	bool letter = false;
	size_t i = 0;

	for (; i < text.len; i++) {
		uint8_t c = text.at[i];

		if ((c == '\'' || c == '"') && !letter) {
			if (!quotes_name(bytes_skip(text, i), name))
				break;
			i += 1 + bytes_find(bytes_skip(text, i + 1), c);
		}
		letter = ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
	}
	return i < text.len ? i : text.len;
}

/* What of an error names no value: its code, or all but what it quotes, which may be a password
 * that the command carried. */
static struct bytes plain_error(const struct exchange *x, struct bytes text)
{
	const struct redis_conf *conf = conn_conf(x->conn);
	const struct command *command = redis_of(x)->command;

	if (conf->plain && !(command && (command->flags & COMMAND_SECRET)))
		return text;
	if (conf->statements == STATEMENTS_FINGERPRINT)
		return bytes_head(text, bytes_find(text, ' '));
	return bytes_head(text, quote_in(text, bytes_str(command ? command->name : "")));
}

static void scalar(struct answering *r, struct exchange *x, const struct token *t)
{
	struct bytes text = t->text;
	bool hide_all = r->hide_all;

	switch (t->kind) {
	case '#':
		text = bytes_eq(text, BYTES("t")) ? BYTES("true") : BYTES("false");
		break;
	case '_':
		text = BYTES("nil");
		r->nil_channel |= r->confirms && r->depth == 1 && top(r)->index == 1;
		break;
	case '-':
		failed(r, x);
		text = plain_error(x, text);
		r->hide_all &= r->depth > 0;
		break;
	case '+':
		redis_of(x)->simple = r->depth == 0;
		r->hide_all &= r->depth > 0 || !is_status(text);
		break;
	default:
		break;
	}
	show_joint(r, x);
	tree_show(r, x, text);
	r->hide_all = hide_all;
	value_done(r, x);
}

static void confirmed(struct answering *r, struct exchange *x, const struct token *t)
{
	int64_t n;

	if (r->confirms && r->depth == 1 && r->level[0].index == 2 &&
	    bytes_int(t->text, 0, INT64_MAX, &n))
		session_confirmed(session_of(x), r, n);
}

enum step tree_value(struct answering *r, struct exchange *x, struct cursor *c,
		     const struct token *t)
{
	if (r->chunks)
		return chunk(r, x, t);
	switch (t->kind) {
	case '$':
	case '!':
	case '=':
		return t->marked ? STEP_ALIEN : string_open(r, x, c, t);
	case '*':
	case '~':
	case '%':
	case '>':
	case '|':
		return level_open(r, x, t);
	case '.':
		return level_close(r, x);
	case ';':
		return STEP_ALIEN;
	case ':':
		confirmed(r, x, t);
		break;
	default:
		break;
	}
	scalar(r, x, t);
	return STEP_DONE;
}
