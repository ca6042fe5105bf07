/*
 * Brings a batch to an output and acts on the verdicts, until every document has a final one.
 *
 * It knows nothing of where batches come from, nor of threads: the one who waits is `pause`. So a
 * queue on disk can stand between the workers and it, and several can work side by side.
 *
 * Owns     nothing: the output's self is the caller's
 * Errors   an output's trouble is logged once when it begins and once when it ends, and no new one
 *          for a while, so that an output that comes and goes does not fill the log
 * Thread   one; the tallies and `gone` may be read from others
 */
#ifndef WIRESPAN_PUBLISH_SENDER_H
#define WIRESPAN_PUBLISH_SENDER_H

#include <stdatomic.h>

#include "outputs/output.h"
#include "shipper/publish/backoff.h"
#include "shipper/publish/dead_letters.h"
#include "shipper/publish/tally.h"

/* Waits up to `wait` by the clock, less when there is reason to try at once. False: give up. */
typedef bool (*pause_fn)(void *self, nsec wait);

struct sender {
	const struct output *output;
	void *self; /* the output's */
	pause_fn pause;
	void *pause_self;
	struct backoff backoff;
	struct dead_letters *dead; /* where refused documents are kept; NULL: nowhere */
	bool returns;		   /* what is given up goes back to the queue, and is not counted */
	struct fault fault;	   /* what the last failure was */
	struct mono trouble_said;  /* when trouble was last logged; 0 never */
	struct mono refused_said;  /* when a refusal was last logged; 0 never */
	uint64_t refused_quiet;	   /* refusals since then */
	atomic_bool gone;	   /* nobody reads any more */
	atomic_bool failing;	   /* what is in hand could not be sent, and is tried again */
	struct tally delivered, refused, abandoned, retries, bytes;
};

/* True: all of it has a final verdict. False: `pause` gave up, or the reader is gone; then the
 * whole batch goes back to the queue, or what got no final verdict is abandoned. */
bool sender_send(struct sender *sender, struct batch *batch);
/* Without trying. */
void sender_abandon(struct sender *sender, struct batch *batch);
/* Logs refusals that were not said yet. */
void sender_end(struct sender *sender);

#endif
