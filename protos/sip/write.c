#include "protos/sip/fields.h"
#include "protos/sip/part.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { PRINT_MAX = 256, LINE_MAX_BYTES = 256 };

/* A transaction with both of its messages; where one is missing, the other stands for it. */
struct view {
	const struct exchange *x;
	const struct sip_txn *t;
	const struct sip_kept *m, *answer;
	struct bytes text, answer_text; /* theirs */
};

/* Method and URI, the password masked. */
static void write_request(struct doc *d, struct bytes method, const struct sip_uri *u)
{
	uint8_t text[LINE_MAX_BYTES];
	struct bytes uri = u->whole;
	size_t before = u->password.len ? (size_t)(u->password.at - uri.at) : uri.len;

	if (u->password.len == 0 && uri.len > 0 && method.len + 1 + uri.len <= sizeof(text)) {
		memcpy(text, method.at, method.len);
		text[method.len] = ' ';
		memcpy(text + method.len + 1, uri.at, uri.len);
		doc_text(d, F_QUERY, bytes_of(text, method.len + 1 + uri.len));
		return;
	}
	doc_text_begin(d, F_QUERY);
	doc_text_more(d, method);
	doc_text_more(d, BYTES(" "));
	doc_text_more(d, bytes_head(uri, before));
	if (u->password.len > 0) {
		doc_text_more(d, BYTES("*"));
		doc_text_more(d, bytes_skip(uri, before + u->password.len));
	}
	doc_text_end(d);
}

static void write_query(const struct view *v, const struct sip_uri *u, struct doc *d)
{
	struct bytes method = bytes_head(sip_part(v->text, v->m->method_text), PRINT_MAX / 2);
	uint8_t print[PRINT_MAX];
	size_t n = 0;

	if (method.len == 0)
		return;
	memcpy(print, method.at, method.len);
	n = method.len;
	doc_text(d, F_METHOD, method);
	if (v->m->request) {
		struct bytes host =
			bytes_head(u->host.len ? u->host : u->scheme, PRINT_MAX / 2 - 1);

		write_request(d, method, u);
		if (host.len > 0) {
			print[n++] = ' ';
			memcpy(print + n, host.at, host.len);
		}
		n += host.len;
	}
	doc_text(d, F_QUERY_FINGERPRINT, bytes_of(print, n));
	doc_hex(d, F_QUERY_HASH, XXH3_64bits(print, n));
}

/* Of a head that was cut, and of lines of commas alone, nothing is left. */
static void write_list(struct doc *d, unsigned field, struct bytes lines)
{
	bool any = false;

	while (lines.len > 0) {
		struct bytes rest = kept_line(&lines);

		while (rest.len > 0) {
			struct bytes one = sip_list_next(&rest);

			if (one.len == 0)
				continue;
			if (!any)
				doc_list_begin(d, field);
			any = true;
			doc_list_text(d, one);
		}
	}
	if (any)
		doc_list_end(d);
}

/* The lines of the request, or of the answer where that has none. */
static struct bytes lines_of(const struct view *v, enum sip_list which)
{
	struct bytes lines = sip_part(v->text, v->m->list[which]);

	return lines.len > 0 ? lines : sip_part(v->answer_text, v->answer->list[which]);
}

static void write_contact(const struct view *v, struct doc *d)
{
	struct bytes lines = lines_of(v, SIP_CONTACT), list = kept_line(&lines), value;
	struct bytes first = sip_list_next(&list);

	if (first.len == 0)
		return;
	if (bytes_eq(first, BYTES("*"))) {
		doc_text(d, SIP_FIELD(CONTACT_URI_ORIGINAL), first);
		return;
	}
	struct sip_address a = sip_address_of(first);
	struct sip_uri u = sip_uri_of(a.uri);

	part_address(d, SIP_FIELD(CONTACT_NAME), a.name, NO_BYTES, &u);
	if (sip_param(a.params, BYTES("expires"), &value))
		part_number(d, SIP_FIELD(CONTACT_EXPIRES), value);
	if (sip_param(a.params, BYTES("q"), &value))
		doc_text(d, SIP_FIELD(CONTACT_Q), value);
}

/* A header of the request, or of the answer where that has none. */
static struct bytes either(const struct view *v, enum sip_header which)
{
	struct bytes b = kept_one(v->m, v->text, which);

	return b.len > 0 ? b : kept_one(v->answer, v->answer_text, which);
}

