/*
 * The engine, told as stories in a toy protocol of lines:
 *
 *   Q1\n        a question      !1\n   a question that gets no answer      *1\n  one that gets many
 *   A1\n        an answer       P1\n   a provisional one   Z\n  the last of many
 *   E1\n        an answer that lasts until the connection ends
 *   V5\nxxxxx   a question or answer (by side) with a value of 5 bytes that is passed over
 *   T\n         from here on something else (as CONNECT)
 *   S1\n        an answer to the first of several that one question asks for
 *   N1\n        an answer to the newest question
 *   +1\n        more of the oldest question, which had ended
 *   K1\n        an answer that parks its question      X\n  one whose rest the next ones are
 *   R1\n        another answer to the oldest parked question; with the last one X's ends
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "shipper/txn/conn.h"

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
	s->value -= cursor_upto(c, s->value).len;
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

static const struct proto *const toys[] = {&toy, &keyed, &caller, NULL};

struct story {
	struct proto_conf toy_conf, keyed_conf, caller_conf;
	void *confs[3];
	struct engine_conf conf;
	struct quota quota;
	struct counters counters;
	struct engine *engine;
	struct endpoints ends;
	struct flow flow;
	struct conn *conn;
	struct buf out;
	nsec now;
	size_t read; /* of out, by `next` */
	size_t piece_max;
};

static struct buf *room(void *self)
{
	return &((struct story *)self)->out;
}

static void wrote(void *self, size_t at, unsigned proto, const char id[32])
{
	(void)self, (void)at, (void)proto, (void)id;
}

static const struct document_sink sink = {.room = room, .wrote = wrote};

static struct story *begin(uint16_t port, bool midstream)
{
	struct story *s = calloc(1, sizeof(*s));

	s->toy_conf = (struct proto_conf){.enabled = true,
					  .ports = {.at = {7, 9}, .count = 2},
					  .max_message_size = 64,
					  .transaction_timeout = 10 * (nsec)NS_PER_S};
	s->keyed_conf = s->toy_conf;
	s->keyed_conf.ports.at[0] = 8;
	s->confs[0] = &s->toy_conf;
	s->confs[1] = &s->keyed_conf;
	s->caller_conf = s->toy_conf;
	s->caller_conf.ports.at[0] = 6;
	s->caller_conf.ports.count = 1;
	s->confs[2] = &s->caller_conf;
	s->conf = (struct engine_conf){.protos = toys,
				       .proto_conf = s->confs,
				       .unparsed_bytes_max = 4096,
				       .exchanges_max = 8};
	s->quota.limit = 1 << 20;
	s->engine = engine_new(&s->conf, &sink, s, &s->quota, &s->counters);
	s->ends =
		(struct endpoints){.port = {50000, port}, .version = 4, .transport = TRANSPORT_TCP};
	s->flow = (struct flow){.ends = &s->ends, .midstream = midstream};
	s->piece_max = SIZE_MAX;
	return s;
}

/* A side says something; its sender had received `peer_at` bytes of the other. */
static void says_at(struct story *s, enum side from, const char *text, uint64_t peer_at)
{
	struct bytes b = bytes_str(text);

	s->now += NS_PER_MS;
	if (s->conn == NULL)
		s->conn = conn_new(s->engine, &s->flow);
	while (b.len > 0) {
		struct bytes part = bytes_head(b, s->piece_max);
		uint8_t *copy = malloc(part.len); /* borrowed until the call returns, exactly */
		memcpy(copy, part.at, part.len);
		struct piece piece = {bytes_of(copy, part.len), s->now, peer_at};

		conn_data(s->conn, from, &piece);
		free(copy);
		b = bytes_skip(b, part.len);
	}
}

static void client(struct story *s, const char *text)
{
	says_at(s, CLIENT, text, PEER_UNKNOWN);
}

static void server(struct story *s, const char *text)
{
	says_at(s, SERVER, text, PEER_UNKNOWN);
}

/* The next document, as one line; "" when there is none. Good until the next call. */
static const char *next(struct story *s)
{
	static char line[4096];
	struct bytes rest = bytes_skip(buf_bytes(&s->out), s->read);
	size_t n = bytes_find(rest, '\n');

	if (rest.len == 0)
		return "";
	memcpy(line, rest.at, n);
	line[n] = 0;
	s->read += n + 1;
	return line;
}

