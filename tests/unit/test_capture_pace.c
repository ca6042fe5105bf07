/* Frames at their own pace, and moved in time. */
#include <criterion/criterion.h>

#include "shipper/capture/pace.h"

struct script {
	const nsec *times;
	size_t count, at;
	bool *closed;
};

static enum next script_next(void *self, struct frame *frame, struct fault *fault)
{
	struct script *s = self;

	(void)fault;
	if (s->at == s->count)
		return NEXT_END;
	*frame = (struct frame){.when = s->times[s->at++], .bytes = BYTES("x"), .link = 1};
	return NEXT_FRAME;
}

static void script_stats(void *self, struct source_stats *stats)
{
	struct script *s = self;

	*stats = (struct source_stats){.received = s->at};
}

static void script_close(void *self)
{
	struct script *s = self;

	*s->closed = true;
}

static const struct source script_source = {
	.name = "script",
	.next = script_next,
	.stats = script_stats,
	.close = script_close,
};

static nsec wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (nsec)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static struct tap paced(struct script *script, const struct pace_conf *conf)
{
	struct tap tap;

	pace_open(&tap, (struct tap){&script_source, script}, conf);
	return tap;
}

Test(capture_pace, shift_moves_every_time)
{
	static const nsec times[] = {100, 5000, 8999999999999999999, 0};
	bool closed = false;
	struct script script = {times, 4, 0, &closed};
	struct pace_conf conf = {.shift = -1000};
	struct tap tap = paced(&script, &conf);
	struct source_stats stats;
	struct frame frame;

	static const nsec want[] = {0, 4000, 8999999999999998999, 0};
	for (size_t i = 0; i < 4; i++) {
		cr_expect_eq(tap.source->next(tap.self, &frame, NULL), NEXT_FRAME);
		cr_expect_eq(frame.when, want[i]);
		cr_expect_eq(frame.bytes.len, 1);
	}
	cr_expect_eq(tap.source->next(tap.self, &frame, NULL), NEXT_END);
	tap.source->stats(tap.self, &stats);
	cr_expect_eq(stats.received, 4);
	tap.source->close(tap.self);
	cr_expect(closed);
}

Test(capture_pace, a_shift_past_all_bounds_is_held)
{
	static const nsec times[] = {8000000000000000000, 5};
	bool closed;
	struct script script = {times, 2, 0, &closed};
	struct pace_conf conf = {.shift = 8000000000000000000};
	struct tap tap = paced(&script, &conf);
	struct frame frame;

	cr_expect_eq(tap.source->next(tap.self, &frame, NULL), NEXT_FRAME);
	cr_expect_eq(frame.when, 9000000000000000000);
	cr_expect_eq(tap.source->next(tap.self, &frame, NULL), NEXT_FRAME);
	cr_expect_eq(frame.when, 8000000000000000005);
	tap.source->close(tap.self);
}

Test(capture_pace, the_first_packet_is_now)
{
	static const nsec times[] = {1000000000000, 1000000000250};
	bool closed;
	struct script script = {times, 2, 0, &closed};
	struct pace_conf conf = {.first_is_now = true};
	struct tap tap = paced(&script, &conf);
	struct frame one, two;
	nsec before = wall();

	cr_expect_eq(tap.source->next(tap.self, &one, NULL), NEXT_FRAME);
	cr_expect_geq(one.when, before);
	cr_expect_leq(one.when, wall());
	cr_expect_eq(tap.source->next(tap.self, &two, NULL), NEXT_FRAME);
	cr_expect_eq(two.when - one.when, 250);
	tap.source->close(tap.self);
}

/* Never too early; a long wait gives the caller a look at its stop flag in between. */
Test(capture_pace, frames_come_when_they_are_due, .timeout = 10)
{
	static const nsec times[] = {7000000000, 7000000000, 7700000000};
	bool closed;
	struct script script = {times, 3, 0, &closed};
	struct pace_conf conf = {.speed = 2};
	struct tap tap = paced(&script, &conf);
	struct frame frame;
	unsigned idle = 0;
	enum next got;

	cr_expect_eq(tap.source->next(tap.self, &frame, NULL), NEXT_FRAME);
	int64_t start = mono_now().ns;
	cr_expect_eq(tap.source->next(tap.self, &frame, NULL), NEXT_FRAME);
	while ((got = tap.source->next(tap.self, &frame, NULL)) == NEXT_IDLE && idle < 1000)
		idle++;
	cr_expect_eq(got, NEXT_FRAME);
	cr_expect_eq(frame.when, 7700000000);
	/* 350 ms from the first frame on, of which a little passed before `start`. */
	cr_expect_geq(mono_now().ns - start, INT64_C(345) * NS_PER_MS);
	cr_expect_geq(idle, 1);
	cr_expect_eq(tap.source->next(tap.self, &frame, NULL), NEXT_END);
	tap.source->close(tap.self);
}

/* Times that go back, as in several files one after the other, do not hold anything up. */
Test(capture_pace, times_that_go_back_are_due_at_once, .timeout = 10)
{
	static const nsec times[] = {3600000000000, 0, 3600000000001};
	bool closed;
	struct script script = {times, 3, 0, &closed};
	struct pace_conf conf = {.speed = 1};
	struct tap tap = paced(&script, &conf);
	struct frame frame;

	for (size_t i = 0; i < 3; i++) {
		cr_expect_eq(tap.source->next(tap.self, &frame, NULL), NEXT_FRAME);
		cr_expect_eq(frame.when, times[i]);
	}
	tap.source->close(tap.self);
}

Test(capture_pace, shift_to_now)
{
	/* As fast as it can: the last packet is now. At its own pace: the first one is. */
	cr_expect_eq(pace_shift_to_now(100, 600, 0, 10000), 9400);
	cr_expect_eq(pace_shift_to_now(100, 600, 1, 10000), 9900);
	cr_expect_eq(pace_shift_to_now(100, 600, 10, 10000), 9450);
	/* No speed so small that the result has no meaning. */
	cr_expect_gt(pace_shift_to_now(0, 9000000000000000000, 1e-300, 0), -9000000000000000000);
}
