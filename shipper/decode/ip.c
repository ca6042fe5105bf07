/*
 * IPv4 and IPv6 with its extension headers, down to the transport protocol.
 *
 * Source   RFC 791 (IPv4), 8200 (IPv6), 2675 (jumbograms), 4302 (AH), 6275 (mobility), 7401 (HIP),
 *          5533 (shim6), 6946 (atomic fragments)
 */
#include "shipper/decode/checksum.h"
#include "shipper/decode/walk.h"

enum protocol {
	PROTOCOL_HOP_BY_HOP = 0,
	PROTOCOL_IPV4 = 4,
	PROTOCOL_IPV6 = 41,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_GRE = 47,
	PROTOCOL_AH = 51,
	PROTOCOL_DESTINATION = 60,
	PROTOCOL_MOBILITY = 135,
	PROTOCOL_HIP = 139,
	PROTOCOL_SHIM6 = 140,
};

enum {
	IPV4_HEAD = 20,
	IPV6_HEAD = 40,
	MORE_FRAGMENTS = 0x2000, /* of IPv4; the offset is below it, in units of 8 bytes */
	FRAGMENT_OFFSET = 0x1fff,
	EXTENSIONS_MAX = 16, /* RFC 8200 names six that may stand in one packet */
};

static enum counter protocol_of(struct walk *w, unsigned protocol);

/* A fragment, with `from` in bytes. What follows is that of the whole, once it is there. */
static enum counter fragment(struct walk *w, uint32_t id, unsigned from, bool last,
			     unsigned protocol, unsigned *whole)
{
	struct packet *p = w->packet;
	struct fragment f = {
		.from = from,
		.bytes = (uint32_t)walk_left(w),
		.last = last,
		.protocol = (uint8_t)protocol,
		.have = cursor_rest(&w->c),
		.when = p->when,
		.wire_bytes = p->wire_bytes,
	};
	struct joined j;

	fragment_key(&f.key, p, id, protocol);
	switch (fragments_add(w->decoder->fragments, &f, &j)) {
	case FRAGMENT_KEPT:
		return COUNT_FRAMES_FRAGMENT;
	case FRAGMENT_BAD:
		return COUNT_DISCARD_MALFORMED;
	case FRAGMENT_JOINED:
		break;
	}
	p->when = j.when;
	p->wire_bytes = j.wire_bytes;
	w->c = cursor_of(j.have);
	w->lacking = j.bytes - j.have.len;
	*whole = j.protocol;
	return COUNT_PACKETS_DECODED;
}

/* Whether anything of interest can be in it: fragments of the rest need not be kept. */
static bool of_interest(const struct walk *w, unsigned protocol)
{
	switch (protocol) {
	case TRANSPORT_TCP:
	case TRANSPORT_UDP:
	case PROTOCOL_AH:
		return true;
	case PROTOCOL_IPV4:
	case PROTOCOL_IPV6:
	case PROTOCOL_GRE:
		return w->decoder->conf.tunnels;
	default:
		return false;
	}
}

enum counter walk_ipv4(struct walk *w)
{
	struct packet *p = w->packet;
	struct bytes h = cursor_take(&w->c, IPV4_HEAD);

	if (h.len == 0)
		return walk_short(w);

	unsigned head = (h.at[0] & 15u) * 4;
	unsigned total = head_be16(h, 2);
	unsigned protocol = h.at[9];
	unsigned part = head_be16(h, 6) & (MORE_FRAGMENTS | FRAGMENT_OFFSET);

	if (h.at[0] >> 4 != 4 || head < IPV4_HEAD || (total > 0 && total < head))
		return COUNT_DISCARD_MALFORMED;
	if (total > 0) /* 0: the card was to cut it into segments, and fill in their lengths */
		walk_bound(w, total - IPV4_HEAD);

	struct bytes options = cursor_take(&w->c, head - IPV4_HEAD);

	if (w->c.dry)
		return walk_short(w);
	p->version = 4;
	p->src = p->dst = (struct addr){{0}};
	memcpy(p->src.at, h.at + 12, 4);
	memcpy(p->dst.at, h.at + 16, 4);
	if (w->decoder->conf.checksums)
		w->wrong |= !checksum_right(checksum_add(checksum_add(0, h), options));
	if (part != 0) {
		if (!of_interest(w, protocol))
			return COUNT_DISCARD_PROTOCOL;

		enum counter said = fragment(w, head_be16(h, 4), (part & FRAGMENT_OFFSET) * 8,
					     (part & MORE_FRAGMENTS) == 0, protocol, &protocol);

		if (said != COUNT_PACKETS_DECODED)
			return said;
	}
	return protocol_of(w, protocol);
}

