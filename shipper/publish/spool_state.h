/*
 * What the parts of the spool share: spool.c (open, put), spool_recover.c (what an earlier process
 * left), spool_take.c (read, settle), spool_keep.c (sync, cursor, removal). Nobody else includes
 * this.
 *
 * Thread   all of struct spool under `lock`, but for what is said to be one thread's own. No file
 * is written, read or synced under it.
 */
#ifndef WIRESPAN_PUBLISH_SPOOL_STATE_H
#define WIRESPAN_PUBLISH_SPOOL_STATE_H

#include <pthread.h>

#include "shipper/base/must.h"
#include "shipper/publish/spool.h"
#include "shipper/publish/spool_folder.h"

struct segment {
	uint64_t number;
	uint64_t first, end; /* records in it: from, and to before */
	uint64_t from; /* where records begin: behind the header, or at 0 if that is damaged */
	uint64_t bytes;
	nsec newest;	/* when the last record was written */
	int fd;		/* it is written by, until it is sealed and synced; else -1 */
	bool sealed;	/* nothing is added any more */
	bool dirty;	/* written since it was last synced */
	bool fresh;	/* its name is not synced yet */
	bool busy;	/* the keeper is syncing it */
	unsigned taken; /* tickets into it */
};

/* What a courier has in hand. */
struct ticket {
	bool open;
	uint64_t first, end; /* records, with those that were dropped on the way */
	uint64_t documents;
	uint64_t segment;
};

/* Trouble that lasts is logged when it begins and when it ends. */
struct grief {
	bool begun;
	uint64_t documents;
	struct mono last, said; /* when it was last felt, and logged; 0 never */
};

struct spool_reader {
	int fd; /* -1 none */
	uint64_t number;
	uint64_t at; /* in the file, where `chunk` ends */
	struct buf chunk;
	size_t used;		/* of chunk */
	uint64_t damaged, lost; /* bytes passed over and documents missed, in this segment */
};

struct spool {
	struct spool_conf conf;
	struct spool_folder folder;
	pthread_mutex_t lock;
	struct segment *segments; /* in order; the last one is written to unless it is sealed */
	size_t count, room;
	uint64_t bytes; /* of all segments */
	uint64_t next;	/* record to be written */
	uint64_t read;	/* record to be read */
	uint64_t next_segment;
	struct ticket *tickets; /* by courier */
	unsigned couriers;
	struct spool_stats stats; /* waiting, bytes and segments are worked out on demand */

	/* The writer's own. */
	struct buf staged;
	struct grief full, disk;
	uint64_t said_oldest; /* of SPOOL_LOST_OLDEST */

	/* The taker's own. */
	struct spool_reader reader;
	struct bell *news;

	/* The keeper's own, but for `tick`. */
	pthread_t keeper;
	struct bell tick; /* rung to have it work at once */
	atomic_bool due;  /* there is a reason to */
	atomic_bool ending;
	uint64_t cursor; /* as it is on disk */
	struct grief sync_grief, cursor_grief;
};

static inline void spool_lock(struct spool *s)
{
	must(pthread_mutex_lock(&s->lock) == 0);
}

static inline void spool_unlock(struct spool *s)
{
	must(pthread_mutex_unlock(&s->lock) == 0);
}

nsec spool_now(void); /* since the Unix epoch */

/* Under the lock: */
struct segment *spool_segment(struct spool *s, uint64_t number); /* NULL: it is gone */
uint64_t spool_unread(const struct spool *s, const struct segment *segment);
bool spool_settled(const struct spool *s, const struct segment *segment);
void spool_add(struct spool *s, const struct segment *segment);
/* Takes it out of the list; its file is the caller's. */
struct segment spool_forget(struct spool *s, struct segment *segment);

/* Not under the lock: removes the first sealed segment that has documents waiting, none under way,
 * and whose newest is not younger than `newest`. */
bool spool_drop(struct spool *s, nsec newest, enum spool_loss why);
void spool_remove_settled(struct spool *s);
void spool_wake_keeper(struct spool *s);

/* Logs trouble when it begins, and every ten seconds while it lasts; its end when there was none
 * for ten seconds, or at once if `end`. */
void spool_grieve(struct grief *grief, uint64_t documents, const char *what);
void spool_relieve(struct grief *grief, const char *what, bool end);

bool spool_recover(struct spool *s, struct fault *fault);

bool spool_keeper_start(struct spool *s, struct fault *fault);
void spool_keep(struct spool *s); /* once over all that is to be done */

#endif
