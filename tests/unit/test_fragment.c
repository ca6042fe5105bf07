/*
 * Fragments: one datagram in pieces, which come in any order, twice, too late, or never.
 */
#include "tests/unit/decode_rig.h"

enum { MORE = 0x2000, TEXT = 40, WHOLE = 8 + TEXT, ETHER = 14 };

static const char text[TEXT + 1] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN";

/* A part of the datagram's 48 bytes; `to` is behind its last byte. */
struct part {
	unsigned from, to;
};

struct story {
	struct rig *r;
	int version;
	unsigned id;
	nsec now;
	uint8_t datagram[WHOLE]; /* its UDP header has the right checksum */
};

static struct story story_of(int version)
{
	struct story s = {.r = rig_new(), .version = version, .id = 77, .now = NS_PER_S};
	struct wire *w = wire_new();

	wire_text(w, text);
	wire_udp(w, 1000, 2000);
	if (version == 4)
		wire_ip4(w, 17, 1, 2);
	else
		wire_ip6(w, 17, 1, 2);
	memcpy(s.datagram, wire_at(w, version == 4 ? 20 : 40), WHOLE);
	free(w);
	return s;
}

static void fragment_around(const struct story *s, struct wire *w, unsigned from, bool last)
{
	if (s->version == 4) {
		wire_ip4_part(w, 17, 1, 2, s->id, from / 8 | (last ? 0 : MORE), "");
	} else {
		wire_be(w, s->id, 4);
		wire_be(w, from | !last, 2);
		wire_hex(w, "1100");
		wire_ip6(w, 44, 1, 2);
	}
}

static struct wire *part_wire(const struct story *s, struct part p)
{
	struct wire *w = wire_new();

	wire_put(w, s->datagram + p.from, p.to - p.from);
	fragment_around(s, w, p.from, p.to == WHOLE);
	wire_ether(w, s->version == 4 ? 0x0800 : 0x86dd);
	return w;
}

static bool send(struct story *s, unsigned from, unsigned to)
{
	return rig_wire(s->r, part_wire(s, (struct part){from, to}), 1, s->now);
}

static bool joined_right(const struct story *s)
{
	return s->r->packet.transport == TRANSPORT_UDP && s->r->packet.dst_port == 2000 &&
	       s->r->packet.version == s->version && rig_payload_is(s->r, text) &&
	       rig_count(s->r, COUNT_PACKETS_CHECKSUM) == 0;
}

/* The n-th order of four; n from 0 to 23. */
static void order_of(unsigned n, unsigned order[4])
{
	unsigned left[4] = {0, 1, 2, 3};

	for (unsigned i = 0, count = 4; i < 4; i++, count--) {
		unsigned at = n % count;

		n /= count;
		order[i] = left[at];
		memmove(left + at, left + at + 1, (3 - at) * sizeof *left);
	}
}

static const struct part quarters[4] = {{0, 8}, {8, 24}, {24, 32}, {32, WHOLE}};

/* Each part comes `times` times, one after the other; all in the n-th order. */
static void in_order(int version, unsigned n, unsigned times)
{
	struct story s = story_of(version);
	size_t heads = ETHER + (version == 4 ? 20 : 48);
	unsigned order[4];
	nsec first_byte_at = 0;
	unsigned sent = 0;

	order_of(n, order);
	for (unsigned i = 0; i < 4; i++) {
		struct part p = quarters[order[i]];

		for (unsigned k = 0; k < times; k++) {
			bool whole = send(&s, p.from, p.to);

			sent++;
			cr_assert_eq(whole, i == 3 && k == 0, "order %u, part %u", n, i);
			if (order[i] == 0 && k == 0)
				first_byte_at = s.now;
			if (whole) {
				cr_assert(joined_right(&s));
				cr_assert_eq(s.r->packet.when, first_byte_at);
				cr_assert_eq(s.r->packet.wire_bytes, 4 * heads + WHOLE);
			}
			s.now += 1000;
		}
	}
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_JOINED), 1);
	cr_assert_eq(rig_count(s.r, COUNT_FRAMES_FRAGMENT), sent - 1);
	rig_free(s.r);
}

