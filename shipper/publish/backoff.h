/*
 * How long to wait after a failure: full jitter under a ceiling that doubles.
 *
 * Many shippers that lost one server come back spread over the whole span, not all at once
 * ("Exponential Backoff And Jitter", AWS Architecture Blog).
 */
#ifndef WIRESPAN_PUBLISH_BACKOFF_H
#define WIRESPAN_PUBLISH_BACKOFF_H

#include "shipper/base/time.h"

struct backoff {
	nsec first, limit; /* the first and the highest ceiling, above 0 */
	nsec ceiling;	   /* of the next wait; 0 is first */
	uint64_t random;   /* state, never 0 */
};

/* xorshift64*: shippers need to differ, nobody needs to be unable to guess. */
static inline uint64_t backoff_random(struct backoff *b)
{
	b->random ^= b->random >> 12;
	b->random ^= b->random << 25;
	b->random ^= b->random >> 27;
	return b->random * UINT64_C(0x2545f4914f6cdd1d);
}

static inline nsec backoff_next(struct backoff *b)
{
	nsec ceiling = b->ceiling > 0 ? b->ceiling : b->first;

	b->ceiling = ceiling > b->limit / 2 ? b->limit : ceiling * 2;
	return (nsec)(backoff_random(b) % ((uint64_t)ceiling + 1));
}

static inline void backoff_reset(struct backoff *b)
{
	b->ceiling = 0;
}

#endif
