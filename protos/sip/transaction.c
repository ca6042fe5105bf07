/*
 * Transactions: which messages belong together.
 *
 * RFC 3261 17.2.3: by the branch, sent-by and method of the first Via. A branch without the magic
 * cookie says little (RFC 2543): Call-ID, CSeq, From tag and Via together then tell.
 *
 * A transaction stays for T4 behind its last message, so that what is sent again is counted with
 * it. Its answer may come from another port than it was sent to, and go to another one than it was
 * sent from (RFC 3261 18.2.2), so the asker's address decides, and the answerer's where it helps.
 */
#include "protos/sip/call.h"
#include "protos/sip/sip.h"
#include "shipper/flow/flow.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { PART_MAX = 120, WAY_EXACT = 3 };

struct key {
	struct name name;
	bool old; /* RFC 2543 */
};

/* What it is made of. */
struct key_text {
	uint8_t at[KEY_MAX];
	size_t len;
};

static uint64_t hash_of(struct bytes b)
{
	return XXH3_64bits(b.len ? b.at : (const uint8_t *)"", b.len);
}

/* A part and a byte that ends it; of a long one its hash. */
static void key_part(struct key_text *k, struct bytes part)
{
	XXH128_hash_t hash;

	if (part.len > PART_MAX) {
		hash = XXH3_128bits(part.at, part.len);
		part = bytes_of(&hash, sizeof(hash));
	}
	if (part.len > 0)
		memcpy(k->at + k->len, part.at, part.len);
	k->len += part.len;
	k->at[k->len++] = '\n';
}

static bool key_make(struct key *k, const struct sip_message *m, struct bytes head,
		     struct bytes method)
{
	struct bytes branch = sip_part(head, m->branch);
	struct bytes id = sip_one(m, head, SIP_CALL_ID);
	struct key_text text;

	text.len = 0;
	/* The cookie alone names nothing. */
	k->old = !bytes_starts(branch, BYTES("z9hG4bK")) || branch.len == 7;
	if (method.len == 0 || (k->old && id.len == 0))
		return false;
	key_part(&text, method);
	key_part(&text, branch);
	key_part(&text, sip_part(head, m->sent_by));
	if (k->old) {
		memcpy(text.at + text.len, &m->cseq, sizeof(m->cseq));
		text.len += sizeof(m->cseq);
		key_part(&text, id);
	}
	k->name = name_of(bytes_of(text.at, text.len));
	return true;
}

static struct bytes method_for_key(const struct sip_message *m, struct bytes head)
{
	return m->method == SIP_ACK ? BYTES("INVITE") : sip_part(head, m->method_text);
}

/* ---- Finding ---- */

static bool same_address(const struct endpoints *a, unsigned side_a, const struct endpoints *b,
			 unsigned side_b)
{
	return a->version == b->version &&
	       memcmp(&a->addr[side_a], &b->addr[side_b], sizeof(a->addr[0])) == 0;
}

static bool same_vlan(const struct endpoints *a, const struct endpoints *b)
{
	return a->vlans == b->vlans && (a->vlans == 0 || a->vlan[0] == b->vlan[0]);
}

/* How well a message's way fits a transaction's: 0 not at all. `asks`: sent by who asked. */
static int way(const struct sip_txn *t, const struct sip_seen *s, bool asks)
{
	unsigned asker = asks ? s->from : side_other(s->from);

	if (t->x->conn == s->conn && t->x->asker == asker)
		return WAY_EXACT;
	const struct endpoints *its = conn_ends(t->x->conn), *ours = conn_ends(s->conn);

	if (!same_vlan(its, ours) || !same_address(its, t->x->asker, ours, asker))
		return 0;
	if (!same_address(its, !t->x->asker, ours, !asker))
		return 1;
	return its->port[t->x->asker] == ours->port[asker] &&
			       its->port[!t->x->asker] == ours->port[!asker]
		       ? WAY_EXACT
		       : 2;
}

static struct sip_txn *find(const struct sip_seen *s, const struct key *k, bool asks, int least)
{
	struct sip_txn *best = NULL;
	int steps = 0, best_way = least - 1;

	for (struct link *l = index_first(&s->w->txns, k->name); l && steps < INDEX_STEPS;
	     l = index_next(l), steps++) {
		struct sip_txn *t = (struct sip_txn *)l; /* its first member */
		int fits = way(t, s, asks);

		if (fits > best_way) {
			best = t;
			best_way = fits;
		}
		if (best_way == WAY_EXACT)
			break;
	}
	return best;
}

/* The INVITEs of a call, and what was challenged, newest first. */
static struct sip_txn *of_call(struct link *l)
{
	return l ? (struct sip_txn *)((char *)l - offsetof(struct sip_txn, by_call)) : NULL;
}

