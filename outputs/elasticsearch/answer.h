/*
 * An engine's answer to a bulk request, read as it comes: the status of each item, and why it was
 * not taken.
 *
 *   {"errors":true,"items":[{"create":{"status":201}},
 *     {"create":{"status":400,"error":{"type":"…","reason":"…","caused_by":{"reason":"…"}}}}]}
 *   {"error":{"type":"…","reason":"…"},"status":400}        for the request as a whole
 *
 * Source   Elasticsearch and OpenSearch, "Bulk API"
 * Owns     statuses and reasons of one answer, until the next is begun
 * Errors   what is not such an answer (HTML, JSON that ends early or is another, more items than
 *          were asked about, more bytes than such an answer needs) is an ordinary result: `wrong`
 */
#ifndef WIRESPAN_OUTPUTS_ELASTICSEARCH_ANSWER_H
#define WIRESPAN_OUTPUTS_ELASTICSEARCH_ANSWER_H

#include <yajl/yajl_parse.h>

#include "shipper/base/buf.h"

enum {
	ANSWER_REASON_MAX = 1024,
	ANSWER_TYPE_MAX = 64,
	/* Enough for every item's status and reason, and for what stands around them. */
	ANSWER_BYTES_MIN = 256 << 10,
	ANSWER_BYTES_ITEM = 8 << 10,
	ANSWER_DEPTH_MAX = 16,
};

enum answer_wrong {
	ANSWER_RIGHT,
	ANSWER_EMPTY,
	ANSWER_HTML,
	ANSWER_NOT_JSON,
	ANSWER_CUT,   /* JSON that ends early */
	ANSWER_OTHER, /* JSON, but no bulk answer */
	ANSWER_COUNT, /* of items: not as many as documents */
	ANSWER_LARGE,
};

struct answer_item {
	uint16_t status;		/* 0: none given */
	uint16_t type_len;		/* of what stands at reason_at, before the reason itself */
	uint32_t reason_at, reason_len; /* in reasons; of errors alone */
};

struct answer {
	struct answer_item *items;
	size_t count, room, expected;
	struct buf reasons;
	struct answer_item whole; /* of the request */
	enum answer_wrong wrong;
	size_t bytes, limit;
	/* Where the reader is. */
	yajl_handle reader;
	unsigned depth;
	uint8_t at[ANSWER_DEPTH_MAX]; /* enum place, of each map or list that is open */
	uint8_t key;		      /* enum place, of the value to come */
	bool ended, cause;	      /* a `caused_by` was there */
	struct answer_item *item;     /* that errors belong to; NULL none */
};

void answer_init(struct answer *answer);
void answer_fini(struct answer *answer);

void answer_begin(struct answer *answer, size_t expected);
/* False: it is wrong, and the rest need not come. */
bool answer_more(struct answer *answer, struct bytes more);
/* No more comes: whether it was an answer to a bulk request, or to the request as a whole. */
void answer_end(struct answer *answer);

/* "type: reason", or nothing. */
struct bytes answer_reason(const struct answer *answer, const struct answer_item *item);
struct bytes answer_type(const struct answer *answer, const struct answer_item *item);
const char *answer_wrong_text(enum answer_wrong wrong);

#endif
