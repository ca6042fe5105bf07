/* What an engine is given before documents come. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <yajl/yajl_tree.h>

#include "protos/protos.h"
#include "shipper/monitor/metric.h"
#include "shipper/setup/assets.h"

static struct setup_conf conf_of(void)
{
	struct setup_conf conf = {0};

	option_default(setup_options, &conf);
	return conf;
}

static yajl_val tree_of(const struct plan *plan, enum asset which, char digest[DIGEST_BYTES])
{
	char why[200];
	struct buf body;

	buf_init(&body, NULL);
	asset_body(plan, which, &body, digest);
	*buf_room(&body, 1) = 0;
	yajl_val tree = yajl_tree_parse((const char *)body.at, why, sizeof(why));

	cr_assert(tree != NULL, "%s in %s", why, (const char *)body.at);
	cr_expect(strstr((const char *)body.at, digest) != NULL);
	buf_fini(&body);
	return tree;
}

/* template.mappings.properties.client.properties.ip.type */
static const char *type_of(yajl_val tree, const char *name)
{
	const char *path[32] = {"template", "mappings"};
	char copy[200], *rest = copy, *part;
	size_t n = 2;

	snprintf(copy, sizeof(copy), "%s", name);
	while ((part = strsep(&rest, ".")) != NULL) {
		path[n++] = "properties";
		path[n++] = part;
	}
	path[n++] = "type";
	path[n] = NULL;
	return YAJL_GET_STRING(yajl_tree_get(tree, path, yajl_t_string));
}

static void expect_types(yajl_val tree, const struct field *fields, const char *text,
			 const char *object, const char *parts)
{
	const char *const types[] = {
		[FIELD_KEYWORD] = "keyword", [FIELD_TEXT] = text,	  [FIELD_LONG] = "long",
		[FIELD_DOUBLE] = "double",   [FIELD_BOOL] = "boolean",	  [FIELD_IP] = "ip",
		[FIELD_OBJECT] = object,     [FIELD_DATE] = "date_nanos", [FIELD_WILDCARD] = parts};

	for (const struct field *f = fields; f->name != NULL; f++) {
		const char *type = type_of(tree, f->name);

		cr_expect(type != NULL && strcmp(type, types[f->type]) == 0, "%s: %s, not %s",
			  f->name, type ? type : "missing", types[f->type]);
	}
}

static void expect_all_types(struct plan *plan, const char *text, const char *object,
			     const char *parts)
{
	char digest[DIGEST_BYTES];
	yajl_val tree = tree_of(plan, ASSET_MAPPINGS, digest);

	expect_types(tree, fields_common, text, object, parts);
	expect_types(tree, shipper_fields, text, object, parts);
	for (size_t i = 0; protos[i] != NULL; i++)
		expect_types(tree, protos[i]->fields, text, object, parts);
	yajl_tree_free(tree);
}

Test(setup, every_field_is_mapped_by_its_type)
{
	struct setup_conf conf = conf_of();
	struct plan plan = {
		.conf = &conf, .engine = {.major = 8}, .index = "wirespan-transactions"};

	expect_all_types(&plan, "match_only_text", "flattened", "wildcard");
	plan.engine.opensearch = true;
	expect_all_types(&plan, "match_only_text", "flat_object", "keyword");
	plan.lacks = LACK_FLATTENED | LACK_WORDS | LACK_WILDCARD;
	expect_all_types(&plan, "text", "object", "keyword");
	plan.engine.opensearch = false;
	expect_all_types(&plan, "text", "object", "keyword");
}

/* In OpenSearch beside the keyword, under a name of its own. */
Test(setup, parts_are_searched_where_the_engine_can)
{
	const char *path[] = {"template", "mappings", "properties", "url",  "properties",
			      "full",	  "fields",   "wildcard",   "type", NULL};
	struct setup_conf conf = conf_of();
	struct plan plan = {
		.conf = &conf, .engine = {.opensearch = true, .major = 3}, .index = "x"};
	char digest[DIGEST_BYTES];
	yajl_val tree = tree_of(&plan, ASSET_MAPPINGS, digest);
	const char *type = YAJL_GET_STRING(yajl_tree_get(tree, path, yajl_t_string));

	cr_expect(type != NULL && strcmp(type, "wildcard") == 0);
	yajl_tree_free(tree);
	plan.lacks = LACK_WILDCARD;
	tree = tree_of(&plan, ASSET_MAPPINGS, digest);
	cr_expect(yajl_tree_get(tree, path, yajl_t_any) == NULL);
	yajl_tree_free(tree);
}

