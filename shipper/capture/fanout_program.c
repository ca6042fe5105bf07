#include "shipper/capture/fanout.h"

#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <stdlib.h>

#include "shipper/base/must.h"
#include "shipper/base/option.h"

/*
 * The program, as an assembler's text would have it: X is where the header in hand begins, A what
 * was read from it. A read behind the frame's end ends the program with 0, which is the first
 * worker.
 *
 *   link ─► TYPE ─► IP4, IP6 ─► HEADER ─► TCP ─► the sum
 *            ▲                    │
 *            └── one level deeper ┴─► GRE, UDP, IP in IP
 */

enum {
	LEVELS = 3, /* the outermost, and within one tunnel and two */
	VLANS_READ = 3,
	LABELS_READ = 4,
	EXTENSIONS_READ = 3,
	GTP_EXTENSIONS_READ = 2,
	LABELS_MAX = 256,
	JUMPS_MAX = 1024,
};

/* Words of the program's own memory. */
enum slot { AT, TYPE, PROTOCOL, SRC, DST, SRC_PORT, DST_PORT, SUM, OTHER };

/* Places to jump to, of each level; further ones are made where they are needed. */
enum spot {
	SPOT_ETHERNET, /* X at an Ethernet header */
	SPOT_TYPE,     /* A an ethertype, X behind it */
	SPOT_IP,       /* X at an IP header of either version */
	SPOT_IP4,
	SPOT_IP6,
	SPOT_HEADER, /* PROTOCOL says what is at X */
	SPOT_TCP,
	SPOT_UDP,
	SPOT_GRE,
	SPOTS,
};

enum { LABEL_OUT = LEVELS * SPOTS, LABEL_SUM, LABEL_FIRST_FREE };

struct program {
	const struct share *share;
	struct sock_filter *at;
	unsigned count;
	unsigned labels[LABELS_MAX], labels_count;
	struct {
		unsigned from, label;
	} jumps[JUMPS_MAX];
	unsigned jumps_count;
};

/* ---- Instructions ---- */

static void op(struct program *p, unsigned code, uint32_t k)
{
	must(p->count < FANOUT_PROGRAM_MAX);
	p->at[p->count++] = (struct sock_filter){.code = (uint16_t)code, .k = k};
}

static unsigned label_new(struct program *p)
{
	must(p->labels_count < LABELS_MAX);
	return p->labels_count++;
}

static void mark(struct program *p, unsigned label)
{
	p->labels[label] = p->count;
}

static void jump(struct program *p, unsigned label)
{
	must(p->jumps_count < JUMPS_MAX);
	p->jumps[p->jumps_count].from = p->count;
	p->jumps[p->jumps_count++].label = label;
	op(p, BPF_JMP | BPF_JA, 0);
}

/* Conditions reach 255 instructions far, jumps as far as one likes. */
static void when(struct program *p, unsigned condition, uint32_t k, unsigned label)
{
	op(p, BPF_JMP | condition | BPF_K, k);
	p->at[p->count - 1].jf = 1;
	jump(p, label);
}

static void unless(struct program *p, unsigned condition, uint32_t k, unsigned label)
{
	op(p, BPF_JMP | condition | BPF_K, k);
	p->at[p->count - 1].jt = 1;
	jump(p, label);
}

static void settle_jumps(struct program *p)
{
	for (unsigned i = 0; i < p->jumps_count; i++)
		p->at[p->jumps[i].from].k = p->labels[p->jumps[i].label] - p->jumps[i].from - 1;
}

static unsigned spot(unsigned level, enum spot which)
{
	return level * SPOTS + which;
}

/* A = what is `offset` bytes behind X. */
static void load(struct program *p, unsigned size, uint32_t offset)
{
	op(p, BPF_LD | size | BPF_IND, offset);
}

static void compute(struct program *p, unsigned operation, uint32_t k)
{
	op(p, BPF_ALU | operation | BPF_K, k);
}

static void store(struct program *p, enum slot slot)
{
	op(p, BPF_ST, slot);
}

