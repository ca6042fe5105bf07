/* SIP: transactions, calls, registrations, told as stories (sip_story.h). */
#include "tests/unit/sip_story.h"

#include <stdio.h>

Test(sip, a_request_and_its_answer)
{
	struct story *s = sip_begin();

	sip_usual(s, 1, 2, "OPTIONS sip:bob@example.org SIP/2.0", "1", "7 OPTIONS", "", "");
	sip_usual(s, 2, 1, "SIP/2.0 200 Fine", "1", "7 OPTIONS", ";tag=t", "Server: b\n");
	cr_assert_eq(s->out.len, 0, "what is sent again is waited for");
	sip_wait(s, 6);
	const char *doc = sip_documents(s);

	HAS(doc, "\"status\":\"OK\"");
	HAS(doc, "\"query\":\"OPTIONS sip:bob@example.org\"");
	HAS(doc, "\"code\":200,\"status\":\"Fine\",\"call_id\":\"one\",\"branch\":\"z9hG4bK1\"");
	HAS(doc, "\"to\":{\"tag\":\"t\",\"uri\":{");
	HAS(doc, "\"duration\":1000000");
	LACKS(doc, "notes");
	sip_end(s);
}

Test(sip, what_is_sent_again_is_counted_once)
{
	struct story *s = sip_begin();

	for (int i = 0; i < 3; i++) {
		sip_usual(s, 1, 2, "OPTIONS sip:b SIP/2.0", "1", "7 OPTIONS", "", "");
		sip_wait(s, 4);
	}
	for (int i = 0; i < 2; i++) {
		sip_usual(s, 2, 1, "SIP/2.0 200 OK", "1", "7 OPTIONS", ";tag=t", "");
		sip_wait(s, 4);
	}
	sip_wait(s, 6);
	const char *doc = sip_documents(s);

	cr_assert_eq(sip_times(doc, "\n"), 1);
	HAS(doc, "\"retransmits\":{\"request\":2,\"response\":1}");
	sip_end(s);
}

Test(sip, a_call)
{
	struct story *s = sip_begin();

	sip_invite(s, 1, 2);
	sip_usual(s, 2, 1, "SIP/2.0 100 Trying", "1", "1 INVITE", "", "");
	sip_wait(s, 1);
	sip_usual(s, 2, 1, "SIP/2.0 180 Ringing", "1", "1 INVITE", ";tag=t", "");
	sip_wait(s, 2);
	sip_usual(s, 2, 1, "SIP/2.0 200 OK", "1", "1 INVITE", ";tag=t", "");
	sip_usual(s, 1, 2, "ACK sip:bob@192.0.2.2 SIP/2.0", "2", "1 ACK", ";tag=t", "");
	sip_wait(s, 10);
	const char *doc = sip_documents(s);

	HAS(doc, "\"type\":\"sip\"");
	HAS(doc, "\"provisional\":{\"code\":[100,180],\"delay\":[1000000,1002000000]}");
	HAS(doc, "\"ack\":{\"delay\":1000000}");
	HAS(doc, "\"codec\":[\"PCMA/8000\",\"PCMU/8000\"]");
	sip_wait(s, 60);
	doc = sip_documents(s);
	HAS(doc, "\"type\":\"sip_call\"");
	HAS(doc, "\"state\":\"answered\"");
	HAS(doc, "\"outcome\":\"unknown\"");
	sip_usual(s, 1, 2, "BYE sip:bob@192.0.2.2 SIP/2.0", "3", "2 BYE", ";tag=t", "");
	sip_usual(s, 2, 1, "SIP/2.0 200 OK", "3", "2 BYE", ";tag=t", "");
	sip_wait(s, 7);
	doc = sip_documents(s);
	cr_assert_eq(sip_times(doc, "\n"), 2);
	HAS(doc, "\"state\":\"completed\",\"caller\":\"ada\",\"caller_domain\":\"example.com\","
		 "\"callee\":\"bob\",\"callee_domain\":\"example.org\"");
	HAS(doc, "\"setup_time\":3003000000,\"post_dial_delay\":1002000000");
	HAS(doc, "\"session_disconnect_delay\":1000000");
	HAS(doc,
	    "\"established\":true,\"effective\":true,\"ineffective\":false,\"completed\":true");
	HAS(doc, "\"hung_up_by\":\"caller\"");
	HAS(doc, "\"media\":{\"caller\":\"192.0.2.1:6000\"}");
	HAS(doc, "\"flow\":[\"0.000000 192.0.2.1:5060 > 192.0.2.2:5060 INVITE (sdp)\",");
	HAS(doc, "\"1.002000 192.0.2.2:5060 > 192.0.2.1:5060 180 Ringing (INVITE)\"");
	sip_end(s);
}

