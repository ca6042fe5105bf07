#include "shipper/base/must.h"
#include "shipper/conf/tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

struct anchor {
	char *name;
	const struct node *node;
	struct anchor *next;
};

struct reader {
	yaml_parser_t parser;
	struct tree *tree;
	struct faults *faults;
	struct bytes yaml;
	struct anchor *anchors;
	int line, column; /* of the event in hand */
	bool failed;	  /* a fault that ends the reading */
};

/* ---- What went wrong ---- */

__attribute__((format(printf, 2, 3))) static void stop(struct reader *r, const char *format, ...)
{
	char text[400];
	va_list args;

	if (r->failed)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	faults_add(r->faults, r->line, r->column, "%s", text);
	r->failed = r->tree->broken = true;
}

/* libyaml gives problems of encoding an offset, and no place. */
static void place_of(struct reader *r, size_t offset)
{
	r->line = r->column = 1;
	for (size_t i = 0; i < offset && i < r->yaml.len; i++) {
		r->column++;
		if (r->yaml.at[i] == '\n') {
			r->line++;
			r->column = 1;
		}
	}
}

static bool is_tab(const struct reader *r, size_t index)
{
	return index < r->yaml.len && r->yaml.at[index] == '\t';
}

static void broken(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem = p->problem != NULL ? p->problem : "not YAML";

	if (p->error == YAML_READER_ERROR) {
		place_of(r, p->problem_offset);
		stop(r, "%s", problem);
		return;
	}
	r->line = (int)p->problem_mark.line + 1;
	r->column = (int)p->problem_mark.column + 1;
	stop(r, "%s%s%s%s", problem, p->context != NULL ? " " : "",
	     p->context != NULL ? p->context : "",
	     is_tab(r, p->problem_mark.index) ? "; indent with spaces, not with tabs" : "");
}

static bool event_next(struct reader *r, yaml_event_t *event)
{
	if (r->failed)
		return false;
	if (!yaml_parser_parse(&r->parser, event)) {
		broken(r);
		return false;
	}
	r->line = (int)event->start_mark.line + 1;
	r->column = (int)event->start_mark.column + 1;
	if (r->tree->nodes > TREE_NODES_MAX || r->tree->copied_bytes > TREE_COPIED_MAX) {
		stop(r, "more than %d values, aliases included", TREE_NODES_MAX);
		yaml_event_delete(event);
		return false;
	}
	return true;
}

/* ---- Anchors ---- */

static void anchor_set(struct reader *r, const yaml_char_t *name, const struct node *node)
{
	struct anchor *anchor;

	if (name == NULL)
		return;
	anchor = must_alloc(sizeof(*anchor));
	anchor->name = must_strdup((const char *)name);
	anchor->node = node;
	anchor->next = r->anchors;
	r->anchors = anchor;
}

static void anchors_free(struct reader *r)
{
	struct anchor *next;

	for (struct anchor *anchor = r->anchors; anchor != NULL; anchor = next) {
		next = anchor->next;
		free(anchor->name);
		free(anchor);
	}
}

/* Stops in the middle at a limit; event_next then ends the reading. */
static void copy(struct reader *r, struct node *to, const struct node *from)
{
	if (r->tree->nodes > TREE_NODES_MAX || r->tree->copied_bytes > TREE_COPIED_MAX)
		return;
	to->kind = from->kind;
	to->quoted = from->quoted;
	if (from->text != NULL) {
		node_set_text(to, from->text);
		r->tree->copied_bytes += strlen(from->text);
	}
	for (const struct node *member = from->first; member != NULL; member = member->next) {
		struct node *twin = node_new(r->tree);

		twin->key = member->key != NULL ? must_strdup(member->key) : NULL;
		twin->given = member->given;
		twin->line = r->line;
		twin->column = r->column;
		node_append(to, twin);
		copy(r, twin, member);
	}
}

static void alias(struct reader *r, const char *name, struct node *to)
{
	for (const struct anchor *anchor = r->anchors; anchor != NULL; anchor = anchor->next)
		if (strcmp(anchor->name, name) == 0) {
			copy(r, to, anchor->node);
			return;
		}
	stop(r, "*%s: nothing above it was given the name &%s", name, name);
}

/* ---- Values ---- */

static void value(struct reader *r, yaml_event_t *event, struct node *to, int depth);

static void scalar(const yaml_event_t *event, struct node *to)
{
	const char *text = (const char *)event->data.scalar.value;
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	bool none =
		plain && (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);

	if (none)
		return;
	node_set_text(to, text);
	to->quoted = !plain;
}

static void list(struct reader *r, struct node *to, int depth)
{
	yaml_event_t event;

	to->kind = NODE_LIST;
	while (event_next(r, &event)) {
		struct node *item;

		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return;
		}
		item = node_new(r->tree);
		item->line = r->line;
		item->column = r->column;
		node_append(to, item);
		value(r, &event, item, depth);
	}
}

/* Where the value of a key goes; a node outside of the tree when it must not go in. */
static struct node *place_for(struct reader *r, struct node *map, const char *key)
{
	struct node *node = node_make(r->tree, map, key);

	if (node == NULL) {
		faults_add(r->faults, r->line, r->column,
			   "%.80s: an empty or too long name, or a part of it is a value already",
			   key);
	} else if (node->given) {
		faults_add(r->faults, r->line, r->column, "%.80s is set twice, first in line %d",
			   key, node->line);
		node = NULL;
	}
	if (node == NULL)
		return node_new(r->tree);
	node->given = true;
	node->line = r->line;
	node->column = r->column;
	return node;
}

