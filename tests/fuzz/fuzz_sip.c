/*
 * SIP through the real engine: datagrams of several conversations and a stream, with losses, time
 * and short limits, so that calls, registrations and transactions end in every way.
 *
 * Input: how many streams are cut at (1 byte), then steps: what happens (1 byte), how many bytes
 * (2), the bytes. Or, so that a short input plays whole calls: what happens (1 byte), what kind of
 * message, whose, with what (a byte each), how many bytes of headers of its own (1), these.
 *
 * Asserts that every document is JSON, and of every sixteenth input that all fields are declared,
 * which takes as long as all the rest; that no memory stays charged, and that counters balance.
 */
#include "protos/protos.h"
#include "protos/sip/fields.h"
#include "protos/sip/sip.h"
#include "shipper/base/must.h"
#include "shipper/txn/conn.h"
#include "tests/lib/declared.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

extern const struct proto proto_sip;
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

enum { CONNS = 4, INPUT_MAX = 5300 /* as the longest seed */, KEPT_FOR = 1024, DECLARED_EACH = 16 };
enum { COMPOSED_MAX = 24 /* of an input, for its speed */, TEXT_MAX = 1500 };

struct play {
	struct sip_conf conf;
	void *confs[2];
	struct engine_conf engine_conf;
	struct engine *engine;
	struct quota quota;
	struct counters counters;
	struct buf out;
	struct conn *conns[CONNS];
	struct flow flows[CONNS];
	struct endpoints ends[CONNS];
	uint64_t documents;
	nsec now;
	unsigned composed;
};

static const struct proto *const alone[] = {&proto_sip, NULL};

static struct buf *room(void *self)
{
	return &((struct play *)self)->out;
}

static void wrote(void *self, size_t at, unsigned proto, const char id[32])
{
	struct play *p = self;

	must(at < p->out.len && proto == 0 && id[0]);
	p->documents++;
}

static void fail(const char *why, struct bytes text)
{
	fprintf(stderr, "%s\n%.*s\n", why, (int)text.len, (const char *)text.at);
	abort();
}

static void judge(const struct play *p, bool declared)
{
	yajl_handle y = yajl_alloc(NULL, NULL, NULL);
	struct bytes rest = buf_bytes(&p->out);
	struct fault fault;

	yajl_config(y, yajl_allow_multiple_values, 1);
	if (rest.len > 0 && (yajl_parse(y, rest.at, rest.len) != yajl_status_ok ||
			     yajl_complete_parse(y) != yajl_status_ok))
		fail("not JSON", rest);
	yajl_free(y);
	while (declared && rest.len > 0) {
		struct bytes doc = bytes_head(rest, bytes_find(rest, '\n'));

		rest = bytes_skip(rest, doc.len + 1);
		/* The checker takes a text that begins with a NUL for an empty one. */
		if (memmem(doc.at, doc.len, "\"\\u0000", 7) == NULL &&
		    !declared_check(doc, sip_fields, &fault))
			fail(fault.text, doc);
	}
}

static const struct document_sink sink = {.room = room, .wrote = wrote};

static void make(struct play *p)
{
	option_default(proto_options, &p->conf);
	option_default(proto_sip.options, &p->conf);
	p->conf.common.ports = (struct ports){.at = {5060}, .count = 1};
	p->conf.common.send_request = p->conf.common.send_response = true;
	p->conf.common.max_message_size = 2000;
	p->conf.calls_max = p->conf.registrations_max = 3;
	p->confs[0] = &p->conf;
	p->engine_conf = (struct engine_conf){.protos = alone,
					      .proto_conf = p->confs,
					      .unparsed_bytes_max = 32 << 10,
					      .exchanges_max = 10};
	p->quota.limit = SIZE_MAX;
}

static void open_conn(struct play *p, unsigned i)
{
	p->ends[i] = (struct endpoints){
		.addr = {{{192, 0, 2, (uint8_t)(1 + i / 2)}}, {{192, 0, 2, (uint8_t)(2 + i / 2)}}},
		.port = {(uint16_t)(i == 1 ? 40000 : 5060), 5060},
		.version = 4,
		.transport = i == 3 ? TRANSPORT_TCP : TRANSPORT_UDP};
	p->flows[i] = (struct flow){.ends = &p->ends[i]};
	p->conns[i] = conn_new(p->engine, &p->flows[i]);
	must(p->conns[i]);
}

