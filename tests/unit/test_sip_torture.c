/* RFC 4475: each of its messages, and what a reader makes of it. */
#include "tests/unit/sip_story.h"

static const struct {
	const char *name, *text, *has;
	const char *note; /* behind !, what the document must not say */
} torture[] = {
	{"3.1.1.1 a short tortuous INVITE: compact forms, folding, odd case and space",
	 "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\n"
	 "TO :\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\n"
	 "from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\n  ;\n  tag = 98asjd8\n"
	 "MaX-fOrWaRdS: 0068\nCall-ID: wsinv.ndaksdj@192.0.2.1\nContent-Length   : 150\n"
	 "cseq: 0009\n  INVITE\nVia  : SIP  /   2.0\n /UDP\n    192.0.2.2;branch=390skdjuw\n"
	 "s :\nNewFangledHeader:   newfangled value\n continued newfangled value\n"
	 "UnknownHeaderWithUnusualValue: ;;,,;;,;\nContent-Type: application/sdp\n"
	 "Route:\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\n"
	 "v:  SIP  / 2.0  / TCP     spindle.example.com   ;\n  branch  =   z9hG4bK9ikj8  ,\n"
	 " SIP  /    2.0   / UDP  192.168.255.111   ; branch=\n z9hG4bK30239\n"
	 "m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\n"
	 "      newvalue ;\n  secondparam ; q = 0.33\n\n"
	 "v=0\no=mhandley 29739 7272939 IN IP4 192.0.2.3\ns=-\nc=IN IP4 192.0.2.4\nt=0 0\n"
	 "m=audio 49217 RTP/AVP 0 12\nm=video 3227 RTP/AVP 31\na=rtpmap:31 LPC\n",
	 "\"max_forwards\":68", "!wrong length"},
	{"3.1.1.2 a wide range of valid characters",
	 "!interesting-Method0123456789_*+`.%indeed'~ "
	 "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/"
	 ";;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-"
	 "it)@example.com SIP/2.0\n"
	 "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\n"
	 "To: \"BEL:\\\x07 NUL:\\\x01 DEL:\\\x7f\" "
	 "<sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>\n"
	 "From: token1~` token2'+_ token3*%!.- "
	 "<sip:mundane@example.com>;fromParam''~+*_!.-%=\"работающий\";tag=_token~1'+`*%!-.\n"
	 "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\n"
	 "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\nMax-Forwards: 255\n"
	 "extensionHeader-!.%*+_`'~:\xef\xbb\xbf大停電\nContent-Length: 0\n\n",
	 "\"method\":\"!interesting-Method0123456789_*+`.%indeed'~\"", ""},
	{"3.1.1.3 valid use of the % escaping",
	 "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0\n"
	 "To: sip:%75se%72@example.com\nFrom: <sip:I%20have%20spaces@example.net>;tag=938\n"
	 "Max-Forwards: 87\ni: esc01.239409asdfakjkn23onasd0-3234\nCSeq: 234234 INVITE\n"
	 "Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKkdjuw\n\n",
	 "\"username\":\"sips:user@example.com\",\"host\":\"example.net\"", ""},
	{"3.1.1.4 escaped nulls in URIs",
	 "REGISTER sip:example.com SIP/2.0\n"
	 "To: sip:null-%00-null@example.com\n"
	 "From: sip:null-%00-null@example.com;tag=839923423\n"
	 "Max-Forwards: 70\n"
	 "Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd\n"
	 "CSeq: 14398234 REGISTER\n"
	 "Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw\n"
	 "Contact: <sip:a%00@host5.example.com>\n"
	 "Contact: <sip:%00%00@host5.example.com>\n"
	 "L:0\n"
	 "\n",
	 "\"username\":\"null-\\u0000-null\"", ""},
	{"3.1.1.5 use of % when it is not an escape",
	 "RE%47IST%45R sip:registrar.example.com SIP/2.0\n"
	 "To: \"%Z%45\" <sip:resource@example.com>\n"
	 "From: \"%Z%45\" <sip:resource@example.com>;tag=f232jadfj23\n"
	 "Call-ID: esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf\n"
	 "Via: SIP/2.0/TCP host.example.com;branch=z9hG4bK209%fzsnel234\n"
	 "CSeq: 29344 RE%47IST%45R\n"
	 "Max-Forwards: 70\n"
	 "Contact: <sip:alias1@host1.example.com>\n"
	 "C%6Fntact: <sip:alias2@host2.example.com>\n"
	 "Contact: <sip:alias3@host3.example.com>\n"
	 "l: 0\n"
	 "\n",
	 "\"method\":\"RE%47IST%45R\"", "!sip_registration"},
	{"3.1.1.6 no space between display name and <",
	 "OPTIONS sip:user@example.com SIP/2.0\n"
	 "To: sip:user@example.com\n"
	 "From: caller<sip:caller@example.com>;tag=323\n"
	 "Max-Forwards: 70\n"
	 "Call-ID: lwsdisp.1234abcd@funky.example.com\n"
	 "CSeq: 60 OPTIONS\n"
	 "Via: SIP/2.0/UDP funky.example.com;branch=z9hG4bKkdjuw\n"
	 "l: 0\n"
	 "\n",
	 "\"display_info\":\"caller\",\"tag\":\"323\"", ""},
	{"3.1.1.7 long values in header fields",
	 "INVITE sip:user@example.com SIP/2.0\n"
	 "To: \"I have a user name of "
	 "amazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylo"
	 "ngamazinglylong\" "
	 "<sip:user@example.com:6000;unknownparam1="
	 "amazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylo"
	 "ngamazinglylong;unknownparam2>\n"
	 "F: "
	 "sip:"
	 "amazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylo"
	 "ngamazinglylong@example.net;tag="
	 "12999999999999999999999999999999999999999999999999999999999999982424;"
	 "unknownheaderparamnameamazinglylongamazinglylongamazinglylongamazinglylongamazinglylongam"
	 "azinglylongamazinglylongamazinglylong="
	 "unknowntherevalueamazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazing"
	 "lylongamazinglylongamazinglylong;"
	 "unknownvaluelessparamamazinglylongamazinglylongamazinglylongamazinglylongamazinglylongama"
	 "zinglylongamazinglylongamazinglylong\n"
	 "Call-ID: "
	 "longreq."
	 "oneamazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazingl"
	 "ylongamazinglylongcallid\n"
	 "CSeq: 3882340 INVITE\n"
	 "Unknown-"
	 "amazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylo"
	 "ngamazinglylong-Name: "
	 "unknown-"
	 "amazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylo"
	 "ngamazinglylong-value; "
	 "unknown-"
	 "amazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylo"
	 "ngamazinglylong-parameter-name = "
	 "unknown-"
	 "amazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylo"
	 "ngamazinglylong-value\n"
	 "Via: SIP/2.0/TCP sip33.example.com\n"
	 "v: SIP/2.0/TCP sip32.example.com\n"
	 "V: SIP/2.0/TCP sip31.example.com\n"
	 "Via: SIP/2.0/TCP "
	 "host.example.com;received=192.0.2.5;branch="
	 "veryamazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazing"
	 "lylongamazinglylongbranchvalue\n"
	 "Max-Forwards: 70\n"
	 "Contact: "
	 "<sip:"
	 "amazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylo"
	 "ngamazinglylong@host5.example.net>\n"
	 "\n",
	 "\"call_id\":\"longreq."
	 "oneamazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazinglylongamazingl"
	 "ylongamazinglylongcallid\"",
	 ""},
	{"3.1.1.8 extra trailing octets in a datagram",
	 "REGISTER sip:example.com SIP/2.0\n"
	 "To: sip:j.user@example.com\n"
	 "From: sip:j.user@example.com;tag=43251j3j324\n"
	 "Max-Forwards: 8\n"
	 "I: dblreq.0ha0isndaksdj99sdfafnl3lk233412\n"
	 "Contact: sip:j.user@host.example.com\n"
	 "CSeq: 8 REGISTER\n"
	 "Via: SIP/2.0/UDP 192.0.2.125;branch=z9hG4bKkdjuw23492\n"
	 "Content-Length: 0\n"
	 "\n"
	 "INVITE sip:joe@example.com SIP/2.0\n"
	 "t: sip:joe@example.com\n"
	 "From: sip:caller@example.net;tag=141334\n"
	 "Max-Forwards: 8\n"
	 "Call-ID: dblreq.0ha0isnda977644900765@192.0.2.15\n"
	 "CSeq: 8 INVITE\n"
	 "Via: SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw380234\n"
	 "Content-Length: 0\n"
	 "\n",
	 "\"call_id\":\"dblreq.0ha0isndaksdj99sdfafnl3lk233412\"",
	 "behind another in its datagram"},
	{"3.1.1.9 semicolons within the user part",
	 "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0\nTo: sip:j_user@example.com\n"
	 "From: sip:caller@example.org;tag=33242\nMax-Forwards: 3\n"
	 "Call-ID: semiuri.0ha0isndaksdj\nCSeq: 8 OPTIONS\n"
	 "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw\n\n",
	 "\"username\":\"user;par=u@example.net\",\"host\":\"example.com\"", ""},
	{"3.1.1.10 varied and unknown transport types",
	 "OPTIONS sip:user@example.com SIP/2.0\n"
	 "To: sip:user@example.com\n"
	 "From: <sip:caller@example.com>;tag=323\n"
	 "Max-Forwards: 70\n"
	 "Call-ID: transports.kijh4akdnaqjkwendsasfdj\n"
	 "Accept: application/sdp\n"
	 "CSeq: 60 OPTIONS\n"
	 "Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw\n"
	 "Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf\n"
	 "Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj\n"
	 "Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en\n"
	 "Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee\n"
	 "l: 0\n"
	 "\n",
	 "\"SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en\"", ""},
	{"3.1.1.11 multipart MIME message",
	 "MESSAGE sip:kumiko@example.org SIP/2.0\n"
	 "Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543-;rport\n"
	 "Max-Forwards: 70\n"
	 "Route: <sip:127.0.0.1:5080>\n"
	 "Identity: "
	 "r5mwreLuyDRYBi/0TiPwEsY3rEVsk/"
	 "G2WxhgTV1PF7hHuLIK0YWVKZhKv9Mj8UeXqkMVbnVq37CD+813gvYjcBUaZngQmXc9WNZSDNGCzA=\n"
	 "Content-Type: multipart/mixed;boundary=7a9cbec02ceef655\n"
	 "To: <sip:kumiko@example.org>\n"
	 "From: <sip:fluffy@example.com>;tag=2fb0dcc9\n"
	 "Call-ID: 3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA..\n"
	 "CSeq: 1 MESSAGE\n"
	 "\n"
	 "--7a9cbec02ceef655\n"
	 "Content-Type: text/plain\n"
	 "\n"
	 "Hello\n"
	 "--7a9cbec02ceef655\n"
	 "Content-Type: application/octet-stream\n"
	 "\n"
	 "\\0\\r\\1\n"
	 "--7a9cbec02ceef655--\n",
	 "\"content_type\":\"multipart/mixed;boundary=7a9cbec02ceef655\"", ""},
	{"3.1.1.12 unusual reason phrase",
	 "SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое\n"
	 "Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\n"
	 "Call-ID: unreason.1234ksdfak3j2erwedfsASdf\n"
	 "CSeq: 35 INVITE\n"
	 "From: sip:user@example.com;tag=11141343\n"
	 "To: sip:user@example.edu;tag=2229\n"
	 "Content-Length: 0\n"
	 "\n",
	 "\"status\":\"= 2**3 * 5**2 но сто девяносто девять - простое\"", ""},
	{"3.1.1.13 empty reason phrase",
	 "SIP/2.0 100 \n"
	 "Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe\n"
	 "Call-ID: noreason.asndj203insdf99223ndf\n"
	 "CSeq: 35 INVITE\n"
	 "From: <sip:user@example.com>;tag=39ansfi3\n"
	 "To: <sip:user@example.edu>;tag=902jndnke3\n"
	 "Content-Length: 0\n"
	 "Contact: <sip:user@host105.example.com>\n"
	 "\n",
	 "\"code\":100,\"call_id\":\"noreason", ""},
	{"3.1.2.1 extraneous header field separators",
	 "INVITE sip:user@example.com SIP/2.0\n"
	 "To: sip:j.user@example.com\n"
	 "From: sip:caller@example.net;tag=134161461246\n"
	 "Max-Forwards: 7\n"
	 "Call-ID: badinv01.0ha0isndaksdjasdf3234nas\n"
	 "CSeq: 8 INVITE\n"
	 "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\n"
	 "Contact: \"Joe\" <sip:joe@example.org>;;;;\n"
	 "\n",
	 "\"call_id\":\"badinv01", "malformed header"},
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
	 "Max-Forwards: 300\n"
	 "Expires: 10000000000000000000000000000000000000000000000000000000000000000000000000000"
	 "000000000000000000000000000\n"
	 "Contact: <sip:user@host129.example.com>;expires=280297596632815\n"
	 "Content-Length: 0\n\n",
	 "\"call_id\":\"scalar02", "malformed header"},
	{"3.1.2.5 response scalar fields with overlarge values",
	 "SIP/2.0 503 Service Unavailable\n"
	 "Via: SIP/2.0/TCP host129.example.com;branch=z9hG4bKzzxdiwo34sw;received=192.0.2.129\n"
	 "To: <sip:user@example.com>\n"
	 "From: <sip:other@example.net>;tag=2easdjfejw\n"
	 "CSeq: 9292394834772304023312 OPTIONS\n"
	 "Call-ID: scalarlg.noase0of0234hn2qofoaf0232aewf2394r\n"
	 "Retry-After: 949302838503028349304023988\n"
	 "Warning: 1812 overture \"In Progress\"\n"
	 "Content-Length: 0\n"
	 "\n",
	 "\"call_id\":\"scalarlg", "malformed header"},
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
	{"3.1.2.10 space at the end of the request line",
	 "OPTIONS sip:remote-target@example.com SIP/2.0  \n"
	 "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK299342093\n"
	 "To: <sip:remote-target@example.com>\n"
	 "From: <sip:local-resource@example.com>;tag=329429089\n"
	 "Call-ID: trws.oicu34958239neffasdhr2345r\n"
	 "Accept: application/sdp\n"
	 "CSeq: 238923 OPTIONS\n"
	 "Max-Forwards: 70\n"
	 "Content-Length: 0\n"
	 "\n",
	 "\"call_id\":\"trws", "malformed start line"},
	{"3.1.2.11 escaped headers in the Request-URI",
	 "INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0\n"
	 "To: sip:user@example.com\n"
	 "From: sip:caller@example.net;tag=341518\n"
	 "Max-Forwards: 7\n"
	 "Contact: <sip:caller@host39923.example.net>\n"
	 "Call-ID: escruri.23940-asdfhj-aje3br-234q098w-fawerh2q-h4n5\n"
	 "CSeq: 149209342 INVITE\n"
	 "Via: SIP/2.0/UDP host-of-the-hour.example.com;branch=z9hG4bKkdjuw\n"
	 "\n",
	 "\"call_id\":\"escruri", "malformed start line"},
	{"3.1.2.12 invalid time zone in Date",
	 "INVITE sip:user@example.com SIP/2.0\n"
	 "To: sip:user@example.com\n"
	 "From: sip:caller@example.net;tag=2234923\n"
	 "Max-Forwards: 70\n"
	 "Call-ID: baddate.239423mnsadf3j23lj42--sedfnm234\n"
	 "CSeq: 1392934 INVITE\n"
	 "Via: SIP/2.0/UDP host.example.com;branch=z9hG4bKkdjuw\n"
	 "Date: Fri, 01 Jan 2010 16:00:00 EST\n"
	 "Contact: <sip:caller@host5.example.net>\n"
	 "\n",
	 "\"call_id\":\"baddate", "malformed header"},
	{"3.1.2.13 a Contact URI with headers outside of <>",
	 "REGISTER sip:example.com SIP/2.0\n"
	 "To: sip:user@example.com\n"
	 "From: sip:user@example.com;tag=998332\n"
	 "Max-Forwards: 70\n"
	 "Call-ID: regbadct.k345asrl3fdbv@10.0.0.1\n"
	 "CSeq: 1 REGISTER\n"
	 "Via: SIP/2.0/UDP 135.180.130.133:5060;branch=z9hG4bKkdjuw\n"
	 "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E\n"
	 "l: 0\n"
	 "\n",
	 "\"call_id\":\"regbadct", "malformed header"},
	{"3.1.2.14 spaces within addr-spec",
	 "OPTIONS sip:user@example.org SIP/2.0\n"
	 "Via: SIP/2.0/UDP host4.example.com:5060;branch=z9hG4bKkdju43234\n"
	 "Max-Forwards: 70\n"
	 "From: \"Bell, Alexander\" <sip:a.g.bell@example.com>;tag=433423\n"
	 "To: \"Watson, Thomas\" < sip:t.watson@example.org >\n"
	 "Call-ID: badaspec.sdf0234n2nds0a099u23h3hnnw009cdkne3\n"
	 "Accept: application/sdp\n"
	 "CSeq: 3923239 OPTIONS\n"
	 "l: 0\n"
	 "\n",
	 "\"call_id\":\"badaspec", "malformed header"},
	{"3.1.2.15 non-token characters in a display name",
	 "OPTIONS sip:t.watson@example.org SIP/2.0\n"
	 "Via: SIP/2.0/UDP c.example.com:5060;branch=z9hG4bKkdjuw\n"
	 "Max-Forwards: 70\n"
	 "From: Bell, Alexander <sip:a.g.bell@example.com>;tag=43\n"
	 "To: Watson, Thomas <sip:t.watson@example.org>\n"
	 "Call-ID: baddn.31415@c.example.com\n"
	 "Accept: application/sdp\n"
	 "CSeq: 3923239 OPTIONS\n"
	 "l: 0\n"
	 "\n",
	 "\"call_id\":\"baddn", "malformed header"},
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
	{"3.1.2.18 unknown method with another in CSeq",
	 "NEWMETHOD sip:user@example.com SIP/2.0\n"
	 "To: sip:j.user@example.com\n"
	 "From: sip:caller@example.net;tag=34525\n"
	 "Max-Forwards: 6\n"
	 "Call-ID: mismatch02.dj0234sxdfl3\n"
	 "CSeq: 8 INVITE\n"
	 "Contact: <sip:caller@host.example.net>\n"
	 "Via: SIP/2.0/UDP host.example.net;branch=z9hG4bKkdjuw\n"
	 "\n",
	 "\"method\":\"NEWMETHOD\",\"call_id\":\"mismatch02", "other method in CSeq"},
	{"3.1.2.19 overlarge response code",
	 "SIP/2.0 4294967301 better not break the receiver\n"
	 "Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe\n"
	 "Call-ID: bigcode.asdof3uj203asdnf3429uasdhfas3ehjasdfas9i\n"
	 "CSeq: 353494 INVITE\n"
	 "From: <sip:user@example.com>;tag=39ansfi3\n"
	 "To: <sip:user@example.edu>;tag=902jndnke3\n"
	 "Content-Length: 0\n"
	 "Contact: <sip:user@host105.example.com>\n"
	 "\n",
	 "\"call_id\":\"bigcode", "malformed start line"},
	{"3.2.1 missing transaction identifier",
	 "OPTIONS sip:user@example.com SIP/2.0\n"
	 "To: sip:user@example.com\n"
	 "From: sip:caller@example.org;tag=33242\n"
	 "Max-Forwards: 3\n"
	 "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK\n"
	 "Accept: application/sdp\n"
	 "Call-ID: badbranch.sadonfo23i420jv0as0derf3j3n\n"
	 "CSeq: 8 OPTIONS\n"
	 "l: 0\n"
	 "\n",
	 "\"call_id\":\"badbranch", "no magic cookie"},
	{"3.3.1 missing required header fields",
	 "INVITE sip:user@example.com SIP/2.0\nCSeq: 193942 INVITE\n"
	 "Via: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKkdj.insuf\nContent-Type: application/sdp\n\n",
	 "\"branch\":\"z9hG4bKkdj.insuf\"", "missing header"},
	{"3.3.2 Request-URI with an unknown scheme",
	 "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0\n"
	 "To: sip:user@example.com\n"
	 "From: sip:caller@example.net;tag=384\n"
	 "Max-Forwards: 3\n"
	 "Call-ID: unkscm.nasdfasser0q239nwsdfasdkl34\n"
	 "CSeq: 3923423 OPTIONS\n"
	 "Via: SIP/2.0/TCP host9.example.com;branch=z9hG4bKkdjuw39234\n"
	 "Content-Length: 0\n"
	 "\n",
	 "\"scheme\":\"nobodyKnowsThisScheme\"", ""},
	{"3.3.3 Request-URI with a known but atypical scheme",
	 "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0\n"
	 "To: sip:user@example.com\n"
	 "From: sip:caller@example.net;tag=384\n"
	 "Max-Forwards: 3\n"
	 "Call-ID: novelsc.asdfasser0q239nwsdfasdkl34\n"
	 "CSeq: 3923423 OPTIONS\n"
	 "Via: SIP/2.0/TCP host9.example.com;branch=z9hG4bKkdjuw39234\n"
	 "Content-Length: 0\n"
	 "\n",
	 "\"scheme\":\"soap.beep\"", ""},
	{"3.3.4 unknown schemes in header fields",
	 "REGISTER sip:example.com SIP/2.0\n"
	 "To: isbn:2983792873\n"
	 "From: <http://www.example.com>;tag=3234233\n"
	 "Call-ID: unksm2.daksdj@hyphenated-host.example.com\n"
	 "CSeq: 234902 REGISTER\n"
	 "Max-Forwards: 70\n"
	 "Via: SIP/2.0/UDP 192.0.2.21:5060;branch=z9hG4bKkdjuw\n"
	 "Contact: <name:John_Smith>\n"
	 "l: 0\n"
	 "\n",
	 "\"contact\":\"name:John_Smith\"", ""},
	{"3.3.5 Proxy-Require and Require",
	 "OPTIONS sip:user@example.com SIP/2.0\n"
	 "To: sip:j_user@example.com\n"
	 "From: sip:caller@example.net;tag=242etr\n"
	 "Max-Forwards: 6\n"
	 "Call-ID: bext01.0ha0isndaksdj\n"
	 "Require: nothingSupportsThis, nothingSupportsThisEither\n"
	 "Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis\n"
	 "CSeq: 8 OPTIONS\n"
	 "Via: SIP/2.0/TLS fold-and-staple.example.com;branch=z9hG4bKkdjuw\n"
	 "Content-Length: 0\n"
	 "\n",
	 "\"call_id\":\"bext01.0ha0isndaksdj\"", ""},
	{"3.3.6 unknown Content-Type",
	 "INVITE sip:user@example.com SIP/2.0\n"
	 "Contact: <sip:caller@host5.example.net>\n"
	 "To: sip:j.user@example.com\n"
	 "From: sip:caller@example.net;tag=8392034\n"
	 "Max-Forwards: 70\n"
	 "Call-ID: invut.0ha0isndaksdjadsfij34n23d\n"
	 "CSeq: 235448 INVITE\n"
	 "Via: SIP/2.0/UDP somehost.example.com;branch=z9hG4bKkdjuw\n"
	 "Content-Type: application/unknownformat\n"
	 "Content-Length: 40\n"
	 "\n"
	 "<audio>\n"
	 " <pcmu port=\"443\"/>\n"
	 "</audio>\n",
	 "\"content_type\":\"application/unknownformat\"", "!\"sdp\""},
	{"3.3.7 unknown authorization scheme",
	 "REGISTER sip:example.com SIP/2.0\n"
	 "To: sip:j.user@example.com\n"
	 "From: sip:j.user@example.com;tag=87321hj23128\n"
	 "Max-Forwards: 8\n"
	 "Call-ID: regaut01.0ha0isndaksdj\n"
	 "CSeq: 9338 REGISTER\n"
	 "Via: SIP/2.0/TCP 192.0.2.253;branch=z9hG4bKkdjuw\n"
	 "Authorization: NoOneKnowsThisScheme opaque-data=here\n"
	 "Content-Length:0\n"
	 "\n",
	 "\"auth\":{\"scheme\":\"NoOneKnowsThisScheme\"}", "!opaque-data"},
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
	{"3.3.10 200 with a broadcast Via",
	 "SIP/2.0 200 OK\n"
	 "Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\n"
	 "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\n"
	 "Call-ID: bcast.0384840201234ksdfak3j2erwedfsASdf\n"
	 "CSeq: 35 INVITE\n"
	 "From: sip:user@example.com;tag=11141343\n"
	 "To: sip:user@example.edu;tag=2229\n"
	 "Content-Length: 0\n"
	 "\n",
	 "\"SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\"", ""},
	{"3.3.11 Max-Forwards of zero",
	 "OPTIONS sip:user@example.com SIP/2.0\n"
	 "To: sip:user@example.com\n"
	 "From: sip:caller@example.net;tag=3ghsd41\n"
	 "Call-ID: zeromf.jfasdlfnm2o2l43r5u0asdfas\n"
	 "CSeq: 39234321 OPTIONS\n"
	 "Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bKkdjuw2349i\n"
	 "Max-Forwards: 0\n"
	 "Content-Length: 0\n"
	 "\n",
	 "\"max_forwards\":0", ""},
	{"3.3.12 REGISTER with a contact header parameter",
	 "REGISTER sip:example.com SIP/2.0\n"
	 "Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw\n"
	 "Max-Forwards: 70\n"
	 "From: sip:watson@example.com;tag=DkfVgjkrtMwaerKKpe\n"
	 "To: sip:watson@example.com\n"
	 "Call-ID: cparam01.70710@saturn.example.com\n"
	 "CSeq: 2 REGISTER\n"
	 "Contact: sip:+19725552222@gw1.example.net;unknownparam\n"
	 "l: 0\n"
	 "\n",
	 "\"contact\":\"sip:+19725552222@gw1.example.net\"}", ""},
	{"3.3.13 REGISTER with a URI parameter",
	 "REGISTER sip:example.com SIP/2.0\n"
	 "Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw\n"
	 "Max-Forwards: 70\n"
	 "From: sip:watson@example.com;tag=838293\n"
	 "To: sip:watson@example.com\n"
	 "Call-ID: cparam02.70710@saturn.example.com\n"
	 "CSeq: 3 REGISTER\n"
	 "Contact: <sip:+19725552222@gw1.example.net;unknownparam>\n"
	 "l: 0\n"
	 "\n",
	 "\"contact\":\"sip:+19725552222@gw1.example.net;unknownparam\"}", ""},
	{"3.3.14 REGISTER with an escaped header in a URI",
	 "REGISTER sip:example.com SIP/2.0\n"
	 "To: sip:user@example.com\n"
	 "From: sip:user@example.com;tag=8\n"
	 "Max-Forwards: 70\n"
	 "Call-ID: regescrt.k345asrl3fdbv@192.0.2.1\n"
	 "CSeq: 14398234 REGISTER\n"
	 "Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw\n"
	 "M: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>\n"
	 "L:0\n"
	 "\n",
	 "\"contact\":\"sip:user@example.com?Route=%3Csip:sip.example.com%3E\"}", ""},
	{"3.3.15 an Accept that nobody can offer",
	 "INVITE sip:user@example.com SIP/2.0\n"
	 "To: sip:j_user@example.com\n"
	 "Contact: <sip:caller@host15.example.net>\n"
	 "From: sip:caller@example.net;tag=234\n"
	 "Max-Forwards: 5\n"
	 "Call-ID: sdp01.ndaksdj9342dasdd\n"
	 "Accept: text/nobodyKnowsThis\n"
	 "CSeq: 8 INVITE\n"
	 "Via: SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw\n"
	 "\n",
	 "\"accept\":[\"text/nobodyKnowsThis\"]", ""},
	{"3.4.1 INVITE with RFC 2543 syntax",
	 "INVITE sip:UserB@example.com SIP/2.0\n"
	 "Via: SIP/2.0/UDP iftgw.example.com\n"
	 "From: <sip:+13035551111@ift.client.example.net;user=phone>\n"
	 "Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>\n"
	 "To: sip:+16505552222@ss1.example.net;user=phone\n"
	 "Call-ID: inv2543.1717@ift.client.example.com\n"
	 "CSeq: 56 INVITE\n"
	 "Content-Type: application/sdp\n"
	 "\n"
	 "v=0\n"
	 "o=mhandley 29739 7272939 IN IP4 192.0.2.5\n"
	 "s=-\n"
	 "c=IN IP4 192.0.2.5\n"
	 "t=0 0\n"
	 "m=audio 49217 RTP/AVP 0\n",
	 "\"call_id\":\"inv2543", "no magic cookie"},
};

Test(sip_torture, rfc_4475)
{
	cr_assert_eq(sizeof(torture) / sizeof(torture[0]), 49, "all of them");
	for (size_t i = 0; i < sizeof(torture) / sizeof(torture[0]); i++) {
		struct story *s = sip_begin();

		sip_says(s, 1, 2, torture[i].text);
		sip_wait(s, 40);
		const char *doc = sip_documents(s);

		cr_assert(strstr(doc, torture[i].has), "%s: %s", torture[i].name, doc);
		if (torture[i].note[0] && torture[i].note[0] != '!')
			cr_assert(strstr(doc, torture[i].note), "%s: %s", torture[i].name, doc);
		else
			cr_assert(!strstr(doc, "malformed") && !strstr(doc, "missing"), "%s: %s",
				  torture[i].name, doc);
		if (torture[i].note[0] == '!')
			cr_assert(!strstr(doc, torture[i].note + 1), "%s: %s", torture[i].name,
				  doc);
		sip_end(s);
	}
}