Test(sip, a_call_that_nobody_answers)
{
	struct story *s = sip_begin();

	sip_invite(s, 1, 2);
	sip_wait(s, 50);
	const char *doc = sip_documents(s);

	cr_assert_eq(sip_times(doc, "\n"), 2);
	HAS(doc, "\"message\":\"Timeout: no answer\"");
	HAS(doc, "\"state\":\"timeout\"");
	HAS(doc, "\"ineffective\":true");
	cr_assert_eq(sip_times(doc, "\"status\":\"Error\""), 2);
	sip_end(s);
}

Test(sip, cancel_and_ack_belong_to_their_invite)
{
	struct story *s = sip_begin();

	sip_invite(s, 1, 2);
	sip_usual(s, 2, 1, "SIP/2.0 180 Ringing", "1", "1 INVITE", ";tag=t", "");
	sip_usual(s, 1, 2, "CANCEL sip:bob@example.org SIP/2.0", "1", "1 CANCEL", "", "");
	sip_usual(s, 2, 1, "SIP/2.0 200 OK", "1", "1 CANCEL", ";tag=t", "");
	sip_usual(s, 2, 1, "SIP/2.0 487 Request Terminated", "1", "1 INVITE", ";tag=t", "");
	sip_usual(s, 1, 2, "ACK sip:bob@example.org SIP/2.0", "1", "1 ACK", ";tag=t", "");
	sip_wait(s, 7);
	const char *doc = sip_documents(s);

	cr_assert_eq(sip_times(doc, "\n"), 2);
	HAS(doc, "\"cancel\":{\"delay\":2000000,\"code\":200}");
	HAS(doc, "\"ack\":{\"delay\":1000000}");
	HAS(doc, "\"state\":\"canceled\"");
	sip_end(s);
}

/* A call keeps its reasons, as sent and cut, however often its other texts change. */
Test(sip, reasons_of_answers_stay_with_the_call)
{
	enum { CHANGES = 60 };
	struct story *s = sip_begin();
	char long_agent[600], headers[700], branch[32], cseq[32];

	sip_invite(s, 1, 2);
	sip_usual(s, 2, 1, "SIP/2.0 183 Une minute, s'il vous pla\xc3\xaet", "1", "1 INVITE",
		  ";tag=t", "");
	sip_usual(s, 2, 1, "SIP/2.0 200 ", "1", "1 INVITE", ";tag=t", "");
	sip_usual(s, 2, 1, "SIP/2.0 200 ", "1", "1 INVITE", ";tag=t", "");
	for (int i = 0; i < CHANGES; i++) {
		memset(long_agent, 'a' + i % 26, sizeof(long_agent) - 1);
		long_agent[sizeof(long_agent) - 1] = '\0';
		snprintf(headers, sizeof(headers), "User-Agent: %s\n", long_agent);
		snprintf(branch, sizeof(branch), "i%d", i);
		snprintf(cseq, sizeof(cseq), "%d INFO", 2 + i);
		sip_usual(s, 1, 2, "INFO sip:bob@192.0.2.2 SIP/2.0", branch, cseq, ";tag=t",
			  headers);
	}
	sip_wait(s, 30);
	sip_documents(s);
	sip_wait(s, 31);
	const char *doc = sip_documents(s);

	HAS(doc, "183 Une minute, s'il vous pla\xc3\xaet (INVITE)\"");
	HAS(doc, " 200 (INVITE)\"");
	HAS(doc, " 200 (INVITE, again)\"");
	HAS(doc, " INFO\",");
	sip_end(s);
}