Test(fragment, in_every_order)
{
	for (unsigned n = 0; n < 24; n++)
		for (unsigned times = 1; times <= 2; times++) {
			in_order(4, n, times);
			in_order(6, n, times);
		}
}

/* Six of 8 bytes: the UDP header alone in the first. */
Test(fragment, tiny)
{
	struct story s = story_of(4);

	for (unsigned from = 0; from < WHOLE; from += 8)
		cr_assert_eq(send(&s, from, from + 8), from + 8 == WHOLE);
	cr_assert(joined_right(&s));
	rig_free(s.r);
}

Test(fragment, interleaved_datagrams_are_told_apart)
{
	struct story s = story_of(6);

	for (s.id = 1; s.id <= 50; s.id++)
		cr_assert(!send(&s, 8, WHOLE));
	for (s.id = 50; s.id >= 1; s.id--) {
		cr_assert(send(&s, 0, 8));
		cr_assert(joined_right(&s));
	}
	rig_free(s.r);
}

/* The same id, but another sender, protocol, VLAN or tunnel. */
Test(fragment, what_else_makes_a_datagram)
{
	struct story s = story_of(4);

	for (int other = 0; other < 9; other++) {
		struct wire *w = wire_new();
		unsigned type = 0x0800;

		wire_put(w, s.datagram + 8, WHOLE - 8);
		wire_ip4_part(w,
			      other == 1   ? 6
			      : other == 8 ? 47
					   : 17,
			      other == 2 ? 3 : 1, other == 3 ? 3 : 2, s.id, 1, "");
		if (other == 4 || other == 6) {
			wire_vlan(w, (unsigned)other, type);
			type = 0x8100;
		}
		if (other == 5 || other == 7) {
			wire_hex(w, other == 5 ? "2000 0800 00000063" : "2000 0800 00000064");
			wire_ip4(w, 47, 101, 102);
		}
		wire_ether(w, type);
		cr_assert(!rig_wire(s.r, w, 1, s.now));
	}
	cr_assert_eq(rig_count(s.r, COUNT_FRAMES_FRAGMENT), 9);
	cr_assert(send(&s, 0, 8));
	cr_assert(joined_right(&s));
	decoder_expire(s.r->decoder, s.now + 60 * (nsec)NS_PER_S);
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_EXPIRED), 8);
	rig_free(s.r);
}

/* Two parts of which the second overlaps the first, in part or in whole: nothing more comes of
 * the datagram, whatever follows. */
static void overlap(int version, struct part a, struct part b, uint8_t spoil)
{
	struct story s = story_of(version);

	cr_assert(!send(&s, a.from, a.to));
	s.datagram[b.from] ^= spoil;
	cr_assert(!send(&s, b.from, b.to));
	s.datagram[b.from] ^= spoil;
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_OVERLAP), 1, "%u-%u %u-%u", a.from, a.to,
		     b.from, b.to);
	for (unsigned from = 0; from < WHOLE; from += 8)
		cr_assert(!send(&s, from, from + 8));
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_JOINED), 0);
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_OVERLAP), 1);

	s.now += 31 * (nsec)NS_PER_S; /* another datagram, by now */
	cr_assert(!send(&s, 0, 8));
	cr_assert(send(&s, 8, WHOLE));
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_EXPIRED), 0);
	rig_free(s.r);
}

Test(fragment, overlapping)
{
	for (int version = 4; version <= 6; version += 2) {
		overlap(version, (struct part){8, 24}, (struct part){16, 32}, 0);
		overlap(version, (struct part){16, 32}, (struct part){8, 24}, 0);
		overlap(version, (struct part){8, 32}, (struct part){16, 24}, 0);
		overlap(version, (struct part){16, 24}, (struct part){8, 32}, 0);
		overlap(version, (struct part){8, 24}, (struct part){8, 16}, 0);
		overlap(version, (struct part){8, 16}, (struct part){8, 24}, 0);
		overlap(version, (struct part){0, 24}, (struct part){8, WHOLE}, 0);
		overlap(version, (struct part){8, 24}, (struct part){8, 24}, 1); /* not a copy */
	}
}

