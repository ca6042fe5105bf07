#include "shipper/publish/publisher.h"

#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "shipper/base/log.h"
#include "shipper/publish/courier.h"
#include "shipper/publish/dead_letters.h"
#include "shipper/publish/funnel.h"
#include "shipper/publish/spooler.h"

enum {
	/* Closing: how often to look at the stop flag; how long past the limit an output may stay
	 * within one call before it is left behind. */
	CLOSE_LOOK_MS = 50,
	CLOSE_GRACE_MS = 2500,
};

#define DEAD_LETTERS "dead-letters.ndjson"

struct publisher {
	struct publish_conf conf;
	const struct output *output;
	struct funnels funnels;
	struct spooler *spooler;   /* NULL: without a spool */
	struct dead_letters *dead; /* NULL: refused documents are only counted */
	struct courier *couriers;
	struct funnel **from; /* by courier: where its batch is from */
	unsigned couriers_count;
	pthread_mutex_t take; /* one courier at a time looks for a batch, or waits for one */
	pthread_mutex_t back; /* one at a time gives one back */
	struct closing closing;
	struct bell ended; /* rung by a courier when it is done */
};

/* ---- Without a spool: couriers take from the funnels ---- */

static void wait_for_work(struct publisher *p, unsigned which)
{
	struct bell *work = &p->funnels.work;

	bell_listen(work);
	if (funnels_have(&p->funnels) || atomic_load(&p->closing.begun) ||
	    courier_reopening(&p->couriers[which]))
		bell_ignore(work);
	else
		bell_wait(work, BELL_FOREVER);
}

static struct batch *memory_take(void *self, unsigned which)
{
	struct publisher *p = self;

	must(pthread_mutex_lock(&p->take) == 0);
	struct batch *b = funnels_take(&p->funnels, &p->from[which]);

