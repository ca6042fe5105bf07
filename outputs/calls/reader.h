/*
 * What the list of calls and the drawing of one need of a document of type sip_call. Of any other
 * document no more is read than its type.
 *
 * Owns     its texts, until the next document
 * Units    nanoseconds
 */
#ifndef WIRESPAN_OUTPUTS_CALLS_READER_H
#define WIRESPAN_OUTPUTS_CALLS_READER_H

#include "shipper/base/buf.h"

enum call_text {
	CALL_START,
	CALL_CALLER,
	CALL_CALLER_DOMAIN,
	CALL_CALLEE,
	CALL_CALLEE_DOMAIN,
	CALL_STATE_NAME,
	CALL_ID,
	CALL_FLOW, /* lines, each with its newline */
};
enum { CALL_TEXTS = CALL_FLOW + 1 };

enum call_number { CALL_CODE, CALL_SETUP_TIME, CALL_LENGTH, CALL_MESSAGES };
enum { CALL_NUMBERS = CALL_MESSAGES + 1 };

enum call_read { CALL_READ, CALL_OTHER, CALL_NOT_JSON };

struct call_reader {
	struct buf texts[CALL_TEXTS];  /* empty: the document has none */
	int64_t numbers[CALL_NUMBERS]; /* -1: it has none */
	bool is_call;		       /* its type says so */
};

void call_reader_init(struct call_reader *reader);
void call_reader_fini(struct call_reader *reader);
enum call_read call_reader_read(struct call_reader *reader, struct bytes json);

static inline struct bytes call_text(const struct call_reader *reader, enum call_text which)
{
	return buf_bytes(&reader->texts[which]);
}

#endif
