#include "shipper/conf/tree.h"

#include "shipper/base/must.h"

#include <stdlib.h>
#include <string.h>

void text_wipe(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

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
		text_wipe(node->text);
		free(node->unset);
		free(node);
	}
	texts_fini(&tree->files);
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

	if (strlen(dotted) > TREE_KEY_MAX)
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

	text_wipe(node->text);
	node->text = copy;
	node->kind = NODE_TEXT;
	node->first = node->last = NULL;
}

void node_replace(struct node *node, struct node *fresh)
{
	text_wipe(node->text);
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