static void say(struct play *p, unsigned i, enum side from, struct bytes b, size_t cut)
{
	while (b.len > 0) {
		size_t n = i == 3 && cut && cut < b.len ? cut : b.len;
		uint8_t *copy = malloc(n);

		memcpy(copy, b.at, n);
		struct piece piece = {
			.bytes = bytes_of(copy, n), .when = p->now, .peer_at = PEER_UNKNOWN};

		if (i == 3)
			conn_data(p->conns[i], from, &piece);
		else
			conn_datagram(p->conns[i], from, &piece, cut == 1 ? 5 : 0);
		free(copy);
		b = bytes_skip(b, n);
	}
}

/* ---- Messages made from a few bytes ---- */

struct text {
	char at[TEXT_MAX];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *form, ...)
{
	va_list list;

	va_start(list, form);
	int n = vsnprintf(t->at + t->len, TEXT_MAX - t->len, form, list);
	va_end(list);
	must(n >= 0 && (size_t)n < TEXT_MAX - t->len);
	t->len += (size_t)n;
}

/* Each bit adds or changes something. */
enum with {
	WITH_CONTACT = 1 << 0,
	WITH_BODY = 1 << 1,
	WITH_EXPIRY = 1 << 2,
	WITH_CREDENTIALS = 1 << 3, /* or a challenge */
	WITH_AGENT = 1 << 4,
	WITH_OLD_BRANCH = 1 << 5,
	WITH_HOLD = 1 << 6,
	WITH_FOLD = 1 << 7,
};

static const char *method_of(uint8_t kind)
{
	unsigned method = (kind & 15) % SIP_METHODS;

	return method ? sip_method_names[method] : "ODD";
}

static void put_start(struct text *t, uint8_t kind)
{
	static const char *const answers[] = {"100 Trying",	"180 Ringing",	    "200 OK",
					      "302 Moved",	"401 Unauthorized", "486 Busy",
					      "487 Terminated", "408 Timeout"};

	if (kind & 0x10)
		put(t, "SIP/2.0 %s\r\n", answers[kind >> 5]);
	else
		put(t, "%s sip:bo%%62@h.example:5070;lr SIP/2.0\r\n", method_of(kind));
}

static void put_more(struct text *t, uint8_t kind, uint8_t with)
{
	if (with & WITH_CONTACT)
		put(t, with & WITH_HOLD ? "m: *\r\n" : "m: <sip:a:pw@10.0.0.9;x>;expires=%u\r\n",
		    with & WITH_EXPIRY ? 0 : 60);
	if (with & WITH_EXPIRY)
		put(t, "Expires: 30\r\n");
	if (with & WITH_CREDENTIALS)
		put(t, "%s: Digest realm=\"r\",%susername=\"a\",response=\"0f\"\r\n",
		    kind & 0x10 ? "WWW-Authenticate" : "Authorization",
		    with & WITH_FOLD ? "\r\n " : " ");
	if (with & WITH_AGENT)
		put(t, "%s: x 1\r\nRSeq: %u\r\nk: timer, 100rel\r\n",
		    kind & 0x10 ? "Server" : "User-Agent", kind >> 5);
}

static void put_body(struct text *t, uint8_t with)
{
	static const char sdp[] = "v=0\r\no=- 1 2 IN IP4 h\r\ns=-\r\nc=IN IP4 10.0.0.9\r\n"
				  "m=audio 4000 RTP/AVP 8 97\r\na=rtpmap:97 opus/48000/2\r\n";
	const char *way = with & WITH_HOLD ? "a=sendonly\r\n" : "";

	if (with & WITH_BODY)
		put(t, "c: application/sdp\r\nl: %zu\r\n\r\n%s%s", sizeof(sdp) - 1 + strlen(way),
		    sdp, way);
	else
		put(t, "l: 0\r\n\r\n");
}

