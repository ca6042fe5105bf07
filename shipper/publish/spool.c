#include "shipper/publish/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shipper/base/log.h"
#include "shipper/publish/spool_state.h"

enum {
	SEGMENT_MIN = 1 << 20,
	SEGMENT_MAX = 64 << 20,
	/* How many segments the limit on bytes allows for, at least. */
	SEGMENTS_LEAST = 16,
	GRIEF_PAUSE_S = 10,
};

nsec spool_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (nsec)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* ---- Segments, under the lock ---- */

struct segment *spool_segment(struct spool *s, uint64_t number)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->segments[i].number == number)
			return &s->segments[i];
	return NULL;
}

uint64_t spool_unread(const struct spool *s, const struct segment *g)
{
	uint64_t from = s->read > g->first ? s->read : g->first;

	return from < g->end ? g->end - from : 0;
}

bool spool_settled(const struct spool *s, const struct segment *g)
{
	return g->taken == 0 && spool_unread(s, g) == 0;
}

struct segment spool_forget(struct spool *s, struct segment *g)
{
	size_t at = (size_t)(g - s->segments);
	struct segment copy = *g;

	must(!g->busy && g->taken == 0);
	s->bytes -= g->bytes;
	s->count--;
	memmove(g, g + 1, (s->count - at) * sizeof(*g));
	return copy;
}

void spool_add(struct spool *s, const struct segment *g)
{
	if (s->count == s->room) {
		s->room = s->room > 0 ? s->room * 2 : 16;
		s->segments = must_realloc(s->segments, s->room * sizeof(s->segments[0]));
	}
	s->segments[s->count] = *g;
	s->bytes += g->bytes;
	s->count++;
}

static void segment_remove(struct spool *s, const struct segment *g)
{
	if (g->fd >= 0)
		close(g->fd);
	spool_folder_remove(&s->folder, g->number);
}

bool spool_drop(struct spool *s, nsec newest, enum spool_loss why)
{
	struct segment dropped = {0};
	uint64_t lost = 0;

	spool_lock(s);
	for (size_t i = 0; i < s->count && lost == 0; i++) {
		struct segment *g = &s->segments[i];

		if (!g->sealed || g->busy || g->taken > 0 || g->newest > newest)
			continue;
		lost = spool_unread(s, g);
		if (lost == 0)
			continue;
		if (s->read >= g->first)
			s->read = g->end;
		s->stats.lost[why] += lost;
		dropped = spool_forget(s, g);
	}
	spool_unlock(s);
	if (lost > 0)
		segment_remove(s, &dropped);
	return lost > 0;
}

void spool_remove_settled(struct spool *s)
{
	bool found;

	do {
		struct segment settled = {0};

		found = false;
		spool_lock(s);
		for (size_t i = 0; i < s->count && !found; i++) {
			struct segment *g = &s->segments[i];

			found = g->sealed && !g->busy && spool_settled(s, g);
			if (found)
				settled = spool_forget(s, g);
		}
		spool_unlock(s);
		if (found)
			segment_remove(s, &settled);
	} while (found);
}

/* ---- What is said ---- */

void spool_grieve(struct grief *g, uint64_t documents, const char *what)
{
	struct mono now = mono_now();

	g->documents += documents;
	g->begun = true;
	g->last = now;
	if (g->said.ns != 0 && now.ns - g->said.ns < (int64_t)GRIEF_PAUSE_S * NS_PER_S)
		return;
	g->said = now;
	if (g->documents > 0)
		log_error("queue: %s; %" PRIu64 " documents lost by that so far", what,
			  g->documents);
	else
		log_error("queue: %s", what);
}

void spool_relieve(struct grief *g, const char *what, bool end)
{
	if (!g->begun || (!end && mono_now().ns - g->last.ns < (int64_t)GRIEF_PAUSE_S * NS_PER_S))
		return;
	if (g->documents > 0)
		log_warning("queue: %s; %" PRIu64 " documents were lost", what, g->documents);
	else
		log_info("queue: %s", what);
	*g = (struct grief){.said = g->said};
}

/* ---- Putting ---- */

static struct segment *writing(struct spool *s)
{
	struct segment *g = s->count > 0 ? &s->segments[s->count - 1] : NULL;

	return g != NULL && !g->sealed ? g : NULL;
}

