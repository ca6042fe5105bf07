/* What the engine makes of messages, told as stories. */
#include "engine_story.h"

Test(engine, pairs_in_order_at_every_cut)
{
	for (size_t cut = 1; cut < 20; cut++) {
		struct story *s = begin(7, false);

		s->piece_max = cut;
		client(s, "Q1\nQ2\n");
		client(s, "V5\nxxxxx");
		server(s, "A1\n");
		server(s, "V3\nyyyA3\n");
		expect(s, "Q1", "A1");
		expect(s, "Q2", "V3");
		const char *doc = next(s);

		cr_assert(has(doc, "\"query\":\"V5\"") && has(doc, "A3"), "%s", doc);
		cr_assert(has(doc, "\"duration\":2000000"), "%s", doc);
		cr_assert(has(doc, "\"client\":{\"ip\":\"0.0.0.0\",\"port\":50000,\"bytes\":8"),
			  "%s", doc);
		cr_assert(has(doc, "\"outcome\":\"success\""));
		end(s, FLOW_FIN);
	}
}

Test(engine, times_are_those_of_the_packets_that_hold_first_and_last_byte)
{
	struct story *s = begin(7, false);

	client(s, "Q");
	client(s, "1\nQ");
	client(s, "2\n");
	server(s, "A1");
	server(s, "\nA2\n");
	const char *doc = next(s);

	cr_assert(has(doc, "\"first_byte\":3000000,\"request\":1000000,\"wait\":2000000,"
			   "\"response\":1000000"),
		  "%s", doc);
	cr_assert(has(doc, "\"duration\":4000000"), "%s", doc);
	cr_assert(has(doc, "\"packets\":2}"), "%s", doc);
	doc = next(s);
	cr_assert(has(doc, "\"request\":1000000,\"wait\":2000000,\"response\":0"), "%s", doc);
	end(s, FLOW_FIN);
}

Test(engine, provisional_none_and_many_answers)
{
	struct story *s = begin(7, false);

	client(s, "Q1\n!2\n*3\nQ4\n");
	expect(s, "!2", "");
	server(s, "P1\n");
	server(s, "A1\nA3\nA3\n");
	expect(s, "Q1", "P1A1");
	server(s, "Z\nA4\n");
	expect(s, "*3", "A3A3Z");
	expect(s, "Q4", "A4");
	end(s, FLOW_FIN);
}

Test(engine, one_question_may_ask_for_several_things)
{
	struct story *s = begin(7, false);

	client(s, "Q1\nQ2\n");
	server(s, "S1\nS1\n");
	server(s, "A1\nA2\n");
	const char *doc = next(s);
	char id[64];

	cr_assert(has(doc, "\"query\":\"Q1\"") && has(doc, "\"duration\":1000000"), "%s", doc);
	cr_assert(has(doc, "\"client\":{\"ip\":\"0.0.0.0\",\"port\":50000,\"bytes\":3"), "%s", doc);
	snprintf(id, sizeof(id), "%.40s", strstr(doc, "\"id\":"));
	doc = next(s);
	cr_assert(has(doc, "\"query\":\"part\"") && has(doc, "\"duration\":1000000"), "%s", doc);
	cr_assert(has(doc, "\"client\":{\"ip\":\"0.0.0.0\",\"port\":50000,\"bytes\":0"), "%s", doc);
	cr_assert(!has(doc, id) && has(doc, "\"outcome\":\"success\""), "%s", doc);
	doc = next(s);
	cr_assert(has(doc, "\"query\":\"part\"") && has(doc, "\"answer\":\"A1\"") &&
			  has(doc, "\"duration\":2000000"),
		  "%s", doc);
	expect(s, "Q2", "A2");
	end(s, FLOW_FIN);
}

Test(engine, an_answer_may_be_to_a_question_in_particular)
{
	struct story *s = begin(7, false);

	client(s, "Q1\nQ2\n");
	server(s, "N2\nA1\n");
	expect(s, "Q2", "N2");
	expect(s, "Q1", "A1");
	server(s, "N3\n");
	expect(s, "", "N3");
	end(s, FLOW_FIN);
}

Test(engine, a_question_may_go_on_when_it_has_an_answer)
{
	struct story *s = begin(7, false);

	client(s, "*1\n");
	server(s, "A1\n");
	client(s, "+1\n+1\n");
	server(s, "Z\n");
	const char *doc = next(s);

	cr_assert(has(doc, "\"query\":\"*1+1+1\"") && has(doc, "\"answer\":\"A1Z\""), "%s", doc);
	cr_assert(has(doc, "\"request\":2000000,\"wait\":1000000"), "%s", doc);
	cr_assert(has(doc, "\"client\":{\"ip\":\"0.0.0.0\",\"port\":50000,\"bytes\":9"), "%s", doc);
	end(s, FLOW_FIN);
}

