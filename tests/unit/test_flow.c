/* How conversations begin, end, and are kept apart. */
#include <criterion/criterion.h>

#include "flow_stage.h"

Test(flow, whole_conversation)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(PSH_, 101, 501, "GET");
	S(PSH_, 501, 104, "OK");
	C(FIN_, 104, 503, "");
	S(FIN_, 503, 105, "");
	SAID("c:GET/0 s:OK/3 c. s. !fin");
	C(ACK_, 105, 504, "");
	cr_assert_eq(flow_count(g->table), 1);
	stage_wait(g, 6000);
	cr_assert_eq(flow_count(g->table), 0);
	SAID("");
	finish(g);
}

/* ---- Whose packet it is ---- */

Test(flow, vlans_and_tunnels_are_kept_apart)
{
	struct stage *g = stage_new();
	struct tunnel vni = {.kind = TUNNEL_VXLAN, .version = 4, .has_id = true, .id = 7};

	for (int i = 0; i < 2; i++) {
		g->extra = (struct packet){.vlans = 1, .vlan = {5}};
		S(SYN_ | ACK_, 1, 1, "");
		g->extra = (struct packet){.vlans = 1, .vlan = {6}};
		C(SYN_, 1, 1, "");
		g->extra = (struct packet){.vlans = 2, .vlan = {5, 6}};
		C(SYN_, 1, 1, "");
		g->extra = (struct packet){.tunnels = 1, .tunnel = {vni}};
		C(SYN_, 1, 1, "");
		g->extra = (struct packet){.tunnels = 1, .tunnel = {vni}};
		g->extra.tunnel[0].id = 8;
		C(SYN_, 1, 1, "");
		C(SYN_, 1, 1, "");
	}
	cr_assert_eq(flow_count(g->table), 6);
	COUNT(COUNT_FLOWS_CREATED, 6);
	finish(g);
}

Test(flow, gtp_numbers_its_directions_apart)
{
	struct stage *g = stage_new();
	struct tunnel teid = {.kind = TUNNEL_GTPU, .version = 4, .has_id = true, .id = 7};

	g->extra = (struct packet){.tunnels = 1, .tunnel = {teid}};
	C(SYN_, 100, 0, "");
	teid.id = 8;
	g->extra = (struct packet){.tunnels = 1, .tunnel = {teid}};
	S(SYN_ | ACK_, 500, 101, "");
	cr_assert_eq(flow_count(g->table), 1);
	finish(g);
}

Test(flow, ipv6_directions_meet)
{
	struct stage *g = stage_new();

	for (int i = 0; i < 200; i++) {
		struct packet p = stage_packet(g, CLIENT, "", 0);

		p.transport = TRANSPORT_TCP;
		p.version = 6;
		p.flags = TCP_SYN;
		p.src.at[15] = (uint8_t)i;
		p.dst.at[0] = (uint8_t)(i * 7);
		flow_push(g->table, &p);
		struct packet back = p;
		back.src = p.dst;
		back.dst = p.src;
		back.src_port = p.dst_port;
		back.dst_port = p.src_port;
		back.flags = TCP_SYN | TCP_ACK;
		back.ack = 1;
		flow_push(g->table, &back);
	}
	cr_assert_eq(flow_count(g->table), 200);
	finish(g);
}

Test(flow, datagrams_pass_straight_through)
{
	struct stage *g = stage_new();
	struct packet p = stage_packet(g, CLIENT, "ask", 3);

	p.transport = TRANSPORT_UDP;
	flow_push(g->table, &p);
	p = stage_packet(g, SERVER, "tell", 4);
	p.transport = TRANSPORT_UDP;
	p.payload_bytes = 9;
	flow_push(g->table, &p);
	SAID("u:ask u+tell~");
	stage_wait(g, 59000);
	SAID("");
	stage_wait(g, 4000);
	SAID("!idle");
	COUNT(COUNT_FLOWS_EXPIRED, 1);
	finish(g);
}

Test(flow, datagrams_with_a_question_open_stay)
{
	struct stage *g = stage_new();
	struct packet p = stage_packet(g, CLIENT, "ask", 3);

	p.transport = TRANSPORT_UDP;
	g->waits = true;
	flow_push(g->table, &p);
	for (int i = 0; i < 200; i++)
		stage_wait(g, 1000);
	SAID("u:ask");
	g->waits = false;
	for (int i = 0; i < 63; i++)
		stage_wait(g, 1000);
	SAID("!idle");
	cr_assert_eq(flow_count(g->table), 0);
	finish(g);
}

