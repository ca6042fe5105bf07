/*
 * Keys of documents, prepared: for each field the object it lies in and the text that leads to it.
 * The document writer's own; others see doc.h.
 *
 *   field         http.request.method
 *   text          "http":{"request":{"method":
 *   leaf                             ^ from here on when http.request is the object that is open
 *
 * Objects are numbered; 0 is the document itself.
 */
#ifndef WIRESPAN_TXN_DOC_KEYS_H
#define WIRESPAN_TXN_DOC_KEYS_H

#include "shipper/txn/doc.h"

enum {
	KEY_NODES_MAX = 256,  /* objects, bits of doc.opened */
	KEY_FIELDS_MAX = 512, /* fields, bits of doc.written */
	KEY_DEPTH_MAX = 8,    /* objects within each other */
	KEY_TEXT_MAX = 192,   /* all of a key's text */
	KEY_CHUNK = 32,	      /* key text is copied by chunks; behind each text is room for one */
};

struct key {
	const uint8_t *text;
	uint16_t node; /* the object it lies in */
	uint8_t len;
	uint8_t leaf; /* where its own name begins */
};

struct node {
	uint16_t parent;
	uint8_t depth; /* of the document itself: 0 */
	uint8_t len;   /* of the text that opens it and all around it */
};

struct doc_keys {
	struct key keys[KEY_FIELDS_MAX];
	size_t keys_count;
	struct node nodes[KEY_NODES_MAX];
	size_t nodes_count;
	uint8_t *texts; /* one block */
};

#endif