static void write_headers(const struct view *v, struct doc *d)
{
	struct bytes refer = either(v, SIP_REFER_TO);

	write_list(d, SIP_FIELD(VIA), sip_part(v->text, v->m->list[SIP_VIA]));
	part_number(d, SIP_FIELD(MAX_FORWARDS), kept_one(v->m, v->text, SIP_MAX_FORWARDS));
	doc_text(d, SIP_FIELD(CONTENT_TYPE), either(v, SIP_CONTENT_TYPE));
	if (v->m->length > 0)
		doc_int(d, SIP_FIELD(CONTENT_LENGTH), v->m->length);
	else if (v->answer->length > 0)
		doc_int(d, SIP_FIELD(CONTENT_LENGTH), v->answer->length);
	write_list(d, SIP_FIELD(ALLOW), lines_of(v, SIP_ALLOW));
	write_list(d, SIP_FIELD(SUPPORTED), lines_of(v, SIP_SUPPORTED));
	write_list(d, SIP_FIELD(ACCEPT), lines_of(v, SIP_ACCEPT));
	part_number(d, SIP_FIELD(EXPIRES), either(v, SIP_EXPIRES));
	doc_text(d, SIP_FIELD(REASON), either(v, SIP_REASON));
	doc_text(d, SIP_FIELD(WARNING), either(v, SIP_WARNING));
	if (refer.len > 0)
		part_plain_uri(d, SIP_FIELD(REFER_TO), sip_address_of(refer).uri);
	doc_text(d, SIP_FIELD(EVENT), either(v, SIP_EVENT));
	doc_text(d, SIP_FIELD(SUBSCRIPTION), either(v, SIP_SUBSCRIPTION_STATE));
	struct bytes agent = kept_one(v->m, v->text, SIP_USER_AGENT);
	struct bytes server = kept_one(v->answer, v->answer_text, SIP_SERVER);

	if (server.len == 0 && v->answer != v->m)
		server = kept_one(v->answer, v->answer_text, SIP_USER_AGENT);
	doc_text(d, SIP_FIELD(USER_AGENT), agent.len > 0 ? agent : server);
	doc_text(d, SIP_FIELD(SERVER), server);
	struct bytes identity = either(v, SIP_IDENTITY);

	if (identity.len > 0) {
		struct sip_uri u = sip_uri_of(sip_address_of(sip_list_next(&identity)).uri);

		part_uri(d, SIP_FIELD(PRIVATE_URI_ORIGINAL), &u);
	}
}

static void write_auth(const struct view *v, struct doc *d)
{
	struct bytes value = kept_one(v->m, v->text, SIP_AUTHORIZATION);

	if (value.len == 0)
		value = kept_one(v->answer, v->answer_text, SIP_CHALLENGE);
	if (bytes_find(value, ' ') == value.len)
		return;
	struct sip_digest digest = sip_digest_of(value);

	doc_text(d, SIP_FIELD(AUTH_SCHEME), digest.scheme);
	doc_text(d, SIP_FIELD(AUTH_REALM), digest.realm);
	doc_text(d, SIP_FIELD(AUTH_USERNAME), digest.username);
	doc_text(d, SIP_FIELD(AUTH_ALGORITHM), digest.algorithm);
	if (v->t->attempt > 0)
		doc_int(d, SIP_FIELD(AUTH_ATTEMPT), v->t->attempt);
	if (digest.uri.len > 0) {
		struct sip_uri u = sip_uri_of(digest.uri);

		part_uri(d, SIP_FIELD(AUTH_URI_ORIGINAL), &u);
	}
}

static void write_answers(const struct view *v, struct doc *d, unsigned field,
			  const struct sip_answer *list, unsigned count, unsigned max)
{
	nsec start = v->x->begin[v->x->begun[CLIENT] ? CLIENT : SERVER];

	count = count < max ? count : max;
	if (count == 0)
		return;
	doc_list_begin(d, field);
	for (unsigned i = 0; i < count; i++)
		doc_list_int(d, list[i].code);
	doc_list_end(d);
	if (!v->x->begun[CLIENT])
		return;
	doc_list_begin(d, field + 1);
	for (unsigned i = 0; i < count; i++)
		doc_list_int(d, list[i].when - start);
	doc_list_end(d);
}

static void write_repeats(const struct view *v, struct doc *d)
{
	const struct sip_txn *t = v->t;
	const struct exchange *x = v->x;

	write_answers(v, d, SIP_FIELD(PROVISIONAL_CODE), t->provisional, t->provisionals,
		      PROVISIONALS_MAX);
	if (t->again[CLIENT] > 0)
		doc_int(d, SIP_FIELD(RETRANSMITS_REQUEST), t->again[CLIENT]);
	if (t->again[SERVER] > 0)
		doc_int(d, SIP_FIELD(RETRANSMITS_RESPONSE), t->again[SERVER]);
	if (t->acks > 0)
		doc_int(d, SIP_FIELD(RETRANSMITS_ACK), t->acks);
	write_answers(v, d, SIP_FIELD(FORKS_CODE), t->forks, t->forks_count, FORKS_MAX);
	if (t->ack && x->ended[SERVER])
		doc_int(d, SIP_FIELD(ACK_DELAY), t->ack - x->end[SERVER]);
	if (t->ack_tags > 1)
		doc_int(d, SIP_FIELD(ACK_COUNT), t->ack_tags);
	if (t->cancel)
		doc_int(d, SIP_FIELD(CANCEL_DELAY), t->cancel - x->begin[CLIENT]);
	if (t->cancel_code)
		doc_int(d, SIP_FIELD(CANCEL_CODE), t->cancel_code);
}

