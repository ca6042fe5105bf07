/*
 * What outlives conversations: a protocol's block for all of a worker's, its calls by packet time,
 * and its documents that are not exchanges.
 */
#include "shipper/base/must.h"
#include "shipper/txn/community.h"
#include "shipper/txn/engine.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

void world_open(struct class *class, struct engine *engine)
{
	class->world = (struct world){.engine = engine, .class = class};
	if (class->proto->world_size == 0 || class->conf == NULL || !class->conf->enabled)
		return;
	class->world.self = must_alloc(class->proto->world_size);
	quota_take(engine->quota, class->proto->world_size);
}

void world_close(struct class *class)
{
	struct world *world = &class->world;

	if (world->self == NULL)
		return;
	if (class->proto->leave)
		class->proto->leave(world);
	quota_give(world->engine->quota, class->proto->world_size);
	free(world->self);
}

void engine_finish(struct engine *e)
{
	for (unsigned i = 0; i < e->class_count; i++)
		if (e->classes[i].world.self && e->classes[i].proto->finish)
			e->classes[i].proto->finish(&e->classes[i].world);
}

bool engine_shrink(struct engine *e)
{
	bool some = false;

	for (unsigned i = 0; i < e->class_count; i++)
		if (e->classes[i].world.self && e->classes[i].proto->shrink)
			some |= e->classes[i].proto->shrink(&e->classes[i].world);
	return some;
}

nsec conn_begin_time(const struct conn *conn)
{
	return conn->first.when;
}

nsec conn_end_time(const struct conn *conn)
{
	return conn->last.when;
}

const struct endpoints *conn_ends(const struct conn *conn)
{
	return conn->flow->ends;
}

struct world *conn_world(const struct conn *conn)
{
	return &conn->class->world;
}

void *world_self(const struct world *world)
{
	return world->self;
}

const void *world_conf(const struct world *world)
{
	return world->class->conf;
}

struct quota *world_quota(const struct world *world)
{
	return world->engine->quota;
}

struct counters *world_counters(const struct world *world)
{
	return world->engine->counters;
}

/* ---- Records ---- */

static void write_head(struct doc *d, const struct record *r, const struct proto *proto,
		       const char *id)
{
	doc_time(d, F_TIMESTAMP, r->start);
	doc_word(d, F_TYPE, r->type);
	doc_word(d, F_STATUS, status_words[r->status]);
	doc_text(d, F_EVENT_ID, bytes_of(id, RECORD_ID_LEN));
	doc_word(d, F_EVENT_KIND, "event");
	record_category(d, proto->category);
	doc_json(d, F_EVENT_TYPE, BYTES("[\"connection\",\"protocol\"]"));
	doc_word(d, F_EVENT_DATASET, r->type);
	doc_word(d, F_EVENT_OUTCOME,
		 r->unknown		  ? "unknown"
		 : r->status == STATUS_OK ? "success"
					  : "failure");
	doc_time(d, F_EVENT_START, r->start);
	doc_time(d, F_EVENT_END, r->end);
	doc_int(d, F_EVENT_DURATION, r->end - r->start);
}

static void write_ends(struct doc *d, const struct record_ends *ends, const struct proto *proto)
{
	static const unsigned fields[4][3] = {
		{F_CLIENT_IP, F_CLIENT_PORT, CLIENT},
		{F_SERVER_IP, F_SERVER_PORT, SERVER},
		{F_SOURCE_IP, F_SOURCE_PORT, CLIENT},
		{F_DESTINATION_IP, F_DESTINATION_PORT, SERVER},
	};

	for (int i = 0; i < 4; i++) {
		unsigned side = fields[i][2];

		doc_ip(d, fields[i][0], &ends->addr[side], ends->version);
		doc_int(d, fields[i][1], ends->port[side]);
	}
	doc_word(d, F_NETWORK_TYPE, ends->version == 4 ? "ipv4" : "ipv6");
	doc_word(d, F_NETWORK_TRANSPORT, ends->transport == TRANSPORT_TCP ? "tcp" : "udp");
	doc_word(d, F_NETWORK_PROTOCOL, proto->name);
	doc_list_begin(d, F_RELATED_IP);
	for (int side = CLIENT; side <= SERVER; side++)
		doc_list_ip(d, &ends->addr[side], ends->version);
	doc_list_end(d);
}

void record_add(struct world *world, const struct record *r)
{
	struct engine *e = world->engine;
	const struct class *class = world->class;
	struct buf *out = e->sink->room(e->sink_self);
	uint64_t identity = r->identity;
	char id[RECORD_ID_LEN];
	struct doc d;

	if (out == NULL) {
		count(e->counters, COUNT_DOCUMENTS_DROPPED);
		return;
	}
	size_t at = out->len;

	/* Another hash than that of an exchange of the same time and number. */
	record_id(r->start, XXH3_64bits_withSeed(&identity, sizeof(identity), class->place + 1),
		  id);
	doc_begin(&d, out, class->keys);
	write_head(&d, r, class->proto, id);
	r->write(r->subject, &d);
	if (r->ends)
		write_ends(&d, r->ends, class->proto);
	doc_text(&d, F_ERROR_MESSAGE, r->error);
	record_notes(&d, class->proto, r->notes);
	doc_members(&d, buf_bytes(&class->tail));
	doc_end(&d);
	if (r->notes & NOTE_TRIMMED)
		count(e->counters, COUNT_DOCUMENTS_CUT);
	count(e->counters, COUNT_RECORDS_MADE);
	count(e->counters, COUNT_DOCUMENTS_MADE);
	count_n(e->counters, COUNT_DOCUMENTS_BYTES, out->len - at);
	e->sink->wrote(e->sink_self, at, class->place, id);
}
