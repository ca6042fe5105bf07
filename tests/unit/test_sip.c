/*
 * SIP, told as stories of datagrams between hosts a, b, c and p (192.0.2.1 to .4), and what
 * documents come of them. Lines end with \n here and with CRLF on the way.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "protos/sip/fields.h"
#include "protos/sip/sip.h"
#include "shipper/txn/conn.h"
#include "tests/lib/declared.h"

extern const struct proto proto_sip;

enum { WAYS_MAX = 8, TEXT_MAX = 8192 };

struct way {
	struct endpoints ends;
	struct flow flow;
	struct conn *conn;
};

struct story {
	struct sip_conf conf;
	void *confs[1];
	struct engine_conf engine_conf;
	struct quota quota;
	struct counters counters;
	struct engine *engine;
	struct way ways[WAYS_MAX];
	int ways_count;
	struct buf out;
	nsec now;
};

static const struct proto *const alone[] = {&proto_sip, NULL};

static struct buf *room(void *self)
{
	return &((struct story *)self)->out;
}

static void wrote(void *self, size_t at, unsigned proto, const char id[32])
{
	struct story *s = self;
	struct fault fault = {0};

	(void)proto, (void)id;
	cr_assert(declared_check(bytes_skip(buf_bytes(&s->out), at), sip_fields, &fault), "%s",
		  fault.text);
}

static const struct document_sink sink = {.room = room, .wrote = wrote};

static struct story *begin(void)
{
	struct story *s = calloc(1, sizeof(*s));

	option_default(proto_options, &s->conf);
	option_default(proto_sip.options, &s->conf);
	s->conf.common.ports = (struct ports){.at = {5060}, .count = 1};
	s->confs[0] = &s->conf;
	s->engine_conf = (struct engine_conf){.protos = alone,
					      .proto_conf = s->confs,
					      .unparsed_bytes_max = 1 << 18,
					      .exchanges_max = 1000};
	s->quota.limit = SIZE_MAX;
	s->engine = engine_new(&s->engine_conf, &sink, s, &s->quota, &s->counters);
	s->now = INT64_C(1700000000) * NS_PER_S;
	return s;
}

static struct way *way(struct story *s, int a, int port_a, int b, int port_b)
{
	for (int i = 0; i < s->ways_count; i++) {
		struct endpoints *e = &s->ways[i].ends;

		if (e->addr[0].at[3] == a && e->port[0] == port_a && e->addr[1].at[3] == b &&
		    e->port[1] == port_b)
			return &s->ways[i];
	}
	return NULL;
}

static struct way *way_new(struct story *s, int a, int port_a, int b, int port_b)
{
	struct way *w = &s->ways[s->ways_count++];

	w->ends = (struct endpoints){.addr = {{{192, 0, 2, (uint8_t)a}}, {{192, 0, 2, (uint8_t)b}}},
				     .port = {(uint16_t)port_a, (uint16_t)port_b},
				     .version = 4,
				     .transport = TRANSPORT_UDP};
	w->flow = (struct flow){.ends = &w->ends};
	w->conn = conn_new(s->engine, &w->flow);
	return w;
}

static size_t crlf(const char *text, char to[TEXT_MAX])
{
	size_t n = 0;

	for (; *text; text++) {
		if (*text == '\n')
			to[n++] = '\r';
		to[n++] = *text;
	}
	return n;
}

static void raw(struct story *s, int a, int port_a, int b, int port_b, struct bytes text)
{
	struct way *w = way(s, a, port_a, b, port_b);
	enum side from = CLIENT;

	if (w == NULL && (w = way(s, b, port_b, a, port_a)))
		from = SERVER;
	if (w == NULL)
		w = way_new(s, a, port_a, b, port_b);
	uint8_t *copy = malloc(text.len);

	memcpy(copy, text.at, text.len);
	s->now += NS_PER_MS;
	engine_expire(s->engine, s->now);
	conn_datagram(w->conn, from,
		      &(struct piece){.bytes = bytes_of(copy, text.len),
				      .when = s->now,
				      .peer_at = PEER_UNKNOWN},
		      0);
	free(copy);
}

static void says(struct story *s, int a, int b, const char *text)
{
	char wire[TEXT_MAX];
	size_t n = crlf(text, wire);

	raw(s, a, 5060, b, 5060, bytes_of(wire, n));
}

/* A usual message: start line, branch, CSeq, To tag. */
static void usual(struct story *s, int a, int b, const char *start, const char *branch,
		  const char *cseq, const char *to_tag, const char *more)
{
	char text[TEXT_MAX / 2];

	snprintf(text, sizeof(text),
		 "%s\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%s\n"
		 "From: \"Ada\" <sip:ada@example.com>;tag=f\nTo: <sip:bob@example.org>%s\n"
		 "Call-ID: one\nCSeq: %s\n%s\n",
		 start, branch, to_tag, cseq, more);
	says(s, a, b, text);
}

