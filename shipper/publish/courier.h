/*
 * A courier carries batches from the queue to one handle of the output, on a thread of its own.
 *
 *   supply.take ─► sender (tries, waits, verdicts) ─► supply.done
 *
 * Owns     its handle, from courier_open to the thread's end
 * Thread   courier_reopen and courier_hurry from any; the tallies of its sender may be read
 */
#ifndef WIRESPAN_PUBLISH_COURIER_H
#define WIRESPAN_PUBLISH_COURIER_H

#include <pthread.h>
#include <signal.h>

#include "shipper/publish/bell.h"
#include "shipper/publish/sender.h"

/* The queue, as couriers see it; `which` is the courier's number. */
struct supply {
	/* The next batch; waits for one. NULL: there was none, and something else is to be looked
	 * at, a reopen or the end. */
	struct batch *(*take)(void *self, unsigned which);
	/* Every document of it is settled; or it was given up, and stays where the queue can. */
	void (*done)(void *self, unsigned which, struct batch *batch, bool settled);
	void *self;
};

/* How the end begins, for all couriers. */
struct closing {
	atomic_bool begun;	 /* nothing is added any more */
	_Atomic int64_t give_up; /* when to, by the clock; far away until it begins */
	struct bell *ended;	 /* rung by each courier at its end */
};

struct courier {
	struct sender sender;
	struct supply supply;
	struct closing *closing;
	volatile sig_atomic_t *stop; /* set when the reader of the output is gone; may be NULL */
	unsigned which;
	pthread_t thread;
	struct bell nap;      /* rung for a reopen, and when closing begins or gives up */
	atomic_bool reopen;   /* asked for */
	_Atomic(void *) next; /* an open handle to go on with; NULL: none */
	atomic_bool done;     /* the handle is closed */
	bool hurried;	      /* the wait that closing found was cut short */
	struct fault last;    /* why the output did not finish well; once done */
};

/* Opens the handle. What is in the struct already is the caller's: supply, closing, stop, which. */
bool courier_open(struct courier *courier, const struct output *output, const void *conf,
		  struct backoff backoff, struct fault *fault);
/* On false, and before it was called, courier_fini closes the handle. */
bool courier_start(struct courier *courier, struct fault *fault);
/* Once its thread has ended, or if it never began. */
void courier_fini(struct courier *courier);

void courier_reopen(struct courier *courier);
/* Goes on with this handle, between two tries at the latest, and closes the one before. Takes it
 * over; not again before courier_changing says that it is done. */
void courier_change(struct courier *courier, void *self);
bool courier_changing(const struct courier *courier);
void courier_hurry(struct courier *courier); /* closing has changed */
bool courier_reopening(const struct courier *courier);

#endif
