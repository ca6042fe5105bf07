/* Several handles of an output side by side. */
#include "publisher_rig.h"

TestSuite(courier, .timeout = 120);

enum { HANDLES = 3 };

/* An output that answers when all its handles have a batch in hand at once, the first time. */
struct crowd {
	_Atomic unsigned opened, closed, inside, met, overlaps;
	_Atomic uint64_t documents, refused;
	_Atomic size_t most;
	unsigned open_fails_at; /* 0 never */
};

struct handle {
	struct crowd *crowd;
	bool first_done;
	atomic_bool busy;
};

static void crowd_demand(const void *conf, struct demand *demand)
{
	(void)conf;
	demand->handles = HANDLES;
	demand->batch_documents = 5;
}

static bool crowd_open(void *self, const void *conf, struct fault *fault)
{
	struct handle *h = self;

	h->crowd = *(struct crowd *const *)conf;
	if (atomic_fetch_add(&h->crowd->opened, 1) + 1 == h->crowd->open_fails_at) {
		atomic_fetch_sub(&h->crowd->opened, 1);
		return fault_set(fault, "as asked");
	}
	return true;
}

static void crowd_send(void *self, struct batch *b, struct fault *fault)
{
	struct handle *h = self;
	struct crowd *c = h->crowd;

	(void)fault;
	if (atomic_exchange(&h->busy, true))
		atomic_fetch_add(&c->overlaps, 1);
	if (!h->first_done) {
		atomic_fetch_add(&c->inside, 1);
		while (atomic_load(&c->inside) < HANDLES)
			sched_yield();
		h->first_done = true;
		atomic_fetch_add(&c->met, 1);
	}
	if (b->count > atomic_load(&c->most))
		atomic_store(&c->most, b->count);
	for (size_t i = 0; i < b->count; i++) {
		bool refused = atomic_fetch_add(&c->documents, 1) % 100 == 99;

		b->entries[i].verdict = VERDICT_DELIVERED;
		if (refused)
			batch_refuse(b, &b->entries[i], 400, BYTES("no"));
		atomic_fetch_add(&c->refused, refused);
	}
	atomic_store(&h->busy, false);
}

static void crowd_close(void *self)
{
	atomic_fetch_add(&((struct handle *)self)->crowd->closed, 1);
}

static const struct output crowd_output = {
	.name = "crowd",
	.conf_size = sizeof(struct crowd *),
	.self_size = sizeof(struct handle),
	.demand = crowd_demand,
	.open = crowd_open,
	.send = crowd_send,
	.close = crowd_close,
};

Test(courier, several_handles_work_side_by_side)
{
	struct crowd crowd = {0};
	struct crowd *crowd_conf = &crowd;
	struct publish_conf conf = small(true);
	struct publish_stats stats;
	struct fault fault = {0};
	struct hand hands[WORKERS];
	struct publisher *p = publisher_open(&conf, &crowd_output, &crowd_conf, WORKERS, &fault);

	cr_assert_not_null(p, "%s", fault.text);
	run_workers(p, hands);
	cr_assert_not(publisher_close(p, INT64_MAX, &stats, &fault));
	cr_assert_eq(crowd.met, HANDLES);
	cr_assert_eq(crowd.overlaps, 0);
	cr_assert_eq(crowd.opened, HANDLES);
	cr_assert_eq(crowd.closed, HANDLES);
	cr_assert_eq(crowd.most, 5);
	cr_assert_eq(crowd.documents, WORKERS * DOCUMENTS);
	balanced(&stats, WORKERS * DOCUMENTS);
	cr_assert_eq(stats.queued + stats.abandoned, 0);
	cr_assert_eq(stats.refused, crowd.refused);
}

Test(courier, a_handle_that_cannot_open_closes_the_others)
{
	struct crowd crowd = {.open_fails_at = 3};
	struct crowd *crowd_conf = &crowd;
	struct publish_conf conf = small(true);
	struct fault fault = {0};

	cr_assert_null(publisher_open(&conf, &crowd_output, &crowd_conf, 1, &fault));
	cr_assert_str_eq(fault.text, "as asked");
	cr_assert_eq(crowd.opened, 2);
	cr_assert_eq(crowd.closed, 2);
}
