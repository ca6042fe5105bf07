#include "protos/redis/redis.h"

/* ---- Arguments ---- */

static bool is_left_out(const struct exchange *x, const struct asking *a)
{
	const struct redis_conf *conf = conn_conf(x->conn);

	return conf->statements == STATEMENTS_FINGERPRINT &&
	       (a->class == ARGUMENT_VALUE || a->class == ARGUMENT_PATTERN);
}

static void argument_begin(struct asking *a, struct exchange *x, enum argument class)
{
	struct clip *line = &x->said[CLIENT];
	struct bytes text = exchange_text(x, line);

	a->class = (uint8_t) class;
	/* A row of values that are not shown is one mark. */
	if (!is_left_out(x, a))
		exchange_keep(x, line, BYTES(" "));
	else if (text.len < 2 || !bytes_eq(bytes_skip(text, text.len - 2), BYTES(" ?")))
		exchange_keep(x, line, BYTES(" ?"));
	value_begin(&a->value, line);
	a->value.hidden = class == ARGUMENT_SECRET;
	a->value.closed = is_left_out(x, a);
}

static void note_place(struct asking *a, struct redis *h, const struct clip *line)
{
	struct span span = {a->value.at, line->len - a->value.at};

	if (a->class == ARGUMENT_WORD && a->index == 1)
		h->word = span;
	else if (a->class == ARGUMENT_KEY && h->key_count == 0)
		h->keys[h->key_count++] = span;
	else if (h->key_count == 0)
		h->before_key = true;
	else
		h->behind_key = true;
	if (a->class == ARGUMENT_KEY && h->behind_key && h->key_count < KEYS_MAX)
		h->keys[h->key_count++] = span;
}

/* Keys are kept whole until they can be hashed. */
static bool is_hashed(const struct exchange *x, const struct asking *a)
{
	const struct redis_conf *conf = conn_conf(x->conn);

	return conf->keys == KEYS_HASH &&
	       (a->class == ARGUMENT_KEY || a->class == ARGUMENT_PATTERN);
}

static void argument_end(struct asking *a, struct exchange *x, uint64_t len)
{
	struct redis *h = redis_of(x);
	struct clip *line = &x->said[CLIENT];

	if (!is_left_out(x, a)) {
		if (is_hashed(x, a))
			value_hash(&a->value, x, line);
		else
			value_end(&a->value, x, line, len);
	}
	h->key_open = false;
	note_place(a, h, line);
	a->index++;
	a->args_left--;
}

static void argument_whole(struct asking *a, struct exchange *x, struct bytes text)
{
	enum argument class = argument_class(a, redis_of(x)->command);

	argument_begin(a, x, argument_understand(a, x, text, class));
	value_more(&a->value, x, &x->said[CLIENT], text);
	argument_end(a, x, text.len);
}

/* One that is too long to be a word of its command. */
static void argument_long(struct asking *a, struct exchange *x, uint64_t len)
{
	struct redis *h = redis_of(x);
	enum argument class = argument_class(a, h->command);

	a->string = (struct string){.open = true, .left = len + 2, .len = len};
	argument_begin(a, x, h->command->flags & COMMAND_SECRET ? ARGUMENT_SECRET : class);
	h->key_open = is_hashed(x, a);
	h->key_at = a->value.at;
}

/* ---- On the wire ---- */

/* As nearly all of them are: a few digits, all of it there. */
static bool short_count_line(struct cursor *c, uint8_t kind, int64_t max, int64_t *n)
{
	enum { DIGITS = 4 };

	struct bytes b = cursor_rest(c);
	int64_t value = 0;
	size_t i = 1;

	for (; i < b.len && i <= DIGITS && b.at[i] >= '0' && b.at[i] <= '9'; i++)
		value = value * 10 + (b.at[i] - '0');
	if (i == 1 || b.len < i + 2 || b.at[0] != kind || b.at[i] != '\r' || b.at[i + 1] != '\n' ||
	    value > max)
		return false;
	cursor_take(c, i + 2);
	*n = value;
	return true;
}

static enum step count_line(struct cursor *c, uint8_t kind, int64_t max, int64_t *n)
{
	struct bytes line;

	if (short_count_line(c, kind, max, n))
		return STEP_DONE;
	line = cursor_line(c);
	if (c->dry)
		return cursor_left(c) > COUNT_LINE_MAX ? STEP_ALIEN : STEP_MORE;
	if (line.len == 0 || line.at[0] != kind || !bytes_int(bytes_skip(line, 1), -1, max, n))
		return STEP_ALIEN;
	return STEP_DONE;
}

/* n bytes and the line end. */
static enum step whole_string(struct cursor *c, int64_t n, struct bytes *text)
{
	*text = cursor_take(c, (uint64_t)n);
	struct bytes end = cursor_take(c, 2);

	if (c->dry)
		return STEP_MORE;
	return bytes_eq(end, BYTES("\r\n")) ? STEP_DONE : STEP_ALIEN;
}

