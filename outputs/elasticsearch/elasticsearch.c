#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outputs/elasticsearch/address.h"
#include "outputs/elasticsearch/answer.h"
#include "outputs/elasticsearch/bulk.h"
#include "outputs/elasticsearch/client.h"
#include "outputs/elasticsearch/hosts.h"
#include "outputs/elasticsearch/judge.h"
#include "outputs/elasticsearch/trust.h"
#include "shipper/base/log.h"
#include "shipper/base/must.h"

enum {
	HANDLES_MAX = 64,
	PROBE_S = 5,
	HOLD_SAY_S = 60,
	/* So many documents that were refused alone, with none ever taken, show that it is not
	 * them. */
	SUSPECTS_MAX = 3,
};

struct elastic {
	const struct elastic_conf *conf;
	const char *name;
	char *path; /* of the bulk request, parameters included */
	struct trust trust;
	struct client client;
	struct hosts hosts;
	struct bulk bulk;
	struct answer answer;
	size_t bytes_most;     /* of a request: what a 413 has taught */
	size_t documents_most; /* of a request in this round, after one was refused as a whole */
	bool accepted;	       /* the engine has taken a document, ever */
	unsigned suspects;     /* in this round */
	struct mono hold_said; /* 0 never */
};

/* Documents of one request: those of a range that have no verdict in this round. */
struct slice {
	size_t from, to, count;
};

/* Whether this round goes on. */
enum course { GO_ON, STOP };

/* ---- Rounds ---- */

static size_t next_open(const struct batch *b, size_t i)
{
	while (i < b->count && b->entries[i].verdict != VERDICT_NONE)
		i++;
	return i;
}

static void verdicts_set(struct batch *b, size_t from, size_t to, enum verdict was, enum verdict is)
{
	for (size_t i = from; i < to; i++)
		if (b->entries[i].verdict == (uint8_t)was)
			b->entries[i].verdict = (uint8_t)is;
}

static struct slice fill(struct elastic *e, const struct batch *b, size_t from, size_t documents)
{
	struct slice s = {.from = from, .to = from};

	bulk_begin(&e->bulk);
	for (; s.to < b->count && s.count < documents; s.to++) {
		const struct entry *entry = &b->entries[s.to];

		if (entry->verdict != VERDICT_NONE)
			continue;
		if (s.count > 0 && e->bulk.bytes + entry->len > e->bytes_most)
			break;
		bulk_add(&e->bulk, b, entry);
		s.count++;
	}
	return s;
}

/* ---- What an answer means ---- */

static enum course host_failed(struct elastic *e, struct host *host, const struct slice *s)
{
	hosts_failed(&e->hosts, host, mono_now());
	hosts_give_less(host, s->count, false);
	return GO_ON;
}

/* Nothing goes on until a person has done something. */
static enum course hold(struct elastic *e, struct batch *b, const struct fault *fault)
{
	struct mono now = mono_now();

	b->hold = e->hosts.limit;
	if (e->hold_said.ns == 0 || now.ns - e->hold_said.ns > (int64_t)HOLD_SAY_S * NS_PER_S) {
		log_error("output %s: everything waits: %s", e->name, fault->text);
		e->hold_said = now;
	}
	return STOP;
}

static void refuse(struct batch *b, const struct slice *s, uint16_t status, struct bytes why)
{
	for (size_t i = s->from; i < s->to; i++)
		if (b->entries[i].verdict == VERDICT_NONE)
			batch_refuse(b, &b->entries[i], status, why);
}

/* 413: half as much from now on; a document that is too large alone will always be. */
static enum course too_large(struct elastic *e, struct batch *b, const struct slice *s,
			     const struct host *host, struct fault *fault)
{
	fault_set(fault, "%s takes no request of %zu bytes (413)", host->url,
		  e->bulk.pack.body.len);
	if (s->count > 1)
		e->bytes_most = e->bulk.bytes / 2;
	else
		refuse(b, s, 413, bytes_str(fault->text));
	return GO_ON;
}

/* The request as a whole: by halves to the document that is the reason. When single ones are
 * refused and none was ever taken, it is not the documents. */
static enum course refused_whole(struct elastic *e, struct batch *b, const struct slice *s,
				 unsigned status, const struct fault *fault)
{
	if (s->count > 1) {
		e->documents_most = s->count / 2;
		return GO_ON;
	}
	if (e->accepted) {
		refuse(b, s, (uint16_t)status, answer_reason(&e->answer, &e->answer.whole));
		return GO_ON;
	}
	verdicts_set(b, s->from, s->to, VERDICT_NONE, VERDICT_AGAIN);
	return ++e->suspects < SUSPECTS_MAX ? GO_ON : hold(e, b, fault);
}

