/*
 * Registrations: one document for each REGISTER that has its final answer, but a challenge, or that
 * nobody answers; and one when a binding expires.
 */
#include "protos/sip/call.h"
#include "protos/sip/fields.h"
#include "protos/sip/part.h"
#include "shipper/base/must.h"
#include "shipper/flow/flow.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { EXPIRES_OTHERWISE = 3600 };

/* What is known of a contact of an address of record. */
struct binding {
	struct link by_name;
	struct timer timer;
	struct sip_world *w;
	struct binding *newer, *older;
	struct record_ends ends;
	nsec begin;
	int64_t expires; /* seconds */
	uint32_t times;
	uint32_t aor_len, contact_len;
	uint8_t text[]; /* address of record, contact */
};

static size_t binding_size(const struct binding *b)
{
	return sizeof(*b) + b->aor_len + b->contact_len;
}

struct view {
	const char *state;
	struct bytes aor, contact;
	int64_t expires;
	const struct sip_seen *s; /* the answer; NULL: none */
	const struct sip_txn *t;  /* NULL: it expired */
};

static void binding_free(struct binding *b)
{
	struct sip_world *w = b->w;

	wheel_stop(&b->timer);
	index_remove(&w->bindings, &b->by_name);
	*(b->older ? &b->older->newer : &w->oldest_binding) = b->newer;
	*(b->newer ? &b->newer->older : &w->newest_binding) = b->older;
	w->bindings_count--;
	quota_give(world_quota(w->world), binding_size(b));
	free(b);
}

void registration_leave(struct sip_world *w)
{
	while (w->oldest_binding)
		binding_free(w->oldest_binding);
}

bool registration_shrink(struct sip_world *w)
{
	if (w->oldest_binding == NULL)
		return false;
	count(world_counters(w->world), COUNT_RECORDS_LIMIT);
	binding_free(w->oldest_binding);
	return true;
}

static void write_registration(const void *subject, struct doc *d)
{
	const struct view *v = subject;

	if (v->s) {
		doc_int(d, SIP_FIELD(CODE), v->s->m->code);
		doc_text(d, SIP_FIELD(STATUS), sip_part(v->s->head, v->s->m->phrase));
	}
	if (v->t) {
		struct bytes kept = exchange_text(v->t->x, &v->t->text[CLIENT]);
		const struct sip_kept *k = &v->t->msg[CLIENT];

		doc_text(d, SIP_FIELD(CALL_ID), kept_one(k, kept, SIP_CALL_ID));
		doc_text(d, SIP_FIELD(USER_AGENT), kept_one(k, kept, SIP_USER_AGENT));
	}
	doc_word(d, SIP_FIELD(REGISTRATION_STATE), v->state);
	part_plain_uri(d, SIP_FIELD(REGISTRATION_AOR), v->aor);
	part_plain_uri(d, SIP_FIELD(REGISTRATION_CONTACT), v->contact);
	if (v->expires >= 0)
		doc_int(d, SIP_FIELD(REGISTRATION_EXPIRES), v->expires);
	if (v->s)
		doc_int(d, SIP_FIELD(REGISTRATION_DELAY), v->s->when - v->t->x->begin[CLIENT]);
	if (v->t && v->t->attempt > 0)
		doc_int(d, SIP_FIELD(REGISTRATION_CHALLENGES), v->t->attempt);
}

static void expire(struct timer *timer, void *self)
{
	struct binding *b = (struct binding *)((char *)timer - offsetof(struct binding, timer));
	struct sip_world *w = self;
	struct view v = {.state = "expired",
			 .aor = bytes_of(b->text, b->aor_len),
			 .contact = bytes_of(b->text + b->aor_len, b->contact_len),
			 .expires = b->expires};

	record_add(w->world,
		   &(struct record){.type = "sip_registration",
				    .start = b->begin,
				    .end = timer->due,
				    .identity = XXH3_64bits_withSeed(
					    &b->by_name.name, sizeof(b->by_name.name), b->times),
				    .ends = &b->ends,
				    .write = write_registration,
				    .subject = &v});
	binding_free(b);
}

static uint64_t hash_of(struct bytes b, uint64_t seed)
{
	return XXH3_64bits_withSeed(b.len ? b.at : (const uint8_t *)"", b.len, seed);
}

/* Of an address of record and a contact together. */
static struct name binding_name(struct bytes aor, struct bytes contact)
{
	return (struct name){hash_of(contact, hash_of(aor, 0)), hash_of(aor, hash_of(contact, 0))};
}

static struct binding *binding_new(struct sip_world *w, struct name name, struct bytes aor,
				   struct bytes contact)
{
	struct binding *b;

	if (w->bindings_count >= sip_conf_of(w)->registrations_max)
		registration_shrink(w);
	b = must_alloc(sizeof(*b) + aor.len + contact.len);
	b->w = w;
	b->timer.fire = expire;
	b->aor_len = (uint32_t)aor.len;
	b->contact_len = (uint32_t)contact.len;
	if (aor.len > 0)
		memcpy(b->text, aor.at, aor.len);
	memcpy(b->text + aor.len, contact.at, contact.len);
	quota_take(world_quota(w->world), binding_size(b));
	b->older = w->newest_binding;
	*(w->newest_binding ? &w->newest_binding->newer : &w->oldest_binding) = b;
	w->newest_binding = b;
	w->bindings_count++;
	index_add(&w->bindings, &b->by_name, name);
	return b;
}

