/*
 * Timers on packet time: a wheel of short lists.
 *
 *   slot   0   1   2 … 4095        each a sixteenth of a second; what is due a turn later or
 *          │   │   │               more waits in its slot until its turn
 *          t   t─t
 *
 * A timer that is put off stays where it is, and moves on when its slot's turn comes: most are put
 * off again and again before they fire. The order in which timers of one time fire depends on
 * nothing but when they were set, so runs are repeatable.
 *
 * Owns     nothing: timers lie in what they time
 * Units    packet time
 */
#ifndef WIRESPAN_SIP_WHEEL_H
#define WIRESPAN_SIP_WHEEL_H

#include "shipper/base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WHEEL_SLOTS = 4096 };

struct timer {
	struct timer *next, *prev; /* NULL while it is not set */
	nsec due;
	nsec looked;				       /* when its slot's turn is; not behind due */
	void (*fire)(struct timer *timer, void *self); /* it is no longer set */
	/* Has brought near what fire will look at: two turns ahead, and once more when its turn is
	 * next (`soon`), for what the former points to. May be NULL. */
	void (*fetch)(const struct timer *timer, bool soon);
};

struct wheel {
	nsec now;			 /* up to where timers have fired */
	struct timer slots[WHEEL_SLOTS]; /* heads of rings */
};

void wheel_init(struct wheel *wheel);
/* Sets a timer, or sets it anew. */
void wheel_set(struct wheel *wheel, struct timer *timer, nsec due);
void wheel_stop(struct timer *timer);
/* Fires what is due. */
void wheel_turn(struct wheel *wheel, nsec now, void *self);
/* Packet time is set back, and what is due with it. */
void wheel_back(struct wheel *wheel, nsec now);

/* Asks for memory that a timer will look at. */
static inline void timer_fetch(const void *at, size_t len)
{
	enum { LINE = 64 };

	for (size_t i = 0; i < len; i += LINE)
		__builtin_prefetch((const uint8_t *)at + i);
}

#endif
