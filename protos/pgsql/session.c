/*
 * Prepared statements and portals of a session: by name, bounded, the oldest goes.
 *
 * Owns     a block for each, charged to the worker's quota
 */
#include "protos/pgsql/pgsql.h"
#include "shipper/base/hash.h"
#include "shipper/base/must.h"

#include <stdlib.h>

static uint64_t name_hash(bool portal, struct bytes name)
{
	return hash_bytes(name) + portal;
}

static size_t block_size(const struct pg_statement *s)
{
	return sizeof(*s) + s->cap;
}

static void unlink_age(struct pg_session *s, struct pg_statement *st)
{
	*(st->earlier ? &st->earlier->later : &s->oldest) = st->later;
	*(st->later ? &st->later->earlier : &s->newest) = st->earlier;
}

static void drop_print(struct conn *conn, struct pg_statement *st)
{
	if (st->print)
		quota_give(conn_quota(conn), st->print->size);
	free(st->print);
	st->print = NULL;
}

static void drop(struct conn *conn, struct pg_session *s, struct pg_statement *st)
{
	struct pg_statement **at = &s->buckets[st->hash % PG_BUCKETS];

	while (*at != st)
		at = &(*at)->next;
	*at = st->next;
	drop_print(conn, st);
	unlink_age(s, st);
	if (s->recent == st)
		s->recent = NULL;
	s->count--;
	s->texts -= st->cap;
	s->portals -= st->parts.portal;
	quota_give(conn_quota(conn), block_size(st));
	free(st);
}

static struct pg_statement *find(struct pg_session *s, bool portal, struct bytes name)
{
	uint64_t hash = name_hash(portal, name);

	for (struct pg_statement *st = s->buckets[hash % PG_BUCKETS]; st; st = st->next)
		if (st->hash == hash && st->parts.portal == portal &&
		    bytes_eq(st->parts.name, name))
			return st;
	return NULL;
}

struct pg_statement *pg_find(struct pg_session *s, bool portal, struct bytes name)
{
	if (s->buckets == NULL || (portal && s->portals == 0))
		return NULL;
	if (portal)
		return find(s, true, name);
	if (s->recent == NULL || !bytes_eq(s->recent->parts.name, name))
		s->recent = find(s, false, name);
	return s->recent;
}

struct pg_statement *pg_find_same(struct pg_session *s, struct bytes name, uint32_t id)
{
	struct pg_statement *st = id ? pg_find(s, false, name) : NULL;

	return st && st->id == id ? st : NULL;
}

void pg_forget(struct pg_reading *r, bool portal, struct bytes name)
{
	struct pg_statement *st = pg_find(r->session, portal, name);

	if (st)
		drop(r->conn, r->session, st);
}

void pg_forget_portals(struct pg_reading *r)
{
	struct pg_statement *earlier;

	if (r->session->portals == 0)
		return;
	for (struct pg_statement *st = r->session->newest; st; st = earlier) {
		earlier = st->earlier;
		if (st->parts.portal)
			drop(r->conn, r->session, st);
	}
}

void pg_forget_all(struct conn *conn, struct pg_session *s)
{
	while (s->oldest)
		drop(conn, s, s->oldest);
	if (s->buckets)
		quota_give(conn_quota(conn), PG_BUCKETS * sizeof(*s->buckets));
	free(s->buckets);
	s->buckets = NULL;
}

static void link_new(struct pg_session *s, struct pg_statement *st)
{
	struct pg_statement **bucket = &s->buckets[st->hash % PG_BUCKETS];

	st->next = *bucket;
	*bucket = st;
	st->later = NULL;
	st->earlier = s->newest;
	*(s->newest ? &s->newest->later : &s->oldest) = st;
	s->newest = st;
	s->count++;
	s->texts += st->cap;
	s->portals += st->parts.portal;
}

static struct pg_statement *make(struct pg_reading *r, const struct pg_parts *p, size_t cap)
{
	struct pg_session *s = r->session;

	while (s->count >= PG_STATEMENTS_MAX || (s->oldest && s->texts + cap > PG_TEXTS_MAX))
		drop(r->conn, s, s->oldest);
	if (s->buckets == NULL) {
		s->buckets = must_alloc(PG_BUCKETS * sizeof(struct pg_statement *));
		quota_take(conn_quota(r->conn), PG_BUCKETS * sizeof(struct pg_statement *));
	}
	struct pg_statement *st = must_alloc(sizeof(*st) + cap);

