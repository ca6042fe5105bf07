#include "shipper/base/must.h"
#include "shipper/conf/packetbeat.h"
#include "shipper/conf/sections.h"
#include "shipper/conf/tree.h"

#include <stdlib.h>
#include <string.h>

struct load {
	struct sections sections;
	struct tree tree;
	struct faults *faults;
};

/* ---- Values ---- */

static void wrong(struct load *load, const struct node *node, const char *name, const char *text)
{
	/* What stands only on the way to a dotted key has the place of that key. */
	while (node->line == 0 && node->first != NULL)
		node = node->first;
	faults_add(load->faults, node->line, node->column, "%s%s: %s", node->line > 0 ? "" : "-E ",
		   name, text);
}

/* Every text below `node` as "a.b=value", in a list one behind the other. */
static bool pairs_add(const struct node *node, const char *name, struct texts *to)
{
	bool well = node->kind != NODE_NONE;

	if (node->kind == NODE_TEXT) {
		to->at = must_realloc(to->at, (to->count + 1) * sizeof(to->at[0]));
		must(asprintf(&to->at[to->count++], "%s=%s", name, node->text) > 0);
	}
	for (const struct node *member = node->first; well && member != NULL;
	     member = member->next) {
		char key[NAME_MAX_BYTES];

		snprintf(key, sizeof(key), "%s%s%s", name,
			 name[0] != '\0' && member->key != NULL ? "." : "",
			 member->key != NULL ? member->key : "");
		well = pairs_add(member, key, to);
	}
	return well;
}

static bool set_pairs(const struct option *row, void *conf, const struct node *node,
		      struct fault *fault)
{
	struct texts pairs = {0};
	bool well = pairs_add(node, "", &pairs);

	if (!well)
		fault_set(fault, "expected names with values such as {a: b}, got no value");
	else
		well = option_parse_items(row, conf, (const char *const *)pairs.at, pairs.count,
					  fault);
	for (size_t i = 0; i < pairs.count; i++)
		free(pairs.at[i]);
	free(pairs.at);
	return well;
}

static bool set_list(const struct option *row, void *conf, const struct node *node,
		     struct fault *fault)
{
	const char **items;
	size_t count = 0;
	bool well = true;

	for (const struct node *item = node->first; item != NULL; item = item->next)
		count++;
	items = must_alloc((count + 1) * sizeof(items[0]));
	count = 0;
	for (const struct node *item = node->first; well && item != NULL; item = item->next) {
		if (item->kind == NODE_TEXT)
			items[count++] = item->text;
		else if (item->kind != NODE_NONE)
			well = fault_set(fault, "expected a list of single values, got a %s in it",
					 item->kind == NODE_MAP ? "map" : "list");
	}
	well = well && option_parse_items(row, conf, items, count, fault);
	free(items);
	return well;
}

static bool set(const struct option *row, void *conf, const struct node *node, struct fault *fault)
{
	const char *text = node->text;
	char expected[256];

	switch (node->kind) {
	case NODE_NONE:
		return true;
	case NODE_TEXT:
		if (node->quoted && row->type == OPTION_TEXTS)
			return option_parse_items(row, conf, &text, 1, fault);
		return option_parse(row, conf, text, fault);
	case NODE_LIST:
		return set_list(row, conf, node, fault);
	case NODE_MAP:
		if (option_is_map(row))
			return set_pairs(row, conf, node, fault);
	}
	option_expected(row, expected, sizeof(expected));
	return fault_set(fault, "expected %s, got names with values", expected);
}

/* ---- The tree against the sections ---- */

static void unknown(struct load *load, const struct node *node, const char *path, const char *name)
{
	char near[NAME_MAX_BYTES], text[256];

	if (sections_nearest(&load->sections, path, node->key, near) != NULL)
		snprintf(text, sizeof(text), "unknown option; did you mean %s?", near);
	else
		snprintf(text, sizeof(text),
			 "unknown option; `wirespan export config` prints them all");
	wrong(load, node, name, text);
}

