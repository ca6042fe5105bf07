#include "shipper/publish/publisher.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "shipper/publish/courier.h"
#include "shipper/publish/funnel.h"

enum {
	/* Closing: how often to look at the stop flag; how long past the limit an output may stay
	 * within one call before it is left behind. */
	CLOSE_LOOK_MS = 50,
	CLOSE_GRACE_MS = 1000,
};

struct publisher {
	struct publish_conf conf;
	const struct output *output;
	struct funnel **funnels;
	unsigned count;
	unsigned turn; /* whose batch is next */
	struct courier *couriers;
	struct funnel **from; /* by courier: where its batch is from */
	unsigned couriers_count;
	pthread_mutex_t take; /* one courier at a time looks for a batch, or waits for one */
	pthread_mutex_t back; /* one at a time gives one back */
	struct closing closing;
	struct bell work;  /* rung for the courier that waits: a batch, a reopen, the end */
	struct bell ended; /* rung by a courier when it is done */
};

const struct option publish_options[] = {
	{.name = "batch_size",
	 .type = OPTION_SIZE,
	 .offset = offsetof(struct publish_conf, batch_bytes),
	 .preset = "256KiB",
	 .min = 4096,
	 .max = 64 << 20,
	 .help = "Documents are handed to the output when so many bytes are together."},
	{.name = "batches",
	 .type = OPTION_INT,
	 .offset = offsetof(struct publish_conf, batches),
	 .preset = "64",
	 .min = 2,
	 .max = 1 << 16,
	 .help = "What may wait for the output, for each worker; when all are full, documents are "
		 "dropped and counted."},
	{.name = "flush_interval",
	 .type = OPTION_DURATION,
	 .offset = offsetof(struct publish_conf, flush_interval),
	 .preset = "1s",
	 .min = NS_PER_MS,
	 .max = (int64_t)3600 * NS_PER_S,
	 .help = "Documents are handed to the output when the oldest is of this age."},
	{.name = "retry_wait",
	 .type = OPTION_DURATION,
	 .offset = offsetof(struct publish_conf, retry_wait),
	 .preset = "1s",
	 .min = NS_PER_MS,
	 .max = (int64_t)3600 * NS_PER_S,
	 .help = "The longest wait after a first failure; it doubles with each further one. Waits "
		 "are random up to it."},
	{.name = "retry_wait_limit",
	 .type = OPTION_DURATION,
	 .offset = offsetof(struct publish_conf, retry_wait_limit),
	 .preset = "60s",
	 .min = NS_PER_MS,
	 .max = (int64_t)24 * 3600 * NS_PER_S,
	 .help = "It does not grow past this."},
	{0},
};

/* Takes turns, so that a busy worker does not keep others waiting. */
static struct batch *next_batch(struct publisher *p, struct funnel **from)
{
	for (unsigned i = 0; i < p->count; i++) {
		struct funnel *f = p->funnels[(p->turn + i) % p->count];
		struct batch *b = funnel_take(f);

		if (b != NULL) {
			p->turn = (p->turn + i + 1) % p->count;
			*from = f;
			return b;
		}
	}
	return NULL;
}

static bool has_work(const struct publisher *p, unsigned which)
{
	for (unsigned i = 0; i < p->count; i++)
		if (ring_has(&p->funnels[i]->full))
			return true;
	return atomic_load(&p->closing.begun) || courier_reopening(&p->couriers[which]);
}

static void wait_for_work(struct publisher *p, unsigned which)
{
	bell_listen(&p->work);
	if (has_work(p, which))
		bell_ignore(&p->work);
	else
		bell_wait(&p->work, BELL_FOREVER);
}

static struct batch *memory_take(void *self, unsigned which)
{
	struct publisher *p = self;

	must(pthread_mutex_lock(&p->take) == 0);
	struct batch *b = next_batch(p, &p->from[which]);

	if (b == NULL) {
		wait_for_work(p, which);
		b = next_batch(p, &p->from[which]);
	}
	must(pthread_mutex_unlock(&p->take) == 0);
	return b;
}

static void memory_done(void *self, unsigned which, struct batch *b, bool settled)
{
	struct publisher *p = self;

	(void)settled;
	must(pthread_mutex_lock(&p->back) == 0);
	funnel_back(p->from[which], b);
	must(pthread_mutex_unlock(&p->back) == 0);
}

