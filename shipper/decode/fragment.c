#include "shipper/decode/fragment.h"

#include "shipper/base/must.h"

#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

enum {
	BUCKETS = 1024,	      /* a power of two */
	DATAGRAMS_MAX = 4096, /* of either list */
	PIECES_MAX = 256,     /* 64 KiB in fragments of 256 bytes; no link is that narrow */
	PAYLOAD_MAX = 65535,
	UNIT = 8, /* what fragments but the last are a multiple of */
};

/* How long copies of a joined packet's fragments are expected. Short: a busy pair of hosts comes
 * round to the same id of IPv4 within less than a second. */
static const nsec COPIES_FOR = 100 * NS_PER_MS;

struct piece_kept {
	struct piece_kept *next; /* in order of place */
	uint32_t from, bytes;
	size_t have;
	uint8_t at[];
};

enum state { WAITING, DEAD, DONE };

struct datagram {
	struct fragment_key key;
	enum state state;
	struct datagram *chain;		/* of its bucket */
	struct datagram *older, *newer; /* of its list */
	struct piece_kept *first, *last;
	unsigned pieces;
	uint32_t bytes; /* sum of its pieces, on the wire */
	uint32_t total; /* 0 until the last fragment has come */
	nsec begun;	/* when it was made; of DONE, when it was joined */
	nsec when;	/* of the first byte */
	uint32_t wire_bytes;
	uint8_t protocol;
};

struct list {
	struct datagram *oldest, *newest;
	size_t count;
};

struct fragments {
	size_t bytes_max;
	nsec timeout;
	struct quota *quota;
	struct counters *counters;
	uint64_t seed;	  /* of the hash: who sends the fragments must not know it */
	size_t bytes;	  /* held */
	struct list open; /* WAITING and DEAD */
	struct list done;
	uint8_t *joined;
	size_t joined_size;
	struct datagram *bucket[BUCKETS];
};

void fragment_key(struct fragment_key *key, const struct packet *packet, uint32_t id,
		  unsigned protocol)
{
	*key = (struct fragment_key){
		.src = packet->src,
		.dst = packet->dst,
		.id = id,
		.version = packet->version,
		.protocol = packet->version == 4 ? (uint8_t)protocol : 0,
		.vlans = packet->vlans,
		.tunnels = packet->tunnels,
	};
	for (size_t i = 0; i < packet->vlans; i++)
		key->vlan[i] = packet->vlan[i];
	for (size_t i = 0; i < packet->tunnels; i++) {
		key->tunnel_kind[i] = (uint8_t)packet->tunnel[i].kind;
		key->tunnel_id[i] = packet->tunnel[i].has_id ? packet->tunnel[i].id : 0;
	}
}

struct fragments *fragments_new(size_t bytes_max, nsec timeout, struct quota *quota,
				struct counters *counters)
{
	struct fragments *t = must_alloc(sizeof *t);

	_Static_assert(sizeof(struct fragment_key) == 2 * sizeof(struct addr) + 32, "no padding");
	*t = (struct fragments){
		.bytes_max = bytes_max, .timeout = timeout, .quota = quota, .counters = counters};
	if (getrandom(&t->seed, sizeof t->seed, GRND_NONBLOCK) != sizeof t->seed)
		t->seed = (uint64_t)(uintptr_t)t;
	return t;
}

static void hold(struct fragments *t, size_t bytes)
{
	t->bytes += bytes;
	quota_take(t->quota, bytes);
}

static void release(struct fragments *t, size_t bytes)
{
	t->bytes -= bytes;
	quota_give(t->quota, bytes);
}

static void list_append(struct list *l, struct datagram *d)
{
	d->newer = NULL;
	d->older = l->newest;
	*(l->newest ? &l->newest->newer : &l->oldest) = d;
	l->newest = d;
	l->count++;
}

static void list_remove(struct list *l, struct datagram *d)
{
	*(d->older ? &d->older->newer : &l->oldest) = d->newer;
	*(d->newer ? &d->newer->older : &l->newest) = d->older;
	l->count--;
}

static struct list *list_of(struct fragments *t, const struct datagram *d)
{
	return d->state == DONE ? &t->done : &t->open;
}

