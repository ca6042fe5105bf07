#include "protos/redis/redis.h"
#include "shipper/txn/digits.h"

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
	for (size_t i = 0; text.len > 0 && i < sizeof(words) / sizeof(words[0]); i++)
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

/* Which message this is. */
enum whose { WHOSE_NEXT, WHOSE_NOBODY, WHOSE_UNSEEN };

/* Messages are nobody's, and so is the news of a shard that moved away. Other confirmations that
 * the next question does not wait for are to one that was not seen. */
static enum whose whose(const struct token *t, const struct word *word, const struct session *s,
			const struct exchange *next)
{
	if (confirms(word, next))
		return WHOSE_NEXT;
	if (word == NULL)
		return t->kind == '>' ? WHOSE_NOBODY : WHOSE_NEXT;
	if (word->role == ROLE_NONE)
		return WHOSE_NOBODY;
	if (word->role == ROLE_UNSUBSCRIBE && word->kind == KIND_SHARD &&
	    (t->kind == '>' || (next == NULL && session_is_subscribed(s))))
		return WHOSE_NOBODY;
	return t->kind == '>' ? WHOSE_UNSEEN : WHOSE_NEXT;
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
		return x;
	}
	if (h->command->flags & COMMAND_TELLS_KEYS)
		r->hide_all = !conf->plain;
	if (h->command->flags & COMMAND_TELLS_SECRET)
		r->hide_all |= tells_secrets(x, h);
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
	switch (whose(t, word, s, next)) {
	case WHOSE_NOBODY:
		*x = push_begin(conn, r, text);
		break;
	case WHOSE_UNSEEN:
		*x = answer_begin(conn, r, NULL);
		break;
	case WHOSE_NEXT:
		*x = answer_begin(conn, r, next);
		break;
	}
	return STEP_DONE;
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
	tree_show(r, x, bytes_of(text, (size_t)(digits_i64(text, t->n) - text)));
	tree_show(r, x, t->n == 1 ? BYTES(" result") : BYTES(" results"));
	exchange_again(conn, SERVER);
	return true;
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
		return tree_part(r, *x, c);
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
	return tree_value(r, *x, c, &t);
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
	tree_part_end(r, x);
	if (r->complete)
		message_end(conn, r, x);
	return STEP_DONE;
}
