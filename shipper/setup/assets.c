#include "shipper/setup/assets.h"

#include "protos/protos.h"
#include "shipper/base/must.h"
#include "shipper/monitor/metric.h"
#include "shipper/txn/field.h"

#define XXH_INLINE_ALL
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>
#include <yajl/yajl_gen.h>

enum { KEYWORD_MAX = 1024, FIELDS_LIMIT = 2000, PRIORITY = 200 };

/* ---- Writing JSON ---- */

static void text(yajl_gen g, const char *s)
{
	must(yajl_gen_string(g, (const unsigned char *)s, strlen(s)) == yajl_gen_status_ok);
}

static void open_map(yajl_gen g, const char *name)
{
	if (name != NULL)
		text(g, name);
	yajl_gen_map_open(g);
}

static void close_maps(yajl_gen g, int n)
{
	while (n-- > 0)
		yajl_gen_map_close(g);
}

static void member(yajl_gen g, const char *name, const char *value)
{
	text(g, name);
	text(g, value);
}

static void member_int(yajl_gen g, const char *name, int64_t n)
{
	text(g, name);
	yajl_gen_integer(g, n);
}

static void member_bool(yajl_gen g, const char *name, bool yes)
{
	text(g, name);
	yajl_gen_bool(g, yes);
}

__attribute__((format(printf, 3, 4))) static void member_format(yajl_gen g, const char *name,
								const char *format, ...)
{
	char value[300];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	member(g, name, value);
}

/* Engines count days, not nanoseconds. */
static void member_age(yajl_gen g, const char *name, nsec age)
{
	int64_t seconds = age / NS_PER_S;

	if (seconds % 86400 == 0)
		member_format(g, name, "%" PRId64 "d", seconds / 86400);
	else if (seconds % 3600 == 0)
		member_format(g, name, "%" PRId64 "h", seconds / 3600);
	else
		member_format(g, name, "%" PRId64 "s", seconds);
}

/* ---- Mappings, from the field tables ---- */

static void keyword_mapping(yajl_gen g)
{
	member(g, "type", "keyword");
	member_int(g, "ignore_above", KEYWORD_MAX);
}

/* OpenSearch counts values of such a field wrongly when it groups by them (3.8: all
 * documents that hold a part of one), and its Dashboards do not know the type: there it is
 * NAME.wildcard, beside a keyword. */
static void wildcard_mapping(yajl_gen g, const struct plan *plan)
{
	if (!(plan->lacks & LACK_WILDCARD) && !plan->engine.opensearch) {
		member(g, "type", "wildcard");
		return;
	}
	keyword_mapping(g);
	if (plan->lacks & LACK_WILDCARD)
		return;
	open_map(g, "fields");
	open_map(g, "wildcard");
	member(g, "type", "wildcard");
	/* With them a document whose value has more than 32,766 bytes is refused. */
	member_bool(g, "doc_values", false);
	close_maps(g, 2);
}

/* Searched by its words, and whole as NAME.keyword. */
static void text_mapping(yajl_gen g, const struct plan *plan)
{
	bool plain = (plan->lacks & LACK_WORDS) != 0;

	member(g, "type", plain ? "text" : "match_only_text");
	if (plain)
		member_bool(g, "norms", false);
	open_map(g, "fields");
	open_map(g, "keyword");
	keyword_mapping(g);
	close_maps(g, 2);
}

static void object_mapping(yajl_gen g, const struct plan *plan)
{
	if (plan->lacks & LACK_FLATTENED) {
		member(g, "type", "object");
		member_bool(g, "dynamic", true);
	} else if (plan->engine.opensearch) {
		member(g, "type", "flat_object");
	} else {
		member(g, "type", "flattened");
		member_int(g, "ignore_above", KEYWORD_MAX);
	}
}

static void mapping(yajl_gen g, const struct plan *plan, const struct field *f)
{
	static const char *const plain[] = {
		[FIELD_LONG] = "long", [FIELD_DOUBLE] = "double",   [FIELD_BOOL] = "boolean",
		[FIELD_IP] = "ip",     [FIELD_DATE] = "date_nanos", [FIELD_POINT] = "geo_point",
	};

	switch (f->type) {
	case FIELD_KEYWORD:
		keyword_mapping(g);
		break;
	case FIELD_WILDCARD:
		wildcard_mapping(g, plan);
		break;
	case FIELD_TEXT:
		text_mapping(g, plan);
		break;
	case FIELD_OBJECT:
		object_mapping(g, plan);
		break;
	default:
		member(g, "type", plain[f->type]);
	}
}

/* Fields of one object stand together within a table, but an object may be in several tables, and
 * JSON has each name once: so all names are put in order first. */
struct listing {
	const struct field *at[2048];
	size_t count;
};

