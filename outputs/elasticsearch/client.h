/*
 * Requests to a host over libcurl: one at a time, connections kept between them.
 *
 * It knows how to be let in (basic authentication, API key, bearer token, AWS signatures, client
 * certificates) and by which way (proxies), and nothing of what is said. Redirects are not
 * followed: they would lead credentials elsewhere.
 *
 * Source   RFC 9110, RFC 9112; libcurl's easy interface
 * Owns     a curl handle and its connections
 * Borrows  conf and trust, until client_fini
 * Errors   an outcome without a status, and why in words that hold no secret
 */
#ifndef WIRESPAN_OUTPUTS_ELASTICSEARCH_CLIENT_H
#define WIRESPAN_OUTPUTS_ELASTICSEARCH_CLIENT_H

#include <curl/curl.h>

#include "outputs/elasticsearch/conf.h"
#include "outputs/elasticsearch/trust.h"
#include "shipper/base/bytes.h"

struct client {
	CURL *easy;
	const struct elastic_conf *conf;
	struct curl_slist *headers; /* of every request */
	char error[CURL_ERROR_SIZE];
};

/* A part of the answer's body; false: the rest need not come. */
typedef bool (*client_sink)(void *self, struct bytes part);

struct client_request {
	const char *method; /* "GET", "POST", "PUT", … */
	const char *url;    /* whole */
	struct bytes body;
	const char *type;     /* of the body; NULL without one */
	const char *encoding; /* of the body; NULL as it is */
	nsec timeout;
	const _Atomic int64_t *deadline; /* by the clock, as in a batch; may be NULL */
	client_sink sink;
	void *sink_self;
};

struct client_outcome {
	long status;   /* of HTTP; 0: there was no answer, or none to its end */
	nsec retry_in; /* what Retry-After asks for; 0 nothing */
	bool stopped;  /* by the sink */
	char why[200]; /* without a status */
};

bool client_init(struct client *client, const struct elastic_conf *conf, const struct trust *trust,
		 struct fault *fault);
void client_fini(struct client *client);

void client_do(struct client *client, const struct client_request *request,
	       struct client_outcome *outcome);

#endif
