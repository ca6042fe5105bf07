/*
 * A made-up conversation between a client and a server, through the real engine.
 *
 * Owns     its engine, configuration and documents, until talk_close
 */
#ifndef WIRESPAN_TESTS_TALK_H
#define WIRESPAN_TESTS_TALK_H

#include "protos/protos.h"
#include "shipper/txn/conn.h"

#include <yajl/yajl_tree.h>

enum { TALK_DOCS_MAX = 64 };

struct talk {
	const struct proto *protos[2];
	void *confs[2];
	struct engine_conf engine_conf;
	struct quota quota;
	struct counters counters;
	struct endpoints ends;
	struct flow flow;
	struct engine *engine;
	struct conn *conn;
	struct buf out;
	uint64_t said[2];
	nsec now;
	size_t cut; /* bytes of a piece; 0 for all at once */
	yajl_val docs[TALK_DOCS_MAX];
	struct bytes lines[TALK_DOCS_MAX]; /* the same as written, in `out` */
	size_t docs_count;
};

/* Options as "name=value", ends with NULL; may be NULL. */
void talk_open(struct talk *t, const struct proto *proto, const char *const *options);
/* As talk_open, in the middle of a conversation. */
void talk_open_midstream(struct talk *t, const struct proto *proto, const char *const *options);

void talk_say(struct talk *t, enum side from, struct bytes text);
void talk_text(struct talk *t, enum side from, const char *text);
void talk_lose(struct talk *t, enum side from, uint64_t n);
void talk_end(struct talk *t, enum side from);

/* The conversation goes; its documents are parsed. Fails the test when one is not JSON, or when
 * memory is still charged. */
void talk_finish(struct talk *t);
void talk_close(struct talk *t);

/* A document's member by its dotted path, as text; NULL when there is none. A number is written
 * out, a list is joined by '|'. Good until the next call but seven. */
const char *talk_field(struct talk *t, size_t doc, const char *path);

#endif
