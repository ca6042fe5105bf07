/*
 * One and the same segment, wrapped in many ways: each must come out the same, whole, cut at every
 * length, and with each of its bytes spoilt.
 */
#ifndef WIRESPAN_TESTS_UNIT_DECODE_GOOD_H
#define WIRESPAN_TESTS_UNIT_DECODE_GOOD_H

#include <pcap/pcap.h>

#include "shipper/base/share.h"
#include "shipper/capture/fanout.h"
#include "shipper/decode/share.h"
#include "tests/unit/decode_rig.h"

static const char PAYLOAD[] = "GET / HTTP/1.1\r\n\r\n";
static const char TIMESTAMPS[] = "0101 080a 00000011 00000022";

enum { IPV4 = 0x0800, IPV6 = 0x86dd, FROM_PORT = 40000, TO_PORT = 80 };

static inline void segment(struct wire *w)
{
	wire_text(w, PAYLOAD);
	wire_tcp(w, FROM_PORT, TO_PORT, 7, 9, TCP_ACK | TCP_PSH, TIMESTAMPS);
}

static inline void packet4(struct wire *w)
{
	segment(w);
	wire_ip4(w, 6, 1, 2);
}

static inline void packet6(struct wire *w)
{
	segment(w);
	wire_ip6(w, 6, 1, 2);
}

static inline void frame4(struct wire *w)
{
	packet4(w);
	wire_ether(w, IPV4);
}

/* Puts the checksum of the segment that is there alone so far. */
static inline void sealed_segment(struct wire *w)
{
	packet6(w);
	w->begin += 40;
}

static inline void vlan(struct wire *w)
{
	packet4(w);
	wire_vlan(w, 0xe064, IPV4);
	wire_ether(w, 0x8100);
}

/* As a card gets it that is to cut it into segments: IP does not tell where it ends. */
static inline void packet_unmeasured(struct wire *w)
{
	packet4(w);
	memset(wire_at(w, 2), 0, 2);
	memset(wire_at(w, 10), 0, 2);
	wire_set_checksum(wire_at(w, 10), wire_sum(wire_at(w, 0), 20));
}

struct good {
	const char *name;
	void (*build)(struct wire *);
	int link;
	uint8_t version, vlans, tunnels;
	enum tunnel_kind kind; /* of the innermost tunnel; its id is 0x63 */
	bool has_id;
	bool endless; /* IP does not tell where it ends */
	bool rare;    /* the kernel's program leaves it to the first worker */
};

static inline struct addr address(unsigned version, uint8_t last)
{
	struct addr a = {{0}};

	if (version == 4)
		memcpy(a.at, (uint8_t[]){10, 0, 0, last}, 4);
	else
		memcpy(a.at, (uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = last}, 16);
	return a;
}

