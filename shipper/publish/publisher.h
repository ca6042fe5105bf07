/*
 * From workers to the output: each worker fills batches of its own and hands them over; couriers
 * send them, each by a handle of the output of its own, and act on the verdicts.
 *
 *   worker ─► funnel ─┐ (rings of batches, no lock)  ┌─► courier: sender ─► output's handle
 *   worker ─► funnel ─┴──────────────────────────────┴─► courier: sender ─► output's handle
 *
 * One courier at a time looks for a batch or waits for one; it lets the next one look once it has
 * one. With one courier each worker's documents keep their order.
 *
 * Live, a worker never waits: with no free batch its document is dropped and counted. Replaying a
 * file it waits, so that nothing is lost and runs repeat exactly.
 *
 * The books, at any time:
 *   handed = delivered + refused + abandoned + queued
 *
 * Owns     batches; the output, from open to close
 * Errors   open fills a fault; later failures are logged once when they begin and once when they
 *          end, retried with growing jittered waits, and counted
 * Thread   funnel_sink and funnel_dropped on the worker's thread, publisher_* on the main thread
 */
#ifndef WIRESPAN_PUBLISH_PUBLISHER_H
#define WIRESPAN_PUBLISH_PUBLISHER_H

#include <signal.h>

#include "outputs/output.h"
#include "shipper/base/counter.h"
#include "shipper/txn/conn.h"

struct publisher;
struct funnel;

struct publish_conf {
	size_t batch_documents; /* or so many documents; 0 no limit; not an option */
	bool wait;		/* replay: wait for a free batch; not an option */
	int64_t batch_bytes;	/* a batch is handed over when it holds this much */
	int64_t batches;	/* of each funnel, at most */
	nsec flush_interval;	/* or when its first document is this old, by the clock */
	nsec retry_wait;	/* after a first failure, at most; doubles with each */
	nsec retry_wait_limit;	/* up to this */
	/* The program's stop flag, may be NULL; not an option. Set by the publisher when the reader
	 * of the output is gone; once it is set, a worker waits for a batch only a little longer.
	 */
	volatile sig_atomic_t *stop;
};

extern const struct option publish_options[];

struct publish_stats {
	uint64_t handed;	     /* documents that workers put into batches */
	uint64_t delivered, refused; /* documents */
	uint64_t abandoned;	     /* not delivered when the publisher closed, or reader gone */
	uint64_t queued;	     /* in batches, not yet decided */
	uint64_t dropped;	     /* never made, because no batch was free */
	uint64_t retries;	     /* times that something was sent again */
	uint64_t bytes;		     /* of delivered documents */
};

struct publisher *publisher_open(const struct publish_conf *conf, const struct output *output,
				 const void *output_conf, unsigned funnels, struct fault *fault);
struct funnel *publisher_funnel(struct publisher *publisher, unsigned which);
void publisher_reopen(struct publisher *publisher); /* SIGHUP; not from the handler itself */
void publisher_stats(const struct publisher *publisher, struct publish_stats *stats);
/* The reader of the output is gone for good (EPIPE): not a failure, but nobody wants more. */
bool publisher_gone(const struct publisher *publisher);
/* Once the workers have ended: sends what there is, waits for it up to `limit`, closes the output.
 * False: something was not delivered, and the fault says what. */
bool publisher_close(struct publisher *publisher, nsec limit, struct publish_stats *stats,
		     struct fault *fault);

extern const struct document_sink funnel_sink; /* self: struct funnel * */

uint64_t funnel_dropped(const struct funnel *funnel);

#endif