Test(sip, several_take_the_call)
{
	struct story *s = sip_begin();

	sip_invite(s, 1, 2);
	sip_usual(s, 2, 1, "SIP/2.0 200 OK", "1", "1 INVITE", ";tag=t", "");
	sip_usual(s, 2, 1, "SIP/2.0 200 OK", "1", "1 INVITE", ";tag=u", "");
	sip_usual(s, 2, 1, "SIP/2.0 200 OK", "1", "1 INVITE", ";tag=u", "");
	sip_usual(s, 1, 2, "ACK sip:bob@example.org SIP/2.0", "2", "1 ACK", ";tag=t", "");
	sip_wait(s, 7);
	const char *doc = sip_documents(s);

	HAS(doc, "\"retransmits\":{\"response\":1},\"forks\":{\"code\":[200],\"delay\":[2000000]}");
	sip_end(s);
}

Test(sip, both_sides_of_a_proxy_stay_apart_and_are_one_call)
{
	struct story *s = sip_begin();

	sip_invite(s, 1, 4);
	sip_usual(s, 4, 2, "INVITE sip:bob@192.0.2.2 SIP/2.0", "p", "1 INVITE", "", "");
	sip_usual(s, 2, 4, "SIP/2.0 200 OK", "p", "1 INVITE", ";tag=t", "");
	sip_usual(s, 4, 1, "SIP/2.0 200 OK", "1", "1 INVITE", ";tag=t", "");
	sip_usual(s, 1, 2, "ACK sip:bob@192.0.2.2 SIP/2.0", "3", "1 ACK", ";tag=t", "");
	sip_wait(s, 7);
	const char *doc = sip_documents(s);

	cr_assert_eq(sip_times(doc, "\"type\":\"sip\""), 2);
	cr_assert_eq(sip_times(doc, "\"ack\":{"), 2, "past the proxy, for both");
	sip_usual(s, 2, 1, "BYE sip:ada@192.0.2.1 SIP/2.0", "4", "1 BYE", ";tag=t", "");
	sip_wait(s, 50);
	doc = sip_documents(s);
	cr_assert_eq(sip_times(doc, "sip_call\",\"status"), 1);
	HAS(doc, "\"egress\":{\"ip\":\"192.0.2.2\",\"port\":5060}");
	HAS(doc, "\"server\":{\"ip\":\"192.0.2.4\"");
	HAS(doc, "\"completed\":false");
	sip_end(s);
}

Test(sip, an_answer_goes_where_via_says)
{
	struct story *s = sip_begin();
	char wire[TEXT_MAX];

	sip_raw(s, 1, 40000, 2, 5060,
		bytes_of(wire,
			 sip_crlf("OPTIONS sip:b SIP/2.0\nv: SIP/2.0/UDP a:5060;branch=z9hG4bKx\n"
				  "f: <sip:a@a>;tag=1\nt: <sip:b@b>\ni: x\nCSeq: 1 OPTIONS\n\n",
				  wire)));
	sip_raw(s, 2, 5060, 1, 5060,
		bytes_of(
			wire,
			sip_crlf(
				"SIP/2.0 200 OK\nv: SIP/2.0/UDP a:5060;branch=z9hG4bKx\n"
				"f: <sip:a@a>;tag=1\nt: <sip:b@b>;tag=2\ni: x\nCSeq: 1 OPTIONS\n\n",
				wire)));
	sip_wait(s, 6);
	const char *doc = sip_documents(s);

	cr_assert_eq(sip_times(doc, "\n"), 1);
	HAS(doc, "\"code\":200");
	HAS(doc, "\"client\":{\"ip\":\"192.0.2.1\",\"port\":40000");
	sip_end(s);
}

