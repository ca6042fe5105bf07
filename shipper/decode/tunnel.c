/*
 * Tunnels: what is inside is decoded as if it had come alone; the outer endpoints are kept.
 *
 * Source   RFC 2784, 2890 (GRE), draft-foschiano-erspan-03 (ERSPAN), RFC 7348 (VXLAN), RFC 8926
 *          (GENEVE), RFC 2003, 4213, 2473 (IP in IP), 3GPP TS 29.281 (GTP-U)
 */
#include "shipper/decode/walk.h"

enum gre_flag {
	GRE_CHECKSUM = 0x8000,
	GRE_ROUTING = 0x4000,
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,
	GRE_VERSION = 0x0007,
};

enum { ERSPAN_SESSION = 0x03ff, ERSPAN_FRAME_IP = 2 };

enum vxlan_flag { VXLAN_ID = 0x08, VXLAN_POLICY = 0x80 };

enum gtp_flag {
	GTP_VERSION_TYPE = 0xf0, /* must be 0x30: version 1, not GTP' */
	GTP_EXTENSION = 0x04,
	GTP_OPTIONAL = 0x07, /* any of these: four more bytes */
	GTP_PAYLOAD = 255,   /* message type: a user's packet */
};

/* Notes the tunnel; the packet's addresses so far are its outer ones. */
static bool enter(struct walk *w, enum tunnel_kind kind, bool has_id, uint32_t id)
{
	struct packet *p = w->packet;

	if (p->tunnels == TUNNEL_DEPTH_MAX)
		return false;
	p->tunnel[p->tunnels++] = (struct tunnel){
		.kind = kind,
		.version = p->version,
		.has_id = has_id,
		.id = id,
		.src = p->src,
		.dst = p->dst,
	};
	w->routed = false;
	return true;
}

enum counter walk_ipip(struct walk *w, unsigned protocol)
{
	if (!w->decoder->conf.tunnels)
		return COUNT_DISCARD_PROTOCOL;
	if (!enter(w, TUNNEL_IPIP, false, 0))
		return COUNT_DISCARD_DEPTH;
	return protocol == 4 ? walk_ipv4(w) : walk_ipv6(w);
}

/*
 * A mirrored frame. Type I has no header of its own and comes without a GRE sequence number; the
 * others begin with their version.
 */
static enum counter erspan(struct walk *w, bool sequence)
{
	unsigned version = 0;
	uint32_t session = 0;
	bool ip = false;

	if (sequence) {
		struct bytes h = cursor_take(&w->c, 8);

		if (h.len == 0)
			return walk_short(w);
		version = h.at[0] >> 4;
		session = head_be16(h, 2) & ERSPAN_SESSION;
	}
	if (version == 2) { /* type III */
		struct bytes h = cursor_take(&w->c, 4);

		if (h.len == 0)
			return walk_short(w);
		ip = (h.at[2] >> 2 & 31) == ERSPAN_FRAME_IP;
		if (h.at[3] & 1) /* a subheader of the platform */
			cursor_take(&w->c, 8);
		if (w->c.dry)
			return walk_short(w);
	} else if (sequence && version != 1) {
		return COUNT_DISCARD_MALFORMED;
	}
	if (!enter(w, TUNNEL_ERSPAN, sequence, session))
		return COUNT_DISCARD_DEPTH;
	return ip ? walk_ip(w) : walk_ethernet(w);
}

enum counter walk_gre(struct walk *w)
{
	struct bytes h = cursor_take(&w->c, 4);

	if (h.len == 0)
		return walk_short(w);

	unsigned flags = head_be16(h, 0), type = head_be16(h, 2);
	uint32_t key = 0;