Test(engine, parked_questions_get_their_answers_later)
{
	struct story *s = begin(7, false);

	client(s, "Q1\nQ2\nQ3\nQ4\n");
	server(s, "A1\nK2\nK3\n");
	expect(s, "Q1", "A1");
	server(s, "X4\nR2\n");
	const char *doc = next(s);

	cr_assert(has(doc, "\"answer\":\"K2R2\"") && has(doc, "\"first_byte\":2000000"), "%s", doc);
	server(s, "R3\n");
	expect(s, "Q3", "K3R3");
	doc = next(s);
	cr_assert(has(doc, "\"answer\":\"X4\"") && has(doc, "\"outcome\":\"success\""), "%s", doc);
	cr_assert(has(doc, "\"wait\":2000000,\"response\":1000000"), "%s", doc);
	cr_assert(has(doc, "\"port\":7,\"bytes\":3,\"packets\":1}"), "%s", doc);
	client(s, "Q5\nQ6\nQ7\n");
	server(s, "K5\nA6\nX7\nR5\n");
	expect(s, "Q6", "A6");
	expect(s, "Q5", "K5R5");
	expect(s, "Q7", "X7");
	end(s, FLOW_FIN);
}

Test(engine, of_many_answers_the_first_byte_and_the_last_count)
{
	struct story *s = begin(7, false);

	client(s, "*1\nQ2\n");
	server(s, "A1\n");
	server(s, "Z\nA2\n");
	const char *doc = next(s);

	cr_assert(has(doc, "\"first_byte\":1000000") && has(doc, "\"response\":1000000"), "%s",
		  doc);
	expect(s, "Q2", "A2");
	end(s, FLOW_FIN);
}

Test(engine, a_conversation_first_seen_in_the_middle)
{
	struct story *s = begin(7, true);

	server(s, "yyyy");
	server(s, "A1\n");
	const char *doc = next(s);

	cr_assert(has(doc, "Unmatched response") && has(doc, "midstream"), "%s", doc);
	client(s, "Q2\n");
	server(s, "A2\n");
	expect(s, "Q2", "A2");
	end(s, FLOW_FIN);
	s = begin(7, true);
	client(s, "zzz\n");
	client(s, "Q2\n");
	server(s, "A2\n");
	expect(s, "Q2", "A2");
	end(s, FLOW_FIN);
}

Test(engine, what_has_no_answer_in_time_is_written_and_its_late_answer_is_not_the_next_ones)
{
	struct story *s = begin(7, false);

	client(s, "Q1\n");
	client(s, "Q2\n");
	engine_expire(s->engine, s->now + 5 * (nsec)NS_PER_S);
	cr_assert_eq(s->out.len, 0);
	engine_expire(s->engine, s->now + 11 * (nsec)NS_PER_S);
	const char *doc = next(s);

	cr_assert(has(doc, "Q1") && has(doc, "\"timeout\"") && has(doc, "Unmatched request"), "%s",
		  doc);
	expect(s, "Q2", "");
	s->now += 12 * (nsec)NS_PER_S;
	client(s, "Q3\n");
	server(s, "A1\nA2\nA3\n");
	expect(s, "Q3", "A3");
	cr_assert_eq(s->counters.at[COUNT_EXCHANGES_LATE], 2);
	end(s, FLOW_FIN);
}

Test(engine, what_was_open_when_the_clock_was_set_back_times_out_by_the_new_time)
{
	struct story *s = begin(7, false);
	nsec second = NS_PER_S;

	client(s, "Q1\n");
	engine_expire(s->engine, s->now);
	s->now -= 3600 * second;
	engine_expire(s->engine, s->now);
	client(s, "Q2\n");
	engine_expire(s->engine, s->now + 9 * second);
	cr_assert_eq(s->out.len, 0);
	engine_expire(s->engine, s->now + 11 * second);
	const char *doc = next(s);

	cr_assert(has(doc, "Q1") && has(doc, "\"timeout\""), "%s", doc);
	expect(s, "Q2", "");
	end(s, FLOW_FIN);
}

Test(engine, an_answer_that_flows_does_not_time_out)
{
	struct story *s = begin(7, false);

	client(s, "Q1\n");
	server(s, "V40\n");
	for (int i = 0; i < 8; i++) {
		s->now += 8 * (nsec)NS_PER_S;
		engine_expire(s->engine, s->now);
		server(s, "yyyyy");
	}
	expect(s, "Q1", "V40");
	end(s, FLOW_FIN);
}

