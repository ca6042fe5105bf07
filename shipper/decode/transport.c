/*
 * TCP and UDP headers.
 *
 * Source   RFC 9293 (TCP), 2018 (SACK), 7323 (timestamps), 768 (UDP), 2675 (UDP length 0)
 */
#include "shipper/decode/checksum.h"
#include "shipper/decode/walk.h"

enum { TCP_HEAD = 20, UDP_HEAD = 8, TCP_FLAGS = 0x3f };

enum tcp_option {
	TCP_OPTION_END = 0,
	TCP_OPTION_PAD = 1,
	TCP_OPTION_SACK = 5,
	TCP_OPTION_TIMESTAMP = 8,
};

/* How almost every segment's options begin: two for padding, then the timestamps. */
enum { PADDED_TIMESTAMP = 0x0101080a, PADDED_TIMESTAMP_BYTES = 12 };

/* The checksum of a segment or datagram, with the pseudo header; `whole` begins with its header. */
static void check(struct walk *w, struct bytes whole, unsigned protocol)
{
	const struct packet *p = w->packet;
	size_t address = p->version == 4 ? 4 : 16;
	uint8_t tail[8] = {(uint8_t)(whole.len >> 24),
			   (uint8_t)(whole.len >> 16),
			   (uint8_t)(whole.len >> 8),
			   (uint8_t)whole.len,
			   0,
			   0,
			   0,
			   (uint8_t)protocol};
	uint64_t sum = checksum_add(0, bytes_of(p->src.at, address));

	sum = checksum_add(sum, bytes_of(p->dst.at, address));
	sum = checksum_add(sum, bytes_of(tail, sizeof tail));
	w->wrong |= !checksum_right(checksum_add(sum, whole));
}

static void sack_blocks(struct packet *p, struct cursor *c)
{
	while (cursor_left(c) >= 8 && p->sacks < SACK_MAX) {
		uint32_t from = cursor_be32(c);

		p->sack[p->sacks++] = (struct sack){from, cursor_be32(c)};
	}
}

/* What contradicts itself ends the options, and nothing else: the header is whole without them. */
static void tcp_options(struct packet *p, struct bytes options)
{
	struct cursor c = cursor_of(options);

	while (cursor_left(&c) > 0) {
		uint8_t kind = cursor_u8(&c);

		if (kind == TCP_OPTION_PAD)
			continue;

		uint8_t bytes = cursor_u8(&c);

		if (kind == TCP_OPTION_END || bytes < 2)
			return;

		struct cursor value = cursor_of(cursor_take(&c, bytes - 2u));

		if (c.dry)
			return;
		if (kind == TCP_OPTION_SACK) {
			sack_blocks(p, &value);
		} else if (kind == TCP_OPTION_TIMESTAMP && bytes == 10) {
			p->ts_value = cursor_be32(&value);
			p->ts_echo = cursor_be32(&value);
			p->has_timestamp = true;
		}
	}
}

static enum counter done(struct walk *w)
{
	w->packet->payload = cursor_rest(&w->c);
	w->packet->payload_bytes = (uint32_t)walk_left(w);
	return COUNT_PACKETS_DECODED;
}

enum counter walk_tcp(struct walk *w)
{
	struct packet *p = w->packet;
	struct bytes whole = cursor_rest(&w->c);
	struct bytes h = cursor_take(&w->c, TCP_HEAD);

	if (h.len == 0)
		return walk_short(w);

	size_t head = (h.at[12] >> 4) * 4u;
	size_t options_bytes = head - TCP_HEAD;

	if (head < TCP_HEAD || options_bytes > walk_left(w))
		return COUNT_DISCARD_MALFORMED;

	/* Cut within its options, a segment still tells which bytes it brought. */
	struct bytes options = bytes_head(cursor_rest(&w->c), options_bytes);

	cursor_take(&w->c, options.len);
	w->lacking -= options_bytes - options.len;
	p->transport = TRANSPORT_TCP;
	p->src_port = head_be16(h, 0);
	p->dst_port = head_be16(h, 2);
	p->seq = head_be32(h, 4);
	p->ack = head_be32(h, 8);
	p->flags = h.at[13] & TCP_FLAGS;
	p->window = head_be16(h, 14);
	if (options.len == PADDED_TIMESTAMP_BYTES && head_be32(options, 0) == PADDED_TIMESTAMP) {
		p->ts_value = head_be32(options, 4);
		p->ts_echo = head_be32(options, 8);
		p->has_timestamp = true;
	} else if (options.len > 0) {
		tcp_options(p, options);
	}
	if (w->decoder->conf.checksums && w->lacking == 0 && !w->routed)
		check(w, whole, TRANSPORT_TCP);
	return done(w);
}

static enum tunnel_kind expected(const struct decoder *d, uint16_t port)
{
	for (size_t i = 0; i < d->ports_count; i++)
		if (d->ports[i].port == port)
			return (enum tunnel_kind)d->ports[i].kind;
	return TUNNEL_NONE;
}

enum counter walk_udp(struct walk *w)
{
	struct packet *p = w->packet;
	struct cursor begin = w->c;
	struct bytes h = cursor_take(&w->c, UDP_HEAD);

	if (h.len == 0)
		return walk_short(w);

	size_t length = head_be16(h, 4);

	if (length == 0) /* a jumbogram, or left to the card */
		length = UDP_HEAD + walk_left(w);
	if (length < UDP_HEAD || length - UDP_HEAD > walk_left(w))
		return COUNT_DISCARD_MALFORMED;
	walk_bound(w, length - UDP_HEAD);
	p->transport = TRANSPORT_UDP;
	p->src_port = head_be16(h, 0);
	p->dst_port = head_be16(h, 2);

	enum tunnel_kind kind = expected(w->decoder, p->dst_port);
	enum counter said;

	if (kind != TUNNEL_NONE && walk_udp_tunnel(w, kind, &said))
		return said;

	bool none = p->version == 4 && head_be16(h, 6) == 0;

	if (w->decoder->conf.checksums && w->lacking == 0 && !w->routed && !none)
		check(w, bytes_head(cursor_rest(&begin), length), TRANSPORT_UDP);
	return done(w);
}
