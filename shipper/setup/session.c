#include "shipper/setup/session.h"

#include "outputs/elasticsearch/address.h"
#include "shipper/base/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPLY_MAX = 16 << 20, PATH_DEPTH = 8 };

bool session_open(struct session *s, const struct elastic_conf *conf, const char *host,
		  const char *port, struct fault *fault)
{
	const char *scheme = conf->protocol == PROTOCOL_HTTPS ? "https" : "http";

	*s = (struct session){.conf = conf};
	s->url = address_url(host, scheme, port, conf->path, fault);
	if (s->url == NULL)
		return false;
	if (trust_init(&s->trust, conf, fault)) {
		if (client_init(&s->client, conf, &s->trust, fault))
			return true;
		trust_fini(&s->trust);
	}
	free(s->url);
	return false;
}

void session_close(struct session *s)
{
	client_fini(&s->client);
	trust_fini(&s->trust);
	free(s->url);
}

static bool take(void *self, struct bytes part)
{
	struct reply *reply = self;

	if (reply->body.len + part.len > REPLY_MAX)
		return false;
	buf_add(&reply->body, part);
	return true;
}

/* {"error":{"reason":…,"caused_by":{"reason":…,"caused_by":…}}}, {"error":"…"} or {"message":"…"}:
 * the innermost reason is the one that names the mistake. */
static void explain(struct reply *reply)
{
	const char *reason[] = {"reason", NULL}, *cause[] = {"caused_by", NULL};
	const char *text = reply_text(reply, "error");
	yajl_val at = reply_value(reply, "error");

	if (text == NULL)
		text = reply_text(reply, "message");
	for (; at != NULL; at = yajl_tree_get(at, cause, yajl_t_object)) {
		const char *inner = YAJL_GET_STRING(yajl_tree_get(at, reason, yajl_t_string));

		if (inner != NULL)
			text = inner;
	}
	if (text != NULL)
		snprintf(reply->why, sizeof(reply->why), "HTTP %ld: %s", reply->status, text);
	else
		snprintf(reply->why, sizeof(reply->why), "HTTP %ld", reply->status);
}

static bool ask(struct session *s, struct client_request *request, const char *path,
		struct reply *reply)
{
	struct client_outcome outcome;
	char *url = NULL;

	*reply = (struct reply){0};
	must(asprintf(&url, "%s%s", s->url, path) > 0);
	request->url = url;
	request->timeout = s->conf->timeout;
	request->sink = take;
	request->sink_self = reply;
	client_do(&s->client, request, &outcome);
	free(url);
	reply->status = outcome.status;
	if (reply->status == 0) {
		snprintf(reply->why, sizeof(reply->why), "%s", outcome.why);
		return false;
	}
	*buf_room(&reply->body, 1) = 0;
	if (reply->body.len > 0)
		reply->tree = yajl_tree_parse((const char *)reply->body.at, NULL, 0);
	if (reply->status >= 200 && reply->status < 300)
		return true;
	explain(reply);
	return false;
}

bool session_ask(struct session *s, const char *method, const char *path, struct bytes body,
		 struct reply *reply)
{
	struct client_request request = {
		.method = method, .body = body, .type = body.len > 0 ? "application/json" : NULL};

	return ask(s, &request, path, reply);
}

bool session_send(struct session *s, const char *type, const char *path, struct bytes body,
		  struct reply *reply)
{
	struct client_request request = {.method = "POST", .body = body, .type = type};

	return ask(s, &request, path, reply);
}

void reply_fini(struct reply *reply)
{
	yajl_tree_free(reply->tree);
	buf_fini(&reply->body);
	*reply = (struct reply){0};
}

yajl_val reply_value(const struct reply *reply, const char *path)
{
	const char *parts[PATH_DEPTH + 1] = {NULL};
	char copy[200], *rest = copy;
	size_t n = 0;

	if (reply->tree == NULL)
		return NULL;
	snprintf(copy, sizeof(copy), "%s", path);
	while (n < PATH_DEPTH && (parts[n] = strsep(&rest, ".")) != NULL)
		n++;
	return yajl_tree_get(reply->tree, parts, yajl_t_any);
}

const char *reply_text(const struct reply *reply, const char *path)
{
	return YAJL_GET_STRING(reply_value(reply, path));
}

/* ---- Which engine it is ---- */

bool session_engine(struct session *s, struct search_engine *engine, struct reply *reply)
{
	const char *number, *distribution;

	*engine = (struct search_engine){0};
	if (!session_ask(s, "GET", "/", BYTES(""), reply))
		return false;
	number = reply_text(reply, "version.number");
	distribution = reply_text(reply, "version.distribution");
	if (number == NULL || sscanf(number, "%d.%d", &engine->major, &engine->minor) != 2) {
		snprintf(reply->why, sizeof(reply->why),
			 "neither Elasticsearch nor OpenSearch answers there");
		return false;
	}
	engine->opensearch = distribution != NULL && strcmp(distribution, "opensearch") == 0;
	snprintf(engine->version, sizeof(engine->version), "%s", number);
	if (engine->opensearch || engine->major > 7 || (engine->major == 7 && engine->minor >= 10))
		return true;
	snprintf(reply->why, sizeof(reply->why),
		 "Elasticsearch %s is too old: 7.10 is the first that is served", number);
	return false;
}

const char *search_engine_name(const struct search_engine *engine)
{
	return engine->opensearch ? "OpenSearch" : "Elasticsearch";
}
