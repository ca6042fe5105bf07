/*
 * What a message begins with, and by it, which transport and protocol a conversation speaks.
 *
 *   first bytes                    transport   protocol
 *   80 01 00 type                  socket      binary
 *   82 (type << 5 | 1)             socket      compact
 *   [1,"                           socket      JSON
 *   length (below 256), a letter   socket      binary without version
 *   length (below 2^30), 0f ff     header      as its header says
 *   length (below 2^30), others    framed      as above, behind the length
 */
#include "protos/thrift/binary.h"

enum {
	HEADER_MAGIC = 0x0fff,
	BINARY_VERSION = 0x8001,
	COMPACT_ID = 0x82,
	COMPACT_VERSION = 1,
	VERSION_BITS = 0x1f,
	TYPE_SHIFT = 5,
	HEADER_WORD = 4,
	HEADER_FIXED = 10, /* magic, flags, sequence id, words */
	TRANSFORMS_MAX = 8,
	TRANSFORM_ZLIB = 1,
	HEADER_BINARY = 0,
	HEADER_COMPACT = 2,
};

static bool is_letter(uint8_t c)
{
	return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '_';
}

/* An identifier, perhaps behind a service's name and a colon; servers take other names, too, but
 * these are what IDL can say. */
static bool is_method(struct bytes name)
{
	if (name.len == 0 || name.len > METHOD_MAX || !is_letter(name.at[0]))
		return false;
	for (size_t i = 1; i < name.len; i++)
		if (!is_letter(name.at[i]) && !(name.at[i] >= '0' && name.at[i] <= ':') &&
		    memchr(".-/$", name.at[i], 4) == NULL)
			return false;
	return true;
}

static enum guess judged(const struct cursor *c, struct head *h)
{
	if (c->dry)
		return GUESS_MAYBE;
	if (!is_method(h->name) || h->name.at[h->name.len - 1] == ':' || h->type < MESSAGE_CALL ||
	    h->type > MESSAGE_ONEWAY)
		return GUESS_NO;
	h->used = cursor_used(c);
	return GUESS_YES;
}

static bool name_fits(const struct cursor *c, struct bytes so_far, uint64_t len)
{
	return len > 0 && len <= METHOD_MAX &&
	       (so_far.len == 0 || is_method(bytes_head(so_far, len))) && (c->dry || so_far.len);
}

/* The length is checked before its bytes are waited for, and so is what there is of the name. */
static enum guess binary_head(struct bytes b, struct head *h)
{
	struct cursor c = cursor_of(b);
	uint16_t version = cursor_be16(&c);
	uint8_t unused = cursor_u8(&c);

	h->type = cursor_u8(&c);
	if (c.dry)
		return GUESS_MAYBE;
	uint32_t len = cursor_be32(&c);

	if (version != BINARY_VERSION || unused != 0 || (!c.dry && (len == 0 || len > METHOD_MAX)))
		return GUESS_NO;
	h->name = cursor_take(&c, len);
	h->seq_id = (int32_t)cursor_be32(&c);
	return judged(&c, h);
}

static enum guess old_head(struct bytes b, struct head *h)
{
	struct cursor c = cursor_of(b);
	uint32_t len = cursor_be32(&c);

	if (c.dry)
		return GUESS_MAYBE;
	if (!name_fits(&c, cursor_rest(&c), len))
		return cursor_left(&c) == 0 && len > 0 && len <= METHOD_MAX ? GUESS_MAYBE
									    : GUESS_NO;
	h->name = cursor_take(&c, len);
	h->type = cursor_u8(&c);
	h->seq_id = (int32_t)cursor_be32(&c);
	return judged(&c, h);
}

static enum guess compact_head(struct bytes b, struct head *h)
{
	struct cursor c = cursor_of(b);
	uint64_t seq_id = 0, len = 0;
	uint8_t id = cursor_u8(&c), version = cursor_u8(&c);

