/*
 * The pcapng capture file: blocks with a type and a length; interfaces are described before the
 * packets that were seen on them.
 *
 * libpcap refuses files whose interfaces differ in link type or snap length, as Wireshark writes
 * them when it listens on two devices, and takes five times as long for a frame.
 *
 * Source   draft-ietf-opsawg-pcapng: Section Header, Interface Description, Enhanced, Simple and
 *          (obsolete) Packet Block; all others are passed over
 * Owns     the table of interfaces
 * Borrows  a frame lies in the inlet until the next call
 * Errors   faults do not name the file: the caller does
 */
#ifndef WIRESPAN_CAPTURE_PCAPNG_H
#define WIRESPAN_CAPTURE_PCAPNG_H

#include "shipper/capture/inlet.h"
#include "shipper/capture/source.h"

struct pcapng_interface {
	int link;
	uint32_t snap_bytes; /* 0 is no limit */
	uint64_t multiply;   /* ticks to nanoseconds, one of three: by this factor, */
	uint64_t divide;     /* by this divisor, */
	unsigned shift;	     /* or a tick is 2^-shift seconds */
	nsec offset;	     /* added to each time */
};

struct pcapng {
	struct pcapng_interface *interfaces; /* of the section in hand */
	size_t count, room;
	bool swapped; /* most significant byte first */
	nsec last;    /* of the frame before, for blocks that carry no time */
	uint64_t frames;
	bool (*knows_link)(int link); /* may be NULL */
	bool described, known; /* an interface was seen; one of a link type that can be decoded */
};

/* Whether a file that begins so is one. */
bool pcapng_is(struct bytes header);
void pcapng_init(struct pcapng *p, bool (*knows_link)(int link));
void pcapng_fini(struct pcapng *p);
enum next pcapng_next(struct pcapng *p, struct inlet *in, struct frame *frame, struct fault *fault);

#endif
