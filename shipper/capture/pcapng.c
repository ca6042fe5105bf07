#include "shipper/capture/pcapng.h"

#include <inttypes.h>
#include <stdlib.h>

#include "shipper/base/cursor.h"
#include "shipper/base/must.h"
#include "shipper/capture/classic.h"
#include "shipper/capture/link.h"

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET_OLD = 2,
	BLOCK_PACKET_SIMPLE = 3,
	BLOCK_PACKET = 6,
	BLOCK_SECTION = 0x0a0d0d0a,
};

enum { OPTION_END = 0, OPTION_TSRESOL = 9, OPTION_TSOFFSET = 14 };

enum {
	BLOCK_HEADER = 8,
	PACKET_HEADER = 28, /* of a packet in the block that nearly all use */
	BLOCK_TRAILER = 4,
	SECTION_BYTES = 12,				 /* up to and with the byte-order magic */
	BLOCK_BYTES_MAX = FRAME_BYTES_MAX + (256 << 10), /* a frame and its options */
	INTERFACES_MAX = 4096,
	TEN_POWER_MAX = 19, /* 10^19 is the last that fits */
	NANO_POWER = 9,
	/* With more bits below the second, the low ones say nothing in nanoseconds, and
	 * fraction * 10^9 would not fit. */
	SHIFT_MAX = 34,
};

/* The year 2255: times up to it can be added and subtracted without overflow. */
#define SECONDS_LIMIT INT64_C(9000000000)
#define NSEC_LIMIT    (SECONDS_LIMIT * NS_PER_S)
#define NANO	      UINT64_C(1000000000)

static uint32_t u32(struct cursor *c, bool swapped)
{
	return swapped ? cursor_be32(c) : cursor_le32(c);
}

static uint16_t u16(struct cursor *c, bool swapped)
{
	return swapped ? cursor_be16(c) : cursor_le16(c);
}

bool pcapng_is(struct bytes header)
{
	return bytes_starts(header, BYTES("\x0a\x0d\x0d\x0a")) &&
	       (bytes_eq(bytes_head(bytes_skip(header, 8), 4), BYTES("\x1a\x2b\x3c\x4d")) ||
		bytes_eq(bytes_head(bytes_skip(header, 8), 4), BYTES("\x4d\x3c\x2b\x1a")));
}

void pcapng_init(struct pcapng *p, bool (*knows_link)(int link))
{
	*p = (struct pcapng){.knows_link = knows_link};
}

void pcapng_fini(struct pcapng *p)
{
	free(p->interfaces);
	*p = (struct pcapng){0};
}

static enum next damaged(const struct pcapng *p, const struct inlet *in, const char *what,
			 struct fault *fault)
{
	fault_set(fault,
		  "is damaged at byte %" PRIu64 ": %s. The %" PRIu64 " packets before it were read",
		  in->offset, what, p->frames);
	return NEXT_FAILED;
}

/* ---- Time ---- */

static void set_resolution(struct pcapng_interface *i, uint8_t resolution)
{
	unsigned power = resolution & 0x7f;

	i->multiply = 0;
	i->divide = 0;
	i->shift = power;
	if ((resolution & 0x80) != 0)
		return;
	if (power <= NANO_POWER) {
		i->multiply = 1;
		for (; power < NANO_POWER; power++)
			i->multiply *= 10;
	} else {
		unsigned most = NANO_POWER + TEN_POWER_MAX;

		i->divide = 1;
		for (power = power < most ? power : most; power > NANO_POWER; power--)
			i->divide *= 10;
	}
}

static uint64_t binary_time(uint64_t ticks, unsigned shift)
{
	uint64_t seconds = shift < 64 ? ticks >> shift : 0;
	uint64_t fraction = shift < 64 ? ticks & ((UINT64_C(1) << shift) - 1) : ticks;

	if (seconds > (uint64_t)SECONDS_LIMIT)
		return (uint64_t)NSEC_LIMIT;
	if (shift > SHIFT_MAX) {
		fraction = shift - SHIFT_MAX < 64 ? fraction >> (shift - SHIFT_MAX) : 0;
		shift = SHIFT_MAX;
	}
	return seconds * NANO + (fraction * NANO >> shift);
}