static void wait(struct story *s, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		s->now += NS_PER_S;
		engine_expire(s->engine, s->now);
	}
}

/* The documents so far, as text; then there are none. */
static char *documents(struct story *s)
{
	static char text[1 << 18];

	cr_assert_lt(s->out.len, sizeof(text));
	if (s->out.len > 0)
		memcpy(text, s->out.at, s->out.len);
	text[s->out.len] = 0;
	s->out.len = 0;
	return text;
}

static int times(const char *text, const char *part)
{
	int n = 0;

	while ((text = strstr(text, part))) {
		n++;
		text += strlen(part);
	}
	return n;
}

static void end(struct story *s)
{
	for (int i = 0; i < s->ways_count; i++)
		conn_free(s->ways[i].conn, FLOW_FINISHED);
	engine_finish(s->engine);
	engine_free(s->engine);
	cr_assert_eq(s->quota.used, 0);
	buf_fini(&s->out);
	free(s);
}

#define HAS(text, part)	  cr_assert(strstr(text, part), "%s not in %s", part, text)
#define LACKS(text, part) cr_assert(!strstr(text, part), "%s in %s", part, text)

Test(sip, a_request_and_its_answer)
{
	struct story *s = begin();

	usual(s, 1, 2, "OPTIONS sip:bob@example.org SIP/2.0", "1", "7 OPTIONS", "", "");
	usual(s, 2, 1, "SIP/2.0 200 Fine", "1", "7 OPTIONS", ";tag=t", "Server: b\n");
	cr_assert_eq(s->out.len, 0, "what is sent again is waited for");
	wait(s, 6);
	const char *doc = documents(s);

	HAS(doc, "\"status\":\"OK\"");
	HAS(doc, "\"query\":\"OPTIONS sip:bob@example.org\"");
	HAS(doc, "\"code\":200,\"status\":\"Fine\",\"call_id\":\"one\",\"branch\":\"z9hG4bK1\"");
	HAS(doc, "\"to\":{\"tag\":\"t\",\"uri\":{");
	HAS(doc, "\"duration\":1000000");
	LACKS(doc, "notes");
	end(s);
}

Test(sip, what_is_sent_again_is_counted_once)
{
	struct story *s = begin();

	for (int i = 0; i < 3; i++) {
		usual(s, 1, 2, "OPTIONS sip:b SIP/2.0", "1", "7 OPTIONS", "", "");
		wait(s, 4);
	}
	for (int i = 0; i < 2; i++) {
		usual(s, 2, 1, "SIP/2.0 200 OK", "1", "7 OPTIONS", ";tag=t", "");
		wait(s, 4);
	}
	wait(s, 6);
	const char *doc = documents(s);

	cr_assert_eq(times(doc, "\n"), 1);
	HAS(doc, "\"retransmits\":{\"request\":2,\"response\":1}");
	end(s);
}

static void invite(struct story *s, int a, int b)
{
	usual(s, a, b, "INVITE sip:bob@example.org SIP/2.0", "1", "1 INVITE", "",
	      "Content-Type: application/sdp\nContent-Length: 73\n\n"
	      "v=0\no=a 1 1 IN IP4 h\ns=-\nc=IN IP4 192.0.2.1\nm=audio 6000 RTP/AVP 8 0\n");
}

