/*
 * A spool's bytes on disk.
 *
 *   segment   header │ record │ record │ …
 *   header    magic 8 │ version 4 │ sealed 4 │ number 8 │ first 8 │ end 8 │ newest 8 │ 0 8 │ sum 8
 *   record    magic 4 │ length 4 │ number 8 │ when 8 │ id 32 │ sum of the text 8 │ sum 8 │ text
 *   cursor    magic 8 │ version 4 │ 0 4 │ next 8 │ sum 8
 *
 * Integers are little-endian. A sum is XXH3 (64 bits) of all that stands before it. Records are
 * numbered through, from one segment to the next; `end` and `newest` mean something once the
 * segment is sealed: nothing is added to it any more.
 *
 * What is damaged costs what it touches and no more. A record's header has a sum of its own, so
 * that its length can be trusted, and its magic begins with a byte that cannot stand in JSON text:
 * past damage, the next record is found by it, and nothing within a document is taken for one.
 *
 * Errors   values: what is not whole is passed over and counted by the caller
 */
#ifndef WIRESPAN_PUBLISH_SPOOL_FORMAT_H
#define WIRESPAN_PUBLISH_SPOOL_FORMAT_H

#include "shipper/base/buf.h"
#include "shipper/base/cursor.h"
#include "shipper/base/time.h"

enum {
	SPOOL_VERSION = 1,
	SPOOL_HEADER = 64,
	SPOOL_RECORD_HEADER = 72,
	SPOOL_CURSOR = 32,
	SPOOL_ID = 32,
};

enum spool_state {
	SPOOL_WELL,
	SPOOL_DAMAGED,
	SPOOL_OTHER, /* whole, but of another version */
};

struct spool_header {
	uint32_t version;
	bool sealed;
	uint64_t number;
	uint64_t first, end; /* records in it: from, and to before */
	nsec newest;	     /* when the last one was written */
};

struct spool_record {
	uint64_t number;
	nsec when;	   /* it was written, since the Unix epoch */
	const uint8_t *id; /* SPOOL_ID bytes */
	struct bytes text;
};

void spool_header_write(uint8_t to[SPOOL_HEADER], const struct spool_header *header);
enum spool_state spool_header_read(struct bytes b, struct spool_header *header);

void spool_cursor_write(uint8_t to[SPOOL_CURSOR], uint64_t next);
enum spool_state spool_cursor_read(struct bytes b, uint64_t *next, uint32_t *version);

void spool_record_write(struct buf *to, const struct spool_record *record);

enum spool_step {
	SPOOL_RECORD, /* a whole one; it borrows from the cursor */
	SPOOL_MORE,   /* not within these bytes: show `want` from the cursor on */
	SPOOL_END,    /* there is none any more */
};

/* The next whole record. Bytes passed over on the way are added to *damaged. `beyond` is how many
 * bytes the segment has behind the cursor's end. */
enum spool_step spool_record_next(struct cursor *c, uint64_t beyond, struct spool_record *record,
				  uint64_t *want, uint64_t *damaged);

#endif
