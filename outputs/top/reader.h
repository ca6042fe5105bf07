/*
 * What the tables need of a document: its type, whether it failed, how long it took, and what to
 * call it. It stops reading where it knows enough.
 *
 * Owns     its texts, until the next document
 */
#ifndef WIRESPAN_OUTPUTS_TOP_READER_H
#define WIRESPAN_OUTPUTS_TOP_READER_H

#include "shipper/base/buf.h"

enum reader_text { TEXT_TYPE, TEXT_STATUS, TEXT_METHOD, TEXT_QUERY, TEXT_PATH, TEXT_FINGERPRINT };
enum { READER_TEXTS = TEXT_FINGERPRINT + 1 };

struct reader {
	struct buf texts[READER_TEXTS]; /* empty: the document has none */
	struct buf name;
	int64_t duration; /* ns; -1 when it has none */
	unsigned depth;	  /* of maps and lists that are open */
	unsigned wanted;  /* what the value behind the last key is: enum place in reader.c */
	bool in_event, seen_event;
};

void reader_init(struct reader *reader);
void reader_fini(struct reader *reader);

/* False: not a JSON object. */
bool reader_read(struct reader *reader, struct bytes json);

bool reader_failed(const struct reader *reader);
/* The fingerprint; without one the query, the method and path, or "-". */
struct bytes reader_name(struct reader *reader);

#endif