Test(sip, a_call)
{
	struct story *s = begin();

	invite(s, 1, 2);
	usual(s, 2, 1, "SIP/2.0 100 Trying", "1", "1 INVITE", "", "");
	wait(s, 1);
	usual(s, 2, 1, "SIP/2.0 180 Ringing", "1", "1 INVITE", ";tag=t", "");
	wait(s, 2);
	usual(s, 2, 1, "SIP/2.0 200 OK", "1", "1 INVITE", ";tag=t", "");
	usual(s, 1, 2, "ACK sip:bob@192.0.2.2 SIP/2.0", "2", "1 ACK", ";tag=t", "");
	wait(s, 10);
	const char *doc = documents(s);

	HAS(doc, "\"type\":\"sip\"");
	HAS(doc, "\"provisional\":{\"code\":[100,180],\"delay\":[1000000,1002000000]}");
	HAS(doc, "\"ack\":{\"delay\":1000000}");
	HAS(doc, "\"codec\":[\"PCMA/8000\",\"PCMU/8000\"]");
	wait(s, 60);
	doc = documents(s);
	HAS(doc, "\"type\":\"sip_call\"");
	HAS(doc, "\"state\":\"answered\"");
	HAS(doc, "\"outcome\":\"unknown\"");
	usual(s, 1, 2, "BYE sip:bob@192.0.2.2 SIP/2.0", "3", "2 BYE", ";tag=t", "");
	usual(s, 2, 1, "SIP/2.0 200 OK", "3", "2 BYE", ";tag=t", "");
	wait(s, 7);
	doc = documents(s);
	cr_assert_eq(times(doc, "\n"), 2);
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
	end(s);
}

Test(sip, a_call_that_nobody_answers)
{
	struct story *s = begin();

	invite(s, 1, 2);
	wait(s, 50);
	const char *doc = documents(s);

	cr_assert_eq(times(doc, "\n"), 2);
	HAS(doc, "\"message\":\"Timeout: no answer\"");
	HAS(doc, "\"state\":\"timeout\"");
	HAS(doc, "\"ineffective\":true");
	cr_assert_eq(times(doc, "\"status\":\"Error\""), 2);
	end(s);
}

Test(sip, cancel_and_ack_belong_to_their_invite)
{
	struct story *s = begin();

	invite(s, 1, 2);
	usual(s, 2, 1, "SIP/2.0 180 Ringing", "1", "1 INVITE", ";tag=t", "");
	usual(s, 1, 2, "CANCEL sip:bob@example.org SIP/2.0", "1", "1 CANCEL", "", "");
	usual(s, 2, 1, "SIP/2.0 200 OK", "1", "1 CANCEL", ";tag=t", "");
	usual(s, 2, 1, "SIP/2.0 487 Request Terminated", "1", "1 INVITE", ";tag=t", "");
	usual(s, 1, 2, "ACK sip:bob@example.org SIP/2.0", "1", "1 ACK", ";tag=t", "");
	wait(s, 7);
	const char *doc = documents(s);

	cr_assert_eq(times(doc, "\n"), 2);
	HAS(doc, "\"cancel\":{\"delay\":2000000,\"code\":200}");
	HAS(doc, "\"ack\":{\"delay\":1000000}");
	HAS(doc, "\"state\":\"canceled\"");
	end(s);
}

/* A call keeps its reasons, as sent and cut, however often its other texts change. */
Test(sip, reasons_of_answers_stay_with_the_call)
{
	enum { CHANGES = 60 };
	struct story *s = begin();
	char long_agent[600], headers[700], branch[16], cseq[16];

	invite(s, 1, 2);
	usual(s, 2, 1, "SIP/2.0 183 Une minute, s'il vous pla\xc3\xaet", "1", "1 INVITE", ";tag=t",
	      "");
	usual(s, 2, 1, "SIP/2.0 200 ", "1", "1 INVITE", ";tag=t", "");
	usual(s, 2, 1, "SIP/2.0 200 ", "1", "1 INVITE", ";tag=t", "");
	for (int i = 0; i < CHANGES; i++) {
		memset(long_agent, 'a' + i % 26, sizeof(long_agent) - 1);
		long_agent[sizeof(long_agent) - 1] = '\0';
		snprintf(headers, sizeof(headers), "User-Agent: %s\n", long_agent);
		snprintf(branch, sizeof(branch), "i%d", i);
		snprintf(cseq, sizeof(cseq), "%d INFO", 2 + i);
		usual(s, 1, 2, "INFO sip:bob@192.0.2.2 SIP/2.0", branch, cseq, ";tag=t", headers);
	}
	wait(s, 30);
	documents(s);
	wait(s, 31);
	const char *doc = documents(s);

	HAS(doc, "183 Une minute, s'il vous pla\xc3\xaet (INVITE)\"");
	HAS(doc, " 200 (INVITE)\"");
	HAS(doc, " 200 (INVITE, again)\"");
	HAS(doc, " INFO\",");
	end(s);
}

