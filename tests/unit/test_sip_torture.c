/*
 * RFC 4475: each of its messages, byte for byte as in the archive of its appendix A, and what a
 * reader of both directions makes of it. Behind each, a transaction on the same way must be read.
 */
#include "tests/unit/sip_story.h"

#include <stdio.h>

#define MESSAGES "tests/unit/rfc4475/"

enum { SAYS_MAX = 6, BYTES_OF_ALL = 24690 };

static const char session[] =
	"\"offer\":{\"address\":[\"192.0.2.1\",\"192.0.2.1\"],\"port\":[49217,3227],"
	"\"media\":[\"audio\",\"video\"],\"codec\":[\"PCMU/8000\",\"QCELP/8000\",\"LPC\"]}";

/* Without notes the RFC holds a message to be good, or leaves it to the receiver. */
static const struct torture {
	const char *section, *name;
	const char *notes; /* NULL: none */
	const char *says[SAYS_MAX];
	const char *lacks;
} torture[] = {
	{"3.1.1.1 short tortuous INVITE",
	 "wsinv",
	 "\"no magic cookie\"",
	 {"\"cseq\":{\"code\":9,\"method\":\"INVITE\"}", "\"max_forwards\":68",
	  "\"to\":{\"tag\":\"1918181833n\",\"uri\":{\"original\":\"sip:vivekg@chair-dnrc",
	  "\"from\":{\"display_info\":\"J Rosenberg \\\\\\\\\\\\\\\"\",\"tag\":\"98asjd8\"",
	  "\"content_length\":150,\"sdp\":{", "\"q\":\"0.33\""},
	 NULL},
	{"3.1.1.2 wide range of valid characters",
	 "intmeth",
	 NULL,
	 {"\"method\":\"!interesting-Method0123456789_*+`.%indeed'~\",\"call_id\"",
	  "\"call_id\":\"intmeth.word%ZK-!.*_+'@word`~)(><:\\\\/\\\"][?}{\"",
	  "\"username\":\"1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*\"",
	  "\"display_info\":\"token1~` token2'+_ token3*%!.-\",\"tag\":\"_token~1'+`*%!-.\"",
	  "\"display_info\":\"BEL:\\\\\\u0007 NUL:\\\\\\u0000 DEL:\\\\\x7f\"",
	  "\"branch\":\"z9hG4bK-.!%66*_+`'~\""},
	 "weird!*pas"},
	{"3.1.1.3 valid use of the % escaping",
	 "esc01",
	 NULL,
	 {"\"username\":\"sips:user@example.com\",\"host\":\"example.net\"",
	  "\"original\":\"sip:%75se%72@example.com\",\"scheme\":\"sip\",\"username\":\"user\"",
	  "\"username\":\"I have spaces\"",
	  "\"original\":\"sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31\"",
	  session},
	 NULL},
	{"3.1.1.4 escaped nulls in URIs",
	 "escnull",
	 NULL,
	 {"\"username\":\"null-\\u0000-null\",\"host\":\"example.com\"",
	  "\"aor\":\"sip:null-%00-null@example.com\",\"contact\":\"sip:%00@host5.example.com\"",
	  "\"username\":\"\\u0000\",\"host\":\"host5.example.com\""},
	 NULL},
	{"3.1.1.5 % that is no escape",
	 "esc02",
	 NULL,
	 {"\"method\":\"RE%47IST%45R\",\"call_id\"", "\"display_info\":\"%Z%45\"",
	  "\"branch\":\"z9hG4bK209%fzsnel234\"",
	  "\"cseq\":{\"code\":29344,\"method\":\"RE%47IST%45R\"}", "alias1@host1"},
	 "sip_registration"},
	{"3.1.1.6 no space between display name and <",
	 "lwsdisp",
	 NULL,
	 {"\"display_info\":\"caller\",\"tag\":\"323\"", "sip:caller@example.com\""},
	 NULL},
	{"3.1.1.7 long values",
	 "longreq",
	 "\"no magic cookie\",\"list cut\"",
	 {"reallyreallylongcallid\"", "982982424\",\"uri\":",
	  "extremeextreme proportion\",\"uri\":", "ParameterNameWithNoValue\"",
	  "amazinglylongcallername\",\"host\":\"host5.example.net\"", session},
	 NULL},
	{"3.1.1.8 octets behind the message in a datagram",
	 "dblreq",
	 "\"behind another in its datagram\"",
	 {"\"call_id\":\"dblreq.0ha0isndaksdj99sdfafnl3lk233412\",\"branch\"",
	  "\"aor\":\"sip:j.user@example.com\",\"contact\":\"sip:j.user@host.example.com\"",
	  "\"call_id\":\"dblreq.0ha0isnda977644900765@192.0.2.15\",\"branch\""},
	 NULL},
	{"3.1.1.9 semicolons in the user part",
	 "semiuri",
	 NULL,
	 {"\"username\":\"user;par=u@example.net\",\"host\":\"example.com\"",
	  "\"accept\":[\"application/sdp\",\"application/pkcs7-mime\",\"multipart/mixed\","
	  "\"multipart/signed\",\"message/sip\",\"message/sipfrag\"]"},
	 NULL},
	{"3.1.1.10 varied and unknown transports",
	 "transports",
	 NULL,
	 {"\"call_id\":\"transports.kijh4akdnaqjkwendsasfdj\"",
	  "[\"SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw\","
	  "\"SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf\","
	  "\"SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj\","
	  "\"SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en\","
	  "\"SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee\"]"},
	 NULL},
	{"3.1.1.11 multipart MIME with NULs and line ends in it",
	 "mpart01",
	 NULL,
	 {"\"content_type\":\"multipart/mixed;boundary=7a9cbec02ceef655\","
	  "\"content_length\":553",
	  "\"original\":\"SIPimp.org/0.2.5 (curses)\""},
	 "alifornia"},
	{"3.1.1.12 unusual reason phrase",
	 "unreason",
	 NULL,
	 {"\"code\":200,\"status\":\"= 2**3 * 5**2 но сто девяносто девять - простое\"",
	  "\"content_length\":154"},
	 NULL},
	{"3.1.1.13 empty reason phrase",
	 "noreason",
	 NULL,
	 {"\"code\":100,\"call_id\":\"noreason.asndj203insdf99223ndf\"",
	  "\"provisional\":{\"code\":[100]}"},
	 NULL},
	{"3.1.2.1 separators with nothing between",
	 "badinv01",
	 "\"malformed header\",\"no magic cookie\"",
	 {"\"call_id\":\"badinv01.0ha0isndaksdjasdf3234nas\""},
	 NULL},
	{"3.1.2.2 Content-Length larger than the message",
	 "clerr",
	 "\"wrong length\"",
	 {"\"call_id\":\"clerr.0ha0isndaksdjweiafasdk3\"", "\"content_length\":9999"},
	 NULL},
	{"3.1.2.3 negative Content-Length",
	 "ncl",
	 "\"wrong length\"",
	 {"\"call_id\":\"ncl.0ha0isndaksdj2193423r542w35\"", "\"cseq\":{\"code\":0,"},
	 "\"content_length\""},
	{"3.1.2.4 overlarge numbers in a request",
	 "scalar02",
	 "\"malformed header\"",
	 {"\"call_id\":\"scalar02.23o0pd9vanlq3wnrlnewofjas9ui32\"",
	  "\"cseq\":{\"method\":\"REGISTER\"}", "\"contact\":\"sip:user@host129.example.com\"}"},
	 "280297596632815"},
	{"3.1.2.5 overlarge numbers in a response",
	 "scalarlg",
	 "\"malformed header\"",
	 {"\"code\":503,\"status\":\"Service Unavailable\",\"call_id\":\"scalarlg.",
	  "\"cseq\":{\"method\":\"OPTIONS\"}", "\"Unmatched response\""},
	 NULL},
	{"3.1.2.6 unterminated quoted string in a display name",
	 "quotbal",
	 "\"malformed header\"",
	 {"\"call_id\":\"quotbal.aksdj\"",
	  "\"to\":{\"uri\":{\"original\":\"\\\"Mr. J. User <sip:j.user@example.com>\"}}"},
	 "\"username\":\"j.user\""},
	{"3.1.2.7 <> around the Request-URI",
	 "ltgtruri",
	 "\"malformed start line\",\"no magic cookie\"",
	 {"\"call_id\":\"ltgtruri.1@192.0.2.5\"", "\"query_fingerprint\":\"INVITE\"",
	  "\"uri\":{\"original\":\"<sip:user@example.com>\"}"},
	 NULL},
	{"3.1.2.8 a space in the Request-URI",
	 "lwsruri",
	 "\"malformed start line\"",
	 {"\"call_id\":\"lwsruri.asdfasdoeoi2323-asdfwrn23-asd834rk423\"",
	  "\"uri\":{\"original\":\"sip:user@example.com; lr\"", "\"code\":2130706432"},
	 NULL},
	{"3.1.2.9 several spaces in the start line",
	 "lwsstart",
	 "\"malformed start line\"",
	 {"\"call_id\":\"lwsstart.dfknq234oi243099adsdfnawe3@example.com\"",
	  "\"uri\":{\"original\":\"sip:user@example.com\"", session},
	 NULL},
	{"3.1.2.10 spaces behind the start line",
	 "trws",
	 "\"malformed start line\"",
	 {"\"version\":\"2.0\",\"method\":\"OPTIONS\",\"call_id\":\"trws.oicu34958239neffasdhr"},
	 NULL},
	{"3.1.2.11 headers in the Request-URI",
	 "escruri",
	 "\"malformed start line\"",
	 {"\"call_id\":\"escruri.23940-asdfhj-aje3br-234q098w-fawerh2q-h4n5\"",
	  "\"original\":\"sip:user@example.com?Route=%3Csip:example.com%3E\"", session},
	 NULL},
	{"3.1.2.12 a time zone in Date that is not GMT",
	 "baddate",
	 "\"malformed header\"",
	 {"\"call_id\":\"baddate.239423mnsadf3j23lj42--sedfnm234\"", "\"content_length\":150"},
	 NULL},
	{"3.1.2.13 Contact with headers of its URI, without <>",
	 "regbadct",
	 "\"malformed header\"",
	 {"\"call_id\":\"regbadct.k345asrl3fdbv@10.0.0.1\"", "\"state\":\"unanswered\""},
	 NULL},
	{"3.1.2.14 spaces within <>",
	 "badaspec",
	 "\"malformed header\"",
	 {"\"call_id\":\"badaspec.sdf0234n2nds0a099u23h3hnnw009cdkne3\"",
	  "\"display_info\":\"Watson, Thomas\",\"uri\":{\"original\":\"sip:t.watson@example.org\""},
	 NULL},
	{"3.1.2.15 no token in a display name",
	 "baddn",
	 "\"malformed header\"",
	 {"\"call_id\":\"baddn.31415@c.example.com\"", "\"display_info\":\"Bell, Alexander\"",
	  "\"max_forwards\":70"},
	 NULL},
	{"3.1.2.16 unknown version",
	 "badvers",
	 "\"malformed start line\"",
	 {"\"version\":\"7.0\",\"method\":\"OPTIONS\",\"call_id\":\"badvers.31417@c.example.com\""},
	 NULL},
	{"3.1.2.17 start line and CSeq name different methods",
	 "mismatch01",
	 "\"other method in CSeq\"",
	 {"\"method\":\"OPTIONS\",\"call_id\":\"mismatch01.dj0234sxdfl3\"",
	  "\"cseq\":{\"code\":8,\"method\":\"INVITE\"}"},
	 "\"type\":\"sip_call\""},
	{"3.1.2.18 the same, and the first one is unknown",
	 "mismatch02",
	 "\"other method in CSeq\"",
	 {"\"method\":\"NEWMETHOD\",\"call_id\":\"mismatch02.dj0234sxdfl3\"",
	  "\"cseq\":{\"code\":8,\"method\":\"INVITE\"}", "\"content_length\":138"},
	 "\"type\":\"sip_call\""},
	{"3.1.2.19 overlarge status code",
	 "bigcode",
	 "\"malformed start line\"",
	 {"\"call_id\":\"bigcode.asdof3uj203asdnf3429uasdhfas3ehjasdfas9i\"",
	  "\"status\":\"better not break the receiver\"", "\"Unmatched response\""},
	 "\"provisional\""},
	{"3.2.1 branch without an identifier",
	 "badbranch",
	 "\"no magic cookie\"",
	 {"\"call_id\":\"badbranch.sadonfo23i420jv0as0derf3j3n\"", "\"branch\":\"z9hG4bK\""},
	 NULL},
	{"3.3.1 headers missing",
	 "insuf",
	 "\"missing header\"",
	 {"\"branch\":\"z9hG4bKkdj.insuf\",\"cseq\":{\"code\":193942,\"method\":\"INVITE\"}"},
	 "\"sip_call\""},
	{"3.3.2 unknown scheme in the Request-URI",
	 "unkscm",
	 NULL,
	 {"\"uri\":{\"original\":\"nobodyKnowsThisScheme:totallyopaquecontent\","
	  "\"scheme\":\"nobodyKnowsThisScheme\"}"},
	 NULL},
	{"3.3.3 known but atypical scheme in the Request-URI",
	 "novelsc",
	 NULL,
	 {"\"uri\":{\"original\":\"soap.beep://192.0.2.103:3002\",\"scheme\":\"soap.beep\"}"},
	 NULL},
	{"3.3.4 unknown schemes in headers",
	 "unksm2",
	 NULL,
	 {"\"to\":{\"uri\":{\"original\":\"isbn:2983792873\",\"scheme\":\"isbn\"}}",
	  "\"uri\":{\"original\":\"http://www.example.com\",\"scheme\":\"http\"}",
	  "\"contact\":{\"uri\":{\"original\":\"name:John_Smith\",\"scheme\":\"name\"}}"},
	 NULL},
	{"3.3.5 Proxy-Require and Require",
	 "bext01",
	 NULL,
	 {"\"method\":\"OPTIONS\",\"call_id\":\"bext01.0ha0isndaksdj\"",
	  "\"SIP/2.0/TLS fold-and-staple.example.com;branch=z9hG4bKkdjuw\""},
	 NULL},
	{"3.3.6 unknown Content-Type",
	 "invut",
	 NULL,
	 {"\"content_type\":\"application/unknownformat\",\"content_length\":40"},
	 "sdp"},
	{"3.3.7 unknown authorization scheme",
	 "regaut01",
	 NULL,
	 {"\"auth\":{\"scheme\":\"NoOneKnowsThisScheme\"}"},
	 "opaque-data"},
	{"3.3.8 repeated headers that stand once",
	 "multi01",
	 "\"repeated header\"",
	 {"\"call_id\":\"multi01.98asdh@192.0.2.1\"", "\"cseq\":{\"code\":5,",
	  "\"tag\":\"3413415\"", "\"max_forwards\":70"},
	 "sip:other@example.net"},
	{"3.3.9 two Content-Lengths",
	 "mcl01",
	 "\"repeated header\"",
	 {"\"call_id\":\"mcl01.fhn2323orihawfdoa3o4r52o3irsdf\"", "\"content_length\":13"},
	 "octets"},
	{"3.3.10 200 with a broadcast address in Via",
	 "bcast",
	 NULL,
	 {"\"code\":200,\"status\":\"OK\",\"call_id\":\"bcast.0384840201234ksdfak3j2erwedfsASdf\"",
	  "\"SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\"", "\"Unmatched response\""},
	 NULL},
	{"3.3.11 Max-Forwards of zero", "zeromf", NULL, {"\"max_forwards\":0"}, NULL},
	{"3.3.12 parameter of a Contact",
	 "cparam01",
	 NULL,
	 {"\"contact\":\"sip:+19725552222@gw1.example.net\"}"},
	 "unknownparam"},
	{"3.3.13 parameter of a Contact's URI",
	 "cparam02",
	 NULL,
	 {"\"contact\":\"sip:+19725552222@gw1.example.net;unknownparam\"}"},
	 NULL},
	{"3.3.14 escaped header in a Contact's URI",
	 "regescrt",
	 NULL,
	 {"\"contact\":\"sip:user@example.com?Route=%3Csip:sip.example.com%3E\"}"},
	 NULL},
	{"3.3.15 an Accept that nobody can offer",
	 "sdp01",
	 NULL,
	 {"\"accept\":[\"text/nobodyKnowsThis\"]", "\"content_length\":150"},
	 NULL},
	{"3.4.1 INVITE of RFC 2543",
	 "inv2543",
	 "\"no magic cookie\"",
	 {"\"call_id\":\"inv2543.1717@ift.client.example.com\"",
	  "\"uri\":{\"original\":\"sip:+16505552222@ss1.example.net\"",
	  "\"offer\":{\"address\":[\"192.0.2.5\"],\"port\":[49217],\"media\":[\"audio\"],"},
	 NULL},
};