static struct datagram **bucket_of(struct fragments *t, const struct fragment_key *key)
{
	return &t->bucket[XXH3_64bits_withSeed(key, sizeof *key, t->seed) & (BUCKETS - 1)];
}

static void pieces_free(struct fragments *t, struct datagram *d)
{
	while (d->first) {
		struct piece_kept *p = d->first;

		d->first = p->next;
		release(t, sizeof *p + p->have);
		free(p);
	}
	d->last = NULL;
	d->pieces = 0;
}

static void datagram_free(struct fragments *t, struct datagram *d)
{
	struct datagram **link = bucket_of(t, &d->key);

	while (*link != d)
		link = &(*link)->chain;
	*link = d->chain;
	list_remove(list_of(t, d), d);
	pieces_free(t, d);
	release(t, sizeof *d);
	free(d);
}

void fragments_free(struct fragments *t)
{
	if (!t)
		return;
	while (t->open.oldest)
		datagram_free(t, t->open.oldest);
	while (t->done.oldest)
		datagram_free(t, t->done.oldest);
	quota_give(t->quota, t->joined_size);
	free(t->joined);
	free(t);
}

/* The datagram is given up; what comes of it later is swallowed until its time is over. */
static void give_up(struct fragments *t, struct datagram *d, enum counter why)
{
	count(t->counters, why);
	pieces_free(t, d);
	d->state = DEAD;
}

/* Packet time may go back, by a little or, from one file to the next, by years. */
static bool over(nsec begun, nsec now, nsec span)
{
	return now > begun ? now - begun > span : begun - now > span;
}

static bool datagram_over(const struct fragments *t, const struct datagram *d, nsec now)
{
	return over(d->begun, now, d->state == DONE ? COPIES_FOR : t->timeout);
}

static void let_go(struct fragments *t, struct datagram *d, enum counter why)
{
	if (d->state == WAITING)
		count(t->counters, why);
	datagram_free(t, d);
}

void fragments_expire(struct fragments *t, nsec now)
{
	while (t->open.oldest && datagram_over(t, t->open.oldest, now))
		let_go(t, t->open.oldest, COUNT_FRAGMENTS_EXPIRED);
	while (t->done.oldest && datagram_over(t, t->done.oldest, now))
		let_go(t, t->done.oldest, COUNT_FRAGMENTS_EXPIRED);
}

/* Makes room, at the cost of the oldest, but for one. */
static void make_room(struct fragments *t, size_t bytes, const struct datagram *keep)
{
	while (t->bytes + bytes > t->bytes_max) {
		struct datagram *d = t->done.oldest ? t->done.oldest : t->open.oldest;

		if (d == keep && d)
			d = d->newer;
		if (!d)
			return;
		let_go(t, d, COUNT_FRAGMENTS_LIMIT);
	}
}

static struct datagram *find(struct fragments *t, const struct fragment *f)
{
	struct datagram *d = *bucket_of(t, &f->key);

	while (d && memcmp(&d->key, &f->key, sizeof d->key) != 0)
		d = d->chain;
	if (d && datagram_over(t, d, f->when)) {
		let_go(t, d, COUNT_FRAGMENTS_EXPIRED);
		d = NULL;
	}
	return d;
}

static struct datagram *find_or_make(struct fragments *t, const struct fragment *f)
{
	struct datagram *d = find(t, f);

	if (d)
		return d;
	if (t->open.count == DATAGRAMS_MAX)
		let_go(t, t->open.oldest, COUNT_FRAGMENTS_LIMIT);
	make_room(t, sizeof *d, NULL);
	d = must_alloc(sizeof *d);
	d->key = f->key;
	d->begun = f->when;

	struct datagram **bucket = bucket_of(t, &f->key);

	d->chain = *bucket;
	*bucket = d;
	list_append(&t->open, d);
	hold(t, sizeof *d);
	return d;
}

enum fit { FIT_NEW, FIT_COPY, FIT_OVERLAP };

/* Where the fragment goes: behind *before, or in front of all when that is NULL. */
static enum fit fit(const struct datagram *d, const struct fragment *f, struct piece_kept **before)
{
	uint32_t end = f->from + f->bytes;
	struct piece_kept *p = d->last, *next = d->first;

