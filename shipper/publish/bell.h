/*
 * How one thread wakes another, at the cost of one atomic load while the other is awake.
 *
 * The listener says that it listens, looks once more for what it waits for, and only then waits;
 * the ringer makes it so, then rings. Whichever comes first, nothing is missed: both sides are
 * sequentially consistent. One thread listens; any may ring, and has returned from it when the bell
 * ends.
 *
 *   listener   listen ─ look again ─ wait (or ignore, when it is there)
 *   ringer     make it so ─ ring
 */
#ifndef WIRESPAN_PUBLISH_BELL_H
#define WIRESPAN_PUBLISH_BELL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "shipper/base/time.h"

#define BELL_FOREVER INT64_MAX

struct bell {
	pthread_mutex_t lock;
	pthread_cond_t rung;
	atomic_bool awaited;
};

void bell_init(struct bell *bell);
void bell_fini(struct bell *bell);

void bell_listen(struct bell *bell);
void bell_ignore(struct bell *bell);
void bell_wait(struct bell *bell, nsec most); /* by the clock; returns when rung, or later */

void bell_wake(struct bell *bell);

static inline void bell_ring(struct bell *bell)
{
	if (atomic_load(&bell->awaited))
		bell_wake(bell);
}

#endif
