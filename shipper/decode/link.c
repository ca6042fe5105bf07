/*
 * Link layers: what stands before IP.
 *
 * Source   pcap-linktype(7); IEEE 802.3, 802.1Q, 802.1ad, 802.2 SNAP (RFC 1042); RFC 3032, 4385,
 *          4448 (MPLS, pseudowires); RFC 2516, 1661 (PPPoE, PPP)
 */
#include "shipper/decode/walk.h"

enum link {
	LINK_NULL = 0, /* BSD loopback: an address family in the byte order of the host */
	LINK_ETHERNET = 1,
	LINK_RAW_BSD = 12, /* DLT_RAW, as libpcap hands it out; it differs between systems */
	LINK_RAW_OPENBSD = 14,
	LINK_RAW = 101,
	LINK_LOOP = 108, /* OpenBSD loopback: an address family in network order */
	LINK_COOKED = 113,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_COOKED2 = 276,
};

enum { VLAN_ID = 0x0fff, PPP_IPV4 = 0x21, PPP_IPV6 = 0x57, PPP_MPLS = 0x281 };

bool decode_knows_link(int link)
{
	switch (link) {
	case LINK_NULL:
	case LINK_ETHERNET:
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
	case LINK_RAW:
	case LINK_LOOP:
	case LINK_COOKED:
	case LINK_IPV4:
	case LINK_IPV6:
	case LINK_COOKED2:
		return true;
	default:
		return false;
	}
}

/* The families' numbers of every system that writes such captures: IPv6 has one each. */
static enum counter loopback(struct walk *w)
{
	struct bytes h = cursor_take(&w->c, 4);

	if (h.len == 0)
		return walk_short(w);

	uint32_t family = head_be32(h, 0);

	if (family > UINT16_MAX)
		family = __builtin_bswap32(family);
	switch (family) {
	case 2:
		return walk_ipv4(w);
	case 10: /* Linux */
	case 23: /* Windows */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* macOS */
		return walk_ipv6(w);
	default:
		return COUNT_DISCARD_LINK;
	}
}

static enum counter cooked(struct walk *w)
{
	struct bytes h = cursor_take(&w->c, 16);

	return h.len == 0 ? walk_short(w) : walk_ethertype(w, head_be16(h, 14));
}

/* The device's index and what kind of packet it was there: to this host, from it, and so on. */
static enum counter cooked2(struct walk *w)
{
	struct bytes h = cursor_take(&w->c, 20);

	if (h.len == 0)
		return walk_short(w);
	w->packet->device = head_be32(h, 4) << 8 | h.at[10];
	return walk_ethertype(w, head_be16(h, 0));
}

enum counter walk_link(struct walk *w, int link)
{
	switch (link) {
	case LINK_ETHERNET:
		return walk_ethernet(w);
	case LINK_COOKED:
		return cooked(w);
	case LINK_COOKED2:
		return cooked2(w);
	case LINK_NULL:
	case LINK_LOOP:
		return loopback(w);
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
	case LINK_RAW:
		return walk_ip(w);
	case LINK_IPV4:
		return walk_ipv4(w);
	case LINK_IPV6:
		return walk_ipv6(w);
	default:
		return COUNT_DISCARD_LINK;
	}
}

enum counter walk_ethernet(struct walk *w)
{
	struct bytes h = cursor_take(&w->c, 14);

	return h.len == 0 ? walk_short(w) : walk_ethertype(w, head_be16(h, 12));
}

/* An id of 0 only carries a priority (802.1Q, 6.9.1), and often in one direction alone. */
static void note_vlan(struct packet *p, unsigned tag)
{
	if ((tag & VLAN_ID) != 0 && p->vlans < VLAN_DEPTH_MAX)
		p->vlan[p->vlans++] = tag & VLAN_ID;
}

/* Where an Ethernet frame with IP in it might begin, in bytes that do not say what they are. */
static bool ethernet_at(struct bytes b, size_t at)
{
	if (b.len < at + 14)
		return false;

	unsigned type = head_be16(b, at + 12);

	return type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6 || type == ETHERTYPE_VLAN ||
	       type == ETHERTYPE_QINQ;
}

/*
 * Nothing says what stands behind a label stack. IP shows in its first bits; a pseudowire's
 * control word begins with 0 so as not to be taken for it (RFC 4385), and may be absent.
 */
static enum counter mpls(struct walk *w)
{
	struct bytes label;

	do {
		label = cursor_take(&w->c, 4);
		if (label.len == 0)
			return walk_short(w);
	} while ((label.at[2] & 1) == 0);

	struct bytes rest = cursor_rest(&w->c);

	if (rest.len == 0)
		return walk_short(w);
	if (rest.at[0] >> 4 == 4 || rest.at[0] >> 4 == 6)
		return walk_ip(w);
	if (w->pseudowires == TUNNEL_DEPTH_MAX)
		return COUNT_DISCARD_DEPTH;
	w->pseudowires++;
	if (rest.at[0] >> 4 == 0 && ethernet_at(rest, 4))
		cursor_take(&w->c, 4);
	else if (!ethernet_at(rest, 0))
		return COUNT_DISCARD_LINK;
	return walk_ethernet(w);
}

static enum counter pppoe(struct walk *w)
{
	struct bytes h = cursor_take(&w->c, 6);

	if (h.len == 0)
		return walk_short(w);
	if (h.at[0] != 0x11 || h.at[1] != 0)
		return COUNT_DISCARD_LINK;
	walk_bound(w, head_be16(h, 4));

	unsigned protocol = cursor_u8(&w->c);

	if ((protocol & 1) == 0) /* an odd byte ends it (RFC 1661, 6.5) */
		protocol = protocol << 8 | cursor_u8(&w->c);
	if (w->c.dry)
		return walk_short(w);
	switch (protocol) {
	case PPP_IPV4:
		return walk_ipv4(w);
	case PPP_IPV6:
		return walk_ipv6(w);
	case PPP_MPLS:
		return mpls(w);
	default:
		return COUNT_DISCARD_LINK;
	}
}

/* The ethertype behind an 802.2 header; 0 when there is none. */
static unsigned snap(struct walk *w, unsigned length)
{
	static const uint8_t ethernet_in_snap[] = {0xaa, 0xaa, 3, 0, 0, 0};
	struct bytes h;

	if (length < walk_left(w))
		walk_bound(w, length);
	h = cursor_take(&w->c, 8);
	if (!bytes_eq(bytes_head(h, 6), bytes_of(ethernet_in_snap, sizeof ethernet_in_snap)))
		return 0;
	return head_be16(h, 6);
}

enum counter walk_ethertype(struct walk *w, unsigned type)
{
	struct bytes tag;

	for (;;) {
		switch (type) {
		case ETHERTYPE_IPV4:
			return walk_ipv4(w);
		case ETHERTYPE_IPV6:
			return walk_ipv6(w);
		case ETHERTYPE_VLAN:
		case ETHERTYPE_QINQ:
		case ETHERTYPE_QINQ_OLD:
		case ETHERTYPE_QINQ_OLDER:
			tag = cursor_take(&w->c, 4);
			if (tag.len == 0)
				return walk_short(w);
			note_vlan(w->packet, head_be16(tag, 0));
			type = head_be16(tag, 2);
			break;
		case ETHERTYPE_MPLS:
		case ETHERTYPE_MPLS_MULTICAST:
			return mpls(w);
		case ETHERTYPE_PPPOE:
			return pppoe(w);
		default:
			if (type == 0 || type > ETHERTYPE_LENGTH_MAX)
				return COUNT_DISCARD_LINK;
			type = snap(w, type);
		}
	}
}
