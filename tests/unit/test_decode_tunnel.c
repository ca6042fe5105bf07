/* Tunnels around a segment. */
#include "tests/unit/decode_good.h"

/* Tunnels; the segment is always that of packet4 or packet6. */

static void outer4(struct wire *w, unsigned protocol)
{
	wire_ip4(w, protocol, 101, 102);
	wire_ether(w, IPV4);
}

static void outer6(struct wire *w, unsigned protocol)
{
	wire_ip6(w, protocol, 101, 102);
	wire_ether(w, IPV6);
}

static void ipip(struct wire *w)
{
	packet4(w);
	outer4(w, 4);
}

static void six_in_four(struct wire *w)
{
	packet6(w);
	outer4(w, 41);
}

static void four_in_six(struct wire *w)
{
	packet4(w);
	wire_hex(w, "04 00 0401 04010100"); /* RFC 2473's tunnel encapsulation limit */
	outer6(w, 60);
}

static void gre(struct wire *w)
{
	packet4(w);
	wire_hex(w, "0000 0800");
	outer4(w, 47);
}

static void gre_all(struct wire *w)
{
	packet6(w);
	wire_hex(w, "b000 86dd 12340000 00000063 00000001");
	outer6(w, 47);
}

static void gre_bridged(struct wire *w)
{
	vlan(w);
	wire_hex(w, "2000 6558 00000063");
	outer4(w, 47);
}

static void gre_mpls(struct wire *w)
{
	packet4(w);
	wire_hex(w, "0000 8847 00011140");
	outer4(w, 47);
}

static void erspan1(struct wire *w)
{
	frame4(w);
	wire_hex(w, "0000 88be");
	outer4(w, 47);
}

static void erspan2(struct wire *w)
{
	frame4(w);
	wire_hex(w, "1000 88be 00000001 1000 1863 00000005");
	outer4(w, 47);
}

static void erspan3(struct wire *w)
{
	vlan(w);
	wire_hex(w, "1000 22eb 00000001 2000 0063 00000005 0000 0008");
	outer4(w, 47);
}

static void erspan3_subheader(struct wire *w)
{
	frame4(w);
	wire_hex(w, "1000 22eb 00000001 2000 0063 00000005 0000 0009 0c000000 00000000");
	outer4(w, 47);
}

static void erspan3_ip(struct wire *w)
{
	packet4(w);
	wire_hex(w, "1000 22eb 00000001 2000 0063 00000005 0000 0808");
	outer4(w, 47);
}

static void vxlan(struct wire *w)
{
	frame4(w);
	wire_hex(w, "08000000 00006300");
	wire_udp(w, 50000, 4789);
	outer4(w, 17);
}

static void vxlan_policy(struct wire *w)
{
	vlan(w);
	wire_hex(w, "88000007 00006300");
	wire_udp(w, 50000, 8472);
	outer6(w, 17);
}

static void geneve(struct wire *w)
{
	frame4(w);
	wire_hex(w, "0000 6558 00006300");
	wire_udp(w, 50000, 6081);
	outer4(w, 17);
}

static void geneve_options_ip(struct wire *w)
{
	packet6(w);
	wire_hex(w, "0340 86dd 00006300 010203 02 00000000 00000000");
	wire_udp(w, 50000, 6081);
	outer4(w, 17);
}

static void gtpu(struct wire *w)
{
	packet_unmeasured(w);

	size_t length = wire_len(w);

	wire_be(w, 0x63, 4);
	wire_be(w, length, 2);
	wire_hex(w, "30ff");
	wire_pad(w, 3);
	wire_udp(w, 2152, 2152);
	outer4(w, 17);
}

static void gtpu_extensions(struct wire *w)
{
	packet6(w);
	wire_hex(w, "0005 00 85 01 1009 c0 02 aabbccddeeff 00");

	size_t length = wire_len(w);

	wire_be(w, 0x63, 4);
	wire_be(w, length, 2);
	wire_hex(w, "36ff");
	wire_udp(w, 2152, 2152);
	outer4(w, 17);
}

/* VXLAN in GRE in IP in IP, with tags wherever they may be. */
static void nested(struct wire *w)
{
	packet4(w);
	wire_vlan(w, 200, IPV4);
	wire_ether(w, 0x8100);
	wire_hex(w, "08000000 00006300");
	wire_udp(w, 50000, 4789);
	wire_ip4(w, 17, 101, 102);
	wire_hex(w, "2000 0800 00000058");
	wire_ip4(w, 47, 111, 112);
	wire_ip6(w, 4, 121, 122);
	wire_vlan(w, 100, IPV6);
	wire_ether(w, 0x8100);
}

#define TUNNEL(how, ip, tags, depth, what, id)                                       \
	{                                                                            \
		.name = #how, .build = how, .link = 1, .version = ip, .vlans = tags, \
		.tunnels = depth, .kind = what, .has_id = id                         \
	}
#define RARE(how, ip, tags, depth, what, id)                                         \
	{                                                                            \
		.name = #how, .build = how, .link = 1, .version = ip, .vlans = tags, \
		.tunnels = depth, .kind = what, .has_id = id, .rare = true           \
	}