static inline bool same(struct addr a, struct addr b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

/* Everything but the payload. */
static inline void check_heads(const struct packet *p, const struct good *g)
{
	const char *n = g->name;

	cr_assert_eq(p->version, g->version, "%s", n);
	cr_assert_eq(p->transport, TRANSPORT_TCP, "%s", n);
	cr_assert(same(p->src, address(g->version, 1)), "%s", n);
	cr_assert(same(p->dst, address(g->version, 2)), "%s", n);
	cr_assert_eq(p->src_port, FROM_PORT, "%s", n);
	cr_assert_eq(p->dst_port, TO_PORT, "%s", n);
	cr_assert_eq(p->seq, 7, "%s", n);
	cr_assert_eq(p->ack, 9, "%s", n);
	cr_assert_eq(p->flags, TCP_ACK | TCP_PSH, "%s", n);
	cr_assert_eq(p->window, 4321, "%s", n);
	cr_assert_eq(p->sacks, 0, "%s", n);
	cr_assert_eq(p->vlans, g->vlans, "%s", n);
	for (unsigned i = 0; i < p->vlans; i++)
		cr_assert_eq(p->vlan[i], (i + 1) * 100, "%s", n);
	cr_assert_eq(p->tunnels, g->tunnels, "%s", n);
	if (g->tunnels > 0) {
		const struct tunnel *t = &p->tunnel[g->tunnels - 1];

		cr_assert_eq(t->kind, g->kind, "%s", n);
		cr_assert_eq(t->has_id, g->has_id, "%s", n);
		cr_assert_eq(t->id, g->has_id ? 0x63 : 0, "%s", n);
		cr_assert(same(t->src, address(t->version, 101)), "%s", n);
		cr_assert(same(t->dst, address(t->version, 102)), "%s", n);
	}
}

static inline struct wire *built(const struct good *g)
{
	struct wire *w = wire_new();

	g->build(w);
	return w;
}

static inline void good_whole(const struct good *goods, size_t goods_count)
{
	for (size_t i = 0; i < goods_count; i++) {
		const struct good *g = &goods[i];
		struct rig *r = rig_new();
		struct wire *w = built(g);
		size_t len = wire_len(w);

		cr_assert(decode_knows_link(g->link));
		cr_assert(rig_wire(r, w, g->link, 12345), "%s", g->name);
		check_heads(&r->packet, g);
		cr_assert(rig_payload_is(r, PAYLOAD), "%s: %u bytes", g->name,
			  r->packet.payload_bytes);
		cr_assert(r->packet.has_timestamp);
		cr_assert_eq(r->packet.ts_value, 0x11);
		cr_assert_eq(r->packet.ts_echo, 0x22);
		cr_assert_eq(r->packet.when, 12345);
		cr_assert_eq(r->packet.wire_bytes, len);
		cr_assert_eq(rig_count(r, COUNT_PACKETS_CHECKSUM), 0, "%s", g->name);
		cr_assert_eq(rig_count(r, COUNT_PACKETS_TUNNELLED), g->tunnels > 0);
		rig_free(r);
	}
}

/* What a capture holds of a frame is a prefix. The heads are right or the frame is counted away,
 * and what is missing of the payload is told. */
static inline void good_cut(const struct good *goods, size_t goods_count)
{
	for (size_t i = 0; i < goods_count; i++) {
		const struct good *g = &goods[i];
		struct rig *r = rig_new();
		struct wire *w = built(g);
		bool before = false;

		for (size_t len = 0; len <= wire_len(w); len++) {
			struct frame f;

			wire_frame(w, &f, g->link, 1);
			f.bytes.len = len;

			bool decoded = rig_frame(r, f);

			cr_assert(decoded || !before, "%s at %zu", g->name, len);
			if (!decoded || r->packet.transport != TRANSPORT_TCP)
				continue; /* a tunnel's header cut: the datagram around it */
			before = true;
			check_heads(&r->packet, g);
			cr_assert_leq(r->packet.payload.len, strlen(PAYLOAD));
			cr_assert_eq(memcmp(r->packet.payload.at, PAYLOAD, r->packet.payload.len),
				     0);
			if (!g->endless)
				cr_assert_eq(r->packet.payload_bytes, strlen(PAYLOAD), "%s",
					     g->name);
		}
		cr_assert(before);
		cr_assert_eq(rig_count(r, COUNT_PACKETS_CHECKSUM), 0, "%s", g->name);
		cr_assert_eq(rig_count(r, COUNT_DISCARD_MALFORMED), 0, "%s", g->name);
		cr_assert_gt(rig_count(r, COUNT_DISCARD_CUT), 0, "%s", g->name);
		free(w);
		rig_free(r);
	}
}

/* A frame that is short on the wire. Its last header is short, or its payload is: some tools cut
 * frames and leave no word of it. */
static inline void good_short(const struct good *goods, size_t goods_count)
{
	for (size_t i = 0; i < goods_count; i++) {
		struct rig *r = rig_new();
		struct wire *w = built(&goods[i]);

		for (size_t len = 0; len < wire_len(w); len++) {
			struct frame f;

			wire_frame(w, &f, goods[i].link, 1);
			f.bytes.len = len;
			f.wire_bytes = (uint32_t)len;
			if (rig_frame(r, f))
				cr_assert_leq(r->packet.payload.len, r->packet.payload_bytes);
		}
		free(w);
		rig_free(r);
	}
}

static inline void good_spoilt(const struct good *goods, size_t goods_count)
{
	static const uint8_t spoil[] = {0x01, 0x80, 0xff, 0x0f, 0xf0};

	for (size_t i = 0; i < goods_count; i++) {
		struct rig *r = rig_new();
		struct wire *w = built(&goods[i]);

		for (size_t at = 0; at < wire_len(w); at++)
			for (size_t k = 0; k < sizeof spoil; k++) {
				struct frame f;

				wire_frame(w, &f, goods[i].link, 1);
				*wire_at(w, at) ^= spoil[k];
				if (rig_frame(r, f))
					cr_assert_leq(r->packet.payload.len,
						      r->packet.payload_bytes);
				*wire_at(w, at) ^= spoil[k];
			}
		free(w);
		rig_free(r);
	}
}

/* So many workers that two conversations never meet by chance. */
enum { SHARES = 65521 };

static inline struct share many_shares(const struct decode_conf *conf)
{
	return (struct share){
		.count = SHARES,
		.seed = 0x12345678,
		.tunnels = true,
		.vxlan = &conf->vxlan_ports,
		.geneve = &conf->geneve_ports,
		.gtpu = &conf->gtpu_ports,
	};
}

/* What the kernel's program says of an Ethernet frame. */
static inline unsigned verdict(const struct share *share, const uint8_t *at, size_t len)
{
	static struct sock_filter program[FANOUT_PROGRAM_MAX];
	static struct bpf_insn code[FANOUT_PROGRAM_MAX];
	unsigned count = fanout_program(share, FANOUT_ETHERNET, program);

	cr_assert_leq(count, FANOUT_PROGRAM_MAX);
	for (unsigned i = 0; i < count; i++)
		code[i] = (struct bpf_insn){program[i].code, program[i].jt, program[i].jf,
					    program[i].k};
	cr_assert(bpf_validate(code, (int)count));
	return bpf_filter(code, at, (unsigned)len, (unsigned)len);
}

/* The kernel's program and the decoder divide alike, and so does whoever only takes a glance. */
static inline void good_shared(const struct good *goods, size_t goods_count)
{
	for (size_t i = 0; i < goods_count; i++) {
		const struct good *g = &goods[i];
		struct rig *r = rig_new();
		struct share share = many_shares(&r->conf);
		struct wire *w = built(g);
		struct frame f;

		wire_frame(w, &f, g->link, 1);
		cr_assert(rig_frame(r, f));

		unsigned want = share_of(&share, &r->packet);
		int glance = share_glance(&share, &f);
		struct packet back = r->packet;

		back.src = r->packet.dst;
		back.dst = r->packet.src;
		back.src_port = r->packet.dst_port;
		back.dst_port = r->packet.src_port;
		cr_assert_neq(want, SHARE_TOGETHER);
		cr_assert_eq(share_of(&share, &back), want, "%s: the way back", g->name);
		cr_assert(glance == -1 || (unsigned)glance == want, "%s: at a glance", g->name);
		if (g->link == 1)
			cr_assert_eq(verdict(&share, f.bytes.at, f.bytes.len),
				     g->rare ? SHARE_TOGETHER : want, "%s", g->name);
		/* Keeping together comes before dividing. */
		share.ports[share.ports_count++] = TO_PORT;
		cr_assert_eq(share_of(&share, &r->packet), SHARE_TOGETHER);
		cr_assert_eq(share_of(&share, &back), SHARE_TOGETHER);
		if (g->link == 1)
			cr_assert_eq(verdict(&share, f.bytes.at, f.bytes.len), SHARE_TOGETHER);
		free(w);
		rig_free(r);
	}
}

#endif
