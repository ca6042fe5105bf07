#include "shipper/publish/funnel.h"

#include <string.h>

enum {
	/* Past batch_bytes: a batch is handed over by the document that fills it. */
	BATCH_SLACK = 16 << 10,
	/* When workers wait, more batches only cost memory. */
	BATCHES_WAITING = 8,
	/* Then nobody is in a hurry either, and to wake a thread costs as much as ten documents. */
	RING_AT_WAITING = 4,
	ENTRIES_FIRST = 64,
	/* How often a waiting worker looks at the stop flag, and how long it goes on then. */
	STOP_LOOK_MS = 50,
	STOP_PATIENCE_MS = 1000,
};

static size_t batch_reserve(const struct funnel *f)
{
	return (size_t)f->conf->batch_bytes + BATCH_SLACK;
}

struct funnel *funnel_new(const struct publish_conf *conf, struct bell *work)
{
	struct funnel *f = must_alloc(sizeof(*f));
	int64_t count =
		conf->wait && conf->batches > BATCHES_WAITING ? BATCHES_WAITING : conf->batches;

	must(conf->batch_bytes > 0 && count > 0);
	f->conf = conf;
	f->work = work;
	f->count = (unsigned)count;
	f->ring_at = !conf->wait		      ? 1
		     : f->count / 2 < RING_AT_WAITING ? f->count / 2
						      : RING_AT_WAITING;
	f->batches = must_alloc(f->count * sizeof(f->batches[0]));
	ring_init(&f->full, f->count);
	ring_init(&f->empty, f->count);
	bell_init(&f->emptied);
	return f;
}

void funnel_free(struct funnel *f)
{
	if (f == NULL)
		return;
	for (unsigned i = 0; i < f->count; i++) {
		buf_fini(&f->batches[i].text);
		buf_fini(&f->batches[i].reasons);
		free(f->batches[i].entries);
	}
	free(f->batches);
	ring_fini(&f->full);
	ring_fini(&f->empty);
	bell_fini(&f->emptied);
	free(f);
}

/* To the size that all batches have, from below or after a large document. */
static void batch_fit(const struct funnel *f, struct batch *b)
{
	size_t want = batch_reserve(f);

	if (b->text.cap == want)
		return;
	b->text.at = must_realloc(b->text.at, want);
	b->text.cap = want;
}

static struct batch *free_batch(struct funnel *f)
{
	struct batch *b = ring_take(&f->empty);

	if (b == NULL && f->used < f->count) {
		b = &f->batches[f->used++];
		batch_fit(f, b);
	}
	return b;
}

static bool stopping(const struct funnel *f)
{
	return f->conf->stop != NULL && __atomic_load_n(f->conf->stop, __ATOMIC_RELAXED);
}

/* Once the program stops, an output that takes nothing must not hold it up for ever. */
static bool patient(struct funnel *f)
{
	if (!stopping(f))
		return true;
	if (f->patience.ns == 0)
		f->patience.ns = mono_now().ns + (int64_t)STOP_PATIENCE_MS * NS_PER_MS;
	return mono_now().ns < f->patience.ns;
}

static struct batch *wait_batch(struct funnel *f)
{
	nsec look = f->conf->stop ? (nsec)STOP_LOOK_MS * NS_PER_MS : BELL_FOREVER;

	while (patient(f)) {
		bell_listen(&f->emptied);
		struct batch *b = free_batch(f);

		if (b != NULL) {
			bell_ignore(&f->emptied);
			return b;
		}
		bell_wait(&f->emptied, look);
	}
	return free_batch(f);
}

static struct buf *funnel_room(void *self)
{
	struct funnel *f = self;

	if (__builtin_expect(f->filling == NULL, 0)) {
		f->filling = free_batch(f);
		/* What is drained from a device at the end comes faster than live. */
		if (f->filling == NULL && (f->conf->wait || stopping(f)))
			f->filling = wait_batch(f);
		if (f->filling == NULL) {
			tally_add(&f->dropped, 1);
			return NULL;
		}
	}
	return &f->filling->text;
}

/* What was handed over is there to be taken. */
static void ring(struct funnel *f)
{
	f->unrung = 0;
	bell_ring(f->work);
}

static void hand_over(struct funnel *f)
{
	ring_put(&f->full, f->filling);
	f->filling = NULL;
	if (++f->unrung >= f->ring_at)
		ring(f);
}

static void more_entries(struct batch *b)
{
	b->room = b->room ? b->room * 2 : ENTRIES_FIRST;
	b->entries = must_realloc(b->entries, b->room * sizeof(b->entries[0]));
}

static void funnel_wrote(void *self, size_t at, unsigned proto, const char id[32])
{
	struct funnel *f = self;
	struct batch *b = f->filling;

	must(b != NULL && at <= b->text.len && b->text.len <= UINT32_MAX);
	if (b->count == b->room)
		more_entries(b);
	if (b->count == 0)
		f->began = mono_now();
	struct entry *e = &b->entries[b->count++];

	(void)proto;
	*e = (struct entry){.at = (uint32_t)at, .len = (uint32_t)(b->text.len - at)};
	memcpy(e->id, id, sizeof(e->id));
	tally_add(&f->handed, 1);
	if (b->text.len >= (size_t)f->conf->batch_bytes || b->count == f->conf->batch_documents)
		hand_over(f);
}

void funnel_flush(struct funnel *f, bool now)
{
	bool some = f->filling != NULL && f->filling->count > 0;

	if (!some && f->unrung == 0)
		return;
	if (!now && mono_now().ns - f->began.ns < f->conf->flush_interval)
		return;
	if (some)
		hand_over(f);
	ring(f);
}

static void sink_flush(void *self, bool now)
{
	funnel_flush(self, now);
}

struct batch *funnel_take(struct funnel *f)
{
	return ring_take(&f->full);
}

void funnel_back(struct funnel *f, struct batch *b)
{
	b->text.len = 0;
	b->reasons.len = 0;
	b->count = 0;
	batch_fit(f, b);
	ring_put(&f->empty, b);
	bell_ring(&f->emptied);
}

uint64_t funnel_dropped(const struct funnel *f)
{
	return tally_read(&f->dropped);
}

/* ---- All of them ---- */

void funnels_init(struct funnels *all, const struct publish_conf *conf, unsigned count)
{
	*all = (struct funnels){.at = must_alloc(count * sizeof(all->at[0]))};
	bell_init(&all->work);
	for (all->count = 0; all->count < count; all->count++)
		all->at[all->count] = funnel_new(conf, &all->work);
}

void funnels_fini(struct funnels *all)
{
	for (unsigned i = 0; i < all->count; i++)
		funnel_free(all->at[i]);
	free(all->at);
	bell_fini(&all->work);
}

bool funnels_have(const struct funnels *all)
{
	for (unsigned i = 0; i < all->count; i++)
		if (ring_has(&all->at[i]->full))
			return true;
	return false;
}

struct batch *funnels_take(struct funnels *all, struct funnel **from)
{
	for (unsigned i = 0; i < all->count; i++) {
		struct funnel *f = all->at[(all->turn + i) % all->count];
		struct batch *b = funnel_take(f);

		if (b != NULL) {
			all->turn = (all->turn + i + 1) % all->count;
			*from = f;
			return b;
		}
	}
	return NULL;
}

const struct document_sink funnel_sink = {
	.room = funnel_room,
	.wrote = funnel_wrote,
	.flush = sink_flush,
};
