/*
 * The engine between byte streams and documents: lanes, exchanges, matching, loss and resync, once
 * for all protocols. What protocols see of it is protos/proto.h.
 *
 *  data / lost / end ─► lane ─► proto->unit ─► exchange_begin / _end ─► match ─► document
 *
 * A conversation (struct conn) is in one of these states:
 *
 *   UNDECIDED ──start recognizes, or one candidate──► READING ──conn_pass──► PASSING
 *       └────────────none does──────────► PASSING        │ ▲
 *                                                  loss, │ │ a question that start recognizes,
 *                                                  alien ▼ │ after the server has spoken
 *                                                       LOST
 *
 * Owns     conversations, exchanges (pooled), unparsed bytes; all charged to the quota
 * Borrows  endpoints and stats of the flow, for the conversation's life
 * Thread   an engine belongs to one worker
 * Units    packet time; bytes
 */
#ifndef WIRESPAN_TXN_CONN_H
#define WIRESPAN_TXN_CONN_H

#include "protos/proto.h"
#include "shipper/base/counter.h"
#include "shipper/base/piece.h"
#include "shipper/flow/flow.h"
#include "shipper/host/home.h"

struct engine;

struct engine_conf {
	const struct proto *const *protos; /* ends with NULL; protos[] when NULL itself */
	void *const *proto_conf; /* by place in protos; each begins with struct proto_conf */
	struct bytes tail; /* ready-made JSON members that end every document: agent, host, … */
	const struct texts *tags;   /* of every document, before the protocol's own; may be NULL */
	struct home *home;	    /* live: what this host knows; NULL for a file */
	int64_t unparsed_bytes_max; /* of one direction, an unfinished part of a message */
	int64_t exchanges_max;	    /* open ones of a conversation */
};

extern const struct option engine_options[];

enum { RECORD_ID_LEN = 32 };

/* event.id: the same for the same time and hash. */
void record_id(nsec start, uint64_t hash, char id[RECORD_ID_LEN]);

/* Where documents go. */
struct document_sink {
	/* Returns the block that the next document is appended to, or NULL to have it dropped. */
	struct buf *(*room)(void *self);
	/* A document of `type` was appended, from `at` to the block's end. `id` is its event.id. */
	void (*wrote)(void *self, size_t at, unsigned proto, const char id[32]);
	/* The worker is idle (now), or some packets have passed: hand over what is old enough.
	 * May be NULL. */
	void (*flush)(void *self, bool now);
};

/* All pointers are borrowed for the engine's life. */
struct engine *engine_new(const struct engine_conf *conf, const struct document_sink *sink,
			  void *self, struct quota *quota, struct counters *counters);
/* Goes on by another conf, between packets, with all that is open. The one before may be freed
 * then, save what proto.inherit has taken over. */
void engine_adopt(struct engine *engine, const struct engine_conf *conf);
void engine_free(struct engine *engine);

/* Which side is the client, by ports (flow_sink.guess). */
enum side engine_guess(const struct engine *engine, const struct packet *packet);

/* Writes exchanges whose transaction_timeout is over. Cheap when there are none. */
void engine_expire(struct engine *engine, nsec now);

/* The capture ended, and every conversation is closed: what outlives them is written. */
void engine_finish(struct engine *engine);

/* Lets the oldest of what outlives conversations go; false when there is nothing. */
bool engine_shrink(struct engine *engine);

/* Exchanges written so far, by protocol (place in protos[]) and status. */
uint64_t engine_tally(const struct engine *engine, unsigned proto, enum status status);

/* A conversation, on its first bytes; NULL when no protocol wants it. */
struct conn *conn_new(struct engine *engine, struct flow *flow);
void conn_free(struct conn *conn, enum flow_end why);

void conn_data(struct conn *conn, enum side from, const struct piece *piece);
void conn_lost(struct conn *conn, enum side from, uint64_t n, nsec when);
void conn_end(struct conn *conn, enum side from, nsec when);
/* Asks for the memory of one that is needed soon; it may be gone, or another one. */
void conn_fetch(const void *conn);
void conn_datagram(struct conn *conn, enum side from, const struct piece *piece,
		   uint32_t cut_bytes);

/* Questions are open. */
bool conn_is_waiting(const struct conn *conn);

/* Nothing more can come of it: the flow may stop delivering. */
bool conn_is_passing(const struct conn *conn);

#endif