	if (b == NULL) {
		wait_for_work(p, which);
		b = funnels_take(&p->funnels, &p->from[which]);
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
	spooler_free(p->spooler);
	dead_letters_free(p->dead);
	funnels_fini(&p->funnels);
	free(p->couriers);
	free(p->from);
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

static bool with_spool(const struct publish_conf *conf, const struct demand *demand)
{
	if (conf->wait || conf->queue == QUEUE_MEMORY)
		return false;
	return conf->queue == QUEUE_SPOOL || demand->remote;
}

static bool open_spooler(struct publisher *p, const struct demand *demand, struct fault *fault)
{
	struct spooler_conf conf = {
		.spool = p->conf.spool,
		.batch_bytes =
			demand->batch_bytes > 0 ? demand->batch_bytes : (size_t)p->conf.batch_bytes,
		.batch_documents = demand->batch_documents,
		.couriers = demand->handles,
	};

	p->spooler = spooler_open(&conf, &p->funnels, &p->closing, fault);
	return p->spooler != NULL;
}

bool publish_stores(const struct publish_conf *conf, const struct demand *demand)
{
	return with_spool(conf, demand) || (demand->remote && !conf->wait);
}

/* A replay belongs to the person who called it: what is refused goes where that one is. */
void publish_dead_letters(const struct publish_conf *conf, char to[PATH_MAX])
{
	if (conf->dead_letters != NULL && conf->dead_letters[0] != '\0')
		snprintf(to, PATH_MAX, "%s", conf->dead_letters);
	else if (conf->wait)
		snprintf(to, PATH_MAX, "wirespan-" DEAD_LETTERS);
	else
		snprintf(to, PATH_MAX, "%s/" DEAD_LETTERS, conf->spool.path);
}

static struct dead_letters *open_dead_letters(const struct publisher *p)
{
	char path[PATH_MAX];

	publish_dead_letters(&p->conf, path);
	return dead_letters_new(path, p->output->name, (uint64_t)p->conf.dead_letters_size,
				(unsigned)p->conf.dead_letters_files);
}

static bool open_couriers(struct publisher *p, const void *conf, unsigned count,
			  struct fault *fault)
{
	struct supply supply = {memory_take, memory_done, p};

	if (p->spooler != NULL)
		supply = spooler_supply(p->spooler);
	p->couriers = must_alloc(count * sizeof(p->couriers[0]));
	p->from = must_alloc(count * sizeof(p->from[0]));
	for (unsigned i = 0; i < count; i++) {
		struct courier *c = &p->couriers[i];

		c->supply = supply;
		c->closing = &p->closing;
		c->stop = p->conf.stop;
		c->which = i;
		if (!courier_open(c, p->output, conf, start_backoff(&p->conf, i), fault))
			return false;
		c->sender.returns = p->spooler != NULL;
		c->sender.dead = p->dead;
		p->couriers_count++;
	}
	return true;
}

static void begin_closing(struct publisher *p, int64_t give_up)
{
	atomic_store(&p->closing.give_up, give_up);
	atomic_store(&p->closing.begun, true);
	bell_ring(&p->funnels.work);
	if (p->spooler != NULL)
		spooler_hurry(p->spooler);
	for (unsigned i = 0; i < p->couriers_count; i++)
		courier_hurry(&p->couriers[i]);
}

static void join_couriers(struct publisher *p, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		must(pthread_join(p->couriers[i].thread, NULL) == 0);
}

static bool start_threads(struct publisher *p, struct fault *fault)
{
	unsigned n = 0;
	bool well = p->spooler == NULL || spooler_start(p->spooler, fault);

	while (well && n < p->couriers_count && courier_start(&p->couriers[n], fault))
		n++;
	if (well && n == p->couriers_count)
		return true;
	begin_closing(p, 0);
	join_couriers(p, n);
	if (p->spooler != NULL)
		spooler_end(p->spooler);
	return false;
}

/* Without a spool, a worker's batch is what the output gets. */
static void fit_batches(struct publish_conf *conf, const struct demand *demand)
{
	if (demand->batch_bytes > 0 && (int64_t)demand->batch_bytes < conf->batch_bytes)
		conf->batch_bytes = (int64_t)demand->batch_bytes;
	conf->batch_documents = demand->batch_documents;
}

static void fit_waits(struct publish_conf *conf, const struct demand *demand)
{
	if (demand->retry_wait > 0)
		conf->retry_wait = demand->retry_wait;
	if (demand->retry_wait_limit > 0)
		conf->retry_wait_limit = demand->retry_wait_limit;
}

static bool open_all(struct publisher *p, const struct demand *demand, bool spooled,
		     const void *output_conf, struct fault *fault)
{
	if (spooled && !open_spooler(p, demand, fault))
		return false;
	if (spooled || demand->remote)
		p->dead = open_dead_letters(p);
	return open_couriers(p, output_conf, demand->handles, fault) && start_threads(p, fault);
}

struct publisher *publisher_open(const struct publish_conf *conf, const struct output *output,
				 const void *output_conf, unsigned funnels, struct fault *fault)
{
	struct publisher *p = must_alloc(sizeof(*p));
	struct demand demand = {0};

	if (output->demand != NULL)
		output->demand(output_conf, &demand);
	demand.handles = demand.handles > 0 ? demand.handles : 1;
	bool spooled = with_spool(conf, &demand);

	if (conf->wait && conf->queue == QUEUE_SPOOL)
		log_info("queue: a replay waits for its output and has no spool, whatever "
			 "queue.type says");
	p->conf = *conf;
	p->output = output;
	p->closing.ended = &p->ended;
	atomic_store(&p->closing.give_up, INT64_MAX);
	if (!spooled)
		fit_batches(&p->conf, &demand);
	fit_waits(&p->conf, &demand);
	bell_init(&p->ended);
	must(pthread_mutex_init(&p->take, NULL) == 0);
	must(pthread_mutex_init(&p->back, NULL) == 0);
	funnels_init(&p->funnels, &p->conf, funnels);
	if (open_all(p, &demand, spooled, output_conf, fault))
		return p;
	publisher_free(p);
	return NULL;
}

struct funnel *publisher_funnel(struct publisher *p, unsigned which)
{
	must(which < p->funnels.count);
	return p->funnels.at[which];
}

void publisher_reopen(struct publisher *p)
{
	for (unsigned i = 0; i < p->couriers_count; i++)
		courier_reopen(&p->couriers[i]);
	bell_ring(&p->funnels.work);
	if (p->spooler != NULL)
		spooler_hurry(p->spooler);
}

bool publisher_change(struct publisher *p, const void *output_conf, struct fault *fault)
{
	void **selves = must_alloc(p->couriers_count * sizeof(selves[0]));
	unsigned n = 0;

	if (p->output->finish != NULL) {
		free(selves);
		return fault_set(fault, "output %s cannot change before its end", p->output->name);
	}
	for (; n < p->couriers_count; n++) {
		selves[n] = must_alloc(p->output->self_size);
		if (!p->output->open(selves[n], output_conf, fault))
			break;
	}
	bool well = n == p->couriers_count;

	if (!well)
		free(selves[n]);
	for (unsigned i = 0; i < n; i++)
		if (well) {
			courier_change(&p->couriers[i], selves[i]);
		} else {
			p->output->close(selves[i]);
			free(selves[i]);
		}
	free(selves);
	bell_ring(&p->funnels.work);
	if (p->spooler != NULL)
		spooler_hurry(p->spooler);
	return well;
}

bool publisher_changing(const struct publisher *p)
{
	for (unsigned i = 0; i < p->couriers_count; i++)
		if (courier_changing(&p->couriers[i]))
			return true;
	return false;
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
		stats->failing += atomic_load_explicit(&s->failing, memory_order_relaxed);
		stats->bytes += tally_read(&s->bytes);
	}
	if (p->spooler != NULL) {
		struct spool_stats spool;

		spooler_stats(p->spooler, &spool);
		stats->recovered = spool.recovered;
		stats->spooled = spool.spooled;
		memcpy(stats->lost, spool.lost, sizeof(stats->lost));
		stats->spool_bytes = spool.bytes;
	}
	for (unsigned i = 0; i < p->funnels.count; i++) {
		stats->handed += tally_read(&p->funnels.at[i]->handed);
		stats->dropped += tally_read(&p->funnels.at[i]->dropped);
	}
	stats->queued = stats->handed + stats->recovered - stats->delivered - stats->refused -
			stats->abandoned - publish_lost(stats);
}

uint64_t publish_lost(const struct publish_stats *stats)
{
	uint64_t sum = 0;

	for (int i = 0; i < SPOOL_LOSSES; i++)
		sum += stats->lost[i];
	return sum;
}

void publish_count(const struct publish_stats *stats, struct counters *to)
{
	static const enum counter lost[SPOOL_LOSSES] = {
		[SPOOL_LOST_NEWEST] = COUNT_QUEUE_NEWEST,   [SPOOL_LOST_DISK] = COUNT_QUEUE_DISK,
		[SPOOL_LOST_OLDEST] = COUNT_QUEUE_OLDEST,   [SPOOL_LOST_AGE] = COUNT_QUEUE_AGE,
		[SPOOL_LOST_DAMAGED] = COUNT_QUEUE_DAMAGED,
	};

	count_n(to, COUNT_DOCUMENTS_DELIVERED, stats->delivered);
	count_n(to, COUNT_DOCUMENTS_REFUSED, stats->refused);
	count_n(to, COUNT_DOCUMENTS_ABANDONED, stats->abandoned);
	count_n(to, COUNT_QUEUE_HANDED, stats->handed);
	count_n(to, COUNT_QUEUE_RECOVERED, stats->recovered);
	for (int i = 0; i < SPOOL_LOSSES; i++)
		count_n(to, lost[i], stats->lost[i]);
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
	if (stats->refused > 0 && p->dead == NULL)
		return fault_set(fault, "output %s refused %" PRIu64 " documents", p->output->name,
				 stats->refused);
	for (unsigned i = 0; ended && i < p->couriers_count; i++)
		if (p->couriers[i].last.text[0])
			return fault_set(fault, "%s", p->couriers[i].last.text);
	if (stats->refused > 0 && p->conf.wait)
		return fault_set(fault, "output %s refused %" PRIu64 " documents; they are in %s",
				 p->output->name, stats->refused, dead_letters_path(p->dead));
	return true;
}

static void say_what_stays(const struct publisher *p, const struct publish_stats *stats)
{
	if (stats->refused > 0 && p->dead != NULL && !p->conf.wait)
		log_warning("output %s refused %" PRIu64 " documents; they are in %s",
			    p->output->name, stats->refused, dead_letters_path(p->dead));
	if (stats->queued > 0)
		log_info("queue: %" PRIu64 " documents wait in %s for the next start",
			 stats->queued, p->conf.spool.path);
}

bool publisher_close(struct publisher *p, nsec limit, struct publish_stats *stats,
		     struct fault *fault)
{
	struct publish_stats last;
	int64_t give_up = 0;

	for (unsigned i = 0; i < p->funnels.count; i++)
		funnel_flush(p->funnels.at[i], true);
	if (__builtin_add_overflow(mono_now().ns, limit, &give_up))
		give_up = INT64_MAX;
	begin_closing(p, give_up);

	bool ended = wait_for_end(p);

	if (ended)
		join_couriers(p, p->couriers_count);
	if (p->spooler != NULL)
		spooler_end(p->spooler);
	publisher_stats(p, &last);
	if (p->spooler == NULL) {
		last.abandoned += last.queued;
		last.queued = 0;
	}
	if (stats != NULL)
		*stats = last;
	bool well = close_fault(p, &last, ended, fault);

	say_what_stays(p, &last);
	/* A thread that the output keeps still uses all of it: the program's end frees that. */
	if (ended)
		publisher_free(p);
	else
		for (unsigned i = 0; i < p->couriers_count; i++)
			must(pthread_detach(p->couriers[i].thread) == 0);
	return well;
}
