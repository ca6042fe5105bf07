#include "tests/unit/sip_story.h"

#include <stdio.h>
#include <stdlib.h>

#include "protos/sip/fields.h"
#include "tests/lib/declared.h"

static const struct proto *const alone[] = {&proto_sip, NULL};

static struct buf *room(void *self)
{
	return &((struct story *)self)->out;
}

static void wrote(void *self, size_t at, unsigned proto, const char id[32])
{
	struct story *s = self;
	struct fault fault = {0};

	(void)proto;
	for (size_t i = 0; i < s->ids.len; i += RECORD_ID_LEN)
		cr_assert(memcmp(s->ids.at + i, id, RECORD_ID_LEN) != 0, "two are %.32s", id);
	buf_add(&s->ids, bytes_of(id, RECORD_ID_LEN));
	cr_assert(declared_check(bytes_skip(buf_bytes(&s->out), at), sip_fields, &fault), "%s",
		  fault.text);
}

static const struct document_sink sink = {.room = room, .wrote = wrote};

struct story *sip_begin(void)
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

struct way *sip_way_new(struct story *s, int a, int port_a, int b, int port_b)
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

size_t sip_crlf(const char *text, char to[TEXT_MAX])
{
	size_t n = 0;

	for (; *text; text++) {
		if (*text == '\n')
			to[n++] = '\r';
		to[n++] = *text;
	}
	return n;
}

void sip_raw(struct story *s, int a, int port_a, int b, int port_b, struct bytes text)
{
	struct way *w = way(s, a, port_a, b, port_b);
	enum side from = CLIENT;

	if (w == NULL && (w = way(s, b, port_b, a, port_a)))
		from = SERVER;
	if (w == NULL)
		w = sip_way_new(s, a, port_a, b, port_b);
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

void sip_says(struct story *s, int a, int b, const char *text)
{
	char wire[TEXT_MAX];
	size_t n = sip_crlf(text, wire);

	sip_raw(s, a, 5060, b, 5060, bytes_of(wire, n));
}

/* A usual message: start line, branch, CSeq, To tag. */
void sip_usual(struct story *s, int a, int b, const char *start, const char *branch,
	       const char *cseq, const char *to_tag, const char *more)
{
	char text[TEXT_MAX / 2];

	snprintf(text, sizeof(text),
		 "%s\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%s\n"
		 "From: \"Ada\" <sip:ada@example.com>;tag=f\nTo: <sip:bob@example.org>%s\n"
		 "Call-ID: one\nCSeq: %s\n%s\n",
		 start, branch, to_tag, cseq, more);
	sip_says(s, a, b, text);
}

void sip_wait(struct story *s, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		s->now += NS_PER_S;
		engine_expire(s->engine, s->now);
	}
}

/* The documents so far, as text; then there are none. */
char *sip_documents(struct story *s)
{
	static char text[1 << 18];

	cr_assert_lt(s->out.len, sizeof(text));
	if (s->out.len > 0)
		memcpy(text, s->out.at, s->out.len);
	text[s->out.len] = 0;
	s->out.len = 0;
	return text;
}

int sip_times(const char *text, const char *part)
{
	int n = 0;

	while ((text = strstr(text, part))) {
		n++;
		text += strlen(part);
	}
	return n;
}

void sip_end(struct story *s)
{
	for (int i = 0; i < s->ways_count; i++)
		conn_free(s->ways[i].conn, FLOW_FINISHED);
	engine_finish(s->engine);
	engine_free(s->engine);
	cr_assert_eq(s->quota.used, 0);
	buf_fini(&s->out);
	buf_fini(&s->ids);
	option_free(proto_options, &s->conf);
	option_free(proto_sip.options, &s->conf);
	free(s);
}

void sip_invite(struct story *s, int a, int b)
{
	sip_usual(s, a, b, "INVITE sip:bob@example.org SIP/2.0", "1", "1 INVITE", "",
		  "Content-Type: application/sdp\nContent-Length: 73\n\n"
		  "v=0\no=a 1 1 IN IP4 h\ns=-\nc=IN IP4 192.0.2.1\nm=audio 6000 RTP/AVP 8 0\n");
}
