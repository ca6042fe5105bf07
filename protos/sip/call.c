#include "protos/sip/call.h"
#include "shipper/base/must.h"
#include "shipper/flow/flow.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { HOPS_FIRST = 8, TEXT_USUAL = 384 /* bytes of a call's texts */ };

const char *const call_state_names[CALL_STATES] = {
	[CALL_SETUP] = "setup",		  [CALL_RINGING] = "ringing", [CALL_ANSWERED] = "answered",
	[CALL_COMPLETED] = "completed",	  [CALL_REFUSED] = "refused", [CALL_CANCELED] = "canceled",
	[CALL_REDIRECTED] = "redirected", [CALL_TIMEOUT] = "timeout", [CALL_LOST] = "lost",
};

static uint64_t hash_of(struct bytes b)
{
	return XXH3_64bits(b.len ? b.at : (const uint8_t *)"", b.len);
}

static void set_text(struct call *c, struct clip *clip, struct bytes text)
{
	if (text.len > 0 && !bytes_eq(clip_bytes(clip, &c->text), bytes_head(text, CALL_TEXT_MAX)))
		clip_set(clip, &c->text, text, CALL_TEXT_MAX);
}

/* ---- Beginning and end ---- */

static void call_free(struct call *c)
{
	struct sip_world *w = c->w;

	wheel_stop(&c->timer);
	index_remove(&w->calls, &c->by_id);
	*(c->older ? &c->older->newer : &w->oldest_call) = c->newer;
	*(c->newer ? &c->newer->older : &w->newest_call) = c->older;
	w->calls_count--;
	quota_give(world_quota(w->world), sizeof(*c) + c->hops_room * sizeof(struct hop));
	buf_fini(&c->text);
	free(c->hops);
	free(c);
}