static bool has(const char *doc, const char *part)
{
	return strstr(doc, part) != NULL;
}

static void expect(struct story *s, const char *query, const char *answer)
{
	const char *doc = next(s);
	char want[64];

	cr_assert(doc[0] != 0, "no document for %s", query);
	snprintf(want, sizeof(want), "\"query\":\"%s\"", query);
	cr_assert(query[0] ? has(doc, want) : !has(doc, "\"query\""), "%s not in %s", want, doc);
	snprintf(want, sizeof(want), "\"toy\":{\"answer\":\"%s\"}", answer);
	cr_assert(answer[0] ? has(doc, want) : !has(doc, "\"toy\":{"), "%s not in %s", want, doc);
}

/* The conversation ends; nothing more was to come, and all memory is given back. */
static void end(struct story *s, enum flow_end why)
{
	if (s->conn)
		conn_free(s->conn, why);
	const char *more = next(s);

	cr_assert(more[0] == 0, "one document too many: %s", more);
	engine_free(s->engine);
	cr_assert_eq(s->quota.used, 0);
	buf_fini(&s->out);
	free(s);
}

Test(engine, pairs_in_order_at_every_cut)
{
	for (size_t cut = 1; cut < 20; cut++) {
		struct story *s = begin(7, false);

		s->piece_max = cut;
		client(s, "Q1\nQ2\n");
		client(s, "V5\nxxxxx");
		server(s, "A1\n");
		server(s, "V3\nyyyA3\n");
		expect(s, "Q1", "A1");
		expect(s, "Q2", "V3");
		const char *doc = next(s);

		cr_assert(has(doc, "\"query\":\"V5\"") && has(doc, "A3"), "%s", doc);
		cr_assert(has(doc, "\"duration\":2000000"), "%s", doc);
		cr_assert(has(doc, "\"client\":{\"ip\":\"0.0.0.0\",\"port\":50000,\"bytes\":8"),
			  "%s", doc);
		cr_assert(has(doc, "\"outcome\":\"success\""));
		end(s, FLOW_FIN);
	}
}

Test(engine, times_are_those_of_the_packets_that_hold_first_and_last_byte)
{
	struct story *s = begin(7, false);

	client(s, "Q");
	client(s, "1\nQ");
	client(s, "2\n");
	server(s, "A1");
	server(s, "\nA2\n");
	const char *doc = next(s);

	cr_assert(has(doc, "\"first_byte\":3000000,\"request\":1000000,\"wait\":2000000,"
			   "\"response\":1000000"),
		  "%s", doc);
	cr_assert(has(doc, "\"duration\":4000000"), "%s", doc);
	cr_assert(has(doc, "\"packets\":2}"), "%s", doc);
	doc = next(s);
	cr_assert(has(doc, "\"request\":1000000,\"wait\":2000000,\"response\":0"), "%s", doc);
	end(s, FLOW_FIN);
}

Test(engine, provisional_none_and_many_answers)
{
	struct story *s = begin(7, false);

	client(s, "Q1\n!2\n*3\nQ4\n");
	expect(s, "!2", "");
	server(s, "P1\n");
	server(s, "A1\nA3\nA3\n");
	expect(s, "Q1", "P1A1");
	server(s, "Z\nA4\n");
	expect(s, "*3", "A3A3Z");
	expect(s, "Q4", "A4");
	end(s, FLOW_FIN);
}

Test(engine, one_question_may_ask_for_several_things)
{
	struct story *s = begin(7, false);

	client(s, "Q1\nQ2\n");
	server(s, "S1\nS1\n");
	server(s, "A1\nA2\n");
	const char *doc = next(s);
	char id[64];

	cr_assert(has(doc, "\"query\":\"Q1\"") && has(doc, "\"duration\":1000000"), "%s", doc);
	cr_assert(has(doc, "\"client\":{\"ip\":\"0.0.0.0\",\"port\":50000,\"bytes\":3"), "%s", doc);
	snprintf(id, sizeof(id), "%.40s", strstr(doc, "\"id\":"));
	doc = next(s);
	cr_assert(has(doc, "\"query\":\"part\"") && has(doc, "\"duration\":1000000"), "%s", doc);
	cr_assert(has(doc, "\"client\":{\"ip\":\"0.0.0.0\",\"port\":50000,\"bytes\":0"), "%s", doc);
	cr_assert(!has(doc, id) && has(doc, "\"outcome\":\"success\""), "%s", doc);
	doc = next(s);
	cr_assert(has(doc, "\"query\":\"part\"") && has(doc, "\"answer\":\"A1\"") &&
			  has(doc, "\"duration\":2000000"),
		  "%s", doc);
	expect(s, "Q2", "A2");
	end(s, FLOW_FIN);
}

