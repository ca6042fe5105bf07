/*
 * Pools, timeouts, and a conversation's beginning and end.
 *
 * Conversations and exchanges come from free lists, so a steady load allocates nothing. Only what
 * is in use is charged to the quota; the free lists are short.
 */
#include "shipper/txn/engine.h"
#include "shipper/base/must.h"

#include <stdlib.h>

const struct option proto_options[] = {
	{"enabled", OPTION_BOOL, offsetof(struct proto_conf, enabled), "true",
	 .help = "Whether to read this protocol."},
	{"detect", OPTION_BOOL, offsetof(struct proto_conf, detect), "false",
	 .help = "Recognize it by its content on any port, not only on `ports`."},
	/* No preset: the protocol's own table of ports is. */
	{"ports", OPTION_PORTS, offsetof(struct proto_conf, ports), "",
	 .help = "The servers' ports."},
	{"send_request", OPTION_BOOL, offsetof(struct proto_conf, send_request), "false",
	 .help = "Put the raw request into the document, secrets masked."},
	{"send_response", OPTION_BOOL, offsetof(struct proto_conf, send_response), "false",
	 .help = "Put the raw response into the document, secrets masked."},
	{"max_message_size", OPTION_SIZE, offsetof(struct proto_conf, max_message_size), "16KiB",
	 .min = 64, .max = 16 << 20,
	 .help = "Longest text of a document; longer ones are cut and noted as trimmed."},
	{"transaction_timeout", OPTION_DURATION, offsetof(struct proto_conf, transaction_timeout),
	 "10m", .min = NS_PER_MS, .max = INT64_MAX,
	 .help = "How long a request without any answer is waited for; then it is written as an "
		 "error. A slow answer within this time still meets its request."},
	{"tags", OPTION_TEXTS, offsetof(struct proto_conf, tags), "",
	 .help = "Added to `tags` of each document of this protocol."},
	{0},
};

const struct option engine_options[] = {
	{"unparsed_bytes_max", OPTION_SIZE, offsetof(struct engine_conf, unparsed_bytes_max),
	 "256KiB", .min = 32 << 10, .max = 64 << 20,
	 .help = "Longest unfinished part of a message that is kept for a direction."},
	{"exchanges_max", OPTION_INT, offsetof(struct engine_conf, exchanges_max), "16384",
	 .min = 1, .max = 1 << 24, .unit = "exchanges",
	 .help = "Requests without an answer in one conversation; at more, its place is lost."},
	{0},
};

/* conn_self and both conn_side, one block. */
struct state_block {
	struct state_block *next;
};

static size_t rounded(size_t n)
{
	return (n + 15) & ~(size_t)15;
}

static size_t sides_size(const struct proto *p)
{
	return 2 * rounded(p->side_size);
}

/* Of a conversation's own block; 0: it needs none. Of datagrams, all share the sides' state. */
static size_t states_size(const struct proto *p, bool datagrams)
{
	size_t n = rounded(p->self_size) + (datagrams ? 0 : sides_size(p));

	if (datagrams && n == 0)
		return 0;
	return n > sizeof(struct state_block) ? n : sizeof(struct state_block);
}

static size_t exchange_size(const struct proto *p)
{
	return rounded(sizeof(struct exchange)) + rounded(p->exchange_size);
}

static void list_tags(struct doc *d, const struct texts *tags)
{
	for (size_t i = 0; tags && i < tags->count; i++)
		doc_list_text(d, bytes_str(tags->at[i]));
}

/* The configured members, and the tags of all documents with those of the protocol's. */
static void make_tail(struct class *class, const struct engine_conf *conf)
{
	const struct texts *own = class->conf ? &class->conf->tags : NULL;
	struct doc d;

	doc_begin(&d, &class->tail, class->keys);
	doc_members(&d, conf->tail);
	if ((own && own->count > 0) || (conf->tags && conf->tags->count > 0)) {
		doc_list_begin(&d, F_TAGS);
		list_tags(&d, conf->tags);
		list_tags(&d, own);
		doc_list_end(&d);
	}
	doc_end(&d);
	class->tail.len -= 2; /* without the brace and newline behind, and the brace in front */
	buf_drop(&class->tail, 1);
}

struct engine *engine_new(const struct engine_conf *conf, const struct document_sink *sink,
			  void *self, struct quota *quota, struct counters *counters)
{
	struct engine *e = must_alloc(sizeof(*e));
	const struct proto *const *all = conf->protos ? conf->protos : protos;

	e->conf = conf;
	e->sink = sink;
	e->sink_self = self;
	e->quota = quota;
	e->counters = counters;
	e->checked = e->set_back = INT64_MIN;
	for (unsigned i = 0; all[i]; i++) {
		must(i < PROTOS_MAX);
		e->classes[i] = (struct class){
			.proto = all[i],
			.conf = conf->proto_conf[i],
			.place = i,
			.keys = doc_keys_new(all[i]->fields),
		};
		record_pieces(&e->classes[i].pieces, e->classes[i].keys, all[i]);
		make_tail(&e->classes[i], conf);
		if (all[i]->transports & PROTO_UDP)
			e->classes[i].datagram_sides = must_alloc(sides_size(all[i]));
		world_open(&e->classes[i], e);
		e->class_count = i + 1;
	}
	return e;
}