/* A last fragment, and something behind it; or two ends. */
Test(fragment, two_ends)
{
	for (int k = 0; k < 4; k++) {
		struct story s = story_of(4);
		static const struct part ends[4][2] = {{{8, 16}, {24, 32}},
						       {{24, 32}, {8, 16}},
						       {{8, 16}, {24, 32}},
						       {{8, 16}, {8, 16}}};

		for (int i = 0; i < 2; i++) {
			struct wire *w = wire_new();
			struct part p = ends[k][i];
			bool last = k == 2 || (k == 0 && i == 0) || (k == 1 && i == 1) ||
				    (k == 3 && i == 1);

			wire_put(w, s.datagram + p.from, p.to - p.from);
			fragment_around(&s, w, p.from, last);
			cr_assert(!rig_wire(s.r, w, 101, s.now));
		}
		cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_OVERLAP), 1, "case %d", k);
		rig_free(s.r);
	}
}

/* Length not a multiple of eight, nothing in it, or behind the largest packet. */
Test(fragment, that_cannot_be)
{
	struct rig *r = rig_new();
	static const struct {
		unsigned part, bytes;
	} cases[] = {{MORE, 12}, {MORE | 1, 7}, {1, 0},
		     {MORE, 0},	 {0x1fff, 16},	{MORE | 0x1fff, 8}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wire *w = wire_new();

		wire_put(w, text, cases[i].bytes);
		wire_ip4_part(w, 17, 1, 2, 9, cases[i].part, "");
		cr_assert(!rig_wire(r, w, 101, 1));
		cr_assert_eq(rig_count(r, COUNT_DISCARD_MALFORMED), i + 1, "case %zu", i);
	}
	cr_assert_eq(r->quota.used, 0);
	rig_free(r);
}

/* A whole packet that says it is a fragment passes by what waits under its id (RFC 6946). */
Test(fragment, atomic)
{
	struct story s = story_of(6);
	struct wire *w = wire_new();

	cr_assert(!send(&s, 0, 24));
	wire_put(w, s.datagram, WHOLE);
	wire_be(w, s.id, 4);
	wire_hex(w, "1100 0000");
	wire_ip6(w, 44, 1, 2);
	cr_assert(rig_wire(s.r, w, 101, s.now));
	cr_assert(joined_right(&s));
	cr_assert(send(&s, 24, WHOLE));
	cr_assert(joined_right(&s));
	rig_free(s.r);
}

/* What follows the fragment header is what the first fragment says (RFC 8200, 4.5). */
Test(fragment, the_first_says_what_follows)
{
	for (int first_comes_last = 0; first_comes_last < 2; first_comes_last++) {
		struct story s = story_of(6);
		struct wire *w = part_wire(&s, (struct part){24, WHOLE});

		*wire_at(w, ETHER + 40) = 58;
		if (!first_comes_last)
			cr_assert(!send(&s, 0, 24));
		cr_assert_eq(rig_wire(s.r, w, 1, s.now), !first_comes_last);
		if (first_comes_last)
			cr_assert(send(&s, 0, 24));
		cr_assert(joined_right(&s));
		rig_free(s.r);
	}
}

Test(fragment, two_fragment_headers)
{
	struct story s = story_of(6);
	struct wire *w = wire_new();

	wire_put(w, s.datagram, WHOLE);
	wire_hex(w, "1100 0000 00000001");
	wire_hex(w, "2c00 0000 00000001");
	wire_ip6(w, 44, 1, 2);
	cr_assert(!rig_wire(s.r, w, 101, s.now));
	cr_assert_eq(rig_count(s.r, COUNT_DISCARD_MALFORMED), 1);
	rig_free(s.r);
}

/* The capture holds only so much of each frame: the payload ends where the first cut is. */
Test(fragment, cut)
{
	for (unsigned which = 0; which < 4; which++) {
		struct story s = story_of(4);
		bool whole = false;

		for (unsigned i = 0; i < 4; i++) {
			struct wire *w = part_wire(&s, quarters[i]);
			struct frame f;

			wire_frame(w, &f, 1, s.now);
			f.bytes.len -= i == which ? 4 : 0;
			whole = rig_frame(s.r, f);
			free(w);
		}
		cr_assert_eq(whole, which > 0); /* else the UDP header is cut */
		if (whole) {
			size_t have = quarters[which].to - 4 - 8;

			cr_assert_eq(s.r->packet.payload_bytes, TEXT);
			cr_assert_eq(s.r->packet.payload.len, have);
			cr_assert_eq(memcmp(s.r->packet.payload.at, text, have), 0);
		}
		cr_assert_eq(rig_count(s.r, COUNT_DISCARD_CUT), which == 0);
		rig_free(s.r);
	}
}

