#include "shipper/capture/classic.h"

#include <inttypes.h>

#include "shipper/base/cursor.h"
#include "shipper/capture/link.h"

enum {
	RECORD_HEADER = 16,
	LINK_MASK = 0x03ffffff, /* above it: whether frames end in a checksum, and how long */
};

static uint32_t u32(struct cursor *c, bool swapped)
{
	return swapped ? cursor_be32(c) : cursor_le32(c);
}

static uint16_t u16(struct cursor *c, bool swapped)
{
	return swapped ? cursor_be16(c) : cursor_le16(c);
}

bool classic_open(struct classic *classic, struct bytes header)
{
	struct cursor c = cursor_of(header);
	struct bytes magic = cursor_take(&c, 4);
	bool micro = bytes_eq(magic, BYTES("\xd4\xc3\xb2\xa1"));
	bool nano = bytes_eq(magic, BYTES("\x4d\x3c\xb2\xa1"));
	bool micro_swapped = bytes_eq(magic, BYTES("\xa1\xb2\xc3\xd4"));
	bool nano_swapped = bytes_eq(magic, BYTES("\xa1\xb2\x3c\x4d"));
	bool swapped = micro_swapped || nano_swapped;
	uint16_t major = u16(&c, swapped);
	uint16_t minor = u16(&c, swapped);

	cursor_take(&c, 12); /* time zone and accuracy, never used; snap length, often wrong */
	uint32_t link = u32(&c, swapped);
	if (c.dry || !(micro || nano || swapped) || major != 2 || minor != 4)
		return false;
	*classic = (struct classic){
		.link = link_of(link & LINK_MASK),
		.swapped = swapped,
		.fraction_ns = nano || nano_swapped ? 1 : NS_PER_US,
	};
	return true;
}

static enum next damaged(const struct classic *c, const struct inlet *in, uint32_t captured,
			 struct fault *fault)
{
	fault_set(fault,
		  "is damaged at byte %" PRIu64 ": a packet claims %" PRIu32 " bytes. The %" PRIu64
		  " packets before it were read",
		  in->offset, captured, c->frames);
	return NEXT_FAILED;
}

enum next classic_next(struct classic *classic, struct inlet *in, struct frame *frame,
		       struct fault *fault)
{
	enum inlet_got got = inlet_need(in, RECORD_HEADER);

	if (got != INLET_READY)
		return inlet_stop(in, got, classic->frames, fault);
	struct cursor c = cursor_of(bytes_head(inlet_bytes(in), RECORD_HEADER));
	uint32_t second = u32(&c, classic->swapped);
	uint32_t fraction = u32(&c, classic->swapped);
	uint32_t captured = u32(&c, classic->swapped);
	uint32_t wire = u32(&c, classic->swapped);

	if (captured > FRAME_BYTES_MAX)
		return damaged(classic, in, captured, fault);
	got = inlet_need(in, RECORD_HEADER + (size_t)captured);
	if (got != INLET_READY)
		return inlet_stop(in, got, classic->frames, fault);
	frame->when = (int64_t)second * NS_PER_S + fraction * classic->fraction_ns;
	frame->bytes = bytes_head(bytes_skip(inlet_bytes(in), RECORD_HEADER), captured);
	frame->wire_bytes = wire > captured ? wire : captured;
	frame->link = classic->link;
	inlet_drop(in, RECORD_HEADER + (uint64_t)captured);
	frame->ahead = bytes_skip(inlet_bytes(in), RECORD_HEADER);
	classic->frames++;
	return NEXT_FRAME;
}
