#include "protos/redis/redis.h"

struct session *session_of(const struct exchange *x)
{
	struct session *s = conn_self(x->conn);

	if (!s->known) {
		s->known = true;
		s->database = x->notes & NOTE_MIDSTREAM ? -1 : 0;
	}
	return s;
}

/* ---- Subscriptions ---- */

bool session_is_subscribed(const struct session *s)
{
	return (s->subscribed[KIND_CHANNEL] | s->subscribed[KIND_PATTERN] |
		s->subscribed[KIND_SHARD]) != 0;
}

/* The server counts channels and patterns together. */
void session_confirmed(struct session *s, struct answering *r, int64_t count)
{
	uint32_t others = r->kind == KIND_CHANNEL   ? s->subscribed[KIND_PATTERN]
			  : r->kind == KIND_PATTERN ? s->subscribed[KIND_CHANNEL]
						    : 0;

	count = count < 0 ? 0 : count > INT32_MAX ? INT32_MAX : count;
	s->subscribed[r->kind] = count > others ? (uint32_t)(count - others) : 0;
	/* Those of before the capture are not known: the server knows better. */
	if (count < others)
		s->subscribed[r->kind == KIND_CHANNEL ? KIND_PATTERN : KIND_CHANNEL] =
			(uint32_t)count;
	r->last = r->nil_channel || s->subscribed[r->kind] == 0;
}

/* ---- Transactions ---- */

bool session_executes(const struct exchange *x, int64_t count)
{
	const struct session *s = session_of(x);

	return redis_of(x)->command->role == ROLE_EXEC && count > 0 && s->queued == count;
}

static bool is_queued(const struct exchange *x)
{
	const struct redis *h = redis_of(x);

	return h->simple && !h->queued &&
	       bytes_eq(exchange_text(x, &x->said[SERVER]), BYTES("QUEUED"));
}

/* They will never be executed; or, when EXEC's answer has not one value for each of them, which is
 * whose is not known. `why` is the exchange whose answer says so. */
static void forget_queued(struct conn *conn, const struct exchange *why)
{
	struct bytes error = exchange_text(why, &why->error);
	struct session *s = session_of(why);

	if (s->queued == 0)
		return;
	s->queued = 0;
	for (struct exchange *x = exchange_parked(conn); x; x = x->next) {
		if (!x->parked || x == exchange_of(conn, SERVER))
			continue;
		x->notes |= REDIS_NOTE_NOT_EXECUTED;
		if (error.len > 0) {
			x->status = STATUS_ERROR;
			exchange_keep(x, &x->error, error);
		}
		exchange_done(conn, x);
	}
}

/* A command's own part of EXEC's answer has ended. */
static void executed(struct conn *conn, struct answering *r, const struct exchange *x)
{
	struct session *s = session_of(x);
	struct exchange *exec;

	s->queued -= s->queued > 0;
	if (--r->executing > 0)
		return;
	exec = exchange_oldest(conn);
	forget_queued(conn, x);
	if (exec)
		exchange_done(conn, exec);
}

/* ---- Answers ---- */

static void reset(struct session *s)
{
	memset(s->subscribed, 0, sizeof(s->subscribed));
	s->database = 0;
	s->user_len = 0;
	s->unsure = false;
	s->monitor = false;
}

static void log_in(struct session *s, const struct exchange *x)
{
	struct bytes user = bytes_head(exchange_text(x, &redis_of(x)->user), USER_MAX);

	if (user.len == 0)
		return;
	memcpy(s->user, user.at, user.len);
	s->user_len = (uint8_t)user.len;
}

static void succeeded(struct conn *conn, struct session *s, struct exchange *x)
{
	const struct redis *h = redis_of(x);

	switch ((enum role)h->command->role) {
	case ROLE_SELECT:
		s->database = h->database;
		break;
	case ROLE_AUTH:
	case ROLE_HELLO:
		log_in(s, x);
		break;
	case ROLE_RESET:
		reset(s);
		forget_queued(conn, x);
		break;
	case ROLE_EXEC:
	case ROLE_DISCARD:
		forget_queued(conn, x);
		break;
	case ROLE_MONITOR:
		s->monitor = true;
		x->notes |= REDIS_NOTE_STREAM;
		break;
	case ROLE_SYNC:
		x->notes |= REDIS_NOTE_STREAM;
		conn_pass(conn);
		break;
	default:
		break;
	}
}

void session_answered(struct conn *conn, struct answering *r, struct exchange *x)
{
	struct session *s = session_of(x);
	struct redis *h = redis_of(x);
	bool part = r->executing > 0 && h->queued;

	if (h->command == NULL) {
		exchange_end(conn, SERVER);
		if (r->executing > 0 && !r->push)
			executed(conn, r, x);
		return;
	}
	if (is_queued(x)) {
		h->queued = true;
		s->queued++;
		exchange_park(conn, SERVER);
		return;
	}
	bool last = x->expects == 1 || h->failed || (x->expects == ANSWERS_MANY && r->last);

	exchange_end(conn, SERVER);
	if (last && x->expects != 1)
		exchange_done(conn, x);
	if (!h->failed)
		succeeded(conn, s, x);
	else if (h->command->role == ROLE_EXEC)
		forget_queued(conn, x);
	if (part && last)
		executed(conn, r, x);
}