enum counter walk_ipv6(struct walk *w)
{
	struct packet *p = w->packet;
	struct bytes h = cursor_take(&w->c, IPV6_HEAD);

	if (h.len == 0)
		return walk_short(w);
	if (h.at[0] >> 4 != 6)
		return COUNT_DISCARD_MALFORMED;

	unsigned length = head_be16(h, 4);

	if (length > 0) /* 0: a jumbogram, or left to the card; either way all that the frame has */
		walk_bound(w, length);
	p->version = 6;
	memcpy(p->src.at, h.at + 8, 16);
	memcpy(p->dst.at, h.at + 24, 16);
	return protocol_of(w, h.at[6]);
}

enum counter walk_ip(struct walk *w)
{
	struct bytes rest = cursor_rest(&w->c);

	if (rest.len == 0)
		return walk_short(w);
	switch (rest.at[0] >> 4) {
	case 4:
		return walk_ipv4(w);
	case 6:
		return walk_ipv6(w);
	default:
		return COUNT_DISCARD_MALFORMED;
	}
}

/* An extension header that tells its length: in units of 8 bytes behind the first 8, or for AH of
 * 4 bytes behind the first 8. */
static enum counter extension(struct walk *w, unsigned *protocol)
{
	bool routing = *protocol == PROTOCOL_ROUTING;
	unsigned unit = *protocol == PROTOCOL_AH ? 4 : 8;
	struct bytes h = cursor_take(&w->c, 8);

	if (h.len == 0)
		return walk_short(w);
	w->routed |= routing && h.at[3] > 0;
	*protocol = h.at[0];
	cursor_take(&w->c, h.at[1] * unit);
	return w->c.dry ? walk_short(w) : COUNT_PACKETS_DECODED;
}

/* The fragment header of IPv6. One that is neither first nor last of several is no fragment. */
static enum counter fragment_header(struct walk *w, unsigned *protocol)
{
	struct bytes h = cursor_take(&w->c, 8);

	if (h.len == 0)
		return walk_short(w);

	unsigned part = head_be16(h, 2);

	*protocol = h.at[0];
	if ((part & 0xfff9) == 0)
		return COUNT_PACKETS_DECODED;
	return fragment(w, head_be32(h, 4), part & 0xfff8, (part & 1) == 0, *protocol, protocol);
}

static enum counter protocol_of(struct walk *w, unsigned protocol)
{
	bool v6 = w->packet->version == 6;
	bool fragmented = !v6;
	enum counter said;

	for (int headers = 0; headers <= EXTENSIONS_MAX; headers++) {
		switch (protocol) {
		case TRANSPORT_TCP:
			return walk_tcp(w);
		case TRANSPORT_UDP:
			return walk_udp(w);
		case PROTOCOL_GRE:
			return walk_gre(w);
		case PROTOCOL_IPV4:
		case PROTOCOL_IPV6:
			return walk_ipip(w, protocol);
		case PROTOCOL_AH:
			said = extension(w, &protocol);
			break;
		case PROTOCOL_HOP_BY_HOP:
		case PROTOCOL_ROUTING:
		case PROTOCOL_DESTINATION:
		case PROTOCOL_MOBILITY:
		case PROTOCOL_HIP:
		case PROTOCOL_SHIM6:
			said = v6 ? extension(w, &protocol) : COUNT_DISCARD_PROTOCOL;
			break;
		case PROTOCOL_FRAGMENT:
			if (fragmented) /* in IPv4, or a second one: nothing sends that */
				return v6 ? COUNT_DISCARD_MALFORMED : COUNT_DISCARD_PROTOCOL;
			fragmented = true;
			said = fragment_header(w, &protocol);
			break;
		default:
			return COUNT_DISCARD_PROTOCOL;
		}
		if (said != COUNT_PACKETS_DECODED)
			return said;
	}
	return COUNT_DISCARD_DEPTH;
}
