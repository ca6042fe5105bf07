/*
 * The classic capture file: a header of 24 bytes, then records of 16 bytes and a frame each.
 *
 * libpcap reads it as well, at about five times the cost for a frame: it copies every frame through
 * stdio, where this one hands it out where read(2) has put it.
 *
 * Source   draft-ietf-opsawg-pcap; magic numbers a1b2c3d4 (microseconds) and a1b23c4d
 *          (nanoseconds) in either byte order, version 2.4
 * Borrows  a frame lies in the inlet until the next call
 * Errors   faults do not name the file: the caller does
 */
#ifndef WIRESPAN_CAPTURE_CLASSIC_H
#define WIRESPAN_CAPTURE_CLASSIC_H

#include "shipper/capture/inlet.h"
#include "shipper/capture/source.h"

enum {
	CLASSIC_HEADER = 24,
	/* More than a segment of "big TCP" (512 KiB), which is the largest frame that Linux makes.
	 */
	FRAME_BYTES_MAX = 1 << 20,
};

struct classic {
	int link;
	bool swapped;	     /* most significant byte first */
	int64_t fraction_ns; /* what one unit below the second is worth */
	uint64_t frames;
};

/* False: not this format, or a variant of it that only libpcap knows. */
bool classic_open(struct classic *c, struct bytes header);
enum next classic_next(struct classic *c, struct inlet *in, struct frame *frame,
		       struct fault *fault);

#endif
