#include "shipper/setup/setup.h"

#include "outputs/elasticsearch/address.h"
#include "shipper/setup/assets.h"

#include <stdarg.h>
#include <string.h>

#define CONF(member) offsetof(struct setup_conf, member)
const struct option setup_options[] = {
	{"shards", OPTION_INT, CONF(shards), "1", 1, 1024, NULL, NULL, "Of each index."},
	{"replicas", OPTION_INT, CONF(replicas), "-1", -1, 100, NULL, NULL,
	 "Of each shard; -1 for as many as the engine has by itself."},
	{"lifecycle.enabled", OPTION_BOOL, CONF(lifecycle), "true", 0, 0, NULL, NULL,
	 "A policy that begins new indices and deletes old ones (ILM, ISM)."},
	{"lifecycle.rollover_size", OPTION_SIZE, CONF(rollover_size), "50GB", 1 << 20, 1LL << 50,
	 NULL, NULL, "A new index begins when this one's shards are so large"},
	{"lifecycle.rollover_age", OPTION_DURATION, CONF(rollover_age), "24h", NS_PER_S,
	 3650LL * 24 * 3600 * NS_PER_S, NULL, NULL, "or it is so old."},
	{"lifecycle.delete_after", OPTION_DURATION, CONF(delete_after), "720h", 0,
	 3650LL * 24 * 3600 * NS_PER_S, NULL, NULL,
	 "How long an index is kept once a newer one has begun; 0 for ever."},
	{"pipeline.enabled", OPTION_BOOL, CONF(pipeline), "false", 0, 0, NULL, NULL,
	 "An ingest pipeline that adds places of addresses and names of browsers."},
	{0},
};

static const char *const asset_kinds[ASSET_COUNT] = {
	[ASSET_LIFECYCLE] = "lifecycle policy",	 [ASSET_PIPELINE] = "ingest pipeline",
	[ASSET_SETTINGS] = "component template", [ASSET_MAPPINGS] = "component template",
	[ASSET_TEMPLATE] = "index template",
};

struct run {
	struct session session;
	struct plan plan;
	bool dry, changed;
	FILE *to;
};

__attribute__((format(printf, 4, 5))) static void say(const struct run *r, enum asset which,
						      const char *mark, const char *format, ...)
{
	va_list args;

	fprintf(r->to, "%-5s %s %s: ", mark, asset_kinds[which], asset_name(&r->plan, which));
	va_start(args, format);
	vfprintf(r->to, format, args);
	va_end(args);
	fputc('\n', r->to);
}

/* ---- What an engine turns out to lack ---- */

/* The engine has no such API: it was built without the module. */
static bool is_unknown_api(const struct reply *reply)
{
	/* 7.x takes what it does not know for an index. */
	static const char *const signs[] = {"no handler found", "Invalid index name [_",
					    "No processor type exists"};

	if (reply->status == 404 || reply->status == 405 || reply->status == 501)
		return true;
	for (size_t i = 0; reply->status == 400 && i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strstr(reply->why, signs[i]) != NULL)
			return true;
	return false;
}

/* Names what to do without, if that would help; 0 when not. */
static unsigned lacking(const struct run *r, enum asset which, const struct reply *reply,
			const char **without)
{
	const char *body = reply->body.at != NULL ? (const char *)reply->body.at : "";

	if (which == ASSET_LIFECYCLE && is_unknown_api(reply)) {
		*without = "this engine has no index lifecycle management: indices grow and stay";
		return LACK_LIFECYCLE;
	}
	if (which == ASSET_PIPELINE && !(r->plan.lacks & LACK_PLACES) &&
	    strstr(reply->why, "No processor type exists with name [geoip]") != NULL) {
		*without = "without places of addresses: this engine has no geoip processor";
		return LACK_PLACES;
	}
	if (which == ASSET_PIPELINE && is_unknown_api(reply)) {
		*without = "this engine has no such processors: documents stay as they are";
		return LACK_PIPELINE;
	}
	if (reply->status != 400)
		return 0;
	if (strstr(body, "match_only_text") != NULL && !(r->plan.lacks & LACK_WORDS)) {
		*without = "without match_only_text, with text";
		return LACK_WORDS;
	}
	if ((strstr(body, "flattened") != NULL || strstr(body, "flat_object") != NULL) &&
	    !(r->plan.lacks & LACK_FLATTENED)) {
		*without = "without flat objects, with ordinary ones";
		return LACK_FLATTENED;
	}
	if (strstr(body, "type [wildcard]") != NULL && !(r->plan.lacks & LACK_WILDCARD)) {
		*without = "without wildcard, with keyword";
		return LACK_WILDCARD;
	}
	if (which == ASSET_TEMPLATE && strstr(body, "data_stream") != NULL &&
	    !(r->plan.lacks & LACK_DATA_STREAM)) {
		*without = "without a data stream, with an ordinary index";
		return LACK_DATA_STREAM;
	}
	return 0;
}

/* ---- Loading ---- */

enum standing { STANDS_NOT, STANDS_SAME, STANDS_OTHER, STANDS_UNKNOWN };

