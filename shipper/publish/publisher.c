#include "shipper/publish/publisher.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "shipper/base/log.h"
#include "shipper/publish/funnel.h"
#include "shipper/publish/sender.h"

enum {
	/* Closing: how often to look at the stop flag; how long past the limit an output may stay
	 * within one call before it is left behind. */
	CLOSE_LOOK_MS = 50,
	CLOSE_GRACE_MS = 1000,
};

struct publisher {
	struct publish_conf conf;
	const struct output *output;
	void *self; /* the output's */
	struct funnel **funnels;
	unsigned count;
	unsigned turn; /* whose batch is next */
	struct sender sender;
	pthread_t thread;
	struct bell work;	 /* rung for the thread: a batch, a reopen, the end */
	struct bell ended;	 /* rung by the thread when it is done */
	atomic_bool reopen;	 /* asked for */
	atomic_bool closing;	 /* no batch comes any more */
	_Atomic int64_t give_up; /* when to, by the clock, once closing */
	atomic_bool done;	 /* the output is closed */
	bool hurried;		 /* the wait that closing found was cut short */
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

static void reopen_output(struct publisher *p)
{
	struct fault fault = {0};

	if (!atomic_exchange(&p->reopen, false) || p->output->reopen == NULL)
		return;
	p->output->reopen(p->self, &fault);
	if (fault.text[0])
		log_error("output %s: %s", p->output->name, fault.text);
}

/* The sender's wait: ends early for a reopen, which may be the cure, and when closing begins. */
static bool publisher_pause(void *self, nsec wait)
{
	struct publisher *p = self;
	int64_t end = mono_now().ns + wait;
	bool go_on = true;

	for (;;) {
		bell_listen(&p->work);
		bool closing = atomic_load(&p->closing);
		int64_t now = mono_now().ns;

		if (closing && end > atomic_load(&p->give_up))
			end = atomic_load(&p->give_up);
		go_on = !closing || now < atomic_load(&p->give_up);
		if (!go_on || now >= end || atomic_load(&p->reopen) || (closing && !p->hurried))
			break;
		bell_wait(&p->work, end - now);
	}
	bell_ignore(&p->work);
	p->hurried = atomic_load(&p->closing);
	reopen_output(p);
	return go_on;
}

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

static bool has_work(const struct publisher *p)
{
	for (unsigned i = 0; i < p->count; i++)
		if (ring_has(&p->funnels[i]->full))
			return true;
	return atomic_load(&p->closing) || atomic_load(&p->reopen);
}

static void wait_for_work(struct publisher *p)
{
	bell_listen(&p->work);
	if (has_work(p))
		bell_ignore(&p->work);
	else
		bell_wait(&p->work, BELL_FOREVER);
}

static void handle(struct publisher *p, struct batch *b)
{
	bool late = atomic_load(&p->closing) && mono_now().ns >= atomic_load(&p->give_up);

	if (late || atomic_load(&p->sender.gone)) {
		sender_abandon(&p->sender, b);
		return;
	}
	sender_send(&p->sender, b);
	if (atomic_load(&p->sender.gone) && p->conf.stop != NULL)
		__atomic_store_n(p->conf.stop, 1, __ATOMIC_RELAXED);
}

static void *publish(void *self)
{
	struct publisher *p = self;

	for (;;) {
		bool closing = atomic_load(&p->closing);
		struct funnel *from = NULL;
		struct batch *b = next_batch(p, &from);

		if (b != NULL) {
			handle(p, b);
			funnel_back(from, b);
		} else if (closing) {
			break;
		} else {
			wait_for_work(p);
		}
		reopen_output(p);
	}
	sender_end(&p->sender);
	p->output->close(p->self);
	atomic_store(&p->done, true);
	bell_ring(&p->ended);
	return NULL;
}

/* Signals are the main thread's: none may end a write early, or the program by SIGPIPE. */
static bool start_thread(struct publisher *p, struct fault *fault)
{
	sigset_t all, before;

	must(sigfillset(&all) == 0);
	must(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	int error = pthread_create(&p->thread, NULL, publish, p);

	must(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	if (error != 0)
		return fault_set(fault, "cannot start the publisher's thread: %s", strerror(error));
	return true;
}

static void publisher_free(struct publisher *p)
{
	for (unsigned i = 0; i < p->count; i++)
		funnel_free(p->funnels[i]);
	free(p->funnels);
	free(p->self);
	bell_fini(&p->work);
	bell_fini(&p->ended);
	free(p);
}

static struct backoff start_backoff(const struct publish_conf *conf)
{
	nsec first = conf->retry_wait, limit = conf->retry_wait_limit;

	must(first > 0);
	return (struct backoff){
		.first = first,
		.limit = limit > first ? limit : first,
		.random = (uint64_t)mono_now().ns | 1,
	};
}

struct publisher *publisher_open(const struct publish_conf *conf, const struct output *output,
				 const void *output_conf, unsigned funnels, struct fault *fault)
{
	struct publisher *p = must_alloc(sizeof(*p));

	p->conf = *conf;
	p->output = output;
	p->self = must_alloc(output->self_size);
	p->sender = (struct sender){
		.output = output,
		.self = p->self,
		.pause = publisher_pause,
		.pause_self = p,
		.backoff = start_backoff(conf),
	};
	bell_init(&p->work);
	bell_init(&p->ended);
	p->funnels = must_alloc(funnels * sizeof(p->funnels[0]));
	for (p->count = 0; p->count < funnels; p->count++)
		p->funnels[p->count] = funnel_new(&p->conf, &p->work);
	if (!output->open(p->self, output_conf, fault)) {
		publisher_free(p);
		return NULL;
	}
	if (!start_thread(p, fault)) {
		output->close(p->self);
		publisher_free(p);
		return NULL;
	}
	return p;
}

struct funnel *publisher_funnel(struct publisher *p, unsigned which)
{
	must(which < p->count);
	return p->funnels[which];
}

void publisher_reopen(struct publisher *p)
{
	atomic_store(&p->reopen, true);
	bell_ring(&p->work);
}

bool publisher_gone(const struct publisher *p)
{
	return atomic_load(&p->sender.gone);
}

void publisher_stats(const struct publisher *p, struct publish_stats *stats)
{
	/* What is decided is read before what was handed: queued may be a moment old, never below
	 * zero. */
	*stats = (struct publish_stats){
		.delivered = tally_read(&p->sender.delivered),
		.refused = tally_read(&p->sender.refused),
		.abandoned = tally_read(&p->sender.abandoned),
		.retries = tally_read(&p->sender.retries),
		.bytes = tally_read(&p->sender.bytes),
	};
	for (unsigned i = 0; i < p->count; i++) {
		stats->handed += tally_read(&p->funnels[i]->handed);
		stats->dropped += tally_read(&p->funnels[i]->dropped);
	}
	stats->queued = stats->handed - stats->delivered - stats->refused - stats->abandoned;
}

/* Until the thread is done, or stays in one call of the output long past the limit. Asked to stop
 * while it waits, it gives up at once. */
static bool wait_for_end(struct publisher *p)
{
	volatile sig_atomic_t *stop = p->conf.stop;
	bool stopped = stop != NULL && __atomic_load_n(stop, __ATOMIC_RELAXED);

	for (;;) {
		bell_listen(&p->ended);
		if (atomic_load(&p->done)) {
			bell_ignore(&p->ended);
			return true;
		}
		int64_t now = mono_now().ns;

		if (!stopped && stop != NULL && __atomic_load_n(stop, __ATOMIC_RELAXED)) {
			stopped = true;
			if (atomic_load(&p->give_up) > now)
				atomic_store(&p->give_up, now);
			bell_ring(&p->work);
		}
		if (now - (int64_t)CLOSE_GRACE_MS * NS_PER_MS >= atomic_load(&p->give_up)) {
			bell_ignore(&p->ended);
			return atomic_load(&p->done);
		}
		bell_wait(&p->ended, (nsec)CLOSE_LOOK_MS * NS_PER_MS);
	}
}

static bool close_fault(const struct publisher *p, const struct publish_stats *stats, bool ended,
			struct fault *fault)
{
	const char *why = ended ? p->sender.fault.text : "it does not return";

	if (stats->abandoned > 0 && !publisher_gone(p))
		return fault_set(fault, "output %s: %" PRIu64 " documents were not delivered: %s",
				 p->output->name, stats->abandoned, why[0] ? why : "out of time");
	if (stats->refused > 0)
		return fault_set(fault, "output %s refused %" PRIu64 " documents", p->output->name,
				 stats->refused);
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
	atomic_store(&p->give_up, give_up);
	atomic_store(&p->closing, true);
	bell_ring(&p->work);

	bool ended = wait_for_end(p);

	if (ended)
		must(pthread_join(p->thread, NULL) == 0);
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
		must(pthread_detach(p->thread) == 0);
	return well;
}