void engine_adopt(struct engine *e, const struct engine_conf *conf)
{
	e->conf = conf;
	for (unsigned i = 0; i < e->class_count; i++) {
		struct class *class = &e->classes[i];

		class->conf = conf->proto_conf[i];
		class->tail.len = 0;
		make_tail(class, conf);
		if (class->world.self == NULL)
			world_open(class, e);
	}
}

static void class_free(struct class *class)
{
	struct exchange *x;
	struct state_block *b;

	while ((x = class->free_exchanges)) {
		class->free_exchanges = x->next;
		x->kept.quota = NULL;
		buf_fini(&x->kept);
		free(x);
	}
	for (int datagrams = 0; datagrams < 2; datagrams++)
		while ((b = class->free_states[datagrams])) {
			class->free_states[datagrams] = b->next;
			free(b);
		}
	free(class->datagram_sides);
	record_pieces_free(&class->pieces);
	buf_fini(&class->tail);
	doc_keys_free(class->keys);
}

void engine_free(struct engine *e)
{
	struct conn *conn;

	if (e == NULL)
		return;
	for (unsigned i = 0; i < e->class_count; i++) {
		world_close(&e->classes[i]);
		class_free(&e->classes[i]);
	}
	while ((conn = e->free_conns)) {
		e->free_conns = conn->next_free;
		free(conn);
	}
	free(e);
}

uint64_t engine_tally(const struct engine *e, unsigned proto, enum status status)
{
	return e->classes[proto].tally[status];
}

/* ---- Exchanges ---- */

struct exchange *exchange_new(struct conn *conn, enum side asker)
{
	struct class *class = conn->class;
	struct exchange *x = class->free_exchanges;
	struct buf kept = {.quota = conn->engine->quota};

	if (x) {
		class->free_exchanges = x->next;
		class->free_count--;
		kept = x->kept;
		kept.len = 0;
		kept.quota = conn->engine->quota;
		memset(x, 0, exchange_size(class->proto));
	} else {
		x = must_alloc(exchange_size(class->proto));
	}
	quota_take(conn->engine->quota, exchange_size(class->proto) + kept.cap);
	count(conn->engine->counters, COUNT_EXCHANGES_BEGUN);
	x->kept = kept;
	x->own = (uint8_t *)x + rounded(sizeof(struct exchange));
	x->conn = conn;
	x->asker = (uint8_t)asker;
	x->expects = 1;
	x->notes = conn->unsure;
	x->number = conn->numbers++;
	x->text_max = class->conf->max_message_size;
	const struct flow_stats *s = &conn->flow->stats;

	x->begin_retransmits = s->retransmits[CLIENT] + s->retransmits[SERVER];
	x->begin_out_of_order = s->out_of_order[CLIENT] + s->out_of_order[SERVER];
	x->begin_gap_bytes = s->gap_bytes[CLIENT] + s->gap_bytes[SERVER];

	x->prev = conn->newest;
	*(conn->newest ? &conn->newest->next : &conn->oldest) = x;
	conn->newest = x;
	conn->open++;
	if (conn->turn == NULL)
		conn->turn = x;
	x->earlier = class->final;
	*(class->final ? &class->final->later : &class->first) = x;
	class->final = x;
	return x;
}

/* In place of the newest: the one behind `x`, with its number. */
struct exchange *exchange_new_behind(struct conn *conn, struct exchange *x)
{
	struct exchange *more = exchange_new(conn, (enum side)x->asker);

	conn->numbers--;
	more->number = x->number;
	more->part = x->part + 1;
	conn->turn = conn->oldest;
	if (more->prev == x)
		return more;
	conn->newest = more->prev;
	conn->newest->next = NULL;
	more->prev = x;
	more->next = x->next;
	x->next->prev = more;
	x->next = more;
	return more;
}

static void unlink_age(struct class *class, struct exchange *x)
{
	if (x->earlier == NULL && class->first != x)
		return;
	*(x->earlier ? &x->earlier->later : &class->first) = x->later;
	*(x->later ? &x->later->earlier : &class->final) = x->earlier;
	x->earlier = x->later = NULL;
}