Test(sip, several_take_the_call)
{
	struct story *s = begin();

	invite(s, 1, 2);
	usual(s, 2, 1, "SIP/2.0 200 OK", "1", "1 INVITE", ";tag=t", "");
	usual(s, 2, 1, "SIP/2.0 200 OK", "1", "1 INVITE", ";tag=u", "");
	usual(s, 2, 1, "SIP/2.0 200 OK", "1", "1 INVITE", ";tag=u", "");
	usual(s, 1, 2, "ACK sip:bob@example.org SIP/2.0", "2", "1 ACK", ";tag=t", "");
	wait(s, 7);
	const char *doc = documents(s);

	HAS(doc, "\"retransmits\":{\"response\":1},\"forks\":{\"code\":[200],\"delay\":[2000000]}");
	end(s);
}

Test(sip, both_sides_of_a_proxy_stay_apart_and_are_one_call)
{
	struct story *s = begin();

	invite(s, 1, 4);
	usual(s, 4, 2, "INVITE sip:bob@192.0.2.2 SIP/2.0", "p", "1 INVITE", "", "");
	usual(s, 2, 4, "SIP/2.0 200 OK", "p", "1 INVITE", ";tag=t", "");
	usual(s, 4, 1, "SIP/2.0 200 OK", "1", "1 INVITE", ";tag=t", "");
	usual(s, 1, 2, "ACK sip:bob@192.0.2.2 SIP/2.0", "3", "1 ACK", ";tag=t", "");
	wait(s, 7);
	const char *doc = documents(s);

	cr_assert_eq(times(doc, "\"type\":\"sip\""), 2);
	cr_assert_eq(times(doc, "\"ack\":{"), 2, "past the proxy, for both");
	usual(s, 2, 1, "BYE sip:ada@192.0.2.1 SIP/2.0", "4", "1 BYE", ";tag=t", "");
	wait(s, 50);
	doc = documents(s);
	cr_assert_eq(times(doc, "sip_call\",\"status"), 1);
	HAS(doc, "\"egress\":{\"ip\":\"192.0.2.2\",\"port\":5060}");
	HAS(doc, "\"server\":{\"ip\":\"192.0.2.4\"");
	HAS(doc, "\"completed\":false");
	end(s);
}

Test(sip, an_answer_goes_where_via_says)
{
	struct story *s = begin();
	char wire[TEXT_MAX];

	raw(s, 1, 40000, 2, 5060,
	    bytes_of(wire, crlf("OPTIONS sip:b SIP/2.0\nv: SIP/2.0/UDP a:5060;branch=z9hG4bKx\n"
				"f: <sip:a@a>;tag=1\nt: <sip:b@b>\ni: x\nCSeq: 1 OPTIONS\n\n",
				wire)));
	raw(s, 2, 5060, 1, 5060,
	    bytes_of(wire, crlf("SIP/2.0 200 OK\nv: SIP/2.0/UDP a:5060;branch=z9hG4bKx\n"
				"f: <sip:a@a>;tag=1\nt: <sip:b@b>;tag=2\ni: x\nCSeq: 1 OPTIONS\n\n",
				wire)));
	wait(s, 6);
	const char *doc = documents(s);

	cr_assert_eq(times(doc, "\n"), 1);
	HAS(doc, "\"code\":200");
	HAS(doc, "\"client\":{\"ip\":\"192.0.2.1\",\"port\":40000");
	end(s);
}

