/* Bytes are handed over in the order in which the peers can have seen them. */
#include <criterion/criterion.h>

#include "flow_stage.h"

Test(flow_order, answer_waits_for_its_question)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	S(PSH_, 501, 104, "OK");
	SAID("");
	C(PSH_, 101, 501, "GET");
	SAID("c:GET/0 s:OK/3");
	flow_finish(g->table);
	SAID("!finished");
	finish(g);
}

Test(flow_order, hole_becomes_gap_when_acknowledged)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(ACK_, 101, 501, "ab");
	C(ACK_, 105, 501, "ef");
	stage_wait(g, 1000);
	SAID("c:ab/0");
	S(ACK_, 501, 107, "");
	SAID("");
	stage_wait(g, 300);
	SAID("c-2 c:ef/0");
	finish(g);
}

Test(flow_order, midstream_shuffled)
{
	struct stage *g = stage_new();

	g->guess = SERVER;

	S(ACK_, 5000, 1003, "one");
	C(ACK_, 1000, 5000, "abc");
	S(ACK_, 5003, 1003, "two");
	SAID("");
	stage_wait(g, 400);
	SAID("c:abc/0 s:one/3 s:two/3");
	flow_finish(g->table);
	cr_assert(g->midstream);
	finish(g);
}

Test(flow_order, rst_and_blind_rst)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(RST_, 90000000, 0, "");
	SAID("");
	COUNT(COUNT_STREAM_OUTSIDE, 1);
	S(RST_, 501, 0, "");
	SAID("!rst");
	finish(g);
}

Test(flow_order, reused_ports)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(FIN_, 101, 501, "");
	S(FIN_, 501, 102, "");
	SAID("c. s. !fin");
	C(SYN_, 100, 0, ""); /* late */
	COUNT(COUNT_FLOWS_CREATED, 1);
	C(SYN_, 7000, 0, "");
	COUNT(COUNT_FLOWS_CREATED, 2);
	S(SYN_ | ACK_, 8000, 7001, "");
	C(ACK_, 7001, 8001, "new");
	SAID("c:new/0");
	finish(g);
}

Test(flow_order, what_each_had_received_is_told)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(ACK_, 103, 502, "cd");
	S(ACK_, 501, 101, "xyz");
	C(ACK_, 101, 501, "ab"); /* they crossed */
	C(ACK_, 105, 503, "ef");
	SAID("s:xyz/0 c:ab/0 c:cd/1 c:ef/2");
	finish(g);
}

Test(flow_order, repeats_and_overlaps)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(ACK_, 101, 501, "abcd");
	C(ACK_, 101, 501, "abcd"); /* whole */
	C(ACK_, 103, 501, "cdef"); /* partly */
	SAID("c:abcd/0 c:ef/0");
	COUNT(COUNT_STREAM_RETRANSMITTED, 1);
	COUNT(COUNT_STREAM_OVERLAP, 2);
	C(ACK_, 109, 501, "ij");
	C(ACK_, 107, 501, "ghXYk"); /* other bytes than those held: first bytes win */
	SAID("c:gh/0 c:ij/0 c:k/0");
	COUNT(COUNT_STREAM_OVERLAP, 4);
	C(ACK_, 114, 501, "no");
	C(ACK_, 114, 501, "NO");
	COUNT(COUNT_STREAM_OVERLAP, 6);
	finish(g);
}

Test(flow_order, hole_not_acknowledged_is_waited_for)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(ACK_, 103, 501, "cd");
	for (int i = 0; i < 15; i++)
		stage_wait(g, 200);
	SAID("");
	C(ACK_, 101, 501, "ab"); /* sent again after three seconds */
	SAID("c:ab/0 c:cd/0");
	C(ACK_, 107, 501, "gh");
	for (int i = 0; i < 60; i++)
		stage_wait(g, 200);
	SAID("c-2 c:gh/0");
	COUNT(COUNT_STREAM_GAPS, 1);
	COUNT(COUNT_STREAM_GAP_BYTES, 2);
	flow_finish(g->table);
	cr_assert_eq(g->stats.gap_bytes[CLIENT], 2);
	cr_assert_eq(g->stats.retransmits[CLIENT], 1);
	cr_assert_eq(g->stats.out_of_order[CLIENT], 2);
	finish(g);
}

