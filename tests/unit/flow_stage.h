/*
 * A stage for stories about flows: packets go in by a few short calls, and what the sink was told
 * comes out as one line of text.
 *
 *   c:GET/0   bytes of the client; it had received 0 bytes of the server (? when not known)
 *   s-12      12 bytes of the server are lost          c.   the client has ended
 *   u:ping    a datagram of the client's, u+ of the server's
 *   !fin !rst !idle !reused !evicted !finished         the flow is closed
 *
 * Time is in milliseconds. Sequence numbers are those of the wire.
 */
#ifndef WIRESPAN_TESTS_FLOW_STAGE_H
#define WIRESPAN_TESTS_FLOW_STAGE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shipper/flow/flow.h"

enum { STAGE_LOG = 1 << 16 };

struct stage {
	struct flow_table *table;
	struct flow_conf conf;
	struct flow_sink sink;
	struct quota quota;
	struct counters counters;
	nsec now;
	uint16_t port;		 /* the client's, of the packets to come */
	bool ignore;		 /* the sink ignores each flow at its first bytes */
	bool waits;		 /* the sink waits for more */
	enum side guess;	 /* what the sink guesses */
	uint16_t window;	 /* of the packets to come */
	uint32_t cut;		 /* bytes that the next packet lacks at its end */
	struct packet extra;	 /* vlan, tunnel, sack of the next packet */
	struct flow_stats stats; /* of the last flow closed */
	bool midstream, one_sided;
	bool again;	   /* of the last bytes */
	bool quiet;	   /* bytes are counted only */
	uint64_t heard[2]; /* bytes, by side */
	int closes;
	size_t len;
	char log[STAGE_LOG];
};

#define SYN_ TCP_SYN
#define ACK_ TCP_ACK
#define FIN_ (TCP_FIN | TCP_ACK)
#define RST_ TCP_RST
#define PSH_ (TCP_PSH | TCP_ACK)

