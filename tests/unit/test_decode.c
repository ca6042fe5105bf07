/*
 * Headers taken one by one: checksums, options, lengths, and what is counted away and as what.
 */
#include "tests/unit/decode_rig.h"

static const char PAYLOAD[] = "GET / HTTP/1.1\r\n\r\n";

static void packet4(struct wire *w)
{
	wire_text(w, PAYLOAD);
	wire_tcp(w, 1, 2, 7, 9, TCP_ACK, "0101 080a 00000011 00000022");
	wire_ip4(w, 6, 1, 2);
}

/* One bit of a checksum, of what it covers, or of the addresses: counted once, used all the same.
 */
Test(decode, wrong_checksums)
{
	enum { IP_HEAD = 20 };
	static const size_t spoilt[] = {1, 10, 12, IP_HEAD + 16, IP_HEAD + 33, IP_HEAD + 49};
	struct rig *r = rig_new();

	for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
		struct wire *w = wire_new();

		packet4(w);
		*wire_at(w, spoilt[i]) ^= 0x10;
		cr_assert(rig_wire(r, w, 101, 1), "byte %zu", spoilt[i]);
		cr_assert_eq(rig_count(r, COUNT_PACKETS_CHECKSUM), i + 1, "byte %zu", spoilt[i]);
	}
	r->conf.checksums = false;
	decoder_free(r->decoder);
	r->decoder = decoder_new(&r->conf, &r->quota, &r->counters);

	struct wire *w = wire_new();

	packet4(w);
	*wire_at(w, spoilt[0]) ^= 0x10;
	cr_assert(rig_wire(r, w, 101, 1));
	cr_assert_eq(rig_count(r, COUNT_PACKETS_CHECKSUM), 6);
	rig_free(r);
}

/* Odd and even lengths across the blocks that are summed at once. */
Test(decode, checksums_of_every_length)
{
	struct rig *r = rig_new();

	for (size_t n = 0; n < 200; n++) {
		struct wire *w = wire_new();
		uint8_t bytes[200];

		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)(255 - i * 7);
		wire_put(w, bytes, n);
		wire_udp(w, 1, 2);
		wire_ip6(w, 17, 1, 2);
		cr_assert(rig_wire(r, w, 229, 1));
		cr_assert_eq(r->packet.payload.len, n);
		cr_assert_eq(rig_count(r, COUNT_PACKETS_CHECKSUM), 0, "%zu bytes", n);
	}
	rig_free(r);
}

/* TCP and UDP. */

static bool tcp_with_options(struct rig *r, const char *hex)
{
	struct wire *w = wire_new();

	wire_text(w, PAYLOAD);
	wire_tcp(w, 1, 2, 3, 4, TCP_SYN, hex);
	wire_ip4(w, 6, 1, 2);
	return rig_wire(r, w, 101, 1);
}

Test(decode, tcp_options)
{
	struct rig *r = rig_new();
	struct packet *p = &r->packet;

	cr_assert(tcp_with_options(r, ""));
	cr_assert(!p->has_timestamp && p->sacks == 0);
	cr_assert(tcp_with_options(r, "020405b4 0402 080a 00000033 00000000 01 030307"));
	cr_assert(p->has_timestamp && p->ts_value == 0x33 && p->sacks == 0);
	cr_assert(tcp_with_options(r, "0101 080a 00000033 00000044 0101 0512 00000001 00000002 "
				      "00000003 00000004"));
	cr_assert(p->has_timestamp && p->ts_echo == 0x44 && p->sacks == 2);
	cr_assert(p->sack[0].from == 1 && p->sack[0].to == 2);
	cr_assert(p->sack[1].from == 3 && p->sack[1].to == 4);
	cr_assert(tcp_with_options(r, "0101 0522 00000001 00000002 00000003 00000004 00000005 "
				      "00000006 fffffff7 00000008"));
	cr_assert(!p->has_timestamp && p->sacks == 4 && p->sack[3].from == 0xfffffff7);
	cr_assert_eq(rig_count(r, COUNT_PACKETS_CHECKSUM), 0);
	rig_free(r);
}