static void apply(struct load *load, const struct node *map, const char *path)
{
	for (const struct node *node = map->first; node != NULL; node = node->next) {
		const struct section *section;
		const struct option *row;
		char name[NAME_MAX_BYTES];
		struct fault fault;
		int len = snprintf(name, sizeof(name), "%s%s%s", path, path[0] != '\0' ? "." : "",
				   node->key);

		row = sections_find(&load->sections, name, &section);
		if (row != NULL) {
			if (!set(row, section->conf, node, &fault))
				wrong(load, node, name, fault.text);
		} else if (len >= (int)sizeof(name) || !sections_below(&load->sections, name)) {
			unknown(load, node, path, name);
		} else if (node->kind == NODE_MAP) {
			apply(load, node, name);
		} else if (node->kind != NODE_NONE) {
			wrong(load, node, name,
			      "expected options with values below it, got a value");
		}
	}
}

/* ---- What single options cannot say ---- */

static void choose_output(struct load *load, struct settings *settings)
{
	const struct node *all = node_member(load->tree.root, "output");
	size_t chosen = 0;
	bool found = false;

	for (size_t i = 0; outputs[i] != NULL; i++) {
		const struct node *node = all != NULL ? node_member(all, outputs[i]->name) : NULL;

		if (node == NULL || !load->sections.output_enabled[i])
			continue;
		if (found)
			faults_add(load->faults, node->line, node->column,
				   "output.%s: output.%s is enabled too; documents go to one",
				   outputs[i]->name, outputs[chosen]->name);
		chosen = i;
		found = true;
	}
	settings->output_given = found;
	settings->output = outputs[chosen];
	settings->output_conf = load->sections.output_conf[chosen];
	load->sections.output_conf[chosen] = NULL;
}

static void check_output(struct load *load, const struct settings *settings)
{
	const struct output *output = settings->output;
	const struct node *node;
	char name[NAME_MAX_BYTES];
	struct fault fault = {0};

	if (output->check == NULL || output->check(settings->output_conf, &fault))
		return;
	snprintf(name, sizeof(name), "output.%s", output->name);
	node = node_find(load->tree.root, name);
	faults_add(load->faults, node != NULL ? node->line : 0, node != NULL ? node->column : 0,
		   "%s: %s", name, fault.text);
}

static void make_ready(struct load *load, struct settings *settings)
{
	for (size_t i = 0; protos[i] != NULL; i++) {
		char name[NAME_MAX_BYTES];
		const struct node *node;
		struct fault fault = {0};

		if (protos[i]->ready == NULL || protos[i]->ready(settings->proto_conf[i], &fault))
			continue;
		snprintf(name, sizeof(name), "protocols.%s", protos[i]->name);
		node = node_find(load->tree.root, name);
		faults_add(load->faults, node != NULL ? node->line : 0,
			   node != NULL ? node->column : 0, "%s: %s", name, fault.text);
	}
}

bool settings_load(struct settings *settings, const char *path, const char *const *overrides,
		   size_t overrides_count, struct faults *faults)
{
	struct load load = {.faults = faults};

	faults->path = path;
	sections_open(&load.sections, settings);
	tree_init(&load.tree);
	if (path != NULL)
		tree_read_file(&load.tree, path, faults);
	for (size_t i = 0; i < overrides_count; i++)
		tree_override(&load.tree, overrides[i], faults);
	if (!load.tree.broken) {
		tree_expand(&load.tree);
		packetbeat_translate(&load.tree, faults);
		tree_check(&load.tree, faults);
		apply(&load, load.tree.root, "");
	}
	choose_output(&load, settings);
	if (faults->count == 0)
		make_ready(&load, settings);
	if (faults->count == 0)
		check_output(&load, settings);
	settings->files = load.tree.files;
	load.tree.files = (struct texts){0};
	tree_fini(&load.tree);
	sections_close(&load.sections);
	settings->engine.proto_conf = settings->proto_conf;
	settings->tail = settings_tail(settings, NULL);
	settings->engine.tail = bytes_str(settings->tail);
	settings->engine.tags = &settings->agent.tags;
	if (faults->count == 0)
		return true;
	settings_free(settings);
	return false;
}