Test(engine, an_answer_may_be_to_a_question_in_particular)
{
	struct story *s = begin(7, false);

	client(s, "Q1\nQ2\n");
	server(s, "N2\nA1\n");
	expect(s, "Q2", "N2");
	expect(s, "Q1", "A1");
	server(s, "N3\n");
	expect(s, "", "N3");
	end(s, FLOW_FIN);
}

Test(engine, a_question_may_go_on_when_it_has_an_answer)
{
	struct story *s = begin(7, false);

	client(s, "*1\n");
	server(s, "A1\n");
	client(s, "+1\n+1\n");
	server(s, "Z\n");
	const char *doc = next(s);

	cr_assert(has(doc, "\"query\":\"*1+1+1\"") && has(doc, "\"answer\":\"A1Z\""), "%s", doc);
	cr_assert(has(doc, "\"request\":2000000,\"wait\":1000000"), "%s", doc);
	cr_assert(has(doc, "\"client\":{\"ip\":\"0.0.0.0\",\"port\":50000,\"bytes\":9"), "%s", doc);
	end(s, FLOW_FIN);
}

Test(engine, parked_questions_get_their_answers_later)
{
	struct story *s = begin(7, false);

	client(s, "Q1\nQ2\nQ3\nQ4\n");
	server(s, "A1\nK2\nK3\n");
	expect(s, "Q1", "A1");
	server(s, "X4\nR2\n");
	const char *doc = next(s);

	cr_assert(has(doc, "\"answer\":\"K2R2\"") && has(doc, "\"first_byte\":2000000"), "%s", doc);
	server(s, "R3\n");
	expect(s, "Q3", "K3R3");
	doc = next(s);
	cr_assert(has(doc, "\"answer\":\"X4\"") && has(doc, "\"outcome\":\"success\""), "%s", doc);
	cr_assert(has(doc, "\"wait\":2000000,\"response\":1000000"), "%s", doc);
	cr_assert(has(doc, "\"port\":7,\"bytes\":3,\"packets\":1}"), "%s", doc);
	client(s, "Q5\nQ6\nQ7\n");
	server(s, "K5\nA6\nX7\nR5\n");
	expect(s, "Q6", "A6");
	expect(s, "Q5", "K5R5");
	expect(s, "Q7", "X7");
	end(s, FLOW_FIN);
}

Test(engine, of_many_answers_the_first_byte_and_the_last_count)
{
	struct story *s = begin(7, false);

	client(s, "*1\nQ2\n");
	server(s, "A1\n");
	server(s, "Z\nA2\n");
	const char *doc = next(s);

	cr_assert(has(doc, "\"first_byte\":1000000") && has(doc, "\"response\":1000000"), "%s",
		  doc);
	expect(s, "Q2", "A2");
	end(s, FLOW_FIN);
}

Test(engine, a_loss_within_a_passed_value_costs_a_note_only)
{
	struct story *s = begin(7, false);

	client(s, "Q1\n");
	server(s, "V9\nyy");
	conn_lost(s->conn, SERVER, 5, s->now);
	server(s, "yyA2\n");
	const char *doc = next(s);

	cr_assert(has(doc, "\"notes\":[\"gap\"]") && has(doc, "Q1") && has(doc, "V9"), "%s", doc);
	cr_assert(has(doc, "\"outcome\":\"success\""), "%s", doc);
	cr_assert(has(doc, "\"bytes\":12"), "%s", doc);
	expect(s, "", "A2");
	end(s, FLOW_FIN);
}