Test(sip, secrets_do_not_leave)
{
	struct story *s = begin();

	s->conf.common.send_request = true;
	usual(s, 1, 2, "REGISTER sip:example.com SIP/2.0", "1", "1 REGISTER", "",
	      "Contact: <sip:ada:hunter2@192.0.2.1>\n");
	usual(s, 2, 1, "SIP/2.0 401 Who", "1", "1 REGISTER", ";tag=t",
	      "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"n\"\n");
	usual(s, 1, 2, "REGISTER sip:example.com SIP/2.0", "2", "2 REGISTER", "",
	      "Contact: <sip:ada:hunter2@192.0.2.1>\nAuthorization: Digest username=\"ada\", "
	      "realm=\"example.com\",\n uri=\"sip:example.com\", algorithm=MD5, "
	      "cnonce=\"sesame1\", response=\"sesame2\"\nExpires: 60\n");
	usual(s, 2, 1, "SIP/2.0 200 OK", "2", "2 REGISTER", ";tag=t", "");
	wait(s, 70);
	const char *doc = documents(s);

	LACKS(doc, "hunter2");
	LACKS(doc, "sesame");
	HAS(doc, "\"auth\":{\"scheme\":\"Digest\",\"realm\":\"example.com\",\"username\":\"ada\","
		 "\"algorithm\":\"MD5\",\"attempt\":1,\"uri\":{\"original\":\"sip:example.com\"");
	HAS(doc, "\"registration\":{\"state\":\"registered\",\"aor\":\"sip:bob@example.org\","
		 "\"contact\":\"sip:ada:*@192.0.2.1\",\"expires\":60,\"delay\":1000000,"
		 "\"challenges\":1}");
	HAS(doc, "\"state\":\"expired\"");
	LACKS(doc, "\"status\":\"Error\"");
	end(s);
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
		struct story *s = begin();
		struct way *w = way_new(s, 1, 40000, 2, 5060);

		conn_free(w->conn, FLOW_FIN);
		w->ends.transport = TRANSPORT_TCP;
		w->conn = conn_new(s->engine, &w->flow);
		for (struct bytes b = bytes_str(text); b.len > 0; b = bytes_skip(b, cut))
			conn_data(w->conn, CLIENT,
				  &(struct piece){.bytes = bytes_head(b, cut),
						  .when = s->now,
						  .peer_at = PEER_UNKNOWN});
		wait(s, 40);
		const char *doc = documents(s);

		cr_assert_eq(times(doc, "\"method\":\"MESSAGE\",\"call_id\""), 2, "cut %zu", cut);
		cr_assert_eq(times(doc, "\"content_length\":5"), 1);
		end(s);
	}
}

/* ---- RFC 4475: each message, and what a reader makes of it ---- */

