#include "protos/redis/redis.h"
#include "shipper/base/hash.h"

enum { PRINT_MAX = 256, UPPER_MAX = 64 };

enum { REDIS_RETURN_VALUE, REDIS_ERROR, REDIS_DB, REDIS_USER, REDIS_FIELDS };

const struct field redis_fields[REDIS_FIELDS + 1] = {
	[REDIS_RETURN_VALUE] = {"redis.return_value", FIELD_TEXT, NULL,
				"The answer in one line: [a, b] for lists and sets, {a: b} for "
				"maps, nil for nothing.",
				"\"[a, b, nil]\""},
	[REDIS_ERROR] = {"redis.error", FIELD_TEXT, NULL,
			 "The server's error, in place of a return value.",
			 "\"MOVED 3999 127.0.0.1:6381\""},
	[REDIS_DB] = {"redis.db", FIELD_LONG, NULL,
		      "The session's database when the answer came; left out while it is not "
		      "known.",
		      "0"},
	[REDIS_USER] = {"user.name", FIELD_KEYWORD, NULL, "Whom the session logged in as.",
			"\"app\""},
};

static struct bytes part(const struct exchange *x, struct span span)
{
	return bytes_head(bytes_skip(exchange_text(x, &x->said[CLIENT]), span.at), span.len);
}

struct print {
	uint8_t at[PRINT_MAX];
	size_t n;
};

static void print(struct print *p, struct bytes text)
{
	text = bytes_head(text, PRINT_MAX - p->n);
	if (text.len > 0)
		memcpy(p->at + p->n, text.at, text.len);
	p->n += text.len;
}

static void print_upper(struct print *p, struct bytes text)
{
	size_t from = p->n;

	print(p, bytes_head(text, UPPER_MAX));
	for (size_t i = from; i < p->n; i++)
		if (p->at[i] >= 'a' && p->at[i] <= 'z')
			p->at[i] = (uint8_t)(p->at[i] & ~0x20);
}

/* The command, what stands before its first key, the key without what varies, what stands behind */
static void print_fingerprint(struct print *p, const struct exchange *x)
{
	const struct redis *h = redis_of(x);
	const struct redis_conf *conf = conn_conf(x->conn);

	if (h->word.len > 0) {
		print(p, BYTES(" "));
		print_upper(p, part(x, h->word));
	}
	if (h->before_key)
		print(p, BYTES(" ?"));
	if (h->key_count > 0) {
		print(p, BYTES(" "));
		if (conf->keys == KEYS_HASH)
			print(p, BYTES("?"));
		else
			p->n += key_fold(part(x, h->keys[0]), p->at + p->n, PRINT_MAX - p->n);
	}
	if (h->behind_key)
		print(p, BYTES(" ?"));
}

static void write_keys(const struct exchange *x, struct doc *d)
{
	const struct redis *h = redis_of(x);

	if (h->key_count == 1)
		doc_text(d, F_RESOURCE, part(x, h->keys[0]));
	if (h->key_count < 2)
		return;
	doc_list_begin(d, F_RESOURCE);
	for (unsigned i = 0; i < h->key_count; i++)
		doc_list_text(d, part(x, h->keys[i]));
	doc_list_end(d);
}

void redis_settle(struct exchange *x)
{
	const struct redis *h = redis_of(x);
	const struct redis_conf *conf = conn_conf(x->conn);
	const struct session *s = session_of(x);

	if (h->key_open)
		value_forget(x, &x->said[CLIENT], h->key_at);
	if (s->unsure)
		x->notes |= REDIS_NOTE_SESSION;
	if (s->database < 0)
		x->notes |= NOTE_MIDSTREAM;
	/* Texts that hold secrets: as they are shown elsewhere. */
	if (conf->common.send_request && !h->verbatim && x->begun[CLIENT])
		x->raw[CLIENT] = x->said[CLIENT];
	if (conf->common.send_response && !h->verbatim)
		x->raw[SERVER] = x->said[SERVER];
}

void redis_write(const struct exchange *x, struct doc *d)
{
	const struct redis *h = redis_of(x);
	const struct session *s = session_of(x);
	struct print p;

	p.n = 0;
	print_upper(&p, bytes_head(exchange_text(x, &x->said[CLIENT]), h->name_len));
	if (p.n > 0) {
		doc_text(d, F_METHOD, bytes_of(p.at, p.n));
		doc_text(d, F_QUERY, exchange_text(x, &x->said[CLIENT]));
		write_keys(x, d);
		print_fingerprint(&p, x);
		doc_text(d, F_QUERY_FINGERPRINT, bytes_of(p.at, p.n));
		doc_hex(d, F_QUERY_HASH, hash_bytes(bytes_of(p.at, p.n)));
	}
	doc_text(d, FIELD_OWN(h->failed ? REDIS_ERROR : REDIS_RETURN_VALUE),
		 exchange_text(x, &x->said[SERVER]));
	if (s->database >= 0)
		doc_int(d, FIELD_OWN(REDIS_DB), s->database);
	doc_text(d, FIELD_OWN(REDIS_USER), bytes_of(s->user, s->user_len));
}