Test(sip, secrets_do_not_leave)
{
	struct story *s = sip_begin();

	s->conf.common.send_request = true;
	sip_usual(s, 1, 2, "REGISTER sip:example.com SIP/2.0", "1", "1 REGISTER", "",
		  "Contact: <sip:ada:hunter2@192.0.2.1>\n");
	sip_usual(s, 2, 1, "SIP/2.0 401 Who", "1", "1 REGISTER", ";tag=t",
		  "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"n\"\n");
	sip_usual(s, 1, 2, "REGISTER sip:example.com SIP/2.0", "2", "2 REGISTER", "",
		  "Contact: <sip:ada:hunter2@192.0.2.1>\nAuthorization: Digest username=\"ada\", "
		  "realm=\"example.com\",\n uri=\"sip:example.com\", algorithm=MD5, "
		  "cnonce=\"sesame1\", response=\"sesame2\"\nExpires: 60\n");
	sip_usual(s, 2, 1, "SIP/2.0 200 OK", "2", "2 REGISTER", ";tag=t", "");
	sip_wait(s, 70);
	const char *doc = sip_documents(s);

	LACKS(doc, "hunter2");
	LACKS(doc, "sesame");
	HAS(doc, "\"auth\":{\"scheme\":\"Digest\",\"realm\":\"example.com\",\"username\":\"ada\","
		 "\"algorithm\":\"MD5\",\"attempt\":1,\"uri\":{\"original\":\"sip:example.com\"");
	HAS(doc, "\"registration\":{\"state\":\"registered\",\"aor\":\"sip:bob@example.org\","
		 "\"contact\":\"sip:ada:*@192.0.2.1\",\"expires\":60,\"delay\":1000000,"
		 "\"challenges\":1}");
	HAS(doc, "\"state\":\"expired\"");
	LACKS(doc, "\"status\":\"Error\"");
	sip_end(s);
}

/* The end of a binding is a document of its own (sip_story.c looks at their ids). */
Test(sip, what_expires_has_an_id_of_its_own)
{
	struct story *s = sip_begin();

	for (int i = 0; i < 16; i++) {
		char contact[64], branch[12];

		snprintf(branch, sizeof(branch), "%d", i);
		snprintf(contact, sizeof(contact),
			 "Contact: <sip:phone%d@192.0.2.1>\nExpires: 60\n", i);
		sip_usual(s, 1, 2, "REGISTER sip:example.com SIP/2.0", branch, "2 REGISTER", "",
			  contact);
		sip_usual(s, 2, 1, "SIP/2.0 200 OK", branch, "2 REGISTER", ";tag=t", contact);
	}
	sip_wait(s, 70);
	const char *doc = sip_documents(s);

	cr_assert_eq(sip_times(doc, "\"state\":\"registered\""), 16);
	cr_assert_eq(sip_times(doc, "\"state\":\"expired\""), 16);
	sip_end(s);
}

Test(sip, streams_cut_anywhere)
{
	static const char text[] =
		"\r\n\r\nMESSAGE sip:b SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bKx\r\n"
		"From: <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\n"
		"Content-Length: 5\r\n\r\nhelloMESSAGE sip:c SIP/2.0\r\n"
		"Via: SIP/2.0/TCP a;branch=z9hG4bKy\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\n"
		"Call-ID: x\r\nCSeq: 2 MESSAGE\r\nl: 0\r\n\r\n";

	for (size_t cut = 1; cut < sizeof(text); cut += cut < 40 ? 1 : 37) {
		struct story *s = sip_begin();
		struct way *w = sip_way_new(s, 1, 40000, 2, 5060);

		conn_free(w->conn, FLOW_FIN);
		w->ends.transport = TRANSPORT_TCP;
		w->conn = conn_new(s->engine, &w->flow);
		for (struct bytes b = bytes_str(text); b.len > 0; b = bytes_skip(b, cut))
			conn_data(w->conn, CLIENT,
				  &(struct piece){.bytes = bytes_head(b, cut),
						  .when = s->now,
						  .peer_at = PEER_UNKNOWN});
		sip_wait(s, 40);
		const char *doc = sip_documents(s);

		cr_assert_eq(sip_times(doc, "\"method\":\"MESSAGE\",\"call_id\""), 2, "cut %zu",
			     cut);
		cr_assert_eq(sip_times(doc, "\"content_length\":5"), 1);
		sip_end(s);
	}
}