void exchange_release(struct conn *conn, struct exchange *x)
{
	struct class *class = conn->class;
	struct quota *quota = conn->engine->quota;

	if (class->proto->forget)
		class->proto->forget(x);
	unlink_age(class, x);
	if (conn->turn == x)
		conn->turn = x->next;
	*(x->prev ? &x->prev->next : &conn->oldest) = x->next;
	*(x->next ? &x->next->prev : &conn->newest) = x->prev;
	conn->open--;
	if (x->kept.cap > POOL_KEPT_MAX)
		buf_fini(&x->kept);
	quota_give(quota, exchange_size(class->proto) + x->kept.cap);
	x->kept.quota = NULL;
	if (class->free_count < POOL_MAX) {
		x->next = class->free_exchanges;
		class->free_exchanges = x;
		class->free_count++;
	} else {
		buf_fini(&x->kept);
		free(x);
	}
}

/* ---- Timeouts ---- */

/* What is ahead of packet time is from before that was set back, and waits from then on. */
static nsec waits_since(const struct engine *e, nsec when, nsec now)
{
	return when > now && e->set_back != INT64_MIN ? e->set_back : when;
}

static nsec deadline(const struct class *class, const struct exchange *x, nsec now)
{
	nsec last = x->end[CLIENT] > x->end[SERVER] ? x->end[CLIENT] : x->end[SERVER];
	nsec at;

	last = waits_since(x->conn->engine, last, now);
	return __builtin_add_overflow(last, class->conf->transaction_timeout, &at) ? INT64_MAX : at;
}

static void requeue(struct class *class, struct exchange *x)
{
	unlink_age(class, x);
	x->earlier = class->final;
	*(class->final ? &class->final->later : &class->first) = x;
	class->final = x;
}

/* Written without its answer. It stays in the conversation's queue, so that the answer, when it
 * comes after all, is not taken for the next question's. */
static void time_out(struct engine *e, struct class *class, struct exchange *x)
{
	count(e->counters, COUNT_EXCHANGES_TIMEOUT);
	x->notes |= NOTE_TIMEOUT;
	record_write(x->conn, x);
	unlink_age(class, x);
	x->written = true;
}

/* The list is by beginning; one with newer bytes goes back to its end. */
static void expire_class(struct engine *e, struct class *class, nsec now)
{
	const struct exchange *stop = class->final;
	const struct exchange *done = NULL;
	struct exchange *x;

	while ((x = class->first) && done != stop) {
		nsec began = x->begin[x->begun[CLIENT] ? CLIENT : SERVER];

		if (waits_since(e, began, now) > now - class->conf->transaction_timeout)
			break;
		done = x;
		if (deadline(class, x, now) > now)
			requeue(class, x);
		else
			time_out(e, class, x);
	}
}

void engine_expire(struct engine *e, nsec now)
{
	enum { CHECK_NS = 100 * NS_PER_MS };

	nsec since;
	bool near = !__builtin_sub_overflow(now, e->checked, &since);

	if (near && since >= 0 && since < CHECK_NS)
		return;
	if (near && since < -TIME_BACK_MAX)
		e->set_back = now;
	e->checked = now;
	for (unsigned i = 0; i < e->class_count; i++) {
		struct class *class = &e->classes[i];

		if (class->proto->tick == NULL)
			expire_class(e, class, now);
		else if (class->world.self)
			class->proto->tick(&class->world, now);
	}
}

/* ---- Conversations ---- */

static bool has_port(const struct proto_conf *conf, uint16_t port)
{
	for (size_t i = 0; i < conf->ports.count; i++)
		if (conf->ports.at[i] == port)
			return true;
	return false;
}

static bool wanted(const struct class *class, uint8_t transport)
{
	unsigned bit = transport == TRANSPORT_TCP ? PROTO_TCP : PROTO_UDP;

	return class->conf && class->conf->enabled && (class->proto->transports & bit);
}

enum side engine_guess(const struct engine *e, const struct packet *packet)
{
	bool source = false, destination = false;

	for (unsigned i = 0; i < e->class_count; i++) {
		if (!wanted(&e->classes[i], packet->transport))
			continue;
		source |= has_port(e->classes[i].conf, packet->src_port);
		destination |= has_port(e->classes[i].conf, packet->dst_port);
	}
	if (source != destination)
		return source ? SERVER : CLIENT;
	return packet->src_port < packet->dst_port && packet->src_port < 1024 ? SERVER : CLIENT;
}

/* From here on it is read as this protocol. */
void conn_choose(struct conn *conn, struct class *class)
{
	const struct proto *proto = class->proto;
	struct state_block **pool = &class->free_states[conn->datagrams], *block = *pool;
	size_t size = states_size(proto, conn->datagrams);
	uint8_t *sides = class->datagram_sides;

	if (block) {
		*pool = block->next;
		memset(block, 0, size);
	} else if (size > 0) {
		block = must_alloc(size);
	}
	quota_take(conn->engine->quota, size);
	if (!conn->datagrams)
		sides = (uint8_t *)block + rounded(proto->self_size);
	conn->class = class;
	conn->self = block;
	conn->lane[CLIENT].state = sides;
	conn->lane[SERVER].state = sides + rounded(proto->side_size);
	conn->state = conn->fresh && !conn->datagrams ? CONN_LOST : CONN_READING;
	conn->server_checked = true;
	conn->server_spoke = !class->proto->pipelines;
}

