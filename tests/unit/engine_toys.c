#include "engine_toys.h"

#include <stdio.h>
#include <stdlib.h>

struct toy_side {
	uint64_t value;
	bool until_close;
};

static enum guess toy_start(struct bytes b, enum side from)
{
	if (b.len == 0)
		return GUESS_MAYBE;
	return memchr(from == CLIENT ? "Q!*VT" : "APEV", b.at[0], from == CLIENT ? 5 : 4)
		       ? GUESS_YES
		       : GUESS_NO;
}

static struct exchange *toy_begin(struct conn *conn, enum side from, uint8_t kind)
{
	struct exchange *x = exchange_oldest(conn), *more;

	switch (kind) {
	case '+':
		exchange_go_on(conn, CLIENT, x);
		return x;
	case 'S':
		more = exchange_split(conn, x);
		exchange_keep(more, &more->said[CLIENT], BYTES("part"));
		return exchange_answer_to(conn, x);
	case 'N':
		while (x && x->next)
			x = x->next;
		return exchange_answer_to(conn, x);
	case 'R':
		return exchange_answer_to(conn, exchange_parked(conn));
	default:
		return exchange_begin(conn, from);
	}
}

static enum step toy_line(struct conn *conn, enum side from, struct toy_side *s, struct cursor *c)
{
	struct bytes line = cursor_line(c);
	int64_t n = 0;

	if (c->dry)
		return STEP_MORE;
	if (line.len == 0 || strchr(from == CLIENT ? "Q!*VT+" : "APEVZSNKXR", line.at[0]) == NULL)
		return STEP_ALIEN;
	struct exchange *x = toy_begin(conn, from, line.at[0]);

	exchange_keep(x, &x->said[from], line);
	switch (line.at[0]) {
	case 'V':
		if (!bytes_int(bytes_skip(line, 1), 1, 1 << 20, &n))
			return STEP_ALIEN;
		s->value = (uint64_t)n;
		return STEP_DONE;
	case 'E':
		s->until_close = true;
		exchange_until_close(conn, from);
		return STEP_DONE;
	case 'P':
		exchange_again(conn, from);
		return STEP_DONE;
	case '!':
		exchange_expect(x, 0);
		break;
	case '*':
		exchange_expect(x, ANSWERS_MANY);
		break;
	case 'Z':
		exchange_done(conn, x);
		break;
	case 'T':
		conn_pass(conn);
		break;
	case 'K':
		exchange_park(conn, from);
		return STEP_DONE;
	case 'X':
		exchange_again(conn, from);
		return STEP_DONE;
	case 'R':
		while ((x = x->next) && !x->parked)
			;
		if (x == NULL)
			exchange_done(conn, exchange_oldest(conn));
		break;
	default:
		break;
	}
	exchange_end(conn, from);
	return STEP_DONE;
}

static enum step toy_unit(struct conn *conn, enum side from, struct cursor *c)
{
	struct toy_side *s = conn_side(conn, from);

	if (s->until_close) {
		cursor_upto(c, UINT64_MAX);
		return STEP_DONE;
	}
	if (s->value == 0)
		return toy_line(conn, from, s, c);
	size_t n = bytes_head(cursor_rest(c), s->value).len;

	/* In pairs, so that a byte may have to wait for its other. */
	if (n < s->value)
		n -= n % 2;
	if (n == 0)
		return STEP_MORE;
	cursor_take(c, n);
	s->value -= n;
	if (s->value == 0)
		exchange_end(conn, from);
	return STEP_DONE;
}

static enum step toy_lost(struct conn *conn, enum side from, uint64_t n)
{
	struct toy_side *s = conn_side(conn, from);

	if (n > s->value)
		return STEP_ALIEN;
	s->value -= n;
	if (s->value == 0)
		exchange_end(conn, from);
	return STEP_DONE;
}

static const struct field toy_fields[] = {
	{"toy.answer", FIELD_KEYWORD, NULL, "What was answered.", NULL},
	{0},
};

static void toy_write(const struct exchange *x, struct doc *d)
{
	doc_text(d, F_QUERY, exchange_text(x, &x->said[CLIENT]));
	doc_text(d, FIELD_OWN(0), exchange_text(x, &x->said[SERVER]));
}

static const struct proto toy = {
	.name = "toy",
	.ports = {7},
	.transports = PROTO_TCP | PROTO_UDP,
	.match = MATCH_ORDER,
	.side_size = sizeof(struct toy_side),
	.conf_size = sizeof(struct proto_conf),
	.fields = toy_fields,
	.start = toy_start,
	.unit = toy_unit,
	.lost = toy_lost,
	.write = toy_write,
};

