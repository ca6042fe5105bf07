/*
 * Writing a batch's documents, in order, to a descriptor: whole, in large writes.
 *
 * A write that fails within a document has left its front behind. The document gets AGAIN, and
 * the next write goes on where this one stopped, so that readers find whole lines.
 *
 * Borrows  the descriptor
 * Thread   the publisher's
 */
#ifndef WIRESPAN_OUTPUTS_LINES_H
#define WIRESPAN_OUTPUTS_LINES_H

#include "outputs/output.h"

struct lines {
	int fd;
	size_t torn;	/* bytes of the next document that were written already */
	uint64_t bytes; /* written in all */
};

/* Is a verdict still open? */
static inline bool entry_pending(const struct entry *e)
{
	return e->verdict == VERDICT_NONE || e->verdict == VERDICT_AGAIN;
}

/* Writes what is pending of the entries from `from` to before `to`, which must lie one behind the
 * other. False: the descriptor failed, errno says why, and `from` up to the failure is
 * DELIVERED. */
bool lines_write(struct lines *lines, struct batch *batch, size_t from, size_t to);

/* One document in another shape; true when all of it is written. */
bool lines_write_one(struct lines *lines, struct bytes text);

/* After a failure: every pending entry gets AGAIN, or GONE when errno was EPIPE. `where` names the
 * place in the fault. */
void lines_failed(struct batch *batch, int error, const char *where, struct fault *fault);

#endif