/* ---- Timers ---- */

static void rearm(struct sip_world *w, struct sip_txn *t, nsec due)
{
	wheel_set(&w->wheel, &t->timer, due);
}

static void fetch(const struct timer *timer, bool soon)
{
	const struct sip_txn *t =
		(const struct sip_txn *)((const char *)timer - offsetof(struct sip_txn, timer));

	exchange_fetch(t->x, soon);
}

static void fire(struct timer *timer, void *self)
{
	struct sip_txn *t = (struct sip_txn *)((char *)timer - offsetof(struct sip_txn, timer));
	struct exchange *x = t->x;
	uint32_t notes = x->settled ? 0 : NOTE_TIMEOUT;

	if (exchange_of(x->conn, CLIENT) == x || exchange_of(x->conn, SERVER) == x) {
		rearm(self, t, timer->due + SIP_T4);
		return;
	}
	if (!x->settled)
		count(world_counters(((struct sip_world *)self)->world), COUNT_EXCHANGES_TIMEOUT);
	if (!x->settled && x->begun[CLIENT] && t->msg[CLIENT].method == SIP_REGISTER)
		registration_silence(self, t, timer->due);
	exchange_close(x, notes);
}

/* When the transaction is given up, or was quiet for long enough. */
static void set_timer(struct sip_world *w, struct sip_txn *t, nsec when)
{
	nsec patience = sip_conf_of(w)->common.transaction_timeout;
	nsec first = patience < SIP_64T1 ? patience : SIP_64T1;
	bool invite = t->msg[CLIENT].method == SIP_INVITE && t->x->begun[CLIENT];

	if (t->x->settled)
		rearm(w, t, when + (invite && !t->ack ? SIP_64T1 : SIP_T4));
	else if (t->provisionals > 0 && t->msg[CLIENT].method == SIP_INVITE)
		rearm(w, t, patience > INT64_MAX - when ? INT64_MAX : when + patience);
	else if (t->timer.next == NULL)
		rearm(w, t, when + first);
	else if (t->timer.due < when + SIP_T4)
		rearm(w, t, when + SIP_T4);
}

/* ---- What a message does ---- */

static void keep_sdp(struct sip_txn *t, enum side role, const struct sip_seen *s)
{
	struct sdp_kept kept;

	sdp_pack(s->sdp, s->body, &kept);
	clip_set(&t->sdp[role], &t->x->kept, bytes_of(&kept, sizeof(kept)), sizeof(kept));
}

static void keep(struct sip_txn *t, enum side role, const struct sip_seen *s)
{
	enum { MORE = 128 /* for what a usual answer adds */ };
	const struct sip_conf *conf = sip_conf_of(s->w);
	struct exchange *x = t->x;
	struct bytes head = bytes_head(s->head, (uint64_t)x->text_max);
	uint8_t *to = buf_room(&s->w->packed, head.len + SIP_PACK_ROOM);
	size_t n =
		sip_message_pack(s->m, head, role == SERVER && x->begun[CLIENT], &t->msg[role], to);

	buf_room(&x->kept, n + s->body.len + (s->sdp ? sizeof(struct sdp_kept) : 0) +
				   (role == CLIENT ? MORE : 0));
	exchange_keep(x, &t->text[role], bytes_of(to, n));
	if (s->body.len > 0 && conf->parse_body)
		exchange_keep(x, &t->body[role], s->body);
	if (s->sdp && head.len == s->head.len && t->body[role].len == s->body.len)
		keep_sdp(t, role, s);
	if (role == CLIENT ? conf->common.send_request : conf->common.send_response)
		exchange_keep(x, &t->head[role], s->head);
	x->notes |= (uint32_t)s->m->faults * SIP_NOTE_FAULTS;
	x->notes |= s->m->more ? SIP_NOTE_MORE : 0;
	x->notes |= head.len < s->head.len ? NOTE_TRIMMED : 0;
}

static struct sip_txn *begin(struct exchange *x, const struct sip_seen *s, const struct key *k)
{
	struct sip_txn *t = txn_of(x);

	t->x = x;
	t->timer.fire = fire;
	t->timer.fetch = fetch;
	x->notes &= ~(uint32_t)(NOTE_RESYNC | NOTE_MIDSTREAM); /* keys pair it, not its place */
	if (k) {
		x->notes |= k->old ? SIP_NOTE_2543 : 0;
		index_add(&s->w->txns, &t->by_key, k->name);
	}
	return t;
}

static bool is_challenge(uint16_t code)
{
	return code == 401 || code == 407;
}