/* `whose`: Call-ID, branch, To tag, number, two bits each. */
static void compose(struct text *t, struct cursor *c)
{
	uint8_t kind = cursor_u8(c), whose = cursor_u8(c), with = cursor_u8(c);
	struct bytes own = cursor_upto(c, cursor_u8(c));
	unsigned tag = whose >> 4 & 3;

	put_start(t, kind);
	put(t, "v: SIP/2.0/UDP 192.0.2.1:5060%s;branch=%s%u\r\n", with & WITH_FOLD ? "\r\n " : "",
	    with & WITH_OLD_BRANCH ? "" : "z9hG4bK", whose >> 2 & 3);
	put(t, "f: \"A\" <sip:a@example.com>;tag=%u\r\nt: <sip:b@example.com>", tag == 3 ? 7 : 1);
	put(t, tag ? ";tag=%u\r\n" : "\r\n", tag == 3 ? 1 : tag + 6);
	put(t, "i: %u\r\nCSeq: %u %s\r\n", whose & 3, 1 + (whose >> 6), method_of(kind));
	put_more(t, kind, with);
	if (own.len > 0) {
		memcpy(t->at + t->len, own.at, own.len);
		t->len += own.len;
		put(t, "\r\n");
	}
	put_body(t, with);
}

static void act(struct play *p, struct cursor *c, size_t cut)
{
	struct text text;
	uint8_t what = cursor_u8(c);
	unsigned i = what >> 1 & 3;
	enum side from = what & 1 ? SERVER : CLIENT;

	p->now += NS_PER_MS;
	if ((what & 0xf0) == 0xb0) {
		text.len = 0;
		compose(&text, c);
		if (++p->composed <= COMPOSED_MAX)
			say(p, i, from, bytes_of(text.at, text.len), cut);
		return;
	}
	size_t n = cursor_be16(c);

	if ((what & 0xf0) == 0xf0) {
		p->now += (nsec)n * 100 * NS_PER_MS - (what & 8 ? 0 : 1000 * (nsec)NS_PER_S);
		engine_expire(p->engine, p->now);
	} else if ((what & 0xf0) == 0xe0) {
		conn_free(p->conns[i], FLOW_IDLE);
		open_conn(p, i);
	} else if ((what & 0xf0) == 0xd0) {
		engine_shrink(p->engine);
	} else if ((what & 0xf0) == 0xc0 && i == 3) {
		conn_lost(p->conns[i], from, n + 1u, p->now);
	} else {
		say(p, i, from, cursor_upto(c, n), cut);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	static struct play p;
	static unsigned inputs;
	struct cursor c = cursor_of(bytes_of(at, len));
	size_t cut = cursor_u8(&c);

	if (len > INPUT_MAX)
		return -1;
	if (p.confs[0] == NULL)
		make(&p);
	memset(&p.counters, 0, sizeof(p.counters));
	p.documents = 0;
	p.composed = 0;
	p.out.len = 0;
	/* Engines are kept for some inputs: making one takes longer than an input. */
	if (p.engine == NULL) {
		p.engine = engine_new(&p.engine_conf, &sink, &p, &p.quota, &p.counters);
		p.now = INT64_C(1700000000) * NS_PER_S;
	}
	for (unsigned i = 0; i < CONNS; i++)
		open_conn(&p, i);
	while (!c.dry && cursor_left(&c) > 0)
		act(&p, &c, cut);
	for (unsigned i = 0; i < CONNS; i++)
		conn_free(p.conns[i], FLOW_FINISHED);
	engine_finish(p.engine);
	judge(&p, XXH3_64bits(at, len) % DECLARED_EACH == 0);
	if (++inputs % KEPT_FOR == 0) {
		engine_free(p.engine);
		p.engine = NULL;
		must(p.quota.used == 0);
	}
	must(p.documents == p.counters.at[COUNT_DOCUMENTS_MADE]);
	must(p.documents ==
	     p.counters.at[COUNT_EXCHANGES_BEGUN] + p.counters.at[COUNT_RECORDS_MADE]);
	return 0;
}