/* Time. */

Test(fragment, a_part_that_never_comes)
{
	struct story s = story_of(4);

	cr_assert(!send(&s, 0, 24));
	cr_assert_gt(s.r->quota.used, 0);
	decoder_expire(s.r->decoder, s.now + 30 * (nsec)NS_PER_S);
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_EXPIRED), 0);
	decoder_expire(s.r->decoder, s.now + 30 * (nsec)NS_PER_S + 1);
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_EXPIRED), 1);
	cr_assert_eq(s.r->quota.used, 0);
	cr_assert(!send(&s, 24, WHOLE));
	rig_free(s.r);
}

/* Too late for each other, though nobody looked in between. */
Test(fragment, a_part_that_comes_too_late)
{
	struct story s = story_of(4);

	cr_assert(!send(&s, 0, 24));
	s.now += 30 * (nsec)NS_PER_S + 1;
	cr_assert(!send(&s, 24, WHOLE));
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_EXPIRED), 1);
	cr_assert(send(&s, 0, 24));
	cr_assert(joined_right(&s));
	rig_free(s.r);
}

Test(fragment, time_goes_back)
{
	struct story s = story_of(4);

	s.now = 1000 * (nsec)NS_PER_S;
	cr_assert(!send(&s, 0, 24));
	s.now -= 20 * NS_PER_MS;
	decoder_expire(s.r->decoder, s.now);
	cr_assert(send(&s, 24, WHOLE));
	cr_assert(joined_right(&s));

	s.id++;
	cr_assert(!send(&s, 0, 24));
	s.now -= 900 * (nsec)NS_PER_S; /* the next file is older */
	decoder_expire(s.r->decoder, s.now);
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_EXPIRED), 1);
	rig_free(s.r);
}

/* Copies of what was joined are swallowed for a moment; then the id is free for another. */
Test(fragment, copies_and_reuse)
{
	struct story s = story_of(4);

	cr_assert(!send(&s, 0, 24));
	s.now += 90 * NS_PER_MS;
	cr_assert(send(&s, 24, WHOLE));
	s.now += 90 * NS_PER_MS;
	cr_assert(!send(&s, 24, WHOLE));
	cr_assert(!send(&s, 0, 24));
	s.now += 200 * NS_PER_MS;
	cr_assert(!send(&s, 0, 24));
	cr_assert(send(&s, 24, WHOLE));
	cr_assert(joined_right(&s));
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_JOINED), 2);
	decoder_expire(s.r->decoder, s.now + NS_PER_S);
	cr_assert_leq(s.r->quota.used, WHOLE); /* the buffer for joining is kept */
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_EXPIRED), 0);
	rig_free(s.r);
}

/* Limits. */

static bool send_part(struct story *s, unsigned from, size_t bytes, bool last)
{
	static const uint8_t zeros[60000];
	struct wire *w = wire_new();

	wire_put(w, zeros, bytes);
	fragment_around(s, w, from, last);
	return rig_wire(s->r, w, 101, s->now);
}

Test(fragment, bytes_held_in_all)
{
	struct story s = story_of(4);
	size_t most = 0;

	for (s.id = 0; s.id < 1000; s.id++) {
		cr_assert(!send_part(&s, 8, 8000, false));
		most = s.r->quota.used > most ? s.r->quota.used : most;
	}
	cr_assert_leq(most, (size_t)s.r->conf.fragment_bytes_max);
	cr_assert_gt(most, (size_t)s.r->conf.fragment_bytes_max - 10000);

	uint64_t given_up = rig_count(s.r, COUNT_FRAGMENTS_LIMIT);

	cr_assert_gt(given_up, 800);
	s.id = 999; /* the oldest have gone, the latest are there */
	cr_assert(!send_part(&s, 8008, 8, true));
	cr_assert(send_part(&s, 0, 8, false));
	s.id = 0;
	cr_assert(!send_part(&s, 8008, 8, true));
	cr_assert(!send_part(&s, 0, 8, false));
	rig_free(s.r);
}