static enum step argument_part(struct asking *a, struct exchange *x, struct cursor *c)
{
	struct bytes piece;

	if (!string_take(&a->string, c, &piece))
		return STEP_ALIEN;
	if (c->dry)
		return STEP_MORE;
	value_more(&a->value, x, &x->said[CLIENT], piece);
	if (a->string.left == 0) {
		a->string.open = false;
		argument_end(a, x, a->string.len);
	}
	return STEP_DONE;
}

static enum step argument(struct asking *a, struct exchange *x, struct cursor *c)
{
	struct bytes text;
	int64_t n = 0;
	enum step step;

	if (a->string.open)
		return argument_part(a, x, c);
	step = count_line(c, '$', VALUES_MAX, &n);
	if (step != STEP_DONE)
		return step;
	if (n < 0)
		return STEP_ALIEN;
	if (n > SHORT_MAX) {
		argument_long(a, x, (uint64_t)n);
		return STEP_DONE;
	}
	step = whole_string(c, n, &text);
	if (step == STEP_DONE)
		argument_whole(a, x, text);
	return step;
}

/* ---- Commands ---- */

static struct exchange *command_begin(struct conn *conn, struct asking *a, struct bytes name,
				      uint64_t argc)
{
	const struct redis_conf *conf = conn_conf(conn);
	struct exchange *x = exchange_begin(conn, CLIENT);
	struct redis *h = redis_of(x);

	*a = (struct asking){.argc = argc, .index = 1, .args_left = argc - 1};
	h->command = commands_find(name);
	h->database = -1;
	h->verbatim = conf->plain && !(h->command->flags & COMMAND_SECRET);
	exchange_keep(x, &x->said[CLIENT], name);
	h->name_len = (uint16_t)x->said[CLIENT].len;
	return x;
}

/* What CLIENT REPLY leaves of the answers; false when that cannot be told. Confirmations of
 * subscriptions come all the same. */
static bool expect_reply(struct session *s, const struct asking *a, struct exchange *x)
{
	bool skip = s->reply_skip;

	s->reply_skip = false;
	switch ((enum reply_word)a->reply) {
	case REPLY_ON:
		s->reply_off = false;
		return !s->transaction;
	case REPLY_OFF:
		s->reply_off = true;
		exchange_expect(x, 0);
		return !s->transaction;
	case REPLY_SKIP:
		s->reply_skip = !s->reply_off;
		exchange_expect(x, 0);
		return !s->transaction;
	case REPLY_ACK:
		exchange_expect(x, 0);
		return true;
	default:
		if (s->reply_off || skip)
			exchange_expect(x, 0);
		return true;
	}
}

static enum step command_end(struct conn *conn, const struct asking *a, struct exchange *x)
{
	struct session *s = session_of(x);
	const struct command *command = redis_of(x)->command;

	exchange_end(conn, CLIENT);
	switch ((enum role)command->role) {
	case ROLE_MULTI:
		s->transaction = true;
		break;
	case ROLE_RESET:
		s->reply_off = s->reply_skip = false;
		s->transaction = false;
		break;
	case ROLE_EXEC:
	case ROLE_DISCARD:
		s->transaction = false;
		break;
	case ROLE_SUBSCRIBE:
	case ROLE_UNSUBSCRIBE:
		s->reply_skip = false;
		exchange_expect(x, a->argc > 1			     ? (int)(a->argc - 1)
				   : command->role == ROLE_SUBSCRIBE ? 1
								     : ANSWERS_MANY);
		return STEP_DONE;
	default:
		break;
	}
	/* Of a replica whose PSYNC was not seen. Anybody else may say so, too, and goes on. */
	if (a->reply == REPLY_ACK && (s->database < 0 || s->unsure))
		conn_pass(conn);
	return expect_reply(s, a, x) ? STEP_DONE : STEP_ALIEN;
}

/* An empty array is no command, and not answered: *x stays NULL. */
static enum step array_begin(struct conn *conn, struct asking *a, struct cursor *c,
			     struct exchange **x)
{
	struct bytes name;
	int64_t argc = 0, len = 0;
	enum step step = count_line(c, '*', INT32_MAX, &argc);

	if (step != STEP_DONE || argc <= 0)
		return step;
	step = count_line(c, '$', NAME_MAX_BYTES, &len);
	if (step == STEP_DONE && len < 0)
		step = STEP_ALIEN;
	if (step == STEP_DONE)
		step = whole_string(c, len, &name);
	if (step == STEP_DONE)
		*x = command_begin(conn, a, name, (uint64_t)argc);
	return step;
}

/* ---- Inline commands ---- */

static uint8_t unescaped(uint8_t c)
{
	static const char from[] = "nrtba", to[] = "\n\r\t\b\a";
	const char *at = strchr(from, c);

	return at && c ? (uint8_t)to[at - from] : c;
}

