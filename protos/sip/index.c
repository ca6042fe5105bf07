#include "protos/sip/index.h"
#include "shipper/base/must.h"

#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { ROOM_LEAST_BITS = 6 };

struct name name_of(struct bytes text)
{
	XXH128_hash_t h = XXH3_128bits(text.len > 0 ? text.at : (const uint8_t *)"", text.len);

	return (struct name){h.low64, h.high64};
}

static size_t home_of(const struct index *x, uint64_t low)
{
	return (size_t)(low * x->mix >> x->shift);
}

/* The slot of this name, or the empty one where it would go. */
static size_t place_of(const struct index *x, uint64_t low)
{
	size_t i = home_of(x, low);

	while (x->at[i].newest && x->at[i].low != low)
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
			larger.at[place_of(&larger, x->at[i].low)] = x->at[i];
	index_fini(x);
	*x = larger;
}

void index_add(struct index *x, struct link *l, struct name name)
{
	if (2 * x->used >= x->room)
		grow(x);
	struct slot *slot = &x->at[place_of(x, name.low)];

	x->used += slot->newest == NULL;
	*l = (struct link){.next = slot->newest, .name = name, .linked = true};
	if (l->next)
		l->next->prev = l;
	*slot = (struct slot){name.low, l};
}

/* Slots behind it that an empty one would cut off from where they belong move up. */
static void clear(struct index *x, size_t i)
{
	size_t mask = x->room - 1;

	for (size_t k = (i + 1) & mask; x->at[k].newest; k = (k + 1) & mask) {
		size_t home = home_of(x, x->at[k].low);

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
	size_t i = place_of(x, l->name.low);

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

static struct link *same(struct link *l, uint64_t high)
{
	while (l && l->name.high != high)
		l = l->next;
	return l;
}

struct link *index_first(const struct index *x, struct name name)
{
	return x->room ? same(x->at[place_of(x, name.low)].newest, name.high) : NULL;
}

struct link *index_next(const struct link *l)
{
	return same(l->next, l->name.high);
}

void index_fetch_slot(const struct index *x, struct name name)
{
	if (x->room)
		__builtin_prefetch(&x->at[home_of(x, name.low)]);
}

void index_fetch(const struct index *x, struct name name, size_t before, size_t behind)
{
	enum { LINE = 64 };
	struct link *l = x->room ? x->at[place_of(x, name.low)].newest : NULL;

	if (l)
		for (size_t i = 0; i < before + behind; i += LINE)
			__builtin_prefetch((const char *)l - before + i);
}