Test(flow, client_is_who_sent_the_syn)
{
	struct stage *g = stage_new();

	S(SYN_, 100, 0, "");
	C(SYN_ | ACK_, 500, 101, "");
	S(ACK_, 101, 501, "hi");
	SAID("c:hi/0");
	g->port++;
	C(SYN_ | ACK_, 500, 101, ""); /* the answer alone tells as well */
	S(ACK_, 101, 501, "hi");
	SAID("c:hi/0");
	finish(g);
}

Test(flow, wrong_guess_is_put_right_by_a_late_syn)
{
	struct stage *g = stage_new();

	g->guess = SERVER;
	C(ACK_, 101, 501, "hi");
	C(SYN_, 100, 0, "");
	S(SYN_ | ACK_, 500, 101, "");
	SAID("c:hi/0");
	finish(g);
}

/* ---- How it begins ---- */

Test(flow, syn_brings_data)
{
	struct stage *g = stage_new();

	C(SYN_, 100, 0, "GET");
	SAID("c:GET/?");
	S(SYN_ | ACK_, 500, 104, "OK");
	SAID("s:OK/3");
	C(ACK_, 104, 503, "more");
	SAID("c:more/2");
	finish(g);
}

Test(flow, syn_data_refused_and_sent_again)
{
	struct stage *g = stage_new();

	C(SYN_, 100, 0, "GET");
	S(SYN_ | ACK_, 500, 101, "");
	C(ACK_, 101, 501, "GET");
	SAID("c:GET/?");
	COUNT(COUNT_STREAM_RETRANSMITTED, 1);
	finish(g);
}

Test(flow, handshake_in_any_order)
{
	struct stage *g = stage_new();

	C(ACK_, 101, 501, "GET");
	S(SYN_ | ACK_, 500, 101, "");
	SAID("c:GET/0");
	C(SYN_, 100, 0, "");
	S(ACK_, 501, 104, "OK");
	SAID("s:OK/3");
	flow_finish(g->table);
	cr_assert(!g->midstream);
	finish(g);
}

Test(flow, syn_sent_again)
{
	struct stage *g = stage_new();

	C(SYN_, 100, 0, "");
	stage_wait(g, 1000);
	C(SYN_, 100, 0, "");
	S(SYN_ | ACK_, 500, 101, "");
	S(SYN_ | ACK_, 500, 101, "");
	C(ACK_, 101, 501, "x");
	SAID("c:x/0");
	COUNT(COUNT_STREAM_RETRANSMITTED, 2);
	COUNT(COUNT_FLOWS_CREATED, 1);
	finish(g);
}

Test(flow, both_open_at_once)
{
	struct stage *g = stage_new();

	C(SYN_, 100, 0, "");
	S(SYN_, 500, 0, "");
	C(SYN_ | ACK_, 100, 501, "");
	S(SYN_ | ACK_, 500, 101, "");
	C(ACK_, 101, 501, "x");
	S(ACK_, 501, 102, "y");
	SAID("c:x/0 s:y/1");
	finish(g);
}

Test(flow, from_the_middle_after_silence)
{
	struct stage *g = stage_new();

	C(ACK_, 1000, 5000, "");
	stage_wait(g, 500);
	C(ACK_, 1000, 5000, "ask");
	SAID("c:ask/0");
	S(ACK_, 5000, 1003, "tell");
	SAID("s:tell/3");
	flow_finish(g->table);
	cr_assert(g->midstream);
	COUNT(COUNT_FLOWS_MIDSTREAM, 1);
	finish(g);
}

Test(flow, from_the_middle_with_a_probe)
{
	struct stage *g = stage_new();

	C(ACK_, 999, 5000, "");
	S(ACK_, 5000, 1000, "");
	stage_wait(g, 500);
	C(ACK_, 1000, 5000, "ask");
	SAID("c:ask/0");
	finish(g);
}

/* ---- How it ends ---- */

Test(flow, fin_waits_for_the_bytes_before_it)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	S(FIN_, 503, 104, "");
	C(FIN_, 104, 504, "");
	S(ACK_, 501, 104, "OK");
	SAID("");
	C(ACK_, 101, 501, "GET");
	SAID("c:GET/0 s:OK/3 s. c. !fin");
	S(FIN_, 503, 105, "");
	C(ACK_, 105, 504, "late");
	SAID("");
	finish(g);
}