/* Credentials in answer to a challenge: the same request once more, with the next CSeq. */
static uint16_t attempt(const struct sip_seen *s, const struct sip_txn *self)
{
	int steps = 0;

	for (struct link *l = index_first(&s->w->txns_by_call, s->id); l && steps < INDEX_STEPS;
	     l = index_next(l), steps++) {
		const struct sip_txn *t = of_call(l);

		if (t != self && t->x->begun[CLIENT] && is_challenge(t->code) &&
		    t->msg[CLIENT].method == s->m->method &&
		    t->msg[CLIENT].cseq + 1 == s->m->cseq && way(t, s, true) >= 2)
			return t->attempt + 1;
	}
	return 0;
}

static bool ask(struct sip_seen *s, const struct key *k)
{
	struct exchange *x = exchange_ask(s->conn, s->from, NO_BYTES);
	struct sip_txn *t = s->txn = begin(x, s, k);

	keep(t, CLIENT, s);
	if (s->m->one[SIP_AUTHORIZATION].len > 0)
		t->attempt = attempt(s, t);
	if (s->m->method == SIP_ACK)
		x->notes |= SIP_NOTE_NO_INVITE;
	exchange_expect(x, s->m->method == SIP_ACK || k == NULL ? 0 : ANSWERS_MANY);
	if (k) {
		set_timer(s->w, t, s->when);
		if (s->m->method == SIP_INVITE)
			index_add(&s->w->txns_by_call, &t->by_call, s->id);
	}
	return true;
}

/* An INVITE of the ACK's call and number, and how well their ways fit: as way(), 1 also where they
 * share one end only; 0 not at all. */
static int acks(const struct sip_txn *t, const struct sip_seen *s)
{
	const struct endpoints *its = conn_ends(t->x->conn), *ours = conn_ends(s->conn);

	if (t->msg[CLIENT].method != SIP_INVITE || !t->x->begun[CLIENT] ||
	    t->msg[CLIENT].cseq != s->m->cseq)
		return 0;
	int fits = way(t, s, true);

	return fits ? fits : same_address(its, !t->x->asker, ours, !s->from);
}

/* Whether it has this ACK, or all that are remembered; each answer of a fork has one. */
static bool acked(struct sip_txn *t, uint32_t tag)
{
	for (unsigned i = 0; i < t->ack_tags; i++)
		if (t->ack_tag[i] == tag)
			return true;
	if (t->ack_tags > FORKS_MAX)
		return true;
	t->ack_tag[t->ack_tags++] = tag;
	return false;
}

/* An ACK to the INVITE that it belongs to: of the same branch when that failed, else of the same
 * Call-ID and number. Where proxies step aside, it takes another way than the INVITE: it is then
 * for all INVITEs that begin or end where it does. */
static bool ack(struct sip_seen *s, const struct key *k)
{
	struct sip_txn *t = k ? find(s, k, true, 2) : NULL, *all[INDEX_STEPS];
	int count = 0, steps = 0, best = 1;

	if (t)
		all[count++] = t;
	for (struct link *l = t ? NULL : index_first(&s->w->txns_by_call, s->id);
	     l && steps < INDEX_STEPS; l = index_next(l), steps++) {
		int fits = acks(t = of_call(l), s);

		if (fits > best)
			count = 0;
		best = fits > best ? fits : best;
		if (fits == best)
			all[count++] = t;
	}
	for (int i = 0; i < count; i++) {
		s->again = acked(all[i], (uint32_t)hash_of(sip_part(s->head, s->m->to_tag)));
		all[i]->acks += s->again;
		if (!all[i]->ack)
			all[i]->ack = s->when;
		set_timer(s->w, all[i], s->when);
	}
	s->txn = count > 0 ? all[0] : NULL;
	return count > 0;
}

static bool cancel(struct sip_seen *s)
{
	struct key k;
	struct sip_txn *t =
		key_make(&k, s->m, s->head, BYTES("INVITE")) ? find(s, &k, true, 2) : NULL;

	if (t == NULL || !t->x->begun[CLIENT])
		return false;
	s->txn = t;
	s->again = t->cancel != 0;
	t->again[CLIENT] += s->again;
	if (!s->again)
		t->cancel = s->when;
	return true;
}

static bool cancel_answer(struct sip_seen *s)
{
	struct key k;
	struct sip_txn *t =
		key_make(&k, s->m, s->head, BYTES("INVITE")) ? find(s, &k, false, 1) : NULL;

	if (t == NULL || !t->cancel)
		return false;
	s->txn = t;
	s->again = t->cancelled != 0;
	t->again[SERVER] += s->again;
	if (!s->again) {
		t->cancelled = s->when;
		t->cancel_code = s->m->code;
	}
	return true;
}

