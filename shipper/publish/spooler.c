#include "shipper/publish/spooler.h"

#include <stdlib.h>
#include <string.h>

#include "shipper/base/must.h"
#include "shipper/guard/guard.h"

struct haul {
	struct batch batch;
	bool given_up; /* it stays in the spool, and nothing more is taken */
};

struct spooler {
	struct spooler_conf conf;
	struct funnels *funnels;
	const struct closing *closing;
	struct spool *spool;
	pthread_t thread;
	bool started, ended;
	struct haul *hauls;   /* by courier */
	pthread_mutex_t take; /* one courier at a time looks for a batch, or waits for one */
	struct bell news;     /* rung for that one: a batch was put, closing, all drained */
	atomic_bool nudged;   /* asked to return without one */
	atomic_bool drained;  /* closing, and the funnels are empty */
};

/* ---- From funnels to the spool ---- */

static void wait_for_work(struct spooler *s)
{
	struct bell *work = &s->funnels->work;

	bell_listen(work);
	if (funnels_have(s->funnels) || atomic_load(&s->closing->begun))
		bell_ignore(work);
	else
		bell_wait(work, BELL_FOREVER);
}

static void *spool_run(void *self)
{
	struct spooler *s = self;

	guard_enter(GUARD_SPOOL);
	for (;;) {
		bool closing = atomic_load(&s->closing->begun);
		struct funnel *from = NULL;
		struct batch *b = funnels_take(s->funnels, &from);

		if (b != NULL) {
			spool_put(s->spool, b);
			funnel_back(from, b);
		} else if (closing) {
			break;
		} else {
			wait_for_work(s);
		}
	}
	atomic_store(&s->drained, true);
	bell_ring(&s->news);
	return NULL;
}

/* ---- From the spool to couriers ---- */

static bool late(const struct spooler *s)
{
	return atomic_load(&s->closing->begun) &&
	       mono_now().ns >= atomic_load(&s->closing->give_up);
}

/* Is there nothing to wait for? */
static bool at_end(const struct spooler *s, const struct haul *h)
{
	return atomic_load(&s->closing->begun) &&
	       (late(s) || h->given_up || atomic_load(&s->drained));
}

/* How long to wait for news, at most; none: 0. */
static nsec patience(struct spooler *s, const struct haul *h)
{
	bool closing = atomic_load(&s->closing->begun);

	if (at_end(s, h) || (!closing && atomic_load(&s->nudged)) ||
	    (!h->given_up && spool_has(s->spool)))
		return 0;
	if (!closing || atomic_load(&s->closing->give_up) == INT64_MAX)
		return BELL_FOREVER;
	nsec left = atomic_load(&s->closing->give_up) - mono_now().ns;

	return left > 0 ? left : 0;
}

static void wait_for_news(struct spooler *s, const struct haul *h)
{
	bell_listen(&s->news);
	nsec most = patience(s, h);

	if (most > 0)
		bell_wait(&s->news, most);
	else
		bell_ignore(&s->news);
}

static struct batch *take(void *self, unsigned which)
{
	struct spooler *s = self;
	struct haul *h = &s->hauls[which];
	bool found = false, end = false;

	must(pthread_mutex_lock(&s->take) == 0);
	for (;;) {
		/* What is drained is all there: the order of these two matters. */
		end = at_end(s, h);
		found = !h->given_up && !late(s) &&
			spool_take(s->spool, which, &h->batch, s->conf.batch_bytes,
				   s->conf.batch_documents);
		if (found || end)
			break;
		if (!atomic_load(&s->closing->begun) && atomic_exchange(&s->nudged, false))
			break;
		wait_for_news(s, h);
	}
	must(pthread_mutex_unlock(&s->take) == 0);
	return found ? &h->batch : NULL;
}

static void done(void *self, unsigned which, struct batch *b, bool settled)
{
	struct spooler *s = self;

	(void)b;
	if (settled)
		spool_settle(s->spool, which);
	else
		s->hauls[which].given_up = true;
}

struct supply spooler_supply(struct spooler *s)
{
	return (struct supply){take, done, s};
}

/* ---- Life ---- */

struct spooler *spooler_open(const struct spooler_conf *conf, struct funnels *funnels,
			     const struct closing *closing, struct fault *fault)
{
	struct spooler *s = must_alloc(sizeof(*s));

	s->conf = *conf;
	s->funnels = funnels;
	s->closing = closing;
	s->hauls = must_alloc(conf->couriers * sizeof(s->hauls[0]));
	bell_init(&s->news);
	must(pthread_mutex_init(&s->take, NULL) == 0);
	s->spool = spool_open(&s->conf.spool, conf->couriers, &s->news, fault);
	if (s->spool != NULL)
		return s;
	spooler_free(s);
	return NULL;
}

/* Signals are the main thread's. */
bool spooler_start(struct spooler *s, struct fault *fault)
{
	sigset_t all, before;

	must(sigfillset(&all) == 0);
	must(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	int error = pthread_create(&s->thread, NULL, spool_run, s);

	must(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	s->started = error == 0;
	return s->started ||
	       fault_set(fault, "cannot start a thread for the queue: %s", strerror(error));
}

void spooler_hurry(struct spooler *s)
{
	atomic_store(&s->nudged, true);
	bell_ring(&s->news);
}

void spooler_end(struct spooler *s)
{
	if (s->ended)
		return;
	s->ended = true;
	if (s->started)
		must(pthread_join(s->thread, NULL) == 0);
	spool_end(s->spool);
}

void spooler_free(struct spooler *s)
{
	if (s == NULL)
		return;
	if (s->spool != NULL) {
		spooler_end(s);
		spool_free(s->spool);
	}
	for (unsigned i = 0; i < s->conf.couriers; i++) {
		buf_fini(&s->hauls[i].batch.text);
		buf_fini(&s->hauls[i].batch.reasons);
		free(s->hauls[i].batch.entries);
	}
	free(s->hauls);
	bell_fini(&s->news);
	must(pthread_mutex_destroy(&s->take) == 0);
	free(s);
}

void spooler_stats(struct spooler *s, struct spool_stats *stats)
{
	spool_stats(s->spool, stats);
}
