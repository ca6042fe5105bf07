#include "shipper/capture/pace.h"

#include <stdlib.h>

#include "shipper/base/must.h"

enum { NAP_MS = 100 }; /* how long a caller waits for NEXT_IDLE at most */

/* The year 2255: times up to it can be added and subtracted without overflow. */
#define NSEC_LIMIT INT64_C(9000000000000000000)

struct pace {
	struct tap inner;
	struct pace_conf conf;
	bool begun;
	bool waiting;	   /* `held` is not due yet */
	struct frame held; /* borrowed from the source within, which is not asked meanwhile */
	nsec first;	   /* of the capture's own times */
	struct mono start; /* when the first frame was handed out */
};

static nsec wall_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (nsec)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static nsec moved(nsec when, nsec shift)
{
	nsec sum;

	if (__builtin_add_overflow(when, shift, &sum) || sum > NSEC_LIMIT)
		return shift > 0 ? NSEC_LIMIT : 0;
	return sum > 0 ? sum : 0;
}

/* How long until the frame held is due; 0 or less: now. */
static double due_in_ns(const struct pace *p)
{
	double since = (double)(mono_now().ns - p->start.ns);

	return (double)(p->held.when - p->first) / p->conf.speed - since;
}

/* False: it is not over yet. */
static bool nap(double ns)
{
	double most = (double)NAP_MS * NS_PER_MS;
	struct timespec t = {.tv_nsec = (long)(ns < most ? ns : most)};

	return nanosleep(&t, NULL) == 0 && ns <= most;
}

static void begin(struct pace *p, nsec when)
{
	p->begun = true;
	p->first = when;
	if (p->conf.first_is_now)
		p->conf.shift = wall_now() - when;
	if (p->conf.speed > 0)
		p->start = mono_now();
}

static enum next pace_next(void *self, struct frame *frame, struct fault *fault)
{
	struct pace *p = self;

	if (!p->waiting) {
		enum next got = p->inner.source->next(p->inner.self, &p->held, fault);

		if (got != NEXT_FRAME)
			return got;
		if (!p->begun)
			begin(p, p->held.when);
	}
	if (p->conf.speed > 0) {
		double ns = due_in_ns(p);

		p->waiting = ns > 0 && !nap(ns);
		if (p->waiting)
			return NEXT_IDLE;
	}
	*frame = p->held;
	frame->when = moved(frame->when, p->conf.shift);
	return NEXT_FRAME;
}

static void pace_stats(void *self, struct source_stats *stats)
{
	struct pace *p = self;

	p->inner.source->stats(p->inner.self, stats);
}

static void pace_close(void *self)
{
	struct pace *p = self;

	p->inner.source->close(p->inner.self);
	free(p);
}

static const struct source pace_source = {
	.name = "pace",
	.next = pace_next,
	.stats = pace_stats,
	.close = pace_close,
};

void pace_open(struct tap *tap, struct tap inner, const struct pace_conf *conf)
{
	struct pace *p = must_alloc(sizeof(*p));

	must(conf->speed >= 0);
	*p = (struct pace){.inner = inner, .conf = *conf};
	*tap = (struct tap){&pace_source, p};
}

nsec pace_shift_to_now(nsec first, nsec last, double speed, nsec now)
{
	double span = speed > 0 ? (double)(last - first) / speed : 0;
	double most = (double)NSEC_LIMIT / 2;

	return now - last + (nsec)(span < most ? span : most);
}