static const struct good goods[] = {
	TUNNEL(ipip, 4, 0, 1, TUNNEL_IPIP, false),
	TUNNEL(six_in_four, 6, 0, 1, TUNNEL_IPIP, false),
	TUNNEL(four_in_six, 4, 0, 1, TUNNEL_IPIP, false),
	TUNNEL(gre, 4, 0, 1, TUNNEL_GRE, false),
	TUNNEL(gre_all, 6, 0, 1, TUNNEL_GRE, true),
	TUNNEL(gre_bridged, 4, 1, 1, TUNNEL_GRE, true),
	TUNNEL(gre_mpls, 4, 0, 1, TUNNEL_GRE, false),
	TUNNEL(erspan1, 4, 0, 1, TUNNEL_ERSPAN, false),
	TUNNEL(erspan2, 4, 0, 1, TUNNEL_ERSPAN, true),
	TUNNEL(erspan3, 4, 1, 1, TUNNEL_ERSPAN, true),
	TUNNEL(erspan3_subheader, 4, 0, 1, TUNNEL_ERSPAN, true),
	RARE(erspan3_ip, 4, 0, 1, TUNNEL_ERSPAN, true),
	TUNNEL(vxlan, 4, 0, 1, TUNNEL_VXLAN, true),
	TUNNEL(vxlan_policy, 4, 1, 1, TUNNEL_VXLAN, true),
	TUNNEL(geneve, 4, 0, 1, TUNNEL_GENEVE, true),
	TUNNEL(geneve_options_ip, 6, 0, 1, TUNNEL_GENEVE, true),
	TUNNEL(gtpu, 4, 0, 1, TUNNEL_GTPU, true),
	TUNNEL(gtpu_extensions, 6, 0, 1, TUNNEL_GTPU, true),
	RARE(nested, 4, 2, 3, TUNNEL_VXLAN, true),
};

enum { GOODS = sizeof goods / sizeof *goods };

Test(decode_tunnel, whole)
{
	good_whole(goods, GOODS);
}

Test(decode_tunnel, shared)
{
	good_shared(goods, GOODS);
}

Test(decode_tunnel, cut_at_every_length)
{
	good_cut(goods, GOODS);
}

Test(decode_tunnel, short_at_every_length)
{
	good_short(goods, GOODS);
}

Test(decode_tunnel, each_byte_spoilt)
{
	good_spoilt(goods, GOODS);
}

Test(decode_tunnel, nested_tunnels_are_told_outermost_first)
{
	struct rig *r = rig_new();
	struct wire *w = wire_new();

	nested(w);
	cr_assert(rig_wire(r, w, 1, 1));
	cr_assert_eq(r->packet.tunnel[0].kind, TUNNEL_IPIP);
	cr_assert_eq(r->packet.tunnel[0].version, 6);
	cr_assert(same(r->packet.tunnel[0].src, address(6, 121)));
	cr_assert(same(r->packet.tunnel[0].dst, address(6, 122)));
	cr_assert_eq(r->packet.tunnel[1].kind, TUNNEL_GRE);
	cr_assert_eq(r->packet.tunnel[1].version, 4);
	cr_assert_eq(r->packet.tunnel[1].id, 0x58);
	rig_free(r);
}

Test(decode_tunnel, tunnels_not_wanted)
{
	struct rig *r = rig_new();

	decoder_free(r->decoder);
	r->conf.tunnels = false;
	r->decoder = decoder_new(&r->conf, &r->quota, &r->counters);
	for (size_t i = 0; i < GOODS; i++) {
		if (goods[i].tunnels == 0)
			continue;

		bool udp = goods[i].kind >= TUNNEL_VXLAN && goods[i].kind != TUNNEL_IPIP &&
			   goods[i].tunnels == 1;

		cr_assert_eq(rig_wire(r, built(&goods[i]), 1, 1), udp, "%s", goods[i].name);
		if (udp)
			cr_assert_eq(r->packet.transport, TRANSPORT_UDP);
	}
	rig_free(r);
}

/* The outer packet in pieces, with a tag and a frame in it. */
Test(decode_tunnel, in_fragments)
{
	struct rig *r = rig_new();
	uint8_t datagram[200];
	struct wire *w = wire_new();

	wire_text(w, PAYLOAD);
	wire_udp(w, 1000, 2000);
	wire_ip6(w, 17, 1, 2);
	wire_vlan(w, 7, 0x86dd);
	wire_ether(w, 0x8100);
	wire_hex(w, "08000000 00006300");
	wire_udp(w, 5555, 4789);

	size_t bytes = wire_len(w);

	memcpy(datagram, wire_at(w, 0), bytes);
	free(w);
	for (size_t at = 0; at < bytes; at += 16) {
		size_t n = bytes - at < 16 ? bytes - at : 16;

		w = wire_new();
		wire_put(w, datagram + at, n);
		wire_ip4_part(w, 17, 101, 102, 3, (unsigned)at / 8 | (at + n < bytes ? 0x2000 : 0),
			      "");
		cr_assert_eq(rig_wire(r, w, 101, 1), at + n == bytes);
	}
	cr_assert_eq(r->packet.tunnels, 1);
	cr_assert_eq(r->packet.tunnel[0].kind, TUNNEL_VXLAN);
	cr_assert_eq(r->packet.vlans, 1);
	cr_assert_eq(r->packet.vlan[0], 7);
	cr_assert(rig_payload_is(r, PAYLOAD));
	cr_assert_eq(rig_count(r, COUNT_PACKETS_CHECKSUM), 0);
	rig_free(r);
}