	st->hash = name_hash(p->portal, p->name);
	st->cap = cap;
	st->parts.portal = p->portal;
	quota_take(conn_quota(r->conn), block_size(st));
	link_new(s, st);
	return st;
}

static struct bytes put(uint8_t **to, struct bytes b)
{
	struct bytes copy = bytes_of(*to, b.len);

	if (b.len > 0)
		memcpy(*to, b.at, b.len);
	*to += b.len;
	return copy;
}

/* Clients prepare the same text again and again without a name. */
static bool is_same(const struct pg_parts *a, const struct pg_parts *b)
{
	return !b->portal && bytes_eq(a->text, b->text) && bytes_eq(a->types, b->types) &&
	       a->trimmed == b->trimmed && a->unsure == b->unsure && b->header.len == 0;
}

struct pg_statement *pg_remember(struct pg_reading *r, const struct pg_parts *p)
{
	struct pg_session *s = r->session;
	size_t need = p->name.len + p->text.len + p->params.len + p->types.len + p->source.len +
		      p->header.len + p->column_types.len;
	struct pg_statement *st = pg_find(s, p->portal, p->name);

	if (st && is_same(&st->parts, p)) {
		st->parts.header = st->parts.column_types = NO_BYTES;
		st->id = ++s->ids;
		st->epoch = s->epoch;
		return st;
	}
	if (st && (st->cap < need || st->cap > 4 * need + 1024)) {
		drop(r->conn, s, st);
		st = NULL;
	}
	if (st == NULL)
		st = make(r, p, p->name.len > 0 ? need : need + need / 2);
	uint8_t *to = st->bytes;

	drop_print(r->conn, st);
	st->parts = *p;
	st->parts.name = put(&to, p->name);
	st->parts.text = put(&to, p->text);
	st->parts.params = put(&to, p->params);
	st->parts.types = put(&to, p->types);
	st->parts.source = put(&to, p->source);
	st->parts.header = put(&to, p->header);
	st->parts.column_types = put(&to, p->column_types);
	st->id = ++s->ids;
	st->epoch = s->epoch;
	return st;
}

void pg_learn_print(struct conn *conn, struct pg_statement *st, const struct pg_print *with)
{
	size_t size = sizeof(*with) + with->text.len + with->method.len + with->tables.len;
	struct pg_print *print = must_alloc(size);
	uint8_t *to = print->bytes;

	drop_print(conn, st);
	*print = *with;
	print->text = put(&to, with->text);
	print->method = put(&to, with->method);
	print->tables = put(&to, with->tables);
	print->size = size;
	quota_take(conn_quota(conn), size);
	st->print = print;
}

/* Writes a block anew, with more in it. Its parts may lie within the old one. */
static void replace(struct pg_reading *r, struct pg_statement *st, const struct pg_parts *with)
{
	struct pg_parts p = *with;
	struct bytes *const pieces[] = {&p.name, &p.text, &p.types, &p.header, &p.column_types};
	uint32_t epoch = st->epoch, id = st->id;
	enum { PIECES = sizeof(pieces) / sizeof(pieces[0]) };
	struct buf copy = {0};
	size_t at = 0;

	for (size_t i = 0; i < PIECES; i++)
		buf_add(&copy, *pieces[i]);
	for (size_t i = 0; i < PIECES; at += pieces[i++]->len)
		pieces[i]->at = copy.at + at;
	st = pg_remember(r, &p);
	st->epoch = epoch;
	st->id = id;
	buf_fini(&copy);
}

/* The types that the client had left open. */
void pg_learn_types(struct pg_reading *r, struct bytes name, uint32_t id, struct bytes types)
{
	struct pg_statement *st = pg_find_same(r->session, name, id);

	if (st == NULL || bytes_eq(st->parts.types, types))
		return;
	struct pg_parts p = st->parts;

	p.types = types;
	replace(r, st, &p);
}

void pg_learn_columns(struct pg_reading *r, struct bytes name, uint32_t id, struct bytes header,
		      struct bytes types)
{
	struct pg_statement *st = pg_find_same(r->session, name, id);

	if (st == NULL ||
	    (bytes_eq(st->parts.header, header) && bytes_eq(st->parts.column_types, types)))
		return;
	struct pg_parts p = st->parts;

	p.header = header;
	p.column_types = types;
	replace(r, st, &p);
}
