#include "protos/sip/index.h"
#include "shipper/base/must.h"

#include <stdlib.h>

enum { ROOM_LEAST = 64 };

static void put(struct link **at, size_t room, struct link *l)
{
	struct link **bucket = &at[l->hash & (room - 1)];

	l->prev = NULL;
	l->next = *bucket;
	if (*bucket)
		(*bucket)->prev = l;
	*bucket = l;
}

static void grow(struct index *x)
{
	size_t room = x->room ? 2 * x->room : ROOM_LEAST;
	struct link **at = must_alloc(room * sizeof(struct link *));

	quota_take(x->quota, room * sizeof(struct link *));
	for (size_t i = 0; i < x->room; i++) {
		struct link *l = x->at[i], *last = NULL, *before;

		/* From the oldest on, so that the order stays. */
		for (; l; l = l->next)
			last = l;
		for (l = last; l; l = before) {
			before = l->prev;
			put(at, room, l);
		}
	}
	index_fini(x);
	x->at = at;
	x->room = room;
}

void index_add(struct index *x, struct link *l, uint64_t hash)
{
	if (x->count >= x->room)
		grow(x);
	l->hash = hash;
	l->linked = true;
	put(x->at, x->room, l);
	x->count++;
}

void index_remove(struct index *x, struct link *l)
{
	if (!l->linked)
		return;
	*(l->prev ? &l->prev->next : &x->at[l->hash & (x->room - 1)]) = l->next;
	if (l->next)
		l->next->prev = l->prev;
	l->linked = false;
	x->count--;
}

void index_fini(struct index *x)
{
	if (x->room > 0)
		quota_give(x->quota, x->room * sizeof(struct link *));
	free(x->at);
	x->at = NULL;
	x->room = 0;
}

static struct link *same(struct link *l, uint64_t hash)
{
	while (l && l->hash != hash)
		l = l->next;
	return l;
}

struct link *index_first(const struct index *x, uint64_t hash)
{
	return x->room ? same(x->at[hash & (x->room - 1)], hash) : NULL;
}

struct link *index_next(const struct link *l)
{
	return same(l->next, l->hash);
}
