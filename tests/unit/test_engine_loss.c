/* How the engine loses its place and finds it again, told as stories. */
#include "engine_story.h"

Test(engine_loss, a_loss_within_a_passed_value_costs_a_note_only)
{
	struct story *s = begin(7, false);

	client(s, "Q1\n");
	server(s, "V9\nyy");
	conn_lost(s->conn, SERVER, 5, s->now);
	server(s, "yyA2\n");
	const char *doc = next(s);

	cr_assert(has(doc, "\"notes\":[\"gap\"]") && has(doc, "Q1") && has(doc, "V9"), "%s", doc);
	cr_assert(has(doc, "\"outcome\":\"success\""), "%s", doc);
	cr_assert(has(doc, "\"bytes\":12"), "%s", doc);
	expect(s, "", "A2");
	end(s, FLOW_FIN);
}

/* What was kept for want of the bytes that are lost now counts with them. */
Test(engine_loss, a_loss_behind_what_was_kept)
{
	struct story *s = begin(7, false);

	client(s, "Q1\n");
	server(s, "V9\nyyy");
	cr_assert_gt(s->quota.used, 0);
	conn_lost(s->conn, SERVER, 4, s->now);
	server(s, "yyA2\n");
	const char *doc = next(s);

	cr_assert(has(doc, "\"notes\":[\"gap\"]") && has(doc, "Q1") && has(doc, "V9"), "%s", doc);
	cr_assert(has(doc, "\"outcome\":\"success\""), "%s", doc);
	cr_assert(has(doc, "\"bytes\":12"), "%s", doc);
	expect(s, "", "A2");

	client(s, "Q3\n");
	server(s, "V9\nyyy");
	conn_lost(s->conn, SERVER, 9, s->now); /* more than the value lacks */
	doc = next(s);
	cr_assert(has(doc, "Q3") && has(doc, "Packet loss"), "%s", doc);
	client(s, "Q4\n");
	server(s, "A4\n");
	doc = next(s);
	cr_assert(has(doc, "Q4") && has(doc, "A4"), "%s", doc);
	end(s, FLOW_FIN);
}

Test(engine_loss, after_a_loss_both_sides_begin_anew_at_a_question)
{
	struct story *s = begin(7, false);

	client(s, "Q1\nQ2\n");
	server(s, "A1\n");
	expect(s, "Q1", "A1");
	conn_lost(s->conn, CLIENT, 3, s->now);
	const char *doc = next(s);

	cr_assert(has(doc, "Q2") && has(doc, "Packet loss") && has(doc, "\"gap\""), "%s", doc);
	client(s, "Q4\n"); /* the server has not spoken since */
	server(s, "A2\n");
	server(s, "A3\n");
	client(s, "Q5\n");
	server(s, "A5\n");
	doc = next(s);
	cr_assert(has(doc, "Q5") && has(doc, "A5") && has(doc, "\"resync\""), "%s", doc);
	client(s, "Q6\n");
	server(s, "A6\n");
	doc = next(s);
	cr_assert(has(doc, "Q6") && has(doc, "A6") && !has(doc, "notes"), "%s", doc);
	cr_assert_eq(s->counters.at[COUNT_LANE_RESYNC], 1);
	end(s, FLOW_FIN);
}

/* The client's place was not lost with a single answer: its next question counts. */
Test(engine_loss, after_the_loss_of_an_answer_the_next_question_is_read)
{
	struct story *s = begin(7, false);
	const char *doc;

	client(s, "Q1\n");
	conn_lost(s->conn, SERVER, 3, s->now);
	doc = next(s);
	cr_assert(has(doc, "Q1") && has(doc, "Packet loss"), "%s", doc);
	client(s, "Q2\n");
	server(s, "A2\n");
	doc = next(s);
	cr_assert(has(doc, "Q2") && has(doc, "A2"), "%s", doc);
	/* With two on their way, the answer to come may be to the one before. */
	client(s, "Q3\nQ4\n");
	conn_lost(s->conn, SERVER, 3, s->now);
	cr_assert(has(next(s), "Q3") && has(next(s), "Q4"));
	client(s, "Q5\n");
	server(s, "A4\n");
	client(s, "Q6\n");
	conn_lost(s->conn, SERVER, 3, s->now);
	cr_assert(has(next(s), "Q6"));
	conn_lost(s->conn, SERVER, 3, s->now);
	client(s, "Q7\n");
	server(s, "A7\n");
	doc = next(s);
	cr_assert(has(doc, "Q7") && has(doc, "A7"), "%s", doc);
	end(s, FLOW_FIN);
}

/* After a loss, what a client had said before it had heard all is the rest of a batch, whose
 * answers may still be about earlier questions. */
Test(engine_loss, after_a_loss_the_rest_of_a_batch_is_passed_over)
{
	struct story *s = begin(7, false);
	const char *doc;

	client(s, "Q1\n");
	conn_lost(s->conn, SERVER, 3, s->now);
	cr_assert(has(next(s), "Q1"));
	conn_lost(s->conn, CLIENT, 3, s->now); /* Q2 */
	client(s, "Q3\n");
	server(s, "A2\n");
	says_at(s, CLIENT, "Q4\n", 3); /* sent before A2 was there */
	server(s, "A3\n");
	server(s, "A4\n");
	says_at(s, CLIENT, "Q5\n", 12);
	server(s, "A5\n");
	doc = next(s);
	cr_assert(has(doc, "Q5") && has(doc, "A5"), "%s", doc);
	end(s, FLOW_FIN);
}