static void recall(struct program *p, enum slot slot)
{
	op(p, BPF_LD | BPF_MEM, slot);
}

/* X += A. */
static void advance(struct program *p)
{
	op(p, BPF_ALU | BPF_ADD | BPF_X, 0);
	op(p, BPF_MISC | BPF_TAX, 0);
}

static void skip(struct program *p, uint32_t bytes)
{
	op(p, BPF_LD | BPF_IMM, bytes);
	advance(p);
}

/* A ^= A >> shift; X is lost. */
static void stir(struct program *p, unsigned shift)
{
	store(p, SUM);
	compute(p, BPF_RSH, shift);
	op(p, BPF_MISC | BPF_TAX, 0);
	recall(p, SUM);
	op(p, BPF_ALU | BPF_XOR | BPF_X, 0);
}

/* ---- Link layers ---- */

static void tags(struct program *p, unsigned behind)
{
	static const uint32_t types[] = {0x8100, 0x88a8, 0x9100, 0x9200};

	for (int i = 0; i < VLANS_READ; i++) {
		unsigned tag = label_new(p);

		for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++)
			when(p, BPF_JEQ, types[k], tag);
		jump(p, behind);
		mark(p, tag);
		load(p, BPF_H, 2);
		store(p, TYPE);
		skip(p, 4);
		recall(p, TYPE);
	}
}

static void mpls(struct program *p, unsigned level)
{
	unsigned bottom = label_new(p);

	for (int i = 0; i < LABELS_READ; i++) {
		load(p, BPF_B, 2);
		when(p, BPF_JSET, 1, bottom);
		skip(p, 4);
	}
	jump(p, LABEL_OUT);
	mark(p, bottom);
	skip(p, 4);
	jump(p, spot(level, SPOT_IP));
}

static void pppoe(struct program *p, unsigned level)
{
	load(p, BPF_H, 6);
	store(p, TYPE);
	skip(p, 8);
	recall(p, TYPE);
	when(p, BPF_JEQ, 0x0021, spot(level, SPOT_IP4));
	when(p, BPF_JEQ, 0x0057, spot(level, SPOT_IP6));
	jump(p, LABEL_OUT);
}

static void link_layers(struct program *p, unsigned level)
{
	unsigned untagged = label_new(p), labels = label_new(p), session = label_new(p);

	mark(p, spot(level, SPOT_ETHERNET));
	load(p, BPF_H, 12);
	store(p, TYPE);
	skip(p, 14);
	recall(p, TYPE);
	mark(p, spot(level, SPOT_TYPE));
	tags(p, untagged);
	mark(p, untagged);
	when(p, BPF_JEQ, 0x0800, spot(level, SPOT_IP4));
	when(p, BPF_JEQ, 0x86dd, spot(level, SPOT_IP6));
	when(p, BPF_JEQ, 0x8847, labels);
	when(p, BPF_JEQ, 0x8848, labels);
	when(p, BPF_JEQ, 0x8864, session);
	jump(p, LABEL_OUT);
	mark(p, labels);
	mpls(p, level);
	mark(p, session);
	pppoe(p, level);
}

/* ---- IP ---- */

static void ip4(struct program *p, unsigned level)
{
	mark(p, spot(level, SPOT_IP4));
	load(p, BPF_H, 6);
	when(p, BPF_JSET, 0x3fff, LABEL_OUT); /* a fragment */
	load(p, BPF_W, 12);
	store(p, SRC);
	load(p, BPF_W, 16);
	store(p, DST);
	load(p, BPF_B, 9);
	store(p, PROTOCOL);
	load(p, BPF_B, 0);
	compute(p, BPF_AND, 15);
	compute(p, BPF_LSH, 2);
	advance(p);
	jump(p, spot(level, SPOT_HEADER));
}

