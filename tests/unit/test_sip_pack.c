/* What is kept of a SIP message is what stood in it, wherever its head is cut. */
#include <criterion/criterion.h>

#include "protos/sip/sip.h"

static const char request[] =
	"INVITE sip:bob@example.org SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKfirst;rport, SIP/2.0/UDP 192.0.2.2\r\n"
	"Via: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bKother\r\n"
	"From: \"Ada\" <sip:ada@example.com>;tag=from1\r\n"
	"To: <sip:bob@example.org>;tag=to1\r\n"
	"Call-ID: call@192.0.2.1\r\n"
	"CSeq: 17 INVITE\r\n"
	"X-Unknown: something that nobody asks for\r\n"
	"Contact: <sip:ada@192.0.2.1>\r\n"
	"Allow: INVITE, ACK\r\n"
	"Allow: BYE\r\n"
	"User-Agent: phone of more than thirty-two letters in its name\r\n"
	"Content-Length: 5\r\n\r\n";

static const char answer[] = "SIP/2.0 180 Ringing\r\n"
			     "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKfirst\r\n"
			     "From: <sip:ada@example.com>;tag=from1\r\n"
			     "To: <sip:bob@example.org>;tag=to2\r\n"
			     "Call-ID: call@192.0.2.1\r\n"
			     "CSeq: 17 INVITE\r\n"
			     "Server: proxy\r\n\r\n";

struct packed {
	struct sip_message m;
	struct sip_kept kept;
	struct bytes head, text;
	uint8_t room[1024];
};

/* The head is cut behind `cut` bytes once it was read. */
static struct packed pack(const char *text, size_t cut, bool is_answer)
{
	struct packed p = {.head = bytes_str(text)};

	cr_assert(p.head.len + SIP_PACK_ROOM <= sizeof(p.room));
	cr_assert(sip_message_read(&p.m, p.head));
	p.head = bytes_head(p.head, cut);
	p.text.len = sip_message_pack(&p.m, p.head, is_answer, &p.kept, p.room);
	return p;
}

static void same(const struct packed *p, struct span was, struct span is)
{
	struct bytes before = sip_part(p->head, was);
	struct bytes now = sip_part(bytes_of(p->room, p->text.len), is);

	cr_assert(bytes_eq(before, now), "%.*s, kept: %.*s", (int)before.len,
		  (const char *)before.at, (int)now.len, (const char *)now.at);
}

static void all_the_same(const struct packed *p)
{
	same(p, p->m.method_text, p->kept.method_text);
	same(p, p->m.uri, p->kept.uri);
	same(p, p->m.phrase, p->kept.phrase);
	same(p, p->m.version, p->kept.version);
	same(p, p->m.branch, p->kept.branch);
	same(p, p->m.from_tag, p->kept.from_tag);
	same(p, p->m.to_tag, p->kept.to_tag);
	for (unsigned i = 0; i < SIP_KEPT; i++)
		same(p, p->m.one[i], p->kept.one[i]);
	for (unsigned i = 0; i < SIP_LISTS; i++) {
		struct bytes lines = sip_part(bytes_of(p->room, p->text.len), p->kept.list[i]);

		for (unsigned k = 0; k < p->m.counts[i]; k++)
			cr_assert(bytes_eq(kept_line(&lines), sip_part(p->head, p->m.list[i][k])));
		cr_assert_eq(lines.len, 0);
	}
}

Test(sip_pack, of_a_request_all_that_documents_show)
{
	struct packed p = pack(request, SIZE_MAX, false);

	all_the_same(&p);
	cr_assert_lt(p.text.len, p.head.len - strlen("X-Unknown: something that nobody asks for"));
}

Test(sip_pack, of_an_answer_alone_as_of_a_request)
{
	struct packed p = pack(answer, SIZE_MAX, false);

	all_the_same(&p);
}

Test(sip_pack, of_an_answer_what_its_request_has_not)
{
	struct packed p = pack(answer, SIZE_MAX, true);
	struct bytes text = bytes_of(p.room, p.text.len);

	same(&p, p.m.to_tag, p.kept.to_tag);
	same(&p, p.m.phrase, p.kept.phrase);
	cr_expect(bytes_eq(kept_one(&p.kept, text, SIP_SERVER), BYTES("proxy")));
	cr_expect_eq(text.len, strlen("to2Ringingproxy"));
}

Test(sip_pack, wherever_the_head_is_cut)
{
	for (size_t cut = 0; cut < sizeof(request); cut++) {
		struct packed p = pack(request, cut, false);

		cr_assert_leq(p.text.len, cut);
		all_the_same(&p);
	}
	for (size_t cut = 0; cut < sizeof(answer); cut++) {
		struct packed p = pack(answer, cut, false);

		cr_assert_leq(p.text.len, cut);
		all_the_same(&p);
	}
}