Test(flow, fin_that_was_not_captured)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(ACK_, 101, 501, "ab");
	S(ACK_, 501, 104, "xy"); /* one byte more than there was */
	SAID("c:ab/0");
	stage_wait(g, 400);
	SAID("s:xy/2");
	g->port++;
	stage_handshake(g);
	S(ACK_, 501, 102, "");
	flow_finish(g->table);
	SAID("!finished !finished");
	COUNT(COUNT_STREAM_GAPS, 0);
	finish(g);
}

Test(flow, rst_waits_for_the_bytes_before_it)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(RST_ | ACK_, 103, 501, "");
	C(ACK_, 101, 501, "ab");
	SAID("c:ab/0 !rst");
	g->port++;
	stage_handshake(g);
	C(RST_ | ACK_, 103, 501, "");
	SAID("");
	stage_wait(g, 400);
	SAID("!rst");
	COUNT(COUNT_FLOWS_CLOSED, 2);
	finish(g);
}

Test(flow, rst_answers_a_syn)
{
	struct stage *g = stage_new();

	C(SYN_, 100, 0, "");
	S(RST_ | ACK_, 0, 90, "");
	SAID("");
	S(RST_ | ACK_, 0, 101, "");
	SAID("!rst");
	finish(g);
}

Test(flow, ports_begin_anew)
{
	struct stage *g = stage_new();

	C(SYN_, 100, 0, "");
	C(SYN_, 9000, 0, ""); /* of a handshake that never was answered */
	SAID("!reused");
	S(SYN_ | ACK_, 500, 9001, "");
	C(ACK_, 9001, 501, "ab");
	SAID("c:ab/0");
	C(SYN_, 70000, 0, ""); /* of a conversation under way: anybody can say that */
	C(ACK_, 9003, 501, "cd");
	SAID("c:cd/0");
	S(SYN_ | ACK_, 800, 70001, ""); /* but the other side agrees */
	SAID("!reused");
	C(ACK_, 70001, 801, "new");
	SAID("c:new/0");
	stage_wait(g, 2000);
	C(SYN_, 5, 0, ""); /* after silence */
	SAID("!reused");
	COUNT(COUNT_FLOWS_REUSED, 3);
	finish(g);
}

Test(flow, idle_ones_go)
{
	struct stage *g = stage_new();

	C(SYN_, 100, 0, "");
	g->port++;
	stage_handshake(g);
	stage_wait(g, 22000);
	SAID("!idle");
	for (int i = 0; i < 80; i++) {
		stage_wait(g, 60000);
		C(ACK_, 100, 501, "");
	}
	SAID("");
	stage_wait(g, 3500000);
	SAID("");
	stage_wait(g, 250000);
	SAID("!idle");
	finish(g);
}

Test(flow, time_may_jump)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(ACK_, 101, 501, "a");
	g->now -= (nsec)3600 * 24 * NS_PER_S; /* another capture, from the day before */
	C(ACK_, 102, 501, "b");
	stage_wait(g, 1000);
	C(ACK_, 103, 501, "c");
	SAID("c:a/0 c:b/0 c:c/0");
	stage_wait(g, 3600 * 24 * 1000);
	SAID("!idle");
	stage_handshake(g);
	for (int64_t year = 0; year < 600; year++) {
		g->now = (year % 2 ? INT64_MAX : INT64_MIN) / 600 * year;
		C(ACK_, 101, 501, "x");
	}
	g->len = 0;
	finish(g);
}

Test(flow, room_is_made)
{
	struct stage *g = stage_new();

	g->conf.flows_max = 4;
	stage_handshake(g);
	stage_wait(g, 1000);
	g->port++;
	stage_handshake(g);
	C(ACK_, 101, 501, "talks");
	C(FIN_, 106, 501, "");
	S(FIN_, 501, 107, "");
	SAID("c:talks/0 c. s. !fin");
	for (int i = 0; i < 10; i++) { /* the closed one goes, then half-open ones */
		g->port++;
		C(SYN_, 1, 0, "");
	}
	cr_assert_eq(flow_count(g->table), 4);
	COUNT(COUNT_FLOWS_EVICTED, 7);
	g->len = 0;
	g->port = 40000;
	C(ACK_, 101, 501, "still here");
	SAID("c:still here/0");
	cr_assert(flow_evict(g->table) && flow_evict(g->table) && flow_evict(g->table));
	SAID("!evicted !evicted !evicted");
	C(ACK_, 113, 501, "held");
	cr_assert(flow_evict(g->table));
	SAID("c-2 c:held/0 !evicted");
	cr_assert(!flow_evict(g->table));
	finish(g);
}