/* ---- The same with keys: "1?\n" asks 1, "1=\n" answers it, from either side. ---- */

static enum guess key_start(struct bytes b, enum side from)
{
	(void)from;
	return b.len == 0 ? GUESS_MAYBE : b.at[0] >= '0' && b.at[0] <= '9' ? GUESS_YES : GUESS_NO;
}

static enum step key_unit(struct conn *conn, enum side from, struct cursor *c)
{
	struct bytes line = cursor_line(c);

	if (c->dry)
		return STEP_MORE;
	if (line.len != 2 || line.at[0] < '0' || line.at[0] > '9')
		return STEP_ALIEN;
	bool asks = line.at[1] == '?';
	struct exchange *x = asks ? exchange_ask(conn, from, bytes_head(line, 1))
				  : exchange_answer(conn, from, bytes_head(line, 1));

	exchange_keep(x, &x->said[asks ? CLIENT : SERVER], line);
	exchange_end(conn, from);
	return STEP_DONE;
}

static const struct proto keyed = {
	.name = "keyed",
	.ports = {8},
	.transports = PROTO_TCP | PROTO_UDP,
	.match = MATCH_KEY,
	.side_size = 1,
	.conf_size = sizeof(struct proto_conf),
	.fields = toy_fields,
	.start = key_start,
	.unit = key_unit,
	.write = toy_write,
};

/* ---- A conversation to tell ---- */

/* ---- Calls: "c+\n" begins call c on any conversation, "c-\n" ends it from any other; who keeps
 * silent for 5 s is written by the clock. ---- */

enum { CALLS = 26 };

struct calls {
	struct call {
		nsec begin, last; /* 0: none */
		char name;
	} at[CALLS];
};

static void call_write(const void *subject, struct doc *d)
{
	const struct call *call = subject;

	doc_text(d, F_RESOURCE, bytes_of(&call->name, 1));
}

static void call_end(struct world *world, struct call *call, uint32_t notes)
{
	record_add(world, &(struct record){.type = "toy_call",
					   .start = call->begin,
					   .end = call->last,
					   .status = notes ? STATUS_ERROR : STATUS_OK,
					   .unknown = notes & NOTE_FINISHED,
					   .notes = notes,
					   .identity = (uint64_t)call->name,
					   .write = call_write,
					   .subject = call});
	call->begin = 0;
}

static enum step call_unit(struct conn *conn, enum side from, struct cursor *c)
{
	struct bytes line = cursor_line(c);
	struct calls *calls = world_self(conn_world(conn));

	(void)from;
	if (c->dry)
		return STEP_MORE;
	if (line.len != 2 || line.at[0] < 'a' || line.at[0] > 'z')
		return STEP_ALIEN;
	struct call *call = &calls->at[line.at[0] - 'a'];

	call->name = (char)line.at[0];
	call->last = conn_end_time(conn) > conn_begin_time(conn) ? conn_end_time(conn)
								 : conn_begin_time(conn);
	if (line.at[1] == '+')
		call->begin = call->last;
	else
		call_end(conn_world(conn), call, 0);
	return STEP_DONE;
}

static void call_all(struct world *world, nsec since, uint32_t notes)
{
	struct calls *calls = world_self(world);

	for (int i = 0; i < CALLS; i++)
		if (calls->at[i].begin && calls->at[i].last <= since)
			call_end(world, &calls->at[i], notes);
}

static void call_tick(struct world *world, nsec now)
{
	call_all(world, now - 5 * (nsec)NS_PER_S, NOTE_TIMEOUT);
}

static void call_finish(struct world *world)
{
	call_all(world, INT64_MAX, NOTE_FINISHED);
}

static bool call_shrink(struct world *world)
{
	struct calls *calls = world_self(world);

	for (int i = 0; i < CALLS; i++) {
		if (calls->at[i].begin) {
			call_end(world, &calls->at[i], NOTE_LIMIT);
			return true;
		}
	}
	return false;
}

static enum guess call_start(struct bytes b, enum side from)
{
	(void)b, (void)from;
	return GUESS_YES;
}

static const struct proto caller = {
	.name = "caller",
	.ports = {6},
	.transports = PROTO_TCP | PROTO_UDP,
	.match = MATCH_KEY,
	.side_size = 1,
	.world_size = sizeof(struct calls),
	.conf_size = sizeof(struct proto_conf),
	.fields = toy_fields,
	.start = call_start,
	.unit = call_unit,
	.write = toy_write,
	.tick = call_tick,
	.finish = call_finish,
	.shrink = call_shrink,
};

const struct proto *const toys[] = {&toy, &keyed, &caller, NULL};
