#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "shipper/guard/guard.h"
#include "shipper/publish/spool_state.h"

void spool_wake_keeper(struct spool *s)
{
	atomic_store(&s->due, true);
	bell_ring(&s->tick);
}

/* One that was written to since the last time; it is clean from here on. False: there is none. */
static bool next_dirty(struct spool *s, struct segment *dirty)
{
	bool found = false;

	spool_lock(s);
	for (size_t i = 0; i < s->count && !found; i++) {
		struct segment *g = &s->segments[i];

		found = g->dirty;
		if (!found)
			continue;
		g->dirty = false;
		g->busy = true;
		*dirty = *g;
	}
	spool_unlock(s);
	return found;
}

/* It was synced as it was then; sealed by then, it is not written to any more. */
static void synced(struct spool *s, const struct segment *was)
{
	spool_lock(s);
	struct segment *g = spool_segment(s, was->number);

	must(g != NULL && g->busy);
	g->busy = g->fresh = false;
	if (was->sealed)
		g->fd = -1;
	spool_unlock(s);
	if (was->sealed)
		close(was->fd);
}

static bool sync_segment(struct spool *s, const struct segment *g)
{
	struct fault fault;

	if (s->conf.sync == SPOOL_SYNC_NEVER ||
	    (fdatasync(g->fd) == 0 && (!g->fresh || fsync(s->folder.dir) == 0)))
		return true;
	fault_set(&fault, "cannot sync %s: %s: a power failure may cost documents", s->folder.path,
		  strerror(errno));
	spool_grieve(&s->sync_grief, 0, fault.text);
	return false;
}

static void sync_segments(struct spool *s)
{
	struct segment g;
	uint64_t done = 0;
	bool well = true;

	while (next_dirty(s, &g)) {
		well = sync_segment(s, &g) && well;
		done++;
		synced(s, &g);
	}
	if (well && done > 0)
		spool_relieve(&s->sync_grief, "can be synced again", true);
	spool_lock(s);
	s->stats.synced += s->conf.sync == SPOOL_SYNC_INTERVAL ? done : 0;
	spool_unlock(s);
}

/* Before the first record that is not settled. */
static uint64_t settled_to(struct spool *s)
{
	spool_lock(s);
	uint64_t to = s->read;

	for (unsigned i = 0; i < s->couriers; i++)
		if (s->tickets[i].open && s->tickets[i].first < to)
			to = s->tickets[i].first;
	spool_unlock(s);
	return to;
}

static void move_cursor(struct spool *s)
{
	uint64_t to = settled_to(s);
	struct fault fault;

	if (to == s->cursor)
		return;
	if (!spool_folder_set_cursor(&s->folder, to, s->conf.sync != SPOOL_SYNC_NEVER, &fault)) {
		spool_grieve(&s->cursor_grief, 0, fault.text);
		return;
	}
	s->cursor = to;
	spool_relieve(&s->cursor_grief, "the cursor can be written again", true);
}

/* Settled segments go before the cursor moves, for on a full disk it could not move otherwise; one
 * that is missing has nothing left to be read. */
void spool_keep(struct spool *s)
{
	sync_segments(s);
	if (s->conf.max_age > 0)
		while (spool_drop(s, spool_now() - s->conf.max_age, SPOOL_LOST_AGE))
			;
	spool_remove_settled(s);
	move_cursor(s);
}

static void *keep(void *self)
{
	struct spool *s = self;

	guard_enter(GUARD_SPOOL);
	while (!atomic_load(&s->ending)) {
		bell_listen(&s->tick);
		if (atomic_load(&s->due) || atomic_load(&s->ending))
			bell_ignore(&s->tick);
		else
			bell_wait(&s->tick, s->conf.sync_interval);
		atomic_store(&s->due, false);
		spool_keep(s);
	}
	return NULL;
}

/* Signals are the main thread's. */
bool spool_keeper_start(struct spool *s, struct fault *fault)
{
	sigset_t all, before;

	must(sigfillset(&all) == 0);
	must(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	int error = pthread_create(&s->keeper, NULL, keep, s);

	must(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	return error == 0 ||
	       fault_set(fault, "cannot start a thread for the spool: %s", strerror(error));
}
