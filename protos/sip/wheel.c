#include "protos/sip/wheel.h"

#include <stddef.h>

#define SLOT_NS (NS_PER_S / 4)

static void ring_init(struct timer *head)
{
	head->next = head->prev = head;
}

static void ring_add(struct timer *head, struct timer *t)
{
	t->prev = head->prev;
	t->next = head;
	head->prev->next = t;
	head->prev = t;
}

void wheel_init(struct wheel *w)
{
	w->now = INT64_MIN;
	for (int i = 0; i < WHEEL_SLOTS; i++)
		ring_init(&w->slots[i]);
}

void wheel_stop(struct timer *t)
{
	if (t->next == NULL)
		return;
	t->next->prev = t->prev;
	t->prev->next = t->next;
	t->next = t->prev = NULL;
}

static uint64_t slot_of(nsec when)
{
	return (uint64_t)when / SLOT_NS;
}

void wheel_set(struct wheel *w, struct timer *t, nsec due)
{
	wheel_stop(t);
	t->due = due;
	/* What is due already is looked at by the next turn. */
	ring_add(&w->slots[slot_of(due > w->now ? due : w->now) % WHEEL_SLOTS], t);
}

static void fire_slot(struct timer *slot, nsec now, void *self)
{
	struct timer all, *t;

	if (slot->next == slot)
		return;
	all = *slot;
	all.next->prev = all.prev->next = &all;
	ring_init(slot);
	while ((t = all.next) != &all) {
		wheel_stop(t);
		if (t->due > now)
			ring_add(slot, t);
		else
			t->fire(t, self);
	}
}

void wheel_turn(struct wheel *w, nsec now, void *self)
{
	uint64_t from = slot_of(w->now), to = slot_of(now);

	if (now <= w->now)
		return;
	if (w->now == INT64_MIN || to - from >= WHEEL_SLOTS)
		from = to - (WHEEL_SLOTS - 1);
	w->now = now;
	for (uint64_t i = from; i != to + 1; i++)
		fire_slot(&w->slots[i % WHEEL_SLOTS], now, self);
}
