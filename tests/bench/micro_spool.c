/*
 * What the queue costs: documents go from a worker through funnel, spool and couriers to an output
 * that takes everything at once. Then a worker beside an output that takes nothing, and beside one
 * that does, in turn: its processor time for a document must be the same, within a twentieth in one
 * of several comparisons; else it fails.
 *
 *   micro_spool [DOCUMENTS [BYTES [FOLDER]]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shipper/base/log.h"
#include "shipper/base/must.h"
#include "shipper/publish/funnel.h"
#include "shipper/publish/publisher.h"

enum { ROUNDS = 7, COMPARISONS = 5, HANDLES = 2, BATCH_BYTES = 5 << 20, BATCH_DOCUMENTS = 1600 };

#define SLOWER_MOST 0.05

static bool dead; /* the output takes nothing */

static void sink_demand(const void *conf, struct demand *demand)
{
	(void)conf;
	*demand = (struct demand){.handles = HANDLES,
				  .batch_bytes = BATCH_BYTES,
				  .batch_documents = BATCH_DOCUMENTS,
				  .remote = true};
}

static bool sink_open(void *self, const void *conf, struct fault *fault)
{
	(void)self, (void)conf, (void)fault;
	return true;
}

static void sink_send(void *self, struct batch *b, struct fault *fault)
{
	(void)self;
	for (size_t i = 0; i < b->count; i++)
		b->entries[i].verdict = dead ? VERDICT_AGAIN : VERDICT_DELIVERED;
	if (dead)
		fault_set(fault, "it is dead");
}

static void sink_close(void *self)
{
	(void)self;
}

static const struct output sink = {
	.name = "sink",
	.self_size = 1,
	.demand = sink_demand,
	.open = sink_open,
	.send = sink_send,
	.close = sink_close,
};

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static double cpu(__rusage_who_t who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return seconds(&usage.ru_utime) + seconds(&usage.ru_stime);
}

struct cost {
	double cpu, wall,
		worker; /* seconds: of the process, by the clock, of the worker's thread */
	uint64_t delivered;
};

/* As the engine does, but for the document's making: it is copied. */
static void write_documents(struct funnel *f, uint64_t documents, struct bytes text)
{
	for (uint64_t i = 0; i < documents; i++) {
		struct buf *room;
		char id[33];

		while ((room = funnel_sink.room(f)) == NULL)
			usleep(100);
		size_t at = room->len;

		buf_add(room, text);
		snprintf(id, sizeof(id), "%032" PRIu64, i);
		funnel_sink.wrote(f, at, 0, id);
	}
	funnel_sink.flush(f, true);
}

static struct cost run(const struct publish_conf *conf, uint64_t documents, struct bytes text)
{
	struct publish_stats stats;
	struct fault fault = {0};
	struct cost cost = {0};
	double before = cpu(RUSAGE_SELF), thread = cpu(RUSAGE_THREAD);
	struct mono begin = mono_now();
	struct publisher *p = publisher_open(conf, &sink, NULL, 1, &fault);

	if (p == NULL) {
		fprintf(stderr, "%s\n", fault.text);
		exit(1);
	}
	write_documents(publisher_funnel(p, 0), documents, text);
	cost.worker = cpu(RUSAGE_THREAD) - thread;
	publisher_close(p, dead ? 0 : INT64_MAX, &stats, &fault);
	cost.wall = (double)(mono_now().ns - begin.ns) / NS_PER_S;
	cost.cpu = cpu(RUSAGE_SELF) - before;
	cost.delivered = stats.delivered;
	must(stats.handed == documents && publish_lost(&stats) == 0);
	return cost;
}