	if (id != COMPACT_ID || (!c.dry && (version & VERSION_BITS) != COMPACT_VERSION))
		return GUESS_NO;
	h->type = version >> TYPE_SHIFT;
	if (!compact_varint(&c, UINT32_MAX, &seq_id) || !compact_varint(&c, METHOD_MAX, &len))
		return GUESS_NO;
	h->seq_id = (int32_t)(uint32_t)seq_id;
	h->name = cursor_take(&c, len);
	return judged(&c, h);
}

static bool json_number(struct cursor *c, int64_t min, int64_t max, int64_t *n)
{
	struct bytes text = bytes_head(cursor_rest(c), NUMBER_MAX);
	size_t end = bytes_find(text, ',');

	if (end == text.len) {
		c->dry = true;
		return end < NUMBER_MAX;
	}
	text = cursor_take(c, end);
	cursor_take(c, 1);
	return bytes_int(text, min, max, n);
}

/* [1,"name",type,seqid, */
static enum guess json_head(struct bytes b, struct head *h)
{
	static const uint8_t begin[] = {'[', '1', ',', '"'};
	struct cursor c = cursor_of(b);
	int64_t type = 0, seq_id = 0;

	if (memcmp(b.at, begin, b.len < sizeof(begin) ? b.len : sizeof(begin)) != 0)
		return GUESS_NO;
	cursor_take(&c, sizeof(begin));
	size_t end = bytes_find(bytes_head(cursor_rest(&c), METHOD_MAX + 1), '"');

	if (end > METHOD_MAX)
		return GUESS_NO;
	h->name = cursor_until(&c, '"');
	bool comma = cursor_u8(&c) == ',';

	if (c.dry)
		return GUESS_MAYBE;
	if (!comma || !json_number(&c, 1, MESSAGE_ONEWAY, &type) ||
	    (!c.dry && !json_number(&c, INT32_MIN, UINT32_MAX, &seq_id)))
		return GUESS_NO;
	h->type = (uint8_t)type;
	h->seq_id = (int32_t)(uint32_t)seq_id;
	uint8_t brace = cursor_u8(&c); /* of the message's struct, which is open from here on */

	if (!c.dry && brace != '{')
		return GUESS_NO;
	return judged(&c, h);
}

static uint8_t protocol_of(uint8_t first)
{
	switch (first) {
	case BINARY_VERSION >> 8:
		return PROTOCOL_BINARY;
	case COMPACT_ID:
		return PROTOCOL_COMPACT;
	case '[':
		return PROTOCOL_JSON;
	case 0:
		return PROTOCOL_OLD;
	}
	return PROTOCOL_AUTO;
}

enum guess head_message(struct bytes b, uint8_t protocol, struct head *h)
{
	if (b.len == 0)
		return GUESS_MAYBE;
	h->format.protocol = protocol_of(b.at[0]);
	if (protocol != PROTOCOL_AUTO && protocol != h->format.protocol &&
	    !(protocol == PROTOCOL_BINARY && h->format.protocol == PROTOCOL_OLD))
		return GUESS_NO;
	switch (h->format.protocol) {
	case PROTOCOL_BINARY:
		return binary_head(b, h);
	case PROTOCOL_COMPACT:
		return compact_head(b, h);
	case PROTOCOL_JSON:
		return json_head(b, h);
	case PROTOCOL_OLD:
		return old_head(b, h);
	}
	return GUESS_NO;
}

/* What a header's first bytes say: which protocol, and whether the payload is deflated. */
static enum guess header_says(struct bytes words, struct head *h)
{
	struct cursor c = cursor_of(words);
	uint64_t protocol = 0, count = 0, transform = 0;

	if (!compact_varint(&c, HEADER_COMPACT, &protocol) ||
	    !compact_varint(&c, TRANSFORMS_MAX, &count))
		return GUESS_NO;
	for (uint64_t i = 0; i < count; i++) {
		if (!compact_varint(&c, TRANSFORM_ZLIB, &transform) || transform != TRANSFORM_ZLIB)
			return GUESS_NO;
		h->zipped = true;
	}
	h->format.protocol = protocol == HEADER_BINARY ? PROTOCOL_BINARY : PROTOCOL_COMPACT;
	return c.dry || count > 1 || (protocol != HEADER_BINARY && protocol != HEADER_COMPACT)
		       ? GUESS_NO
		       : GUESS_YES;
}