static nsec time_of(const struct pcapng_interface *i, uint64_t ticks)
{
	uint64_t ns;

	if (i->multiply > 0)
		ns = ticks > (uint64_t)NSEC_LIMIT / i->multiply ? (uint64_t)NSEC_LIMIT
								: ticks * i->multiply;
	else
		ns = i->divide > 0 ? ticks / i->divide : binary_time(ticks, i->shift);
	if (ns > (uint64_t)NSEC_LIMIT)
		ns = (uint64_t)NSEC_LIMIT;
	/* Both lie within what half the type holds: the sum fits only just, so it is looked at
	 * before it is made. */
	if (i->offset > NSEC_LIMIT - (nsec)ns)
		return NSEC_LIMIT;
	nsec when = (nsec)ns + i->offset;
	return when > 0 ? when : 0;
}

/* ---- Blocks ---- */

/* A section begins: its byte order holds and the interfaces of the one before are gone. Sets the
 * order before the block's length can be read. */
static enum next section_order(struct pcapng *p, struct inlet *in, struct fault *fault)
{
	struct bytes head = bytes_head(inlet_bytes(in), SECTION_BYTES);

	if (!pcapng_is(head))
		return damaged(p, in, "a section without a byte order", fault);
	p->swapped = head.at[BLOCK_HEADER] == 0x1a;
	p->count = 0;
	return NEXT_FRAME;
}

static enum next section(struct pcapng *p, struct inlet *in, struct cursor c, struct fault *fault)
{
	uint16_t major;

	cursor_take(&c, SECTION_BYTES - BLOCK_HEADER);
	major = u16(&c, p->swapped);
	if (c.dry)
		return damaged(p, in, "a section header that is too short", fault);
	if (major != 1) {
		fault_set(fault,
			  "has a section of pcapng version %u, of which only 1 is known: write it "
			  "anew with editcap -F pcapng",
			  (unsigned)major);
		return NEXT_FAILED;
	}
	return NEXT_FRAME;
}

static void interface_options(struct pcapng_interface *i, struct cursor *c, bool swapped)
{
	for (;;) {
		uint16_t code = u16(c, swapped);
		uint16_t len = u16(c, swapped);
		struct cursor value = cursor_of(cursor_take(c, len));

		cursor_take(c, (4U - len % 4U) % 4U);
		if (c->dry || code == OPTION_END)
			return;
		if (code == OPTION_TSRESOL && len == 1)
			set_resolution(i, cursor_u8(&value));
		if (code == OPTION_TSOFFSET && len == 8) {
			uint64_t raw = swapped ? cursor_be(&value, 8) : cursor_le(&value, 8);
			int64_t seconds = (int64_t)raw;

			if (seconds > SECONDS_LIMIT)
				seconds = SECONDS_LIMIT;
			if (seconds < -SECONDS_LIMIT)
				seconds = -SECONDS_LIMIT;
			i->offset = seconds * NS_PER_S;
		}
	}
}

static enum next interface(struct pcapng *p, struct inlet *in, struct cursor c, struct fault *fault)
{
	struct pcapng_interface i = {0};

	i.link = link_of(u16(&c, p->swapped));
	cursor_take(&c, 2);
	i.snap_bytes = u32(&c, p->swapped);
	if (c.dry)
		return damaged(p, in, "an interface description that is too short", fault);
	set_resolution(&i, 6);
	interface_options(&i, &c, p->swapped);
	if (p->count == INTERFACES_MAX)
		return damaged(p, in, "too many interfaces", fault);
	if (p->count == p->room) {
		p->room = p->room > 0 ? p->room * 2 : 8;
		p->interfaces = must_realloc(p->interfaces, p->room * sizeof(*p->interfaces));
	}
	p->interfaces[p->count++] = i;
	p->described = true;
	p->known |= p->knows_link == NULL || p->knows_link(i.link);
	return NEXT_FRAME;
}