static void say_status(const struct elastic *e, const struct host *host, unsigned status,
		       struct fault *fault)
{
	const char *advice = judge_advice(status, answer_type(&e->answer, &e->answer.whole));
	struct bytes why = answer_reason(&e->answer, &e->answer.whole);

	if (e->answer.wrong == ANSWER_RIGHT)
		fault_set(fault, "%s: status %u%s%s%s%.*s", host->url, status,
			  advice[0] ? ": " : "", advice, why.len > 0 ? ": " : "", (int)why.len,
			  (const char *)why.at);
	else
		fault_set(fault, "%s: status %u%s%s; it came with %s", host->url, status,
			  advice[0] ? ": " : "", advice, answer_wrong_text(e->answer.wrong));
}

static enum course whole(struct elastic *e, struct batch *b, const struct slice *s,
			 struct host *host, const struct client_outcome *outcome,
			 struct fault *fault)
{
	unsigned status = (unsigned)outcome->status;

	say_status(e, host, status, fault);
	switch (judge_whole(status, e->answer.wrong == ANSWER_RIGHT)) {
	case WHOLE_TOO_LARGE:
		return too_large(e, b, s, host, fault);
	case WHOLE_REFUSED:
		return refused_whole(e, b, s, status, fault);
	case WHOLE_HOLD:
		return hold(e, b, fault);
	case WHOLE_BUSY:
		hosts_busy(&e->hosts, host, mono_now(), outcome->retry_in);
		hosts_give_less(host, s->count, false);
		if (b->hold < outcome->retry_in)
			b->hold = outcome->retry_in < e->hosts.limit ? outcome->retry_in
								     : e->hosts.limit;
		return GO_ON;
	case WHOLE_FAILED:
		break;
	}
	return host_failed(e, host, s);
}

/* What the items of one answer came to. */
struct tally_items {
	size_t delivered, again, held;
	const struct answer_item *sample; /* of those that are to be sent again */
};

static void item(struct elastic *e, struct batch *b, struct entry *entry,
		 const struct answer_item *said, struct tally_items *t, struct fault *fault)
{
	struct bytes why = answer_reason(&e->answer, said);
	enum judgement judgement = judge_item(said->status, answer_type(&e->answer, said), why);

	switch (judgement) {
	case ITEM_DELIVERED:
		entry->verdict = VERDICT_DELIVERED;
		t->delivered++;
		return;
	case ITEM_REFUSED:
		batch_refuse(b, entry, said->status, why);
		if (t->sample == NULL)
			fault_set(fault, "%.*s", (int)why.len, (const char *)why.at);
		return;
	case ITEM_AGAIN:
	case ITEM_HOLD:
		entry->verdict = VERDICT_AGAIN;
		t->again += judgement == ITEM_AGAIN;
		if (t->sample == NULL || (judgement == ITEM_HOLD && t->held == 0))
			t->sample = said;
		t->held += judgement == ITEM_HOLD;
		return;
	}
}

static enum course items(struct elastic *e, struct batch *b, const struct slice *s,
			 struct host *host, struct fault *fault)
{
	struct tally_items t = {0};
	size_t n = 0;

	for (size_t i = s->from; i < s->to; i++)
		if (b->entries[i].verdict == VERDICT_NONE)
			item(e, b, &b->entries[i], &e->answer.items[n++], &t, fault);
	e->accepted |= t.delivered > 0;
	if (t.sample == NULL) {
		hosts_worked(&e->hosts, host);
		e->documents_most = least(e->documents_most, SIZE_MAX / 2) * 2;
		return GO_ON;
	}
	struct bytes why = answer_reason(&e->answer, t.sample);
	const char *advice = judge_advice(t.sample->status, answer_type(&e->answer, t.sample));

	fault_set(fault, "%s: %zu of %zu documents: status %u%s%s: %.*s", host->url,
		  t.again + t.held, s->count, t.sample->status, advice[0] ? ": " : "", advice,
		  (int)why.len, (const char *)why.at);
	hosts_busy(&e->hosts, host, mono_now(), 0);
	hosts_give_less(host, s->count, t.again + t.held < s->count);
	return t.held > 0 ? hold(e, b, fault) : STOP;
}

static bool all_told(const struct answer *a)
{
	bool all = a->count == a->expected;

	for (size_t i = 0; all && i < a->count; i++)
		all = a->items[i].status != 0;
	return all;
}

