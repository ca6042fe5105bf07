/*
 * Redis and what speaks like it (Valkey, KeyDB): RESP2, RESP3 and inline commands, in pipelines.
 *
 * Borrows  cursor and bytes, until return
 * Errors   STEP_ALIEN: not RESP, not from a value's beginning, or no telling what is answered
 * Thread   the conversation's own; no I/O, no clock, no statics
 */
#include "protos/redis/redis.h"

/* ---- Where a conversation may begin ---- */

enum { START_MAX = 4096 }; /* of a first line */

static bool is_name(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++) {
		uint8_t c = ascii_lower(b.at[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !memchr("._-", c, 3))
			return false;
	}
	return b.len > 0;
}

static enum guess start_array(struct cursor c)
{
	struct bytes line = cursor_line(&c), name;
	int64_t n = 0;

	if (c.dry)
		return cursor_left(&c) < COUNT_LINE_MAX ? GUESS_MAYBE : GUESS_NO;
	if (!bytes_int(bytes_skip(line, 1), 1, INT32_MAX, &n))
		return GUESS_NO;
	line = cursor_line(&c);
	if (c.dry)
		return cursor_left(&c) < COUNT_LINE_MAX ? GUESS_MAYBE : GUESS_NO;
	if (line.len < 2 || line.at[0] != '$' ||
	    !bytes_int(bytes_skip(line, 1), 1, NAME_MAX_BYTES, &n))
		return GUESS_NO;
	name = bytes_head(cursor_rest(&c), (uint64_t)n);
	if (!is_name(name) && name.len > 0)
		return GUESS_NO;
	return name.len < (size_t)n ? GUESS_MAYBE : GUESS_YES;
}

/* An inline command: one that is known, in a line of its own, and nothing behind it. */
static enum guess start_inline(struct cursor c)
{
	struct bytes rest = cursor_rest(&c);
	struct bytes line = cursor_line(&c);
	size_t n = bytes_find(line, ' ');

	if (c.dry)
		return is_name(bytes_head(rest, bytes_find(rest, ' '))) && rest.len < START_MAX
			       ? GUESS_MAYBE
			       : GUESS_NO;
	return cursor_left(&c) == 0 && command_is_known(commands_find(bytes_head(line, n)))
		       ? GUESS_YES
		       : GUESS_NO;
}

static enum guess start_answer(struct cursor c)
{
	struct bytes rest = cursor_rest(&c);
	struct bytes line = cursor_line(&c);
	struct bytes text = bytes_skip(c.dry ? rest : line, 1);
	uint8_t kind = rest.at[0];
	int64_t n;

	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < ' ' && text.at[i] != '\t' && text.at[i] != '\r')
			return GUESS_NO;
	if (memchr("+-:$*_#,(!=%~|>", kind, 15) == NULL)
		return GUESS_NO;
	if (c.dry)
		return rest.len < START_MAX ? GUESS_MAYBE : GUESS_NO;
	switch (kind) {
	case '+':
		return text.len > 0 && is_name(bytes_head(text, 1)) ? GUESS_YES : GUESS_NO;
	case '-':
		return text.len > 1 && text.at[0] >= 'A' && text.at[0] <= 'Z' ? GUESS_YES
									      : GUESS_NO;
	case ',':
	case '(':
	case '_':
	case '#':
		return GUESS_YES;
	case ':':
		return bytes_int(text, INT64_MIN, INT64_MAX, &n) ? GUESS_YES : GUESS_NO;
	default:
		return bytes_int(text, -1, VALUES_MAX, &n) || bytes_eq(text, BYTES("?")) ? GUESS_YES
											 : GUESS_NO;
	}
}

static enum guess redis_start(struct bytes b, enum side from)
{
	if (b.len == 0)
		return GUESS_MAYBE;
	if (from == SERVER)
		return start_answer(cursor_of(b));
	return b.at[0] == '*' ? start_array(cursor_of(b)) : start_inline(cursor_of(b));
}

/* ---- The table ---- */

static enum step redis_unit(struct conn *conn, enum side from, struct cursor *c)
{
	union redis_side *side = conn_side(conn, from);
	struct exchange *x = exchange_of(conn, from);

	if (x)
		texts_tidy(x);
	return from == CLIENT ? request_unit(conn, &side->asking, c)
			      : answer_unit(conn, &side->answering, c);
}

static enum step redis_lost(struct conn *conn, enum side from, uint64_t n)
{
	union redis_side *side = conn_side(conn, from);

	return from == CLIENT ? request_lost(conn, &side->asking, n)
			      : answer_lost(conn, &side->answering, n);
}

/* Database, user and subscriptions outlive a loss; the commands of a transaction do not. */
static void redis_lose(struct conn *conn)
{
	struct session *s = conn_self(conn);

	s->unsure = true;
	s->queued = 0;
	s->transaction = false;
	s->reply_skip = false;
}

static bool redis_ready(void *self, struct fault *fault)
{
	struct redis_conf *conf = self;

	(void)fault;
	conf->plain = conf->keys == KEYS_FULL && conf->statements == STATEMENTS_FULL;
	/* A key is a literal, too. */
	if (conf->statements == STATEMENTS_FINGERPRINT)
		conf->keys = KEYS_HASH;
	return true;
}

#define OWN(member) offsetof(struct redis_conf, member)

static const char *const keys_choices[] = {"full", "hash", NULL};
static const char *const statements_choices[] = {"full", "fingerprint", NULL};

static const struct option redis_options[] = {
	{"max_value_length", OPTION_SIZE, OWN(max_value_length), "1KiB", .min = 1, .max = 16 << 20,
	 .help = "Longest single value, key or argument that documents show; what is longer is "
		 "cut."},
	{"keys", OPTION_CHOICE, OWN(keys), "full", .choices = keys_choices,
	 .help = "Show keys and channels as they are, or a hash in place of each."},
	{"statements", OPTION_CHOICE, OWN(statements), "full", .choices = statements_choices,
	 .help = "With fingerprint no argument and no value that is answered leaves; keys do as "
		 "hashes."},
	{0},
};

/* By enum redis_note. */
static const char *const redis_notes[] = {
	"not executed",
	"what follows is passed over",
	"session as before a loss",
	NULL,
};

const struct proto proto_redis = {
	.name = "redis",
	.category = "database",
	.ports = {6379, 26379},
	.transports = PROTO_TCP,
	.match = MATCH_ORDER,
	.pipelines = true,
	.self_size = sizeof(struct session),
	.side_size = sizeof(union redis_side),
	.exchange_size = sizeof(struct redis),
	.conf_size = sizeof(struct redis_conf),
	.options = redis_options,
	.fields = redis_fields,
	.notes = redis_notes,
	.start = redis_start,
	.unit = redis_unit,
	.lost = redis_lost,
	.settle = redis_settle,
	.write = redis_write,
	.lose = redis_lose,
	.ready = redis_ready,
};
