/*
 * The output interface: takes batches of documents, answers with a verdict for each document.
 * Waiting, retrying, splitting and keeping what was refused are the publisher's (shipper/publish/),
 * for all outputs alike.
 *
 * A batch holds whole documents, each a line of JSON with its newline, one behind the other in one
 * block; an entry says where each lies.
 *
 * Thread   open on the main thread, all other calls on the publisher's
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
	uint32_t at, len; /* in batch->text, newline included */
	uint8_t verdict;  /* enum verdict */
	uint8_t proto;	  /* place in protos[] */
	char id[32];	  /* event.id, not terminated */
};

struct batch {
	struct buf text;
	struct entry *entries;
	size_t count, room;
};

struct output {
	const char *name;	      /* key under `output:` */
	const struct option *options; /* offsets in the conf struct */
	size_t conf_size, self_size;
	/* Self is zeroed; what conf points to stays until close. False leaves nothing to close. */
	bool (*open)(void *self, const void *conf, struct fault *fault);
	/* Sets a verdict on every entry that has none, or AGAIN. On failure fault says why. A batch
	 * with an AGAIN is offered again, unchanged, before any other. */
	void (*send)(void *self, struct batch *batch, struct fault *fault);
	void (*reopen)(void *self, struct fault *fault); /* SIGHUP; may be NULL */
	void (*close)(void *self);
};

#endif