static enum course answered(struct elastic *e, struct batch *b, const struct slice *s,
			    struct host *host, const struct client_outcome *outcome,
			    struct fault *fault)
{
	struct answer *a = &e->answer;

	if (outcome->status < 200 || outcome->status > 299)
		return whole(e, b, s, host, outcome, fault);
	if (a->wrong == ANSWER_RIGHT && !all_told(a))
		a->wrong = a->count == 0 ? ANSWER_OTHER : ANSWER_COUNT;
	if (a->wrong == ANSWER_RIGHT)
		return items(e, b, s, host, fault);
	fault_set(fault, "%s answers with %s", host->url, answer_wrong_text(a->wrong));
	return host_failed(e, host, s);
}

/* ---- Requests ---- */

static bool on_answer(void *self, struct bytes part)
{
	return answer_more(self, part);
}

static enum course post(struct elastic *e, struct batch *b, const struct slice *s,
			struct host *host, struct fault *fault)
{
	struct client_outcome outcome;
	struct client_request request = {
		.method = "POST",
		.body = pack_end(&e->bulk.pack),
		.type = "application/x-ndjson",
		.encoding = pack_encoding(&e->bulk.pack),
		.timeout = e->conf->timeout,
		.deadline = b->deadline,
		.sink = on_answer,
		.sink_self = &e->answer,
	};
	char *url;

	must(asprintf(&url, "%s%s", host->url, e->path) > 0);
	request.url = url;
	answer_begin(&e->answer, s->count);
	client_do(&e->client, &request, &outcome);
	free(url);
	answer_end(&e->answer);
	if (outcome.status != 0)
		return answered(e, b, s, host, &outcome, fault);
	fault_set(fault, "%s: %s", host->url, outcome.why);
	return host_failed(e, host, s);
}

static bool on_probe(void *self, struct bytes part)
{
	size_t *left = self;

	*left -= least(*left, part.len);
	return *left > 0;
}

/* A host that failed is asked a small thing first: one that is silent holds up only this. */
static bool probe(struct elastic *e, const struct batch *b, const struct host *host,
		  struct fault *fault)
{
	nsec timeout = (nsec)PROBE_S * NS_PER_S;
	size_t left = 64 << 10;
	struct client_outcome outcome;
	struct client_request request = {
		.method = "GET",
		.timeout = timeout < e->conf->timeout ? timeout : e->conf->timeout,
		.deadline = b->deadline,
		.sink = on_probe,
		.sink_self = &left,
	};
	char *url;

	must(asprintf(&url, "%s/", host->url) > 0);
	request.url = url;
	client_do(&e->client, &request, &outcome);
	free(url);
	if (outcome.status == 0)
		return fault_set(fault, "%s: %s", host->url, outcome.why);
	if (outcome.status >= 500 || (outcome.status >= 300 && outcome.status < 400))
		return fault_set(fault, "%s: status %ld", host->url, outcome.status);
	return true;
}

static bool late(const struct batch *b)
{
	return b->deadline != NULL && mono_now().ns >= atomic_load(b->deadline);
}

static void elastic_send(void *self, struct batch *b, struct fault *fault)
{
	struct elastic *e = self;
	enum course course = GO_ON;
	struct host *host;
	size_t i;

	verdicts_set(b, 0, b->count, VERDICT_AGAIN, VERDICT_NONE);
	hosts_round(&e->hosts);
	e->documents_most = SIZE_MAX;
	e->suspects = 0;
	for (i = 0; course == GO_ON && !late(b) && (i = next_open(b, i)) < b->count;) {
		host = hosts_choose(&e->hosts, mono_now());
		if (host == NULL)
			break;
		if (host->doubtful && !probe(e, b, host, fault)) {
			hosts_failed(&e->hosts, host, mono_now());
			continue;
		}
		struct slice s = fill(e, b, i, least(host->documents, e->documents_most));

		course = post(e, b, &s, host, fault);
	}
	verdicts_set(b, 0, b->count, VERDICT_NONE, VERDICT_AGAIN);
}

/* ---- From open to close ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Parameters stand in the order and the form that a signature over them asks for. */
struct parameters {
	char **at;
	size_t count;
};

static void parameter_add(struct parameters *to, const char *name, size_t len, const char *value)
{
	char *plain = must_strdup(name), *key, *encoded = address_encode(value);

	plain[len] = '\0';
	key = address_encode(plain);
	to->at = must_realloc(to->at, (to->count + 1) * sizeof(to->at[0]));
	must(asprintf(&to->at[to->count++], "%s=%s", key, encoded) > 0);
	free(plain);
	free(key);
	free(encoded);
}