	/* Version 1 is PPTP: compressed and mostly encrypted PPP. Source routes went with RFC 2784.
	 */
	if (!w->decoder->conf.tunnels || (flags & (GRE_VERSION | GRE_ROUTING)) != 0)
		return COUNT_DISCARD_PROTOCOL;
	if (flags & GRE_CHECKSUM)
		cursor_take(&w->c, 4);
	if (flags & GRE_KEY)
		key = cursor_be32(&w->c);
	if (flags & GRE_SEQUENCE)
		cursor_take(&w->c, 4);
	if (w->c.dry)
		return walk_short(w);
	if (type == ETHERTYPE_ERSPAN || type == ETHERTYPE_ERSPAN3)
		return erspan(w, (flags & GRE_SEQUENCE) != 0);
	if (!enter(w, TUNNEL_GRE, (flags & GRE_KEY) != 0, key))
		return COUNT_DISCARD_DEPTH;
	return type == ETHERTYPE_BRIDGED ? walk_ethernet(w) : walk_ethertype(w, type);
}

/* What a UDP tunnel's header says. */
struct inside {
	uint32_t id;
	unsigned type;	/* enum ethertype; 0: IP of either version */
	size_t padding; /* behind the inner packet */
};

/* All that must be zero is looked at: it is the only way to tell the tunnel from other traffic. */
static bool vxlan(struct cursor *c, struct inside *in)
{
	struct bytes h = cursor_take(c, 8);

	if (h.len == 0 || (h.at[0] | VXLAN_POLICY) != (VXLAN_ID | VXLAN_POLICY) || h.at[7] != 0)
		return false;
	in->id = head_be32(h, 4) >> 8;
	in->type = ETHERTYPE_BRIDGED;
	return true;
}

static bool geneve(struct cursor *c, struct inside *in)
{
	struct bytes h = cursor_take(c, 8);

	/* Version 0; neither a control packet nor a reserved bit. */
	if (h.len == 0 || h.at[0] >> 6 != 0 || (h.at[1] & 0xbf) != 0 || h.at[7] != 0)
		return false;
	in->id = head_be32(h, 4) >> 8;
	in->type = head_be16(h, 2);
	cursor_take(c, (h.at[0] & 0x3f) * 4u);
	return !c->dry && (in->type == ETHERTYPE_BRIDGED || in->type == ETHERTYPE_IPV4 ||
			   in->type == ETHERTYPE_IPV6);
}

static bool gtpu(struct cursor *c, size_t left, struct inside *in)
{
	struct bytes h = cursor_take(c, 8);

	if (h.len == 0 || (h.at[0] & GTP_VERSION_TYPE) != 0x30 || h.at[1] != GTP_PAYLOAD ||
	    head_be16(h, 2) + 8u > left)
		return false;
	in->id = head_be32(h, 4);
	in->type = 0;
	in->padding = left - 8 - head_be16(h, 2);

	unsigned next = 0;

	if (h.at[0] & GTP_OPTIONAL) {
		struct bytes more = cursor_take(c, 4);

		if (more.len == 0)
			return false;
		next = h.at[0] & GTP_EXTENSION ? more.at[3] : 0;
	}
	while (next != 0) {
		struct bytes extension = cursor_take(c, cursor_u8(c) * 4u - 1u);

		if (extension.len == 0)
			return false;
		next = extension.at[extension.len - 1];
	}
	return cursor_left(c) > 0 && (c->at[0] >> 4 == 4 || c->at[0] >> 4 == 6);
}

bool walk_udp_tunnel(struct walk *w, enum tunnel_kind kind, enum counter *said)
{
	struct cursor c = w->c;
	struct inside in = {0};
	size_t left = walk_left(w);

	if (!(kind == TUNNEL_VXLAN    ? vxlan(&c, &in)
	      : kind == TUNNEL_GENEVE ? geneve(&c, &in)
				      : gtpu(&c, left, &in)))
		return false;

	size_t around = cursor_used(&c) - cursor_used(&w->c) + in.padding;

	if (around >= left)
		return false;
	w->c = c;
	walk_bound(w, left - around);
	if (!enter(w, kind, true, in.id))
		*said = COUNT_DISCARD_DEPTH;
	else if (in.type == 0)
		*said = walk_ip(w);
	else if (in.type == ETHERTYPE_BRIDGED)
		*said = walk_ethernet(w);
	else
		*said = walk_ethertype(w, in.type);
	return true;
}
