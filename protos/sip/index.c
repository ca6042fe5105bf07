#include "protos/sip/index.h"
#include "shipper/base/must.h"

#include <stdlib.h>
#include <sys/random.h>

enum { ROOM_LEAST_BITS = 6 };

static size_t home_of(const struct index *x, uint64_t hash)
{
	return (size_t)(hash * x->mix >> x->shift);
}

/* The slot of this hash, or the empty one where it would go. */
static size_t place_of(const struct index *x, uint64_t hash)
{
	size_t i = home_of(x, hash);

	while (x->at[i].newest && x->at[i].hash != hash)
		i = (i + 1) & (x->room - 1);
	return i;
}

static void grow(struct index *x)
{
	struct index larger = *x;

	larger.shift = x->room ? x->shift - 1 : 64 - ROOM_LEAST_BITS;
	larger.room = (size_t)1 << (64 - larger.shift);
	if (x->room == 0)
		must(getrandom(&larger.mix, sizeof(larger.mix), 0) == sizeof(larger.mix));
	larger.mix |= 1;
	larger.at = must_alloc(larger.room * sizeof(struct slot));
	quota_take(x->quota, larger.room * sizeof(struct slot));
	for (size_t i = 0; i < x->room; i++)
		if (x->at[i].newest)
			larger.at[place_of(&larger, x->at[i].hash)] = x->at[i];
	index_fini(x);
	*x = larger;
}

void index_add(struct index *x, struct link *l, uint64_t hash)
{
	if (2 * x->used >= x->room)
		grow(x);
	struct slot *slot = &x->at[place_of(x, hash)];

	x->used += slot->newest == NULL;
	*l = (struct link){.next = slot->newest, .hash = hash, .linked = true};
	if (l->next)
		l->next->prev = l;
	*slot = (struct slot){hash, l};
}

/* Slots behind it that an empty one would cut off from where they belong move up. */
static void clear(struct index *x, size_t i)
{
	size_t mask = x->room - 1;

	for (size_t k = (i + 1) & mask; x->at[k].newest; k = (k + 1) & mask) {
		size_t home = home_of(x, x->at[k].hash);

		if (((k - home) & mask) >= ((k - i) & mask)) {
			x->at[i] = x->at[k];
			i = k;
		}
	}
	x->at[i].newest = NULL;
	x->used--;
}

void index_remove(struct index *x, struct link *l)
{
	if (!l->linked)
		return;
	l->linked = false;
	if (l->next)
		l->next->prev = l->prev;
	if (l->prev) {
		l->prev->next = l->next;
		return;
	}
	size_t i = place_of(x, l->hash);

	x->at[i].newest = l->next;
	if (l->next == NULL)
		clear(x, i);
}

void index_fini(struct index *x)
{
	quota_give(x->quota, x->room * sizeof(struct slot));
	free(x->at);
	*x = (struct index){.quota = x->quota};
}

struct link *index_first(const struct index *x, uint64_t hash)
{
	return x->room ? x->at[place_of(x, hash)].newest : NULL;
}

void index_fetch(const struct index *x, uint64_t hash)
{
	struct link *l = index_first(x, hash);

	if (l)
		__builtin_prefetch(l);
}
