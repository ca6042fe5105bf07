/*
 * Going through segments without taking anything out: for recovery, and for people who look.
 *
 * Thread   any; a process that uses the spool meanwhile is no harm
 */
#ifndef WIRESPAN_PUBLISH_SPOOL_SCAN_H
#define WIRESPAN_PUBLISH_SPOOL_SCAN_H

#include "shipper/publish/spool_folder.h"

/* A record borrows until return. */
typedef void (*spool_visit_fn)(void *self, const struct spool_record *record);

struct spool_scan {
	uint64_t records;
	uint64_t damaged; /* bytes passed over */
	uint64_t tail;	  /* of these, behind the last record */
};

/* All records between the byte `from` of a file and `to`. False with errno: it cannot be read. */
bool spool_scan(int fd, uint64_t from, uint64_t to, spool_visit_fn visit, void *self,
		struct spool_scan *scan);

/* A whole spool, read only. */
struct spool_view {
	long user; /* the process that uses it, or 0 */
	uint64_t cursor;
	bool cursor_damaged;
	uint64_t segments, bytes;
	uint64_t records;		 /* whole ones, settled or not */
	uint64_t waiting, waiting_bytes; /* not settled: documents, and their text */
	nsec oldest;			 /* of these; 0 none */
	uint64_t damaged;		 /* bytes passed over */
	uint64_t damaged_segments;
};

typedef void (*spool_damage_fn)(void *self, const char *segment, const struct spool_scan *scan,
				bool header);

/* Reads all of it. Calls `waits` (may be NULL) for each document that is not settled, in order, and
 * `damage` (may be NULL) for each segment that is not whole. The view's user may go on meanwhile: a
 * segment that is removed in between is left out, and the end that is being written is no damage.
 */
bool spool_view(const struct spool_folder *folder, spool_visit_fn waits, spool_damage_fn damage,
		void *self, struct spool_view *view, struct fault *fault);
/* At the word of its segments' headers: a spool of gigabytes at once, but damage goes unseen, and
 * the size of what waits is about so much. */
bool spool_glance(const struct spool_folder *folder, struct spool_view *view, struct fault *fault);

#endif