static bool read_body(const struct exchange *x, enum side role, struct sdp *sdp)
{
	const struct sip_txn *t = x->own;
	struct bytes body = exchange_text(x, &t->body[role]);
	struct sdp_kept kept;

	if (t->sdp[role].len == sizeof(kept)) {
		memcpy(&kept, exchange_text(x, &t->sdp[role]).at, sizeof(kept));
		sdp_unpack(&kept, body, sdp);
		return true;
	}
	struct bytes type =
		kept_one(&t->msg[role], exchange_text(x, &t->text[role]), SIP_CONTENT_TYPE);

	return body.len > 0 && sdp_is_type(type) && sdp_read(sdp, body);
}

static void write_sdp(const struct view *v, struct doc *d)
{
	struct sdp sdp[2];
	bool has[2] = {read_body(v->x, CLIENT, &sdp[CLIENT]),
		       read_body(v->x, SERVER, &sdp[SERVER])};

	if (!has[CLIENT] && !has[SERVER])
		return;
	const struct sdp *offer = &sdp[has[CLIENT] ? CLIENT : SERVER];
	struct bytes rest = offer->connection;

	doc_text(d, SIP_FIELD(SDP_VERSION), offer->version);
	doc_text(d, SIP_FIELD(SDP_OWNER_USERNAME), offer->owner[0]);
	doc_text(d, SIP_FIELD(SDP_OWNER_SESSION), offer->owner[1]);
	doc_text(d, SIP_FIELD(SDP_OWNER_VERSION), offer->owner[2]);
	doc_text(d, SIP_FIELD(SDP_OWNER_IP), offer->owner[5]);
	doc_text(d, SIP_FIELD(SDP_SESSION_NAME), offer->session);
	for (int i = 0; i < 2; i++)
		rest = bytes_skip(rest, bytes_find(rest, ' ') + 1);
	doc_text(d, SIP_FIELD(SDP_CONNECTION_ADDRESS), rest);
	doc_text(d, SIP_FIELD(SDP_CONNECTION_INFO), offer->connection);
	part_media(d, SIP_FIELD(SDP_OFFER_ADDRESS), offer);
	if (has[CLIENT] && has[SERVER])
		part_media(d, SIP_FIELD(SDP_ANSWER_ADDRESS), &sdp[SERVER]);
}

static void write_party(const struct view *v, struct doc *d, unsigned field, enum sip_header which,
			struct bytes tag)
{
	struct sip_address a = sip_address_of(kept_one(v->m, v->text, which));
	struct sip_uri u = sip_uri_of(a.uri);

	part_address(d, field, a.name, tag, &u);
}

static void write_cseq(const struct view *v, struct doc *d)
{
	struct bytes cseq = kept_one(v->m, v->text, SIP_CSEQ);
	size_t n = 0;
	int64_t number;

	while (n < cseq.len && cseq.at[n] != ' ' && cseq.at[n] != '\t')
		n++;
	if (bytes_int(bytes_head(cseq, n), 0, UINT32_MAX, &number))
		doc_int(d, SIP_FIELD(CSEQ_CODE), number);
	doc_text(d, SIP_FIELD(CSEQ_METHOD), bytes_trim(bytes_skip(cseq, n)));
}

void sip_write(const struct exchange *x, struct doc *d)
{
	const struct sip_txn *t = x->own;
	enum side ask = x->begun[CLIENT] ? CLIENT : SERVER;
	enum side answer = t->msg[SERVER].any ? SERVER : ask;
	struct view v = {
		.x = x,
		.t = t,
		.m = &t->msg[ask],
		.answer = &t->msg[answer],
		.text = exchange_text(x, &t->text[ask]),
		.answer_text = exchange_text(x, &t->text[answer]),
	};
	const struct sip_kept *m = v.m;

	struct sip_uri uri = sip_uri_of(sip_part(v.text, m->uri));

	write_query(&v, &uri, d);
	doc_text(d, SIP_FIELD(VERSION), sip_part(v.text, m->version));
	doc_text(d, SIP_FIELD(METHOD), sip_part(v.text, m->method_text));
	if (t->code > 0)
		doc_int(d, SIP_FIELD(CODE), t->code);
	doc_text(d, SIP_FIELD(STATUS), sip_part(v.answer_text, v.answer->phrase));
	doc_text(d, SIP_FIELD(CALL_ID), kept_one(m, v.text, SIP_CALL_ID));
	doc_text(d, SIP_FIELD(BRANCH), sip_part(v.text, m->branch));
	write_cseq(&v, d);
	if (m->request)
		part_uri(d, SIP_FIELD(REQUEST_URI_ORIGINAL), &uri);
	write_party(&v, d, SIP_FIELD(FROM_NAME), SIP_FROM, sip_part(v.text, m->from_tag));
	struct bytes to_tag = sip_part(v.text, m->to_tag);

	if (to_tag.len == 0)
		to_tag = sip_part(v.answer_text, v.answer->to_tag);
	write_party(&v, d, SIP_FIELD(TO_NAME), SIP_TO, to_tag);
	write_contact(&v, d);
	write_headers(&v, d);
	if (((const struct sip_conf *)conn_conf(x->conn))->parse_authorization)
		write_auth(&v, d);
	write_repeats(&v, d);
	write_sdp(&v, d);
}
