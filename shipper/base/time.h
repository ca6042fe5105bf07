/*
 * Two kinds of time that never mix.
 *
 * Packet time is what the capture says, and all that happens up to the queue runs on it. Clock
 * time is for waits and progress; it is a struct so that the compiler tells the two apart.
 */
#ifndef WIRESPAN_BASE_TIME_H
#define WIRESPAN_BASE_TIME_H

#include <stdint.h>
#include <time.h>

typedef int64_t nsec; /* packet time: nanoseconds since the Unix epoch, or a span of it */

/* Packet time goes back a little where several queues fill a capture. What goes back further is
 * another capture's, or a clock's that was set. */
#define TIME_BACK_MAX ((nsec)60 * NS_PER_S)

struct mono {
	int64_t ns; /* CLOCK_MONOTONIC */
};

enum { NS_PER_US = 1000, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

static inline struct mono mono_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct mono){(int64_t)t.tv_sec * NS_PER_S + t.tv_nsec};
}

#endif