/* What stands before an option that cannot be is used, and so is the segment. */
Test(decode, tcp_options_that_cannot_be)
{
	static const char *const hex[] = {
		"080a 00000033 00000000 0800",
		"080a 00000033 00000000 0801",
		"080a 00000033 00000000 0803",
		"080a 00000033 00000000 0009",
		"080a 00000033 00000000 010a",
		"080a 00000033 00000000 0000",
		"080a 00000033 00000000 0502",
		"080a 00000033 00000000 0002 050a 00000001 00000002 0000",
		"080a 00000033 00000000 0806 00000099",
	};
	struct rig *r = rig_new();

	for (size_t i = 0; i < sizeof hex / sizeof *hex; i++) {
		cr_assert(tcp_with_options(r, hex[i]));
		cr_assert(rig_payload_is(r, PAYLOAD), "%s", hex[i]);
		cr_assert(r->packet.has_timestamp && r->packet.ts_value == 0x33, "%s", hex[i]);
		cr_assert_eq(r->packet.sacks, 0);
	}
	rig_free(r);
}

/* A data offset below the header, or behind the segment's end. */
Test(decode, tcp_data_offset)
{
	struct rig *r = rig_new();

	for (unsigned offset = 0; offset < 16; offset++) {
		struct wire *w = wire_new();

		wire_text(w, "12345678");
		wire_tcp(w, 1, 2, 3, 4, TCP_ACK, "");
		wire_ip4(w, 6, 1, 2);
		*wire_at(w, 20 + 12) = (uint8_t)(offset << 4);

		bool good = offset >= 5 && offset <= 7;

		cr_assert_eq(rig_wire(r, w, 101, 1), good, "offset %u", offset);
		if (good)
			cr_assert_eq(r->packet.payload_bytes, (7 - offset) * 4);
	}
	cr_assert_eq(rig_count(r, COUNT_DISCARD_MALFORMED), 13);
	rig_free(r);
}

/* Length field, payload behind the header, what comes out; -1 is nothing. */
Test(decode, udp_length)
{
	static const struct {
		unsigned length;
		int payload;
	} cases[] = {{8 + 5, 5}, {8, 0}, {8 + 3, 3}, {0, 5}, {7, -1}, {1, -1}, {8 + 6, -1}};
	struct rig *r = rig_new();

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wire *w = wire_new();

		wire_text(w, "hello");
		wire_udp(w, 53, 5353);
		wire_ip4(w, 17, 1, 2);
		wire_at(w, 20 + 4)[1] = (uint8_t)cases[i].length;

		bool decoded = rig_wire(r, w, 101, 1);

		cr_assert_eq(decoded, cases[i].payload >= 0, "length %u", cases[i].length);
		if (!decoded)
			continue;
		cr_assert_eq(r->packet.transport, TRANSPORT_UDP);
		cr_assert_eq(r->packet.src_port, 53);
		cr_assert_eq(r->packet.dst_port, 5353);
		cr_assert_eq(r->packet.payload_bytes, (unsigned)cases[i].payload);
		cr_assert_eq(r->packet.payload.len, (size_t)cases[i].payload);
	}
	cr_assert_eq(rig_count(r, COUNT_DISCARD_MALFORMED), 3);
	rig_free(r);
}

Test(decode, udp_without_checksum)
{
	struct rig *r = rig_new();

	for (int version = 4; version <= 6; version += 2) {
		struct wire *w = wire_new();

		wire_text(w, "hello");
		wire_udp(w, 53, 53);
		if (version == 4)
			wire_ip4(w, 17, 1, 2);
		else
			wire_ip6(w, 17, 1, 2);
		memset(wire_at(w, (version == 4 ? 20 : 40) + 6), 0, 2);
		cr_assert(rig_wire(r, w, 101, 1));
		cr_assert_eq(rig_count(r, COUNT_PACKETS_CHECKSUM), version == 6,
			     "IPv6 knows no datagram without one");
	}
	rig_free(r);
}

