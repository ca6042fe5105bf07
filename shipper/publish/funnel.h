/*
 * A worker's way to the publisher: it fills one batch, hands it over, and gets emptied ones back.
 *
 *   worker   room ─ document ─ wrote ─┬─► full  ─► publisher
 *      ▲                              │
 *      └────────── empty ◄────────────┴──────────── funnel_back
 *
 * Batches are put to use only when no emptied one is there, so an output that keeps up works in
 * few, and they stay in the processor's cache.
 *
 * Owns     its batches
 * Thread   funnel_new and funnel_free before and after all others; funnel_take by one thread at a
 *          time, funnel_back likewise, the rest on the worker's
 */
#ifndef WIRESPAN_PUBLISH_FUNNEL_H
#define WIRESPAN_PUBLISH_FUNNEL_H

#include "shipper/publish/bell.h"
#include "shipper/publish/publisher.h"
#include "shipper/publish/ring.h"
#include "shipper/publish/tally.h"

struct funnel {
	const struct publish_conf *conf;
	struct bell *work;     /* rung when batches are handed over */
	struct batch *batches; /* all of them */
	unsigned count;	       /* how many */
	unsigned used;	       /* the first so many have been put to use */
	unsigned ring_at;      /* `work` is rung for so many batches at a time */
	unsigned unrung;       /* handed over since it was */
	struct batch *filling; /* NULL when none is free, or none is needed yet */
	struct mono began;     /* when its first document was written */
	struct mono patience;  /* once stopping: until when to wait for a batch; 0 not stopping */
	struct ring full, empty;
	struct bell emptied; /* rung when a batch comes back */
	struct tally handed, dropped;
};

/* Borrows conf and work until funnel_free. */
struct funnel *funnel_new(const struct publish_conf *conf, struct bell *work);
void funnel_free(struct funnel *funnel);

void funnel_flush(struct funnel *funnel, bool now);

/* The oldest batch handed over, or NULL; and back, emptied. */
struct batch *funnel_take(struct funnel *funnel);
void funnel_back(struct funnel *funnel, struct batch *batch);

/* Those of all workers. */
struct funnels {
	struct funnel **at;
	unsigned count;
	unsigned turn; /* whose batch is next, so that a busy worker does not keep others waiting */
	struct bell work; /* rung for the one who takes: a batch, or what else it looks for */
};

void funnels_init(struct funnels *funnels, const struct publish_conf *conf, unsigned count);
void funnels_fini(struct funnels *funnels);
bool funnels_have(const struct funnels *funnels);
/* A batch and where it goes back to; or NULL. By one thread at a time. */
struct batch *funnels_take(struct funnels *funnels, struct funnel **from);

#endif
