/* How conversations begin, end, and are kept apart. */
#include <criterion/criterion.h>

#include "flow_stage.h"

#define SAID(text)	cr_assert_str_eq(stage_said(g), text)
#define COUNT(which, n) cr_assert_eq(stage_count(g, which), n)

static void finish(struct stage *g)
{
	flow_finish(g->table);
	cr_assert_eq(flow_count(g->table), 0);
	flow_table_free(g->table);
	cr_assert_eq(g->quota.used, 0);
	free(g);
}

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

Test(flow, answer_waits_for_its_question)
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

Test(flow, hole_becomes_gap_when_acknowledged)
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

Test(flow, midstream_shuffled)
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

Test(flow, rst_and_blind_rst)
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

Test(flow, reused_ports)
{
	struct stage *g = stage_new();

	stage_handshake(g);
	C(FIN_, 101, 501, "");
	S(FIN_, 501, 102, "");
	SAID("c. s. !fin");
	C(SYN_, 7000, 0, "");
	S(SYN_ | ACK_, 8000, 7001, "");
	C(ACK_, 7001, 8001, "new");
	SAID("c:new/0");
	finish(g);
}