static void listing_add(struct listing *l, const struct field *fields)
{
	for (const struct field *f = fields; f != NULL && f->name != NULL; f++) {
		must(l->count < sizeof(l->at) / sizeof(l->at[0]));
		l->at[l->count++] = f;
	}
}

/* With '.' before all others, so that members of one object are neighbours. */
static int by_name(const void *a, const void *b)
{
	const char *x = (*(const struct field *const *)a)->name;
	const char *y = (*(const struct field *const *)b)->name;

	while (*x != 0 && *x == *y) {
		x++;
		y++;
	}
	return (*x == '.' ? 1 : *x) - (*y == '.' ? 1 : *y);
}

static size_t depth_of(const char *name)
{
	size_t n = 0;

	for (; *name != 0; name++)
		n += *name == '.';
	return n;
}

/* How many whole parts two names begin with in common, the last part not counted. */
static size_t shared_depth(const char *a, const char *b)
{
	size_t n = 0;

	for (; *a != 0 && *a == *b; a++, b++)
		n += *a == '.';
	return n;
}

static void properties(yajl_gen g, const struct plan *plan, const struct listing *l)
{
	size_t open = 0;

	for (size_t i = 0; i < l->count; i++) {
		const char *name = l->at[i]->name, *rest = name;
		size_t shared = i > 0 ? shared_depth(name, l->at[i - 1]->name) : 0;
		char part[128];

		if (i > 0 && strcmp(name, l->at[i - 1]->name) == 0)
			continue;
		for (; open > shared; open--)
			close_maps(g, 2);
		for (size_t k = 0; k < shared; k++)
			rest = strchr(rest, '.') + 1;
		for (; depth_of(rest) > 0; rest = strchr(rest, '.') + 1, open++) {
			snprintf(part, sizeof(part), "%.*s", (int)strcspn(rest, "."), rest);
			open_map(g, part);
			open_map(g, "properties");
		}
		open_map(g, rest);
		mapping(g, plan, l->at[i]);
		close_maps(g, 1);
	}
	for (; open > 0; open--)
		close_maps(g, 2);
}

/* What the pipeline adds. */
static const struct field pipeline_fields[] = {
	{"client.geo.country_iso_code", FIELD_KEYWORD, NULL, "Where the client is.", NULL},
	{"client.geo.city_name", FIELD_KEYWORD, NULL, "Where the client is.", NULL},
	{"client.geo.location", FIELD_POINT, NULL, "Where the client is.", NULL},
	{"server.geo.country_iso_code", FIELD_KEYWORD, NULL, "Where the server is.", NULL},
	{"server.geo.city_name", FIELD_KEYWORD, NULL, "Where the server is.", NULL},
	{"server.geo.location", FIELD_POINT, NULL, "Where the server is.", NULL},
	{"user_agent.name", FIELD_KEYWORD, NULL, "The browser.", NULL},
	{"user_agent.version", FIELD_KEYWORD, NULL, "Its version.", NULL},
	{"user_agent.device.name", FIELD_KEYWORD, NULL, "What it runs on.", NULL},
	{"user_agent.os.name", FIELD_KEYWORD, NULL, "What it runs on.", NULL},
	{.name = NULL},
};

static void mappings_body(yajl_gen g, const struct plan *plan)
{
	struct listing *l = must_alloc(sizeof(*l));

	listing_add(l, fields_common);
	for (size_t i = 0; protos[i] != NULL; i++)
		listing_add(l, protos[i]->fields);
	listing_add(l, shipper_fields);
	if (plan->conf->pipeline && !(plan->lacks & LACK_PIPELINE))
		listing_add(l, pipeline_fields);
	qsort(l->at, l->count, sizeof(l->at[0]), by_name);
	open_map(g, "template");
	open_map(g, "mappings");
	member_bool(g, "date_detection", false);
	/* What is in no table: from the configuration, or under an object without a flat type. */
	text(g, "dynamic_templates");
	yajl_gen_array_open(g);
	open_map(g, NULL);
	open_map(g, "texts");
	member(g, "match_mapping_type", "string");
	open_map(g, "mapping");
	keyword_mapping(g);
	close_maps(g, 3);
	yajl_gen_array_close(g);
	open_map(g, "properties");
	properties(g, plan, l);
	close_maps(g, 3);
	free(l);
}

/* ---- The others ---- */

