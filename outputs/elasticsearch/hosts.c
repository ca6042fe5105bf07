#include "outputs/elasticsearch/hosts.h"

#include <stdlib.h>

#include "outputs/elasticsearch/address.h"
#include "shipper/base/must.h"

enum { FEW_DOCUMENTS = 32 };

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
		hosts->at[hosts->count++] =
			(struct host){.url = url, .documents = hosts->documents};
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

void hosts_worked(struct hosts *hosts, struct host *host)
{
	host->doubtful = false;
	host->until = 0;
	host->ceiling = 0;
	host->documents =
		host->documents < hosts->documents / 2 ? host->documents * 2 : hosts->documents;
}

static void rest(struct hosts *hosts, struct host *host, struct mono now, nsec least)
{
	nsec ceiling = host->ceiling > 0 ? host->ceiling : hosts->first;
	nsec wait = (nsec)(random_next(hosts) % ((uint64_t)ceiling + 1));

	if (wait < least)
		wait = least < hosts->limit ? least : hosts->limit;
	host->tried = true;
	host->until = now.ns + wait;
	host->ceiling = ceiling > hosts->limit / 2 ? hosts->limit : ceiling * 2;
}

void hosts_failed(struct hosts *hosts, struct host *host, struct mono now)
{
	size_t few = FEW_DOCUMENTS;

	host->doubtful = true;
	host->documents = few < hosts->documents ? few : hosts->documents;
	rest(hosts, host, now, 0);
}

void hosts_busy(struct hosts *hosts, struct host *host, struct mono now, nsec least)
{
	size_t half = host->documents / 2, few = FEW_DOCUMENTS;

	if (host->documents > few)
		host->documents = half > few ? half : few;
	rest(hosts, host, now, least);
}