Test(fragment, datagrams_in_all)
{
	struct story s = story_of(6);

	for (s.id = 0; s.id < 4096 + 10; s.id++)
		cr_assert(!send_part(&s, 8, 8, false));
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_LIMIT), 10);
	rig_free(s.r);
}

/* Copies are looked out for, but not of more datagrams than may wait. */
Test(fragment, joined_in_all)
{
	struct story s = story_of(6);
	size_t used = 0;

	for (s.id = 0; s.id < 3 * 4096; s.id++) {
		cr_assert(!send_part(&s, 8, 8, true));
		cr_assert(send_part(&s, 0, 8, false) || s.r->packet.version == 6);
		if (s.id == 5000)
			used = s.r->quota.used;
	}
	cr_assert_eq(s.r->quota.used, used);
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_LIMIT), 0);
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_JOINED), 3 * 4096);
	rig_free(s.r);
}

/* What only looks out for copies goes before what waits. */
Test(fragment, room_is_made_of_the_joined)
{
	struct story s = story_of(6);

	for (s.id = 0; s.id < 14; s.id++)
		cr_assert(!send_part(&s, 8, 60000, false));
	for (; s.id < 4000; s.id++) {
		cr_assert(!send_part(&s, 8, 8, true));
		send_part(&s, 0, 8, false);
	}
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_JOINED), 4000 - 14);
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_LIMIT), 0);
	for (s.id = 0; s.id < 14; s.id++) {
		cr_assert(!send_part(&s, 60008, 8, true));
		send_part(&s, 0, 8, false);
	}
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_JOINED), 4000);
	rig_free(s.r);
}

Test(fragment, parts_of_one_datagram)
{
	struct story s = story_of(4);

	for (unsigned i = 0; i < 256; i++)
		cr_assert(!send_part(&s, i * 8, 8, false));
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_LIMIT), 0);
	cr_assert(!send_part(&s, 256 * 8, 8, false));
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_LIMIT), 1);
	cr_assert(!send_part(&s, 257 * 8, 8, true));
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_LIMIT), 1);
	rig_free(s.r);
}

/* A datagram that alone is more than may be held. */
Test(fragment, larger_than_the_limit)
{
	struct story s = story_of(4);

	s.r->conf.fragment_bytes_max = 1 << 16;
	decoder_free(s.r->decoder);
	s.r->decoder = decoder_new(&s.r->conf, &s.r->quota, &s.r->counters);
	cr_assert(!send_part(&s, 0, 40000, false));
	cr_assert(!send_part(&s, 40000, 25000, false));
	cr_assert(!send_part(&s, 65000, 400, true));
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_LIMIT), 1);
	cr_assert_leq(s.r->quota.most, 1 << 16);
	rig_free(s.r);
}

/* Tunnels. */

/* Fragments of the inner packet, each in a packet that was itself in pieces. */
Test(fragment, within_fragments)
{
	struct story s = story_of(6);
	unsigned sent = 0;

	for (unsigned from = 0; from < WHOLE; from += 24) {
		struct wire *inner = part_wire(&s, (struct part){from, from + 24});

		inner->begin += ETHER;

		size_t bytes = wire_len(inner);

		for (size_t at = 0; at < bytes; at += 40) {
			size_t n = bytes - at < 40 ? bytes - at : 40;
			struct wire *w = wire_new();

			wire_put(w, wire_at(inner, at), n);
			wire_ip4_part(w, 41, 101, 102, from,
				      (unsigned)at / 8 | (at + n < bytes ? MORE : 0), "");
			sent += (unsigned)wire_len(w);
			cr_assert_eq(rig_wire(s.r, w, 101, s.now), from == 24 && at + n == bytes);
			s.now += 1000;
		}
		free(inner);
	}
	cr_assert(joined_right(&s));
	cr_assert_eq(s.r->packet.wire_bytes, sent);
	cr_assert_eq(s.r->packet.when, NS_PER_S);
	cr_assert_eq(s.r->packet.tunnels, 1);
	cr_assert_eq(rig_count(s.r, COUNT_FRAGMENTS_JOINED), 3);
	rig_free(s.r);
}