/* Parameters stand in the order and the form that a signature over them asks for. */
static char *make_path(const struct elastic_conf *conf)
{
	struct parameters list = {0};
	char index[INDEX_MAX + 1], day[DAY_BYTES] = "", *path = NULL;
	size_t size;
	FILE *to = open_memstream(&path, &size);

	must(to != NULL);
	parameter_add(&list, "filter_path", strlen("filter_path"),
		      "errors,items.*.status,items.*.error.type,items.*.error.reason,"
		      "items.*.error.caused_by.reason,error,status");
	if (conf->pipeline[0] != '\0')
		parameter_add(&list, "pipeline", strlen("pipeline"), conf->pipeline);
	for (size_t i = 0; i < conf->parameters.count; i++) {
		const char *text = conf->parameters.at[i];
		size_t len = strcspn(text, "=");

		parameter_add(&list, text, len, text + len + 1);
	}
	qsort(list.at, list.count, sizeof(list.at[0]), by_text);
	bulk_index(conf->index, day, index);
	fprintf(to, "%s%s/_bulk", bulk_index_varies(conf->index) ? "" : "/",
		bulk_index_varies(conf->index) ? "" : index);
	for (size_t i = 0; i < list.count; i++) {
		fprintf(to, "%c%s", i == 0 ? '?' : '&', list.at[i]);
		free(list.at[i]);
	}
	fclose(to);
	free(list.at);
	return path;
}

static bool open_as(struct elastic *e, const char *name, const struct elastic_conf *conf,
		    struct fault *fault)
{
	e->conf = conf;
	e->name = name;
	e->bytes_most = (size_t)conf->bulk_bytes;
	if (!trust_init(&e->trust, conf, fault))
		return false;
	if (!hosts_init(&e->hosts, conf, fault)) {
		trust_fini(&e->trust);
		return false;
	}
	if (!client_init(&e->client, conf, &e->trust, fault)) {
		hosts_fini(&e->hosts);
		trust_fini(&e->trust);
		return false;
	}
	e->path = make_path(conf);
	bulk_init(&e->bulk, conf);
	answer_init(&e->answer);
	return true;
}

static bool elasticsearch_open(void *self, const void *conf, struct fault *fault)
{
	return open_as(self, "elasticsearch", conf, fault);
}

static bool opensearch_open(void *self, const void *conf, struct fault *fault)
{
	return open_as(self, "opensearch", conf, fault);
}

/* Certificates may have been renewed, and a host may have been cured: nobody rests any more. */
static void elastic_reopen(void *self, struct fault *fault)
{
	struct elastic *e = self;
	struct trust fresh;

	for (size_t i = 0; i < e->hosts.count; i++)
		e->hosts.at[i].until = 0;
	if (!trust_init(&fresh, e->conf, fault))
		return;
	client_fini(&e->client);
	trust_fini(&e->trust);
	e->trust = fresh;
	must(client_init(&e->client, e->conf, &e->trust, fault));
}

static void elastic_close(void *self)
{
	struct elastic *e = self;

	client_fini(&e->client);
	hosts_fini(&e->hosts);
	trust_fini(&e->trust);
	bulk_fini(&e->bulk);
	answer_fini(&e->answer);
	free(e->path);
}

static void elastic_demand(const void *conf, struct demand *demand)
{
	const struct elastic_conf *c = conf;
	size_t handles = (size_t)c->workers * c->hosts.count;

	demand->handles = (unsigned)least(handles > 0 ? handles : 1, HANDLES_MAX);
	demand->batch_bytes = (size_t)c->bulk_bytes;
	demand->batch_documents = (size_t)c->bulk_documents;
	demand->retry_wait = c->backoff_first;
	demand->retry_wait_limit = c->backoff_limit;
	demand->remote = true;
}

#define ELASTIC                                                                                \
	.options = elastic_options, .conf_size = sizeof(struct elastic_conf),                  \
	.self_size = sizeof(struct elastic), .check = elastic_check, .demand = elastic_demand, \
	.send = elastic_send, .reopen = elastic_reopen, .close = elastic_close

const struct output output_elasticsearch = {
	.name = "elasticsearch", .open = elasticsearch_open, ELASTIC};
const struct output output_opensearch = {.name = "opensearch", .open = opensearch_open, ELASTIC};
