/*
 * A capture in memory, and what a network or a capture can do to it.
 *
 * Frames share the bytes of those they were made from. Every maker returns a new roll; the time
 * stamp of a frame stays with it wherever it goes.
 *
 * Owns     a roll owns its list, and the bytes of the frames that it made (`made`)
 * Borrows  the bytes of all other frames, from the roll it was made of
 */
#ifndef WIRESPAN_TESTS_ROLL_H
#define WIRESPAN_TESTS_ROLL_H

#include "shipper/capture/source.h"

struct roll {
	struct frame *at;
	size_t count, room;
	uint8_t **made;
	size_t made_count, made_room;
};

/* Where the parts of a TCP segment in an Ethernet frame lie, as offsets into it. */
struct segment {
	size_t ip, tcp, payload;
	uint32_t payload_bytes;
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	uint8_t version, flags; /* enum tcp_flag */
};

bool roll_load(struct roll *roll, const char *path, struct fault *fault);
void roll_fini(struct roll *roll);

void roll_add(struct roll *roll, const struct frame *frame);
struct roll roll_copy(const struct roll *from, size_t begin, size_t end);

bool segment_find(const struct frame *frame, struct segment *segment);
/* The same for a datagram (UDP), without what only TCP has. */
bool datagram_find(const struct frame *frame, struct segment *datagram);
/* Whether any payload's bytes were sent twice. */
bool roll_resent(const struct roll *roll);
/* The longest payload. */
uint32_t roll_longest(const struct roll *roll);

/* Payloads cut into pieces of `piece` bytes, each of which begins `overlap` bytes early. */
struct roll roll_split(const struct roll *from, uint32_t piece, uint32_t overlap);
/* Without frame `which`. */
struct roll roll_without(const struct roll *from, size_t which);
/* Without about `percent` of the frames. */
struct roll roll_thin(const struct roll *from, uint32_t percent, uint32_t seed);
/* Without the frames from ports above (or not above) `port`. */
struct roll roll_one_side(const struct roll *from, uint16_t port, bool above);
/* Shuffled within windows of `window` frames, one in four sent again later in its window. A
 * handshake and an RST stay where they are: in another order they would mean something else. No
 * frame changes places with one from before or after a silence, which would be a loss. */
struct roll roll_shuffle(const struct roll *from, size_t window, uint32_t seed);
/* Frames cut to `snap` bytes, as a capture with that snap length. */
struct roll roll_snap(const struct roll *from, uint32_t snap);
/* Sequence numbers moved by the same amount everywhere. */
struct roll roll_move_seq(const struct roll *from, uint32_t by);

#endif
