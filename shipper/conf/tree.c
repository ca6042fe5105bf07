#include "shipper/conf/tree.h"

#include "shipper/base/must.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 256 };

void tree_init(struct tree *tree)
{
	*tree = (struct tree){0};
	tree->root = node_new(tree);
	tree->root->kind = NODE_MAP;
}

void tree_fini(struct tree *tree)
{
	struct node *next;

	for (struct node *node = tree->made; node != NULL; node = next) {
		next = node->made;
		free(node->key);
		free(node->text);
		free(node->unset);
		free(node);
	}
	*tree = (struct tree){0};
}

struct node *node_new(struct tree *tree)
{
	struct node *node = must_alloc(sizeof(*node));

	node->made = tree->made;
	tree->made = node;
	tree->nodes++;
	return node;
}

void node_append(struct node *to, struct node *node)
{
	node->next = NULL;
	if (to->last != NULL)
		to->last->next = node;
	else
		to->first = node;
	to->last = node;
}

void node_remove(struct node *map, struct node *node)
{
	struct node **at = &map->first;

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	map->last = NULL;
	for (struct node *other = map->first; other != NULL; other = other->next)
		map->last = other;
	node->next = NULL;
}

static struct node *member_named(const struct node *map, const char *key, size_t len)
{
	for (struct node *node = map->first; node != NULL; node = node->next)
		if (node->key != NULL && strncmp(node->key, key, len) == 0 &&
		    node->key[len] == '\0')
			return node;
	return NULL;
}

struct node *node_member(const struct node *map, const char *key)
{
	return map->kind == NODE_MAP ? member_named(map, key, strlen(key)) : NULL;
}

struct node *node_find(const struct node *map, const char *dotted)
{
	const struct node *at = map;

	for (;;) {
		size_t len = strcspn(dotted, ".");
		struct node *node = at->kind == NODE_MAP ? member_named(at, dotted, len) : NULL;

		if (node == NULL || dotted[len] == '\0')
			return node;
		at = node;
		dotted += len + 1;
	}
}

static char *part_of(const char *key, size_t len)
{
	char *part = must_alloc(len + 1);

	memcpy(part, key, len);
	return part;
}

struct node *node_make(struct tree *tree, struct node *map, const char *dotted)
{
	struct node *node = map;

	if (strlen(dotted) > KEY_MAX)
		return NULL;
	for (;; dotted++) {
		size_t len = strcspn(dotted, ".");
		struct node *member;

		if (node->kind == NODE_NONE)
			node->kind = NODE_MAP;
		if (len == 0 || node->kind != NODE_MAP)
			return NULL;
		member = member_named(node, dotted, len);
		if (member == NULL) {
			member = node_new(tree);
			member->key = part_of(dotted, len);
			node_append(node, member);
		}
		node = member;
		dotted += len;
		if (*dotted == '\0')
			return node;
	}
}

void node_set_text(struct node *node, const char *text)
{
	char *copy = must_strdup(text);

	free(node->text);
	node->text = copy;
	node->kind = NODE_TEXT;
	node->first = node->last = NULL;
}

void node_replace(struct node *node, struct node *fresh)
{
	free(node->text);
	free(node->unset);
	node->kind = fresh->kind;
	node->text = fresh->text;
	node->unset = fresh->unset;
	node->quoted = fresh->quoted;
	node->first = fresh->first;
	node->last = fresh->last;
	fresh->kind = NODE_NONE;
	fresh->text = fresh->unset = NULL;
	fresh->first = fresh->last = NULL;
}

/* ---- Variables ---- */

__attribute__((format(printf, 2, 3))) static void unset(struct node *node, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	free(node->unset);
	node->unset = must_strdup(text);
}

/* What stands for ${inside}, or NULL. */
static const char *value_of(struct node *node, const char *inside, size_t len, size_t *value_len)
{
	char name[KEY_MAX];
	size_t name_len = 0;
	const char *value;

	while (name_len < len && inside[name_len] != ':')
		name_len++;
	if (name_len == 0 || name_len >= sizeof(name)) {
		unset(node, "${%.80s names no variable", inside);
		return NULL;
	}
	memcpy(name, inside, name_len);
	name[name_len] = '\0';
	value = getenv(name);
	if (value != NULL) {
		*value_len = strlen(value);
	} else if (name_len < len && inside[name_len + 1] != '?') {
		value = inside + name_len + 1;
		*value_len = len - name_len - 1;
	} else {
		unset(node,
		      "the variable %.80s is not set, and no default is given: ${NAME:default}",
		      name);
	}
	return value;
}

static void text_expand(struct node *node)
{
	const char *from = node->text;
	char *whole = NULL;
	size_t size;
	FILE *to = open_memstream(&whole, &size);

	must(to != NULL);
	while (*from != '\0') {
		size_t plain = strcspn(from, "$"), len, value_len;
		const char *value;

		fwrite(from, 1, plain, to);
		from += plain;
		if (strncmp(from, "$${", 3) == 0) {
			fputs("${", to);
			from += 3;
			continue;
		}
		if (strncmp(from, "${", 2) != 0) {
			if (*from != '\0')
				fputc(*from++, to);
			continue;
		}
		len = strcspn(from + 2, "}");
		if (from[2 + len] == '\0') {
			unset(node, "%.80s has no closing }", from);
			break;
		}
		value = value_of(node, from + 2, len, &value_len);
		if (value == NULL)
			break;
		fwrite(value, 1, value_len, to);
		from += 2 + len + 1;
	}
	fclose(to);
	if (size > TREE_TEXT_MAX)
		unset(node, "too long after its variables were put in");
	free(node->text);
	node->text = whole;
}

void tree_expand(struct tree *tree)
{
	for (struct node *node = tree->made; node != NULL; node = node->made)
		if (node->kind == NODE_TEXT && strchr(node->text, '$') != NULL)
			text_expand(node);
}

static void check(const struct node *node, struct faults *faults)
{
	if (node->unset != NULL)
		faults_add(faults, node->line, node->column, "%s", node->unset);
	for (const struct node *member = node->first; member != NULL; member = member->next)
		check(member, faults);
}

void tree_check(const struct tree *tree, struct faults *faults)
{
	check(tree->root, faults);
}
