/*
 * Where frames come from: a file, a device, a test's memory.
 *
 * Borrows  a frame's bytes are good until the next call of `next` or `close`
 * Errors   open and next fill a fault; what was read before stands
 * Thread   a source belongs to one worker
 * Units    packet time in nanoseconds since the epoch, UTC
 */
#ifndef WIRESPAN_CAPTURE_SOURCE_H
#define WIRESPAN_CAPTURE_SOURCE_H

#include "shipper/base/bytes.h"
#include "shipper/base/fault.h"
#include "shipper/base/time.h"

struct frame {
	nsec when;
	struct bytes bytes; /* as captured */
	/* What lies ready behind it, and is most likely the front of the next frame: a hint of what
	 * will be needed soon, not to be relied on; good as long as `bytes`. */
	struct bytes ahead;
	uint32_t wire_bytes; /* as on the wire; more than bytes.len when cut */
	int link;	     /* LINKTYPE_ value (pcap-linktype(7)) */
};

enum next {
	NEXT_FRAME,  /* a frame was filled in */
	NEXT_IDLE,   /* nothing came within the poll time; a device sets frame->when to the present,
			so that timeouts go on; look at signals and clocks */
	NEXT_END,    /* a file: no more, all was well */
	NEXT_FAILED, /* no more, and the fault says why */
};

struct source_stats {
	uint64_t received;	    /* frames handed out or seen by the kernel's filter */
	uint64_t dropped_kernel;    /* no room in the kernel's buffer */
	uint64_t dropped_interface; /* by the device or its driver */
	uint64_t done, size;	    /* files: bytes read, and in all; size 0 when not known */
};

struct source {
	const char *name; /* "file", "device" */
	enum next (*next)(void *self, struct frame *frame, struct fault *fault);
	/* Nothing that comes from now on is wanted: `next` gives what had come before and has not
	 * been read yet, then NEXT_END. NULL: the rest need not be read. */
	void (*drain)(void *self);
	void (*stats)(void *self, struct source_stats *stats);
	/* Goes on by another conf of the source's own kind, with a filter made anew; beside `next`,
	 * on a thread of its own. NULL: nothing of it can change. */
	void (*change)(void *self, const void *conf);
	void (*close)(void *self); /* frees self */
};

/* An open source: the table of its functions and what they work on. */
struct tap {
	const struct source *source;
	void *self;
};

#endif