Test(engine, the_connection_ends)
{
	struct story *s = begin(7, false);

	client(s, "Q1\nQ2\n");
	server(s, "E1\nwhatever");
	conn_end(s->conn, SERVER, s->now);
	const char *doc = next(s);

	cr_assert(has(doc, "Q1") && has(doc, "E1") && has(doc, "success"), "%s", doc);
	doc = next(s);
	cr_assert(has(doc, "Q2") && has(doc, "connection closed") && has(doc, "Unmatched request"),
		  "%s", doc);
	client(s, "Q3\n");
	end(s, FLOW_FIN);

	s = begin(7, false);
	client(s, "Q1\n");
	server(s, "V9\nyyy");
	conn_free(s->conn, FLOW_FINISHED);
	s->conn = NULL;
	doc = next(s);
	cr_assert(has(doc, "Incomplete response") && has(doc, "capture ended"), "%s", doc);
	cr_assert(has(doc, "\"outcome\":\"unknown\"") && has(doc, "\"status\":\"Error\""));
	end(s, FLOW_FIN);
}

Test(engine, the_client_ends_in_the_middle_and_the_server_answers_all_the_same)
{
	struct story *s = begin(7, false);

	client(s, "V9\nxx");
	conn_end(s->conn, CLIENT, s->now);
	server(s, "A1\n");
	conn_end(s->conn, SERVER, s->now);
	const char *doc = next(s);

	cr_assert(has(doc, "V9") && has(doc, "A1") && has(doc, "Incomplete request"), "%s", doc);
	end(s, FLOW_FIN);
}

Test(engine, limits)
{
	struct story *s = begin(7, false);

	client(s, "Q1\nQ2\nQ3\nQ4\nQ5\nQ6\nQ7\nQ8\nQ9\n");
	for (int i = 0; i < 9; i++)
		cr_assert(has(next(s), "\"limit\""));
	server(s, "A1\n");
	client(s, "Q"); /* and a line that never ends */
	for (int i = 0; i < 5; i++) {
		char text[1001];

		memset(text, 'x', 1000);
		text[1000] = 0;
		client(s, text);
	}
	cr_assert_eq(s->counters.at[COUNT_LANE_LIMIT], 1);
	cr_assert_lt(s->quota.used, 32768);
	end(s, FLOW_FIN);
}

Test(engine, something_else_on_the_port_is_given_up)
{
	struct story *s = begin(7, false);

	for (int i = 0; i < 6; i++) {
		client(s, "garbage\n");
		server(s, "garbage\n");
		client(s, "Vx\n");
	}
	cr_assert_eq(s->counters.at[COUNT_LANE_GIVEN_UP], 1);
	cr_assert(conn_is_passing(s->conn));
	while (next(s)[0])
		;
	end(s, FLOW_FIN);
}

Test(engine, behind_an_upgrade_all_is_passed_over)
{
	struct story *s = begin(7, false);

	client(s, "Q1\nT\nQ3\n");
	expect(s, "Q1", "");
	expect(s, "T", "");
	server(s, "A1\n");
	cr_assert(conn_is_passing(s->conn));
	end(s, FLOW_FIN);
}

Test(engine, keys_pair_answers_in_any_order_from_either_side)
{
	struct story *s = begin(8, false);

	client(s, "1?\n2?\n");
	server(s, "2=\n7?\n");
	expect(s, "2?", "2=");
	client(s, "7=\n");
	const char *doc = next(s);

	cr_assert(has(doc, "7?") && has(doc, "7="), "%s", doc);
	cr_assert(has(doc, "\"client\":{\"ip\":\"0.0.0.0\",\"port\":8,"), "%s", doc);
	server(s, "1=\n");
	expect(s, "1?", "1=");
	server(s, "5=\n");
	expect(s, "", "5=");
	end(s, FLOW_FIN);
}

Test(engine, a_port_of_two_protocols_is_decided_by_content)
{
	struct story *s = begin(9, false);

	s->piece_max = 1;
	server(s, "4?\n"); /* the server speaks first */
	client(s, "4=\n");
	expect(s, "4?", "4=");
	end(s, FLOW_FIN);
	s = begin(9, false);
	client(s, "Q1\n");
	server(s, "A1\n");
	expect(s, "Q1", "A1");
	end(s, FLOW_FIN);
	s = begin(9, false);
	client(s, "nothing known");
	cr_assert(conn_is_passing(s->conn));
	end(s, FLOW_FIN);
}

Test(engine, detection_finds_a_protocol_on_any_port)
{
	struct story *s = begin(4711, false);

	cr_assert_null(conn_new(s->engine, &s->flow));
	s->keyed_conf.detect = true;
	client(s, "4?\n");
	server(s, "4=\n");
	expect(s, "4?", "4=");
	end(s, FLOW_FIN);
}