/* ---- Opening ---- */

static void publisher_free(struct publisher *p)
{
	for (unsigned i = 0; i < p->couriers_count; i++)
		courier_fini(&p->couriers[i]);
	for (unsigned i = 0; i < p->count; i++)
		funnel_free(p->funnels[i]);
	free(p->couriers);
	free(p->from);
	free(p->funnels);
	bell_fini(&p->work);
	bell_fini(&p->ended);
	must(pthread_mutex_destroy(&p->take) == 0);
	must(pthread_mutex_destroy(&p->back) == 0);
	free(p);
}

static struct backoff start_backoff(const struct publish_conf *conf, unsigned which)
{
	nsec first = conf->retry_wait, limit = conf->retry_wait_limit;

	must(first > 0);
	return (struct backoff){
		.first = first,
		.limit = limit > first ? limit : first,
		.random = ((uint64_t)mono_now().ns << 8 | which) | UINT64_C(1) << 63,
	};
}

static bool open_couriers(struct publisher *p, const void *conf, unsigned count,
			  struct fault *fault)
{
	p->couriers = must_alloc(count * sizeof(p->couriers[0]));
	p->from = must_alloc(count * sizeof(p->from[0]));
	for (unsigned i = 0; i < count; i++) {
		struct courier *c = &p->couriers[i];

		c->supply = (struct supply){memory_take, memory_done, p};
		c->closing = &p->closing;
		c->stop = p->conf.stop;
		c->which = i;
		if (!courier_open(c, p->output, conf, start_backoff(&p->conf, i), fault))
			return false;
		p->couriers_count++;
	}
	return true;
}

static void begin_closing(struct publisher *p, int64_t give_up)
{
	atomic_store(&p->closing.give_up, give_up);
	atomic_store(&p->closing.begun, true);
	bell_ring(&p->work);
	for (unsigned i = 0; i < p->couriers_count; i++)
		courier_hurry(&p->couriers[i]);
}

static void join_couriers(struct publisher *p, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		must(pthread_join(p->couriers[i].thread, NULL) == 0);
}

static bool start_couriers(struct publisher *p, struct fault *fault)
{
	unsigned n = 0;

	while (n < p->couriers_count && courier_start(&p->couriers[n], fault))
		n++;
	if (n == p->couriers_count)
		return true;
	begin_closing(p, 0);
	join_couriers(p, n);
	return false;
}

struct publisher *publisher_open(const struct publish_conf *conf, const struct output *output,
				 const void *output_conf, unsigned funnels, struct fault *fault)
{
	struct publisher *p = must_alloc(sizeof(*p));
	struct demand demand = {0};

	p->conf = *conf;
	p->output = output;
	if (output->demand != NULL)
		output->demand(output_conf, &demand);
	if (demand.batch_bytes > 0 && (int64_t)demand.batch_bytes < p->conf.batch_bytes)
		p->conf.batch_bytes = (int64_t)demand.batch_bytes;
	p->conf.batch_documents = demand.batch_documents;
	p->closing.ended = &p->ended;
	bell_init(&p->work);
	bell_init(&p->ended);
	must(pthread_mutex_init(&p->take, NULL) == 0);
	must(pthread_mutex_init(&p->back, NULL) == 0);
	p->funnels = must_alloc(funnels * sizeof(p->funnels[0]));
	for (p->count = 0; p->count < funnels; p->count++)
		p->funnels[p->count] = funnel_new(&p->conf, &p->work);
	if (open_couriers(p, output_conf, demand.handles > 0 ? demand.handles : 1, fault) &&
	    start_couriers(p, fault))
		return p;
	publisher_free(p);
	return NULL;
}

struct funnel *publisher_funnel(struct publisher *p, unsigned which)
{
	must(which < p->count);
	return p->funnels[which];
}

void publisher_reopen(struct publisher *p)
{
	for (unsigned i = 0; i < p->couriers_count; i++)
		courier_reopen(&p->couriers[i]);
	bell_ring(&p->work);
}

bool publisher_gone(const struct publisher *p)
{
	for (unsigned i = 0; i < p->couriers_count; i++)
		if (atomic_load(&p->couriers[i].sender.gone))
			return true;
	return false;
}