static void settings_body(yajl_gen g, const struct plan *plan)
{
	const struct setup_conf *conf = plan->conf;

	open_map(g, "template");
	open_map(g, "settings");
	open_map(g, "index");
	member_int(g, "number_of_shards", conf->shards);
	if (conf->replicas >= 0)
		member_int(g, "number_of_replicas", conf->replicas);
	member_format(g, "mapping.total_fields.limit", "%d", FIELDS_LIMIT);
	if (asset_wanted(plan, ASSET_LIFECYCLE) && !plan->engine.opensearch)
		member(g, "lifecycle.name", asset_name(plan, ASSET_LIFECYCLE));
	if (asset_wanted(plan, ASSET_PIPELINE))
		member(g, "default_pipeline", asset_name(plan, ASSET_PIPELINE));
	close_maps(g, 3);
}

/* All indices that the configured name can lead to. */
static void pattern_of(const struct plan *plan, char *to, size_t size)
{
	size_t n = strcspn(plan->index, "%");

	snprintf(to, size, "%.*s*", (int)n, plan->index);
}

static void template_body(yajl_gen g, const struct plan *plan)
{
	char pattern[300];

	pattern_of(plan, pattern, sizeof(pattern));
	text(g, "index_patterns");
	yajl_gen_array_open(g);
	text(g, pattern);
	yajl_gen_array_close(g);
	if (!(plan->lacks & LACK_DATA_STREAM)) {
		open_map(g, "data_stream");
		close_maps(g, 1);
	}
	text(g, "composed_of");
	yajl_gen_array_open(g);
	text(g, asset_name(plan, ASSET_SETTINGS));
	text(g, asset_name(plan, ASSET_MAPPINGS));
	yajl_gen_array_close(g);
	member_int(g, "priority", PRIORITY);
}

static void ilm_body(yajl_gen g, const struct plan *plan)
{
	const struct setup_conf *conf = plan->conf;
	bool by_shard = plan->engine.major > 7 || plan->engine.minor >= 13;

	open_map(g, "policy");
	open_map(g, "phases");
	open_map(g, "hot");
	open_map(g, "actions");
	open_map(g, "rollover");
	member_age(g, "max_age", conf->rollover_age);
	member_format(g, by_shard ? "max_primary_shard_size" : "max_size", "%" PRId64 "b",
		      conf->rollover_size);
	close_maps(g, 3);
	if (conf->delete_after > 0) {
		open_map(g, "delete");
		member_age(g, "min_age", conf->delete_after);
		open_map(g, "actions");
		open_map(g, "delete");
		close_maps(g, 3);
	}
	close_maps(g, 1);
}

static void ism_state(yajl_gen g, const char *name)
{
	open_map(g, NULL);
	member(g, "name", name);
	text(g, "actions");
	yajl_gen_array_open(g);
	open_map(g, NULL);
}

static void ism_body(yajl_gen g, const struct plan *plan)
{
	const struct setup_conf *conf = plan->conf;
	char pattern[300];

	pattern_of(plan, pattern, sizeof(pattern));
	open_map(g, "policy");
	member(g, "default_state", "hot");
	text(g, "states");
	yajl_gen_array_open(g);
	ism_state(g, "hot");
	open_map(g, "rollover");
	member_age(g, "min_index_age", conf->rollover_age);
	member_format(g, "min_size", "%" PRId64 "b", conf->rollover_size);
	close_maps(g, 2);
	yajl_gen_array_close(g);
	text(g, "transitions");
	yajl_gen_array_open(g);
	if (conf->delete_after > 0) {
		open_map(g, NULL);
		member(g, "state_name", "delete");
		open_map(g, "conditions");
		member_age(g, "min_index_age", conf->delete_after);
		close_maps(g, 2);
	}
	yajl_gen_array_close(g);
	close_maps(g, 1);
	ism_state(g, "delete");
	open_map(g, "delete");
	close_maps(g, 2);
	yajl_gen_array_close(g);
	text(g, "transitions");
	yajl_gen_array_open(g);
	yajl_gen_array_close(g);
	close_maps(g, 1);
	yajl_gen_array_close(g);
	text(g, "ism_template");
	yajl_gen_array_open(g);
	open_map(g, NULL);
	text(g, "index_patterns");
	yajl_gen_array_open(g);
	text(g, pattern);
	yajl_gen_array_close(g);
	member_int(g, "priority", PRIORITY);
	close_maps(g, 1);
	yajl_gen_array_close(g);
}

static void processor(yajl_gen g, const char *kind, const char *field, const char *target)
{
	open_map(g, NULL);
	open_map(g, kind);
	member(g, "field", field);
	member(g, "target_field", target);
	member_bool(g, "ignore_missing", true);
	/* A document without its ornaments is worth more than none. */
	member_bool(g, "ignore_failure", true);
	close_maps(g, 2);
}

static void pipeline_body(yajl_gen g, const struct plan *plan)
{
	text(g, "processors");
	yajl_gen_array_open(g);
	if (!(plan->lacks & LACK_PLACES)) {
		processor(g, "geoip", "client.ip", "client.geo");
		processor(g, "geoip", "server.ip", "server.geo");
	}
	processor(g, "user_agent", "user_agent.original", "user_agent");
	yajl_gen_array_close(g);
}

