/*
 * Bytes of a file or a pipe, read in large pieces and looked at in place.
 *
 * A reader asks that n bytes lie one behind the other, looks at them, and drops what it has used.
 * Only what is left over at the end of the block is ever moved.
 *
 *     block:  [ used | at ... end | room ]      on disk, to be passed over: owed
 *
 * Owns     its block; the descriptor, unless it is standard input
 * Borrows  what inlet_bytes gives is good until the next inlet_need
 * Errors   INLET_FAILED: errno is in `error`
 */
#ifndef WIRESPAN_CAPTURE_INLET_H
#define WIRESPAN_CAPTURE_INLET_H

#include "shipper/capture/source.h"

/* Fits the second-level cache together with what the other stages touch. */
enum { INLET_BLOCK_MIN = 4 << 10, INLET_BLOCK = 256 << 10, INLET_WAIT_MS = 100 };

enum inlet_got {
	INLET_READY,
	INLET_WAIT, /* a pipe has nothing at the moment; ask again */
	INLET_END,  /* fewer than n bytes are left */
	INLET_FAILED,
};

struct inlet {
	uint8_t *block;
	size_t at, end, cap;
	uint64_t owed;	 /* to be passed over before the next byte counts */
	uint64_t offset; /* of block[at] in the file */
	int fd;
	int error;
	bool may_wait; /* not a plain file: ask poll(2) before read(2) */
};

/* size: of a plain file, so that little is held for a small one. */
void inlet_init(struct inlet *in, int fd, uint64_t size, bool may_wait);
void inlet_fini(struct inlet *in);

/* The slow half of inlet_need. */
enum inlet_got inlet_fill(struct inlet *in, size_t n);

static inline enum inlet_got inlet_need(struct inlet *in, size_t n)
{
	return in->end - in->at >= n ? INLET_READY : inlet_fill(in, n);
}

/* All that lies ready. */
static inline struct bytes inlet_bytes(const struct inlet *in)
{
	return (struct bytes){in->block + in->at, in->end - in->at};
}

/* Past n bytes, which need not have been read yet. */
static inline void inlet_drop(struct inlet *in, uint64_t n)
{
	uint64_t ready = in->end - in->at;
	uint64_t now = n < ready ? n : ready;

	in->at += (size_t)now;
	in->offset += n;
	in->owed += n - now;
}

/* After INLET_END: whether the end fell between two things rather than within one. */
static inline bool inlet_clean(const struct inlet *in)
{
	return in->at == in->end && in->owed == 0;
}

/* What anything but INLET_READY means to a reader that has handed out so many frames. The fault
 * does not name the file: who opened it does. */
enum next inlet_stop(const struct inlet *in, enum inlet_got got, uint64_t frames,
		     struct fault *fault);

#endif
