/*
 * A conversation through the engine, told step by step, in one of the made-up protocols.
 *
 * Owns     a story is freed by `end`
 */
#ifndef WIRESPAN_TESTS_ENGINE_STORY_H
#define WIRESPAN_TESTS_ENGINE_STORY_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine_toys.h"

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

static inline struct buf *room(void *self)
{
	return &((struct story *)self)->out;
}

static inline void wrote(void *self, size_t at, unsigned proto, const char id[32])
{
	(void)self, (void)at, (void)proto, (void)id;
}

static const struct document_sink sink = {.room = room, .wrote = wrote};

static inline struct story *begin(uint16_t port, bool midstream)
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

static inline void says_piece(struct story *s, enum side from, const char *text, uint64_t peer_at,
			      bool again)
{
	struct bytes b = bytes_str(text);

	s->now += NS_PER_MS;
	if (s->conn == NULL)
		s->conn = conn_new(s->engine, &s->flow);
	while (b.len > 0) {
		struct bytes part = bytes_head(b, s->piece_max);
		uint8_t *copy = malloc(part.len); /* borrowed until the call returns, exactly */
		memcpy(copy, part.at, part.len);
		struct piece piece = {.bytes = bytes_of(copy, part.len),
				      .when = s->now,
				      .peer_at = peer_at,
				      .again = again};

		conn_data(s->conn, from, &piece);
		free(copy);
		b = bytes_skip(b, part.len);
	}
}

/* A side says something; its sender had received `peer_at` bytes of the other. */
static inline void says_at(struct story *s, enum side from, const char *text, uint64_t peer_at)
{
	says_piece(s, from, text, peer_at, false);
}

/* Perhaps for the second time. */
static inline void says_again(struct story *s, enum side from, const char *text)
{
	says_piece(s, from, text, PEER_UNKNOWN, true);
}

static inline void client(struct story *s, const char *text)
{
	says_at(s, CLIENT, text, PEER_UNKNOWN);
}

static inline void server(struct story *s, const char *text)
{
	says_at(s, SERVER, text, PEER_UNKNOWN);
}

/* The next document, as one line; "" when there is none. Good until the next call. */
static inline const char *next(struct story *s)
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

static inline bool has(const char *doc, const char *part)
{
	return strstr(doc, part) != NULL;
}

static inline void expect(struct story *s, const char *query, const char *answer)
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
static inline void end(struct story *s, enum flow_end why)
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

#endif
