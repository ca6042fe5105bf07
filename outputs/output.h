/*
 * The output interface: takes batches of documents, answers with a verdict for each document.
 * Waiting, retrying and keeping what was refused are the publisher's (shipper/publish/), for all
 * outputs alike.
 *
 * A batch holds whole documents, each a line of JSON with its newline, one behind the other in one
 * block; an entry says where each lies.
 *
 * Thread   open on the main thread, all other calls on the handle's own
 */
#ifndef WIRESPAN_OUTPUTS_OUTPUT_H
#define WIRESPAN_OUTPUTS_OUTPUT_H

#include "shipper/base/buf.h"
#include "shipper/base/fault.h"
#include "shipper/base/option.h"

enum verdict {
	VERDICT_NONE,
	VERDICT_DELIVERED,
	VERDICT_AGAIN,	 /* could not be sent now */
	VERDICT_REFUSED, /* never will be */
	VERDICT_GONE, /* nobody reads any more (EPIPE): neither this nor what follows is wanted */
};

struct entry {
	uint32_t at, len;		/* in batch->text, newline included */
	uint32_t reason_at, reason_len; /* in batch->reasons; of REFUSED alone */
	uint16_t status;		/* of REFUSED: the server's code for it; 0 none */
	uint8_t verdict;		/* enum verdict */
	char id[32];			/* event.id, not terminated */
};

struct batch {
	struct buf text;
	struct buf reasons; /* of refusals, one behind the other */
	struct entry *entries;
	size_t count, room;
	/* Set by send beside an AGAIN, 0 before each: the least time until it is offered again, for
	 * what a quick retry cannot cure (Retry-After, credentials that are not taken). */
	nsec hold;
	/* By the clock: when send should return at the latest, with AGAIN for the rest. It may be
	 * set while send runs. NULL: none. */
	const _Atomic int64_t *deadline;
};

/* What an output asks of the publisher, by its conf. */
struct demand {
	/* How many batches may be under way. Each handle is a self of its own, opened with the same
	 * conf, with a thread of its own: its calls never overlap, those of two handles do. */
	unsigned handles; /* 0 is 1 */
	/* Of a batch, at most; one document alone may be larger. 0: the queue's own limit. */
	size_t batch_bytes, batch_documents;
	/* Bounds of the waits after failures, in place of the queue's. 0: the queue's. */
	nsec retry_wait, retry_wait_limit;
	/* It may be away for a time: documents wait on disk unless the configuration says
	 * otherwise, and what is refused goes to the dead letter file. */
	bool remote;
	/* Where it writes: a folder, or else a file in one that is there. NULL: neither. */
	const char *folder, *file;
};

struct output {
	const char *name;	      /* key under `output:` */
	const struct option *options; /* offsets in the conf struct */
	size_t conf_size, self_size;
	/* What single options cannot say: whether they go together. May be NULL. */
	bool (*check)(const void *conf, struct fault *fault);
	/* Fills what is zeroed. NULL: one handle, not remote. */
	void (*demand)(const void *conf, struct demand *demand);
	/* Self is zeroed; what conf points to stays until close. False leaves nothing to close. */
	bool (*open)(void *self, const void *conf, struct fault *fault);
	/* Sets a verdict on every entry that has none, or AGAIN. On failure fault says why. A batch
	 * with an AGAIN is offered to the same handle again, unchanged, before any other. Batches
	 * of several handles end in any order. To send a batch in parts is the output's business.
	 */
	void (*send)(void *self, struct batch *batch, struct fault *fault);
	void (*reopen)(void *self, struct fault *fault); /* SIGHUP; may be NULL */
	/* May be NULL. All documents that there are were sent: writes what was kept for the end.
	 * False: as a whole it did not go well, and the fault says why. Close comes next. */
	bool (*finish)(void *self, struct fault *fault);
	void (*close)(void *self);
};

enum { REASON_MAX = 4096 };

/* REFUSED, with why: the server's code and words, which are cut at REASON_MAX. */
static inline void batch_refuse(struct batch *b, struct entry *e, uint16_t status,
				struct bytes reason)
{
	struct bytes kept = bytes_head(reason, REASON_MAX);

	e->verdict = VERDICT_REFUSED;
	e->status = status;
	e->reason_at = (uint32_t)b->reasons.len;
	e->reason_len = (uint32_t)kept.len;
	buf_add(&b->reasons, kept);
}

static inline struct bytes batch_reason(const struct batch *b, const struct entry *e)
{
	return e->reason_len > 0 ? bytes_of(b->reasons.at + e->reason_at, e->reason_len) : NO_BYTES;
}

#endif