static bool header_put(int fd, const struct segment *g)
{
	uint8_t text[SPOOL_HEADER];
	struct spool_header header = {
		.sealed = g->sealed,
		.number = g->number,
		.first = g->first,
		.end = g->end,
		.newest = g->newest,
	};

	spool_header_write(text, &header);
	return spool_write(fd, bytes_of(text, sizeof(text)), 0);
}

/* A header that cannot be written only costs a scan at the next start. */
static void seal(struct spool *s)
{
	struct segment sealed;

	spool_lock(s);
	struct segment *g = writing(s);

	if (g != NULL)
		sealed = *g;
	spool_unlock(s);
	if (g == NULL)
		return;
	sealed.sealed = true;
	header_put(sealed.fd, &sealed);
	/* From here on the keeper may close it. */
	spool_lock(s);
	g = writing(s);
	g->sealed = g->dirty = true;
	spool_unlock(s);
	spool_wake_keeper(s);
}

/* False with errno: none can be made. */
static bool begin_segment(struct spool *s)
{
	struct segment g = {
		.number = s->next_segment,
		.first = s->next,
		.end = s->next,
		.from = SPOOL_HEADER,
		.bytes = SPOOL_HEADER,
		.fresh = true,
	};

	g.fd = spool_folder_open(&s->folder, g.number, O_RDWR | O_CREAT | O_EXCL);
	if (g.fd < 0)
		return false;
	if (!header_put(g.fd, &g) ||
	    (s->conf.sync == SPOOL_SYNC_BATCH && fsync(s->folder.dir) != 0)) {
		int error = errno;

		close(g.fd);
		spool_folder_remove(&s->folder, g.number);
		errno = error;
		return false;
	}
	s->next_segment++;
	spool_lock(s);
	spool_add(s, &g);
	spool_unlock(s);
	return true;
}

static void stage(struct spool *s, const struct batch *b, nsec now)
{
	s->staged.len = 0;
	for (size_t i = 0; i < b->count; i++) {
		const struct entry *e = &b->entries[i];
		struct spool_record record = {
			.number = s->next + i,
			.when = now,
			.id = (const uint8_t *)e->id,
			.text = {b->text.at + e->at, e->len},
		};

		spool_record_write(&s->staged, &record);
	}
}

static bool has_room(struct spool *s)
{
	uint64_t size = s->staged.len + SPOOL_HEADER, most = (uint64_t)s->conf.max_bytes;
	uint64_t bytes;

	if (size > most)
		return false;
	do {
		spool_lock(s);
		bytes = s->bytes;
		spool_unlock(s);
		if (bytes + size <= most)
			return true;
		spool_remove_settled(s);
		spool_lock(s);
		bytes = s->bytes;
		spool_unlock(s);
	} while (bytes + size > most && s->conf.full == SPOOL_DROP_OLDEST &&
		 spool_drop(s, INT64_MAX, SPOOL_LOST_OLDEST));
	return bytes + size <= most;
}

/* Where to write; nowhere: fd -1. */
static struct segment place(struct spool *s)
{
	spool_lock(s);
	const struct segment *g = writing(s);
	struct segment copy = g != NULL ? *g : (struct segment){.fd = -1};

	spool_unlock(s);
	return copy;
}

/* Behind what is there. What a failure leaves half written is cut, and written over. */
static bool append(struct spool *s)
{
	struct segment g = place(s);

	if (g.fd >= 0 && g.bytes >= (uint64_t)s->conf.segment_bytes) {
		seal(s);
		g.fd = -1;
	}
	if (g.fd < 0) {
		if (!begin_segment(s))
			return false;
		g = place(s);
	}
	if (spool_write(g.fd, buf_bytes(&s->staged), g.bytes) &&
	    (s->conf.sync != SPOOL_SYNC_BATCH || fdatasync(g.fd) == 0))
		return true;
	int error = errno;

	/* What cannot be cut is whole records and one that is not: a recovery can tell. */
	bool cut = ftruncate(g.fd, (off_t)g.bytes) == 0;

	(void)cut;
	errno = error;
	return false;
}

