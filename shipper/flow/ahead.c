#include "shipper/flow/key.h"

void flow_look_ahead(struct flow_table *t, const struct glance *next)
{
	t->looks_ahead = next != NULL;
	if (next == NULL)
		return;
	t->ahead_hash = key_hash_glance(t, next);
	__builtin_prefetch(&t->slots[t->ahead_hash & t->mask]);
}

/* Of flows with the same hash the first will do. */
void flow_fetch_ahead(struct flow_table *t)
{
	t->ahead = 0;
	if (!t->looks_ahead)
		return;
	for (uint32_t i = t->ahead_hash & t->mask; t->slots[i].index != 0; i = (i + 1) & t->mask)
		if (t->slots[i].hash == t->ahead_hash) {
			t->ahead = t->slots[i].index;
			entry_fetch(entry_at(t, t->ahead));
			return;
		}
}

/* Should the entry have gone meanwhile, it has no user, or another flow stands in its place. */
const void *flow_user_ahead(const struct flow_table *t)
{
	return t->ahead != 0 ? entry_at(t, t->ahead)->flow.user : NULL;
}
