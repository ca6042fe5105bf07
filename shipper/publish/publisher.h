/*
 * From workers to the output: each worker fills batches of its own and hands them over; one
 * publisher thread sends them and acts on the verdicts.
 *
 *   worker ─► funnel (ring of batches, one producer, one consumer) ─► publisher ─► output
 *
 * Live, a worker never waits: with no free batch its document is dropped and counted. Replaying a
 * file it waits, so that nothing is lost and runs repeat exactly.
 *
 * Owns     batches; the output, from open to close
 * Errors   open fills a fault; later failures are logged once when they begin and once when they
 *          end, retried with growing jittered waits, and counted
 * Thread   funnel_* on the worker's thread, publisher_* on the main thread
 */
#ifndef WIRESPAN_PUBLISH_PUBLISHER_H
#define WIRESPAN_PUBLISH_PUBLISHER_H

#include "outputs/output.h"
#include "shipper/base/counter.h"
#include "shipper/txn/conn.h"

struct publisher;
struct funnel;

struct publish_conf {
	bool wait;	     /* replay: wait for a free batch */
	int64_t batch_bytes; /* a batch is handed over when it holds this much */
	int64_t batches;     /* of each funnel */
	nsec flush_interval; /* or when its first document is this old, by the clock */
};

struct publish_stats {
	uint64_t delivered, refused, retries; /* documents; times */
	uint64_t bytes;
};

struct publisher *publisher_open(const struct publish_conf *conf, const struct output *output,
				 const void *output_conf, unsigned funnels, struct fault *fault);
struct funnel *publisher_funnel(struct publisher *publisher, unsigned which);
void publisher_reopen(struct publisher *publisher); /* SIGHUP */
/* Sends what there is, waits for it up to `limit`, closes the output. False: something was not
 * delivered, and the fault says what. */
bool publisher_close(struct publisher *publisher, nsec limit, struct publish_stats *stats,
		     struct fault *fault);

extern const struct document_sink funnel_sink; /* self: struct funnel * */

uint64_t funnel_dropped(const struct funnel *funnel);

#endif