/* As share_fold does it. */
static void fold(struct program *p, uint32_t at, enum slot to)
{
	load(p, BPF_W, at);
	store(p, to);
	for (uint32_t i = 1; i < 4; i++) {
		load(p, BPF_W, at + 4 * i);
		store(p, OTHER);
		op(p, BPF_STX, AT);
		op(p, BPF_LDX | BPF_MEM, OTHER);
		recall(p, to);
		compute(p, BPF_MUL, SHARE_FACTOR_2);
		op(p, BPF_ALU | BPF_ADD | BPF_X, 0);
		store(p, to);
		op(p, BPF_LDX | BPF_MEM, AT);
	}
}

static void ip6(struct program *p, unsigned level)
{
	mark(p, spot(level, SPOT_IP6));
	fold(p, 8, SRC);
	fold(p, 24, DST);
	load(p, BPF_B, 6);
	store(p, PROTOCOL);
	skip(p, 40);
	jump(p, spot(level, SPOT_HEADER));
}

static void ip(struct program *p, unsigned level)
{
	mark(p, spot(level, SPOT_IP));
	load(p, BPF_B, 0);
	compute(p, BPF_RSH, 4);
	when(p, BPF_JEQ, 4, spot(level, SPOT_IP4));
	when(p, BPF_JEQ, 6, spot(level, SPOT_IP6));
	jump(p, LABEL_OUT);
}

/* Past extension headers that tell their length, to what they carry. */
static void headers(struct program *p, unsigned level)
{
	bool deeper = p->share->tunnels && level + 1 < LEVELS;
	unsigned last = label_new(p);

	mark(p, spot(level, SPOT_HEADER));
	for (int i = 0; i < EXTENSIONS_READ; i++) {
		unsigned in_8 = label_new(p), next = label_new(p);

		recall(p, PROTOCOL);
		when(p, BPF_JEQ, 0, in_8);
		when(p, BPF_JEQ, 43, in_8);
		when(p, BPF_JEQ, 60, in_8);
		unless(p, BPF_JEQ, 51, last);
		load(p, BPF_B, 0);
		store(p, PROTOCOL);
		load(p, BPF_B, 1);
		compute(p, BPF_ADD, 2);
		compute(p, BPF_LSH, 2);
		advance(p);
		jump(p, next);
		mark(p, in_8);
		load(p, BPF_B, 0);
		store(p, PROTOCOL);
		load(p, BPF_B, 1);
		compute(p, BPF_ADD, 1);
		compute(p, BPF_LSH, 3);
		advance(p);
		mark(p, next);
	}
	mark(p, last);
	recall(p, PROTOCOL);
	when(p, BPF_JEQ, 6, spot(level, SPOT_TCP));
	if (deeper) {
		when(p, BPF_JEQ, 17, spot(level, SPOT_UDP));
		when(p, BPF_JEQ, 47, spot(level, SPOT_GRE));
		when(p, BPF_JEQ, 4, spot(level + 1, SPOT_IP4));
		when(p, BPF_JEQ, 41, spot(level + 1, SPOT_IP6));
	}
	jump(p, LABEL_OUT);
}

/* ---- Transports and tunnels ---- */

static void tcp(struct program *p, unsigned level)
{
	mark(p, spot(level, SPOT_TCP));
	load(p, BPF_H, 0);
	store(p, SRC_PORT);
	load(p, BPF_H, 2);
	store(p, DST_PORT);
	jump(p, LABEL_SUM);
}

static void vxlan(struct program *p, unsigned level)
{
	load(p, BPF_B, 8);
	compute(p, BPF_OR, 0x80);
	unless(p, BPF_JEQ, 0x88, LABEL_OUT);
	skip(p, 16);
	jump(p, spot(level + 1, SPOT_ETHERNET));
}

static void geneve(struct program *p, unsigned level)
{
	load(p, BPF_B, 8);
	when(p, BPF_JSET, 0xc0, LABEL_OUT);
	load(p, BPF_H, 10);
	store(p, TYPE);
	load(p, BPF_B, 8);
	compute(p, BPF_AND, 0x3f);
	compute(p, BPF_LSH, 2);
	compute(p, BPF_ADD, 16);
	advance(p);
	recall(p, TYPE);
	when(p, BPF_JEQ, 0x6558, spot(level + 1, SPOT_ETHERNET));
	jump(p, spot(level + 1, SPOT_TYPE));
}