/* On a tunnel's port, but not the tunnel: a datagram like any other. */
Test(decode, datagrams_on_tunnel_ports)
{
	static const struct {
		uint16_t port;
		const char *hex;
	} cases[] = {
		{4789, ""},
		{4789, "08000000 000063"},
		{4789, "08000000 00006300"},
		{4789, "00000000 00006300 0202020202020202"},
		{4789, "0c000000 00006300 0202020202020202"},
		{4789, "08000000 00006301 0202020202020202"},
		{8472, "47455420 2f204854 54502f31 2e310d0a"},
		{6081, "4000 6558 00006300 0202020202020202"},
		{6081, "0080 6558 00006300 0202020202020202"},
		{6081, "0001 6558 00006300 0202020202020202"},
		{6081, "0000 1234 00006300 0202020202020202"},
		{6081, "3f00 0800 00006300 4502020202020202"},
		{6081, "0000 0800 00006300"},
		{2152, "32 01 0004 00000000 00000000"},		/* echo request */
		{2152, "30 ff 0009 00000063 4500000000000000"}, /* longer than the datagram */
		{2152, "30 ff 0000 00000063 4500000000000000"},
		{2152, "36 ff 0000 00000063 00000000 45000000"},
		{2152, "34 ff 0008 00000063 00000085 00450000"}, /* extension of length 0 */
		{2152, "34 ff 0008 00000063 00000085 ff450000"},
		{2152, "30 fe 0008 00000063 4500000000000000"}, /* end marker */
		{2152, "20 ff 0008 00000063 4500000000000000"}, /* GTP' */
		{2152, "50 ff 0008 00000063 4500000000000000"},
		{2152, "30 ff 0008 00000063 0500000000000000"}, /* not IP */
	};
	struct rig *r = rig_new();

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wire *w = wire_new();

		wire_hex(w, cases[i].hex);

		size_t len = wire_len(w);

		wire_udp(w, 1000, cases[i].port);
		wire_ip4(w, 17, 1, 2);
		cr_assert(rig_wire(r, w, 101, 1), "%s", cases[i].hex);
		cr_assert_eq(r->packet.transport, TRANSPORT_UDP);
		cr_assert_eq(r->packet.tunnels, 0);
		cr_assert_eq(r->packet.payload_bytes, len, "%s", cases[i].hex);
		cr_assert_eq(rig_count(r, COUNT_PACKETS_CHECKSUM), 0);
	}
	rig_free(r);
}

/* What is counted away, and as what. */

static const struct bad {
	const char *hex;
	int link;
	enum counter why;
} bads[] = {
	{"", 1, COUNT_DISCARD_MALFORMED},
	{"020200000001 020200000002 0806 0001 0800 0604 0001", 1, COUNT_DISCARD_LINK},
	{"020200000001 020200000002 0004 42420300 0000", 1, COUNT_DISCARD_LINK},
	{"020200000001 020200000002 0008 aaaa03 000000 0000 aaaa", 1, COUNT_DISCARD_LINK},
	{"020200000001 020200000002 0000 4500", 1, COUNT_DISCARD_LINK},
	{"020200000001 020200000002 8100 0001", 1, COUNT_DISCARD_MALFORMED},
	{"020200000001 020200000002 8847 00010040", 1, COUNT_DISCARD_MALFORMED},
	{"020200000001 020200000002 8847 00010140", 1, COUNT_DISCARD_MALFORMED},
	{"020200000001 020200000002 8847 00010140 10000000", 1, COUNT_DISCARD_LINK},
	{"020200000001 020200000002 8864 1109 0001 0004 0021", 1, COUNT_DISCARD_LINK},
	{"020200000001 020200000002 8864 1100 0001 0004 c021 0101", 1, COUNT_DISCARD_LINK},
	{"020200000001 020200000002 8864 1100 0001 0001 00 2145", 1, COUNT_DISCARD_MALFORMED},
	{"07000000 45", 0, COUNT_DISCARD_LINK},
	{"45", 105, COUNT_DISCARD_LINK},
	{"", 101, COUNT_DISCARD_MALFORMED},
	{"55000014", 101, COUNT_DISCARD_MALFORMED},
	{"64000014 00010000 40060000 0a000001 0a000002", 228, COUNT_DISCARD_MALFORMED},
	{"44000014 00010000 40060000 0a000001 0a000002", 101, COUNT_DISCARD_MALFORMED},
	{"46000014 00010000 40060000 0a000001 0a000002", 101, COUNT_DISCARD_MALFORMED},
	{"46000018 00010000 40060000 0a000001 0a000002", 101, COUNT_DISCARD_CUT},
	{"45000014 00010000 40060000 0a000001 0a000002", 101, COUNT_DISCARD_MALFORMED},
	{"4500001c 00010000 40010000 0a000001 0a000002 08000000 00000000", 101,
	 COUNT_DISCARD_PROTOCOL},
	{"4500001c 00010000 40320000 0a000001 0a000002 08000000 00000000", 101,
	 COUNT_DISCARD_PROTOCOL}, /* ESP */
	{"4500001c 00010000 403c0000 0a000001 0a000002 06000000 00000000", 101,
	 COUNT_DISCARD_PROTOCOL}, /* an extension header of IPv6 */
	{"4500001c 00010000 402c0000 0a000001 0a000002 06000000 00000000", 101,
	 COUNT_DISCARD_PROTOCOL},
	{"45000018 00010000 402f0000 0a000001 0a000002 3001880b", 101, COUNT_DISCARD_PROTOCOL},
	{"45000018 00010000 402f0000 0a000001 0a000002 40000800", 101, COUNT_DISCARD_PROTOCOL},
	{"45000018 00010000 402f0000 0a000001 0a000002 00001234", 101, COUNT_DISCARD_LINK},
	{"45000018 00010000 402f0000 0a000001 0a000002 20000800", 101, COUNT_DISCARD_MALFORMED},
	{"45000020 00010000 402f0000 0a000001 0a000002 100088be 00000001 30000000", 101,
	 COUNT_DISCARD_MALFORMED},
	{"45000032 00010000 402f0000 0a000001 0a000002 100088be 00000001 30000000 00000000 "
	 "020200000001 020200000002 0806",
	 101, COUNT_DISCARD_MALFORMED},
	{"45000013 00010000 40110000 0a000001 0a000002 0001", 101, COUNT_DISCARD_MALFORMED},
	{"45000024 00010000 402f0000 0a000001 0a000002 100088be 00000001 30000000 00000000", 101,
	 COUNT_DISCARD_MALFORMED},
	{"4500001c 00012000 40010000 0a000001 0a000002 08000000 00000000", 101,
	 COUNT_DISCARD_PROTOCOL}, /* a fragment of ICMP */
	{"4500001c 00012000 40110000 0a000001 0a000002 08000000 00000000", 101,
	 COUNT_FRAMES_FRAGMENT},
	{"60000000 00083b40 20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000002"
	 "00000000 00000000",
	 101, COUNT_DISCARD_PROTOCOL}, /* no next header */
	{"60000000 00083c40 20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000002"
	 "06010000 00000000",
	 101, COUNT_DISCARD_MALFORMED},
};

