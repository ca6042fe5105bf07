#include "protos/redis/redis.h"
#include "shipper/txn/digits.h"

/* A value's first line. */
struct token {
	uint8_t kind;	   /* its type byte */
	bool streamed;	   /* its length is not known yet */
	bool marked;	   /* $EOF:, the end of an RDB file is told by a mark */
	int64_t n;	   /* bytes or values; -1 for null */
	struct bytes text; /* of a line that is a value itself */
};

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

static enum step token_read(struct cursor *c, struct token *t)
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

static void show(const struct answering *r, struct exchange *x, struct bytes text)
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
	show(r, x, level->kind == '%' && level->index % 2 == 1 ? BYTES(": ") : BYTES(", "));
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
		show(r, x, level->kind == '%' ? BYTES("}") : BYTES("]"));
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
		show(r, x, BYTES("nil"));
		value_done(r, x);
		return STEP_DONE;
	}
	if (r->depth == LEVELS)
		return flatten(r, x, t);
	if (t->n == 0 && !t->streamed) {
		show(r, x, t->kind == '%' ? BYTES("{}") : BYTES("[]"));
		value_done(r, x);
		return STEP_DONE;
	}
	r->muted = (uint8_t)(r->muted + (t->kind == '|'));
	show(r, x, t->kind == '%' ? BYTES("{") : BYTES("["));
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
	show(r, x, level->kind == '%' ? BYTES("}") : BYTES("]"));
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
		show(r, x, BYTES("nil"));
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

static enum step string_part(struct answering *r, struct exchange *x, struct cursor *c)
{
	struct bytes piece;

