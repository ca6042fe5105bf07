/*
 * The hosts of an output: which one is next, and how much it is given.
 *
 * A host that failed rests for a random time under a ceiling that doubles with each failure in a
 * row; meanwhile the others do its work, at once. When its rest is over it is asked a small
 * question first, and then begins with few documents, twice as many after each success: so a
 * cluster that just came back is not flattened. One that says that it has too much to do gets half
 * as much as before. One that takes nothing even of few documents gets half of these again, down to
 * single ones, so that what it is given fits at last whatever its room is; but not where it has
 * taken as many before and this is the first time in a row, which is chance.
 *
 *   works ──failure──► rests, doubtful ──rest over, answers──► works, few documents
 *     └──too busy──► rests ──rest over──► works, half as many
 *
 * Where all of them rest, the waiting is done by whoever sends: the one that rested longest is
 * tried first.
 *
 * Owns     the hosts, with their URLs
 * Thread   one
 */
#ifndef WIRESPAN_OUTPUTS_ELASTICSEARCH_HOSTS_H
#define WIRESPAN_OUTPUTS_ELASTICSEARCH_HOSTS_H

#include <stddef.h>

#include "outputs/elasticsearch/conf.h"
#include "shipper/base/time.h"

static inline size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

struct host {
	char *url;
	bool doubtful;	  /* failed, and has not answered since */
	bool tried;	  /* failed in the round under way */
	int64_t until;	  /* rests until then, by the clock; 0 does not */
	nsec ceiling;	  /* of the next rest; 0 the first */
	size_t documents; /* how many it is given at a time */
	size_t fit;	  /* how many it has taken, as far as is known */
	bool barren;	  /* of the last request it took nothing */
	size_t wary;	  /* from so many on they grow slowly: more were too many; 0 nowhere */
	unsigned calm;	  /* requests that it took since they last grew */
};

struct hosts {
	struct host *at;
	size_t count, next;
	bool loadbalance;
	size_t documents; /* the most that a host is given at a time */
	nsec first, limit;
	uint64_t random;
};

bool hosts_init(struct hosts *hosts, const struct elastic_conf *conf, struct fault *fault);
void hosts_fini(struct hosts *hosts);

/* A round begins: every host may be tried again. */
void hosts_round(struct hosts *hosts);
/* The host to try, or NULL when all have failed in this round. */
struct host *hosts_choose(struct hosts *hosts, struct mono now);

void hosts_worked(struct hosts *hosts, struct host *host);
void hosts_failed(struct hosts *hosts, struct host *host, struct mono now);
/* Too much to do; `at_least` is how long it wants to be left alone, 0 when it does not say. */
void hosts_busy(struct hosts *hosts, struct host *host, struct mono now, nsec at_least);
/* It did not take all of so many documents, `some` or none of them: half as many from now on, and
 * twice that only after a while; no fewer than a few by chance, as is said above. */
void hosts_give_less(struct host *host, size_t sent, bool some);

#endif