Test(engine, after_a_loss_both_sides_begin_anew_at_a_question)
{
	struct story *s = begin(7, false);

	client(s, "Q1\nQ2\n");
	server(s, "A1\n");
	expect(s, "Q1", "A1");
	conn_lost(s->conn, CLIENT, 3, s->now);
	const char *doc = next(s);

	cr_assert(has(doc, "Q2") && has(doc, "Packet loss") && has(doc, "\"gap\""), "%s", doc);
	client(s, "Q4\n"); /* the server has not spoken since */
	server(s, "A2\n");
	server(s, "A3\n");
	client(s, "Q5\n");
	server(s, "A5\n");
	doc = next(s);
	cr_assert(has(doc, "Q5") && has(doc, "A5") && has(doc, "\"resync\""), "%s", doc);
	client(s, "Q6\n");
	server(s, "A6\n");
	doc = next(s);
	cr_assert(has(doc, "Q6") && has(doc, "A6") && !has(doc, "notes"), "%s", doc);
	cr_assert_eq(s->counters.at[COUNT_LANE_RESYNC], 1);
	end(s, FLOW_FIN);
}

/* The client's place was not lost with a single answer: its next question counts. */
Test(engine, after_the_loss_of_an_answer_the_next_question_is_read)
{
	struct story *s = begin(7, false);
	const char *doc;

	client(s, "Q1\n");
	conn_lost(s->conn, SERVER, 3, s->now);
	doc = next(s);
	cr_assert(has(doc, "Q1") && has(doc, "Packet loss"), "%s", doc);
	client(s, "Q2\n");
	server(s, "A2\n");
	doc = next(s);
	cr_assert(has(doc, "Q2") && has(doc, "A2"), "%s", doc);
	/* With two on their way, the answer to come may be to the one before. */
	client(s, "Q3\nQ4\n");
	conn_lost(s->conn, SERVER, 3, s->now);
	cr_assert(has(next(s), "Q3") && has(next(s), "Q4"));
	client(s, "Q5\n");
	server(s, "A4\n");
	client(s, "Q6\n");
	conn_lost(s->conn, SERVER, 3, s->now);
	cr_assert(has(next(s), "Q6"));
	conn_lost(s->conn, SERVER, 3, s->now);
	client(s, "Q7\n");
	server(s, "A7\n");
	doc = next(s);
	cr_assert(has(doc, "Q7") && has(doc, "A7"), "%s", doc);
	end(s, FLOW_FIN);
}

/* After a loss, what a client had said before it had heard all is the rest of a batch, whose
 * answers may still be about earlier questions. */
Test(engine, after_a_loss_the_rest_of_a_batch_is_passed_over)
{
	struct story *s = begin(7, false);
	const char *doc;

	client(s, "Q1\n");
	conn_lost(s->conn, SERVER, 3, s->now);
	cr_assert(has(next(s), "Q1"));
	conn_lost(s->conn, CLIENT, 3, s->now); /* Q2 */
	client(s, "Q3\n");
	server(s, "A2\n");
	says_at(s, CLIENT, "Q4\n", 3); /* sent before A2 was there */
	server(s, "A3\n");
	server(s, "A4\n");
	says_at(s, CLIENT, "Q5\n", 12);
	server(s, "A5\n");
	doc = next(s);
	cr_assert(has(doc, "Q5") && has(doc, "A5"), "%s", doc);
	end(s, FLOW_FIN);
}

Test(engine, after_a_loss_a_sliding_window_is_not_read_until_it_was_silent)
{
	struct story *s = begin(7, false);
	const char *doc;

	client(s, "Q1\nQ2\n");
	server(s, "A1\n");
	client(s, "Q3\n"); /* while A2 is to come */
	expect(s, "Q1", "A1");
	conn_lost(s->conn, SERVER, 3, s->now); /* A2 */
	while ((doc = next(s))[0])
		cr_assert(has(doc, "Packet loss"), "%s", doc);
	server(s, "x");
	client(s, "Q4\n"); /* A3 is still to come, which nothing shows */
	server(s, "A3\n");
	client(s, "Q5\n");
	server(s, "A4\nA5\n");
	s->now += NS_PER_S;
	client(s, "Q6\n");
	server(s, "A6\n");
	doc = next(s);
	cr_assert(has(doc, "Q6") && has(doc, "A6") && has(doc, "resync"), "%s", doc);
	end(s, FLOW_FIN);
}