Test(flow_order, acknowledged_to_the_end_and_never_seen)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(ACK_, 101, 501, "ab");
	S(ACK_, 501, 110, "");
	stage_wait(g, 400);
	SAID("c:ab/0 c-7");
	finish(g);
}

Test(flow_order, sack_tells_what_arrived)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(ACK_, 101, 501, "ab"); /* lost behind the capture */
	C(ACK_, 105, 501, "ef"); /* cd was not captured */
	g->extra = (struct packet){.sacks = 1, .sack = {{103, 107}}};
	S(ACK_, 501, 101, "");
	stage_wait(g, 400);
	SAID("c:ab/0 c-2 c:ef/0");
	C(ACK_, 109, 501, "ij"); /* gh is missing, and the receiver misses it too */
	g->extra = (struct packet){.sacks = 1, .sack = {{109, 111}}};
	S(ACK_, 501, 107, "");
	stage_wait(g, 400);
	stage_wait(g, 400);
	SAID("");
	C(ACK_, 107, 501, "gh");
	SAID("c:gh/0 c:ij/0");
	finish(g);
}

Test(flow_order, cut_segment_is_lost_at_once)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	g->cut = 5;
	C(ACK_, 101, 501, "abc");
	SAID("c:abc/0 c-5");
	C(ACK_, 111, 501, "kl");
	g->cut = 2;
	C(ACK_, 109, 501, "");
	SAID("c-2 c:kl/0");
	finish(g);
}

Test(flow_order, cut_bytes_that_came_otherwise_are_not_lost)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(ACK_, 104, 501, "def");
	g->cut = 3;
	C(ACK_, 101, 501, "abc");
	SAID("c:abc/0 c:def/0");
	finish(g);
}

Test(flow_order, probes_are_not_bytes)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(ACK_, 101, 501, "abc");
	S(ACK_, 501, 104, "");
	C(ACK_, 103, 501, "");
	C(ACK_, 103, 501, "?");
	S(ACK_, 501, 104, "");
	COUNT(COUNT_STREAM_KEEPALIVE, 2);
	COUNT(COUNT_STREAM_RETRANSMITTED, 0);
	g->window = 0;
	S(ACK_, 501, 104, "");
	g->window = 1000;
	COUNT(COUNT_STREAM_ZERO_WINDOW, 1);
	C(ACK_, 104, 501, "d"); /* a window probe brings its byte */
	C(ACK_, 104, 501, "def");
	SAID("c:abc/0 c:d/0 c:ef/0");
	finish(g);
}

Test(flow_order, segments_out_of_the_window)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(ACK_, 101 + 0x10000000u, 501, "far");
	C(ACK_, 101 - 0x10000000u, 501, "back");
	SAID("");
	COUNT(COUNT_STREAM_OUTSIDE, 2);
	C(ACK_, 101, 501, "ab");
	SAID("c:ab/0");
	for (uint32_t i = 0; i < 4; i++) /* it did move on */
		C(ACK_, 1000000000 + i * 2, 501, "xy");
	SAID("c-999999903 c:xy/0");
	finish(g);
}

Test(flow_order, numbers_go_round)
{
	struct stage *g = stage_new();

	C(SYN_, 0xfffffffd, 0, "");
	S(SYN_ | ACK_, 0xffffffff, 0xfffffffe, "");
	C(ACK_, 0xfffffffe, 0, "abc");
	S(ACK_, 0, 1, "x");
	C(ACK_, 3, 1, "fg");
	C(ACK_, 1, 1, "de");
	SAID("c:abc/0 s:x/3 c:de/1 c:fg/1");
	finish(g);
}