static nsec sum(nsec a, nsec b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* When a call that says nothing more is given up. */
static nsec deadline(const struct call *c)
{
	const struct sip_conf *conf = sip_conf_of(c->w);

	if (c->state > CALL_ANSWERED)
		return sum(c->last, SIP_T4);
	if (c->bye)
		return sum(c->bye, SIP_64T1 + SIP_T4);
	if (c->answered || c->state == CALL_ANSWERED)
		return sum(c->last, conf->call_timeout);
	return c->heard ? sum(c->last, conf->common.transaction_timeout)
			: sum(c->invite, SIP_64T1 + SIP_T4);
}

static void arm(struct call *c)
{
	nsec end = deadline(c);

	wheel_set(&c->w->wheel, &c->timer,
		  c->state > CALL_ANSWERED || end < c->report ? end : c->report);
}

static void fetch(const struct timer *timer, bool soon)
{
	const struct call *c =
		(const struct call *)((const char *)timer - offsetof(struct call, timer));

	if (soon)
		return;
	timer_fetch(c->text.at, c->text.len);
	timer_fetch(c->hops, c->hops_count * sizeof(struct hop));
}

static void fire(struct timer *timer, void *self)
{
	struct call *c = (struct call *)((char *)timer - offsetof(struct call, timer));
	nsec end = deadline(c);

	(void)self;
	if (end > timer->due) {
		call_write(c, c->report, 0);
		c->report = sum(c->report, sip_conf_of(c->w)->call_interval);
		arm(c);
		return;
	}
	if (c->state <= CALL_ANSWERED)
		c->state = c->bye		       ? CALL_COMPLETED
			   : c->state == CALL_ANSWERED ? CALL_LOST
						       : CALL_TIMEOUT;
	call_write(c, c->last,
		   c->state == CALL_TIMEOUT || c->state == CALL_LOST ? NOTE_TIMEOUT : 0);
	call_free(c);
}

bool call_shrink(struct sip_world *w)
{
	struct call *c = w->oldest_call;

	if (c == NULL)
		return false;
	count(world_counters(w->world), COUNT_RECORDS_LIMIT);
	call_write(c, c->last, NOTE_LIMIT);
	call_free(c);
	return true;
}

void call_finish(struct sip_world *w)
{
	while (w->oldest_call) {
		struct call *c = w->oldest_call;

		call_write(c, c->last, c->state > CALL_ANSWERED ? 0 : NOTE_FINISHED);
		call_free(c);
	}
	registration_leave(w);
}

void call_leave(struct sip_world *w)
{
	while (w->oldest_call)
		call_free(w->oldest_call);
	registration_leave(w);
}

static struct call *call_new(const struct sip_seen *s, struct bytes id)
{
	struct sip_world *w = s->w;
	struct call *c;

	if (w->calls_count >= sip_conf_of(w)->calls_max)
		call_shrink(w);
	c = must_alloc(sizeof(*c));
	quota_take(world_quota(w->world), sizeof(*c));
	buf_init(&c->text, world_quota(w->world));
	c->w = w;
	c->timer.fire = fire;
	c->timer.fetch = fetch;
	c->begin = s->when;
	c->report = sum(s->when, sip_conf_of(w)->call_interval);
	c->from_tag = hash_of(sip_part(s->head, s->m->from_tag));
	buf_room(&c->text, TEXT_USUAL);
	set_text(c, &c->id, id);
	set_text(c, &c->from, sip_one(s->m, s->head, SIP_FROM));
	set_text(c, &c->to, sip_one(s->m, s->head, SIP_TO));
	c->older = w->newest_call;
	*(w->newest_call ? &w->newest_call->newer : &w->oldest_call) = c;
	w->newest_call = c;
	w->calls_count++;
	index_add(&w->calls, &c->by_id, s->id);
	return c;
}

/* ---- Losses ---- */

static nsec *lost_slot(struct sip_world *w, const struct addr *a)
{
	return &w->lost[XXH3_64bits(a, sizeof(*a)) % LOST_SLOTS];
}

void call_lost(struct sip_world *w, const struct endpoints *ends, nsec when)
{
	for (int i = 0; i < 2; i++)
		*lost_slot(w, &ends->addr[i]) = when > w->wheel.now ? when : w->wheel.now;
}

bool call_is_lossy(const struct call *c)
{
	int count = 0;

	for (unsigned i = 0; i < c->hosts_count; i++)
		count += *lost_slot(c->w, &c->hosts[i].addr) >= c->begin;
	return count >= 2;
}

/* ---- The flow ---- */

static uint8_t host_of(struct call *c, const struct endpoints *ends, unsigned side)
{
	struct host h = {ends->addr[side], ends->port[side], ends->version, ends->transport};
	uint8_t i = 0;

	for (; i < c->hosts_count; i++)
		if (c->hosts[i].port == h.port && c->hosts[i].version == h.version &&
		    memcmp(&c->hosts[i].addr, &h.addr, sizeof(h.addr)) == 0)
			return i;
	if (i == HOSTS_MAX)
		return HOSTS_MAX - 1;
	c->hosts[c->hosts_count++] = h;
	return i;
}

static void more_hops(struct call *c)
{
	uint16_t room = c->hops_room ? (uint16_t)(2 * c->hops_room) : HOPS_FIRST;
	struct hop *hops = must_alloc(room * sizeof(struct hop));

	if (c->hops_count > 0)
		memcpy(hops, c->hops, c->hops_count * sizeof(struct hop));
	quota_take(world_quota(c->w->world), (size_t)(room - c->hops_room) * sizeof(struct hop));
	free(c->hops);
	c->hops = hops;
	c->hops_room = room;
}

/* Returns the hop, where it is listed no longer too. */
static struct hop add_hop(struct call *c, const struct sip_seen *s)
{
	const struct endpoints *ends = conn_ends(s->conn);
	struct bytes phrase = bytes_head(sip_part(s->head, s->m->phrase), PHRASE_MAX);
	struct bytes name = s->m->method ? NO_BYTES : sip_part(s->head, s->m->method_text);
	struct hop h = {.when = s->when,
			.code = s->m->request ? 0 : s->m->code,
			.method = s->m->method,
			.again = s->again,
			.sdp = s->has_sdp};

	h.from = host_of(c, ends, s->from);
	h.to = host_of(c, ends, side_other(s->from));
	c->messages++;
	c->retransmits += s->again;
	c->last = s->when > c->last ? s->when : c->last;
	if (c->hops_count == HOPS_MAX)
		return h;
	if (c->hops_count == c->hops_room)
		more_hops(c);
	h.phrase = (uint32_t)c->text.len;
	name = bytes_head(name, NAME_MAX_BYTES);
	h.phrase_len = (uint8_t)phrase.len;
	h.name_len = (uint8_t)name.len;
	buf_add(&c->text, phrase);
	buf_add(&c->text, name);
	c->hops[c->hops_count++] = h;
	return h;
}

/* ---- Session descriptions ---- */

static void take_sdp(struct call *c, const struct sip_seen *s, unsigned who)
{
	const struct sdp *sdp = s->sdp;
	char port[8];
	struct bytes a;

	if (sdp == NULL)
		return;
	/* The first offer and answer may well be for one way only. */
	c->holds += c->answered && s->m->request && sdp->held && !c->held[who];
	c->held[who] = sdp->held;
	if (sdp->streams_count == 0)
		return;
	a = sdp->streams[0].address;
	c->media[who] = (struct clip){0};
	clip_add(&c->media[who], &c->text, a, CALL_TEXT_MAX);
	port[0] = ':';
	int n = 1;

	for (int32_t p = sdp->streams[0].port, d = 10000; d > 0; d /= 10)
		if (p >= d || d == 1)
			port[n++] = (char)('0' + p / d % 10);
	clip_add(&c->media[who], &c->text, bytes_of(port, (size_t)n), CALL_TEXT_MAX);
	c->codecs = (struct clip){0};
	for (unsigned i = 0; i < sdp->codecs_count; i++) {
		clip_add(&c->codecs, &c->text, sdp->codecs[i], CALL_TEXT_MAX);
		clip_add(&c->codecs, &c->text, BYTES("\n"), CALL_TEXT_MAX);
	}
}

/* Re-INVITEs may be many: texts that were replaced are dropped. */
static void tidy(struct call *c)
{
	enum { TEXT_ROOM = 16 << 10 };
	struct clip *clips[] = {&c->id,	      &c->from,	    &c->to,	  &c->phrase, &c->agent[0],
				&c->agent[1], &c->media[0], &c->media[1], &c->codecs};
	struct buf old = c->text;

	if (old.len < TEXT_ROOM)
		return;
	buf_init(&c->text, old.quota);
	for (size_t i = 0; i < sizeof(clips) / sizeof(clips[0]); i++)
		clip_set(clips[i], &c->text, clip_bytes(clips[i], &old), CALL_TEXT_MAX);
	for (size_t i = 0; i < c->hops_count; i++) {
		struct hop *h = &c->hops[i];
		struct bytes phrase = bytes_of(old.at + h->phrase, h->phrase_len + h->name_len);

		h->phrase = (uint32_t)c->text.len;
		buf_add(&c->text, phrase);
	}
	buf_fini(&old);
}

/* ---- What messages do ---- */

static void over(struct call *c, enum call_state state, nsec when)
{
	c->state = (uint8_t)state;
	c->ended = when;
}

static uint64_t callee_tag(const struct sip_seen *s, unsigned who)
{
	return hash_of(sip_part(s->head, who == CALLER ? s->m->to_tag : s->m->from_tag));
}

static void request(struct call *c, const struct sip_seen *s, const struct hop *h, unsigned who)
{
	bool ingress = h->from + h->to == 1;

	set_text(c, &c->agent[who], sip_one(s->m, s->head, SIP_USER_AGENT));
	switch (s->m->method) {
	case SIP_INVITE:
		if (!ingress) {
			c->egress = h->to;
			break;
		}
		if (s->m->to_tag.len == 0) {
			c->invite = s->when;
			c->cseq = s->m->cseq;
			c->state = CALL_SETUP;
			c->status = c->ended = 0;
		} else {
			c->reinvites++;
		}
		take_sdp(c, s, who);
		break;
	case SIP_ACK:
	case SIP_PRACK:
		if (ingress)
			take_sdp(c, s, who);
		break;
	case SIP_UPDATE:
		if (ingress) {
			c->reinvites++;
			take_sdp(c, s, who);
		}
		break;
	case SIP_CANCEL:
		c->canceled = true;
		break;
	case SIP_REFER:
		c->refers += ingress;
		break;
	case SIP_BYE:
		/* Of one of several that took the call, the others go on. */
		if (c->bye || (c->forks > 0 && callee_tag(s, who) != c->to_tag))
			break;
		c->bye = c->ended = s->when;
		c->bye_by_callee = who == CALLEE;
		c->bye_from = h->from;
		break;
	default:
		break;
	}
}

static void final_answer(struct call *c, const struct sip_seen *s)
{
	uint16_t code = s->m->code;

	c->code = code;
	set_text(c, &c->phrase, sip_part(s->head, s->m->phrase));
	if (code < 300) {
		c->answered = s->when;
		c->state = CALL_ANSWERED;
		c->to_tag = hash_of(sip_part(s->head, s->m->to_tag));
		set_text(c, &c->to, sip_one(s->m, s->head, SIP_TO));
		return;
	}
	if (code == 401 || code == 407) {
		c->challenges++;
		c->status = 0; /* only an INVITE that is let through counts */
	}
	over(c,
	     code < 400			  ? CALL_REDIRECTED
	     : code == 487 && c->canceled ? CALL_CANCELED
	     : code == 408		  ? CALL_TIMEOUT
					  : CALL_REFUSED,
	     s->when);
}

static void invite_answer(struct call *c, const struct sip_seen *s, unsigned who)
{
	uint16_t code = s->m->code;

	if (c->answered || s->m->cseq != c->cseq) {
		/* Of a re-INVITE, or of another that was forked to. */
		c->forks += s->m->cseq == c->cseq && code >= 200 && code < 300 &&
			    hash_of(sip_part(s->head, s->m->to_tag)) != c->to_tag;
		if (code >= 200 && code < 300)
			take_sdp(c, s, who);
		return;
	}
	c->heard = s->when;
	if (code > 100 && c->status == 0)
		c->status = s->when;
	take_sdp(c, s, who);
	if (code >= 200) {
		final_answer(c, s);
	} else if (code > 100 && c->state == CALL_SETUP) {
		c->state = CALL_RINGING;
		c->ringing = s->when;
	}
}

static void response(struct call *c, const struct sip_seen *s, const struct hop *h, unsigned who)
{
	bool ingress = h->from + h->to == 1;
	struct bytes agent = sip_one(s->m, s->head, SIP_SERVER);

	if (s->m->code > 100)
		set_text(c, &c->agent[who],
			 agent.len > 0 ? agent : sip_one(s->m, s->head, SIP_USER_AGENT));
	if (s->m->method == SIP_INVITE && ingress)
		invite_answer(c, s, who);
	if (s->m->method == SIP_BYE && c->bye && h->to == c->bye_from && s->m->code >= 200 &&
	    s->m->code != 401 && s->m->code != 407 && !c->bye_answered) {
		c->bye_answered = s->when;
		c->bye_done = s->m->code < 300;
		c->state = CALL_COMPLETED;
	}
}

/* A call that had begun before it was seen: what is in hand says so. */
static struct call *call_midway(const struct sip_seen *s, struct bytes id)
{
	const struct sip_message *m = s->m;
	struct call *c;

	if (id.len == 0 || s->again || m->to_tag.len == 0 ||
	    !(m->method == SIP_INVITE || (m->request && m->method == SIP_BYE)) ||
	    (!m->request && m->code <= 100))
		return NULL;
	c = call_new(s, id);
	c->midway = true;
	c->unsure = m->request;
	c->cseq = m->cseq;
	if (m->request) {
		c->state = CALL_ANSWERED;
		return c;
	}
	host_of(c, conn_ends(s->conn), side_other(s->from));
	return c;
}

/* The call that a message belongs to; an INVITE without a To tag begins one. */
static struct call *call_of(const struct sip_seen *s)
{
	struct bytes id = sip_one(s->m, s->head, SIP_CALL_ID);
	/* Its link is its first member. */
	struct call *c = id.len > 0 ? (struct call *)index_first(&s->w->calls, s->id) : NULL;
	bool begins = s->m->request && s->m->method == SIP_INVITE && s->m->to_tag.len == 0 &&
		      !s->again && id.len > 0;

	if (c && begins && c->state > CALL_ANSWERED &&
	    c->from_tag != hash_of(sip_part(s->head, s->m->from_tag))) {
		/* The Call-ID is used again. */
		call_write(c, c->last, 0);
		call_free(c);
		c = NULL;
	}
	if (c)
		return c;
	return begins ? call_new(s, id) : call_midway(s, id);
}

void call_message(const struct sip_seen *s)
{
	const struct sip_conf *conf = sip_conf_of(s->w);

	if (s->m->method == SIP_REGISTER) {
		if (conf->registrations)
			registration_message(s);
		return;
	}
	struct call *c = conf->calls ? call_of(s) : NULL;

	if (c == NULL)
		return;
	struct hop h = add_hop(c, s);
	/* From and To of an answer are the request's. */
	bool caller = c->from_tag == hash_of(sip_part(s->head, s->m->from_tag));
	unsigned who = caller == s->m->request ? CALLER : CALLEE;

	if (!s->again && s->m->request)
		request(c, s, &h, who);
	else if (!s->again)
		response(c, s, &h, who);
	tidy(c);
	arm(c);
}
