/*
 * Which flow has been idle longest, without touching a list for each packet: a packet only notes
 * its tick in the flow. Flows stand in the slot of the tick they had when they were put there; when
 * the oldest slot is looked at, those with a newer tick move on to the slot where they belong.
 *
 *    base                              now
 *     ▼                                 ▼
 *   [ a d ][ c ][   ][ b e ] … [ f ][ g h ]
 *     └ timeout ago, or more
 */
#include "shipper/flow/entry.h"

enum { SLOTS_IN_TIMEOUT = 32 };

void idle_init(struct idle *idle, nsec timeout)
{
	uint64_t ticks = (uint64_t)timeout >> TICK_SHIFT;

	if (ticks > UINT32_MAX / 4)
		ticks = UINT32_MAX / 4;
	*idle = (struct idle){0};
	idle->timeout = ticks > 0 ? (uint32_t)ticks : 1;
	idle->width = (idle->timeout + SLOTS_IN_TIMEOUT - 1) / SLOTS_IN_TIMEOUT;
}

static uint32_t age_of(const struct flow_table *t, const struct entry *e)
{
	return (uint32_t)table_tick(t) - e->seen;
}

/* The number of the slot where it belongs. */
static uint64_t number_of(const struct flow_table *t, const struct idle *idle,
			  const struct entry *e)
{
	uint64_t number = (table_tick(t) - age_of(t, e)) / idle->width;

	if (number < idle->base)
		return idle->base;
	return number < idle->base + IDLE_SLOTS ? number : idle->base + IDLE_SLOTS - 1;
}

static void link_last(struct flow_table *t, struct idle *idle, struct entry *e, uint32_t index)
{
	uint32_t *first;

	e->slot = (uint8_t)(number_of(t, idle, e) % IDLE_SLOTS);
	first = &idle->first[e->slot];
	if (*first == 0) {
		*first = e->older = e->newer = index;
		return;
	}
	struct entry *head = entry_at(t, *first);

	e->newer = *first;
	e->older = head->older;
	entry_at(t, head->older)->newer = index;
	head->older = index;
}

static void unlink_one(struct flow_table *t, struct idle *idle, struct entry *e, uint32_t index)
{
	uint32_t *first = &idle->first[e->slot];

	if (e->newer == index) {
		*first = 0;
		return;
	}
	entry_at(t, e->older)->newer = e->newer;
	entry_at(t, e->newer)->older = e->older;
	if (*first == index)
		*first = e->newer;
}

nsec idle_due(const struct idle *idle)
{
	if (idle->count == 0)
		return INT64_MAX;
	return (nsec)(((idle->base + 1) * idle->width + idle->timeout) << TICK_SHIFT);
}

void idle_add(struct flow_table *t, struct entry *e, uint32_t index, enum flow_class class)
{
	struct idle *idle = &t->idle[class];

	if (idle->count++ == 0) {
		idle->base = (table_tick(t) - age_of(t, e)) / idle->width;
		if (t->due > idle_due(idle))
			t->due = idle_due(idle);
	}
	e->class = (uint8_t) class;
	link_last(t, idle, e, index);
}

void idle_remove(struct flow_table *t, struct entry *e, uint32_t index)
{
	struct idle *idle = &t->idle[e->class];

	unlink_one(t, idle, e, index);
	idle->count--;
}

/* After a leap of time: all are put where they belong now, so that nobody has to walk over the
 * slots between. Those that are older than any slot come to the oldest one. */
static void catch_up(struct flow_table *t, struct idle *idle)
{
	uint64_t number = table_tick(t) / idle->width;
	uint32_t all = 0, *last = &all;

	if (number < idle->base + 2 * IDLE_SLOTS)
		return;
	for (unsigned i = 0; i < IDLE_SLOTS; i++) {
		uint32_t *first = &idle->first[(idle->base + i) % IDLE_SLOTS];

		while (*first != 0) {
			uint32_t index = *first;
			struct entry *e = entry_at(t, index);

			unlink_one(t, idle, e, index);
			*last = index;
			last = &e->newer;
		}
	}
	*last = 0;
	idle->base = number - (IDLE_SLOTS - 1);
	while (all != 0) {
		uint32_t next = entry_at(t, all)->newer;

		link_last(t, idle, entry_at(t, all), all);
		all = next;
	}
}

/* The first of the oldest slot that belongs there; the others on the way move on. */
uint32_t idle_oldest(struct flow_table *t, enum flow_class class)
{
	struct idle *idle = &t->idle[class];

	if (idle->count == 0)
		return 0;
	catch_up(t, idle);
	for (;;) {
		uint32_t index = idle->first[idle->base % IDLE_SLOTS];

		if (index == 0) {
			idle->base++;
			continue;
		}
		struct entry *e = entry_at(t, index);

		if (number_of(t, idle, e) == idle->base)
			return index;
		unlink_one(t, idle, e, index);
		link_last(t, idle, e, index);
	}
}

uint32_t idle_expired(struct flow_table *t, enum flow_class class)
{
	struct idle *idle = &t->idle[class];
	uint64_t tick = table_tick(t);
	uint32_t index;

	if (tick < idle->timeout || idle->count == 0)
		return 0;
	catch_up(t, idle);
	/* Only slots that are over as a whole are looked at. */
	uint64_t limit = (tick - idle->timeout) / idle->width;

	while (idle->base < limit && idle->count > 0) {
		index = idle->first[idle->base % IDLE_SLOTS];
		if (index == 0) {
			idle->base++;
			continue;
		}
		struct entry *e = entry_at(t, index);

		if (age_of(t, e) >= idle->timeout)
			return index;
		unlink_one(t, idle, e, index);
		link_last(t, idle, e, index);
	}
	return 0;
}
