/*
 * The compressed protocol: frames with a header of 7 bytes around the stream of packets.
 *
 * A frame's body is one zlib or zstd stream, or, where the header says 0 for its expanded length,
 * stored. It is expanded in steps into a small block, and packets are read from there. A frame
 * may hold the end of one message and the beginning of another: its bytes on the wire are taken
 * only when all packets that they hold are read, so that each message ends in a unit of its own.
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
	EXPAND_STEP = 16 << 10,
	/* An unfinished packet: its head and what one step may add. */
	EXPANDED_MAX = HEAD_MAX + HEADER + 2 * EXPAND_STEP,
	ZSTD_WINDOW_LOG_MAX = 24,
	ZLIB_BYTES = 48 << 10, /* about what a decoder takes */
};

struct frames {
	uint32_t left;	     /* of the frame's body, on the wire and not yet expanded */
	uint32_t ahead;	     /* bytes that are expanded, or header, but not yet taken */
	uint32_t to_come;    /* of the expanded bytes */
	bool stored, zstd;   /* how the frame's body is coded */
	bool decoder;	     /* one of the two below is open */
	size_t charged;	     /* for it */
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
static bool expand(struct frames *f, struct bytes in, size_t *used)
{
	size_t made = 0;
	bool good = true;

	in = bytes_head(in, f->left);
	if (f->stored) {
		in = bytes_head(in, EXPAND_STEP);
		buf_add(&f->expanded, in);
		*used = made = in.len;
	} else {
		size_t room = f->to_come < EXPAND_STEP ? f->to_come : EXPAND_STEP;
		uint8_t spare = 0; /* the decoder's last words may make nothing */
		uint8_t *to = room > 0 ? buf_room(&f->expanded, room) : &spare;

		good = f->zstd ? expand_zstd(f, in, to, room, used, &made)
			       : expand_zlib(f, in, to, room, used, &made);
		f->expanded.len += made;
	}
	f->left -= (uint32_t)*used;
	f->ahead += (uint32_t)*used;
	f->to_come -= (uint32_t)made;
	return good && (*used > 0 || made > 0);
}

static enum step open_frame(struct reading *r, struct frames *f, struct bytes wire)
{
	struct cursor c = cursor_of(bytes_skip(wire, f->ahead));
	uint32_t len = (uint32_t)cursor_le(&c, 3);

	cursor_u8(&c);
	uint32_t expanded = (uint32_t)cursor_le(&c, 3);

	if (c.dry)
		return STEP_MORE;
	f->left = len;
	f->ahead += FRAME_HEADER;
	f->stored = expanded == 0;
	f->to_come = f->stored ? len : expanded;
	f->zstd = r->self->compression == COMPRESSION_ZSTD;
	if (len == 0)
		return f->to_come == 0 ? STEP_DONE : STEP_ALIEN;
	if (!f->stored)
		decoder_open(f, f->zstd, conn_quota(r->conn));
	return STEP_DONE;
}

/* More packets, or part of one, from the wire. STEP_MORE: there are no more bytes. */
static enum step fill(struct reading *r, struct frames *f, struct bytes wire)
{
	size_t used = 0;

	if (f->left == 0 && f->to_come == 0)
		return open_frame(r, f, wire);
	/* The last of the wire's bytes may be in, and its expanded ones not yet out. */
	if (wire.len == f->ahead && f->left > 0)
		return STEP_MORE;
	if (!expand(f, bytes_skip(wire, f->ahead), &used))
		return STEP_ALIEN;
	if (f->left == 0 && f->to_come == 0)
		decoder_close(f, conn_quota(r->conn));
	else
		charge(f, conn_quota(r->conn));
	return STEP_DONE;
}

/* Bytes that begin no message yet are taken with the rest of its first packet, so that it begins
 * where its first byte came. */
static void take(const struct reading *r, struct frames *f, struct cursor *c)
{
	const struct mysql_side *s = r->side;
	bool within = exchange_of(r->conn, r->from) || s->left > 0 || s->more;
	bool between = f->expanded.len == 0 && f->left == 0 && f->to_come == 0;

	if (!within && !between)
		return;
	cursor_take(c, f->ahead);
	f->ahead = 0;
}

/* A unit that ends no message takes at least a byte. */
static enum step stop(struct reading *r, struct frames *f, struct cursor *c)
{
	if (r->ends || cursor_used(c) > 0)
		return STEP_DONE;
	if (f->ahead == 0)
		return STEP_ALIEN;
	cursor_take(c, 1);
	f->ahead--;
	return STEP_DONE;
}

/* Units from what is expanded, until a message ends. */
enum step frames_unit(struct reading *r, struct cursor *c,
		      enum step (*packets)(struct reading *r, struct cursor *c))
{
	struct frames *f = frames_of(r);
	struct bytes wire = cursor_rest(c);

	for (;;) {
		/* Its checksum belongs to the message that ends with a frame. */
		bool checksum = f->left > 0 && f->to_come == 0;

		if (f->expanded.len > 0 && !checksum) {
			struct cursor inner = cursor_of(buf_bytes(&f->expanded));
			enum step step = packets(r, &inner);

			if (step == STEP_ALIEN)
				return STEP_ALIEN;
			if (step == STEP_DONE)
				buf_drop(&f->expanded, cursor_used(&inner));
		}
		if (f->expanded.len == 0)
			take(r, f, c);
		if (r->stop)
			return stop(r, f, c);
		if (f->expanded.len > EXPANDED_MAX)
			return STEP_ALIEN;
		struct bytes rest = bytes_skip(wire, cursor_used(c));
		enum step step = fill(r, f, rest);

		if (step == STEP_ALIEN)
			return STEP_ALIEN;
		if (step == STEP_MORE) {
			take(r, f, c);
			return cursor_used(c) > 0 ? STEP_DONE : STEP_MORE;
		}
	}
}