	if (!string_take(&r->string, c, &piece))
		return STEP_ALIEN;
	if (c->dry)
		return STEP_MORE;
	string_show(r, x, piece);
	if (r->string.left > 0)
		return STEP_DONE;
	r->string.open = false;
	if (!r->chunks)
		string_end(r, x, r->string.len);
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

/* What of an error names no value: its code, or all but what it quotes. */
static struct bytes plain_error(const struct redis_conf *conf, struct bytes text)
{
	if (conf->plain)
		return text;
	if (conf->statements == STATEMENTS_FINGERPRINT)
		return bytes_head(text, bytes_find(text, ' '));
	text = bytes_head(text, bytes_find(text, '\''));
	return bytes_head(text, bytes_find(text, '"'));
}

static void scalar(struct answering *r, struct exchange *x, const struct token *t)
{
	const struct redis_conf *conf = conn_conf(x->conn);
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
		text = plain_error(conf, text);
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
	show(r, x, text);
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

/* EXEC's array: what it holds answers others. */
static bool executes(struct conn *conn, struct answering *r, struct exchange *x,
		     const struct token *t)
{
	uint8_t text[DECIMAL_MAX];

	if (t->kind != '*' || r->depth > 0 || r->push || t->streamed || r->executing > 0 ||
	    redis_of(x)->command == NULL || !session_executes(x, t->n))
		return false;
	r->executing = (uint64_t)t->n;
	show(r, x, bytes_of(text, (size_t)(digits_i64(text, t->n) - text)));
	show(r, x, t->n == 1 ? BYTES(" result") : BYTES(" results"));
	exchange_again(conn, SERVER);
	return true;
}

static enum step value(struct answering *r, struct exchange *x, struct cursor *c,
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

/* ---- Whose message it is ---- */

struct word {
	const char *text;
	uint8_t role, kind;
};

static const struct word words[] = {
	{"message", ROLE_NONE, KIND_CHANNEL},
	{"pmessage", ROLE_NONE, KIND_PATTERN},
	{"smessage", ROLE_NONE, KIND_SHARD},
	{"subscribe", ROLE_SUBSCRIBE, KIND_CHANNEL},
	{"psubscribe", ROLE_SUBSCRIBE, KIND_PATTERN},
	{"ssubscribe", ROLE_SUBSCRIBE, KIND_SHARD},
	{"unsubscribe", ROLE_UNSUBSCRIBE, KIND_CHANNEL},
	{"punsubscribe", ROLE_UNSUBSCRIBE, KIND_PATTERN},
	{"sunsubscribe", ROLE_UNSUBSCRIBE, KIND_SHARD},
};

static const struct word *word_find(struct bytes text)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (bytes_eq(text, bytes_str(words[i].text)))
			return &words[i];
	return NULL;
}

/* An array's or push's first value, when it is a short string. */
static enum step first_word(struct cursor c, const struct token *t, struct bytes *word)
{
	enum { WORD_MAX = 32 };

	struct token first;
	enum step step = STEP_DONE;

	*word = NO_BYTES;
	if (t->n <= 0)
		return STEP_DONE;
	step = token_read(&c, &first);
	if (step != STEP_DONE)
		return step;
	if (first.kind == '+')
		*word = bytes_head(first.text, WORD_MAX);
	if (first.kind != '$' || first.n < 0 || first.n > WORD_MAX)
		return STEP_DONE;
	*word = cursor_take(&c, (uint64_t)first.n);
	return c.dry ? STEP_MORE : STEP_DONE;
}

static bool confirms(const struct word *word, const struct exchange *x)
{
	const struct command *command = x ? redis_of(x)->command : NULL;

	return word && word->role && command && command->role == word->role &&
	       command->kind == word->kind;
}

/* In a subscribed conversation of RESP2, and in all of RESP3, what comes may be to no question. */
static bool may_be_push(const struct token *t, const struct session *s, const struct exchange *next)
{
	if (t->kind == '>')
		return true;
	return t->kind == '*' && t->n >= 2 && t->n <= 4 &&
	       (next == NULL || session_is_subscribed(s) ||
		(redis_of(next)->command && (redis_of(next)->command->role == ROLE_SUBSCRIBE ||
					     redis_of(next)->command->role == ROLE_UNSUBSCRIBE)));
}

/* Messages are; so are confirmations in RESP3 that nobody waits for, and of shards that moved away.
 */
static bool is_push(const struct token *t, const struct word *word, const struct session *s,
		    const struct exchange *next)
{
	if (confirms(word, next))
		return false;
	if (t->kind == '>' || word == NULL || word->role == ROLE_NONE)
		return t->kind == '>' || word != NULL;
	return word->role == ROLE_UNSUBSCRIBE && word->kind == KIND_SHARD && next == NULL &&
	       session_is_subscribed(s);
}

static struct exchange *push_begin(struct conn *conn, struct answering *r, struct bytes word)
{
	const struct redis_conf *conf = conn_conf(conn);
	struct exchange *x = exchange_push(conn, SERVER);
	struct redis *h = redis_of(x);
	const struct word *known = word_find(word);

	r->push = true;
	r->hide_all = !conf->plain;
	exchange_keep(x, &x->said[CLIENT], word);
	h->name_len = (uint16_t)x->said[CLIENT].len;
	h->has_channel = known != NULL;
	h->has_pattern = known && known->role == ROLE_NONE && known->kind == KIND_PATTERN;
	h->verbatim = conf->plain;
	return x;
}

/* The answers of ACL that are made of secrets. */
static bool tells_secrets(const struct exchange *x, const struct redis *h)
{
	static const char *const tell[] = {"GETUSER", "LIST", "GENPASS"};
	struct bytes word = bytes_skip(exchange_text(x, &x->said[CLIENT]), h->word.at);

	if (!bytes_eq(bytes_str(h->command->name), BYTES("ACL")))
		return false;
	for (size_t i = 0; i < sizeof(tell) / sizeof(tell[0]); i++)
		if (bytes_eq_case(bytes_head(word, h->word.len), bytes_str(tell[i])))
			return true;
	return false;
}

static struct exchange *answer_begin(struct conn *conn, struct answering *r, struct exchange *next)
{
	const struct redis_conf *conf = conn_conf(conn);
	struct exchange *x = exchange_answer_to(conn, next);
	struct redis *h = redis_of(x);
	struct clip *text = &x->said[SERVER];

	/* QUEUED was not the answer yet. */
	if (h->queued && !h->executed) {
		h->executed = true;
		*text = (struct clip){0};
		h->simple = false;
	}
	if (text->len > 0)
		exchange_keep(x, text, BYTES(", "));
	r->hide_all = conf->statements == STATEMENTS_FINGERPRINT;
	if (h->command == NULL) {
		r->hide_all = !conf->plain;
		h->verbatim = conf->plain;
	} else if (h->command->flags & COMMAND_TELLS_KEYS) {
		r->hide_all = !conf->plain;
	} else if (h->command->flags & COMMAND_TELLS_SECRET) {
		r->hide_all |= tells_secrets(x, h);
	}
	return x;
}

/* *x stays NULL when there is something to do first. */
static enum step message_begin(struct conn *conn, struct answering *r, const struct cursor *c,
			       const struct token *t, struct exchange **x)
{
	struct exchange *next = r->executing > 0 ? exchange_parked(conn) : exchange_oldest(conn);
	struct session *s = conn_self(conn);
	struct bytes text = NO_BYTES;
	const struct word *word;

	if (may_be_push(t, s, next)) {
		enum step step = first_word(*c, t, &text);

		if (step != STEP_DONE)
			return step;
	}
	word = word_find(text);
	if (next && next->expects == ANSWERS_MANY && next->begun[SERVER] && !next->provisional &&
	    !confirms(word, next)) {
		/* An UNSUBSCRIBE of more channels than were known. */
		exchange_done(conn, next);
		return STEP_DONE;
	}
	r->confirms = word ? word->role : ROLE_NONE;
	r->kind = word ? word->kind : 0;
	if (is_push(t, word, s, next))
		*x = push_begin(conn, r, text);
	else
		*x = answer_begin(conn, r, next);
	return STEP_DONE;
}

/* ---- The unit ---- */

/* What else a server sends between answers: line ends while a replica waits, MONITOR's lines. */
static bool is_between(struct conn *conn, struct answering *r, struct cursor *c)
{
	const struct session *s = conn_self(conn);
	struct bytes b = cursor_rest(c);

	if (r->line ||
	    (s->monitor && b.len > 1 && b.at[0] == '+' && b.at[1] >= '0' && b.at[1] <= '9')) {
		size_t n = bytes_find(b, '\n');

		r->line = n == b.len;
		cursor_upto(c, n + 1);
		return true;
	}
	if (b.at[0] != '\n')
		return false;
	cursor_u8(c);
	return true;
}

static void message_end(struct conn *conn, struct answering *r, struct exchange *x)
{
	struct redis *h = redis_of(x);
	uint64_t executing;

	if (h->failed) {
		x->error = x->said[SERVER];
	} else if (r->hide_all && h->command && (h->command->flags & COMMAND_TELLS_SECRET) &&
		   x->said[SERVER].len == 0) {
		exchange_keep(x, &x->said[SERVER], BYTES("xxxxx"));
	}
	session_answered(conn, r, x);
	executing = r->executing;
	*r = (struct answering){.executing = executing};
}

/* SYNC is answered with the data themselves, PSYNC with a line before them: nothing that follows is
 * read. */
static bool is_replication(const struct exchange *x, const struct token *t)
{
	const struct command *command = redis_of(x)->command;

	return command && command->role == ROLE_SYNC && t->kind == '$';
}

static enum step next_value(struct conn *conn, struct answering *r, struct cursor *c,
			    struct exchange **x)
{
	struct token t;
	enum step step;

	if (r->string.open)
		return string_part(r, *x, c);
	step = token_read(c, &t);
	if (step != STEP_DONE)
		return step;
	if (*x == NULL) {
		step = message_begin(conn, r, c, &t, x);
		if (step != STEP_DONE || *x == NULL)
			return step;
	}
	if (executes(conn, r, *x, &t)) {
		*r = (struct answering){.executing = r->executing};
		*x = NULL;
		return STEP_DONE;
	}
	if (is_replication(*x, &t)) {
		r->complete = true;
		return STEP_DONE;
	}
	return value(r, *x, c, &t);
}

enum step answer_unit(struct conn *conn, struct answering *r, struct cursor *c)
{
	const struct redis_conf *conf = conn_conf(conn);
	struct exchange *x = exchange_of(conn, SERVER);

	if (x == NULL && is_between(conn, r, c))
		return STEP_DONE;
	while (!r->complete) {
		struct cursor before = *c;
		bool begun = x != NULL;
		enum step step = next_value(conn, r, c, &x);

		if (step == STEP_ALIEN)
			return STEP_ALIEN;
		if (step == STEP_MORE) {
			*c = before;
			if (cursor_used(c) == 0)
				return STEP_MORE;
			break;
		}
		if (x == NULL) {
			if (!begun && !exchange_of(conn, SERVER))
				*c = before;
			return STEP_DONE;
		}
		if (cursor_left(c) == 0)
			break;
	}
	if (conf->common.send_response && redis_of(x)->verbatim)
		exchange_keep(x, &x->raw[SERVER], bytes_of(c->from, cursor_used(c)));
	if (r->complete)
		message_end(conn, r, x);
	return STEP_DONE;
}

enum step answer_lost(struct conn *conn, struct answering *r, uint64_t n)
{
	struct exchange *x = exchange_of(conn, SERVER);

	if (x == NULL || !string_lose(&r->string, n))
		return STEP_ALIEN;
	r->value.closed = true;
	if (r->string.left > 0)
		return STEP_DONE;
	r->string.open = false;
	if (!r->chunks)
		string_end(r, x, r->string.len);
	if (r->complete)
		message_end(conn, r, x);
	return STEP_DONE;
}