Test(sip, a_call_seen_midway)
{
	struct story *s = sip_begin();

	sip_usual(s, 2, 1, "BYE sip:ada@192.0.2.1 SIP/2.0", "9", "2 BYE", ";tag=t", "");
	sip_usual(s, 1, 2, "SIP/2.0 200 OK", "9", "2 BYE", ";tag=t", "");
	sip_wait(s, 10);
	const char *doc = sip_documents(s);

	cr_assert_eq(sip_times(doc, "\n"), 2);
	HAS(doc, "\"state\":\"completed\"");
	HAS(doc, "\"established\":true");
	HAS(doc, "\"notes\":[\"midstream\"]");
	LACKS(doc, "hung_up_by");
	LACKS(doc, "setup_time");
	sip_end(s);
}

Test(sip, a_call_seen_from_its_answer_on)
{
	struct story *s = sip_begin();

	sip_usual(s, 2, 1, "SIP/2.0 200 OK", "1", "1 INVITE", ";tag=t", "");
	sip_wait(s, 5);
	sip_usual(s, 2, 1, "BYE sip:ada@192.0.2.1 SIP/2.0", "9", "2 BYE", ";tag=f", "");
	sip_usual(s, 1, 2, "SIP/2.0 200 OK", "9", "2 BYE", ";tag=f", "");
	sip_wait(s, 40);
	const char *doc = strstr(sip_documents(s), "\"type\":\"sip_call\"");

	cr_assert(doc);
	HAS(doc, "\"state\":\"completed\"");
	HAS(doc, "\"duration\":5001000000");
	HAS(doc, "\"client\":{\"ip\":\"192.0.2.1\"");
	HAS(doc, "\"notes\":[\"midstream\"]");
	LACKS(doc, "setup_time");
	sip_end(s);
}

Test(sip, a_bye_to_one_of_two_that_took_the_call)
{
	struct story *s = sip_begin();

	sip_invite(s, 1, 2);
	sip_usual(s, 2, 1, "SIP/2.0 200 OK", "1", "1 INVITE", ";tag=t", "");
	sip_usual(s, 2, 1, "SIP/2.0 200 OK", "1", "1 INVITE", ";tag=u", "");
	sip_usual(s, 1, 2, "ACK sip:bob@192.0.2.2 SIP/2.0", "2", "1 ACK", ";tag=t", "");
	sip_usual(s, 1, 2, "BYE sip:bob@192.0.2.2 SIP/2.0", "3", "2 BYE", ";tag=u", "");
	sip_usual(s, 2, 1, "SIP/2.0 200 OK", "3", "2 BYE", ";tag=u", "");
	sip_wait(s, 30);
	LACKS(sip_documents(s), "sip_call");
	sip_usual(s, 1, 2, "BYE sip:bob@192.0.2.2 SIP/2.0", "4", "3 BYE", ";tag=t", "");
	sip_usual(s, 2, 1, "SIP/2.0 200 OK", "4", "3 BYE", ";tag=t", "");
	sip_wait(s, 7);
	HAS(sip_documents(s), "\"state\":\"completed\"");
	sip_end(s);
}

