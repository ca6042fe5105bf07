/*
 * Text kept for a document: it is copied into a buf, cut at a limit, and remembers that it was cut.
 *
 * A clip is a place in a buf (an exchange's `kept`), not a block of its own: an exchange keeps
 * many small texts in one block that is used again for the next exchange. The last clip added to
 * may grow in place; adding to an earlier one moves it to the end.
 *
 * Borrows  the buf: a clip is good until the buf is emptied
 */
#ifndef WIRESPAN_BASE_CLIP_H
#define WIRESPAN_BASE_CLIP_H

#include "shipper/base/buf.h"

struct clip {
	uint32_t at;  /* offset in the buf */
	uint32_t len; /* bytes kept */
	bool cut;     /* more was offered than the limit allowed */
};

static inline struct bytes clip_bytes(const struct clip *clip, const struct buf *kept)
{
	return clip->len > 0 ? (struct bytes){kept->at + clip->at, clip->len} : NO_BYTES;
}

/* Adds `more` behind what the clip has, up to `limit` bytes in all. */
void clip_add(struct clip *clip, struct buf *kept, struct bytes more, size_t limit);

/* In place of what it had. */
static inline void clip_set(struct clip *clip, struct buf *kept, struct bytes text, size_t limit)
{
	*clip = (struct clip){0};
	clip_add(clip, kept, text, limit);
}

#endif