/* A full disk is a limit, too. */
static bool disk_is_full(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

static bool write_staged(struct spool *s, struct fault *fault)
{
	bool well = append(s);

	while (!well && disk_is_full(errno) && s->conf.full == SPOOL_DROP_OLDEST) {
		int error = errno;

		spool_remove_settled(s);
		if (!spool_drop(s, INT64_MAX, SPOOL_LOST_OLDEST)) {
			errno = error;
			break;
		}
		well = append(s);
	}
	return well || fault_set(fault, "cannot write to %s: %s", s->folder.path, strerror(errno));
}

static void lose(struct spool *s, enum spool_loss why, uint64_t documents)
{
	spool_lock(s);
	s->stats.lost[why] += documents;
	spool_unlock(s);
}

void spool_put(struct spool *s, const struct batch *b)
{
	struct fault fault;
	nsec now = spool_now();

	stage(s, b, now);
	if (!has_room(s)) {
		lose(s, SPOOL_LOST_NEWEST, b->count);
		spool_grieve(&s->full, b->count, "full (queue.max_size): the newest are dropped");
		return;
	}
	if (!write_staged(s, &fault)) {
		lose(s, SPOOL_LOST_DISK, b->count);
		spool_grieve(&s->disk, b->count, fault.text);
		return;
	}
	spool_relieve(&s->disk, "can be written to again", false);
	spool_lock(s);
	struct segment *g = writing(s);

	g->bytes += s->staged.len;
	g->end += b->count;
	g->newest = now;
	g->dirty = s->conf.sync != SPOOL_SYNC_BATCH;
	s->bytes += s->staged.len;
	s->next += b->count;
	s->stats.spooled += b->count;
	s->stats.synced += s->conf.sync == SPOOL_SYNC_BATCH;
	uint64_t oldest = s->stats.lost[SPOOL_LOST_OLDEST] - s->said_oldest;

	s->said_oldest += oldest;
	spool_unlock(s);
	bell_ring(s->news);
	if (oldest > 0)
		spool_grieve(&s->full, oldest, "full (queue.max_size): the oldest are dropped");
	else
		spool_relieve(&s->full, "has room again", false);
}

/* ---- Opening and closing ---- */

static int64_t segment_size(const struct spool_conf *conf)
{
	int64_t size = conf->max_bytes / SEGMENTS_LEAST;

	if (conf->segment_bytes > 0)
		return conf->segment_bytes;
	return size < SEGMENT_MIN ? SEGMENT_MIN : size > SEGMENT_MAX ? SEGMENT_MAX : size;
}

struct spool *spool_open(const struct spool_conf *conf, unsigned couriers, struct bell *news,
			 struct fault *fault)
{
	struct spool *s = must_alloc(sizeof(*s));

	s->conf = *conf;
	s->conf.segment_bytes = segment_size(conf);
	s->news = news;
	s->folder.dir = s->folder.lock = s->reader.fd = -1;
	s->couriers = couriers;
	s->tickets = must_alloc(couriers * sizeof(s->tickets[0]));
	must(pthread_mutex_init(&s->lock, NULL) == 0);
	bell_init(&s->tick);
	if (spool_folder_own(&s->folder, conf->path, fault) && spool_recover(s, fault) &&
	    spool_keeper_start(s, fault))
		return s;
	spool_free(s);
	return NULL;
}

void spool_end(struct spool *s)
{
	atomic_store(&s->ending, true);
	bell_ring(&s->tick);
	must(pthread_join(s->keeper, NULL) == 0);
	seal(s);
	spool_keep(s);
	spool_relieve(&s->full, "ends", true);
	spool_relieve(&s->disk, "ends", true);
}

void spool_free(struct spool *s)
{
	if (s->reader.fd >= 0)
		close(s->reader.fd);
	for (size_t i = 0; i < s->count; i++)
		if (s->segments[i].fd >= 0)
			close(s->segments[i].fd);
	buf_fini(&s->reader.chunk);
	buf_fini(&s->staged);
	spool_folder_close(&s->folder);
	free(s->segments);
	free(s->tickets);
	bell_fini(&s->tick);
	must(pthread_mutex_destroy(&s->lock) == 0);
	free(s);
}

void spool_stats(struct spool *s, struct spool_stats *stats)
{
	spool_lock(s);
	*stats = s->stats;
	stats->bytes = s->bytes;
	stats->segments = s->count;
	stats->waiting = 0;
	for (size_t i = 0; i < s->count; i++)
		stats->waiting += spool_unread(s, &s->segments[i]);
	for (unsigned i = 0; i < s->couriers; i++)
		if (s->tickets[i].open)
			stats->waiting += s->tickets[i].documents;
	spool_unlock(s);
}
