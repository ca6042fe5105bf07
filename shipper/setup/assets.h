/*
 * What an engine is given before documents come, as JSON: component templates from the field
 * tables, an index template, a policy of ILM (Elasticsearch) or ISM (OpenSearch), a pipeline.
 *
 * Each carries a digest of itself, by which a later run sees that nothing has changed.
 *
 * Source   Elasticsearch and OpenSearch manuals: index and component templates, field types, ILM,
 *          ISM, ingest pipelines
 */
#ifndef WIRESPAN_SETUP_ASSETS_H
#define WIRESPAN_SETUP_ASSETS_H

#include "shipper/base/buf.h"
#include "shipper/setup/conf.h"
#include "shipper/setup/session.h"

/* What an engine may lack; where it does, something plainer stands in. */
enum lack {
	LACK_FLATTENED = 1 << 0,   /* flattened, flat_object: an object with keywords in it */
	LACK_WORDS = 1 << 1,	   /* match_only_text: text */
	LACK_DATA_STREAM = 1 << 2, /* ordinary indices */
	LACK_LIFECYCLE = 1 << 3,   /* indices grow and stay */
	LACK_PIPELINE = 1 << 4,
	LACK_PLACES = 1 << 5,	/* of addresses: a pipeline without them */
	LACK_WILDCARD = 1 << 6, /* keyword */
};

struct plan {
	const struct setup_conf *conf;
	struct search_engine engine;
	const char *index; /* as output.elasticsearch.index has it */
	unsigned lacks;	   /* enum lack, or-ed */
};

enum asset {
	ASSET_LIFECYCLE,
	ASSET_PIPELINE,
	ASSET_SETTINGS,
	ASSET_MAPPINGS,
	ASSET_TEMPLATE,
	ASSET_COUNT
};

/* What the version alone tells that it lacks. */
unsigned plan_lacks(const struct search_engine *engine, const char *index);
/* Is it to be loaded at all? */
bool asset_wanted(const struct plan *plan, enum asset which);
const char *asset_name(const struct plan *plan, enum asset which);
void asset_path(const struct plan *plan, enum asset which, char *to, size_t size);

enum { DIGEST_BYTES = 17 };
/* The digest stands in the body, and in what the engine says of it later; but in a policy of ILM
 * before 7.16, which has no place for it. */
void asset_body(const struct plan *plan, enum asset which, struct buf *out,
		char digest[DIGEST_BYTES]);

#endif