/* ---- What is asked of them ---- */

unsigned plan_lacks(const struct search_engine *e, const char *index)
{
	unsigned lacks = 0;

	if (e->opensearch ? e->major < 2 || (e->major == 2 && e->minor < 7)
			  : e->major == 7 && e->minor < 3)
		lacks |= LACK_FLATTENED;
	if (e->opensearch ? e->major < 2 || (e->major == 2 && e->minor < 12)
			  : e->major == 7 && e->minor < 14)
		lacks |= LACK_WORDS;
	if (e->opensearch ? e->major < 2 || (e->major == 2 && e->minor < 15)
			  : e->major == 7 && e->minor < 9)
		lacks |= LACK_WILDCARD;
	if (strchr(index, '%') != NULL || (!e->opensearch && e->major == 7 && e->minor < 9))
		lacks |= LACK_DATA_STREAM;
	return lacks;
}

bool asset_wanted(const struct plan *plan, enum asset which)
{
	if (which == ASSET_LIFECYCLE)
		return plan->conf->lifecycle && !(plan->lacks & LACK_LIFECYCLE);
	if (which == ASSET_PIPELINE)
		return plan->conf->pipeline && !(plan->lacks & LACK_PIPELINE);
	return true;
}

const char *asset_name(const struct plan *plan, enum asset which)
{
	(void)plan;
	return which == ASSET_SETTINGS	 ? "wirespan-settings"
	       : which == ASSET_MAPPINGS ? "wirespan-mappings"
					 : "wirespan";
}

void asset_path(const struct plan *plan, enum asset which, char *to, size_t size)
{
	static const char *const folders[ASSET_COUNT] = {
		[ASSET_LIFECYCLE] = "_ilm/policy",	  [ASSET_PIPELINE] = "_ingest/pipeline",
		[ASSET_SETTINGS] = "_component_template", [ASSET_MAPPINGS] = "_component_template",
		[ASSET_TEMPLATE] = "_index_template",
	};
	bool ism = which == ASSET_LIFECYCLE && plan->engine.opensearch;

	snprintf(to, size, "/%s/%s", ism ? "_plugins/_ism/policies" : folders[which],
		 asset_name(plan, which));
}

static void body_of(yajl_gen g, const struct plan *plan, enum asset which)
{
	switch (which) {
	case ASSET_LIFECYCLE:
		(plan->engine.opensearch ? ism_body : ilm_body)(g, plan);
		break;
	case ASSET_PIPELINE:
		pipeline_body(g, plan);
		break;
	case ASSET_SETTINGS:
		settings_body(g, plan);
		break;
	case ASSET_MAPPINGS:
		mappings_body(g, plan);
		break;
	case ASSET_TEMPLATE:
		template_body(g, plan);
		break;
	case ASSET_COUNT:
		break;
	}
}

/* Each kind has a place where a remark may stand. */
static void mark(yajl_gen g, const struct plan *plan, enum asset which, const char *digest)
{
	bool in_policy = which == ASSET_LIFECYCLE;
	/* Before 7.16 a policy of ILM has no such place. */
	bool none = in_policy && !plan->engine.opensearch && plan->engine.major == 7 &&
		    plan->engine.minor < 16;

	if ((in_policy && plan->engine.opensearch) || which == ASSET_PIPELINE) {
		member_format(g, "description", "Made by wirespan setup, %s", digest);
	} else if (!none) {
		open_map(g, "_meta");
		member(g, "managed_by", "wirespan");
		member(g, "digest", digest);
		close_maps(g, 1);
	}
	if (in_policy)
		close_maps(g, 1);
}

static void write_body(const struct plan *plan, enum asset which, const char *digest,
		       struct buf *out)
{
	yajl_gen g = yajl_gen_alloc(NULL);
	const unsigned char *at;
	size_t len;

	open_map(g, NULL);
	body_of(g, plan, which);
	mark(g, plan, which, digest);
	close_maps(g, 1);
	must(yajl_gen_get_buf(g, &at, &len) == yajl_gen_status_ok);
	buf_add(out, bytes_of(at, len));
	yajl_gen_free(g);
}

void asset_body(const struct plan *plan, enum asset which, struct buf *out,
		char digest[DIGEST_BYTES])
{
	struct buf bare;

	buf_init(&bare, NULL);
	write_body(plan, which, "", &bare);
	snprintf(digest, DIGEST_BYTES, "%016" PRIx64, (uint64_t)XXH3_64bits(bare.at, bare.len));
	buf_fini(&bare);
	write_body(plan, which, digest, out);
}
