/* RFC 4475: each of its messages, and what a reader makes of it. */
#include "tests/unit/sip_story.h"

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

Test(sip_torture, rfc_4475)
{
	for (size_t i = 0; i < sizeof(torture) / sizeof(torture[0]); i++) {
		struct story *s = sip_begin();

		sip_says(s, 1, 2, torture[i].text);
		sip_wait(s, 40);
		const char *doc = sip_documents(s);

		cr_assert(strstr(doc, torture[i].has), "%s: %s", torture[i].name, doc);
		if (torture[i].note[0])
			cr_assert(strstr(doc, torture[i].note), "%s: %s", torture[i].name, doc);
		else
			cr_assert(!strstr(doc, "malformed") && !strstr(doc, "missing"), "%s: %s",
				  torture[i].name, doc);
		sip_end(s);
	}
}
