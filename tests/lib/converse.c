#include "tests/lib/converse.h"

#include "protos/protos.h"
#include "shipper/base/must.h"
#include "shipper/txn/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

enum { FILL_MAX = 20000, INPUT_MAX = 1200 };

enum what {
	SAY_CLIENT,
	SAY_SERVER,
	FILL_CLIENT,
	FILL_SERVER,
	LOSE_CLIENT,
	LOSE_SERVER,
	END_CLIENT,
	END_SERVER,
	PASS_TIME,
	KINDS
};

struct play {
	const struct proto *proto;
	void *conf;
	void *confs[PROTOS_MAX];
	struct engine_conf engine_conf;
	struct engine *engine;
	struct quota quota;
	struct counters counters;
	struct buf out;
	struct conn *conn;
	struct flow flow;
	struct endpoints ends;
	uint64_t said[2], documents;
	nsec now;
	size_t cut;
};

static struct buf *room(void *self)
{
	struct play *p = self;

	return &p->out;
}

static void wrote(void *self, size_t at, unsigned proto, const char id[32])
{
	struct play *p = self;

	must(at < p->out.len && proto < PROTOS_MAX && id[0]);
	p->documents++;
}

static const struct document_sink sink = {.room = room, .wrote = wrote};

static void set_option(struct play *p, const char *text)
{
	const struct option *tables[] = {proto_options, p->proto->options};
	size_t n = strcspn(text, "=");
	struct fault fault;

	for (int i = 0; i < 2; i++)
		for (const struct option *row = tables[i]; row->name; row++)
			if (strlen(row->name) == n && memcmp(row->name, text, n) == 0)
				must(option_parse(row, p->conf, text + n + 1, &fault));
}

/* Engines are kept from one input to the next: making one takes longer than an input. */
static void make(struct play *p, const struct proto *proto, const char *const *options)
{
	struct fault fault;

	p->proto = proto;
	p->conf = calloc(1, proto->conf_size);
	must(p->conf);

	option_default(proto_options, p->conf);
	option_default(p->proto->options, p->conf);
	((struct proto_conf *)p->conf)->ports = (struct ports){.at = {proto->ports[0]}, .count = 1};
	set_option(p, "transaction_timeout=1s");
	for (; *options; options++)
		set_option(p, *options);
	must(!proto->ready || proto->ready(p->conf, &fault));
	for (unsigned i = 0; protos[i]; i++)
		if (protos[i] == proto)
			p->confs[i] = p->conf;
	p->engine_conf = (struct engine_conf){
		.proto_conf = p->confs, .unparsed_bytes_max = 32 << 10, .exchanges_max = 50};
	p->quota.limit = SIZE_MAX;
	p->engine = engine_new(&p->engine_conf, &sink, p, &p->quota, &p->counters);
}

/* Each piece in a block of its own size. */
static void say(struct play *p, enum side from, struct bytes b)
{
	while (b.len > 0) {
		size_t n = p->cut && p->cut < b.len ? p->cut : b.len;
		uint8_t *copy = malloc(n);

		memcpy(copy, b.at, n);
		struct piece piece = {.bytes = bytes_of(copy, n),
				      .when = p->now,
				      .peer_at = p->said[side_other(from)]};

		conn_data(p->conn, from, &piece);
		p->said[from] += n;
		free(copy);
		b = bytes_skip(b, n);
	}
}

static void fill(struct play *p, enum side from, uint8_t with, size_t n)
{
	static uint8_t text[FILL_MAX];

	n = n < FILL_MAX ? n : FILL_MAX;
	memset(text, with, n);
	/* In one piece, or in a few: a byte at a time it takes too long. */
	size_t cut = p->cut;

	p->cut = cut ? n / 3 + cut : 0;
	say(p, from, bytes_of(text, n));
	p->cut = cut;
}

static void act(struct play *p, struct cursor *c)
{
	enum what what = cursor_u8(c) % KINDS;
	size_t n = cursor_be16(c);

	switch (what) {
	case SAY_CLIENT:
	case SAY_SERVER:
		say(p, what == SAY_CLIENT ? CLIENT : SERVER, cursor_upto(c, n));
		break;
	case FILL_CLIENT:
	case FILL_SERVER:
		fill(p, what == FILL_CLIENT ? CLIENT : SERVER, cursor_u8(c), n);
		break;
	case LOSE_CLIENT:
	case LOSE_SERVER:
		conn_lost(p->conn, what == LOSE_CLIENT ? CLIENT : SERVER, n + 1u, p->now);
		p->said[what == LOSE_CLIENT ? CLIENT : SERVER] += n + 1u;
		break;
	case END_CLIENT:
	case END_SERVER:
		conn_end(p->conn, what == END_CLIENT ? CLIENT : SERVER, p->now);
		break;
	case PASS_TIME:
		p->now += (nsec)n * NS_PER_MS;
		engine_expire(p->engine, p->now);
		break;
	case KINDS:
		break;
	}
}

