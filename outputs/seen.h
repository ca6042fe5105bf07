/*
 * What tables and charts, of the report and of --top, need of a document.
 *
 * Owns     its texts, until the next document
 */
#ifndef WIRESPAN_OUTPUTS_SEEN_H
#define WIRESPAN_OUTPUTS_SEEN_H

#include "shipper/base/buf.h"
#include "shipper/base/time.h"

enum seen_text {
	SEEN_TIME,
	SEEN_TYPE,
	SEEN_STATUS,
	SEEN_METHOD,
	SEEN_QUERY,
	SEEN_PATH,
	SEEN_FINGERPRINT,
	SEEN_CLIENT,
	SEEN_HOST, /* the shipper's */
	SEEN_SERVER,
	SEEN_PORT,
	SEEN_ERROR,
	SEEN_CODE,   /* the protocol's own, of an error */
	SEEN_PHRASE, /* what goes with it, where error.message has nothing */
	SEEN_TEXTS,
};

struct seen {
	struct buf texts[SEEN_TEXTS]; /* empty: the document has none */
	struct buf name, server, error;
	int64_t took;  /* event.duration, ns; -1 when it has none */
	int64_t bytes; /* network.bytes */
	nsec at;       /* @timestamp */
	bool has_time;
	/* Set by who reads nothing but what the program has written itself, and needs no more of it
	 * than type, status, duration and name: it reads on to the fingerprint only, which comes
	 * after. */
	bool brief;
};

void seen_init(struct seen *seen);
void seen_fini(struct seen *seen);

/* False: not a JSON object. */
bool seen_read(struct seen *seen, struct bytes json);

static inline struct bytes seen_text(const struct seen *seen, enum seen_text which)
{
	return buf_bytes(&seen->texts[which]);
}

bool seen_failed(const struct seen *seen);
/* The fingerprint; without one the query, the method and path, or "-". */
struct bytes seen_name(struct seen *seen);
/* Address and port. */
struct bytes seen_server(struct seen *seen);
/* Code and message of what went wrong; empty when nothing did. */
struct bytes seen_error(struct seen *seen);

#endif
