/*
 * A YAML document as a tree of maps, lists and texts, each with its place.
 *
 *   capture.snap_bytes: 4KiB        is the same as        capture:
 *                                                           snap_bytes: 4KiB
 *
 * Dotted keys and nested maps become the same tree, and a value that is given twice is a fault.
 * Anchors and aliases are known. `${VAR}` and `${VAR:default}` are put in by tree_expand, after
 * reading, so that a variable's value is never read as YAML. So is `${file:NAME}`, what the file
 * holds without the newline at its end; a name without a slash is one of systemd's credentials.
 *
 * Source   YAML 1.1, as libyaml has it
 * Owns     all nodes and texts, until tree_fini
 * Errors   faults with line and column; limits on size, depth and number of nodes
 */
#ifndef WIRESPAN_CONF_TREE_H
#define WIRESPAN_CONF_TREE_H

#include "shipper/base/bytes.h"
#include "shipper/conf/settings.h"

enum {
	TREE_BYTES_MAX = 1 << 20,
	TREE_DEPTH_MAX = 32,
	TREE_KEY_MAX = 256,
	TREE_NODES_MAX = 20000,
	TREE_TEXT_MAX = 64 << 10,   /* one text, after variables were put in */
	TREE_COPIED_MAX = 16 << 20, /* bytes of texts that aliases repeat */
};

enum node_kind {
	NODE_NONE, /* nothing behind the colon, ~ or null */
	NODE_TEXT,
	NODE_LIST,
	NODE_MAP,
};

struct node {
	enum node_kind kind;
	char *key;	  /* in a map, else NULL; one part, without dots */
	char *text;	  /* NODE_TEXT */
	bool quoted;	  /* text stood in quotes or a block */
	bool given;	  /* named by a key of its own, not only on the way to another */
	char *unset;	  /* what is wrong with a ${VAR} of the text, NULL when nothing is */
	int line, column; /* of the key, else of the value; 0 when it came from elsewhere */
	struct node *first, *last, *next; /* members, in order */
	struct node *made;		  /* all nodes of the tree, for tree_fini */
};

struct tree {
	struct node *root; /* a NODE_MAP, never NULL */
	struct node *made;
	size_t nodes;
	size_t copied_bytes;
	struct texts files; /* that ${file:} was read from */
	bool broken;	    /* reading ended early: what is there is not all that was meant */
};

void tree_init(struct tree *tree);
void tree_fini(struct tree *tree);

/* Adds a document's members to the root. What could not be used is in faults. */
void tree_read(struct tree *tree, struct bytes yaml, struct faults *faults);
void tree_read_file(struct tree *tree, const char *path, struct faults *faults);
/* "dotted.key=value", the value as YAML; takes the place of what was there. */
void tree_override(struct tree *tree, const char *assignment, struct faults *faults);

/* What is wrong with a variable is kept with its node until tree_check, so that nobody is troubled
 * about parts of a tree that were taken out in between. */
void tree_expand(struct tree *tree);
void tree_check(const struct tree *tree, struct faults *faults);

struct node *node_new(struct tree *tree);			   /* in no map yet */
struct node *node_member(const struct node *map, const char *key); /* NULL when there is none */
struct node *node_find(const struct node *map, const char *dotted);
/* Finds or makes the maps on the way and the node; NULL when something else is on the way, or the
 * name is too long. */
struct node *node_make(struct tree *tree, struct node *map, const char *dotted);
/* Frees what may be a secret, wiped. NULL will do. */
void text_wipe(char *text);
void node_set_text(struct node *node, const char *text);
/* `node` gets the value of `fresh`, which is left empty. */
void node_replace(struct node *node, struct node *fresh);
void node_append(struct node *to, struct node *node);
/* Takes `node` out of its map or list. It stays the tree's. */
void node_remove(struct node *map, struct node *node);

/* For whoever reads a tree: faults and remarks with their place. */
void faults_add(struct faults *faults, int line, int column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void faults_remark(struct faults *faults, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
