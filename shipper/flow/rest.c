/*
 * What only a conversation out of order needs, and the queue of those to look at.
 */
#include <stdlib.h>

#include "shipper/base/must.h"
#include "shipper/flow/entry.h"

static void wait_last(struct flow_table *t, struct rest *r)
{
	nsec step = t->conf->gap_timeout / 4;

	r->check_at = t->clock + (step > 0 ? step : 1);
	r->next = NULL;
	r->prev = t->waiting_last;
	if (r->prev != NULL)
		r->prev->next = r;
	else
		t->waiting = r;
	t->waiting_last = r;
	if (t->due > r->check_at)
		t->due = r->check_at;
}

static void wait_unlink(struct flow_table *t, struct rest *r)
{
	if (r->prev != NULL)
		r->prev->next = r->next;
	else
		t->waiting = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
	else
		t->waiting_last = r->prev;
}

/* It was looked at, and is again after a while. */
void table_rest_requeue(struct flow_table *t, struct rest *r)
{
	wait_unlink(t, r);
	wait_last(t, r);
}

struct rest *table_rest(struct flow_table *t, struct entry *e)
{
	if (e->rest != NULL)
		return e->rest;
	struct rest *r = must_alloc(sizeof *r);

	r->index = entry_at(t, e->older)->newer;
	quota_take(t->quota, sizeof *r);
	e->rest = r;
	wait_last(t, r);
	return r;
}

void table_rest_free(struct flow_table *t, struct entry *e)
{
	struct rest *r = e->rest;

	if (r == NULL)
		return;
	e->rest = NULL;
	held_clear(&r->held[CLIENT], t->quota);
	held_clear(&r->held[SERVER], t->quota);
	for (int d = 0; d < 2; d++)
		e->stream[d].flags &= (uint8_t)~STREAM_FIN;
	wait_unlink(t, r);
	quota_give(t->quota, sizeof *r);
	free(r);
}