	*before = NULL;
	if (p && p->from + p->bytes <= f->from) { /* as they mostly come: in order */
		*before = p;
		next = NULL;
	}
	for (; next && next->from < f->from; next = next->next)
		*before = next;
	if (next && next->from == f->from && next->bytes == f->bytes)
		return bytes_eq(bytes_of(next->at, next->have), f->have) &&
				       f->last == (end == d->total)
			       ? FIT_COPY
			       : FIT_OVERLAP;
	if ((*before && (*before)->from + (*before)->bytes > f->from) || (next && end > next->from))
		return FIT_OVERLAP;
	/* There is one end, and nothing behind it. */
	if (d->total > 0 ? f->last || end > d->total : f->last && p && p->from >= f->from)
		return FIT_OVERLAP;
	return FIT_NEW;
}

static void keep(struct fragments *t, struct datagram *d, const struct fragment *f,
		 struct piece_kept *before)
{
	struct piece_kept *p = must_alloc(sizeof *p + f->have.len);

	p->from = f->from;
	p->bytes = f->bytes;
	p->have = f->have.len;
	memcpy(p->at, f->have.at, f->have.len);
	p->next = before ? before->next : d->first;
	*(before ? &before->next : &d->first) = p;
	if (!p->next)
		d->last = p;
	hold(t, sizeof *p + p->have);
	d->pieces++;
	d->bytes += f->bytes;
	d->wire_bytes += f->wire_bytes;
	if (f->last)
		d->total = f->from + f->bytes;
	if (f->from == 0) {
		d->protocol = f->protocol;
		d->when = f->when;
	}
}

/* One buffer serves all: what a joined packet held of another fragment has been copied by now. */
static void join(struct fragments *t, struct datagram *d, const struct fragment *f,
		 struct joined *j)
{
	size_t have = 0;

	if (d->total > t->joined_size) {
		quota_take(t->quota, d->total - t->joined_size);
		t->joined_size = d->total;
		t->joined = must_realloc(t->joined, t->joined_size);
	}
	for (const struct piece_kept *p = d->first; p && have == p->from; p = p->next) {
		memcpy(t->joined + have, p->at, p->have);
		have += p->have;
	}
	*j = (struct joined){
		.have = bytes_of(t->joined, have),
		.bytes = d->total,
		.protocol = d->protocol,
		.when = d->when,
		.wire_bytes = d->wire_bytes,
	};
	count(t->counters, COUNT_FRAGMENTS_JOINED);
	pieces_free(t, d);
	list_remove(&t->open, d);
	d->state = DONE;
	d->begun = f->when;
	if (t->done.count == DATAGRAMS_MAX)
		datagram_free(t, t->done.oldest);
	list_append(&t->done, d);
}

enum fragment_step fragments_add(struct fragments *t, const struct fragment *f, struct joined *j)
{
	struct piece_kept *before;

	if (f->bytes == 0 || f->bytes > PAYLOAD_MAX || f->from > PAYLOAD_MAX - f->bytes ||
	    (!f->last && f->bytes % UNIT != 0))
		return FRAGMENT_BAD;

	struct datagram *d = find_or_make(t, f);

	if (d->state != WAITING)
		return FRAGMENT_KEPT;
	switch (fit(d, f, &before)) {
	case FIT_COPY:
		return FRAGMENT_KEPT;
	case FIT_OVERLAP:
		give_up(t, d, COUNT_FRAGMENTS_OVERLAP);
		return FRAGMENT_KEPT;
	case FIT_NEW:
		break;
	}
	make_room(t, sizeof *before + f->have.len, d);
	if (d->pieces == PIECES_MAX || t->bytes + f->have.len > t->bytes_max) {
		give_up(t, d, COUNT_FRAGMENTS_LIMIT);
		return FRAGMENT_KEPT;
	}
	keep(t, d, f, before);
	if (d->total == 0 || d->bytes < d->total)
		return FRAGMENT_KEPT;
	join(t, d, f, j);
	return FRAGMENT_JOINED;
}
