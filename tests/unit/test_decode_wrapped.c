/* Link layers and IP around a segment. */
#include "tests/unit/decode_good.h"

/* Link layers. */

static void ether6(struct wire *w)
{
	packet6(w);
	wire_ether(w, IPV6);
}

static void padded(struct wire *w)
{
	frame4(w);
	wire_pad(w, 9);
}

static void padded6(struct wire *w)
{
	ether6(w);
	wire_pad(w, 9);
}

static void vlan_priority_only(struct wire *w)
{
	packet4(w);
	wire_vlan(w, 0xe000, IPV4);
	wire_ether(w, 0x8100);
}

static void qinq(struct wire *w)
{
	packet6(w);
	wire_vlan(w, 200, IPV6);
	wire_vlan(w, 100, 0x8100);
	wire_ether(w, 0x88a8);
}

static void vlans_five(struct wire *w)
{
	packet4(w);
	wire_vlan(w, 500, IPV4);
	wire_vlan(w, 400, 0x8100);
	wire_vlan(w, 300, 0x8100);
	wire_vlan(w, 200, 0x9200);
	wire_vlan(w, 100, 0x9100);
	wire_ether(w, 0x88a8);
}

static void snap(struct wire *w)
{
	packet_unmeasured(w);
	wire_hex(w, "aaaa03 000000 0800");
	wire_ether(w, (unsigned)wire_len(w));
	wire_pad(w, 3);
}

static void mpls(struct wire *w)
{
	packet4(w);
	wire_hex(w, "00011040 00022140");
	wire_ether(w, 0x8847);
}

static void mpls6(struct wire *w)
{
	packet6(w);
	wire_hex(w, "00002140");
	wire_ether(w, 0x8848);
}

static void pseudowire(struct wire *w)
{
	vlan(w);
	wire_hex(w, "00011140 00000005");
	wire_ether(w, 0x8847);
}

static void pseudowire_no_control(struct wire *w)
{
	frame4(w);
	wire_hex(w, "00011140");
	wire_ether(w, 0x8847);
}

static void pppoe(struct wire *w)
{
	packet_unmeasured(w);
	wire_hex(w, "0021");
	wire_be(w, wire_len(w), 2);
	wire_hex(w, "1100 0007");
	wire_ether(w, 0x8864);
	wire_pad(w, 2);
}

static void pppoe6_short(struct wire *w)
{
	packet6(w);
	wire_hex(w, "57");
	wire_be(w, wire_len(w), 2);
	wire_hex(w, "1100 0007");
	wire_ether(w, 0x8864);
}

static void pppoe_mpls(struct wire *w)
{
	packet4(w);
	wire_hex(w, "0281 00011140");
	wire_be(w, wire_len(w), 2);
	wire_hex(w, "1100 0007");
	wire_ether(w, 0x8864);
}

static void cooked(struct wire *w)
{
	packet4(w);
	wire_hex(w, "0004 0001 0006 0202 0000 0001 0000 0800");
}

static void cooked_vlan(struct wire *w)
{
	packet4(w);
	wire_vlan(w, 100, IPV4);
	wire_hex(w, "0004 0001 0006 0202 0000 0001 0000 8100");
}

static void cooked2(struct wire *w)
{
	packet6(w);
	wire_hex(w, "86dd 0000 00000003 0001 00 06 0202 0000 0001 0000");
}

static void null_little(struct wire *w)
{
	packet4(w);
	wire_hex(w, "02000000");
}

static void null_big(struct wire *w)
{
	packet4(w);
	wire_hex(w, "00000002");
}

static void null_macos6(struct wire *w)
{
	packet6(w);
	wire_hex(w, "1e000000");
}

static void null_freebsd6(struct wire *w)
{
	packet6(w);
	wire_hex(w, "0000001c");
}

static void null_openbsd6(struct wire *w)
{
	packet6(w);
	wire_hex(w, "00000018");
}

/* IP. */

static void options4(struct wire *w)
{
	segment(w);
	wire_ip4_part(w, 6, 1, 2, 1, 0, "0703 0401 9404 0000");
	wire_ether(w, IPV4);
}

static void dont_fragment(struct wire *w)
{
	packet4(w);
	wire_ether(w, IPV4);
	*wire_at(w, 14 + 6) = 0x40;
	wire_at(w, 14 + 10)[0] = (uint8_t)(wire_at(w, 14 + 10)[0] - 0x40);
}

static void left_to_the_card(struct wire *w)
{
	packet_unmeasured(w);
	wire_ether(w, IPV4);
}

static void jumbo(struct wire *w)
{
	sealed_segment(w);

	size_t length = wire_len(w) + 8;

	wire_be(w, length, 4);
	wire_hex(w, "06 00 c2 04");
	wire_ip6(w, 0, 1, 2);
	wire_at(w, 4)[0] = wire_at(w, 4)[1] = 0;
	wire_ether(w, IPV6);
}

static void extensions(struct wire *w)
{
	sealed_segment(w);
	wire_hex(w, "06 01 0001 00000000 0000000000000000"); /* shim6 */
	wire_hex(w, "8c 00 0100 00000000");		     /* HIP */
	wire_hex(w, "8b 00 0100 00000000");		     /* mobility */
	wire_hex(w, "87 00 0104 00000000");		     /* destination options */
	wire_hex(w, "3c 04 0000 00000100 00000001 aabbccddeeff001122334455"); /* AH */
	wire_hex(w, "33 02 0000 00000000 20010db8000000000000000000000099");  /* routing, used up */
	wire_hex(w, "2b 00 0104 00000000");		     /* destination options */
	wire_hex(w, "3c 01 0104 00000000 0104000000000000"); /* hop by hop */
	wire_ip6(w, 0, 1, 2);
	wire_ether(w, IPV6);
}

