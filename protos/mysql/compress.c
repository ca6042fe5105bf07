/*
 * The compressed protocol: frames with a header of 7 bytes around the stream of packets.
 *
 * A frame's body is one zlib or zstd stream, or, where the header says 0 for its expanded length,
 * stored. It is read in blocks, once a block is whole, expanded in steps into a small buffer, and
 * packets are read from there.
 *
 *              taken          fed           block              wire
 *   frame  ─────┴──────────────┴─────────────┴──────────────────┤
 *   expanded   └ packets read ┘└ not yet ┘                      all
 *
 * A frame may hold the end of one message and the beginning of another. Which of its bytes on the
 * wire are whose nothing says; they are taken to be spread evenly over what they hold, and no
 * message ends behind the block that its last packet comes out of. So a message's bytes depend on
 * the frames alone, not on the segments that they came in.
 *
 * Source   MySQL source documentation "Compression"; MariaDB "0-packet compression"
 * Owns     the expanded bytes not read yet, and a decoder while a frame is open
 * Errors   STEP_ALIEN: not a frame, or a body that does not expand to what its header says
 */
#include "protos/mysql/mysql.h"
#include "shipper/base/must.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

enum {
	FRAME_HEADER = 7,
	BLOCK = 16 << 10,
	EXPAND_STEP = 16 << 10,
	/* An unfinished packet: its head and what one step may add. */
	EXPANDED_MAX = HEAD_MAX + HEADER + 2 * EXPAND_STEP,
	ZSTD_WINDOW_LOG_MAX = 24,
	ZLIB_BYTES = 48 << 10, /* about what a decoder takes */
};

struct frames {
	/* Places in the frame that is open, its header included. */
	uint32_t taken, fed, block, wire;
	uint32_t all, made;  /* its expanded length, and how much of that there is */
	uint32_t behind;     /* bytes of earlier frames that are not taken yet */
	bool stored, zstd;   /* how its body is coded */
	bool decoder;	     /* one of the two below is open */
	bool drained;	     /* nothing more comes of what was fed */
	size_t charged;	     /* for the decoder */
	struct buf expanded; /* packets not read yet */
	z_stream zlib;
	ZSTD_DCtx *zstd_state;
};

static void decoder_close(struct frames *f, struct quota *quota)
{
	if (!f->decoder)
		return;
	if (f->zstd_state)
		ZSTD_freeDCtx(f->zstd_state);
	else
		inflateEnd(&f->zlib);
	f->zstd_state = NULL;
	f->decoder = false;
	quota_give(quota, f->charged);
	f->charged = 0;
}

void frames_free(struct frames *f, struct quota *quota)
{
	if (f == NULL)
		return;
	decoder_close(f, quota);
	buf_fini(&f->expanded);
	quota_give(quota, sizeof(*f));
	free(f);
}

static struct frames *frames_of(struct reading *r)
{
	struct quota *quota = conn_quota(r->conn);

	if (r->side->frames == NULL) {
		r->side->frames = must_alloc(sizeof(*r->side->frames));
		quota_take(quota, sizeof(*r->side->frames));
		buf_init(&r->side->frames->expanded, quota);
	}
	return r->side->frames;
}