static size_t message_read(const char *name, uint8_t to[TEXT_MAX])
{
	char path[128];

	snprintf(path, sizeof(path), MESSAGES "%s.sip", name);
	FILE *f = fopen(path, "rb");

	cr_assert(f, "%s", path);
	size_t n = fread(to, 1, TEXT_MAX, f);

	fclose(f);
	cr_assert(n > 0 && n < TEXT_MAX, "%s", path);
	return n;
}

/* The message from 1 to 2, then a transaction on the same way. */
static const char *told(struct story *s, struct bytes message)
{
	sip_raw(s, 1, 5060, 2, 5060, message);
	sip_usual(s, 1, 2, "INFO sip:bob@example.org SIP/2.0", "good", "7 INFO", "", "");
	sip_usual(s, 2, 1, "SIP/2.0 200 Good", "good", "7 INFO", ";tag=t", "");
	sip_wait(s, 40);
	return sip_documents(s);
}

static void check_notes(const struct torture *t, const char *doc)
{
	char want[128];

	if (t->notes) {
		snprintf(want, sizeof(want), "%s]", t->notes);
		cr_assert(strstr(doc, want), "%s: no %s in %s", t->section, want, doc);
		return;
	}
	for (const char *const *note = proto_sip.notes; *note; note++)
		cr_assert(!strstr(doc, *note), "%s: %s in %s", t->section, *note, doc);
}

