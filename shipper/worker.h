/*
 * Where the stages meet: frames from a source, through decode, flows and the engine, to a funnel.
 *
 * Owns     its tap, decoder, flow table, engine, quota, counters
 * Borrows  settings and funnel, for its life
 * Thread   a worker runs on one thread; others may call worker_glimpse meanwhile, and all else when
 *          it has ended
 */
#ifndef WIRESPAN_WORKER_H
#define WIRESPAN_WORKER_H

#include <signal.h>

#include "shipper/capture/source.h"
#include "shipper/conf/settings.h"
#include "shipper/team.h"

struct worker;

/* `memory` is this worker's share of the limit, in bytes. */
struct worker *worker_new(const struct settings *settings, struct tap tap,
			  const struct document_sink *sink, void *sink_self, size_t memory);
void worker_free(struct worker *worker);

/* One of several that divide conversations among them, the `place`th; before it runs. The team is
 * borrowed for the worker's life. */
void worker_join(struct worker *worker, struct team *team, unsigned place);

/* Another share of the memory; from any thread. */
void worker_limit(struct worker *worker, size_t memory);

/* At its next round, between two packets, the worker goes on by these settings, with all
 * conversations that are open. From another thread; not again before worker_settings says that they
 * have been taken. */
void worker_change(struct worker *worker, const struct settings *settings);
/* Those that it goes by; earlier ones may be freed. For any thread. */
const struct settings *worker_settings(const struct worker *worker);
/* At once, for a worker that does not run: tests. */
void worker_adopt(struct worker *worker, const struct settings *settings);
/* source.change; from the thread that will free the worker. */
void worker_change_source(struct worker *worker, const void *conf);

/* Runs until the source ends or *stop is set and the source is drained, then writes what is open
 * (worker_finish). */
bool worker_run(struct worker *worker, const volatile sig_atomic_t *stop, struct fault *fault);

/* In steps, for tests: one frame; the end. */
void worker_frame(struct worker *worker, const struct frame *frame);
void worker_finish(struct worker *worker);

/* What a running worker has seen so far, or a moment ago; for any thread. */
struct glimpse {
	struct counters counters;
	struct source_stats source;
	uint64_t exchanges[PROTOS_MAX][STATUS_COUNT]; /* written, by place in protos[] */
};

void glimpse_add(struct glimpse *sum, const struct glimpse *more);
void worker_glimpse(const struct worker *worker, struct glimpse *to);

/* Grows with each round of worker_run, ten times a second where nothing comes; for any thread. */
#define WORKER_ENDED UINT64_MAX
uint64_t worker_beat(const struct worker *worker);

/* Once it has ended: all of it, exactly. */
void worker_totals(struct worker *worker, struct glimpse *to);
const struct counters *worker_counters(const struct worker *worker);
size_t worker_memory_most(const struct worker *worker);

#endif
