/*
 * Calls as their documents tell of them, each once: what a later document says takes the place of
 * what an earlier one said of the same call.
 *
 * Owns     its calls
 */
#ifndef WIRESPAN_OUTPUTS_CALLS_LIST_H
#define WIRESPAN_OUTPUTS_CALLS_LIST_H

#include "outputs/calls/reader.h"

struct listed {
	struct buf text;	/* all of its texts, each behind the other */
	size_t len[CALL_TEXTS]; /* how long each is */
	int64_t numbers[CALL_NUMBERS];
	uint64_t hash[2]; /* of Call-ID and start: what tells calls apart */
};

struct calls {
	struct listed *at;
	size_t count, room, limit;
	uint32_t *index; /* by hash; a place in `at` from 1, or 0 */
	size_t mask;
	uint64_t left_out; /* documents of calls for which there was no room */
};

void calls_init(struct calls *calls, size_t limit);
void calls_fini(struct calls *calls);

/* `flow`: with the messages. */
void calls_add(struct calls *calls, const struct call_reader *reader, bool flow);
struct bytes listed_text(const struct listed *call, enum call_text which);

/* By start; what was added cannot be found again, so nothing is to be added any more. */
void calls_sort(struct calls *calls);

/* A head, and a row for each call from `from` to before `to`; only the Call-ID, which comes last,
 * may reach beyond the width: it is never cut, since it is what a call is asked for by. */
void calls_table(struct buf *out, const struct calls *calls, size_t from, size_t to, size_t width);

#endif