static void stage_say(struct stage *g, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void stage_say(struct stage *g, const char *format, ...)
{
	va_list args;

	if (g->len > 0 && g->len < STAGE_LOG - 1)
		g->log[g->len++] = ' ';
	va_start(args, format);
	int n = vsnprintf(g->log + g->len, STAGE_LOG - g->len, format, args);
	va_end(args);
	if (n > 0)
		g->len += (size_t)n;
	if (g->len >= STAGE_LOG)
		g->len = STAGE_LOG - 1;
}

static void stage_data(void *self, struct flow *flow, enum side from, const struct piece *p)
{
	struct stage *g = self;
	char peer[32] = "?";

	g->heard[from] += p->bytes.len;
	if (g->quiet)
		return;
	if (p->peer_at != PEER_UNKNOWN)
		snprintf(peer, sizeof peer, "%llu", (unsigned long long)p->peer_at);
	stage_say(g, "%c:%.*s/%s", from == CLIENT ? 'c' : 's', (int)p->bytes.len,
		  (const char *)p->bytes.at, peer);
	g->again = p->again;
	flow->user = g;
	flow->ignored = g->ignore;
}

static void stage_lost(void *self, struct flow *flow, enum side from, uint64_t n, nsec when)
{
	(void)flow, (void)when;
	stage_say(self, "%c-%llu", from == CLIENT ? 'c' : 's', (unsigned long long)n);
}

static void stage_end(void *self, struct flow *flow, enum side from, nsec when)
{
	(void)flow, (void)when;
	stage_say(self, "%c.", from == CLIENT ? 'c' : 's');
}

static void stage_datagram(void *self, struct flow *flow, enum side from, const struct piece *p,
			   uint32_t cut_bytes)
{
	(void)flow;
	stage_say(self, "u%c%.*s%s", from == CLIENT ? ':' : '+', (int)p->bytes.len,
		  (const char *)p->bytes.at, cut_bytes > 0 ? "~" : "");
}

static void stage_close(void *self, struct flow *flow, enum flow_end why, nsec when)
{
	static const char *const names[] = {"fin", "rst", "idle", "reused", "evicted", "finished"};
	struct stage *g = self;

	(void)when;
	g->stats = flow->stats;
	g->midstream = flow->midstream;
	g->one_sided = flow->one_sided;
	g->closes++;
	stage_say(g, "!%s", names[why]);
}

static enum side stage_guess(void *self, const struct packet *packet)
{
	(void)packet;
	return ((struct stage *)self)->guess;
}

static bool stage_waits(void *self, const struct flow *flow)
{
	(void)flow;
	return ((struct stage *)self)->waits;
}

static struct stage *stage_new(void)
{
	struct stage *g = calloc(1, sizeof *g);

	g->conf = (struct flow_conf){.flows_max = 1000,
				     .tcp_timeout = (nsec)3600 * NS_PER_S,
				     .handshake_timeout = (nsec)20 * NS_PER_S,
				     .udp_timeout = (nsec)60 * NS_PER_S,
				     .closed_timeout = (nsec)5 * NS_PER_S,
				     .held_bytes_max = 1 << 20,
				     .gap_timeout = (nsec)250 * NS_PER_MS};
	g->sink = (struct flow_sink){stage_data,  stage_lost,  stage_end,  stage_datagram,
				     stage_close, stage_guess, stage_waits};
	g->quota.limit = (size_t)1 << 30;
	g->now = (nsec)1700000000 * NS_PER_S;
	g->port = 40000;
	g->window = 1000;
	g->table = flow_table_new(&g->conf, &g->sink, g, &g->quota, &g->counters);
	return g;
}

static inline uint64_t stage_count(const struct stage *g, enum counter which)
{
	return g->counters.at[which];
}

/* Time goes on, and the table is told. */
static inline void stage_wait(struct stage *g, int64_t ms)
{
	g->now += ms * NS_PER_MS;
	flow_expire(g->table, g->now);
}

static struct packet stage_packet(struct stage *g, enum side from, const char *text, size_t len)
{
	struct packet p = g->extra;

	p.when = g->now;
	p.payload = bytes_of(text, len);
	p.payload_bytes = (uint32_t)len + g->cut;
	p.wire_bytes = p.payload_bytes + 54;
	p.version = 4;
	struct addr client = {{10, 0, 0, 1}}, server = {{10, 0, 0, 2}};
	p.src = from == CLIENT ? client : server;
	p.dst = from == CLIENT ? server : client;
	p.src_port = from == CLIENT ? g->port : 80;
	p.dst_port = from == CLIENT ? 80 : g->port;
	g->extra = (struct packet){0};
	g->cut = 0;
	return p;
}

/* One TCP packet. */
static void stage_tcp(struct stage *g, enum side from, int flags, uint32_t seq, uint32_t ack,
		      const char *text)
{
	struct packet p = stage_packet(g, from, text, strlen(text));

	p.transport = TRANSPORT_TCP;
	p.flags = (uint8_t)flags;
	p.window = g->window;
	p.seq = seq;
	p.ack = ack;
	flow_expire(g->table, g->now);
	flow_push(g->table, &p);
}

#define C(flags, seq, ack, text) stage_tcp(g, CLIENT, flags, seq, ack, text)
#define S(flags, seq, ack, text) stage_tcp(g, SERVER, flags, seq, ack, text)

/* A handshake: the client's bytes begin at 101, the server's at 501. */
static inline void stage_handshake(struct stage *g)
{
	C(SYN_, 100, 0, "");
	S(SYN_ | ACK_, 500, 101, "");
	C(ACK_, 101, 501, "");
}

/* What was said since the last call. */
static inline const char *stage_said(struct stage *g)
{
	static char said[STAGE_LOG];

	memcpy(said, g->log, g->len);
	said[g->len] = '\0';
	g->len = 0;
	return said;
}

#define SAID(text)	cr_assert_str_eq(stage_said(g), text)
#define COUNT(which, n) cr_assert_eq(stage_count(g, which), n)

static void finish(struct stage *g)
{
	flow_finish(g->table);
	cr_assert_eq(flow_count(g->table), 0);
	flow_table_free(g->table);
	cr_assert_eq(g->quota.used, 0);
	free(g);
}

#endif