Test(engine, a_window_seen_to_slide_before_it_is_sure_loses_its_place)
{
	struct story *s = begin(7, true);

	client(s, "Q2\nQ3\n");
	server(s, "A1\n"); /* to what was asked before the capture began */
	const char *doc = next(s);

	cr_assert(has(doc, "midstream"), "%s", doc);
	client(s, "Q4\n");
	while ((doc = next(s))[0])
		cr_assert(has(doc, "notes"), "%s", doc);
	server(s, "A3\nA4\nA5\n");
	s->now += NS_PER_S;
	client(s, "Q6\n");
	server(s, "A6\n");
	expect(s, "Q6", "A6");
	end(s, FLOW_FIN);
}

Test(engine, an_answer_is_not_to_a_question_that_its_sender_had_not_read)
{
	struct story *s = begin(7, false);

	client(s, "Q1\nQ2\n");
	says_at(s, SERVER, "A1\n", 3);
	expect(s, "Q1", "A1");
	says_at(s, SERVER, "A0\n", 3); /* it had received Q1 alone */
	expect(s, "", "A0");
	says_at(s, SERVER, "A2\n", 6);
	expect(s, "Q2", "A2");
	end(s, FLOW_FIN);
}

Test(engine, after_resuming_old_answers_are_passed_over)
{
	struct story *s = begin(7, false);

	client(s, "Q1\n");
	conn_lost(s->conn, SERVER, 3, s->now);
	const char *doc = next(s);

	cr_assert(has(doc, "Q1"), "%s", doc);
	says_at(s, SERVER, "x", 3);
	client(s, "Q2\n");
	says_at(s, SERVER, "A1\n", 3); /* sent before Q2 was there */
	says_at(s, SERVER, "A2\n", 6);
	expect(s, "Q2", "A2");
	end(s, FLOW_FIN);
}

Test(engine, a_conversation_first_seen_in_the_middle)
{
	struct story *s = begin(7, true);

	server(s, "yyyy");
	server(s, "A1\n");
	const char *doc = next(s);

	cr_assert(has(doc, "Unmatched response") && has(doc, "midstream"), "%s", doc);
	client(s, "Q2\n");
	server(s, "A2\n");
	expect(s, "Q2", "A2");
	end(s, FLOW_FIN);
	s = begin(7, true);
	client(s, "zzz\n");
	client(s, "Q2\n");
	server(s, "A2\n");
	expect(s, "Q2", "A2");
	end(s, FLOW_FIN);
}

Test(engine, what_has_no_answer_in_time_is_written_and_its_late_answer_is_not_the_next_ones)
{
	struct story *s = begin(7, false);

	client(s, "Q1\n");
	client(s, "Q2\n");
	engine_expire(s->engine, s->now + 5 * (nsec)NS_PER_S);
	cr_assert_eq(s->out.len, 0);
	engine_expire(s->engine, s->now + 11 * (nsec)NS_PER_S);
	const char *doc = next(s);

	cr_assert(has(doc, "Q1") && has(doc, "\"timeout\"") && has(doc, "Unmatched request"), "%s",
		  doc);
	expect(s, "Q2", "");
	s->now += 12 * (nsec)NS_PER_S;
	client(s, "Q3\n");
	server(s, "A1\nA2\nA3\n");
	expect(s, "Q3", "A3");
	cr_assert_eq(s->counters.at[COUNT_EXCHANGES_LATE], 2);
	end(s, FLOW_FIN);
}

Test(engine, an_answer_that_flows_does_not_time_out)
{
	struct story *s = begin(7, false);

	client(s, "Q1\n");
	server(s, "V40\n");
	for (int i = 0; i < 8; i++) {
		s->now += 8 * (nsec)NS_PER_S;
		engine_expire(s->engine, s->now);
		server(s, "yyyyy");
	}
	expect(s, "Q1", "V40");
	end(s, FLOW_FIN);
}

Test(engine, the_connection_ends)
{
	struct story *s = begin(7, false);

	client(s, "Q1\nQ2\n");
	server(s, "E1\nwhatever");
	conn_end(s->conn, SERVER, s->now);
	const char *doc = next(s);

	cr_assert(has(doc, "Q1") && has(doc, "E1") && has(doc, "success"), "%s", doc);
	doc = next(s);
	cr_assert(has(doc, "Q2") && has(doc, "connection closed") && has(doc, "Unmatched request"),
		  "%s", doc);
	client(s, "Q3\n");
	end(s, FLOW_FIN);

	s = begin(7, false);
	client(s, "Q1\n");
	server(s, "V9\nyyy");
	conn_free(s->conn, FLOW_FINISHED);
	s->conn = NULL;
	doc = next(s);
	cr_assert(has(doc, "Incomplete response") && has(doc, "capture ended"), "%s", doc);
	cr_assert(has(doc, "\"outcome\":\"unknown\"") && has(doc, "\"status\":\"Error\""));
	end(s, FLOW_FIN);
}