static void map(struct reader *r, struct node *to, int depth)
{
	yaml_event_t event;

	to->kind = NODE_MAP;
	while (event_next(r, &event)) {
		bool end = event.type == YAML_MAPPING_END_EVENT;
		struct node *node = NULL;

		if (event.type == YAML_SCALAR_EVENT)
			node = place_for(r, to, (const char *)event.data.scalar.value);
		else if (!end)
			stop(r, "a key is a name, not a list or map");
		yaml_event_delete(&event);
		if (end)
			return;
		if (node != NULL && event_next(r, &event))
			value(r, &event, node, depth);
	}
}

/* A value for a node that may have members already, given by dotted keys. */
static void value(struct reader *r, yaml_event_t *event, struct node *to, int depth)
{
	bool fits = event->type == YAML_MAPPING_START_EVENT || to->kind != NODE_MAP;

	if (depth >= TREE_DEPTH_MAX)
		stop(r, "nested deeper than %d levels", TREE_DEPTH_MAX);
	if (!fits) {
		faults_add(r->faults, r->line, r->column,
			   "%.80s is one value here, and has members elsewhere",
			   to->key != NULL ? to->key : "");
		to = node_new(r->tree);
	}
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		scalar(event, to);
		anchor_set(r, event->data.scalar.anchor, to);
		break;
	case YAML_SEQUENCE_START_EVENT:
		list(r, to, depth + 1);
		anchor_set(r, event->data.sequence_start.anchor, to);
		break;
	case YAML_MAPPING_START_EVENT:
		map(r, to, depth + 1);
		anchor_set(r, event->data.mapping_start.anchor, to);
		break;
	case YAML_ALIAS_EVENT:
		alias(r, (const char *)event->data.alias.anchor, to);
		break;
	default:
		stop(r, "not a value");
	}
	yaml_event_delete(event);
}

/* ---- Documents ---- */

/* What a document consists of: a map or, for an override, whatever comes. */
static void content(struct reader *r, yaml_event_t *event, struct node *root, bool any)
{
	bool empty = event->type == YAML_SCALAR_EVENT && event->data.scalar.length == 0;

	if (any || event->type == YAML_MAPPING_START_EVENT) {
		value(r, event, root, 0);
		return;
	}
	if (!empty)
		stop(r, "expected names with values, such as `name: web-1`");
	yaml_event_delete(event);
}

static void document(struct reader *r, struct node *root, bool any)
{
	bool seen = false, over = false;
	yaml_event_t event;

	while (!over && event_next(r, &event)) {
		switch (event.type) {
		case YAML_STREAM_END_EVENT:
			over = true;
			break;
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (seen)
				stop(r, "a second document begins here; only one is read");
			seen = true;
			break;
		default:
			content(r, &event, root, any);
			continue;
		}
		yaml_event_delete(&event);
	}
}

static void read_into(struct tree *tree, struct node *root, bool any, struct bytes yaml,
		      struct faults *faults)
{
	struct reader r = {.tree = tree, .faults = faults, .yaml = yaml};

	must(yaml_parser_initialize(&r.parser));
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, yaml.at, yaml.len);
	document(&r, root, any);
	anchors_free(&r);
	yaml_parser_delete(&r.parser);
}

void tree_read(struct tree *tree, struct bytes yaml, struct faults *faults)
{
	read_into(tree, tree->root, false, yaml, faults);
}

static bool whole_file(FILE *file, uint8_t *to, size_t *len, struct fault *fault)
{
	struct stat st;

	if (fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode))
		return fault_set(fault, "is a folder, not a configuration file");
	*len = fread(to, 1, TREE_BYTES_MAX + 1, file);
	if (ferror(file))
		return fault_set(fault, "cannot be read: %s", strerror(errno));
	if (*len > TREE_BYTES_MAX)
		return fault_set(fault, "is larger than 1 MiB: not a configuration file");
	return true;
}

void tree_read_file(struct tree *tree, const char *path, struct faults *faults)
{
	FILE *file = fopen(path, "re");
	struct fault fault;
	uint8_t *text;
	size_t len = 0;

	if (file == NULL) {
		faults_add(faults, 0, 0, "%.200s cannot be opened: %s%s", path, strerror(errno),
			   fault_advice(errno));
		return;
	}
	text = must_alloc(TREE_BYTES_MAX + 1);
	if (whole_file(file, text, &len, &fault))
		tree_read(tree, bytes_of(text, len), faults);
	else
		faults_add(faults, 0, 0, "%.200s %s", path, fault.text);
	free(text);
	fclose(file);
}

void tree_override(struct tree *tree, const char *assignment, struct faults *faults)
{
	const char *equals = strchr(assignment, '=');
	struct node *node = NULL, *fresh;
	struct faults inner = {0};
	char *key;

	if (equals != NULL && equals != assignment) {
		key = must_strdup(assignment);
		key[equals - assignment] = '\0';
		node = node_make(tree, tree->root, key);
		free(key);
	}
	if (node == NULL) {
		faults_add(faults, 0, 0, "-E %.80s: expected a setting such as flow.tcp_timeout=2m",
			   assignment);
		return;
	}
	fresh = node_new(tree);
	if (equals[1] == '\0')
		node_set_text(fresh, "");
	else
		read_into(tree, fresh, true, bytes_str(equals + 1), &inner);
	for (size_t i = 0; i < inner.count && i < FAULTS_MAX; i++)
		faults_add(faults, 0, 0, "-E %.80s: %s", assignment, inner.at[i].text);
	node_replace(node, fresh);
	node->given = true;
	node->line = node->column = 0;
}