static void gtpu(struct program *p, unsigned level)
{
	unsigned longer = label_new(p), extended = label_new(p), inside = label_new(p);

	load(p, BPF_B, 9);
	unless(p, BPF_JEQ, 255, LABEL_OUT);
	load(p, BPF_B, 8);
	when(p, BPF_JSET, 7, longer);
	skip(p, 16);
	jump(p, inside);
	mark(p, longer);
	store(p, OTHER);
	skip(p, 16);
	recall(p, OTHER);
	when(p, BPF_JSET, 4, extended);
	skip(p, 4);
	jump(p, inside);
	mark(p, extended);
	for (int i = 0; i < GTP_EXTENSIONS_READ; i++) {
		unsigned more = label_new(p);

		load(p, BPF_B, 3);
		unless(p, BPF_JEQ, 0, more);
		skip(p, 4);
		jump(p, inside);
		mark(p, more);
		/* The next one's length is in its first byte, its successor in its last: X stays
		 * four bytes before what is to come. */
		load(p, BPF_B, 4);
		compute(p, BPF_LSH, 2);
		advance(p);
	}
	load(p, BPF_B, 3);
	unless(p, BPF_JEQ, 0, LABEL_OUT);
	skip(p, 4);
	mark(p, inside);
	jump(p, spot(level + 1, SPOT_IP));
}

static void to_ports(struct program *p, const struct ports *ports, unsigned label)
{
	for (size_t i = 0; i < ports->count; i++)
		when(p, BPF_JEQ, ports->at[i], label);
}

static void udp(struct program *p, unsigned level)
{
	unsigned is_vxlan = label_new(p), is_geneve = label_new(p), is_gtpu = label_new(p);

	mark(p, spot(level, SPOT_UDP));
	load(p, BPF_H, 2);
	to_ports(p, p->share->vxlan, is_vxlan);
	to_ports(p, p->share->geneve, is_geneve);
	to_ports(p, p->share->gtpu, is_gtpu);
	jump(p, LABEL_OUT);
	mark(p, is_vxlan);
	vxlan(p, level);
	mark(p, is_geneve);
	geneve(p, level);
	mark(p, is_gtpu);
	gtpu(p, level);
}

/* Behind the GRE header, whose flags are in OTHER; X at the mirrored frame's own header. */
static void erspan(struct program *p, unsigned level)
{
	unsigned version_2 = label_new(p), version_3 = label_new(p), longer = label_new(p);

	recall(p, OTHER);
	unless(p, BPF_JSET, 0x1000, spot(level + 1, SPOT_ETHERNET)); /* type I */
	load(p, BPF_B, 0);
	compute(p, BPF_RSH, 4);
	when(p, BPF_JEQ, 1, version_2);
	when(p, BPF_JEQ, 2, version_3);
	jump(p, LABEL_OUT);
	mark(p, version_2);
	skip(p, 8);
	jump(p, spot(level + 1, SPOT_ETHERNET));
	mark(p, version_3);
	load(p, BPF_B, 11);
	when(p, BPF_JSET, 1, longer);
	skip(p, 12);
	jump(p, spot(level + 1, SPOT_ETHERNET));
	mark(p, longer);
	skip(p, 20);
	jump(p, spot(level + 1, SPOT_ETHERNET));
}

/* A = A plus four if the flag in `bit` of OTHER is set; X is lost. */
static void add_word(struct program *p, unsigned bit)
{
	op(p, BPF_MISC | BPF_TAX, 0);
	recall(p, OTHER);
	compute(p, BPF_RSH, bit);
	compute(p, BPF_AND, 1);
	compute(p, BPF_LSH, 2);
	op(p, BPF_ALU | BPF_ADD | BPF_X, 0);
}