Test(engine, the_client_ends_in_the_middle_and_the_server_answers_all_the_same)
{
	struct story *s = begin(7, false);

	client(s, "V9\nxx");
	conn_end(s->conn, CLIENT, s->now);
	server(s, "A1\n");
	conn_end(s->conn, SERVER, s->now);
	const char *doc = next(s);

	cr_assert(has(doc, "V9") && has(doc, "A1") && has(doc, "Incomplete request"), "%s", doc);
	end(s, FLOW_FIN);
}

Test(engine, limits)
{
	struct story *s = begin(7, false);

	client(s, "Q1\nQ2\nQ3\nQ4\nQ5\nQ6\nQ7\nQ8\nQ9\n");
	for (int i = 0; i < 9; i++)
		cr_assert(has(next(s), "\"limit\""));
	server(s, "A1\n");
	client(s, "Q"); /* and a line that never ends */
	for (int i = 0; i < 5; i++) {
		char text[1001];

		memset(text, 'x', 1000);
		text[1000] = 0;
		client(s, text);
	}
	cr_assert_eq(s->counters.at[COUNT_LANE_LIMIT], 1);
	cr_assert_lt(s->quota.used, 32768);
	end(s, FLOW_FIN);
}

Test(engine, something_else_on_the_port_is_given_up)
{
	struct story *s = begin(7, false);

	for (int i = 0; i < 6; i++) {
		client(s, "garbage\n");
		server(s, "garbage\n");
		client(s, "Vx\n");
	}
	cr_assert_eq(s->counters.at[COUNT_LANE_GIVEN_UP], 1);
	cr_assert(conn_is_passing(s->conn));
	while (next(s)[0])
		;
	end(s, FLOW_FIN);
}

Test(engine, behind_an_upgrade_all_is_passed_over)
{
	struct story *s = begin(7, false);

	client(s, "Q1\nT\nQ3\n");
	expect(s, "Q1", "");
	expect(s, "T", "");
	server(s, "A1\n");
	cr_assert(conn_is_passing(s->conn));
	end(s, FLOW_FIN);
}

Test(engine, keys_pair_answers_in_any_order_from_either_side)
{
	struct story *s = begin(8, false);

	client(s, "1?\n2?\n");
	server(s, "2=\n7?\n");
	expect(s, "2?", "2=");
	client(s, "7=\n");
	const char *doc = next(s);

	cr_assert(has(doc, "7?") && has(doc, "7="), "%s", doc);
	cr_assert(has(doc, "\"client\":{\"ip\":\"0.0.0.0\",\"port\":8,"), "%s", doc);
	server(s, "1=\n");
	expect(s, "1?", "1=");
	server(s, "5=\n");
	expect(s, "", "5=");
	end(s, FLOW_FIN);
}

Test(engine, a_port_of_two_protocols_is_decided_by_content)
{
	struct story *s = begin(9, false);

	s->piece_max = 1;
	server(s, "4?\n"); /* the server speaks first */
	client(s, "4=\n");
	expect(s, "4?", "4=");
	end(s, FLOW_FIN);
	s = begin(9, false);
	client(s, "Q1\n");
	server(s, "A1\n");
	expect(s, "Q1", "A1");
	end(s, FLOW_FIN);
	s = begin(9, false);
	client(s, "nothing known");
	cr_assert(conn_is_passing(s->conn));
	end(s, FLOW_FIN);
}

Test(engine, detection_finds_a_protocol_on_any_port)
{
	struct story *s = begin(4711, false);

	cr_assert_null(conn_new(s->engine, &s->flow));
	s->keyed_conf.detect = true;
	client(s, "4?\n");
	server(s, "4=\n");
	expect(s, "4?", "4=");
	end(s, FLOW_FIN);
}