static int64_t number(struct bytes text, int64_t otherwise)
{
	int64_t n = otherwise;

	bytes_int(text, 0, UINT32_MAX, &n);
	return n;
}

/* What the answer grants that contact; without a word of it, what the request asked for. */
static int64_t granted(const struct sip_seen *s, const struct sip_txn *t, struct bytes contact,
		       struct bytes params)
{
	struct bytes value, kept = exchange_text(t->x, &t->text[CLIENT]);
	int64_t asked = number(kept_one(&t->msg[CLIENT], kept, SIP_EXPIRES), EXPIRES_OTHERWISE);

	if (sip_param(params, BYTES("expires"), &value))
		asked = number(value, asked);
	if (asked == 0)
		return 0;
	for (unsigned i = 0; i < s->m->counts[SIP_CONTACT]; i++) {
		struct bytes list = sip_part(s->head, s->m->list[SIP_CONTACT][i]);

		while (list.len > 0) {
			struct sip_address a = sip_address_of(sip_list_next(&list));

			if (bytes_eq(a.uri, contact) &&
			    sip_param(a.params, BYTES("expires"), &value))
				return number(value, asked);
		}
	}
	return number(sip_one(s->m, s->head, SIP_EXPIRES), asked);
}

static const char *keep(struct view *v, const struct record_ends *ends)
{
	struct sip_world *w = v->s->w;
	struct name name = binding_name(v->aor, v->contact);
	/* Its link is its first member. */
	struct binding *b = (struct binding *)index_first(&w->bindings, name);
	const char *state = b ? "refreshed" : "registered";

	if (v->expires == 0) {
		if (b)
			binding_free(b);
		return "unregistered";
	}
	if (b == NULL) {
		b = binding_new(w, name, v->aor, v->contact);
		b->begin = v->t->x->begin[CLIENT];
	}
	b->times++;
	b->ends = *ends;
	b->expires = v->expires;
	wheel_set(&w->wheel, &b->timer, v->s->when + v->expires * NS_PER_S);
	return state;
}

static struct record_ends ends_of(const struct sip_txn *t)
{
	const struct endpoints *e = conn_ends(t->x->conn);
	unsigned asker = t->x->asker;

	return (struct record_ends){.addr = {e->addr[asker], e->addr[!asker]},
				    .port = {e->port[asker], e->port[!asker]},
				    .version = e->version,
				    .transport = e->transport};
}

/* Whom the REGISTER is for, and the first contact that it names, with its parameters. */
static struct view asked(const struct sip_txn *t, struct bytes *params)
{
	const struct sip_kept *k = &t->msg[CLIENT];
	struct bytes kept = exchange_text(t->x, &t->text[CLIENT]);
	struct bytes lines = sip_part(kept, k->list[SIP_CONTACT]), list = kept_line(&lines);
	struct sip_address contact = sip_address_of(sip_list_next(&list));

	*params = contact.params;
	return (struct view){.state = "failed",
			     .expires = -1,
			     .t = t,
			     .aor = sip_address_of(kept_one(k, kept, SIP_TO)).uri,
			     .contact = contact.uri};
}

static void add(struct sip_world *w, const struct view *v, nsec end, uint32_t notes)
{
	struct record_ends ends = ends_of(v->t);
	bool good = v->s && v->s->m->code < 300;

	record_add(w->world,
		   &(struct record){.type = "sip_registration",
				    .start = v->t->x->begin[CLIENT],
				    .end = end,
				    .status = good ? STATUS_OK : STATUS_ERROR,
				    .notes = notes,
				    .identity = binding_name(v->aor, v->contact).low ^
						v->t->msg[CLIENT].cseq,
				    .error = v->s ? NO_BYTES : BYTES("Timeout: no answer"),
				    .ends = &ends,
				    .write = write_registration,
				    .subject = v});
}

void registration_message(const struct sip_seen *s)
{
	const struct sip_txn *t = s->txn;
	bool challenge = s->m->code == 401 || s->m->code == 407 || s->m->code == 423;
	struct bytes params;

	if (s->m->request || s->again || s->m->code < 200 || challenge || t == NULL ||
	    !t->x->begun[CLIENT])
		return;
	struct view v = asked(t, &params);
	struct record_ends ends = ends_of(t);

	v.s = s;
	if (s->m->code < 300 && v.contact.len > 0) {
		v.expires = granted(s, t, v.contact, params);
		v.state = keep(&v, &ends);
	} else if (s->m->code < 300) {
		return; /* it only asked what is bound */
	}
	add(s->w, &v, s->when, 0);
}

void registration_silence(struct sip_world *w, const struct sip_txn *t, nsec when)
{
	struct bytes params;
	struct view v = asked(t, &params);

	v.state = "unanswered";
	if (sip_conf_of(w)->registrations)
		add(w, &v, when, NOTE_TIMEOUT);
}