void publisher_stats(const struct publisher *p, struct publish_stats *stats)
{
	*stats = (struct publish_stats){0};
	/* What is decided is read before what was handed: queued may be a moment old, never below
	 * zero. */
	for (unsigned i = 0; i < p->couriers_count; i++) {
		const struct sender *s = &p->couriers[i].sender;

		stats->delivered += tally_read(&s->delivered);
		stats->refused += tally_read(&s->refused);
		stats->abandoned += tally_read(&s->abandoned);
		stats->retries += tally_read(&s->retries);
		stats->bytes += tally_read(&s->bytes);
	}
	for (unsigned i = 0; i < p->count; i++) {
		stats->handed += tally_read(&p->funnels[i]->handed);
		stats->dropped += tally_read(&p->funnels[i]->dropped);
	}
	stats->queued = stats->handed - stats->delivered - stats->refused - stats->abandoned;
}

/* ---- Closing ---- */

static bool all_done(const struct publisher *p)
{
	for (unsigned i = 0; i < p->couriers_count; i++)
		if (!atomic_load(&p->couriers[i].done))
			return false;
	return true;
}

/* Until the threads are done, or one stays in one call of the output long past the limit. Asked to
 * stop while it waits, it gives up at once. */
static bool wait_for_end(struct publisher *p)
{
	volatile sig_atomic_t *stop = p->conf.stop;
	bool stopped = stop != NULL && __atomic_load_n(stop, __ATOMIC_RELAXED);

	for (;;) {
		bell_listen(&p->ended);
		if (all_done(p)) {
			bell_ignore(&p->ended);
			return true;
		}
		int64_t now = mono_now().ns;

		if (!stopped && stop != NULL && __atomic_load_n(stop, __ATOMIC_RELAXED)) {
			stopped = true;
			if (atomic_load(&p->closing.give_up) > now)
				begin_closing(p, now);
		}
		if (now - (int64_t)CLOSE_GRACE_MS * NS_PER_MS >= atomic_load(&p->closing.give_up)) {
			bell_ignore(&p->ended);
			return all_done(p);
		}
		bell_wait(&p->ended, (nsec)CLOSE_LOOK_MS * NS_PER_MS);
	}
}

/* The last failure that a courier had. */
static const char *last_failure(const struct publisher *p)
{
	for (unsigned i = 0; i < p->couriers_count; i++)
		if (p->couriers[i].sender.fault.text[0])
			return p->couriers[i].sender.fault.text;
	return "out of time";
}

static bool close_fault(const struct publisher *p, const struct publish_stats *stats, bool ended,
			struct fault *fault)
{
	const char *why = ended ? last_failure(p) : "it does not return";

	if (stats->abandoned > 0 && !publisher_gone(p))
		return fault_set(fault, "output %s: %" PRIu64 " documents were not delivered: %s",
				 p->output->name, stats->abandoned, why);
	if (stats->refused > 0)
		return fault_set(fault, "output %s refused %" PRIu64 " documents", p->output->name,
				 stats->refused);
	for (unsigned i = 0; ended && i < p->couriers_count; i++)
		if (p->couriers[i].last.text[0])
			return fault_set(fault, "%s", p->couriers[i].last.text);
	return true;
}

bool publisher_close(struct publisher *p, nsec limit, struct publish_stats *stats,
		     struct fault *fault)
{
	struct publish_stats last;
	int64_t give_up = 0;

	for (unsigned i = 0; i < p->count; i++)
		funnel_flush(p->funnels[i], true);
	if (__builtin_add_overflow(mono_now().ns, limit, &give_up))
		give_up = INT64_MAX;
	begin_closing(p, give_up);

	bool ended = wait_for_end(p);

	if (ended)
		join_couriers(p, p->couriers_count);
	publisher_stats(p, &last);
	last.abandoned += last.queued;
	last.queued = 0;
	if (stats != NULL)
		*stats = last;
	bool well = close_fault(p, &last, ended, fault);

	/* A thread that the output keeps still uses all of it: the program's end frees that. */
	if (ended)
		publisher_free(p);
	else
		for (unsigned i = 0; i < p->couriers_count; i++)
			must(pthread_detach(p->couriers[i].thread) == 0);
	return well;
}