static struct conn *conn_take(struct engine *e)
{
	struct conn *conn = e->free_conns;

	if (conn) {
		e->free_conns = conn->next_free;
		e->free_conn_count--;
		memset(conn, 0, sizeof(*conn));
	} else {
		conn = must_alloc(sizeof(*conn));
	}
	quota_take(e->quota, sizeof(*conn));
	conn->engine = e;
	buf_init(&conn->lane[CLIENT].kept, e->quota);
	buf_init(&conn->lane[SERVER].kept, e->quota);
	return conn;
}

struct conn *conn_new(struct engine *e, struct flow *flow)
{
	uint32_t by_port = 0, by_content = 0;

	for (unsigned i = 0; i < e->class_count; i++) {
		const struct class *class = &e->classes[i];

		if (!wanted(class, flow->ends->transport))
			continue;
		if (has_port(class->conf, flow->ends->port[SERVER]))
			by_port |= 1U << i;
		else if (class->conf->detect)
			by_content |= 1U << i;
	}
	if ((by_port | by_content) == 0) {
		count(e->counters, COUNT_FLOWS_NOBODY);
		return NULL;
	}
	struct conn *conn = conn_take(e);

	conn->flow = flow;
	conn->candidates = by_port | by_content;
	conn->by_port = by_port;
	conn->datagrams = flow->ends->transport != TRANSPORT_TCP;
	conn->fresh = flow->midstream;
	if (e->conf->home) {
		conn->direction = home_direction(e->conf->home, flow->ends);
		conn->holder = home_ask(e->conf->home, flow->ends);
	}
	conn->unsure = flow->midstream && !conn->datagrams ? NOTE_MIDSTREAM : 0;
	if (by_port != 0 && (by_port & (by_port - 1)) == 0 && by_content == 0)
		conn_choose(conn, &e->classes[__builtin_ctz(by_port)]);
	return conn;
}

static enum note end_note(enum flow_end why)
{
	switch (why) {
	case FLOW_FIN:
	case FLOW_RST:
	case FLOW_REUSED:
		return NOTE_CLOSED;
	case FLOW_IDLE:
		return NOTE_TIMEOUT;
	case FLOW_EVICTED:
		return NOTE_LIMIT;
	case FLOW_FINISHED:
		break;
	}
	return NOTE_FINISHED;
}

void conn_free(struct conn *conn, enum flow_end why)
{
	struct engine *e = conn->engine;

	if (why == FLOW_EVICTED)
		count_n(e->counters, COUNT_EXCHANGES_LIMIT, conn->open);
	exchange_cut_all(conn, end_note(why) | (conn->flow->one_sided ? NOTE_ONE_SIDED : 0));
	if (conn->class) {
		struct state_block *block = conn->self;

		if (conn->class->proto->close)
			conn->class->proto->close(conn);
		quota_give(e->quota, states_size(conn->class->proto, conn->datagrams));
		if (block) {
			block->next = conn->class->free_states[conn->datagrams];
			conn->class->free_states[conn->datagrams] = block;
		}
	}
	if (conn->holder)
		holder_drop(e->conf->home, conn->holder);
	for (int from = CLIENT; from <= SERVER; from++) {
		struct lane *lane = &conn->lane[from];

		buf_fini(&lane->kept);
		quota_give(e->quota, lane->marks ? MARKS_BYTES : 0);
		free(lane->marks);
	}
	quota_give(e->quota, sizeof(*conn));
	if (e->free_conn_count < POOL_MAX) {
		conn->next_free = e->free_conns;
		e->free_conns = conn;
		e->free_conn_count++;
	} else {
		free(conn);
	}
}

bool conn_is_waiting(const struct conn *conn)
{
	return conn->oldest != NULL;
}

bool conn_is_passing(const struct conn *conn)
{
	return conn->state == CONN_PASSING && conn->oldest == NULL;
}

void *conn_self(struct conn *conn)
{
	return conn->self;
}

void *conn_side(struct conn *conn, enum side from)
{
	return conn->lane[from].state;
}

const void *conn_conf(const struct conn *conn)
{
	return conn->class->conf;
}

struct quota *conn_quota(struct conn *conn)
{
	return conn->engine->quota;
}

uint16_t conn_port(const struct conn *conn, enum side side)
{
	return conn->flow->ends->port[side];
}

bool conn_is_datagram(const struct conn *conn)
{
	return conn->datagrams;
}
