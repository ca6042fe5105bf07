/*
 * Capture files that only libpcap knows: old and vendors' variants of the classic format.
 *
 * Owns     the libpcap handle
 * Borrows  the inlet, from which libpcap reads; a frame lies in libpcap's buffer until the next
 *          call
 * Errors   faults do not name the file: the caller does
 */
#ifndef WIRESPAN_CAPTURE_FOREIGN_H
#define WIRESPAN_CAPTURE_FOREIGN_H

#include "shipper/capture/inlet.h"
#include "shipper/capture/source.h"

struct pcap;

struct foreign {
	struct pcap *handle;
	int link;
	uint64_t frames;
};

/* False: libpcap does not know it either; the fault says what it looks like instead. */
bool foreign_open(struct foreign *f, struct inlet *in, struct fault *fault);
void foreign_close(struct foreign *f);
enum next foreign_next(struct foreign *f, struct frame *frame, struct fault *fault);

#endif