static uint32_t answer_tag(const struct sip_seen *s)
{
	return (uint32_t)(hash_of(sip_part(s->head, s->m->to_tag)) ^
			  (s->m->code < 200 ? hash_of(sip_one(s->m, s->head, SIP_RSEQ)) : 0));
}

/* Whether it came before; remembers it if not. */
static bool listed(struct sip_answer *list, uint16_t *count, unsigned max, const struct sip_seen *s)
{
	uint32_t tag = answer_tag(s);

	for (unsigned i = 0; i < *count && i < max; i++)
		if (list[i].code == s->m->code && list[i].tag == tag)
			return true;
	if (*count < max)
		list[*count] = (struct sip_answer){s->when, tag, s->m->code};
	*count = (uint16_t)(*count + (*count < UINT16_MAX));
	return false;
}

/* An answer behind the final one: that again, or another's where the request was forked. */
static bool answer_more(struct sip_seen *s, struct sip_txn *t)
{
	s->again = s->m->code < 200 || (t->code == s->m->code && t->final_tag == answer_tag(s)) ||
		   listed(t->forks, &t->forks_count, FORKS_MAX, s);
	t->again[SERVER] += s->again;
	set_timer(s->w, t, s->when);
	return false;
}

static bool answer(struct sip_seen *s, const struct key *k)
{
	struct sip_txn *t = k ? find(s, k, false, 1) : NULL;
	bool provisional = s->m->code < 200, fresh = t == NULL;

	s->txn = t;
	/* Without a status it answers nothing, RFC 4475 3.1.2.19. */
	if (t && s->m->code == 0) {
		t->x->notes |= (uint32_t)s->m->faults * SIP_NOTE_FAULTS;
		return false;
	}
	if (t && t->x->ended[SERVER])
		return answer_more(s, t);
	if (t && provisional && listed(t->provisional, &t->provisionals, PROVISIONALS_MAX, s)) {
		s->again = true;
		t->again[SERVER]++;
		set_timer(s->w, t, s->when);
		return false;
	}
	struct exchange *x = exchange_answer_from(s->conn, s->from, t ? t->x : NULL);

	if (fresh) {
		t = s->txn = begin(x, s, k);
		exchange_expect(x, ANSWERS_MANY);
		if (provisional && s->m->code > 0)
			listed(t->provisional, &t->provisionals, PROVISIONALS_MAX, s);
	}
	t->code = s->m->code;
	if (!provisional || fresh) {
		t->text[SERVER] = t->body[SERVER] = t->head[SERVER] = t->sdp[SERVER] =
			(struct clip){0};
		keep(t, SERVER, s);
	}
	t->final_tag = provisional ? 0 : answer_tag(s);
	if (is_challenge(t->code) && !fresh && !t->by_call.linked)
		index_add(&s->w->txns_by_call, &t->by_call, s->id);
	x->settled = !provisional;
	if (k)
		set_timer(s->w, t, s->when);
	else
		exchange_expect(x, 1);
	return true;
}

void txn_name(struct sip_seen *s)
{
	struct key key;

	s->has_key = key_make(&key, s->m, s->head, method_for_key(s->m, s->head));
	if (!s->has_key)
		return;
	s->key = key.name;
	s->old_key = key.old;
	index_fetch_slot(&s->w->txns, s->key);
}

bool txn_message(struct sip_seen *s)
{
	struct key key = {s->key, s->old_key};
	const struct key *k = s->has_key ? &key : NULL;

	if (k)
		index_fetch(&s->w->txns, k->name, sizeof(struct exchange),
			    offsetof(struct sip_txn, msg));
	if (!s->m->request)
		return (s->m->method != SIP_CANCEL || !cancel_answer(s)) && answer(s, k);
	if ((s->m->method == SIP_ACK && ack(s, k)) || (s->m->method == SIP_CANCEL && cancel(s)))
		return false;
	struct sip_txn *t = k && s->m->method != SIP_ACK ? find(s, k, true, 2) : NULL;

	/* An answer that was seen before its request cannot be told from one to another. */
	if (t == NULL || !t->x->begun[CLIENT])
		return ask(s, s->m->method == SIP_ACK ? NULL : k);
	s->txn = t;
	s->again = true;
	t->again[CLIENT]++;
	set_timer(s->w, t, s->when);
	return false;
}

void txn_forget(struct exchange *x)
{
	struct sip_txn *t = txn_of(x);
	struct sip_world *w = sip_world_of(x->conn);

	wheel_stop(&t->timer);
	if (w->open) {
		index_remove(&w->txns, &t->by_key);
		index_remove(&w->txns_by_call, &t->by_call);
	}
}