Test(sip_torture, rfc_4475)
{
	uint8_t wire[TEXT_MAX];
	size_t all = 0;

	cr_assert_eq(sizeof(torture) / sizeof(torture[0]), 49, "all of them");
	for (const struct torture *t = torture; t < torture + 49; t++) {
		struct story *s = sip_begin();
		size_t n = message_read(t->name, wire);
		const char *doc = told(s, bytes_of(wire, n));

		all += n;
		for (int i = 0; i < SAYS_MAX && t->says[i]; i++)
			cr_assert(strstr(doc, t->says[i]), "%s: no %s in %s", t->section,
				  t->says[i], doc);
		if (t->lacks)
			cr_assert(!strstr(doc, t->lacks), "%s: %s in %s", t->section, t->lacks,
				  doc);
		check_notes(t, doc);
		cr_assert(strstr(doc, "\"code\":200,\"status\":\"Good\",\"call_id\":\"one\""),
			  "%s: %s", t->section, doc);
		sip_end(s);
	}
	cr_assert_eq(all, BYTES_OF_ALL, "line ends and NULs as they were");
}

/* An answer whose status is no number ends nothing: the next one does. */
Test(sip_torture, overlarge_status_answers_nothing)
{
	struct story *s = sip_begin();

	sip_usual(s, 1, 2, "OPTIONS sip:bob@example.org SIP/2.0", "1", "1 OPTIONS", "", "");
	sip_usual(s, 2, 1, "SIP/2.0 4294967301 Big", "1", "1 OPTIONS", ";tag=t", "");
	sip_usual(s, 2, 1, "SIP/2.0 200 OK", "1", "1 OPTIONS", ";tag=t", "");
	sip_wait(s, 40);
	const char *doc = sip_documents(s);

	HAS(doc, "\"code\":200,\"status\":\"OK\"");
	HAS(doc, "\"notes\":[\"malformed start line\"]");
	LACKS(doc, "provisional");
	LACKS(doc, "Big");
	sip_end(s);
}

/* On a stream the messages that are wrong about their length are the last that can be read. */
Test(sip_torture, lengths_on_a_stream)
{
	static const char *const names[] = {"clerr", "ncl", "mcl01"};
	static const char *const notes[] = {NULL, "\"wrong length\"", "\"repeated header\""};
	uint8_t wire[TEXT_MAX];

	for (int i = 0; i < 3; i++) {
		struct story *s = sip_begin();
		struct way *w = sip_way_new(s, 1, 40000, 2, 5060);

		conn_free(w->conn, FLOW_FIN);
		w->ends.transport = TRANSPORT_TCP;
		w->conn = conn_new(s->engine, &w->flow);
		conn_data(w->conn, CLIENT,
			  &(struct piece){.bytes = bytes_of(wire, message_read(names[i], wire)),
					  .when = s->now,
					  .peer_at = PEER_UNKNOWN});
		sip_wait(s, 40);
		const char *doc = sip_documents(s);

		if (notes[i])
			cr_assert(strstr(doc, notes[i]), "%s: %s", names[i], doc);
		else
			cr_assert_str_eq(doc, "", "%s: more is awaited", names[i]);
		sip_end(s);
	}
}
