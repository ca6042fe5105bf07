/*
 * The queue on disk: an append-only log of segments between the funnels and the couriers.
 *
 *            read, in batches ─► couriers ─► settled, in any order
 *               ▼
 *   ┌──────────┬──────────┬──────────┐
 *   │ segment  │ segment  │ segment  │◄─ put: a record a document, numbered through
 *   └──────────┴──────────┴──────────┘
 *      ▲ cursor: all before it is settled
 *
 * A document is settled when the output has taken it, or when it is in the dead letter file. The
 * cursor stays before the first one that is not; segments before it are removed. What was sent and
 * not settled when the process died is sent again, under the same id.
 *
 * What is spooled survives the end of the process at once, since it is in the page cache; and a
 * power failure from the next sync on. After either, whatever is whole is read, and what is not is
 * counted.
 *
 * A segment is written by one process: at its start the spool begins a new one.
 *
 * The books, at any time:
 *   recovered + spooled = settled + waiting + lost to age, to damage, and as the oldest
 *   put                 = spooled + lost as the newest, and to the disk
 *
 * Owns     the folder, locked, from open to close; a thread that syncs, moves the cursor and
 * removes segments Errors   open fills a fault; later trouble is logged when it begins and when it
 * ends, and counted Thread   put by one, take by one at a time, settle and stats by any; bell
 * `news` is rung for the one who takes
 */
#ifndef WIRESPAN_PUBLISH_SPOOL_H
#define WIRESPAN_PUBLISH_SPOOL_H

#include "outputs/output.h"
#include "shipper/publish/bell.h"

enum spool_full { SPOOL_DROP_NEWEST, SPOOL_DROP_OLDEST };

enum spool_sync {
	SPOOL_SYNC_INTERVAL,
	SPOOL_SYNC_BATCH, /* before the next batch is taken from a worker */
	SPOOL_SYNC_NEVER, /* left to the kernel */
};

struct spool_conf {
	char *path;
	int64_t max_bytes;     /* of all segments */
	int64_t segment_bytes; /* a new one is begun once one is so large; 0 by max_bytes */
	nsec max_age;	       /* documents that waited longer are dropped; 0 none is */
	int full;	       /* enum spool_full */
	int sync;	       /* enum spool_sync */
	nsec sync_interval;    /* also of the cursor and of removals */
};

enum spool_loss {
	SPOOL_LOST_NEWEST,  /* not taken in: the spool was full */
	SPOOL_LOST_DISK,    /* not taken in: they could not be written */
	SPOOL_LOST_OLDEST,  /* removed to make room */
	SPOOL_LOST_AGE,	    /* removed at max_age */
	SPOOL_LOST_DAMAGED, /* spooled, and not to be read again */
	SPOOL_LOSSES,
};

struct spool_stats {
	uint64_t recovered; /* documents that waited at the start */
	uint64_t spooled, settled, waiting;
	uint64_t lost[SPOOL_LOSSES];
	uint64_t bytes, segments; /* on disk, settled ones that are not yet removed included */
	uint64_t synced;	  /* how often what was spooled was synced */
};

struct spool;

/* Couriers are told apart by number, below `couriers`. Borrows conf and news until close. */
struct spool *spool_open(const struct spool_conf *conf, unsigned couriers, struct bell *news,
			 struct fault *fault);
/* Writes down how far it came. What waits stays. No put any more, and then no take. */
void spool_end(struct spool *spool);
/* After spool_end, once no courier uses it any more. */
void spool_free(struct spool *spool);

void spool_put(struct spool *spool, const struct batch *batch);

bool spool_has(struct spool *spool);
/* The next documents in place of what the batch holds, up to these limits, but at least one. They
 * are the courier's until it settles them. False: none is there. */
bool spool_take(struct spool *spool, unsigned courier, struct batch *batch, size_t bytes,
		size_t documents);
void spool_settle(struct spool *spool, unsigned courier);

void spool_stats(struct spool *spool, struct spool_stats *stats);

#endif