static enum guess header_frame(struct cursor *c, uint32_t frame, struct format wanted,
			       struct head *h)
{
	cursor_take(c, 2 + 2 + 4); /* magic, flags, sequence id */
	size_t len = (size_t)cursor_be16(c) * HEADER_WORD;

	if (!c->dry && (len == 0 || len > HEAD_MAX / 2 || HEADER_FIXED + len > frame))
		return GUESS_NO;
	struct bytes words = cursor_take(c, len);

	if (c->dry)
		return GUESS_MAYBE;
	if (header_says(words, h) != GUESS_YES ||
	    (wanted.protocol != PROTOCOL_AUTO && wanted.protocol != h->format.protocol))
		return GUESS_NO;
	h->format.transport = TRANSPORT_HEADER;
	h->frame = frame - HEADER_FIXED - (uint32_t)len;
	h->used = cursor_used(c);
	if (h->zipped)
		return GUESS_YES;
	uint8_t protocol = h->format.protocol;
	size_t used = h->used;
	enum guess guess = head_message(bytes_head(cursor_rest(c), h->frame), protocol, h);

	if (guess == GUESS_MAYBE && cursor_left(c) >= h->frame)
		return GUESS_NO;
	if (guess == GUESS_YES) {
		h->frame -= h->used;
		h->used += used;
	}
	return guess;
}

static enum guess plain_frame(struct cursor *c, uint32_t frame, struct format wanted,
			      struct head *h)
{
	size_t used = cursor_used(c);
	enum guess guess = head_message(bytes_head(cursor_rest(c), frame), wanted.protocol, h);

	if (guess == GUESS_MAYBE && cursor_left(c) >= frame)
		return GUESS_NO;
	if (guess == GUESS_YES) {
		h->format.transport = TRANSPORT_FRAMED;
		h->frame = frame - h->used;
		h->used += used;
	}
	return guess;
}

static enum guess framed(struct bytes b, struct format wanted, struct head *h)
{
	struct cursor c = cursor_of(b);
	uint32_t frame = cursor_be32(&c);
	struct bytes rest = cursor_rest(&c);

	if (c.dry || rest.len == 0)
		return b.at[0] > FRAME_MAX >> 24 ? GUESS_NO : GUESS_MAYBE;
	if (frame > FRAME_MAX || frame < 4)
		return GUESS_NO;
	bool header = rest.at[0] == HEADER_MAGIC >> 8;

	if (header && rest.len == 1)
		return GUESS_MAYBE;
	header = header && rest.at[1] == (HEADER_MAGIC & 0xff);
	if (header ? wanted.transport == TRANSPORT_FRAMED : wanted.transport == TRANSPORT_HEADER)
		return GUESS_NO;
	return header ? header_frame(&c, frame, wanted, h) : plain_frame(&c, frame, wanted, h);
}

/* PROTOCOL_BINARY wanted is also met by PROTOCOL_OLD. */
enum guess head_read(struct bytes b, struct format wanted, struct head *h)
{
	*h = (struct head){0};
	if (b.len == 0)
		return GUESS_MAYBE;
	bool socket = wanted.transport == TRANSPORT_SOCKET;

	if (wanted.transport == TRANSPORT_AUTO) {
		socket = b.at[0] == BINARY_VERSION >> 8 || b.at[0] == COMPACT_ID || b.at[0] == '[';
		if (b.at[0] == 0 && b.len <= 4)
			return GUESS_MAYBE;
		/* A length, then a letter: a method's name, not a frame. */
		socket = socket || (b.at[0] == 0 && is_letter(b.at[4]));
	}
	if (!socket)
		return framed(b, wanted, h);
	h->format.transport = TRANSPORT_SOCKET;
	return head_message(b, wanted.protocol, h);
}

enum guess thrift_start(struct bytes b, enum side from)
{
	struct head h;
	enum guess guess = head_read(b, (struct format){0}, &h);
	bool asks = h.type == MESSAGE_CALL || h.type == MESSAGE_ONEWAY;

	return guess == GUESS_YES && !h.zipped && asks != (from == CLIENT) ? GUESS_NO : guess;
}