/* A word in quotes; `rest` begins behind the opening one. */
static void quoted_word(struct bytes *rest, uint8_t quote, struct buf *word)
{
	struct cursor c = cursor_of(*rest);

	while (cursor_left(&c) > 0) {
		uint8_t at = cursor_u8(&c);
		uint64_t hex;

		if (at == quote)
			break;
		if (at == '\\' && cursor_left(&c) > 0 && (quote == '"' || *c.at == quote)) {
			at = cursor_u8(&c);
			if (quote == '"' && at == 'x' &&
			    bytes_hex(bytes_head(cursor_rest(&c), 2), UINT8_MAX, &hex)) {
				cursor_take(&c, cursor_left(&c) < 2 ? cursor_left(&c) : 2);
				at = (uint8_t)hex;
			} else if (quote == '"') {
				at = unescaped(at);
			}
		}
		buf_add(word, bytes_of(&at, 1));
	}
	*rest = cursor_rest(&c);
}

/* The next word of a line, as Redis splits them; false at the end. */
static bool next_word(struct bytes *rest, struct buf *word)
{
	word->len = 0;
	*rest = bytes_trim(*rest);
	if (rest->len == 0)
		return false;
	while (rest->len > 0 && rest->at[0] != ' ' && rest->at[0] != '\t') {
		uint8_t at = rest->at[0];
		size_t n = 0;

		if (at == '"' || at == '\'') {
			*rest = bytes_skip(*rest, 1);
			quoted_word(rest, at, word);
			continue;
		}
		while (n < rest->len && memchr(" \t\"'", rest->at[n], 4) == NULL)
			n++;
		buf_add(word, bytes_head(*rest, n));
		*rest = bytes_skip(*rest, n);
	}
	return true;
}

static bool is_text(struct bytes line)
{
	for (size_t i = 0; i < line.len; i++)
		if ((line.at[i] < ' ' && line.at[i] != '\t') || line.at[i] == 0x7f)
			return false;
	return true;
}

static enum step inline_command(struct conn *conn, struct asking *a, struct cursor *c,
				struct exchange **x)
{
	struct bytes line = cursor_line(c), rest = line;
	struct buf word;
	uint64_t argc = 0;

	if (c->dry) {
		bool blank = cursor_left(c) > 0 && *c->at == '\r';

		if (cursor_left(c) > INLINE_MAX ||
		    !(blank || is_text(bytes_head(cursor_rest(c), 1))))
			return STEP_ALIEN;
		return STEP_MORE;
	}
	if (!is_text(line))
		return STEP_ALIEN;
	buf_init(&word, conn_quota(conn));
	while (next_word(&rest, &word))
		argc++;
	rest = line;
	if (next_word(&rest, &word)) {
		*x = command_begin(conn, a, bytes_head(buf_bytes(&word), NAME_MAX_BYTES), argc);
		while (next_word(&rest, &word))
			argument_whole(a, *x, buf_bytes(&word));
	}
	buf_fini(&word);
	return STEP_DONE;
}

/* ---- The unit ---- */

/* Arguments as far as they are there. */
static enum step arguments(struct asking *a, struct exchange *x, struct cursor *c)
{
	while (a->args_left > 0) {
		struct cursor before = *c;
		enum step step = argument(a, x, c);

		if (step == STEP_MORE)
			*c = before;
		if (step != STEP_DONE)
			return step == STEP_MORE && cursor_used(c) > 0 ? STEP_DONE : step;
	}
	return STEP_DONE;
}

enum step request_unit(struct conn *conn, struct asking *a, struct cursor *c)
{
	const struct redis_conf *conf = conn_conf(conn);
	struct exchange *x = exchange_of(conn, CLIENT);
	enum step step;

	if (x == NULL) {
		step = cursor_left(c) > 0 && *c->at == '*' ? array_begin(conn, a, c, &x)
							   : inline_command(conn, a, c, &x);
		if (step != STEP_DONE || x == NULL)
			return step;
	}
	step = arguments(a, x, c);
	if (step != STEP_DONE)
		return step;
	if (conf->common.send_request && redis_of(x)->verbatim)
		exchange_keep(x, &x->raw[CLIENT], bytes_of(c->from, cursor_used(c)));
	return a->args_left == 0 ? command_end(conn, a, x) : STEP_DONE;
}

/* A value may have a hole; a key, or a length, not. */
enum step request_lost(struct conn *conn, struct asking *a, uint64_t n)
{
	struct exchange *x = exchange_of(conn, CLIENT);

	if (x == NULL || a->class == ARGUMENT_KEY || !string_lose(&a->string, n))
		return STEP_ALIEN;
	a->value.closed = true;
	if (a->string.left > 0)
		return STEP_DONE;
	a->string.open = false;
	argument_end(a, x, a->string.len);
	return a->args_left == 0 ? command_end(conn, a, x) : STEP_DONE;
}
