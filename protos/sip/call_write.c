#include "protos/sip/call.h"
#include "protos/sip/fields.h"
#include "protos/sip/part.h"
#include "shipper/txn/digits.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
	LINE_MAX_BYTES = 384,
	HOST_TEXT_MAX = 64, /* an address, brackets, a port */
};

struct view {
	const struct call *c;
	nsec end;
};

static struct bytes text(const struct call *c, const struct clip *clip)
{
	return clip_bytes(clip, &c->text);
}

static void span(struct doc *d, unsigned field, nsec from, nsec to)
{
	if (from && to >= from)
		doc_int(d, field, to - from);
}

static void when(struct doc *d, unsigned field, nsec at)
{
	if (at)
		doc_time(d, field, at);
}

static void many(struct doc *d, unsigned field, uint32_t n)
{
	if (n > 0)
		doc_int(d, field, n);
}

/* ---- The flow ---- */

/* Its hosts as text. */
struct names {
	uint8_t len[HOSTS_MAX];
	uint8_t text[HOSTS_MAX][HOST_TEXT_MAX];
};

static size_t put_host(uint8_t *to, const struct host *h)
{
	const uint8_t *begin = to;
	bool six = h->version == 6;

	*to = '[';
	to += six;
	to += addr_text(&h->addr, h->version, (char *)to);
	*to = ']';
	to += six;
	*to++ = ':';
	return (size_t)(digits_u64(to, h->port) - begin);
}

static void name_hosts(const struct call *c, struct names *names)
{
	for (unsigned i = 0; i < c->hosts_count; i++)
		names->len[i] = (uint8_t)put_host(names->text[i], &c->hosts[i]);
}

static uint8_t *put_name(uint8_t *to, const struct names *names, uint8_t host)
{
	memcpy(to, names->text[host], HOST_TEXT_MAX);
	return to + names->len[host];
}

static uint8_t *put_words(uint8_t *to, const char *words)
{
	size_t n = strlen(words);

	memcpy(to, words, n);
	return to + n;
}

static uint8_t *put_bytes(uint8_t *to, struct bytes b)
{
	if (b.len > 0)
		memcpy(to, b.at, b.len);
	return to + b.len;
}

/* "INVITE (sdp)", "180 Ringing (INVITE, again)": of an answer the method that it is for. */
static uint8_t *put_what(uint8_t *to, const struct call *c, const struct hop *h)
{
	struct bytes phrase = bytes_of(c->text.at + h->phrase, h->phrase_len);
	struct bytes method =
		h->method ? bytes_str(sip_method_names[h->method])
			  : bytes_of(c->text.at + h->phrase + h->phrase_len, h->name_len);
	const char *comma = " (";

	if (h->code) {
		to = digits_u64(to, h->code);
		if (h->phrase_len > 0)
			*to++ = ' ';
		to = put_bytes(to, phrase);
		to = put_bytes(put_words(to, comma), method);
		comma = ", ";
	} else {
		to = put_bytes(to, method);
	}
	if (h->sdp) {
		to = put_words(put_words(to, comma), "sdp");
		comma = ", ";
	}
	if (h->again)
		to = put_words(put_words(to, comma), "again");
	return h->code || h->sdp || h->again ? put_words(to, ")") : to;
}

/* "1.250300 192.0.2.1:5060 > 192.0.2.2:5060 INVITE" */
static struct bytes hop_line(const struct call *c, const struct hop *h, const struct names *names,
			     uint8_t line[LINE_MAX_BYTES])
{
	nsec since = h->when > c->begin ? h->when - c->begin : 0;
	uint8_t *to = digits_u64(line, (uint64_t)since / NS_PER_S);
	uint8_t nine[9];

	*to++ = '.';
	digits_nine(nine, (uint32_t)(since % NS_PER_S));
	to = put_bytes(to, bytes_of(nine, 6));
	*to++ = ' ';
	to = put_name(to, names, h->from);
	to = put_words(to, " > ");
	to = put_name(to, names, h->to);
	*to++ = ' ';
	to = put_what(to, c, h);
	return bytes_of(line, (size_t)(to - line));
}

static void write_flow(const struct call *c, struct doc *d)
{
	uint8_t line[LINE_MAX_BYTES];
	struct names names;

	if (c->hops_count == 0)
		return;
	name_hosts(c, &names);
	doc_list_begin(d, SIP_FIELD(CALL_FLOW));
	for (unsigned i = 0; i < c->hops_count; i++)
		doc_list_text(d, hop_line(c, &c->hops[i], &names, line));
	doc_list_end(d);
}

/* ---- The document ---- */

static struct sip_uri write_party(struct doc *d, unsigned field, struct bytes value)
{
	struct sip_address a = sip_address_of(value);
	struct sip_uri u = sip_uri_of(a.uri);

	part_address(d, field, a.name, sip_tag(a.params), &u);
	return u;
}

static void write_parties(const struct call *c, struct doc *d)
{
	struct sip_uri from = write_party(d, SIP_FIELD(FROM_NAME), text(c, &c->from));
	struct sip_uri to = write_party(d, SIP_FIELD(TO_NAME), text(c, &c->to));

	doc_word(d, SIP_FIELD(CALL_STATE), call_state_names[c->state]);
	part_user(d, SIP_FIELD(CALL_CALLER), from.user);
	doc_text(d, SIP_FIELD(CALL_CALLER_DOMAIN), from.host);
	part_user(d, SIP_FIELD(CALL_CALLEE), to.user);
	doc_text(d, SIP_FIELD(CALL_CALLEE_DOMAIN), to.host);
}