static enum standing look(struct run *r, const char *path, const char *digest, char *version,
			  size_t size, struct reply *reply)
{
	yajl_val seq, term;

	version[0] = 0;
	if (!session_ask(&r->session, "GET", path, BYTES(""), reply))
		return reply->status == 404 ? STANDS_NOT : STANDS_UNKNOWN;
	/* A policy of ISM is replaced only by who names the one that is there. */
	seq = reply_value(reply, "_seq_no");
	term = reply_value(reply, "_primary_term");
	if (YAJL_IS_INTEGER(seq) && YAJL_IS_INTEGER(term))
		snprintf(version, size, "?if_seq_no=%lld&if_primary_term=%lld",
			 YAJL_GET_INTEGER(seq), YAJL_GET_INTEGER(term));
	return strstr((const char *)reply->body.at, digest) != NULL ? STANDS_SAME : STANDS_OTHER;
}

static bool fail(const struct run *r, enum asset which, const struct reply *reply)
{
	say(r, which, "FAIL", "%s%s", reply->why,
	    reply->status == 401   ? "; who are you? See username, api_key, bearer_token"
	    : reply->status == 403 ? "; this user lacks the rights to manage templates and policies"
				   : "");
	return false;
}

static bool put(struct run *r, const char *path, const char *version, struct bytes body,
		struct reply *reply)
{
	char whole[400];

	snprintf(whole, sizeof(whole), "%s%s", path, version);
	return session_ask(&r->session, "PUT", whole, body, reply);
}

/* True: done. False with *again: the plan has become plainer. */
static bool load_once(struct run *r, enum asset which, bool *again)
{
	const char *without = NULL;
	char path[200], digest[DIGEST_BYTES], version[100];
	struct reply reply;
	struct buf body;

	*again = false;
	buf_init(&body, NULL);
	asset_path(&r->plan, which, path, sizeof(path));
	asset_body(&r->plan, which, &body, digest);
	enum standing standing = look(r, path, digest, version, sizeof(version), &reply);
	bool done = standing == STANDS_SAME;

	if (done) {
		say(r, which, "ok", "is there as it should be");
	} else if (standing == STANDS_UNKNOWN) {
		/* judged below */
	} else if (r->dry) {
		say(r, which, "would", "%s", standing == STANDS_NOT ? "be created" : "be replaced");
		done = r->changed = true;
	} else {
		reply_fini(&reply);
		done = put(r, path, version, buf_bytes(&body), &reply);
		if (done)
			say(r, which, "ok", "%s", standing == STANDS_NOT ? "created" : "replaced");
		r->changed |= done;
	}
	if (!done) {
		unsigned lack = lacking(r, which, &reply, &without);

		r->plan.lacks |= lack;
		*again = lack != 0;
		if (lack != 0)
			say(r, which, "note", "%s", without);
		else
			fail(r, which, &reply);
	}
	reply_fini(&reply);
	buf_fini(&body);
	return done;
}

static bool load(struct run *r, enum asset which)
{
	bool again = true;

	while (again && asset_wanted(&r->plan, which))
		if (load_once(r, which, &again))
			return true;
	return !asset_wanted(&r->plan, which);
}

/* Templates count for indices to come. */
static void say_when(struct run *r)
{
	char path[400];
	struct reply reply;

	if (!r->changed || r->dry || strchr(r->plan.index, '%') != NULL)
		return;
	snprintf(path, sizeof(path), "/%s", r->plan.index);
	if (session_ask(&r->session, "GET", path, BYTES(""), &reply))
		fprintf(r->to,
			"note  %s is there already: changes hold for its next index. To begin that "
			"now: POST /%s/_rollover\n",
			r->plan.index, r->plan.index);
	reply_fini(&reply);
}

static bool meet(struct run *r)
{
	struct reply reply;
	bool well = session_engine(&r->session, &r->plan.engine, &reply);

	if (well)
		fprintf(r->to, "%s: %s %s\n", r->session.url, search_engine_name(&r->plan.engine),
			r->plan.engine.version);
	else
		fprintf(r->to, "FAIL  %s: %s\n", r->session.url, reply.why);
	reply_fini(&reply);
	return well;
}

/* The first host that answers does for all. */
static bool find_host(struct run *r, const struct elastic_conf *elastic)
{
	struct fault fault;

	for (size_t i = 0; i < elastic->hosts.count; i++) {
		if (!session_open(&r->session, elastic, elastic->hosts.at[i], ADDRESS_ENGINE_PORT,
				  &fault)) {
			fprintf(r->to, "FAIL  %s\n", fault.text);
			continue;
		}
		if (meet(r))
			return true;
		session_close(&r->session);
	}
	return false;
}

bool setup_run(const struct setup_conf *conf, const struct elastic_conf *elastic, bool dry,
	       FILE *to)
{
	struct run r = {.dry = dry, .to = to};
	bool well = true;

	if (!find_host(&r, elastic))
		return false;
	r.plan.conf = conf;
	r.plan.index = elastic->index;
	r.plan.lacks = plan_lacks(&r.plan.engine, elastic->index);
	for (int which = 0; which < ASSET_COUNT && well; which++)
		well = load(&r, (enum asset)which);
	if (well)
		say_when(&r);
	session_close(&r.session);
	return well;
}
