/*
 * The body of a bulk request: an action line in front of each document, packed or not.
 *
 *   {"create":{"_id":"18ea46cfa5dc1136bd696360141a89e6"}}
 *   {"@timestamp":…}
 *
 * `create` with an identifier of our own makes a repetition harmless: the engine has the document
 * already and says 409. The index stands in the URL, or in each action where it depends on the
 * document's date.
 *
 * Source   Elasticsearch and OpenSearch, "Bulk API"
 * Owns     the body
 */
#ifndef WIRESPAN_OUTPUTS_ELASTICSEARCH_BULK_H
#define WIRESPAN_OUTPUTS_ELASTICSEARCH_BULK_H

#include "outputs/elasticsearch/pack.h"

enum {
	INDEX_MAX = 255, /* the engines' own limit */
	DAY_BYTES = 13,	 /* "2026-11-22T05": what a date pattern can use */
};

struct bulk {
	const char *index; /* pattern; NULL when it stands in the URL */
	struct pack pack;
	size_t documents, bytes; /* of documents, before packing */
	char day[DAY_BYTES];	 /* of `action` */
	char action[INDEX_MAX + 64];
	size_t action_len; /* up to the identifier */
};

/* Can be an index, alias or data stream, with or without a date in it. */
bool bulk_check_index(const char *index, struct fault *fault);
/* Does it depend on the document's date? */
bool bulk_index_varies(const char *index);
/* The pattern for one date (DAY_BYTES of a document's time). */
void bulk_index(const char *index, const char *day, char to[INDEX_MAX + 1]);

void bulk_init(struct bulk *bulk, const struct elastic_conf *conf);
void bulk_fini(struct bulk *bulk);

void bulk_begin(struct bulk *bulk);
void bulk_add(struct bulk *bulk, const struct batch *batch, const struct entry *entry);

#endif