static const struct {
	const char *name, *text, *has, *note;
} torture[] = {
	{"3.1.1.1 a short tortuous INVITE: compact forms, folding, odd case and space",
	 "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\n"
	 "TO :\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\n"
	 "from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\n  ;\n  tag = 98asjd8\n"
	 "MaX-fOrWaRdS: 0068\nCall-ID: wsinv.ndaksdj@192.0.2.1\nContent-Length   : 0\n"
	 "cseq: 0009\n  INVITE\nVia  : SIP  /   2.0\n /UDP\n    192.0.2.2;branch=390skdjuw\n"
	 "s :\nNewFangledHeader:   newfangled value\n continued newfangled value\n"
	 "UnknownHeaderWithUnusualValue: ;;,,;;,;\nContent-Type: application/sdp\n\n",
	 "\"max_forwards\":68", ""},
	{"3.1.1.2 a wide range of valid characters",
	 "!interesting-Method0123456789_*+`.%indeed'~ "
	 "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/"
	 ";;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-"
	 "it)@example.com SIP/2.0\n"
	 "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\n"
	 "To: \"BEL:\\\x07 NUL:\\\x01 DEL:\\\x7f\" <sip:1_unusual.URI@example.com>\n"
	 "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;tag=_token~1'+`*%!-.\n"
	 "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\n"
	 "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\nMax-Forwards: 255\n\n",
	 "\"method\":\"!interesting-Method0123456789_*+`.%indeed'~\"", ""},
	{"3.1.1.3 valid use of the % escaping",
	 "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0\n"
	 "To: sip:%75se%72@example.com\nFrom: <sip:I%20have%20spaces@example.net>;tag=938\n"
	 "Max-Forwards: 87\ni: esc01.239409asdfakjkn23onasd0-3234\nCSeq: 234234 INVITE\n"
	 "Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKkdjuw\n\n",
	 "\"username\":\"sips:user@example.com\",\"host\":\"example.net\"", ""},
	{"3.1.1.9 semicolons within the user part",
	 "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0\nTo: sip:j_user@example.com\n"
	 "From: sip:caller@example.org;tag=33242\nMax-Forwards: 3\n"
	 "Call-ID: semiuri.0ha0isndaksdj\nCSeq: 8 OPTIONS\n"
	 "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw\n\n",
	 "\"username\":\"user;par=u@example.net\",\"host\":\"example.com\"", ""},
	{"3.1.2.2 Content-Length larger than the message",
	 "INVITE sip:user@example.com SIP/2.0\nMax-Forwards: 80\nTo: sip:j.user@example.com\n"
	 "From: sip:caller@example.net;tag=93942939o2\nContact: <sip:caller@hungry.example.net>\n"
	 "Call-ID: clerr.0ha0isndaksdjweiafasdk3\nCSeq: 8 INVITE\n"
	 "Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bK-39234-23523\nContent-Length: 9999\n\n"
	 "v=0\n",
	 "\"call_id\":\"clerr", "wrong length"},
	{"3.1.2.3 negative Content-Length",
	 "INVITE sip:user@example.com SIP/2.0\nMax-Forwards: 254\nTo: sip:j.user@example.com\n"
	 "From: sip:caller@example.net;tag=32394234\nCall-ID: ncl.0ha0isndaksdj2193423r542w35\n"
	 "CSeq: 0 INVITE\nVia: SIP/2.0/UDP 192.0.2.53;branch=z9hG4bKkdjuw\nContent-Length: "
	 "-999\n\n",
	 "\"call_id\":\"ncl", "wrong length"},
	{"3.1.2.4 request scalar fields with overlarge values",
	 "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/TCP "
	 "host129.example.com;branch=z9hG4bK342\n"
	 "To: <sip:user@example.com>\nFrom: <sip:user@example.com>;tag=239232jh3\n"
	 "CSeq: 36893488147419103232 REGISTER\nCall-ID: scalar02.23o0pd9vanlq3wnrlnewofjas9ui32\n"
	 "Max-Forwards: 300\n\n",
	 "\"call_id\":\"scalar02", "malformed header"},
	{"3.1.2.6 unterminated quoted string in display name",
	 "INVITE sip:user@example.com SIP/2.0\nTo: \"Mr. J. User <sip:j.user@example.com>\n"
	 "From: sip:caller@example.net;tag=93334\nMax-Forwards: 10\n"
	 "Call-ID: quotbal.aksdj\nCSeq: 8 INVITE\n"
	 "Via: SIP/2.0/UDP 192.0.2.59:5050;branch=z9hG4bKkdjuw39234\n\n",
	 "\"call_id\":\"quotbal", "malformed header"},
	{"3.1.2.7 <> enclosing the Request-URI",
	 "INVITE <sip:user@example.com> SIP/2.0\nTo: sip:user@example.com\n"
	 "From: sip:caller@example.net;tag=39291\nMax-Forwards: 23\nCall-ID: ltgtruri.1@192.0.2.5\n"
	 "CSeq: 1 INVITE\nVia: SIP/2.0/UDP 192.0.2.5;branch=z9hG4bKkdjuw\n\n",
	 "\"call_id\":\"ltgtruri", "malformed start line"},
	{"3.1.2.8 malformed SIP Request-URI: embedded LWS",
	 "INVITE sip:user@example.com; lr SIP/2.0\nTo: sip:user@example.com;tag=3xfe-9921883-z9f\n"
	 "From: sip:caller@example.net;tag=231413434\nMax-Forwards: 5\n"
	 "Call-ID: lwsruri.asdfasdoeoi2323-asdfwrn23-asd834rk423\nCSeq: 2130706432 INVITE\n"
	 "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKkdjuw2395\n\n",
	 "\"call_id\":\"lwsruri", "malformed start line"},
	{"3.1.2.9 multiple SP separating Request-Line elements",
	 "INVITE  sip:user@example.com  SIP/2.0\nTo: sip:user@example.com;tag=3xfe-9921883-z9f\n"
	 "From: sip:caller@example.net;tag=231413434\nMax-Forwards: 5\nCall-ID: lwsstart.dfknq\n"
	 "CSeq: 893 INVITE\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKkdjuw2395\n\n",
	 "\"call_id\":\"lwsstart", "malformed start line"},
	{"3.1.2.16 unknown protocol version",
	 "OPTIONS sip:t.watson@example.org SIP/7.0\nVia: SIP/7.0/UDP "
	 "c.example.com;branch=z9hG4bKkd\n"
	 "Max-Forwards: 70\nFrom: A. Bell <sip:a.g.bell@example.com>;tag=qweoiqpe\n"
	 "To: T. Watson <sip:t.watson@example.org>\nCall-ID: badvers.31417@c.example.com\n"
	 "CSeq: 1 OPTIONS\n\n",
	 "\"version\":\"7.0\"", "malformed start line"},
	{"3.1.2.17 start line and CSeq method mismatch",
	 "OPTIONS sip:user@example.com SIP/2.0\nTo: sip:j.user@example.com\n"
	 "From: sip:caller@example.net;tag=34525\nMax-Forwards: 6\nCall-ID: "
	 "mismatch01.dj0234sxdfl3\n"
	 "CSeq: 8 INVITE\nVia: SIP/2.0/UDP host.example.com;branch=z9hG4bKkdjuw\n\n",
	 "\"cseq\":{\"code\":8,\"method\":\"INVITE\"}", "other method in CSeq"},
	{"3.3.1 missing required header fields",
	 "INVITE sip:user@example.com SIP/2.0\nCSeq: 193942 INVITE\n"
	 "Via: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKkdj.insuf\nContent-Type: application/sdp\n\n",
	 "\"branch\":\"z9hG4bKkdj.insuf\"", "missing header"},
	{"3.3.8 multiple values in single value required fields",
	 "INVITE sip:user@company.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.25;branch=z9hG4bKkdjuw\n"
	 "Max-Forwards: 70\nFrom: sip:caller@example.com;tag=3413415\nTo: sip:user@example.com\n"
	 "To: sip:other@example.net\nCall-ID: multi01.98asdh\nCSeq: 5 INVITE\n\n",
	 "\"call_id\":\"multi01", "repeated header"},
	{"3.3.9 multiple Content-Length values",
	 "OPTIONS sip:user@example.com SIP/2.0\nVia: SIP/2.0/UDP "
	 "host5.example.net;branch=z9hG4bK293\n"
	 "To: sip:j.user@example.com\nFrom: sip:caller@example.net;tag=3923942\n"
	 "Call-ID: mcl01.fhn2323orihawfdoa3o4r52o3irsdf\nCSeq: 15932 OPTIONS\n"
	 "Content-Length: 13\nMax-Forwards: 60\nContent-Length: 5\n\nThere's no way to know\n",
	 "\"call_id\":\"mcl01", "repeated header"},
};

Test(sip, rfc_4475)
{
	for (size_t i = 0; i < sizeof(torture) / sizeof(torture[0]); i++) {
		struct story *s = begin();

		says(s, 1, 2, torture[i].text);
		wait(s, 40);
		const char *doc = documents(s);

		cr_assert(strstr(doc, torture[i].has), "%s: %s", torture[i].name, doc);
		if (torture[i].note[0])
			cr_assert(strstr(doc, torture[i].note), "%s: %s", torture[i].name, doc);
		else
			cr_assert(!strstr(doc, "malformed") && !strstr(doc, "missing"), "%s: %s",
				  torture[i].name, doc);
		end(s);
	}
}

Test(sip, what_is_not_sip)
{
	struct story *s = begin();

	says(s, 1, 2, "\n\n");
	says(s, 1, 2, "jaK");
	says(s, 1, 2, "GET / HTTP/1.1\n\n");
	says(s, 1, 2, "INVITE sip:a");
	wait(s, 40);
	cr_assert_eq(s->out.len, 0);
	end(s);
}