Test(engine, the_shippers_own_members_end_each_document)
{
	struct story *s = begin(7, false);
	char *all[] = {(char[]){"shop"}}, *own[] = {(char[]){"toys"}};
	struct texts tags = {.at = all, .count = 1};

	engine_free(s->engine);
	s->conf.tail = BYTES("\"ecs\":{\"version\":\"8\"}");
	s->conf.tags = &tags;
	s->toy_conf.tags = (struct texts){.at = own, .count = 1};
	s->engine = engine_new(&s->conf, &sink, s, &s->quota, &s->counters);
	client(s, "Q1\n");
	server(s, "A1\n");
	const char *doc = next(s);

	cr_assert(has(doc, ",\"ecs\":{\"version\":\"8\"},\"tags\":[\"shop\",\"toys\"]}"), "%s",
		  doc);
	end(s, FLOW_FIN);
}

Test(engine, datagrams_stand_alone)
{
	struct story *s = begin(7, false);

	s->ends.transport = TRANSPORT_UDP;
	s->conn = conn_new(s->engine, &s->flow);
	conn_datagram(
		s->conn, CLIENT,
		&(struct piece){.bytes = BYTES("Q1\n"), .when = 1000, .peer_at = PEER_UNKNOWN}, 0);
	conn_datagram(
		s->conn, CLIENT,
		&(struct piece){.bytes = BYTES("garbage\n"), .when = 2000, .peer_at = PEER_UNKNOWN},
		0);
	conn_datagram(
		s->conn, CLIENT,
		&(struct piece){.bytes = BYTES("Q2\n"), .when = 3000, .peer_at = PEER_UNKNOWN}, 0);
	conn_datagram(
		s->conn, SERVER,
		&(struct piece){.bytes = BYTES("V9\nyyyy"), .when = 4000, .peer_at = PEER_UNKNOWN},
		5);
	const char *doc = next(s);

	cr_assert(has(doc, "Q1") && has(doc, "V9") && has(doc, "gap"), "%s", doc);
	cr_assert_eq(s->counters.at[COUNT_LANE_ALIEN], 1);
	conn_free(s->conn, FLOW_IDLE);
	s->conn = NULL;
	doc = next(s);
	cr_assert(has(doc, "Q2") && has(doc, "timeout"), "%s", doc);
	end(s, FLOW_IDLE);
}

Test(engine, what_outlives_conversations)
{
	struct story *s = begin(6, false);

	client(s, "a+\nb+\nc+\nd+\n");
	conn_free(s->conn, FLOW_FIN);
	s->conn = NULL;
	cr_assert_str_eq(next(s), "", "calls go on");
	client(s, "b-\n"); /* on another conversation */
	const char *doc = next(s);

	cr_assert(has(doc, "\"type\":\"toy_call\"") && has(doc, "\"resource\":\"b\""), "%s", doc);
	cr_assert(has(doc, "\"duration\":1000000}") && has(doc, "\"status\":\"OK\""), "%s", doc);
	cr_assert(engine_shrink(s->engine));
	doc = next(s);
	cr_assert(has(doc, "\"resource\":\"a\"") && has(doc, "\"limit\""), "%s", doc);
	s->now += 4 * (nsec)NS_PER_S;
	client(s, "d+\n");
	s->now += 2 * (nsec)NS_PER_S;
	engine_expire(s->engine, s->now);
	doc = next(s);
	cr_assert(has(doc, "\"resource\":\"c\"") && has(doc, "\"timeout\""), "%s", doc);
	cr_assert_str_eq(next(s), "", "d has not kept silent");
	engine_finish(s->engine);
	doc = next(s);
	cr_assert(has(doc, "\"resource\":\"d\"") && has(doc, "capture ended") &&
			  has(doc, "unknown"),
		  "%s", doc);
	cr_assert_not(engine_shrink(s->engine), "nothing is left");
	cr_assert_eq(s->counters.at[COUNT_RECORDS_MADE], 4);
	end(s, FLOW_FIN);
}

Test(engine, where_keys_pair_them_the_oldest_goes_alone_at_the_limit)
{
	struct story *s = begin(8, false);

	client(s, "1?\n2?\n3?\n4?\n5?\n6?\n7?\n8?\n9?\n");
	const char *doc = next(s);

	cr_assert(has(doc, "\"query\":\"1?\"") && has(doc, "\"limit\""), "%s", doc);
	server(s, "9=\n2=\n");
	expect(s, "9?", "9=");
	expect(s, "2?", "2=");
	cr_assert_eq(s->counters.at[COUNT_EXCHANGES_LIMIT], 1);
	conn_free(s->conn, FLOW_FIN);
	s->conn = NULL;
	for (int i = 3; i < 9; i++)
		cr_assert(has(next(s), "connection closed"));
	end(s, FLOW_FIN);
}