Test(decode, counted_away)
{
	for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
		struct rig *r = rig_new();
		struct wire *w = wire_new();

		wire_hex(w, bads[i].hex);
		cr_assert(!rig_wire(r, w, bads[i].link, 1), "%s", bads[i].hex);
		cr_assert_eq(rig_count(r, bads[i].why), 1, "%s", bads[i].hex);
		rig_free(r);
	}
	cr_assert(!decode_knows_link(105));
}

Test(decode, tunnels_too_deep)
{
	struct rig *r = rig_new();

	for (int tunnels = 0; tunnels <= TUNNEL_DEPTH_MAX + 1; tunnels++) {
		struct wire *w = wire_new();

		packet4(w);
		for (int i = 0; i < tunnels; i++)
			wire_ip4(w, 4, 101, 102);

		bool decoded = rig_wire(r, w, 101, 1);

		cr_assert_eq(decoded, tunnels <= TUNNEL_DEPTH_MAX);
		if (decoded)
			cr_assert_eq(r->packet.tunnels, tunnels);
	}
	cr_assert_eq(rig_count(r, COUNT_DISCARD_DEPTH), 1);
	rig_free(r);
}

/* As many headers as a frame holds must not cost more than a limit of calls. */
Test(decode, headers_without_end)
{
	static const struct {
		const char *hex;
		const char *last;
		bool pseudowires;
	} repeated[] = {
		{"0001 8100", "8100", false},
		{"aaaa03 000000 0500", "0500", false},
		{"0003 0000", "8847", false},
		{"00000100 00000000 020200000001 020200000002 8100 0001 8847", "8847", true},
	};

	for (size_t i = 0; i < sizeof repeated / sizeof *repeated; i++) {
		struct rig *r = rig_new();
		struct wire *w = wire_new();

		while (wire_len(w) < 64000)
			wire_hex(w, repeated[i].hex);
		wire_hex(w, repeated[i].last);
		wire_hex(w, "020200000001 020200000002");
		cr_assert(!rig_wire(r, w, 1, 1));
		if (repeated[i].pseudowires)
			cr_assert_eq(rig_count(r, COUNT_DISCARD_DEPTH), 1);
		rig_free(r);
	}

	struct rig *r = rig_new();
	struct wire *w = wire_new();

	for (int i = 0; i < 1000; i++)
		wire_hex(w, "3c000104 00000000");
	wire_ip6(w, 60, 1, 2);
	cr_assert(!rig_wire(r, w, 101, 1));
	cr_assert_eq(rig_count(r, COUNT_DISCARD_DEPTH), 1);
	rig_free(r);
}