static void judge(const struct play *p)
{
	yajl_handle y = yajl_alloc(NULL, NULL, NULL);

	yajl_config(y, yajl_allow_multiple_values, 1);
	if (yajl_parse(y, p->out.at ? p->out.at : (const uint8_t *)" ", p->out.len) !=
		    yajl_status_ok ||
	    (p->documents > 0 && yajl_complete_parse(y) != yajl_status_ok)) {
		fprintf(stderr, "%.*s\n", (int)p->out.len, (const char *)p->out.at);
		abort();
	}
	yajl_free(y);
}

/* Whether the place was never lost: then cuts change nothing. */
static bool play(struct play *p, struct bytes input, bool midstream, size_t cut)
{
	const uint64_t *n = p->counters.at;

	memset(&p->counters, 0, sizeof(p->counters));
	memset(p->said, 0, sizeof(p->said));
	p->out.len = 0;
	p->documents = 0;
	p->cut = cut;
	p->ends = (struct endpoints){.addr = {{{192, 0, 2, 1}}, {{192, 0, 2, 2}}},
				     .port = {40000, p->proto->ports[0]},
				     .version = 4,
				     .transport = TRANSPORT_TCP};
	p->flow = (struct flow){.ends = &p->ends, .midstream = midstream};
	p->conn = conn_new(p->engine, &p->flow);
	must(p->conn);
	struct cursor c = cursor_of(input);

	while (!c.dry && cursor_left(&c) > 0)
		act(p, &c);
	conn_free(p->conn, midstream ? FLOW_IDLE : FLOW_FIN);
	must(p->quota.used == 0);
	must(p->documents == n[COUNT_DOCUMENTS_MADE]);
	must(n[COUNT_EXCHANGES_BEGUN] == p->documents);
	judge(p);
	return !midstream && n[COUNT_LANE_ALIEN] == 0 && n[COUNT_LANE_LIMIT] == 0 &&
	       n[COUNT_LANE_RESYNC] == 0 && n[COUNT_LANE_SKIPPED] == 0;
}

static bool ends_with(const struct buf *b, size_t n, const char *word)
{
	size_t len = strlen(word);

	return n >= len && memcmp(b->at + n - len, word, len) == 0;
}

/* Passes over what cuts may change: in how many packets the bytes came. */
static void compare(const struct buf *a, const struct buf *b)
{
	size_t i = 0, k = 0;

	while (i < a->len && k < b->len) {
		if (a->at[i] != b->at[k]) {
			fprintf(stderr, "whole:\n%.*scut:\n%.*s", (int)a->len, (const char *)a->at,
				(int)b->len, (const char *)b->at);
			abort();
		}
		i++;
		k++;
		if (!ends_with(a, i, "\"packets\":"))
			continue;
		while (a->at[i] >= '0' && a->at[i] <= '9')
			i++;
		while (b->at[k] >= '0' && b->at[k] <= '9')
			k++;
	}
	must(i == a->len && k == b->len);
}

int converse(const struct proto *proto, const converse_preset *presets, unsigned preset_count,
	     const uint8_t *at, size_t len)
{
	static struct play plays[CONVERSE_PRESETS_MAX][2];
	/* Time goes on from one input to the next, as an engine expects. */
	static nsec now = INT64_C(1700000000) * NS_PER_S;
	struct cursor c = cursor_of(bytes_of(at, len));
	uint8_t first = cursor_u8(&c);

	must(preset_count <= CONVERSE_PRESETS_MAX);
	if (len > INPUT_MAX)
		return -1;
	struct play *p = plays[first % preset_count];
	bool midstream = first >= 200;
	size_t cut = cursor_u8(&c);
	struct bytes rest = cursor_rest(&c);

	for (int i = 0; i < 2; i++) {
		if (p[i].engine == NULL)
			make(&p[i], proto, presets[first % preset_count]);
		p[i].now = now;
	}
	bool sure = play(&p[0], rest, midstream, 0);

	if (cut > 0 && play(&p[1], rest, midstream, cut) && sure)
		compare(&p[0].out, &p[1].out);
	now = p[0].now + NS_PER_S;
	return 0;
}