static void write_times(const struct call *c, nsec end, struct doc *d)
{
	nsec final = c->answered ? c->answered : c->state > CALL_ANSWERED ? c->ended : 0;
	nsec begin = c->midway ? 0 : c->begin;

	when(d, SIP_FIELD(CALL_RINGING), c->ringing);
	when(d, SIP_FIELD(CALL_ANSWERED), c->answered);
	when(d, SIP_FIELD(CALL_ENDED), c->ended);
	span(d, SIP_FIELD(CALL_SETUP), begin, final);
	span(d, SIP_FIELD(CALL_PDD), begin, c->status);
	span(d, SIP_FIELD(CALL_DURATION), c->answered, c->bye ? c->bye : end);
	span(d, SIP_FIELD(CALL_SRD), c->invite, c->status);
	span(d, SIP_FIELD(CALL_SDD), c->bye, c->bye_answered);
}

static void write_measures(const struct call *c, struct doc *d)
{
	uint16_t n = c->code;
	bool silent = c->state == CALL_TIMEOUT;

	bool answered = c->answered || c->unsure;

	if (!answered && c->state <= CALL_ANSWERED)
		return; /* not known yet */
	doc_bool(d, SIP_FIELD(CALL_ESTABLISHED), answered);
	doc_bool(d, SIP_FIELD(CALL_EFFECTIVE),
		 answered || n == 480 || n == 486 || n == 600 || n == 603);
	doc_bool(d, SIP_FIELD(CALL_INEFFECTIVE),
		 !answered && (silent || n == 408 || n == 500 || n == 503 || n == 504));
	if (c->state > CALL_ANSWERED)
		doc_bool(d, SIP_FIELD(CALL_COMPLETED), answered && c->bye_done);
	doc_bool(d, SIP_FIELD(CALL_REDIRECTED), c->state == CALL_REDIRECTED);
}

static void write_ways(const struct call *c, struct doc *d)
{
	const struct host *egress = &c->hosts[c->egress ? c->egress : 1];
	struct bytes codecs = text(c, &c->codecs);

	if (c->bye && !c->unsure)
		doc_word(d, SIP_FIELD(CALL_HUNG_UP), c->bye_by_callee ? "callee" : "caller");
	doc_text(d, SIP_FIELD(CALL_AGENT_CALLER), text(c, &c->agent[CALLER]));
	doc_text(d, SIP_FIELD(CALL_AGENT_CALLEE), text(c, &c->agent[CALLEE]));
	if (egress->version) {
		doc_ip(d, SIP_FIELD(CALL_EGRESS_IP), &egress->addr, egress->version);
		doc_int(d, SIP_FIELD(CALL_EGRESS_PORT), egress->port);
	}
	doc_text(d, SIP_FIELD(CALL_MEDIA_CALLER), text(c, &c->media[CALLER]));
	doc_text(d, SIP_FIELD(CALL_MEDIA_CALLEE), text(c, &c->media[CALLEE]));
	if (codecs.len == 0)
		return;
	doc_list_begin(d, SIP_FIELD(CALL_CODECS));
	while (codecs.len > 0) {
		size_t n = bytes_find(codecs, '\n');

		doc_list_text(d, bytes_head(codecs, n));
		codecs = bytes_skip(codecs, n + 1);
	}
	doc_list_end(d);
}

static void write_call(const void *subject, struct doc *d)
{
	const struct view *v = subject;
	const struct call *c = v->c;

	if (c->code > 0)
		doc_int(d, SIP_FIELD(CODE), c->code);
	doc_text(d, SIP_FIELD(STATUS), text(c, &c->phrase));
	doc_text(d, SIP_FIELD(CALL_ID), text(c, &c->id));
	write_parties(c, d);
	write_times(c, v->end, d);
	write_measures(c, d);
	write_ways(c, d);
	many(d, SIP_FIELD(CALL_REINVITES), c->reinvites);
	many(d, SIP_FIELD(CALL_HOLDS), c->holds);
	many(d, SIP_FIELD(CALL_REFERS), c->refers);
	many(d, SIP_FIELD(CALL_FORKS), c->forks);
	many(d, SIP_FIELD(CALL_CHALLENGES), c->challenges);
	many(d, SIP_FIELD(CALL_RETRANSMITS), c->retransmits);
	many(d, SIP_FIELD(CALL_MESSAGES), c->messages);
	write_flow(c, d);
}

void call_write(struct call *c, nsec end, uint32_t notes)
{
	struct view v = {c, end};
	struct record_ends ends = {.addr = {c->hosts[0].addr, c->hosts[1].addr},
				   .port = {c->hosts[0].port, c->hosts[1].port},
				   .version = c->hosts[0].version,
				   .transport = c->hosts[0].transport};
	struct bytes id = text(c, &c->id);
	bool failed = c->state == CALL_REFUSED || c->state == CALL_TIMEOUT || c->state == CALL_LOST;

	if (c->messages > HOPS_MAX)
		notes |= SIP_NOTE_MORE;
	if (c->midway)
		notes |= NOTE_MIDSTREAM;
	if (call_is_lossy(c))
		notes |= NOTE_GAP;
	record_add(c->w->world, &(struct record){
					.type = "sip_call",
					.start = c->begin,
					.end = end > c->begin ? end : c->begin,
					.status = failed ? STATUS_ERROR : STATUS_OK,
					.unknown = c->state <= CALL_ANSWERED,
					.notes = notes,
					.identity = XXH3_64bits(id.at, id.len) + c->written++,
					.ends = &ends,
					.write = write_call,
					.subject = &v,
				});
}