Test(engine_loss, after_a_loss_a_sliding_window_is_not_read_until_it_was_silent)
{
	struct story *s = begin(7, false);
	const char *doc;

	client(s, "Q1\nQ2\n");
	server(s, "A1\n");
	client(s, "Q3\n"); /* while A2 is to come */
	expect(s, "Q1", "A1");
	conn_lost(s->conn, SERVER, 3, s->now); /* A2 */
	while ((doc = next(s))[0])
		cr_assert(has(doc, "Packet loss"), "%s", doc);
	server(s, "x");
	client(s, "Q4\n"); /* A3 is still to come, which nothing shows */
	server(s, "A3\n");
	client(s, "Q5\n");
	server(s, "A4\nA5\n");
	s->now += NS_PER_S;
	client(s, "Q6\n");
	server(s, "A6\n");
	doc = next(s);
	cr_assert(has(doc, "Q6") && has(doc, "A6") && has(doc, "resync"), "%s", doc);
	end(s, FLOW_FIN);
}

Test(engine_loss, a_window_seen_to_slide_before_it_is_sure_loses_its_place)
{
	struct story *s = begin(7, true);

	client(s, "Q2\nQ3\n");
	server(s, "A1\n"); /* to what was asked before the capture began */
	const char *doc = next(s);

	cr_assert(has(doc, "midstream"), "%s", doc);
	client(s, "Q4\n");
	while ((doc = next(s))[0])
		cr_assert(has(doc, "notes"), "%s", doc);
	server(s, "A3\nA4\nA5\n");
	s->now += NS_PER_S;
	client(s, "Q6\n");
	server(s, "A6\n");
	expect(s, "Q6", "A6");
	end(s, FLOW_FIN);
}

Test(engine_loss, an_answer_is_not_to_a_question_that_its_sender_had_not_read)
{
	struct story *s = begin(7, false);

	client(s, "Q1\nQ2\n");
	says_at(s, SERVER, "A1\n", 3);
	expect(s, "Q1", "A1");
	says_at(s, SERVER, "A0\n", 3); /* it had received Q1 alone */
	expect(s, "", "A0");
	says_at(s, SERVER, "A2\n", 6);
	expect(s, "Q2", "A2");
	end(s, FLOW_FIN);
}

Test(engine_loss, after_resuming_old_answers_are_passed_over)
{
	struct story *s = begin(7, false);

	client(s, "Q1\n");
	conn_lost(s->conn, SERVER, 3, s->now);
	const char *doc = next(s);

	cr_assert(has(doc, "Q1"), "%s", doc);
	says_at(s, SERVER, "x", 3);
	client(s, "Q2\n");
	says_at(s, SERVER, "A1\n", 3); /* sent before Q2 was there */
	says_at(s, SERVER, "A2\n", 6);
	expect(s, "Q2", "A2");
	end(s, FLOW_FIN);
}

/* A batch whose end the capture lacks, sent again when all of it had been answered. */
Test(engine_loss, what_was_perhaps_sent_again_is_not_resumed_at)
{
	struct story *s = begin(7, false);
	const char *doc;

	client(s, "Q1\n");
	conn_lost(s->conn, SERVER, 3, s->now);
	cr_assert(has(next(s), "Q1"));
	server(s, "A2\n");
	says_again(s, CLIENT, "Q3\n");
	client(s, "Q4\n"); /* if Q3 is new after all, A3 is still to come */
	server(s, "A3\n");
	server(s, "A4\n");
	cr_assert_str_empty(next(s));
	client(s, "Q5\n");
	server(s, "A5\n");
	doc = next(s);
	cr_assert(has(doc, "Q5") && has(doc, "A5") && has(doc, "resync"), "%s", doc);
	end(s, FLOW_FIN);
}

Test(engine_loss, an_answer_that_was_perhaps_sent_again_may_be_to_an_older_question)
{
	struct story *s = begin(7, false);
	const char *doc;

	client(s, "Q1\n");
	conn_lost(s->conn, SERVER, 3, s->now);
	cr_assert(has(next(s), "Q1"));
	server(s, "x");
	client(s, "Q2\n");
	says_again(s, SERVER, "A1\n");
	doc = next(s);
	cr_assert(has(doc, "Q2") && !has(doc, "A1") && has(doc, "resync"), "%s", doc);
	client(s, "Q3\n");
	server(s, "A3\n");
	doc = next(s);
	cr_assert(has(doc, "Q3") && has(doc, "A3"), "%s", doc);
	end(s, FLOW_FIN);
}

/* ---- Times of what was sent again ---- */

Test(engine_loss, a_message_ends_with_the_latest_of_its_packets)
{
	struct story *s = begin(7, false);
	const char *doc;

	client(s, "Q1\n");
	s->now += 5 * NS_PER_MS;
	server(s, "A"); /* sent again, 6 ms after the question */
	s->now -= 4 * NS_PER_MS;
	server(s, "1\n");
	doc = next(s);
	cr_assert(has(doc, "\"first_byte\":6000000") && has(doc, "\"response\":0") &&
			  has(doc, "\"duration\":6000000"),
		  "%s", doc);
	end(s, FLOW_FIN);
}

Test(engine_loss, the_time_of_an_answer_from_before_its_question_is_not_told)
{
	struct story *s = begin(7, false);
	const char *doc;

	s->now += 5 * NS_PER_MS;
	client(s, "Q1\n"); /* sent again */
	s->now -= 4 * NS_PER_MS;
	server(s, "A1\n");
	doc = next(s);
	cr_assert(has(doc, "Q1") && has(doc, "A1") && has(doc, "out of order"), "%s", doc);
	cr_assert(!has(doc, "duration") && !has(doc, "first_byte"), "%s", doc);
	end(s, FLOW_FIN);
}
