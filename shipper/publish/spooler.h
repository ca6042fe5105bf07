/*
 * The spool between funnels and couriers: a thread of its own takes the workers' batches and puts
 * them on disk, so that a worker waits for neither disk nor output.
 *
 *   funnels ─► spooler's thread ─► spool ─► couriers
 *
 * Owns     the spool; a batch for each courier
 * Thread   the supply's functions on the couriers', the rest on the main thread
 */
#ifndef WIRESPAN_PUBLISH_SPOOLER_H
#define WIRESPAN_PUBLISH_SPOOLER_H

#include "shipper/publish/courier.h"
#include "shipper/publish/funnel.h"
#include "shipper/publish/spool.h"

struct spooler;

struct spooler_conf {
	struct spool_conf spool;
	size_t batch_bytes, batch_documents; /* of what couriers get; 0 documents: no limit */
	unsigned couriers;
};

/* Borrows funnels and closing until spooler_free. */
struct spooler *spooler_open(const struct spooler_conf *conf, struct funnels *funnels,
			     const struct closing *closing, struct fault *fault);
bool spooler_start(struct spooler *spooler, struct fault *fault);
/* Closing has begun, or a courier is to reopen its handle. */
void spooler_hurry(struct spooler *spooler);
/* Once closing has begun, if it was started: all that workers have handed over is put, and it is
 * written down how far the couriers came. Before it is freed no courier may be left. */
void spooler_end(struct spooler *spooler);
void spooler_free(struct spooler *spooler);

/* For courier `courier`, to be asked when it waits. */
struct supply spooler_supply(struct spooler *spooler);
void spooler_stats(struct spooler *spooler, struct spool_stats *stats);

#endif