static void decoder_open(struct frames *f, bool zstd, struct quota *quota)
{
	if (zstd) {
		f->zstd_state = ZSTD_createDCtx();
		must(f->zstd_state != NULL);
		ZSTD_DCtx_setParameter(f->zstd_state, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
	} else {
		f->zlib = (z_stream){0};
		must(inflateInit(&f->zlib) == Z_OK);
	}
	f->decoder = true;
	f->charged = zstd ? ZSTD_sizeof_DCtx(f->zstd_state) : ZLIB_BYTES;
	quota_take(quota, f->charged);
}

/* zstd's takes what the frame's window asks for. */
static void charge(struct frames *f, struct quota *quota)
{
	if (!f->zstd_state)
		return;
	quota_give(quota, f->charged);
	f->charged = ZSTD_sizeof_DCtx(f->zstd_state);
	quota_take(quota, f->charged);
}

/* What one step made of `in`: bytes used and made; false when it is not what it should be. */
static bool expand_zlib(struct frames *f, struct bytes in, uint8_t *to, size_t room, size_t *used,
			size_t *made)
{
	f->zlib.next_in = (Bytef *)(uintptr_t)in.at;
	f->zlib.avail_in = (uInt)in.len;
	f->zlib.next_out = to;
	f->zlib.avail_out = (uInt)room;
	int rc = inflate(&f->zlib, Z_NO_FLUSH);

	*used = in.len - f->zlib.avail_in;
	*made = room - f->zlib.avail_out;
	return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR;
}

static bool expand_zstd(struct frames *f, struct bytes in, uint8_t *to, size_t room, size_t *used,
			size_t *made)
{
	ZSTD_inBuffer from = {in.at, in.len, 0};
	ZSTD_outBuffer out = {to, room, 0};
	size_t rc = ZSTD_decompressStream(f->zstd_state, &out, &from);

	*used = from.pos;
	*made = out.pos;
	return !ZSTD_isError(rc);
}

/* A step of the open frame. False: it is not one. */
static bool expand(struct frames *f, struct bytes in)
{
	size_t room = f->all - f->made < EXPAND_STEP ? f->all - f->made : EXPAND_STEP;
	size_t used = 0, made = 0;
	bool good = true;

	if (f->stored) {
		in = bytes_head(in, room);
		buf_add(&f->expanded, in);
		used = made = in.len;
	} else {
		uint8_t spare = 0; /* the decoder's last words make nothing */
		uint8_t *to = room > 0 ? buf_room(&f->expanded, room) : &spare;

		good = f->zstd ? expand_zstd(f, in, to, room, &used, &made)
			       : expand_zlib(f, in, to, room, &used, &made);
		f->expanded.len += made;
	}
	f->fed += (uint32_t)used;
	f->made += (uint32_t)made;
	f->drained = f->fed == f->block && (made < room || room == 0);
	return good && (used > 0 || made > 0 || f->drained);
}

/* Expands until there is something to read, or the block has no more. */
static bool expand_some(struct reading *r, struct frames *f, struct bytes wire)
{
	while (f->expanded.len == 0 && !f->drained) {
		struct bytes rest = bytes_skip(wire, f->behind + f->fed - f->taken);

		if (!expand(f, bytes_head(rest, f->block - f->fed)))
			return false;
	}
	charge(f, conn_quota(r->conn));
	return true;
}

/* Bytes up to this place in the frame are used. */
static void take_to(struct frames *f, struct cursor *c, uint32_t place)
{
	cursor_take(c, f->behind + place - f->taken);
	f->behind = 0;
	f->taken = place;
}

/* The next block, of this frame or the one that follows. STEP_MORE: it is not whole yet. */
static enum step next_block(struct reading *r, struct frames *f, struct bytes wire)
{
	struct cursor c;

	if (f->block < f->wire) {
		uint32_t block = f->wire - f->block < BLOCK ? f->wire : f->block + BLOCK;

		if (wire.len < (uint64_t)f->behind + block - f->taken)
			return STEP_MORE;
		f->block = block;
		f->drained = false;
		return STEP_DONE;
	}
	if (f->made != f->all)
		return STEP_ALIEN;
	c = cursor_of(bytes_skip(wire, f->behind + f->wire - f->taken));
	uint32_t len = (uint32_t)cursor_le(&c, 3);

	cursor_u8(&c);
	uint32_t all = (uint32_t)cursor_le(&c, 3);
	uint32_t block = len + FRAME_HEADER < BLOCK ? len + FRAME_HEADER : BLOCK;

	if (c.dry || cursor_left(&c) + FRAME_HEADER < block)
		return STEP_MORE;
	decoder_close(f, conn_quota(r->conn));
	f->behind += f->wire - f->taken;
	f->taken = f->made = 0;
	f->fed = FRAME_HEADER;
	f->block = block;
	f->wire = len + FRAME_HEADER;
	f->stored = all == 0;
	f->all = f->stored ? len : all;
	f->zstd = r->self->compression == COMPRESSION_ZSTD;
	f->drained = len == 0;
	if (len == 0)
		return all == 0 ? STEP_DONE : STEP_ALIEN;
	if (!f->stored)
		decoder_open(f, f->zstd, conn_quota(r->conn));
	return STEP_DONE;
}

/* A block is through: its bytes are the message's in hand, or nobody's. Those that begin no message
 * yet are taken with the rest of its first packet, so that it begins where its first byte came. */
static void take_block(const struct reading *r, struct frames *f, struct cursor *c)
{
	const struct mysql_side *s = r->side;
	bool over = f->block == f->wire && f->made == f->all && f->expanded.len == 0;

	if (r->hand || s->left > 0 || s->more || over)
		take_to(f, c, f->block);
}

/* Where in the frame a message ends that ends with the packets read so far. */
static uint32_t place_of_end(const struct frames *f)
{
	uint64_t read = f->made > f->expanded.len ? f->made - f->expanded.len : 0;
	uint64_t even = FRAME_HEADER + (f->wire - FRAME_HEADER) * read / (f->all ? f->all : 1);
	uint32_t last = f->block - 1; /* something is left for what follows */

	if (f->expanded.len == 0 && f->drained)
		return f->block;
	uint32_t place = even < last ? (uint32_t)even : last;

	return place < f->taken ? f->taken : place;
}

static enum step message_through(struct reading *r, struct frames *f, struct cursor *c)
{
	if (!expand_some(r, f, cursor_rest(c)))
		return STEP_ALIEN;
	take_to(f, c, place_of_end(f));
	if (r->ends || cursor_used(c) > 0)
		return STEP_DONE;
	/* It goes on later: such a unit takes a byte. */
	if (f->taken == f->block)
		return STEP_ALIEN;
	take_to(f, c, f->taken + 1);
	return STEP_DONE;
}

/* Units from what is expanded, until a message ends. */
enum step frames_unit(struct reading *r, struct cursor *c,
		      enum step (*packets)(struct reading *r, struct cursor *c))
{
	struct frames *f = frames_of(r);

	for (;;) {
		if (f->expanded.len > 0) {
			struct cursor inner = cursor_of(buf_bytes(&f->expanded));
			enum step step = packets(r, &inner);

			if (step == STEP_ALIEN)
				return STEP_ALIEN;
			if (step == STEP_DONE) {
				buf_drop(&f->expanded, cursor_used(&inner));
				if (!r->stop)
					continue;
			}
		}
		if (r->stop)
			return message_through(r, f, c);
		if (f->expanded.len > EXPANDED_MAX)
			return STEP_ALIEN;
		if (!f->drained && f->block > 0) {
			struct bytes rest =
				bytes_skip(cursor_rest(c), f->behind + f->fed - f->taken);

			if (!expand(f, bytes_head(rest, f->block - f->fed)))
				return STEP_ALIEN;
			charge(f, conn_quota(r->conn));
			continue;
		}
		take_block(r, f, c);
		if (cursor_used(c) > 0 && r->hand == NULL)
			return STEP_DONE; /* a message that follows begins with a unit of its own */
		enum step step = next_block(r, f, cursor_rest(c));

		if (step == STEP_MORE)
			return cursor_used(c) > 0 ? STEP_DONE : STEP_MORE;
		if (step == STEP_ALIEN)
			return STEP_ALIEN;
	}
}
