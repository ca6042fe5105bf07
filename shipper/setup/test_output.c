/* Would this output take our documents? Asked of each host, without leaving a document there. */
#include "shipper/setup/setup.h"

#include "outputs/elasticsearch/address.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CLOCK_FAR_SECONDS = 5 };

static bool line(FILE *to, bool well, const char *what, const char *text)
{
	fprintf(to, "  %-5s %-14s %s\n", well ? "ok" : "FAIL", what, text);
	return well;
}

static bool test_templates(struct session *s, FILE *to)
{
	struct reply reply;
	bool there = session_ask(s, "GET", "/_index_template/wirespan", BYTES(""), &reply);
	char text[500];

	snprintf(text, sizeof(text), "%s",
		 there		       ? "are loaded"
		 : reply.status == 404 ? "are missing: run `wirespan setup`"
				       : reply.why);
	reply_fini(&reply);
	line(to, there, "templates", text);
	return there;
}

/* A document that the engine can only refuse tells whether we may write: it says 400 to who may,
 * 403 to who may not. Only where our templates are: else it would make an index. */
static bool test_writing(struct session *s, FILE *to)
{
	static const char lines[] = "{\"create\":{\"_id\":\"wirespan-test-output\"}}\n"
				    "{\"@timestamp\":\"never\"}\n";
	char path[400], text[500];
	struct reply reply;

	snprintf(path, sizeof(path), "/%s/_bulk", s->conf->index);
	if (strchr(s->conf->index, '%') != NULL)
		return line(to, true, "writing", "not tried: the index depends on the date");
	bool well = session_send(s, "application/x-ndjson", path,
				 bytes_of(lines, sizeof(lines) - 1), &reply);

	snprintf(text, sizeof(text), "%s", reply.why);
	if (well) {
		const char *items[] = {"items", NULL};
		yajl_val list = yajl_tree_get(reply.tree, items, yajl_t_array);
		const char *status[] = {"create", "status", NULL};
		const char *reason[] = {"create", "error", "reason", NULL};
		yajl_val item = list && list->u.array.len > 0 ? list->u.array.values[0] : NULL;
		yajl_val code = item ? yajl_tree_get(item, status, yajl_t_number) : NULL;
		const char *why =
			item ? YAJL_GET_STRING(yajl_tree_get(item, reason, yajl_t_string)) : NULL;

		well = YAJL_IS_INTEGER(code) && YAJL_GET_INTEGER(code) == 400;
		snprintf(text, sizeof(text), "%s%s", well ? "allowed, to " : "",
			 well  ? s->conf->index
			 : why ? why
			       : "the answer is none to a bulk request");
	}
	reply_fini(&reply);
	return line(to, well, "writing", text);
}

/* Late documents are no trouble, but a clock that is off is worth knowing. */
static void test_clock(struct session *s, FILE *to)
{
	struct reply reply;
	struct timespec now;
	char text[200];

	if (session_ask(s, "GET", "/_cluster/stats?filter_path=timestamp", BYTES(""), &reply) &&
	    YAJL_IS_INTEGER(reply_value(&reply, "timestamp"))) {
		clock_gettime(CLOCK_REALTIME, &now);
		double off = (double)YAJL_GET_INTEGER(reply_value(&reply, "timestamp")) / 1000 -
			     ((double)now.tv_sec + (double)now.tv_nsec / 1e9);

		snprintf(text, sizeof(text), "%+.1f s from ours%s", off,
			 off > CLOCK_FAR_SECONDS || off < -CLOCK_FAR_SECONDS
				 ? ": see that both hosts keep time (NTP)"
				 : "");
		line(to, true, "clock", text);
	} else {
		fprintf(to, "  note  %-14s not told (%s)\n", "clock", reply.why);
	}
	reply_fini(&reply);
}

static bool test_host(const struct elastic_conf *elastic, const char *host, FILE *to)
{
	struct search_engine engine;
	struct session s;
	struct fault fault;
	struct reply reply;
	char text[500];

	fprintf(to, "%s\n", host);
	if (!session_open(&s, elastic, host, ADDRESS_ENGINE_PORT, &fault))
		return line(to, false, "address", fault.text);
	bool well = session_engine(&s, &engine, &reply);

	line(to, reply.status != 0, "connection", reply.status != 0 ? s.url : reply.why);
	if (reply.status != 0 && strncmp(s.url, "https", 5) == 0)
		line(to, true, "TLS",
		     s.trust.verify ? s.trust.verify_name ? "verified" : "verified but for the name"
				    : "not verified: verification_mode is none");
	if (reply.status != 0) {
		bool in = reply.status != 401 && reply.status != 403;

		line(to, in, "login", in ? "accepted" : reply.why);
		snprintf(text, sizeof(text), "%s %s", search_engine_name(&engine), engine.version);
		if (in)
			line(to, well, "version", well ? text : reply.why);
	}
	reply_fini(&reply);
	if (well) {
		well = test_templates(&s, to) && test_writing(&s, to);
		test_clock(&s, to);
	}
	session_close(&s);
	return well;
}

bool setup_test(const struct elastic_conf *elastic, FILE *to)
{
	bool well = true;

	for (size_t i = 0; i < elastic->hosts.count; i++)
		well &= test_host(elastic, elastic->hosts.at[i], to);
	return well;
}
