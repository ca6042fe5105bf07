/*
 * A source around another: hands its frames out at the pace at which they were captured, or a
 * multiple of it, and moves their times by a constant.
 *
 * Owns     the source within
 * Borrows  frames as the source within says
 * Units    a wait is measured in clock time from the first frame on, so that errors do not add up
 */
#ifndef WIRESPAN_CAPTURE_PACE_H
#define WIRESPAN_CAPTURE_PACE_H

#include "shipper/capture/source.h"

struct pace_conf {
	double speed; /* times as fast as captured; 0 as fast as it can */
	nsec shift;   /* added to every packet's time */
	/* In place of shift: the first packet's time becomes the time at which it is read. For
	 * sources whose span is not known beforehand; otherwise see pace_shift_to_now. */
	bool first_is_now;
};

/* Takes over `inner`. */
void pace_open(struct tap *tap, struct tap inner, const struct pace_conf *conf);

/* The shift that makes the last packet's time the time at which it will be handed out: nothing
 * lies in the future, and a dashboard that shows the last minutes shows it. At speed 1 the first
 * packet's time is `now`, with speed 0 the last one's. */
nsec pace_shift_to_now(nsec first, nsec last, double speed, nsec now);

#endif