Test(setup, a_version_tells_what_it_lacks)
{
	static const struct {
		struct search_engine engine;
		unsigned lacks;
	} cases[] = {
		{{.major = 9, .minor = 5}, 0},
		{{.major = 7, .minor = 17}, 0},
		{{.major = 7, .minor = 10}, LACK_WORDS},
		{{.major = 7, .minor = 2},
		 LACK_WORDS | LACK_FLATTENED | LACK_DATA_STREAM | LACK_WILDCARD},
		{{.opensearch = true, .major = 1, .minor = 3},
		 LACK_WORDS | LACK_FLATTENED | LACK_WILDCARD},
		{{.opensearch = true, .major = 2, .minor = 8}, LACK_WORDS | LACK_WILDCARD},
		{{.opensearch = true, .major = 3, .minor = 0}, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(plan_lacks(&cases[i].engine, "x"), cases[i].lacks, "case %zu", i);
	cr_expect_eq(plan_lacks(&cases[0].engine, "x-%{+yyyy}"), LACK_DATA_STREAM);
}

static const char *text_at(yajl_val tree, const char **path)
{
	return YAJL_GET_STRING(yajl_tree_get(tree, path, yajl_t_string));
}

Test(setup, policies_say_what_is_configured)
{
	const char *age[] = {"policy", "phases", "hot", "actions", "rollover", "max_age", NULL};
	const char *gone[] = {"policy", "phases", "delete", "min_age", NULL};
	const char *about[] = {"policy", "description", NULL};
	struct setup_conf conf = conf_of();
	struct plan plan = {.conf = &conf, .engine = {.major = 8}, .index = "x"};
	char digest[DIGEST_BYTES], other[DIGEST_BYTES];
	yajl_val tree = tree_of(&plan, ASSET_LIFECYCLE, digest);

	cr_expect_str_eq(text_at(tree, age), "1d");
	cr_expect_str_eq(text_at(tree, gone), "30d");
	yajl_tree_free(tree);
	conf.rollover_age = 90 * (nsec)NS_PER_S;
	conf.delete_after = 0;
	tree = tree_of(&plan, ASSET_LIFECYCLE, other);
	cr_expect_str_eq(text_at(tree, age), "90s");
	cr_expect(text_at(tree, gone) == NULL);
	cr_expect(strcmp(digest, other) != 0, "another policy has another digest");
	yajl_tree_free(tree);
	plan.engine.opensearch = true;
	tree = tree_of(&plan, ASSET_LIFECYCLE, digest);
	cr_expect(strstr(text_at(tree, about), digest) != NULL);
	yajl_tree_free(tree);
}

Test(setup, what_is_not_wanted_is_not_loaded)
{
	const char *stream[] = {"data_stream", NULL};
	struct setup_conf conf = conf_of();
	struct plan plan = {.conf = &conf, .engine = {.major = 8}, .index = "logs-%{+yyyy.MM.dd}"};
	char digest[DIGEST_BYTES];

	cr_expect(asset_wanted(&plan, ASSET_LIFECYCLE));
	cr_expect_not(asset_wanted(&plan, ASSET_PIPELINE), "not by itself");
	plan.lacks = LACK_LIFECYCLE | LACK_DATA_STREAM;
	cr_expect_not(asset_wanted(&plan, ASSET_LIFECYCLE));
	yajl_val tree = tree_of(&plan, ASSET_TEMPLATE, digest);

	cr_expect(yajl_tree_get(tree, stream, yajl_t_any) == NULL);
	const char *patterns[] = {"index_patterns", NULL};

	cr_expect_str_eq(
		YAJL_GET_STRING(yajl_tree_get(tree, patterns, yajl_t_array)->u.array.values[0]),
		"logs-*");
	yajl_tree_free(tree);
}