static int by_cpu(const void *a, const void *b)
{
	const struct cost *x = a, *y = b;

	return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

static int by_worker(const void *a, const void *b)
{
	const struct cost *x = a, *y = b;

	return (x->worker > y->worker) - (x->worker < y->worker);
}

static void empty(const char *folder)
{
	char command[512];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	must(system(command) == 0);
}

static void measure(const char *name, const struct publish_conf *conf, uint64_t documents,
		    struct bytes text)
{
	struct cost costs[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		costs[i] = run(conf, documents, text);
		must(costs[i].delivered == documents);
		empty(conf->spool.path);
	}
	qsort(costs, ROUNDS, sizeof(costs[0]), by_cpu);
	const struct cost *c = &costs[ROUNDS / 2];

	printf("%-22s%6.3f s CPU, %6.3f s: %5.0f k documents and %4.0f MB a CPU second, %4.0f "
	       "MB/s\n",
	       name, c->cpu, c->wall, (double)documents / c->cpu / 1e3,
	       (double)documents * (double)text.len / c->cpu / 1e6,
	       (double)documents * (double)text.len / c->wall / 1e6);
}

/* In turn, so that what else the machine does falls on both. By how much a worker is slower beside
 * an output that is dead, as a share; negative where it is quicker. */
static double side_by_side(const struct publish_conf *conf, uint64_t documents, struct bytes text)
{
	struct cost well[3 * ROUNDS], gone[3 * ROUNDS];

	for (int i = 0; i < 3 * ROUNDS; i++) {
		dead = false;
		well[i] = run(conf, documents, text);
		empty(conf->spool.path);
		dead = true;
		gone[i] = run(conf, documents, text);
		empty(conf->spool.path);
	}
	qsort(well, 3 * ROUNDS, sizeof(well[0]), by_worker);
	qsort(gone, 3 * ROUNDS, sizeof(gone[0]), by_worker);
	/* The best rounds are those that other work disturbed least. */
	double a = well[ROUNDS / 2].worker, b = gone[ROUNDS / 2].worker;

	printf("a worker, output well  %5.0f ns a document; output dead %5.0f ns: %+.1f %%\n",
	       a / (double)documents * 1e9, b / (double)documents * 1e9, (b - a) / a * 100);
	return (b - a) / a;
}

static bool is_slowed(const struct publish_conf *conf, uint64_t documents, struct bytes text)
{
	for (int i = 0; i < COMPARISONS; i++)
		if (side_by_side(conf, documents, text) <= SLOWER_MOST)
			return false;
	fprintf(stderr, "a worker is slower beside an output that is dead\n");
	return true;
}

int main(int argc, char **argv)
{
	uint64_t documents = argc > 1 ? strtoull(argv[1], NULL, 10) : 300000;
	size_t size = argc > 2 ? strtoull(argv[2], NULL, 10) : 1300;
	char folder[256];
	struct publish_conf conf = {0};
	struct buf text = {0};

	must(documents > 0 && size > 1);
	option_default(publish_options, &conf);
	snprintf(folder, sizeof(folder), "%s/wirespan-bench-%ld", argc > 3 ? argv[3] : "/tmp",
		 (long)getpid());
	free(conf.spool.path);
	conf.spool.path = folder;
	memset(buf_room(&text, size), 'x', size);
	text.len = size;
	text.at[size - 1] = '\n';
	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_PLAIN);
	printf("%" PRIu64 " documents of %zu bytes, %s, medians of %d rounds\n", documents, size,
	       folder, ROUNDS);
	conf.queue = QUEUE_MEMORY;
	measure("memory", &conf, documents, buf_bytes(&text));
	conf.queue = QUEUE_SPOOL;
	measure("spool, fsync interval", &conf, documents, buf_bytes(&text));
	conf.spool.sync = SPOOL_SYNC_NEVER;
	measure("spool, fsync never", &conf, documents, buf_bytes(&text));
	conf.spool.sync = SPOOL_SYNC_INTERVAL;
	bool slowed = is_slowed(&conf, documents / 4, buf_bytes(&text));

	buf_fini(&text);
	conf.spool.path = NULL;
	option_free(publish_options, &conf);
	return slowed;
}