static void gre(struct program *p, unsigned level)
{
	unsigned mirrored = label_new(p);

	mark(p, spot(level, SPOT_GRE));
	load(p, BPF_H, 2);
	store(p, TYPE);
	load(p, BPF_H, 0);
	when(p, BPF_JSET, 0x4007, LABEL_OUT); /* source routes, PPTP */
	store(p, OTHER);
	op(p, BPF_STX, AT);
	op(p, BPF_LD | BPF_IMM, 4);
	add_word(p, 15); /* checksum, key, sequence number */
	add_word(p, 13);
	add_word(p, 12);
	op(p, BPF_LDX | BPF_MEM, AT);
	advance(p);
	recall(p, TYPE);
	when(p, BPF_JEQ, 0x6558, spot(level + 1, SPOT_ETHERNET));
	when(p, BPF_JEQ, 0x88be, mirrored);
	when(p, BPF_JEQ, 0x22eb, mirrored);
	jump(p, spot(level + 1, SPOT_TYPE));
	mark(p, mirrored);
	erspan(p, level);
}

/* ---- The whole ---- */

static void end_of(struct program *p, enum slot address, enum slot port)
{
	recall(p, address);
	compute(p, BPF_XOR, p->share->seed);
	compute(p, BPF_MUL, SHARE_FACTOR_1);
	stir(p, SHARE_SHIFT_1);
	op(p, BPF_LDX | BPF_MEM, port);
	op(p, BPF_ALU | BPF_ADD | BPF_X, 0);
	compute(p, BPF_MUL, SHARE_FACTOR_2);
	stir(p, SHARE_SHIFT_2);
	store(p, address);
}

static void sum(struct program *p)
{
	mark(p, LABEL_SUM);
	for (size_t i = 0; i < p->share->ports_count; i++) {
		recall(p, SRC_PORT);
		when(p, BPF_JEQ, p->share->ports[i], LABEL_OUT);
		recall(p, DST_PORT);
		when(p, BPF_JEQ, p->share->ports[i], LABEL_OUT);
	}
	end_of(p, SRC, SRC_PORT);
	end_of(p, DST, DST_PORT);
	op(p, BPF_LDX | BPF_MEM, SRC);
	op(p, BPF_ALU | BPF_ADD | BPF_X, 0);
	compute(p, BPF_MUL, SHARE_FACTOR_3);
	stir(p, SHARE_SHIFT_3);
	compute(p, BPF_MOD, p->share->count);
	op(p, BPF_RET | BPF_A, 0);
	mark(p, LABEL_OUT);
	op(p, BPF_RET | BPF_K, SHARE_TOGETHER);
}

/* What comes in begins at its network header by now, what goes out still at its link layer. */
static void begin(struct program *p, enum fanout_frames frames)
{
	unsigned framed = label_new(p), network = label_new(p);

	if (frames == FANOUT_KERNEL) {
		op(p, BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE));
		unless(p, BPF_JEQ, PACKET_OUTGOING, network);
		op(p, BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_HATYPE));
		when(p, BPF_JEQ, ARPHRD_ETHER, framed);
		when(p, BPF_JEQ, ARPHRD_LOOPBACK, framed);
		mark(p, network);
		op(p, BPF_LDX | BPF_IMM, 0);
		op(p, BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL));
		jump(p, spot(0, SPOT_TYPE));
	}
	mark(p, framed);
	op(p, BPF_LDX | BPF_IMM, 0);
	jump(p, spot(0, SPOT_ETHERNET));
}

unsigned fanout_program(const struct share *share, enum fanout_frames frames,
			struct sock_filter *to)
{
	struct program *p = must_alloc(sizeof(*p));
	unsigned count;

	p->share = share;
	p->at = to;
	p->labels_count = LABEL_FIRST_FREE;
	begin(p, frames);
	for (unsigned level = 0; level < (share->tunnels ? LEVELS : 1); level++) {
		link_layers(p, level);
		ip(p, level);
		ip4(p, level);
		ip6(p, level);
		headers(p, level);
		tcp(p, level);
		if (share->tunnels && level + 1 < LEVELS) {
			udp(p, level);
			gre(p, level);
		}
	}
	sum(p);
	settle_jumps(p);
	count = p->count;
	free(p);
	return count;
}
