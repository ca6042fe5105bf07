#include "protos/sip/wheel.h"

#include <stddef.h>
#include <stdint.h>

#define SLOT_NS (NS_PER_S / 16)

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

/* What is due already is looked at by the next turn. */
static void put(struct wheel *w, struct timer *t)
{
	t->looked = t->due > w->now ? t->due : w->now;
	ring_add(&w->slots[slot_of(t->looked) % WHEEL_SLOTS], t);
}

void wheel_set(struct wheel *w, struct timer *t, nsec due)
{
	if (t->next && due >= t->looked) {
		t->due = due;
		return;
	}
	wheel_stop(t);
	t->due = due;
	put(w, t);
}

/* What is timed lies around its timer, and was not looked at for seconds: it is brought near three
 * turns ahead, and what it points to two ahead and one. */
static void fetch(struct timer *t, const struct timer *end)
{
	enum { BEFORE = 7 * 64, BEHIND = 11 * 64 };

	if (t == end)
		return;
	if (t->fetch)
		t->fetch(t, true);
	t = t->next;
	if (t == end)
		return;
	if (t->fetch)
		t->fetch(t, false);
	t = t->next;
	if (t != end)
		timer_fetch((const uint8_t *)t - BEFORE, BEFORE + BEHIND);
}

static void fire_slot(struct wheel *w, struct timer *slot, void *self)
{
	struct timer all, *t;

	if (slot->next == slot)
		return;
	all = *slot;
	all.next->prev = all.prev->next = &all;
	ring_init(slot);
	while ((t = all.next) != &all) {
		fetch(t->next, &all);
		wheel_stop(t);
		if (t->due > w->now)
			put(w, t);
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
		fire_slot(w, &w->slots[i % WHEEL_SLOTS], self);
}

void wheel_back(struct wheel *w, nsec now)
{
	nsec before = w->now, left;
	struct timer all;

	ring_init(&all);
	for (int i = 0; i < WHEEL_SLOTS; i++)
		while (w->slots[i].next != &w->slots[i]) {
			struct timer *t = w->slots[i].next;

			wheel_stop(t);
			ring_add(&all, t);
		}
	w->now = now;
	while (all.next != &all) {
		struct timer *t = all.next;

		wheel_stop(t);
		/* What waits is as long as before. */
		if (__builtin_sub_overflow(t->due, before, &left) ||
		    __builtin_add_overflow(now, left, &t->due))
			t->due = INT64_MAX;
		put(w, t);
	}
}