/* On its way to another node yet: no checksum can be made of it. */
static void routed(struct wire *w)
{
	sealed_segment(w);
	wire_hex(w, "06 02 0001 00000000 20010db8000000000000000000000099");
	wire_ip6(w, 43, 1, 2);
	*wire_at(w, 39) = 77;
	wire_ether(w, IPV6);
}

static void atomic(struct wire *w)
{
	sealed_segment(w);
	wire_hex(w, "06 00 0000 12345678");
	wire_ip6(w, 44, 1, 2);
	wire_ether(w, IPV6);
}

static void ah4(struct wire *w)
{
	packet4(w);
	w->begin += 20;
	wire_hex(w, "06 04 0000 00000100 00000001 aabbccddeeff001122334455");
	wire_ip4(w, 51, 1, 2);
	wire_ether(w, IPV4);
}

#define PLAIN(how, on, ip, tags, ...)                                                             \
	{                                                                                         \
		.name = #how, .build = how, .link = on, .version = ip, .vlans = tags, __VA_ARGS__ \
	}
static const struct good goods[] = {
	PLAIN(frame4, 1, 4, 0, .endless = false),
	PLAIN(ether6, 1, 6, 0, .endless = false),
	PLAIN(padded, 1, 4, 0, .endless = false),
	PLAIN(padded6, 1, 6, 0, .endless = false),
	PLAIN(vlan, 1, 4, 1, .endless = false),
	PLAIN(vlan_priority_only, 1, 4, 0, .endless = false),
	PLAIN(qinq, 1, 6, 2, .endless = false),
	PLAIN(vlans_five, 1, 4, 2, .rare = true),
	PLAIN(snap, 1, 4, 0, .rare = true),
	PLAIN(mpls, 1, 4, 0, .endless = false),
	PLAIN(mpls6, 1, 6, 0, .endless = false),
	PLAIN(pseudowire, 1, 4, 1, .rare = true),
	PLAIN(pseudowire_no_control, 1, 4, 0, .rare = true),
	PLAIN(pppoe, 1, 4, 0, .endless = false),
	PLAIN(pppoe6_short, 1, 6, 0, .rare = true),
	PLAIN(pppoe_mpls, 1, 4, 0, .rare = true),
	PLAIN(cooked, 113, 4, 0, .endless = false),
	PLAIN(cooked_vlan, 113, 4, 1, .endless = false),
	PLAIN(cooked2, 276, 6, 0, .endless = false),
	PLAIN(null_little, 0, 4, 0, .endless = false),
	PLAIN(null_big, 0, 4, 0, .endless = false),
	PLAIN(null_macos6, 0, 6, 0, .endless = false),
	PLAIN(null_freebsd6, 0, 6, 0, .endless = false),
	PLAIN(null_openbsd6, 108, 6, 0, .endless = false),
	PLAIN(null_big, 108, 4, 0, .endless = false),
	PLAIN(packet4, 101, 4, 0, .endless = false),
	PLAIN(packet6, 101, 6, 0, .endless = false),
	PLAIN(packet4, 12, 4, 0, .endless = false),
	PLAIN(packet6, 14, 6, 0, .endless = false),
	PLAIN(packet4, 228, 4, 0, .endless = false),
	PLAIN(packet6, 229, 6, 0, .endless = false),
	PLAIN(options4, 1, 4, 0, .endless = false),
	PLAIN(dont_fragment, 1, 4, 0, .endless = false),
	PLAIN(left_to_the_card, 1, 4, 0, .endless = true),
	PLAIN(jumbo, 1, 6, 0, .endless = true),
	PLAIN(extensions, 1, 6, 0, .rare = true),
	PLAIN(atomic, 1, 6, 0, .rare = true),
	PLAIN(ah4, 1, 4, 0, .endless = false),
};

enum { GOODS = sizeof goods / sizeof *goods };

Test(decode_wrapped, whole)
{
	good_whole(goods, GOODS);
}

Test(decode_wrapped, shared)
{
	good_shared(goods, GOODS);
}

Test(decode_wrapped, cut_at_every_length)
{
	good_cut(goods, GOODS);
}

Test(decode_wrapped, short_at_every_length)
{
	good_short(goods, GOODS);
}

Test(decode_wrapped, each_byte_spoilt)
{
	good_spoilt(goods, GOODS);
}

/* The tunnel around it is on its way yet; what is inside is not. */
Test(decode_wrapped, what_a_routed_tunnel_carries)
{
	struct rig *r = rig_new();
	struct wire *w = wire_new();

	packet4(w);
	*wire_at(w, wire_len(w) - 1) ^= 1;
	wire_hex(w, "04 02 0001 00000000 20010db8000000000000000000000099");
	wire_ip6(w, 43, 1, 2);
	cr_assert(rig_wire(r, w, 101, 1));
	cr_assert_eq(rig_count(r, COUNT_PACKETS_CHECKSUM), 1);
	rig_free(r);
}

Test(decode_wrapped, a_routed_packet_has_no_checksum_to_verify)
{
	struct rig *r = rig_new();
	struct wire *w = wire_new();

	routed(w);
	cr_assert(rig_wire(r, w, 1, 1));
	cr_assert(rig_payload_is(r, PAYLOAD));
	cr_assert_eq(rig_count(r, COUNT_PACKETS_CHECKSUM), 0);
	rig_free(r);
}
