/*
 * From workers to the output: each worker fills batches of its own and hands them over; couriers
 * send them, each by a handle of the output of its own, and act on the verdicts.
 *
 *   worker ─► funnel ─┐                    ┌─► courier: sender ─► output's handle
 *   worker ─► funnel ─┴─► [spool, on disk] ─┴─► courier: sender ─► output's handle
 *
 * One courier at a time looks for a batch or waits for one; it lets the next one look once it has
 * one. With one courier each worker's documents keep their order. Without a spool couriers take the
 * workers' batches from the funnels.
 *
 * Live, a worker never waits: with no free batch its document is dropped and counted. Replaying a
 * file it waits, so that nothing is lost and runs repeat exactly.
 *
 * The books, at any time:
 *   handed + recovered = delivered + refused + abandoned + lost by reason + queued
 * Refused documents are in the dead letter file where there is one. With a spool nothing is
 * abandoned: what was not delivered at the end waits for the next start.
 *
 * Owns     batches; the output, from open to close
 * Errors   open fills a fault; later failures are logged once when they begin and once when they
 *          end, retried with growing jittered waits, and counted
 * Thread   funnel_sink and funnel_dropped on the worker's thread, publisher_* on the main thread
 */
#ifndef WIRESPAN_PUBLISH_PUBLISHER_H
#define WIRESPAN_PUBLISH_PUBLISHER_H

#include <limits.h>
#include <signal.h>

#include "outputs/output.h"
#include "shipper/base/counter.h"
#include "shipper/publish/spool.h"
#include "shipper/txn/conn.h"

struct publisher;
struct funnel;

/* In the order of the option's choices. */
enum queue { QUEUE_AUTO, QUEUE_SPOOL, QUEUE_MEMORY };

struct publish_conf {
	size_t batch_documents; /* or so many documents; 0 no limit; not an option */
	bool wait;		/* replay: wait for a free batch; not an option */
	int64_t batch_bytes;	/* a batch is handed over when it holds this much */
	int64_t batches;	/* of each funnel, at most */
	nsec flush_interval;	/* or when its first document is this old, by the clock */
	nsec retry_wait;	/* after a first failure, at most; doubles with each */
	nsec retry_wait_limit;	/* up to this */
	nsec shutdown_timeout;	/* for what is left when the program ends */
	int queue;		/* enum queue */
	struct spool_conf spool;
	char *dead_letters; /* "" for one beside the spool */
	int64_t dead_letters_size, dead_letters_files;
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
	uint64_t recovered;	     /* waited in the spool at the start */
	uint64_t spooled;	     /* documents that went into it since */
	uint64_t lost[SPOOL_LOSSES]; /* dropped by the spool, by reason */
	uint64_t queued;	     /* in batches and in the spool, not yet decided */
	uint64_t dropped;	     /* never made, because no batch was free */
	uint64_t spool_bytes;	     /* on disk */
	uint64_t retries;	     /* times that something was sent again */
	uint64_t failing;	     /* handles whose output takes nothing now */
	uint64_t bytes;		     /* of delivered documents */
};

uint64_t publish_lost(const struct publish_stats *stats); /* for all reasons */
/* Whether the spool's folder is used, for documents or for what is refused. */
bool publish_stores(const struct publish_conf *conf, const struct demand *demand);
/* Where refused documents go. */
void publish_dead_letters(const struct publish_conf *conf, char to[PATH_MAX]);
void publish_count(const struct publish_stats *stats, struct counters *to);

struct publisher *publisher_open(const struct publish_conf *conf, const struct output *output,
				 const void *output_conf, unsigned funnels, struct fault *fault);
struct funnel *publisher_funnel(struct publisher *publisher, unsigned which);
void publisher_reopen(struct publisher *publisher); /* SIGHUP; not from the handler itself */
/* Opens the output anew by another conf, for each courier, and has them go on with that. False:
 * it cannot be opened, and all is as it was. The conf before is in use until publisher_changing
 * says no. */
bool publisher_change(struct publisher *publisher, const void *output_conf, struct fault *fault);
bool publisher_changing(const struct publisher *publisher);
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