Test(flow_order, more_than_four_gigabytes)
{
	struct stage *g = stage_new();
	size_t len = 1 << 20;
	char *bytes = calloc(1, len);

	stage_handshake(g);
	for (uint32_t i = 0; i < 4100; i++) {
		struct packet p = stage_packet(g, CLIENT, bytes, len);

		p.transport = TRANSPORT_TCP;
		p.flags = TCP_ACK;
		p.window = 1;
		p.seq = 101 + i * (uint32_t)len;
		p.ack = 501;
		flow_push(g->table, &p);
		g->len = 0;
	}
	S(ACK_, 501, 101 + 4100u * (uint32_t)len, "z");
	SAID("s:z/4299161600");
	free(bytes);
	finish(g);
}

/* The first transmission of ab was not captured; the second one acknowledges what the server said
 * after it had received the first. */
Test(flow_order, each_seems_to_wait_for_the_other)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	S(ACK_, 501, 103, "xy");
	stage_wait(g, 1);
	C(ACK_, 101, 503, "ab");
	SAID("c:ab/0 s:xy/2");
	finish(g);
}

Test(flow_order, one_direction_only)
{
	struct stage *g = stage_new();

	C(SYN_, 100, 0, "");
	C(ACK_, 101, 501, "");
	C(ACK_, 101, 501, "ask");
	stage_wait(g, 400);
	SAID("c:ask/0");
	C(ACK_, 104, 520, "more");
	SAID("");
	stage_wait(g, 400);
	SAID("c:more/?");
	C(ACK_, 108, 600, "again");
	SAID("c:again/?");
	C(FIN_, 113, 700, "");
	SAID("c. !fin");
	cr_assert(g->one_sided);
	COUNT(COUNT_STREAM_ONE_SIDED, 1);
	COUNT(COUNT_STREAM_GAPS, 0);
	finish(g);
}

Test(flow_order, too_much_is_held)
{
	struct stage *g = stage_new();
	char bytes[1000];

	memset(bytes, 'x', sizeof bytes - 1);
	bytes[sizeof bytes - 1] = 0;
	g->conf.held_bytes_max = 5000;
	stage_handshake(g);
	for (uint32_t i = 1; i < 6; i++)
		C(ACK_, 101 + i * 999, 501, bytes);
	cr_assert(strncmp(stage_said(g), "c-999 c:xxx", 11) == 0);
	COUNT(COUNT_STREAM_HELD_LIMIT, 1);
	g->quota.limit = g->quota.used + 1500;
	C(ACK_, 101 + 7 * 999, 501, "a");
	SAID("");
	C(ACK_, 101 + 8 * 999, 501, bytes);
	C(ACK_, 101 + 9 * 999, 501, bytes);
	cr_assert(strncmp(stage_said(g), "c-999 c:a/0 c-998 c:xxx", 22) == 0);
	finish(g);
}

Test(flow_order, whom_nobody_listens_to)
{
	struct stage *g = stage_new();

	g->ignore = true;
	stage_handshake(g);
	C(ACK_, 101, 501, "one");
	C(ACK_, 110, 501, "two");
	S(ACK_, 600, 900, "three");
	SAID("c:one/0");
	C(FIN_, 104, 501, "");
	S(FIN_, 501, 105, "");
	SAID("!fin");
	cr_assert_eq(g->stats.packets[CLIENT], 5);
	cr_assert_eq(g->stats.packets[SERVER], 3);
	finish(g);
}

Test(flow_order, ignored_while_bytes_are_held)
{
	struct stage *g = stage_new();

	g->ignore = true;
	stage_handshake(g);
	C(ACK_, 104, 501, "two");
	C(FIN_, 107, 501, "");
	C(ACK_, 101, 501, "one");
	SAID("c:one/0");
	S(FIN_, 501, 108, "");
	SAID("!fin");
	finish(g);
}
