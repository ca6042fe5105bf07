#include "outputs/elasticsearch/hosts.h"

#include <stdlib.h>

#include "outputs/elasticsearch/address.h"
#include "shipper/base/must.h"

enum { FEW_DOCUMENTS = 32, CALM = 8 };

bool hosts_init(struct hosts *hosts, const struct elastic_conf *conf, struct fault *fault)
{
	const char *scheme = conf->protocol == PROTOCOL_HTTPS ? "https" : "http";

	*hosts = (struct hosts){
		.loadbalance = conf->loadbalance,
		.documents = (size_t)conf->bulk_documents,
		.first = conf->backoff_first,
		.limit = conf->backoff_limit > conf->backoff_first ? conf->backoff_limit
								   : conf->backoff_first,
		.random = ((uint64_t)mono_now().ns ^ (uint64_t)(uintptr_t)hosts) | 1,
	};
	if (conf->hosts.count == 0)
		return fault_set(fault, "hosts: none is named");
	hosts->at = must_alloc(conf->hosts.count * sizeof(hosts->at[0]));
	for (size_t i = 0; i < conf->hosts.count; i++) {
		char *url = address_url(conf->hosts.at[i], scheme, ADDRESS_ENGINE_PORT, conf->path,
					fault);

		if (url == NULL) {
			hosts_fini(hosts);
			return false;
		}
		hosts->at[hosts->count++] = (struct host){
			.url = url, .documents = hosts->documents, .fit = hosts->documents};
	}
	return true;
}

void hosts_fini(struct hosts *hosts)
{
	for (size_t i = 0; i < hosts->count; i++)
		free(hosts->at[i].url);
	free(hosts->at);
	*hosts = (struct hosts){0};
}

/* xorshift64*: shippers need to differ, nobody needs to be unable to guess. */
static uint64_t random_next(struct hosts *hosts)
{
	hosts->random ^= hosts->random >> 12;
	hosts->random ^= hosts->random << 25;
	hosts->random ^= hosts->random >> 27;
	return hosts->random * UINT64_C(0x2545f4914f6cdd1d);
}

void hosts_round(struct hosts *hosts)
{
	for (size_t i = 0; i < hosts->count; i++)
		hosts->at[i].tried = false;
	/* Several handles begin at several hosts. */
	if (hosts->loadbalance)
		hosts->next = (size_t)(random_next(hosts) % hosts->count);
}

struct host *hosts_choose(struct hosts *hosts, struct mono now)
{
	struct host *resting = NULL;

	for (size_t i = 0; i < hosts->count; i++) {
		struct host *host = &hosts->at[(hosts->next + i) % hosts->count];

		if (host->tried)
			continue;
		if (host->until <= now.ns) {
			if (hosts->loadbalance)
				hosts->next = (hosts->next + i + 1) % hosts->count;
			return host;
		}
		if (resting == NULL || host->until < resting->until)
			resting = host;
	}
	return resting;
}

/* Up to what was too much it goes quickly; past it, only now and then. */
void hosts_worked(struct hosts *hosts, struct host *host)
{
	host->doubtful = false;
	host->barren = false;
	host->until = 0;
	host->ceiling = 0;
	if (host->fit < host->documents)
		host->fit = host->documents;
	size_t more = least(host->documents * 2, hosts->documents);

	if (host->wary == 0) {
		host->documents = more;
	} else if (host->documents < host->wary) {
		host->documents = least(more, host->wary);
	} else if (++host->calm >= CALM) {
		host->documents = more;
		host->wary = more < hosts->documents ? more : 0;
		host->calm = 0;
	}
}

static void rest(struct hosts *hosts, struct host *host, struct mono now, nsec at_least)
{
	nsec ceiling = host->ceiling > 0 ? host->ceiling : hosts->first;
	nsec wait = (nsec)(random_next(hosts) % ((uint64_t)ceiling + 1));

	if (wait < at_least)
		wait = at_least < hosts->limit ? at_least : hosts->limit;
	host->tried = true;
	host->until = now.ns + wait;
	host->ceiling = ceiling > hosts->limit / 2 ? hosts->limit : ceiling * 2;
}

/* A dead host is not given less for each probe that it leaves unanswered. */
void hosts_failed(struct hosts *hosts, struct host *host, struct mono now)
{
	host->doubtful = true;
	host->documents = least(host->documents, FEW_DOCUMENTS);
	rest(hosts, host, now, 0);
}

void hosts_busy(struct hosts *hosts, struct host *host, struct mono now, nsec at_least)
{
	rest(hosts, host, now, at_least);
}

void hosts_give_less(struct host *host, size_t sent, bool some)
{
	bool again = host->barren;

	host->barren = !some;
	/* It has taken as many before: once is chance. */
	if (!some && !again && sent <= FEW_DOCUMENTS && sent <= host->fit)
		return;
	size_t few = some ? FEW_DOCUMENTS : 1, half = sent / 2 > few ? sent / 2 : few;

	host->documents = least(host->documents, half);
	host->fit = least(host->fit, half);
	host->wary = half;
	host->calm = 0;
}