Test(engine, the_shippers_own_members_end_each_document)
{
	struct story *s = begin(7, false);
	char *all[] = {(char[]){"shop"}}, *own[] = {(char[]){"toys"}};
	struct texts tags = {.at = all, .count = 1};

	engine_free(s->engine);
	s->conf.tail = BYTES("\"ecs\":{\"version\":\"8\"}");
	s->conf.tags = &tags;
	s->toy_conf.tags = (struct texts){.at = own, .count = 1};
	s->engine = engine_new(&s->conf, &sink, s, &s->quota, &s->counters);
	client(s, "Q1\n");
	server(s, "A1\n");
	const char *doc = next(s);

	cr_assert(has(doc, ",\"ecs\":{\"version\":\"8\"},\"tags\":[\"shop\",\"toys\"]}"), "%s",
		  doc);
	end(s, FLOW_FIN);
}

Test(engine, datagrams_stand_alone)
{
	struct story *s = begin(7, false);

	s->ends.transport = TRANSPORT_UDP;
	s->conn = conn_new(s->engine, &s->flow);
	conn_datagram(s->conn, CLIENT, &(struct piece){BYTES("Q1\n"), 1000, PEER_UNKNOWN}, 0);
	conn_datagram(s->conn, CLIENT, &(struct piece){BYTES("garbage\n"), 2000, PEER_UNKNOWN}, 0);
	conn_datagram(s->conn, CLIENT, &(struct piece){BYTES("Q2\n"), 3000, PEER_UNKNOWN}, 0);
	conn_datagram(s->conn, SERVER, &(struct piece){BYTES("V9\nyyyy"), 4000, PEER_UNKNOWN}, 5);
	const char *doc = next(s);

	cr_assert(has(doc, "Q1") && has(doc, "V9") && has(doc, "gap"), "%s", doc);
	cr_assert_eq(s->counters.at[COUNT_LANE_ALIEN], 1);
	conn_free(s->conn, FLOW_IDLE);
	s->conn = NULL;
	doc = next(s);
	cr_assert(has(doc, "Q2") && has(doc, "timeout"), "%s", doc);
	end(s, FLOW_IDLE);
}

Test(engine, what_outlives_conversations)
{
	struct story *s = begin(6, false);

	client(s, "a+\nb+\nc+\nd+\n");
	conn_free(s->conn, FLOW_FIN);
	s->conn = NULL;
	cr_assert_str_eq(next(s), "", "calls go on");
	client(s, "b-\n"); /* on another conversation */
	const char *doc = next(s);

	cr_assert(has(doc, "\"type\":\"toy_call\"") && has(doc, "\"resource\":\"b\""), "%s", doc);
	cr_assert(has(doc, "\"duration\":1000000}") && has(doc, "\"status\":\"OK\""), "%s", doc);
	cr_assert(engine_shrink(s->engine));
	doc = next(s);
	cr_assert(has(doc, "\"resource\":\"a\"") && has(doc, "\"limit\""), "%s", doc);
	s->now += 4 * (nsec)NS_PER_S;
	client(s, "d+\n");
	s->now += 2 * (nsec)NS_PER_S;
	engine_expire(s->engine, s->now);
	doc = next(s);
	cr_assert(has(doc, "\"resource\":\"c\"") && has(doc, "\"timeout\""), "%s", doc);
	cr_assert_str_eq(next(s), "", "d has not kept silent");
	engine_finish(s->engine);
	doc = next(s);
	cr_assert(has(doc, "\"resource\":\"d\"") && has(doc, "capture ended") &&
			  has(doc, "unknown"),
		  "%s", doc);
	cr_assert_not(engine_shrink(s->engine), "nothing is left");
	cr_assert_eq(s->counters.at[COUNT_RECORDS_MADE], 4);
	end(s, FLOW_FIN);
}

Test(engine, where_keys_pair_them_the_oldest_goes_alone_at_the_limit)
{
	struct story *s = begin(8, false);

	client(s, "1?\n2?\n3?\n4?\n5?\n6?\n7?\n8?\n9?\n");
	const char *doc = next(s);

	cr_assert(has(doc, "\"query\":\"1?\"") && has(doc, "\"limit\""), "%s", doc);
	server(s, "9=\n2=\n");
	expect(s, "9?", "9=");
	expect(s, "2?", "2=");
	cr_assert_eq(s->counters.at[COUNT_EXCHANGES_LIMIT], 1);
	conn_free(s->conn, FLOW_FIN);
	s->conn = NULL;
	for (int i = 3; i < 9; i++)
		cr_assert(has(next(s), "connection closed"));
	end(s, FLOW_FIN);
}