Test(flow, the_capture_ends)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(ACK_, 103, 501, "cd");
	S(ACK_, 501, 109, "OK");
	g->now++;
	g->port++;
	S(ACK_, 70, 80, "middle");
	flow_finish(g->table);
	SAID("c-2 c:cd/0 c-4 s:OK/8 !finished c:middle/0 !finished");
	finish(g);
}

/* ---- What it suffered ---- */

Test(flow, figures)
{
	struct stage *g = stage_new();

	C(SYN_, 100, 0, "");
	stage_wait(g, 30);
	S(SYN_ | ACK_, 500, 101, "");
	stage_wait(g, 10);
	C(ACK_, 101, 501, "");
	for (uint32_t i = 0; i < 100; i++) {
		C(ACK_, 101 + i, 501, "x");
		stage_wait(g, 20);
		S(ACK_, 501, 102 + i, "");
		stage_wait(g, 1000);
	}
	flow_finish(g->table);
	cr_assert_eq(g->stats.connect, 40 * NS_PER_MS);
	cr_assert_eq(g->stats.syn_at, (nsec)1700000000 * NS_PER_S);
	cr_assert_eq(g->stats.packets[CLIENT], 102);
	cr_assert_eq(g->stats.packets[SERVER], 101);
	cr_assert_eq(g->stats.bytes[CLIENT], 100);
	cr_assert_geq(g->stats.rtt, 29 * NS_PER_MS);
	cr_assert_leq(g->stats.rtt, 31 * NS_PER_MS);
	finish(g);
}

Test(flow, nothing_is_measured_by_what_was_sent_twice)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	stage_wait(g, 1);
	C(ACK_, 101, 501, "x");
	stage_wait(g, 500);
	C(ACK_, 101, 501, "x");
	stage_wait(g, 500);
	S(ACK_, 501, 102, "");
	flow_finish(g->table);
	cr_assert_leq(g->stats.rtt, NS_PER_MS);
	cr_assert_eq(g->stats.retransmits[CLIENT], 1);
	finish(g);
}

/* The client ended, and the server acknowledges what lies behind its end: at the limit on what is
 * held nothing of the client's is taken for lost. */
Test(flow, nothing_is_lost_behind_an_end)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(FIN_, 101, 501, "bye");
	SAID("c:bye/0 c.");
	S(PSH_, 504, 900000, "late");
	g->quota.limit = 1;
	S(PSH_, 501, 900000, "nowlate");
	SAID("s:now/3 s:late/3");
	COUNT(COUNT_STREAM_GAPS, 0);
	finish(g);
}

/* Sequence numbers go around once. */
Test(flow, streams_of_more_than_4_GiB)
{
	static char zeros[60000];
	struct stage *g = stage_new();
	uint32_t seq = 101;

	stage_handshake(g);
	g->quiet = true;
	for (int i = 0; i < 80000; i++, seq += sizeof zeros) {
		struct packet p = stage_packet(g, CLIENT, zeros, sizeof zeros);

		p.transport = TRANSPORT_TCP;
		p.flags = TCP_ACK;
		p.seq = seq;
		p.ack = 501;
		flow_push(g->table, &p);
	}
	cr_assert_eq(g->heard[CLIENT], UINT64_C(4800000000));
	g->quiet = false;
	S(PSH_, 501, seq, "OK");
	SAID("s:OK/4800000000");
	finish(g);
}

/* ---- What was perhaps sent again ---- */

/* That its sender had sent more before tells, or that the other side had it; without either, bytes
 * are new. */
Test(flow, what_was_perhaps_sent_again_is_told)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(PSH_, 101, 501, "one");
	cr_assert(!g->again);
	C(ACK_, 108, 501, ""); /* what it sent in between is not in the capture */
	C(PSH_, 104, 501, "four");
	SAID("c:one/0 c:four/0");
	cr_assert(g->again);
	C(PSH_, 108, 501, "new");
	cr_assert(!g->again);
	S(PSH_, 501, 115, "A"); /* it has four bytes that are not in the capture */
	C(PSH_, 111, 502, "five");
	SAID("c:new/0 c:five/0 s:A/14");
	cr_assert(!g->again);
	S(PSH_, 502, 119, "B");
	C(PSH_, 115, 503, "last");
	SAID("c:last/1 s:B/18");
	C(PSH_, 119, 503, "next");
	SAID("c:next/2");
	cr_assert(!g->again);
	finish(g);
}