/* c stands behind the block's header, its end before the trailer. */
static bool packet(struct pcapng *p, enum block_type type, struct cursor c, struct frame *frame)
{
	bool swapped = p->swapped;
	uint32_t which = 0;
	uint64_t ticks = 0;
	uint32_t captured = UINT32_MAX;

	if (type == BLOCK_PACKET_OLD) {
		which = u16(&c, swapped);
		cursor_take(&c, 2);
	} else if (type == BLOCK_PACKET) {
		which = u32(&c, swapped);
	}
	if (type != BLOCK_PACKET_SIMPLE) {
		ticks = (uint64_t)u32(&c, swapped) << 32;
		ticks |= u32(&c, swapped);
		captured = u32(&c, swapped);
	}
	uint32_t wire = u32(&c, swapped);
	if (c.dry || which >= p->count)
		return false;
	const struct pcapng_interface *i = &p->interfaces[which];
	if (type == BLOCK_PACKET_SIMPLE) {
		/* It does not say how much was captured: all, up to the snap length; what lies
		 * behind that in the block is padding. */
		captured = i->snap_bytes > 0 && i->snap_bytes < wire ? i->snap_bytes : wire;
	} else {
		p->last = time_of(i, ticks);
	}
	frame->when = p->last;
	frame->bytes = cursor_take(&c, captured);
	frame->wire_bytes = wire > captured ? wire : captured;
	frame->link = i->link;
	return !c.dry && captured <= FRAME_BYTES_MAX;
}

/* What is to be done with a block that lies ready as a whole. NEXT_IDLE: nothing. */
static enum next block(struct pcapng *p, struct inlet *in, uint32_t type, uint32_t len,
		       struct frame *frame, struct fault *fault)
{
	struct bytes all = bytes_head(inlet_bytes(in), len);
	struct cursor body = cursor_of(bytes_head(all, len - BLOCK_TRAILER));
	struct cursor trailer = cursor_of(bytes_skip(all, len - BLOCK_TRAILER));
	enum next got = NEXT_IDLE;

	cursor_take(&body, BLOCK_HEADER);
	if (u32(&trailer, p->swapped) != len)
		return damaged(p, in, "a block whose two lengths differ", fault);
	switch (type) {
	case BLOCK_SECTION:
		got = section(p, in, body, fault);
		break;
	case BLOCK_INTERFACE:
		got = interface(p, in, body, fault);
		break;
	default:
		if (!packet(p, type, body, frame))
			return damaged(p, in, "a packet that contradicts its block", fault);
		p->frames++;
		return NEXT_FRAME;
	}
	return got == NEXT_FAILED ? NEXT_FAILED : NEXT_IDLE;
}

static bool of_use(uint32_t type)
{
	return type == BLOCK_PACKET || type == BLOCK_INTERFACE || type == BLOCK_SECTION ||
	       type == BLOCK_PACKET_SIMPLE || type == BLOCK_PACKET_OLD;
}

static enum next end_of_file(const struct pcapng *p, struct fault *fault)
{
	if (!p->described || p->known)
		return NEXT_END;
	fault_set(fault,
		  "has no interface of a link type that can be decoded (the last one is %d): "
		  "capture on Ethernet, Linux cooked, loopback or raw IP",
		  p->count > 0 ? p->interfaces[p->count - 1].link : -1);
	return NEXT_FAILED;
}

enum next pcapng_next(struct pcapng *p, struct inlet *in, struct frame *frame, struct fault *fault)
{
	for (;;) {
		enum inlet_got got = inlet_need(in, SECTION_BYTES);

		if (got == INLET_END && inlet_clean(in))
			return end_of_file(p, fault);
		if (got != INLET_READY)
			return inlet_stop(in, got, p->frames, fault);
		struct cursor c = cursor_of(inlet_bytes(in));
		uint32_t type = u32(&c, p->swapped);
		if (type == BLOCK_SECTION && section_order(p, in, fault) == NEXT_FAILED)
			return NEXT_FAILED;
		uint32_t len = u32(&c, p->swapped);
		if (len % 4 != 0 || len < BLOCK_HEADER + BLOCK_TRAILER)
			return damaged(p, in, "a block with an impossible length", fault);
		if (!of_use(type)) {
			inlet_drop(in, len);
			continue;
		}
		if (len > BLOCK_BYTES_MAX)
			return damaged(p, in, "a block that is too long", fault);
		got = inlet_need(in, len);
		if (got != INLET_READY)
			return inlet_stop(in, got, p->frames, fault);
		enum next what = block(p, in, type, len, frame, fault);
		if (what == NEXT_FAILED)
			return NEXT_FAILED;
		inlet_drop(in, len);
		frame->ahead = bytes_skip(inlet_bytes(in), PACKET_HEADER);
		if (what == NEXT_FRAME)
			return NEXT_FRAME;
	}
}