Test(sip, methods_that_nobody_knows_have_their_name)
{
	struct story *s = sip_begin();

	sip_invite(s, 1, 2);
	sip_usual(s, 1, 2, "JUGGLE sip:b SIP/2.0", "2", "2 JUGGLE", "", "");
	sip_usual(s, 2, 1, "SIP/2.0 501 No", "2", "2 JUGGLE", "", "");
	sip_wait(s, 50);
	const char *doc = strstr(sip_documents(s), "\"type\":\"sip_call\"");

	cr_assert(doc);
	HAS(doc, "192.0.2.2:5060 JUGGLE\"");
	HAS(doc, "192.0.2.1:5060 501 No (JUGGLE)\"");
	sip_end(s);
}

Test(sip, a_registration_that_nobody_answers)
{
	struct story *s = sip_begin();

	sip_usual(s, 1, 2, "REGISTER sip:example.com SIP/2.0", "1", "1 REGISTER", "",
		  "Contact: <sip:ada@192.0.2.1>\n");
	sip_wait(s, 50);
	const char *doc = sip_documents(s);

	cr_assert_eq(sip_times(doc, "\n"), 2);
	HAS(doc, "\"registration\":{\"state\":\"unanswered\",\"aor\":\"sip:bob@example.org\","
		 "\"contact\":\"sip:ada@192.0.2.1\"}");
	HAS(doc, "\"type\":\"sip_registration\",\"status\":\"Error\"");
	sip_end(s);
}

/* Host 1 runs both phones and the proxy: ports alone tell the ways. */
Test(sip, an_ack_is_for_the_invite_of_its_way)
{
	static const char *const ways[][2] = {{"20000", "1"}, {"5060", "p"}};
	struct story *s = sip_begin();
	char text[TEXT_MAX / 2], wire[TEXT_MAX];

	s->conf.common.ports = (struct ports){.at = {5060, 5070}, .count = 2};
	for (int what = 0; what < 3; what++)
		for (int i = 0; i < 2; i++) {
			int from = i ? 5060 : 20000, to = i ? 5070 : 5060;

			snprintf(text, sizeof(text),
				 "%s\nVia: SIP/2.0/UDP h:%s;branch=z9hG4bK%s%s\nFrom: "
				 "<sip:a@a>;tag=f\n"
				 "To: <sip:b@b>;tag=t\nCall-ID: x\nCSeq: 1 %s\n\n",
				 what == 0   ? "INVITE sip:b SIP/2.0"
				 : what == 1 ? "SIP/2.0 200 OK"
					     : "ACK sip:b SIP/2.0",
				 ways[i][0], ways[i][1], what == 2 ? "a" : "",
				 what == 2 ? "ACK" : "INVITE");
			sip_raw(s, 1, what == 1 ? to : from, 1, what == 1 ? from : to,
				bytes_of(wire, sip_crlf(text, wire)));
		}
	sip_wait(s, 7);
	const char *doc = sip_documents(s);

	cr_assert_eq(sip_times(doc, "\"ack\":{\"delay\":2000000}"), 2, "%s", doc);
	LACKS(doc, "retransmits");
	sip_end(s);
}

Test(sip, lists_of_nothing_are_not_there)
{
	struct story *s = sip_begin();

	sip_usual(s, 1, 2, "OPTIONS sip:bob@example.org SIP/2.0", "1", "1 OPTIONS", "",
		  "Allow: ,\nSupported: , ,\nAccept: ,text/plain,\n");
	sip_usual(s, 2, 1, "SIP/2.0 200 OK", "1", "1 OPTIONS", ";tag=t", "");
	sip_wait(s, 6);
	const char *doc = sip_documents(s);

	LACKS(doc, "\"allow\"");
	LACKS(doc, "\"supported\"");
	HAS(doc, "\"accept\":[\"text/plain\"]");
	sip_end(s);
}

Test(sip, what_is_not_sip)
{
	struct story *s = sip_begin();

	sip_says(s, 1, 2, "\n\n");
	sip_says(s, 1, 2, "jaK");
	sip_says(s, 1, 2, "GET / HTTP/1.1\n\n");
	sip_says(s, 1, 2, "INVITE sip:a");
	sip_wait(s, 40);
	cr_assert_eq(s->out.len, 0);
	sip_end(s);
}
